//! A point in time that nobody can place.
//!
//! ## What it finds
//! A column of type timestamp without time zone.
//!
//! ## Why it hurts a running system
//! What it means depends on who wrote it; and changing it to timestamptz later rewrites the table.
//!
//! ## The way out
//! timestamptz.

use lockkeeper_core::message;

use crate::report::Severity;
use crate::rule::{Check, Example, Hits, Rule, Seen};

pub const RULE: Rule = Rule {
    name: "timestamp-without-time-zone",
    severity: Some(Severity::Note),
    mended: false,
    source: include_str!("timestamp_without_time_zone.rs"),
    bad: &[Example::up("CREATE TABLE t (a timestamp)"), Example::up("ALTER TABLE t ADD a timestamp without time zone")],
    good: &[Example::up("CREATE TABLE t (a timestamptz)"), Example::up("CREATE TABLE t (a timestamp with time zone)")],
    check: Check::Up(check),
};

fn check(seen: &Seen<'_>, out: &mut Hits) {
    for (span, column, type_name) in seen.new_columns() {
        if type_name.starts_with("timestamp")
            && !type_name.starts_with("timestamptz")
            && !type_name.contains("with time")
        {
            out.hit(
                span,
                message!("rule-timestamp-without-time-zone", column = column),
                message!("rule-timestamp-without-time-zone-help"),
            );
        }
    }
}
