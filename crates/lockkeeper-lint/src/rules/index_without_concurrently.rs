//! An index built under a lock that stops writes.
//!
//! ## What it finds
//! CREATE INDEX without CONCURRENTLY on a table that exists before the migration.
//!
//! ## Why it is dangerous
//! The SHARE lock stops every INSERT, UPDATE and DELETE until the index is built.
//!
//! ## What to do instead
//! CREATE INDEX CONCURRENTLY, in a file of its own (manual, CREATE INDEX, Building Indexes Concurrently).

use lockkeeper_core::message;
use lockkeeper_core::model::LockMode;

use crate::report::Finding;
use crate::rule::{Rule, Subject};

pub const RULE: Rule = Rule {
    name: "index-without-concurrently",
    bad: ("CREATE INDEX orders_by_day ON orders (day)", "DROP INDEX orders_by_day"),
    good: ("CREATE INDEX CONCURRENTLY orders_by_day ON orders (day)", "DROP INDEX orders_by_day"),
    check,
};

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    let builds = |lock: &lockkeeper_core::classify::TableLock| lock.mode == LockMode::Share;
    let of_index = subject.effects.iter().filter(|effect| effect.scans && effect.locks.iter().any(builds));
    of_index
        .flat_map(|effect| effect.locks.iter().filter(|lock| builds(lock)).map(move |lock| (effect, lock)))
        .map(|(effect, lock)| Finding {
            rule: RULE.name,
            place: subject.in_up(effect.span),
            message: message!("rule-index-without-concurrently", table = lock.table.to_string()),
            help: message!("rule-index-without-concurrently-help"),
        })
        .collect()
}
