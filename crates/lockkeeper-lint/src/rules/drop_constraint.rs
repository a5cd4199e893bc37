//! A constraint that goes while code relies on it.
//!
//! ## What it finds
//! DROP CONSTRAINT of a constraint that exists before the file, unless the file adds one by the same name again.
//!
//! ## Why it hurts a running system
//! Rows come in that it kept out, so it cannot be brought back; ON CONFLICT on it fails at once. For a foreign key ACCESS EXCLUSIVE is taken on the other table, too.
//!
//! ## The way out
//! Stage 2, which Lockkeeper makes it.

use lockkeeper_core::message;
use lockkeeper_core::parse::{AlterTable, AlterTableAction, Ident, Sql};

use crate::report::Severity;
use crate::rule::{Check, Example, Hits, Rule, Seen, shown};

pub const RULE: Rule = Rule {
    name: "drop-constraint",
    severity: Some(Severity::Note),
    mended: false,
    source: include_str!("drop_constraint.rs"),
    bad: &[Example::up("ALTER TABLE t DROP CONSTRAINT c")],
    good: &[
        Example::up("ALTER TABLE t ADD CONSTRAINT c CHECK (a > 0) NOT VALID; ALTER TABLE t DROP CONSTRAINT c"),
        Example::up(
            "ALTER TABLE t DROP CONSTRAINT c, \
             ADD CONSTRAINT c FOREIGN KEY (a) REFERENCES u ON DELETE CASCADE NOT VALID",
        ),
    ],
    check: Check::Up(check),
};

fn check(seen: &Seen<'_>, out: &mut Hits) {
    let Some((alter, table)) = seen.altered() else { return };
    for action in &alter.actions {
        if let AlterTableAction::DropConstraint { span, constraint, .. } = action
            && !seen.fresh.constraint(constraint.as_ref())
            && !comes_back(seen, alter, constraint.as_ref())
        {
            out.hit(
                *span,
                message!("rule-drop-constraint", table = table.as_str(), name = shown(constraint.as_ref())),
                message!("rule-drop-constraint-help"),
            );
        }
    }
}

/// Whether the file adds a constraint by this name to the table, from here on.
fn comes_back(seen: &Seen<'_>, dropped: &AlterTable, constraint: Option<&Ident>) -> bool {
    let statements = &seen.script.statements;
    let later = &statements[statements.partition_point(|it| it.span.start < seen.statement.span.start)..];
    later
        .iter()
        .filter_map(|statement| match &statement.sql {
            Sql::AlterTable(alter) if alter.table == dropped.table => Some(alter),
            _ => None,
        })
        .flat_map(|alter| &alter.actions)
        .any(|action| matches!(action, AlterTableAction::AddConstraint(_, add) if add.name.as_ref() == constraint))
}
