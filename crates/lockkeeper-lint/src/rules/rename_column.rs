//! A column whose name changes under the running code.
//!
//! ## What it finds
//! RENAME COLUMN of a column that exists before the file.
//!
//! ## Why it hurts a running system
//! Code that knows one name fails while the other is in place: there is no moment at which both the old and the new code work.
//!
//! ## The way out
//! A new column, kept equal by a trigger; the code moves to it, and the old one goes in stage 2.

use lockkeeper_core::message;
use lockkeeper_core::parse::AlterTableAction;

use crate::report::Severity;
use crate::rule::{Check, Example, Hits, Rule, Seen};

pub const RULE: Rule = Rule {
    name: "rename-column",
    severity: Some(Severity::Error),
    mended: false,
    source: include_str!("rename_column.rs"),
    bad: &[Example::up("ALTER TABLE t RENAME COLUMN a TO b")],
    good: &[Example::up("ALTER TABLE t ADD a int; ALTER TABLE t RENAME a TO b")],
    check: Check::Up(check),
};

fn check(seen: &Seen<'_>, out: &mut Hits) {
    let Some((alter, table)) = seen.altered() else { return };
    for action in &alter.actions {
        if let AlterTableAction::RenameColumn { span, column: Some(column), .. } = action
            && !seen.fresh.column(alter.table.as_ref(), column)
        {
            out.hit(
                *span,
                message!("rule-rename-column", table = table.as_str(), column = column.to_string()),
                message!("rule-rename-column-help"),
            );
        }
    }
}
