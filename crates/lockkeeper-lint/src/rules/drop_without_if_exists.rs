//! A removal that fails where it has happened already.
//!
//! ## What it finds
//! DROP without IF EXISTS.
//!
//! ## Why it hurts a running system
//! A second run fails. Lockkeeper records what ran, so that there is none; other runners do not.
//!
//! ## The way out
//! DROP … IF EXISTS.

use lockkeeper_core::message;
use lockkeeper_core::parse::Sql;

use crate::rule::{Check, Example, Hits, Rule, Seen};

pub const RULE: Rule = Rule {
    name: "drop-without-if-exists",
    severity: None,
    mended: false,
    source: include_str!("drop_without_if_exists.rs"),
    bad: &[Example::up("DROP TABLE t")],
    good: &[Example::up("DROP TABLE IF EXISTS t")],
    check: Check::Up(check),
};

fn check(seen: &Seen<'_>, out: &mut Hits) {
    if let Sql::Drop(drop) = seen.sql()
        && !drop.if_exists
    {
        out.hit(
            seen.statement.span,
            message!("rule-drop-without-if-exists"),
            message!("rule-drop-without-if-exists-help"),
        );
    }
}
