//! A primary key whose index is built while nobody may read.
//!
//! ## What it finds
//! ADD PRIMARY KEY without USING INDEX.
//!
//! ## Why it hurts a running system
//! The index is built, and the columns are looked at for NULL, under ACCESS EXCLUSIVE.
//!
//! ## The way out
//! SET NOT NULL by way of a check, CREATE UNIQUE INDEX CONCURRENTLY, then ADD CONSTRAINT … PRIMARY KEY USING INDEX.

use lockkeeper_core::message;
use lockkeeper_core::parse::{AlterTableAction, ConstraintKind};

use crate::report::Severity;
use crate::rule::{Check, Example, Hits, Rule, Seen};

pub const RULE: Rule = Rule {
    name: "primary-key-without-index",
    severity: Some(Severity::Error),
    mended: true,
    source: include_str!("primary_key_without_index.rs"),
    bad: &[Example::up("ALTER TABLE t ADD PRIMARY KEY (a)")],
    good: &[Example::up("ALTER TABLE t ADD CONSTRAINT t_pkey PRIMARY KEY USING INDEX t_a")],
    check: Check::Both(check),
};

fn check(seen: &Seen<'_>, out: &mut Hits) {
    let Some((alter, table)) = seen.altered() else { return };
    for action in &alter.actions {
        if let AlterTableAction::AddConstraint(span, add) = action
            && add.kind == ConstraintKind::PrimaryKey
            && !add.not_valid
            && !add.not_enforced
            && !add.using_index
        {
            out.hit(
                *span,
                message!("rule-primary-key-without-index", table = table.as_str()),
                message!("rule-primary-key-without-index-help"),
            );
        }
    }
}
