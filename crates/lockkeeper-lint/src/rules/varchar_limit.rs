//! A limit on length that is hard to change later.
//!
//! ## What it finds
//! A column of type varchar(n).
//!
//! ## Why it hurts a running system
//! Making it shorter later reads and locks the whole table.
//!
//! ## The way out
//! text, with a CHECK … NOT VALID where a limit is needed.

use lockkeeper_core::message;

use crate::rule::{Check, Example, Hits, Rule, Seen};

pub const RULE: Rule = Rule {
    name: "varchar-limit",
    severity: None,
    mended: false,
    source: include_str!("varchar_limit.rs"),
    bad: &[Example::up("CREATE TABLE t (a varchar(10))")],
    good: &[Example::up("CREATE TABLE t (a text)")],
    check: Check::Up(check),
};

fn check(seen: &Seen<'_>, out: &mut Hits) {
    for column in seen.new_columns() {
        let type_name = column.type_name;
        if type_name.starts_with("varchar(") || type_name.starts_with("character varying(") {
            out.hit(
                column.span,
                message!("rule-varchar-limit", column = column.name.as_str()),
                message!("rule-varchar-limit-help"),
            );
        }
    }
}
