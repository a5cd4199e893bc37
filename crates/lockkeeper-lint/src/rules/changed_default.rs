//! A default, or its absence, that running code relies on.
//!
//! ## What it finds
//! DROP DEFAULT, SET DEFAULT, DROP NOT NULL, DROP IDENTITY, DROP EXPRESSION on a column that exists before the file. Not the default that comes with a new type.
//!
//! ## Why it hurts a running system
//! Rows that the running code writes from then on hold something else than it expects; without NOT NULL it reads NULL where there was none.
//!
//! ## The way out
//! Look at what the old code does with such rows.

use lockkeeper_core::message;
use lockkeeper_core::parse::{AlterTable, AlterTableAction, ColumnChange, Ident, Sql};

use crate::report::Severity;
use crate::rule::{Check, Example, Hits, Rule, Seen};

pub const RULE: Rule = Rule {
    name: "changed-default",
    severity: Some(Severity::Note),
    mended: false,
    source: include_str!("changed_default.rs"),
    bad: &[Example::up("ALTER TABLE t ALTER a DROP DEFAULT"), Example::up("ALTER TABLE t ALTER a DROP NOT NULL")],
    good: &[
        Example::up("ALTER TABLE t ADD a int; ALTER TABLE t ALTER a SET DEFAULT 1"),
        Example::up("ALTER TABLE t ALTER a SET STATISTICS 100"),
        Example::up("ALTER TABLE t ALTER a TYPE timestamptz, ALTER a SET DEFAULT now()"),
        Example::up("ALTER TABLE t ALTER a TYPE text; ALTER TABLE t ALTER a SET DEFAULT ''"),
        Example::up("ALTER TABLE t ALTER a SET DEFAULT 0").after(&[(
            "t",
            "CREATE TABLE t (a int NOT NULL)",
            "DROP TABLE t",
        )]),
    ],
    check: Check::Up(check),
};

fn check(seen: &Seen<'_>, out: &mut Hits) {
    let Some((alter, table)) = seen.altered() else { return };
    for action in &alter.actions {
        let AlterTableAction::AlterColumn { span, column: Some(column), change, .. } = action else { continue };
        let is_one = matches!(
            change,
            ColumnChange::DropDefault
                | ColumnChange::SetDefault
                | ColumnChange::DropNotNull
                | ColumnChange::DropIdentity
                | ColumnChange::DropExpression
        );
        let comes_with_type = *change == ColumnChange::SetDefault && changes_type(seen, alter, column);
        // Whoever writes a row has always had to say what stands there.
        let was_required = matches!(change, ColumnChange::SetDefault)
            && seen
                .history
                .column(alter.table.as_ref(), Some(column))
                .is_some_and(|known| known.not_null && !known.has_default);
        if !is_one || comes_with_type || was_required || seen.fresh.column(alter.table.as_ref(), column) {
            continue;
        }
        let (table, column) = (table.as_str(), column.to_string());
        let (what, help) = if *change == ColumnChange::DropNotNull {
            (
                message!("rule-changed-default-null", table = table, column = column),
                message!("rule-changed-default-null-help"),
            )
        } else {
            (message!("rule-changed-default", table = table, column = column), message!("rule-changed-default-help"))
        };
        out.hit(*span, what, help);
    }
}

/// Whether the file changes the column's type, too: its default is written anew then.
fn changes_type(seen: &Seen<'_>, of: &AlterTable, column: &Ident) -> bool {
    let alters = seen.script.statements.iter().filter_map(|statement| match &statement.sql {
        Sql::AlterTable(alter) if alter.table == of.table => Some(alter),
        _ => None,
    });
    alters.flat_map(|alter| &alter.actions).any(|action| {
        matches!(action, AlterTableAction::AlterColumn { column: Some(other), new_type: Some(_), .. } if other == column)
    })
}
