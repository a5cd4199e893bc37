//! What tells replicas which row is meant changes.
//!
//! ## What it finds
//! ALTER TABLE … REPLICA IDENTITY, and DROP CONSTRAINT of what is named like a primary key.
//!
//! ## Why it hurts a running system
//! Logical replication refuses UPDATE and DELETE on a table that is published and has neither a primary key nor another identity.
//!
//! ## The way out
//! The new identity before the old one goes, in the same transaction.

use lockkeeper_core::message;
use lockkeeper_core::parse::{AlterTableAction, ConstraintKind, Sql};

use crate::report::Severity;
use crate::rule::{Check, Example, Hits, Rule, Seen, words};

pub const RULE: Rule = Rule {
    name: "replica-identity",
    severity: Some(Severity::Warning),
    mended: false,
    source: include_str!("replica_identity.rs"),
    bad: &[Example::up("ALTER TABLE t REPLICA IDENTITY NOTHING"), Example::up("ALTER TABLE t DROP CONSTRAINT t_pkey")],
    good: &[
        Example::up("ALTER TABLE t DROP CONSTRAINT t_pkey, ADD CONSTRAINT t_pkey PRIMARY KEY USING INDEX i"),
        Example::up("ALTER TABLE t DROP CONSTRAINT t_pkey; ALTER TABLE t ADD PRIMARY KEY (a, b)"),
        Example::up("ALTER TABLE t OWNER TO app"),
    ],
    check: Check::Both(check),
};

fn check(seen: &Seen<'_>, out: &mut Hits) {
    let Some((alter, table)) = seen.altered() else { return };
    let keys = |action: &AlterTableAction| matches!(action, AlterTableAction::AddConstraint(_, add) if add.kind == ConstraintKind::PrimaryKey);
    // In the same transaction nobody sees the table without one.
    let gets_a_key = || {
        seen.script.statements.iter().any(|statement| match &statement.sql {
            Sql::AlterTable(other) => other.table == alter.table && other.actions.iter().any(keys),
            _ => false,
        })
    };
    for action in &alter.actions {
        let changes = match action {
            AlterTableAction::Settle { span, light: false } => {
                let words = words(span.of(seen.text));
                words.starts_with(&["replica".to_owned(), "identity".to_owned()])
                    && words.last().is_some_and(|it| it == "nothing")
            }
            AlterTableAction::DropConstraint { constraint: Some(name), .. } => {
                name.as_str().ends_with("_pkey") && !gets_a_key()
            }
            _ => false,
        };
        if changes {
            out.hit(
                action.span(),
                message!("rule-replica-identity", table = table.as_str()),
                message!("rule-replica-identity-help"),
            );
        }
    }
}
