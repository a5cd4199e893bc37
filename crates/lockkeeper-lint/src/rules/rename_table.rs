//! A table whose name changes under the running code.
//!
//! ## What it finds
//! RENAME TO and SET SCHEMA of a table that exists before the file.
//!
//! ## Why it hurts a running system
//! Code that knows one name fails while the other is in place.
//!
//! ## The way out
//! The new name as a view over the table in the same transaction as the rename, or the old name as one; the view goes in stage 2.

use lockkeeper_core::message;
use lockkeeper_core::parse::{AlterTableAction, ObjectKind, Sql, Statement};

use crate::report::Severity;
use crate::rule::{Check, Example, Hits, Rule, Seen};

pub const RULE: Rule = Rule {
    name: "rename-table",
    severity: Some(Severity::Error),
    mended: false,
    source: include_str!("rename_table.rs"),
    bad: &[Example::up("ALTER TABLE t RENAME TO u"), Example::up("ALTER TABLE t SET SCHEMA s")],
    good: &[
        Example::up("CREATE TABLE t (a int); ALTER TABLE t RENAME TO u"),
        Example::up("ALTER TABLE t RENAME TO u; CREATE VIEW t AS SELECT * FROM u"),
    ],
    check: Check::Up(check),
};

fn check(seen: &Seen<'_>, out: &mut Hits) {
    let Some((alter, table)) = seen.altered() else { return };
    let stands_in = |statement: &Statement| matches!(&statement.sql, Sql::Create { object: ObjectKind::View, name, .. } if *name == alter.table);
    for action in &alter.actions {
        if let AlterTableAction::RenameTable(span, _) | AlterTableAction::SetSchema(span) = action
            && !seen.script.statements.iter().any(stands_in)
        {
            out.hit(
                *span,
                message!("rule-rename-table", table = table.as_str()),
                message!("rule-rename-table-help", table = table.as_str()),
            );
        }
    }
}
