//! A transaction that nobody commits.
//!
//! ## What it finds
//! BEGIN without a COMMIT behind it.
//!
//! ## Why it hurts a running system
//! Everything since BEGIN is thrown away at the end, or its locks stay; Lockkeeper refuses the file.
//!
//! ## The way out
//! Leave BEGIN out: each file is one transaction anyway.

use lockkeeper_core::message;
use lockkeeper_core::parse::{Sql, TransactionControl};

use crate::report::Severity;
use crate::rule::{Check, Example, Hits, Rule, Seen};

pub const RULE: Rule = Rule {
    name: "open-transaction",
    severity: Some(Severity::Error),
    mended: false,
    source: include_str!("open_transaction.rs"),
    bad: &[Example::up("BEGIN; ALTER TABLE t ADD a int")],
    good: &[Example::up("BEGIN; ALTER TABLE t ADD a int; COMMIT"), Example::up("ALTER TABLE t ADD a int")],
    check: Check::Both(check),
};

fn check(seen: &Seen<'_>, out: &mut Hits) {
    if !matches!(seen.sql(), Sql::Transaction(TransactionControl::Begin)) {
        return;
    }
    let mut later = seen.script.statements.iter().filter(|it| it.span.start > seen.statement.span.start);
    if !later.any(|it| matches!(it.sql, Sql::Transaction(TransactionControl::Commit))) {
        out.hit(seen.statement.span, message!("rule-open-transaction"), message!("rule-open-transaction-help"));
    }
}
