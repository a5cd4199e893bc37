//! A generated column that is stored for every row.
//!
//! ## What it finds
//! ADD COLUMN … GENERATED ALWAYS AS (…) STORED.
//!
//! ## Why it hurts a running system
//! The whole table and all of its indexes are written anew under ACCESS EXCLUSIVE.
//!
//! ## The way out
//! A plain column, a trigger for new rows and a backfill. From 18 on: VIRTUAL, which writes nothing.

use lockkeeper_core::message;
use lockkeeper_core::parse::AlterTableAction;

use crate::report::Severity;
use crate::rule::{Check, Example, Hits, Rule, Seen, shown};

pub const RULE: Rule = Rule {
    name: "stored-generated-column",
    severity: Some(Severity::Error),
    mended: false,
    source: include_str!("stored_generated_column.rs"),
    bad: &[Example::up("ALTER TABLE t ADD COLUMN n int GENERATED ALWAYS AS (a + 1) STORED")],
    good: &[
        Example::up("ALTER TABLE t ADD COLUMN n int"),
        Example::up("ALTER TABLE t ADD COLUMN n int GENERATED ALWAYS AS (a + 1) VIRTUAL").on(180_000),
    ],
    check: Check::Up(check),
};

fn check(seen: &Seen<'_>, out: &mut Hits) {
    let Some((alter, table)) = seen.altered() else { return };
    for action in &alter.actions {
        if let AlterTableAction::AddColumn(span, add) = action
            && add.stored
        {
            let column = shown(add.column.as_ref());
            out.hit(
                *span,
                message!("rule-stored-generated-column", table = table.as_str(), column = column),
                message!("rule-stored-generated-column-help"),
            );
        }
    }
}
