//! A wait for a lock that others feel.
//!
//! ## What it finds
//! SET `lock_timeout` to more than 10 s in a file.
//!
//! ## Why it hurts a running system
//! While a strong lock is waited for, everybody who comes later waits behind it: for that long, everybody stands still.
//!
//! ## The way out
//! Leave it out: Lockkeeper waits in short turns and steps back in between. The limit stands in lockkeeper.toml.

use lockkeeper_core::message;
use lockkeeper_core::parse::Sql;

use crate::report::Severity;
use crate::rule::{Check, Example, Hits, Rule, Seen};

pub const RULE: Rule = Rule {
    name: "long-lock-timeout",
    severity: Some(Severity::Warning),
    mended: false,
    source: include_str!("long_lock_timeout.rs"),
    bad: &[
        Example::up("SET lock_timeout = '1min'"),
        Example::up("SET LOCAL lock_timeout TO 60000"),
        Example::up("SET lock_timeout = '11 s'"),
    ],
    good: &[
        Example::up("SET lock_timeout = '10s'"),
        Example::up("SET lock_timeout = 2000"),
        Example::up("SET statement_timeout = '1h'"),
    ],
    check: Check::Both(check),
};

const MILLISECONDS_MAX: f64 = 10_000.0;

fn check(seen: &Seen<'_>, out: &mut Hits) {
    let Sql::Set(setting) = seen.sql() else { return };
    let value = setting.value.as_deref().filter(|_| setting.name == "lock_timeout");
    if let Some(value) = value.filter(|value| milliseconds(value).is_some_and(|it| it > MILLISECONDS_MAX)) {
        out.hit(
            seen.statement.span,
            message!("rule-long-lock-timeout", limit = value),
            message!("rule-long-lock-timeout-help"),
        );
    }
}

/// A duration as the server reads it (manual, section 20.1.1). `None` for what is no duration.
fn milliseconds(text: &str) -> Option<f64> {
    let at = text.find(|c: char| c.is_alphabetic()).unwrap_or(text.len());
    let (number, unit) = text.split_at(at);
    let factor = match unit.trim() {
        "us" => 0.001,
        "" | "ms" => 1.0,
        "s" => 1_000.0,
        "min" => 60_000.0,
        "h" => 3_600_000.0,
        "d" => 86_400_000.0,
        _ => return None,
    };
    number.trim().parse::<f64>().ok().map(|number| number * factor)
}
