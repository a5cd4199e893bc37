//! Every row of a table written in one transaction.
//!
//! ## What it finds
//! UPDATE or DELETE without WHERE on a table that exists before the file.
//!
//! ## Why it hurts a running system
//! Every row stays locked, and its old version kept, until the transaction ends; replicas fall behind.
//!
//! ## The way out
//! Batches, each in a transaction of its own.

use lockkeeper_core::message;
use lockkeeper_core::parse::Sql;

use crate::report::Severity;
use crate::rule::{Check, Example, Hits, Rule, Seen};

pub const RULE: Rule = Rule {
    name: "write-without-where",
    severity: Some(Severity::Warning),
    mended: false,
    source: include_str!("write_without_where.rs"),
    bad: &[
        Example::up("UPDATE t SET a = 1"),
        Example::up("DELETE FROM t"),
        Example::up("WITH x AS (DELETE FROM t RETURNING *) SELECT * FROM x"),
    ],
    good: &[
        Example::up("UPDATE t SET a = 1 WHERE id < 100"),
        Example::up("CREATE TABLE t (a int); UPDATE t SET a = 1"),
    ],
    check: Check::Both(check),
};

fn check(seen: &Seen<'_>, out: &mut Hits) {
    let (Sql::Update { table, filtered: false } | Sql::Delete { table, filtered: false }) = seen.sql() else { return };
    if let Some(table) = seen.in_use(table.as_ref()) {
        out.hit(
            seen.statement.span,
            message!("rule-write-without-where", table = table),
            message!("rule-write-without-where-help"),
        );
    }
}
