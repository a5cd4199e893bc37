//! A column that numbers every row that is there.
//!
//! ## What it finds
//! ADD COLUMN of type serial, or GENERATED … AS IDENTITY.
//!
//! ## Why it hurts a running system
//! The whole table and all of its indexes are written anew under ACCESS EXCLUSIVE.
//!
//! ## The way out
//! ADD COLUMN of type bigint, a sequence of its own as default for new rows, a backfill, then ADD GENERATED.

use lockkeeper_core::message;
use lockkeeper_core::parse::AlterTableAction;

use crate::report::Severity;
use crate::rule::{Check, Example, Hits, Rule, Seen, shown};

pub const RULE: Rule = Rule {
    name: "numbered-column",
    severity: Some(Severity::Error),
    mended: false,
    source: include_str!("numbered_column.rs"),
    bad: &[
        Example::up("ALTER TABLE t ADD COLUMN n bigserial"),
        Example::up("ALTER TABLE t ADD COLUMN n bigint GENERATED ALWAYS AS IDENTITY"),
    ],
    good: &[
        Example::up("ALTER TABLE t ADD COLUMN n bigint"),
        Example::up("ALTER TABLE t ADD COLUMN n int GENERATED ALWAYS AS (a + 1) STORED"),
    ],
    check: Check::Up(check),
};

fn check(seen: &Seen<'_>, out: &mut Hits) {
    let Some((alter, table)) = seen.altered() else { return };
    for action in &alter.actions {
        if let AlterTableAction::AddColumn(span, add) = action
            && add.fills_every_row
            && !add.stored
        {
            let column = shown(add.column.as_ref());
            out.hit(
                *span,
                message!("rule-numbered-column", table = table.as_str(), column = column),
                message!("rule-numbered-column-help"),
            );
        }
    }
}
