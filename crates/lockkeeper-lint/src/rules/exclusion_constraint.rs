//! An exclusion constraint on a table in use.
//!
//! ## What it finds
//! ADD EXCLUDE on a table that exists before the migration.
//!
//! ## Why it hurts a running system
//! Its index is built under ACCESS EXCLUSIVE, and there is no concurrent way.
//!
//! ## The way out
//! A new table with the constraint, kept equal by a trigger, to which the code moves.

use lockkeeper_core::message;
use lockkeeper_core::parse::{AlterTableAction, ConstraintKind};

use crate::report::Severity;
use crate::rule::{Check, Example, Hits, Rule, Seen};

pub const RULE: Rule = Rule {
    name: "exclusion-constraint",
    severity: Some(Severity::Error),
    mended: false,
    source: include_str!("exclusion_constraint.rs"),
    bad: &[Example::up("ALTER TABLE t ADD EXCLUDE USING gist (r WITH &&)")],
    good: &[Example::up("CREATE TABLE t (r tstzrange, EXCLUDE USING gist (r WITH &&))")],
    check: Check::Both(check),
};

fn check(seen: &Seen<'_>, out: &mut Hits) {
    let Some((alter, table)) = seen.altered() else { return };
    for action in &alter.actions {
        if let AlterTableAction::AddConstraint(span, add) = action
            && add.kind == ConstraintKind::Exclude
            && !add.not_valid
            && !add.not_enforced
            && !add.using_index
        {
            out.hit(
                *span,
                message!("rule-exclusion-constraint", table = table.as_str()),
                message!("rule-exclusion-constraint-help"),
            );
        }
    }
}
