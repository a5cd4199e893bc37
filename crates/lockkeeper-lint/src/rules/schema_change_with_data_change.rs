//! A strong lock held while rows are written.
//!
//! ## What it finds
//! ALTER TABLE and, behind it in the same transaction, UPDATE, DELETE, MERGE or INSERT on a table that exists before the file.
//!
//! ## Why it hurts a running system
//! The lock that ALTER TABLE takes is held until every row is written; nobody can read the table meanwhile.
//!
//! ## The way out
//! The data in a migration of its own, in batches.

use lockkeeper_core::message;
use lockkeeper_core::parse::Sql;

use crate::report::Severity;
use crate::rule::{Check, Example, Hits, Rule, Seen};

pub const RULE: Rule = Rule {
    name: "schema-change-with-data-change",
    severity: Some(Severity::Warning),
    mended: false,
    source: include_str!("schema_change_with_data_change.rs"),
    bad: &[Example::up("ALTER TABLE t ADD COLUMN b int; UPDATE t SET b = a WHERE a > 1")],
    good: &[
        Example::up("ALTER TABLE t ADD COLUMN b int"),
        Example::up("CREATE TABLE t (a int); ALTER TABLE t ADD b int; INSERT INTO t VALUES (1)"),
        Example::up(
            "-- lockkeeper: no-transaction
ALTER TABLE t ADD COLUMN b int; UPDATE t SET b = a WHERE a > 1",
        ),
    ],
    check: Check::Both(check),
};

fn check(seen: &Seen<'_>, out: &mut Hits) {
    let (Sql::Update { table, .. } | Sql::Delete { table, .. } | Sql::Merge { table, .. } | Sql::Insert { table }) =
        seen.sql()
    else {
        return;
    };
    if !seen.in_one_transaction() || seen.in_use(table.as_ref()).is_none() {
        return;
    }
    if let Some(table) = seen.passed.altered().first() {
        out.hit(
            seen.statement.span,
            message!("rule-schema-change-with-data-change", table = table.to_string()),
            message!("rule-schema-change-with-data-change-help"),
        );
    }
}
