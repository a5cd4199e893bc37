//! CONCURRENTLY where a transaction is open.
//!
//! ## What it finds
//! CREATE INDEX, DROP INDEX, REINDEX or DETACH PARTITION with CONCURRENTLY between BEGIN and COMMIT, or in a DO block.
//!
//! ## Why it hurts a running system
//! PostgreSQL refuses it, so the migration fails.
//!
//! ## The way out
//! A file of its own, without BEGIN and COMMIT.

use lockkeeper_core::message;
use lockkeeper_core::parse::{AlterTableAction, Sql};

use crate::report::Severity;
use crate::rule::{Check, Example, Hits, Rule, Seen};

pub const RULE: Rule = Rule {
    name: "concurrently-in-transaction",
    severity: Some(Severity::Error),
    mended: false,
    source: include_str!("concurrently_in_transaction.rs"),
    bad: &[
        Example::up("BEGIN; CREATE INDEX CONCURRENTLY i ON t (a); COMMIT"),
        Example::up("DO $$ BEGIN DROP INDEX CONCURRENTLY i; END $$"),
    ],
    good: &[
        Example::up("CREATE INDEX CONCURRENTLY i ON t (a)"),
        Example::up("BEGIN; SELECT 1; COMMIT; DROP INDEX CONCURRENTLY i"),
    ],
    check: Check::Both(check),
};

fn check(seen: &Seen<'_>, out: &mut Hits) {
    let detaches =
        |action: &AlterTableAction| matches!(action, AlterTableAction::DetachPartition { concurrently: true, .. });
    let concurrently = match seen.sql() {
        Sql::CreateIndex(index) => index.concurrently,
        Sql::Drop(drop) => drop.concurrently,
        Sql::Reindex { concurrently, .. } => *concurrently,
        Sql::AlterTable(alter) => alter.actions.iter().any(detaches),
        _ => false,
    };
    if concurrently && (seen.in_block || seen.in_body) {
        out.hit(
            seen.statement.span,
            message!("rule-concurrently-in-transaction"),
            message!("rule-concurrently-in-transaction-help"),
        );
    }
}
