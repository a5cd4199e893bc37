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
use lockkeeper_core::parse::{AddConstraint, AlterTable, AlterTableAction, ConstraintKind, Ident, Sql};

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
        Example::up("ALTER TABLE t DROP CONSTRAINT t_a_fkey; ALTER TABLE t ADD FOREIGN KEY (a) REFERENCES u NOT VALID"),
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

/// Whether the file adds a constraint by this name to the table, from here on; or a foreign key over the columns
/// that the server's own name for it tells.
fn comes_back(seen: &Seen<'_>, dropped: &AlterTable, constraint: Option<&Ident>) -> bool {
    let is_it = |add: &AddConstraint| {
        let columns: Vec<&str> = add.columns.iter().map(Ident::as_str).collect();
        let suffix = format!("_{}_fkey", columns.join("_"));
        let by_columns = add.name.is_none() && add.kind == ConstraintKind::ForeignKey && !columns.is_empty();
        add.name.as_ref() == constraint || by_columns && constraint.is_some_and(|name| name.as_str().ends_with(&suffix))
    };
    let statements = &seen.script.statements;
    let later = &statements[statements.partition_point(|it| it.span.start < seen.statement.span.start)..];
    later
        .iter()
        .filter_map(|statement| match &statement.sql {
            Sql::AlterTable(alter) if alter.table == dropped.table => Some(alter),
            _ => None,
        })
        .flat_map(|alter| &alter.actions)
        .any(|action| matches!(action, AlterTableAction::AddConstraint(_, add) if is_it(add)))
}
