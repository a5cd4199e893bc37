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
use lockkeeper_core::parse::Sql;

use crate::report::Severity;
use crate::rule::{Check, Example, Hits, Rule, Seen};

pub const RULE: Rule = Rule {
    name: "several-tables-in-one-transaction",
    severity: Some(Severity::Note),
    mended: false,
    source: include_str!("several_tables_in_one_transaction.rs"),
    bad: &[Example::up("ALTER TABLE a ADD x int; ALTER TABLE b ADD x int")],
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
    let earlier = seen.script.statements.iter().filter(|it| it.span.start < seen.statement.span.start);
    let mut tables = earlier.filter_map(|it| match &it.sql {
        Sql::AlterTable(other) if other.table != alter.table => seen.in_use(other.table.as_ref()),
        _ => None,
    });
    let first = tables.next();
    // Said once, at the second table.
    let said = tables.next().is_some();
    if let Some(first) = first.filter(|_| seen.in_one_transaction() && !said) {
        out.hit(
            seen.statement.span,
            message!("rule-several-tables-in-one-transaction", first = first, table = table),
            message!("rule-several-tables-in-one-transaction-help"),
        );
    }
}
