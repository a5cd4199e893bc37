//! A table emptied under a lock that stops everything.
//!
//! ## What it finds
//! TRUNCATE of a table that exists before the file.
//!
//! ## Why it hurts a running system
//! Rows are gone at once, for readers in the middle of their work too, and ACCESS EXCLUSIVE is taken; with CASCADE also on whatever refers to it.
//!
//! ## The way out
//! DELETE in batches.

use lockkeeper_core::message;
use lockkeeper_core::parse::Sql;

use crate::report::Severity;
use crate::rule::{Check, Example, Hits, Rule, Seen};

pub const RULE: Rule = Rule {
    name: "truncate",
    severity: Some(Severity::Warning),
    mended: false,
    source: include_str!("truncate.rs"),
    bad: &[Example::up("TRUNCATE t")],
    good: &[Example::up("CREATE TABLE t (a int); TRUNCATE t"), Example::up("DELETE FROM t WHERE a < 3")],
    check: Check::Both(check),
};

fn check(seen: &Seen<'_>, out: &mut Hits) {
    let Sql::Truncate { tables, .. } = seen.sql() else { return };
    if let Some(table) = tables.iter().find_map(|table| seen.in_use(Some(&table.name))) {
        out.hit(seen.statement.span, message!("rule-truncate", table = table), message!("rule-truncate-help"));
    }
}
