//! NOT NULL that reads the whole table while nobody may.
//!
//! ## What it finds
//! SET NOT NULL on a column that no validated CHECK (column IS NOT NULL) vouches for.
//!
//! ## Why it hurts a running system
//! ACCESS EXCLUSIVE stops even SELECT until every row has been looked at.
//!
//! ## The way out
//! ADD CHECK (column IS NOT NULL) NOT VALID, VALIDATE CONSTRAINT, SET NOT NULL (which then reads nothing), DROP CONSTRAINT.
//! From 18 on: ADD CONSTRAINT … NOT NULL column NOT VALID, then VALIDATE CONSTRAINT.

use lockkeeper_core::message;
use lockkeeper_core::parse::{AlterTableAction, ColumnChange, ConstraintKind};

use crate::report::Severity;
use crate::rule::{Check, Example, Hits, Rule, Seen, shown};

pub const RULE: Rule = Rule {
    name: "not-null-without-check",
    severity: Some(Severity::Error),
    mended: true,
    source: include_str!("not_null_without_check.rs"),
    bad: &[
        Example::up("ALTER TABLE t ALTER a SET NOT NULL"),
        Example::up("ALTER TABLE t ALTER a SET NOT NULL").after(&[(
            "x",
            "ALTER TABLE t ADD CONSTRAINT c CHECK (a IS NOT NULL) NOT VALID",
            "SELECT 1",
        )]),
        Example::up("ALTER TABLE t ADD CONSTRAINT n NOT NULL a").on(180_000),
    ],
    good: &[
        Example::up("ALTER TABLE t ALTER a SET NOT NULL").after(&[
            ("x", "ALTER TABLE t ADD CONSTRAINT c CHECK (a IS NOT NULL) NOT VALID", "SELECT 1"),
            ("y", "ALTER TABLE t VALIDATE CONSTRAINT c", "SELECT 1"),
        ]),
        Example::up("ALTER TABLE t ADD CONSTRAINT n NOT NULL a NOT VALID").on(180_000),
    ],
    check: Check::Both(check),
};

fn check(seen: &Seen<'_>, out: &mut Hits) {
    let Some((alter, table)) = seen.altered() else { return };
    for action in &alter.actions {
        let column = match action {
            AlterTableAction::AlterColumn { column, change: ColumnChange::SetNotNull, .. } => column.as_ref(),
            AlterTableAction::AddConstraint(_, add) if add.kind == ConstraintKind::NotNull && !add.not_valid => {
                add.columns.first()
            }
            _ => continue,
        };
        if !seen.history.proves_not_null(alter.table.as_ref(), column) {
            out.hit(
                action.span(),
                message!("rule-not-null-without-check", table = table.as_str(), column = shown(column)),
                message!("rule-not-null-without-check-help", column = shown(column)),
            );
        }
    }
}
