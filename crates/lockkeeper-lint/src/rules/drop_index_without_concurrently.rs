//! An index dropped under a lock that stops everything.
//!
//! ## What it finds
//! DROP INDEX without CONCURRENTLY.
//!
//! ## Why it hurts a running system
//! It takes ACCESS EXCLUSIVE on the table, and whoever comes while it waits for that lock waits behind it, readers too.
//!
//! ## The way out
//! DROP INDEX CONCURRENTLY, in a file of its own (manual, DROP INDEX).

use lockkeeper_core::message;
use lockkeeper_core::parse::{ObjectKind, Sql};

use crate::report::{Edit, Remedy, Severity};
use crate::rule::{Check, Example, Hits, Rule, Seen, keyword_end};

pub const RULE: Rule = Rule {
    name: "drop-index-without-concurrently",
    severity: Some(Severity::Warning),
    mended: true,
    source: include_str!("drop_index_without_concurrently.rs"),
    bad: &[Example::up("DROP INDEX orders_by_day"), Example::up("DROP INDEX IF EXISTS a, b")],
    good: &[
        Example::up("DROP INDEX CONCURRENTLY orders_by_day"),
        Example::up("CREATE INDEX CONCURRENTLY i ON t (a); DROP INDEX i"),
    ],
    check: Check::Both(check),
};

fn check(seen: &Seen<'_>, out: &mut Hits) {
    if let Sql::Drop(drop) = seen.sql()
        && drop.object == ObjectKind::Index
        && !drop.concurrently
        && let Some(name) = drop.names.iter().find(|name| !seen.fresh.object(ObjectKind::Index, name))
    {
        // One index at a time, and without CASCADE (manual, DROP INDEX).
        let can = seen.is_movable() && !drop.cascade && drop.names.len() == 1;
        let at = keyword_end(seen.text(), &["drop", "index"]).filter(|_| can);
        let edit = at.map(|at| Edit::insert(seen.statement.span.start + at, " CONCURRENTLY"));
        out.hit_mending(
            seen.statement.span,
            message!("rule-drop-index-without-concurrently", index = name.to_string()),
            message!("rule-drop-index-without-concurrently-help"),
            edit.map(|edit| Remedy::Alone(vec![edit])),
        );
    }
}
