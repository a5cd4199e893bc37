//! One table altered more often than it needs to be.
//!
//! ## What it finds
//! ALTER TABLE of the same table in two statements that follow each other.
//!
//! ## Why it hurts a running system
//! Each one needs the lock, and may rewrite or read the table again.
//!
//! ## The way out
//! One ALTER TABLE with both actions; not for VALIDATE CONSTRAINT.

use lockkeeper_core::message;
use lockkeeper_core::parse::{AlterTableAction, Sql};

use crate::rule::{Check, Example, Hits, Rule, Seen};

pub const RULE: Rule = Rule {
    name: "separate-alter-tables",
    severity: None,
    mended: false,
    source: include_str!("separate_alter_tables.rs"),
    bad: &[Example::up("ALTER TABLE t ADD a int; ALTER TABLE t ADD b int")],
    good: &[
        Example::up("ALTER TABLE t ADD a int, ADD b int"),
        Example::up("ALTER TABLE t ADD CONSTRAINT c CHECK (a > 0) NOT VALID; ALTER TABLE t VALIDATE CONSTRAINT c"),
    ],
    check: Check::Both(check),
};

fn check(seen: &Seen<'_>, out: &mut Hits) {
    let Some((alter, table)) = seen.altered() else { return };
    let follows = matches!(seen.passed.last(), Some(Sql::AlterTable(other)) if other.table == alter.table);
    let same = follows && !seen.in_body;
    let validates = |action: &AlterTableAction| {
        matches!(action, AlterTableAction::ValidateConstraint { .. } | AlterTableAction::RenameColumn { .. })
    };
    if same && !alter.actions.iter().any(validates) {
        out.hit(
            seen.statement.span,
            message!("rule-separate-alter-tables", table = table),
            message!("rule-separate-alter-tables-help"),
        );
    }
}
