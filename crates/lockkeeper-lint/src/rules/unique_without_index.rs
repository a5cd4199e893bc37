//! A unique constraint whose index is built while nobody may read.
//!
//! ## What it finds
//! ADD UNIQUE without USING INDEX.
//!
//! ## Why it hurts a running system
//! The index is built under ACCESS EXCLUSIVE, which stops even SELECT.
//!
//! ## The way out
//! CREATE UNIQUE INDEX CONCURRENTLY, then ADD CONSTRAINT … UNIQUE USING INDEX, which takes a moment.

use lockkeeper_core::message;
use lockkeeper_core::parse::{AlterTableAction, ConstraintKind};

use crate::report::Severity;
use crate::rule::{Check, Example, Hits, Rule, Seen};

pub const RULE: Rule = Rule {
    name: "unique-without-index",
    severity: Some(Severity::Error),
    mended: true,
    source: include_str!("unique_without_index.rs"),
    bad: &[Example::up("ALTER TABLE t ADD CONSTRAINT u UNIQUE (a)")],
    good: &[Example::up("ALTER TABLE t ADD CONSTRAINT u UNIQUE USING INDEX t_a")],
    check: Check::Both(check),
};

fn check(seen: &Seen<'_>, out: &mut Hits) {
    let Some((alter, table)) = seen.altered() else { return };
    for action in &alter.actions {
        if let AlterTableAction::AddConstraint(span, add) = action
            && add.kind == ConstraintKind::Unique
            && !add.not_valid
            && !add.not_enforced
            && !add.using_index
        {
            out.hit(
                *span,
                message!("rule-unique-without-index", table = table.as_str()),
                message!("rule-unique-without-index-help"),
            );
        }
    }
}
