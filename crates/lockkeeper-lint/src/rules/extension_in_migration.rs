//! An extension that may not be there.
//!
//! ## What it finds
//! CREATE EXTENSION.
//!
//! ## Why it hurts a running system
//! It needs rights that a migration role seldom has, and packages on every server, replicas and shadows too.
//!
//! ## The way out
//! Look that it is installed on every server first.

use lockkeeper_core::message;
use lockkeeper_core::parse::{ObjectKind, Sql};

use crate::report::Severity;
use crate::rule::{Check, Example, Hits, Rule, Seen};

pub const RULE: Rule = Rule {
    name: "extension-in-migration",
    severity: Some(Severity::Note),
    mended: false,
    source: include_str!("extension_in_migration.rs"),
    bad: &[Example::up("CREATE EXTENSION hstore")],
    good: &[Example::up("CREATE TABLE t (a int)")],
    check: Check::Up(check),
};

fn check(seen: &Seen<'_>, out: &mut Hits) {
    if let Sql::Create { object: ObjectKind::Extension, name: Some(name), .. } = seen.sql() {
        out.hit(
            seen.statement.span,
            message!("rule-extension-in-migration", name = name.to_string()),
            message!("rule-extension-in-migration-help"),
        );
    }
}
