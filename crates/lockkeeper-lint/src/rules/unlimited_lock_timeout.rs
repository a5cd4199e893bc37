//! A wait for a lock that has no end.
//!
//! ## What it finds
//! SET `lock_timeout` to 0, or a RESET of it, in a file.
//!
//! ## Why it hurts a running system
//! Lockkeeper waits for locks in short turns, so that nobody queues behind it for long. This ends that: whoever comes waits as long as the longest query runs.
//!
//! ## The way out
//! Leave it out: the limit stands in lockkeeper.toml.

use lockkeeper_core::message;
use lockkeeper_core::parse::Sql;

use crate::report::Severity;
use crate::rule::{Check, Example, Hits, Rule, Seen};

pub const RULE: Rule = Rule {
    name: "unlimited-lock-timeout",
    severity: Some(Severity::Error),
    mended: false,
    source: include_str!("unlimited_lock_timeout.rs"),
    bad: &[
        Example::up("SET lock_timeout = 0"),
        Example::up("SET LOCAL lock_timeout TO '0s'"),
        Example::up("RESET lock_timeout"),
    ],
    good: &[Example::up("SET lock_timeout = '1s'"), Example::up("SET statement_timeout = 0")],
    check: Check::Both(check),
};

fn check(seen: &Seen<'_>, out: &mut Hits) {
    if !matches!(seen.sql(), Sql::Session) {
        return;
    }
    let words = seen.words();
    let names = |word: &String| word == "lock_timeout" || word == "all";
    let resets = words.first().is_some_and(|word| word == "reset") && words.get(1).is_some_and(names);
    let value = words.iter().position(|word| word == "lock_timeout").map(|at| &words[at + 1..]);
    let sets_none = value.and_then(|value| value.iter().find(|word| *word != "to")).is_some_and(|value| {
        let digits = value.trim_end_matches(|c: char| c.is_alphabetic());
        value == "default" || (!digits.is_empty() && digits.chars().all(|c| c == '0'))
    });
    if resets || sets_none {
        out.hit(
            seen.statement.span,
            message!("rule-unlimited-lock-timeout"),
            message!("rule-unlimited-lock-timeout-help"),
        );
    }
}
