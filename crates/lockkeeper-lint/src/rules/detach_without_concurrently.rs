//! A partition detached while nobody may read the table.
//!
//! ## What it finds
//! DETACH PARTITION without CONCURRENTLY.
//!
//! ## Why it hurts a running system
//! It takes ACCESS EXCLUSIVE on the partitioned table, the partition and the DEFAULT partition, and whoever comes while it waits for them waits behind it.
//!
//! ## The way out
//! DETACH PARTITION … CONCURRENTLY, in a file of its own; not where there is a DEFAULT partition.

use lockkeeper_core::message;
use lockkeeper_core::parse::AlterTableAction;

use crate::report::Severity;
use crate::rule::{Check, Example, Hits, Rule, Seen};

pub const RULE: Rule = Rule {
    name: "detach-without-concurrently",
    severity: Some(Severity::Error),
    mended: false,
    source: include_str!("detach_without_concurrently.rs"),
    bad: &[Example::up("ALTER TABLE t DETACH PARTITION p")],
    good: &[Example::up("ALTER TABLE t DETACH PARTITION p CONCURRENTLY")],
    check: Check::Both(check),
};

fn check(seen: &Seen<'_>, out: &mut Hits) {
    let Some((alter, table)) = seen.altered() else { return };
    for action in &alter.actions {
        if let AlterTableAction::DetachPartition { concurrently: false, .. } = action {
            out.hit(
                action.span(),
                message!("rule-detach-without-concurrently", table = table.as_str()),
                message!("rule-detach-without-concurrently-help"),
            );
        }
    }
}
