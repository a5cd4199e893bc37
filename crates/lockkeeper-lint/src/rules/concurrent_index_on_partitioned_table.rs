//! An index that a partitioned table cannot get this way.
//!
//! ## What it finds
//! CREATE INDEX CONCURRENTLY on a table that the files create with PARTITION BY.
//!
//! ## Why it hurts a running system
//! PostgreSQL refuses it, so the migration fails.
//!
//! ## The way out
//! CREATE INDEX ON ONLY the partitioned table, CREATE INDEX CONCURRENTLY on each partition, then ALTER INDEX … ATTACH PARTITION.

use lockkeeper_core::message;
use lockkeeper_core::parse::Sql;

use crate::report::Severity;
use crate::rule::{Check, Example, Hits, Rule, Seen, shown};

pub const RULE: Rule = Rule {
    name: "concurrent-index-on-partitioned-table",
    severity: Some(Severity::Error),
    mended: false,
    source: include_str!("concurrent_index_on_partitioned_table.rs"),
    bad: &[Example::up("CREATE INDEX CONCURRENTLY i ON t (a)").after(&[(
        "t",
        "CREATE TABLE t (a int) PARTITION BY LIST (a)",
        "DROP TABLE t",
    )])],
    good: &[
        Example::up("CREATE INDEX CONCURRENTLY i ON t (a)").after(&[("t", "CREATE TABLE t (a int)", "DROP TABLE t")]),
        Example::up("CREATE INDEX i ON ONLY t (a)"),
    ],
    check: Check::Both(check),
};

fn check(seen: &Seen<'_>, out: &mut Hits) {
    if let Sql::CreateIndex(index) = seen.sql()
        && index.concurrently
        && seen.history.table(index.table.as_ref()).is_some_and(|table| table.partitioned)
    {
        out.hit(
            seen.statement.span,
            message!(
                "rule-concurrent-index-on-partitioned-table",
                table = shown(index.table.as_ref().map(|it| &it.name))
            ),
            message!("rule-concurrent-index-on-partitioned-table-help"),
        );
    }
}
