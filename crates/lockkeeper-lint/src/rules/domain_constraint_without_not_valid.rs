//! A domain narrowed while every table that uses it waits.
//!
//! ## What it finds
//! ALTER DOMAIN … ADD CONSTRAINT without NOT VALID, and SET NOT NULL.
//!
//! ## Why it hurts a running system
//! Every table with a column of the domain is read from end to end under SHARE, which stops writes.
//!
//! ## The way out
//! ADD CONSTRAINT … NOT VALID, then VALIDATE CONSTRAINT in a later migration.

use lockkeeper_core::message;
use lockkeeper_core::parse::{ObjectChange, ObjectKind, Sql};

use crate::report::Severity;
use crate::rule::{Check, Example, Hits, Rule, Seen};

pub const RULE: Rule = Rule {
    name: "domain-constraint-without-not-valid",
    severity: Some(Severity::Error),
    mended: false,
    source: include_str!("domain_constraint_without_not_valid.rs"),
    bad: &[
        Example::up("ALTER DOMAIN d ADD CONSTRAINT c CHECK (value > 0)"),
        Example::up("ALTER DOMAIN d SET NOT NULL"),
    ],
    good: &[
        Example::up("ALTER DOMAIN d ADD CONSTRAINT c CHECK (value > 0) NOT VALID"),
        Example::up("CREATE DOMAIN d AS int; ALTER DOMAIN d SET NOT NULL"),
    ],
    check: Check::Both(check),
};

fn check(seen: &Seen<'_>, out: &mut Hits) {
    let Sql::Alter { object: ObjectKind::Domain, name: Some(name), change: ObjectChange::Narrows, .. } = seen.sql()
    else {
        return;
    };
    let later = seen.words().ends_with(&["not".to_owned(), "valid".to_owned()]);
    if !later && !seen.fresh.object(ObjectKind::Domain, name) {
        out.hit(
            seen.statement.span,
            message!("rule-domain-constraint-without-not-valid", name = name.to_string()),
            message!("rule-domain-constraint-without-not-valid-help"),
        );
    }
}
