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
    for column in seen.new_columns() {
        let type_name = column.type_name;
        if type_name.starts_with("timestamp")
            && !type_name.starts_with("timestamptz")
            && !type_name.contains("with time")
        {
            let remedy = with_time_zone(type_name).and_then(|new| seen.retype(&column, &new));
            // A default or an expression that speaks of zones means something else by another type.
            let rest = column.span.of(seen.text).to_lowercase().replacen("without time zone", "", 1);
            let speaks_of_zones =
                ["time zone", "timezone", "generated", "timestamp '"].iter().any(|it| rest.contains(it));
            out.hit_mending(
                column.span,
                message!("rule-timestamp-without-time-zone", column = column.name.as_str()),
                message!("rule-timestamp-without-time-zone-help"),
                remedy.filter(|_| !speaks_of_zones),
            );
        }
    }
}

/// `timestamp(3) without time zone` as `timestamptz(3)`; `None` for what is written in another way.
fn with_time_zone(type_name: &str) -> Option<String> {
    let rest = type_name.strip_prefix("timestamp")?;
    let rest: String = rest.replacen("without time zone", "", 1).split_whitespace().collect();
    let is_known = rest.chars().all(|c| c.is_ascii_digit() || "()[]".contains(c));
    is_known.then(|| format!("timestamptz{rest}"))
}
