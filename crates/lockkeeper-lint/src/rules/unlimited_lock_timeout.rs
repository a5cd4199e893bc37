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
    let Sql::Set(setting) = seen.sql() else { return };
    let is_unlimited = match (setting.name.as_str(), setting.value.as_deref()) {
        ("all" | "lock_timeout", None) => true,
        ("lock_timeout", Some(value)) => {
            let digits = value.trim_end_matches(|c: char| c.is_alphabetic() || c == ' ');
            !digits.is_empty() && digits.chars().all(|c| c == '0')
        }
        _ => false,
    };
    if is_unlimited {
        out.hit(
            seen.statement.span,
            message!("rule-unlimited-lock-timeout"),
            message!("rule-unlimited-lock-timeout-help"),
        );
    }
}
