//! A table read from end to end while nobody else may write it.
//!
//! ## What it finds
//! Constraints and NOT NULL that are checked against every row under a lock that stops reads or writes.
//!
//! ## Why it is dangerous
//! The lock is held as long as the table is large.
//!
//! ## What to do instead
//! Add the constraint NOT VALID, then VALIDATE CONSTRAINT in a later migration
//! (manual, ALTER TABLE, Notes).

use lockkeeper_core::message;
use lockkeeper_core::model::LockMode;

use crate::report::Finding;
use crate::rule::{Rule, Subject};

pub const RULE: Rule = Rule {
    name: "scan-under-exclusive-lock",
    bad: ("ALTER TABLE orders ADD CONSTRAINT paid CHECK (paid >= 0)", "ALTER TABLE orders DROP CONSTRAINT paid"),
    good: (
        "ALTER TABLE orders ADD CONSTRAINT paid CHECK (paid >= 0) NOT VALID",
        "ALTER TABLE orders DROP CONSTRAINT paid",
    ),
    check,
};

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    // An index build is the other rule's; what rewrites the table is the third one's.
    let scans = subject.effects.iter().filter(|effect| effect.scans && !effect.rewrites);
    scans
        .filter_map(|effect| {
            let lock = effect.locks.iter().max_by_key(|lock| lock.mode)?;
            (lock.mode >= LockMode::ShareRowExclusive).then(|| Finding {
                rule: RULE.name,
                place: subject.in_up(effect.span),
                message: message!(
                    "rule-scan-under-exclusive-lock",
                    table = lock.table.to_string(),
                    lock = lock.mode.as_str()
                ),
                help: message!("rule-scan-under-exclusive-lock-help"),
            })
        })
        .collect()
}
