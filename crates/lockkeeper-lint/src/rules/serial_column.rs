//! A sequence with rights and an owner of its own.
//!
//! ## What it finds
//! A column of type serial in a new table.
//!
//! ## Why it hurts a running system
//! Rights on its sequence are granted apart, and INSERT can write any number.
//!
//! ## The way out
//! GENERATED ALWAYS AS IDENTITY.

use lockkeeper_core::message;

use crate::rule::{Check, Example, Hits, Rule, Seen};

pub const RULE: Rule = Rule {
    name: "serial-column",
    severity: None,
    mended: false,
    source: include_str!("serial_column.rs"),
    bad: &[Example::up("CREATE TABLE t (id bigserial PRIMARY KEY)")],
    good: &[Example::up("CREATE TABLE t (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY)")],
    check: Check::Up(check),
};

fn check(seen: &Seen<'_>, out: &mut Hits) {
    for (span, column, type_name) in seen.new_columns() {
        if type_name.contains("serial") {
            out.hit(span, message!("rule-serial-column", column = column), message!("rule-serial-column-help"));
        }
    }
}
