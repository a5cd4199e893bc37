//! A column that cannot be compared.
//!
//! ## What it finds
//! A column of type json.
//!
//! ## Why it hurts a running system
//! It has no equality: SELECT DISTINCT, GROUP BY and UNION over it fail in code that ran before.
//!
//! ## The way out
//! jsonb.

use lockkeeper_core::message;

use crate::report::Severity;
use crate::rule::{Check, Example, Hits, Rule, Seen};

pub const RULE: Rule = Rule {
    name: "json-column",
    severity: Some(Severity::Note),
    mended: false,
    source: include_str!("json_column.rs"),
    bad: &[Example::up("ALTER TABLE t ADD COLUMN a json")],
    good: &[Example::up("ALTER TABLE t ADD COLUMN a jsonb")],
    check: Check::Up(check),
};

fn check(seen: &Seen<'_>, out: &mut Hits) {
    for column in seen.new_columns() {
        let type_name = column.type_name;
        if type_name == "json" {
            // Functions of json take no jsonb.
            let is_plain = !seen.text.to_lowercase().contains("json_");
            let remedy = seen.retype(&column, "jsonb").filter(|_| is_plain);
            let what = message!("rule-json-column", column = column.name.as_str());
            out.hit_mending(column.span, what, message!("rule-json-column-help"), remedy);
        }
    }
}
