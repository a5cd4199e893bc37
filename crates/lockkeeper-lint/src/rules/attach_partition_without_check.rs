//! A partition whose rows are checked while nobody may read it.
//!
//! ## What it finds
//! ATTACH PARTITION of a table that exists before the migration, without a CHECK in the files.
//!
//! ## Why it hurts a running system
//! The partition, and the DEFAULT partition if there is one, are read from end to end under ACCESS EXCLUSIVE.
//!
//! ## The way out
//! A CHECK … NOT VALID on the partition that says the same as its bounds, VALIDATE CONSTRAINT, then ATTACH; the like on the DEFAULT partition.

use lockkeeper_core::message;
use lockkeeper_core::parse::{AlterTableAction, ConstraintKind, Sql};

use crate::report::Severity;
use crate::rule::{Check, Example, Hits, Rule, Seen};

pub const RULE: Rule = Rule {
    name: "attach-partition-without-check",
    severity: Some(Severity::Warning),
    mended: false,
    source: include_str!("attach_partition_without_check.rs"),
    bad: &[Example::up("ALTER TABLE t ATTACH PARTITION p FOR VALUES FROM (1) TO (2)")],
    good: &[
        Example::up(
            "ALTER TABLE p ADD CONSTRAINT c CHECK (a >= 1 AND a < 2) NOT VALID; ALTER TABLE t ATTACH PARTITION p FOR VALUES FROM (1) TO (2)",
        ),
        Example::up("CREATE TABLE p (a int); ALTER TABLE t ATTACH PARTITION p FOR VALUES FROM (1) TO (2)"),
    ],
    check: Check::Both(check),
};

fn check(seen: &Seen<'_>, out: &mut Hits) {
    let Sql::AlterTable(alter) = seen.sql() else { return };
    for action in &alter.actions {
        let AlterTableAction::AttachPartition { span, partition } = action else { continue };
        let Some(name) = seen.in_use(partition.as_ref()) else { continue };
        let checks = |action: &AlterTableAction| {
            matches!(action, AlterTableAction::AddConstraint(_, add) if add.kind == ConstraintKind::Check)
                || matches!(action, AlterTableAction::ValidateConstraint { .. })
        };
        let is_checked = seen.script.statements.iter().any(|statement| match &statement.sql {
            Sql::AlterTable(other) => other.table == *partition && other.actions.iter().any(checks),
            _ => false,
        });
        if !is_checked {
            out.hit(
                *span,
                message!("rule-attach-partition-without-check", partition = name),
                message!("rule-attach-partition-without-check-help"),
            );
        }
    }
}
