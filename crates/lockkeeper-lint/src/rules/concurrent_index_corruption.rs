//! A server that loses rows from concurrent indexes.
//!
//! ## What it finds
//! CREATE INDEX CONCURRENTLY and REINDEX CONCURRENTLY for PostgreSQL 14.0 to 14.3, where lockkeeper.toml names such a version.
//!
//! ## Why it hurts a running system
//! The index can miss rows that were updated meanwhile (release notes of 14.4): queries give wrong answers.
//!
//! ## The way out
//! Upgrade to 14.4 or later.

use lockkeeper_core::message;
use lockkeeper_core::parse::Sql;

use crate::report::Severity;
use crate::rule::{Check, Example, Hits, Rule, Seen};

pub const RULE: Rule = Rule {
    name: "concurrent-index-corruption",
    severity: Some(Severity::Error),
    mended: false,
    source: include_str!("concurrent_index_corruption.rs"),
    bad: &[Example::up("CREATE INDEX CONCURRENTLY i ON t (a)").on(140_003)],
    good: &[
        Example::up("CREATE INDEX CONCURRENTLY i ON t (a)").on(140_004),
        Example::up("CREATE INDEX CONCURRENTLY i ON t (a)").on(150_000),
    ],
    check: Check::Both(check),
};

fn check(seen: &Seen<'_>, out: &mut Hits) {
    let concurrently = match seen.sql() {
        Sql::CreateIndex(index) => index.concurrently,
        Sql::Reindex { concurrently, .. } => *concurrently,
        _ => false,
    };
    let version = seen.policy.version;
    if concurrently && version.major() == 14 && version.minor() < 4 {
        out.hit(
            seen.statement.span,
            message!("rule-concurrent-index-corruption", version = version.to_string()),
            message!("rule-concurrent-index-corruption-help"),
        );
    }
}
