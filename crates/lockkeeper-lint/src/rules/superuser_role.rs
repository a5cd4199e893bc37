//! A role that may do everything.
//!
//! ## What it finds
//! CREATE ROLE and ALTER ROLE with SUPERUSER, REPLICATION or BYPASSRLS.
//!
//! ## Why it hurts a running system
//! Whoever gets hold of it has the whole server.
//!
//! ## The way out
//! The rights that are needed, by name.

use lockkeeper_core::message;
use lockkeeper_core::parse::{ObjectKind, Sql};

use crate::report::Severity;
use crate::rule::{Check, Example, Hits, Rule, Seen};

pub const RULE: Rule = Rule {
    name: "superuser-role",
    severity: Some(Severity::Error),
    mended: false,
    source: include_str!("superuser_role.rs"),
    bad: &[Example::up("CREATE ROLE r SUPERUSER"), Example::up("ALTER ROLE r BYPASSRLS")],
    good: &[Example::up("CREATE ROLE r NOSUPERUSER"), Example::up("CREATE ROLE r LOGIN")],
    check: Check::Up(check),
};

fn check(seen: &Seen<'_>, out: &mut Hits) {
    if let Sql::Create { object: ObjectKind::Role, .. } | Sql::Alter { object: ObjectKind::Role, .. } = seen.sql()
        && seen.words().iter().any(|word| ["superuser", "replication", "bypassrls"].contains(&word.as_str()))
    {
        out.hit(seen.statement.span, message!("rule-superuser-role"), message!("rule-superuser-role-help"));
    }
}
