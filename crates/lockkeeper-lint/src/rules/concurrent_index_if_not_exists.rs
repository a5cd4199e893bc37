//! A second try that takes a broken index for a good one.
//!
//! ## What it finds
//! CREATE INDEX CONCURRENTLY IF NOT EXISTS.
//!
//! ## Why it hurts a running system
//! A build that fails leaves an INVALID index of that name, which every write maintains and no query uses. IF NOT EXISTS skips it without a word.
//!
//! ## The way out
//! Leave IF NOT EXISTS out: Lockkeeper itself looks whether the index is valid and clears away half of one.
//! Elsewhere: DROP INDEX CONCURRENTLY IF EXISTS first.

use lockkeeper_core::message;
use lockkeeper_core::parse::{Sql, Statement};

use crate::report::Severity;
use crate::rule::{Check, Example, Hits, Rule, Seen, shown};

pub const RULE: Rule = Rule {
    name: "concurrent-index-if-not-exists",
    severity: Some(Severity::Warning),
    mended: false,
    source: include_str!("concurrent_index_if_not_exists.rs"),
    bad: &[Example::up("CREATE INDEX CONCURRENTLY IF NOT EXISTS i ON t (a)")],
    good: &[
        Example::up("CREATE INDEX CONCURRENTLY i ON t (a)"),
        Example::up("DROP INDEX CONCURRENTLY IF EXISTS i; CREATE INDEX CONCURRENTLY IF NOT EXISTS i ON t (a)"),
    ],
    check: Check::Both(check),
};

fn check(seen: &Seen<'_>, out: &mut Hits) {
    let Sql::CreateIndex(index) = seen.sql() else { return };
    let cleared = |statement: &Statement| matches!(&statement.sql, Sql::Drop(drop) if index.name.as_ref().is_some_and(|name| drop.names.contains(name)));
    if index.concurrently && index.if_not_exists && !seen.script.statements.iter().any(cleared) {
        out.hit(
            seen.statement.span,
            message!("rule-concurrent-index-if-not-exists", index = shown(index.name.as_ref().map(|it| &it.name))),
            message!("rule-concurrent-index-if-not-exists-help"),
        );
    }
}
