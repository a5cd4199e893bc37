//! CONCURRENTLY where a transaction is open.
//!
//! ## What it finds
//! CREATE INDEX, DROP INDEX, REINDEX or DETACH PARTITION with CONCURRENTLY between BEGIN and COMMIT, in a DO block, or in a file with statements that are one transaction; and COMMIT in a DO block, which Lockkeeper always runs in a transaction.
//!
//! ## Why it hurts a running system
//! PostgreSQL refuses it, so the migration fails; Lockkeeper refuses such a file before it runs.
//!
//! ## The way out
//! A file of its own; or, where each statement may commit by itself, the directive no-transaction.

use lockkeeper_core::message;
use lockkeeper_core::parse::{AlterTableAction, Sql};

use crate::report::{Remedy, Severity};
use crate::rule::{Check, Example, Hits, Rule, Seen};

pub const RULE: Rule = Rule {
    name: "concurrently-in-transaction",
    severity: Some(Severity::Error),
    mended: false,
    source: include_str!("concurrently_in_transaction.rs"),
    bad: &[
        Example::up("BEGIN; CREATE INDEX CONCURRENTLY i ON t (a); COMMIT"),
        Example::up("DO $$ BEGIN DROP INDEX CONCURRENTLY i; END $$"),
        Example::up("ALTER TABLE t ADD a int; CREATE INDEX CONCURRENTLY i ON t (a)"),
        Example::up("DO $$ BEGIN LOOP UPDATE t SET a = 1; COMMIT; END LOOP; END $$"),
    ],
    good: &[
        Example::up("CREATE INDEX CONCURRENTLY i ON t (a)"),
        Example::up("DROP INDEX CONCURRENTLY i; DROP INDEX CONCURRENTLY j"),
        Example::up("DO $$ BEGIN LOOP UPDATE t SET a = 1; END LOOP; END $$"),
        Example::up(
            "-- lockkeeper: no-transaction
ALTER TABLE t ADD a int; CREATE INDEX CONCURRENTLY i ON t (a)",
        ),
    ],
    check: Check::Both(check),
};

fn check(seen: &Seen<'_>, out: &mut Hits) {
    let commits = seen.in_body && matches!(seen.sql(), Sql::Transaction(_));
    if !commits && !stands_alone(seen.sql()) {
        return;
    }
    let shares = || seen.script.statements.iter().any(|other| !stands_alone(&other.sql));
    if seen.in_body || seen.in_block || (!seen.script.no_transaction() && shares()) {
        let is_statement = !matches!(seen.sql(), Sql::Vacuum { .. } | Sql::Transaction(_));
        out.hit_mending(
            seen.statement.span,
            message!("rule-concurrently-in-transaction"),
            message!("rule-concurrently-in-transaction-help"),
            (is_statement && seen.is_movable()).then(|| Remedy::Alone(Vec::new())),
        );
    }
}

fn stands_alone(sql: &Sql) -> bool {
    match sql {
        Sql::CreateIndex(index) => index.concurrently,
        Sql::Drop(drop) => drop.concurrently,
        Sql::Reindex { concurrently, .. } => *concurrently,
        Sql::AlterTable(alter) => alter
            .actions
            .iter()
            .any(|action| matches!(action, AlterTableAction::DetachPartition { concurrently: true, .. })),
        Sql::Vacuum { .. } => true,
        _ => false,
    }
}
