//! A check on a new column that reads every row.
//!
//! ## What it finds
//! ADD COLUMN … CHECK (…).
//!
//! ## Why it hurts a running system
//! The whole table is read under ACCESS EXCLUSIVE, although the new column holds the same in every row (measured on 12 to 18).
//!
//! ## The way out
//! ADD COLUMN, then ADD CONSTRAINT … CHECK … NOT VALID, then VALIDATE CONSTRAINT in a later migration.

use lockkeeper_core::message;
use lockkeeper_core::parse::AlterTableAction;

use crate::report::Severity;
use crate::rule::{Check, Example, Hits, Rule, Seen, shown};

pub const RULE: Rule = Rule {
    name: "new-column-with-check",
    severity: Some(Severity::Error),
    mended: true,
    source: include_str!("new_column_with_check.rs"),
    bad: &[Example::up("ALTER TABLE t ADD COLUMN a int CHECK (a > 0)")],
    good: &[Example::up("ALTER TABLE t ADD COLUMN a int; ALTER TABLE t ADD CONSTRAINT c CHECK (a > 0) NOT VALID")],
    check: Check::Up(check),
};

fn check(seen: &Seen<'_>, out: &mut Hits) {
    let Some((alter, table)) = seen.altered() else { return };
    for action in &alter.actions {
        if let AlterTableAction::AddColumn(span, add) = action
            && add.checked
        {
            let column = shown(add.column.as_ref());
            out.hit(
                *span,
                message!("rule-new-column-with-check", table = table.as_str(), column = column),
                message!("rule-new-column-with-check-help"),
            );
        }
    }
}
