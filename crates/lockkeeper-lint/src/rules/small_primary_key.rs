//! A primary key that runs out of numbers.
//!
//! ## What it finds
//! A primary key of type int, smallint or serial in a new table.
//!
//! ## Why it hurts a running system
//! At 2,147,483,647 every INSERT fails; widening it then rewrites the table and everything that refers to it.
//!
//! ## The way out
//! bigint.

use lockkeeper_core::message;
use lockkeeper_core::parse::Sql;

use crate::report::{Edit, Remedy, Severity};
use crate::rule::{Check, Example, Hits, Rule, Seen};

pub const RULE: Rule = Rule {
    name: "small-primary-key",
    severity: Some(Severity::Warning),
    mended: false,
    source: include_str!("small_primary_key.rs"),
    bad: &[
        Example::up("CREATE TABLE t (id serial PRIMARY KEY)"),
        Example::up("CREATE TABLE t (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY)"),
    ],
    good: &[Example::up("CREATE TABLE t (id bigint PRIMARY KEY)"), Example::up("CREATE TABLE t (id int PRIMARY KEY)")],
    check: Check::Up(check),
};

fn check(seen: &Seen<'_>, out: &mut Hits) {
    let Sql::CreateTable(table) = seen.sql() else { return };
    for column in &table.columns {
        // Only what is counted up runs out: a code that somebody gives does not.
        let small = ["serial", "serial4", "smallserial", "serial2", "int", "int4", "integer", "smallint", "int2"]
            .contains(&column.type_name.as_str());
        if small && column.primary_key && column.has_default {
            let large = if column.type_name.contains("serial") { "bigserial" } else { "bigint" };
            let new = column.type_span.filter(|_| !seen.in_body).map(|span| Edit::new(span, large.to_owned()));
            out.hit_mending(
                column.span,
                message!("rule-small-primary-key", column = column.name.to_string()),
                message!("rule-small-primary-key-help"),
                new.map(|edit| Remedy::Edits(vec![edit])),
            );
        }
    }
}
