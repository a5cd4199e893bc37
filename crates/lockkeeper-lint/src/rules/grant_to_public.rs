//! A right for everybody who can connect.
//!
//! ## What it finds
//! GRANT … TO PUBLIC.
//!
//! ## Why it hurts a running system
//! Every role of the server has it, those that come later too.
//!
//! ## The way out
//! GRANT to the role that needs it.

use lockkeeper_core::message;
use lockkeeper_core::parse::Sql;

use crate::report::Severity;
use crate::rule::{Check, Example, Hits, Rule, Seen};

pub const RULE: Rule = Rule {
    name: "grant-to-public",
    severity: Some(Severity::Warning),
    mended: false,
    source: include_str!("grant_to_public.rs"),
    bad: &[Example::up("GRANT SELECT ON t TO PUBLIC"), Example::up("GRANT ALL ON SCHEMA s TO public")],
    good: &[Example::up("GRANT SELECT ON t TO app"), Example::up("GRANT USAGE ON SCHEMA public TO app")],
    check: Check::Up(check),
};

fn check(seen: &Seen<'_>, out: &mut Hits) {
    let words = if matches!(seen.sql(), Sql::Grant) { seen.words() } else { return };
    let grantees = words.iter().rposition(|word| word == "to").map_or(&words[..0], |at| &words[at + 1..]);
    if grantees.iter().any(|word| word == "public") {
        out.hit(seen.statement.span, message!("rule-grant-to-public"), message!("rule-grant-to-public-help"));
    }
}
