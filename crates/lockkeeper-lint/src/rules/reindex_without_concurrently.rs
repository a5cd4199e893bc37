//! An index built anew while writes wait.
//!
//! ## What it finds
//! REINDEX without CONCURRENTLY.
//!
//! ## Why it hurts a running system
//! Writes to the table wait until it is done; so do reads that would use the index.
//!
//! ## The way out
//! REINDEX … CONCURRENTLY (manual, REINDEX).

use lockkeeper_core::message;
use lockkeeper_core::parse::{ReindexTarget, Sql};

use crate::report::{Edit, Remedy, Severity};
use crate::rule::{Check, Example, Hits, Rule, Seen, keyword_end};

pub const RULE: Rule = Rule {
    name: "reindex-without-concurrently",
    severity: Some(Severity::Error),
    mended: false,
    source: include_str!("reindex_without_concurrently.rs"),
    bad: &[Example::up("REINDEX TABLE orders"), Example::up("REINDEX INDEX i")],
    good: &[Example::up("REINDEX TABLE CONCURRENTLY orders"), Example::up("REINDEX INDEX CONCURRENTLY i")],
    check: Check::Both(check),
};

fn check(seen: &Seen<'_>, out: &mut Hits) {
    if let Sql::Reindex { concurrently: false, target } = seen.sql() {
        let word = match target {
            ReindexTarget::Index(_) => Some("index"),
            ReindexTarget::Table(_) => Some("table"),
            ReindexTarget::Schema => Some("schema"),
            // The system's own indexes cannot be built so.
            ReindexTarget::Database => None,
        };
        let at = word.filter(|_| seen.is_movable()).and_then(|word| keyword_end(seen.text(), &["reindex", word]));
        let edit = at.map(|at| Edit::insert(seen.statement.span.start + at, " CONCURRENTLY"));
        out.hit_mending(
            seen.statement.span,
            message!("rule-reindex-without-concurrently"),
            message!("rule-reindex-without-concurrently-help"),
            edit.map(|edit| Remedy::Alone(vec![edit])),
        );
    }
}
