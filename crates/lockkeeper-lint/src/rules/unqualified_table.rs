//! A table that lands in whatever schema comes first.
//!
//! ## What it finds
//! CREATE TABLE without a schema.
//!
//! ## Why it hurts a running system
//! Where it lands depends on the `search_path` of whoever runs it.
//!
//! ## The way out
//! Write the schema.

use lockkeeper_core::message;
use lockkeeper_core::parse::Sql;

use crate::rule::{Check, Example, Hits, Rule, Seen};

pub const RULE: Rule = Rule {
    name: "unqualified-table",
    severity: None,
    mended: false,
    source: include_str!("unqualified_table.rs"),
    bad: &[Example::up("CREATE TABLE t (a int)")],
    good: &[Example::up("CREATE TABLE shop.t (a int)"), Example::up("CREATE TEMP TABLE t (a int)")],
    check: Check::Up(check),
};

fn check(seen: &Seen<'_>, out: &mut Hits) {
    if let Sql::CreateTable(table) = seen.sql()
        && !table.temporary
        && let Some(name) = table.name.as_ref().filter(|name| name.schema.is_none())
    {
        out.hit(
            seen.statement.span,
            message!("rule-unqualified-table", table = name.to_string()),
            message!("rule-unqualified-table-help", table = name.to_string()),
        );
    }
}
