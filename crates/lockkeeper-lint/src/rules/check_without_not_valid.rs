//! A check tested against every row while nobody may read.
//!
//! ## What it finds
//! ADD CHECK without NOT VALID on a table that exists before the migration.
//!
//! ## Why it hurts a running system
//! ACCESS EXCLUSIVE stops even SELECT until the whole table has been read.
//!
//! ## The way out
//! ADD CONSTRAINT … NOT VALID, then VALIDATE CONSTRAINT in a transaction of its own; from 18 on, NOT ENFORCED where nothing shall be checked.

use lockkeeper_core::message;
use lockkeeper_core::parse::{AlterTableAction, ConstraintKind};

use crate::report::Severity;
use crate::rule::{Check, Example, Hits, Rule, Seen};

pub const RULE: Rule = Rule {
    name: "check-without-not-valid",
    severity: Some(Severity::Error),
    mended: true,
    source: include_str!("check_without_not_valid.rs"),
    bad: &[Example::up("ALTER TABLE orders ADD CONSTRAINT paid CHECK (paid >= 0)")],
    good: &[
        Example::up("ALTER TABLE orders ADD CONSTRAINT paid CHECK (paid >= 0) NOT VALID"),
        Example::up("ALTER TABLE orders ADD CONSTRAINT paid CHECK (paid >= 0) NOT ENFORCED").on(180_000),
    ],
    check: Check::Both(check),
};

fn check(seen: &Seen<'_>, out: &mut Hits) {
    let Some((alter, table)) = seen.altered() else { return };
    for action in &alter.actions {
        if let AlterTableAction::AddConstraint(span, add) = action
            && add.kind == ConstraintKind::Check
            && !add.not_valid
            && !add.not_enforced
            && !add.using_index
        {
            let remedy = seen.validated_later(alter, add);
            out.hit_mending(
                *span,
                message!("rule-check-without-not-valid", table = table.as_str()),
                message!("rule-check-without-not-valid-help"),
                remedy,
            );
        }
    }
}
