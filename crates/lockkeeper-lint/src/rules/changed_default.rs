//! A default, or its absence, that running code relies on.
//!
//! ## What it finds
//! DROP DEFAULT, SET DEFAULT, DROP NOT NULL, DROP IDENTITY, DROP EXPRESSION on a column that exists before the file. Not the default that comes with a new type.
//!
//! ## Why it hurts a running system
//! Rows that the running code writes from then on hold something else than it expects.
//!
//! ## The way out
//! Look at what the old code does with such rows.

use lockkeeper_core::message;
use lockkeeper_core::parse::{AlterTableAction, ColumnChange};

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
        let comes_with_type = *change == ColumnChange::SetDefault
            && alter.actions.iter().any(|other| {
                matches!(other, AlterTableAction::AlterColumn { column: of, new_type: Some(_), .. } if of.as_ref() == Some(column))
            });
        if is_one && !comes_with_type && !seen.fresh.column(alter.table.as_ref(), column) {
            out.hit(
                *span,
                message!("rule-changed-default", table = table.as_str(), column = column.to_string()),
                message!("rule-changed-default-help"),
            );
        }
    }
}
