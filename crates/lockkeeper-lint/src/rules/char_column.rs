//! A column that pads its values with blanks.
//!
//! ## What it finds
//! A column of type char(n).
//!
//! ## Why it hurts a running system
//! Values come back padded, and compare by rules that surprise.
//!
//! ## The way out
//! text, with a CHECK on its length where one is needed.

use lockkeeper_core::message;

use crate::report::Severity;
use crate::rule::{Check, Example, Hits, Rule, Seen};

pub const RULE: Rule = Rule {
    name: "char-column",
    severity: Some(Severity::Note),
    mended: false,
    source: include_str!("char_column.rs"),
    bad: &[Example::up("CREATE TABLE t (a char(10))")],
    good: &[Example::up("CREATE TABLE t (a text)"), Example::up("CREATE TABLE t (a varchar(10))")],
    check: Check::Up(check),
};

fn check(seen: &Seen<'_>, out: &mut Hits) {
    for column in seen.new_columns() {
        let type_name = column.type_name;
        if type_name.starts_with("char(")
            || type_name.starts_with("character(")
            || ["char", "bpchar", "character"].contains(&type_name)
        {
            out.hit(
                column.span,
                message!("rule-char-column", column = column.name.as_str()),
                message!("rule-char-column-help"),
            );
        }
    }
}
