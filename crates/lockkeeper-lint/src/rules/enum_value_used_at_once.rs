//! A new enum value used before it is committed.
//!
//! ## What it finds
//! ALTER TYPE … ADD VALUE, and the value in a later statement of the same transaction.
//!
//! ## Why it hurts a running system
//! PostgreSQL refuses it (unsafe use of new value), and the migration fails.
//!
//! ## The way out
//! ADD VALUE in a migration of its own.

use lockkeeper_core::message;
use lockkeeper_core::parse::{ObjectChange, ObjectKind, Sql};

use crate::report::Severity;
use crate::rule::{Check, Example, Hits, Rule, Seen};

pub const RULE: Rule = Rule {
    name: "enum-value-used-at-once",
    severity: Some(Severity::Error),
    mended: false,
    source: include_str!("enum_value_used_at_once.rs"),
    bad: &[Example::up("ALTER TYPE mood ADD VALUE 'calm'; INSERT INTO people VALUES ('calm')")],
    good: &[
        Example::up("ALTER TYPE mood ADD VALUE 'calm'"),
        Example::up(
            "-- lockkeeper: no-transaction
ALTER TYPE mood ADD VALUE 'calm'; INSERT INTO people VALUES ('calm')",
        ),
        Example::up(
            "CREATE TYPE mood AS ENUM ('sad'); ALTER TYPE mood ADD VALUE 'calm'; INSERT INTO people VALUES ('calm')",
        ),
    ],
    check: Check::Up(check),
};

fn check(seen: &Seen<'_>, out: &mut Hits) {
    let Sql::Alter { object: ObjectKind::Type, name: Some(name), change: ObjectChange::Adds, .. } = seen.sql() else {
        return;
    };
    let Some(value) = seen.text().split('\'').nth(1).filter(|_| seen.words().contains(&"value".to_owned())) else {
        return;
    };
    if !seen.in_one_transaction() || seen.fresh.object(ObjectKind::Type, name) {
        return;
    }
    let quoted = format!("'{value}'");
    let statements = &seen.script.statements;
    let later = &statements[statements.partition_point(|it| it.span.start <= seen.statement.span.start)..];
    let uses = later.iter().any(|it| it.span.of(seen.text).contains(&quoted));
    if uses {
        out.hit(
            seen.statement.span,
            message!("rule-enum-value-used-at-once", value = value),
            message!("rule-enum-value-used-at-once-help"),
        );
    }
}
