//! A default that is computed for every row that is there.
//!
//! ## What it finds
//! ADD COLUMN with a default that may differ from row to row: `random()`, `gen_random_uuid()`, `clock_timestamp()`, a function of your own.
//!
//! ## Why it hurts a running system
//! The whole table and all of its indexes are written anew under ACCESS EXCLUSIVE. A constant, or `now()`, costs nothing.
//!
//! ## The way out
//! ADD COLUMN without a default, ALTER COLUMN … SET DEFAULT for new rows, and a backfill in batches.

use lockkeeper_core::message;
use lockkeeper_core::parse::AlterTableAction;

use crate::report::Severity;
use crate::rule::{Check, Example, Hits, Rule, Seen, shown};

pub const RULE: Rule = Rule {
    name: "volatile-default",
    severity: Some(Severity::Error),
    mended: true,
    source: include_str!("volatile_default.rs"),
    bad: &[Example::up("ALTER TABLE t ADD COLUMN a uuid DEFAULT gen_random_uuid()")],
    good: &[
        Example::up("ALTER TABLE t ADD COLUMN a timestamptz DEFAULT now()"),
        Example::up("ALTER TABLE t ADD COLUMN a text DEFAULT 'x'"),
    ],
    check: Check::Up(check),
};

fn check(seen: &Seen<'_>, out: &mut Hits) {
    let Some((alter, table)) = seen.altered() else { return };
    for action in &alter.actions {
        if let AlterTableAction::AddColumn(span, add) = action
            && add.default_may_be_volatile
            && !add.fills_every_row
        {
            let column = shown(add.column.as_ref());
            out.hit(
                *span,
                message!("rule-volatile-default", table = table.as_str(), column = column),
                message!("rule-volatile-default-help"),
            );
        }
    }
}
