//! A view, function, type or other object that goes while code may use it.
//!
//! ## What it finds
//! DROP of anything but tables, indexes and what hangs on a table, that exists before the file.
//!
//! ## Why it hurts a running system
//! Code that uses it fails at once.
//!
//! ## The way out
//! Stage 2, which Lockkeeper makes it.

use lockkeeper_core::message;
use lockkeeper_core::parse::{ObjectKind, Sql};

use crate::report::Severity;
use crate::rule::{Check, Example, Hits, Rule, Seen};

pub const RULE: Rule = Rule {
    name: "drop-object",
    severity: Some(Severity::Note),
    mended: false,
    source: include_str!("drop_object.rs"),
    bad: &[Example::up("DROP VIEW v"), Example::up("DROP SCHEMA s"), Example::up("DROP EXTENSION hstore")],
    good: &[Example::up("DROP VIEW v; CREATE VIEW v AS SELECT 1"), Example::up("DROP STATISTICS s")],
    check: Check::Up(check),
};

fn check(seen: &Seen<'_>, out: &mut Hits) {
    let Sql::Drop(drop) = seen.sql() else { return };
    if !matches!(
        drop.object,
        ObjectKind::View
            | ObjectKind::Function
            | ObjectKind::Procedure
            | ObjectKind::Routine
            | ObjectKind::Aggregate
            | ObjectKind::Type
            | ObjectKind::Domain
            | ObjectKind::Schema
            | ObjectKind::Sequence
            | ObjectKind::Extension
            | ObjectKind::Database
            | ObjectKind::Role
    ) {
        return;
    }
    for name in &drop.names {
        if !seen.fresh.made_here(drop.object, name) {
            out.hit(
                seen.statement.span,
                message!("rule-drop-object", object = drop.object.as_str(), name = name.to_string()),
                message!("rule-drop-object-help"),
            );
        }
    }
}
