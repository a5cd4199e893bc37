//! A validation that keeps the strong lock.
//!
//! ## What it finds
//! VALIDATE CONSTRAINT in the same transaction, or the same ALTER TABLE, as the ADD CONSTRAINT … NOT VALID before it.
//!
//! ## Why it hurts a running system
//! The lock that ADD CONSTRAINT takes is held until the end of the transaction, so the table is read under it after all: NOT VALID has won nothing.
//!
//! ## The way out
//! VALIDATE CONSTRAINT in a migration of its own.

use lockkeeper_core::message;
use lockkeeper_core::parse::AlterTableAction;

use crate::report::Severity;
use crate::rule::{Check, Example, Hits, Rule, Seen};

pub const RULE: Rule = Rule {
    name: "validate-in-same-transaction",
    severity: Some(Severity::Error),
    mended: false,
    source: include_str!("validate_in_same_transaction.rs"),
    bad: &[
        Example::up("ALTER TABLE t ADD CONSTRAINT c CHECK (a > 0) NOT VALID; ALTER TABLE t VALIDATE CONSTRAINT c"),
        Example::up("ALTER TABLE t ADD CONSTRAINT c CHECK (a > 0) NOT VALID, VALIDATE CONSTRAINT c"),
    ],
    good: &[
        Example::up("ALTER TABLE t VALIDATE CONSTRAINT c"),
        Example::up(
            "-- lockkeeper: no-transaction
ALTER TABLE t ADD CONSTRAINT c CHECK (a > 0) NOT VALID; ALTER TABLE t VALIDATE CONSTRAINT c",
        ),
        Example::up(
            "CREATE TABLE t (a int); ALTER TABLE t ADD CONSTRAINT c CHECK (a > 0) NOT VALID; ALTER TABLE t VALIDATE CONSTRAINT c",
        ),
    ],
    check: Check::Both(check),
};

fn check(seen: &Seen<'_>, out: &mut Hits) {
    let Some((alter, table)) = seen.altered() else { return };
    for action in &alter.actions {
        let AlterTableAction::ValidateConstraint { span, constraint } = action else { continue };
        let adds = |other: &AlterTableAction| matches!(other, AlterTableAction::AddConstraint(_, add) if add.not_valid && add.name == *constraint);
        let in_statement = alter.actions.iter().any(adds);
        let in_file = match (&alter.table, constraint) {
            (Some(table), Some(constraint)) => seen.passed.added_not_valid(table, constraint),
            _ => false,
        };
        if in_statement || (in_file && seen.in_one_transaction()) {
            out.hit(
                *span,
                message!("rule-validate-in-same-transaction", table = table.as_str()),
                message!("rule-validate-in-same-transaction-help"),
            );
        }
    }
}
