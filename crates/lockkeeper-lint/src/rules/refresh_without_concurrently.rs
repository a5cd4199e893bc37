//! A materialized view that nobody may read while it is filled.
//!
//! ## What it finds
//! REFRESH MATERIALIZED VIEW without CONCURRENTLY.
//!
//! ## Why it hurts a running system
//! ACCESS EXCLUSIVE stops every reader until the query behind it has run.
//!
//! ## The way out
//! REFRESH MATERIALIZED VIEW CONCURRENTLY, which needs a unique index.

use lockkeeper_core::message;
use lockkeeper_core::parse::{ObjectKind, Sql};

use crate::report::Severity;
use crate::rule::{Check, Example, Hits, Rule, Seen};

pub const RULE: Rule = Rule {
    name: "refresh-without-concurrently",
    severity: Some(Severity::Warning),
    mended: true,
    source: include_str!("refresh_without_concurrently.rs"),
    bad: &[Example::up("REFRESH MATERIALIZED VIEW v")],
    good: &[
        Example::up("REFRESH MATERIALIZED VIEW CONCURRENTLY v"),
        Example::up("CREATE MATERIALIZED VIEW v AS SELECT 1; REFRESH MATERIALIZED VIEW v"),
    ],
    check: Check::Both(check),
};

fn check(seen: &Seen<'_>, out: &mut Hits) {
    if let Sql::Refresh { view: Some(view), concurrently: false, .. } = seen.sql()
        && !seen.fresh.object(ObjectKind::MaterializedView, view)
    {
        out.hit(
            seen.statement.span,
            message!("rule-refresh-without-concurrently", view = view.to_string()),
            message!("rule-refresh-without-concurrently-help"),
        );
    }
}
