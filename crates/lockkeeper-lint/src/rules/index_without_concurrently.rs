//! An index built under a lock that stops writes.
//!
//! ## What it finds
//! CREATE INDEX without CONCURRENTLY on a table that exists before the migration.
//!
//! ## Why it hurts a running system
//! The SHARE lock stops every INSERT, UPDATE and DELETE until the index is built.
//!
//! ## The way out
//! CREATE INDEX CONCURRENTLY, in a file of its own (manual, CREATE INDEX, Building Indexes Concurrently).
//! A partitioned table takes no such thing: CREATE INDEX ON ONLY the parent, then one for each partition, and ATTACH.

use lockkeeper_core::message;
use lockkeeper_core::parse::Sql;

use crate::report::{Edit, Remedy, Severity};
use crate::rule::{Check, Example, Hits, Rule, Seen};

pub const RULE: Rule = Rule {
    name: "index-without-concurrently",
    severity: Some(Severity::Error),
    mended: true,
    source: include_str!("index_without_concurrently.rs"),
    bad: &[
        Example::up("CREATE INDEX orders_by_day ON orders (day)"),
        Example::up("CREATE UNIQUE INDEX IF NOT EXISTS i ON shop.orders (day)"),
        Example::up("DO $$ BEGIN CREATE INDEX i ON orders (day); END $$"),
    ],
    good: &[
        Example::up("CREATE INDEX CONCURRENTLY orders_by_day ON orders (day)"),
        Example::up("CREATE TABLE orders (day date); CREATE INDEX i ON orders (day)"),
        Example::up("CREATE INDEX i ON ONLY orders (day)"),
    ],
    check: Check::Both(check),
};

fn check(seen: &Seen<'_>, out: &mut Hits) {
    if let Sql::CreateIndex(index) = seen.sql()
        && !index.concurrently
        && !index.only
        && let Some(table) = seen.in_use(index.table.as_ref())
    {
        let edit = Edit::insert(index.anchors.after_index, " CONCURRENTLY");
        out.hit_mending(
            seen.statement.span,
            message!("rule-index-without-concurrently", table = table),
            message!("rule-index-without-concurrently-help"),
            seen.is_movable().then(|| Remedy::Alone(vec![edit])),
        );
    }
}
