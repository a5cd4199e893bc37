//! Locks on several tables, held together.
//!
//! ## What it finds
//! ALTER TABLE of more than one table that exists before the file, in one transaction.
//!
//! ## Why it hurts a running system
//! The first table stays locked while the lock on the second is waited for; two such transactions can lock each other out.
//!
//! ## The way out
//! One table for each migration.

use lockkeeper_core::message;

use crate::report::Severity;
use crate::rule::{Check, Example, Hits, Rule, Seen};

pub const RULE: Rule = Rule {
    name: "several-tables-in-one-transaction",
    severity: Some(Severity::Note),
    mended: false,
    source: include_str!("several_tables_in_one_transaction.rs"),
    bad: &[
        Example::up("ALTER TABLE a ADD x int; ALTER TABLE b ADD x int"),
        Example::up("ALTER TABLE a ADD x int; ALTER TABLE a ADD y int; ALTER TABLE b ADD x int"),
    ],
    good: &[
        Example::up("ALTER TABLE a ADD x int; ALTER TABLE a ADD y int"),
        Example::up(
            "-- lockkeeper: no-transaction
ALTER TABLE a ADD x int; ALTER TABLE b ADD x int",
        ),
    ],
    check: Check::Both(check),
};

fn check(seen: &Seen<'_>, out: &mut Hits) {
    let Some((alter, table)) = seen.altered() else { return };
    let Some(this) = &alter.table else { return };
    // Said once, where the second table comes in.
    if let [first] = seen.passed.altered()
        && *first != this
        && seen.in_one_transaction()
    {
        out.hit(
            seen.statement.span,
            message!("rule-several-tables-in-one-transaction", first = first.to_string(), table = table),
            message!("rule-several-tables-in-one-transaction-help"),
        );
    }
}
