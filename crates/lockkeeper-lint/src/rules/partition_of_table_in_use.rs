//! A new partition that locks the whole table.
//!
//! ## What it finds
//! CREATE TABLE … PARTITION OF a table that exists before the migration.
//!
//! ## Why it hurts a running system
//! ACCESS EXCLUSIVE on the partitioned table stops even SELECT, and the DEFAULT partition, if there is one, is read from end to end meanwhile.
//!
//! ## The way out
//! CREATE TABLE by itself (LIKE the parent), then ATTACH PARTITION, which lets everybody work.

use lockkeeper_core::message;
use lockkeeper_core::parse::Sql;

use crate::report::Severity;
use crate::rule::{Check, Example, Hits, Rule, Seen};

pub const RULE: Rule = Rule {
    name: "partition-of-table-in-use",
    severity: Some(Severity::Warning),
    mended: false,
    source: include_str!("partition_of_table_in_use.rs"),
    bad: &[Example::up("CREATE TABLE p PARTITION OF t FOR VALUES FROM (1) TO (2)")],
    good: &[
        Example::up(
            "CREATE TABLE t (a int) PARTITION BY RANGE (a); CREATE TABLE p PARTITION OF t FOR VALUES FROM (1) TO (2)",
        ),
        Example::up("CREATE TABLE p (LIKE t); ALTER TABLE t ATTACH PARTITION p FOR VALUES FROM (1) TO (2)"),
    ],
    check: Check::Both(check),
};

fn check(seen: &Seen<'_>, out: &mut Hits) {
    if let Sql::CreateTable(table) = seen.sql()
        && let Some(parent) = seen.in_use(table.partition_of.as_ref())
    {
        out.hit(
            seen.statement.span,
            message!("rule-partition-of-table-in-use", table = parent.as_str()),
            message!("rule-partition-of-table-in-use-help", table = parent.as_str()),
        );
    }
}
