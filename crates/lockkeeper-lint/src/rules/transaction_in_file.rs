//! A transaction that the file has anyway.
//!
//! ## What it finds
//! BEGIN and COMMIT in a file.
//!
//! ## Why it hurts a running system
//! Each file is one transaction together with its record; two of them in one file can leave half of it applied.
//!
//! ## The way out
//! Leave BEGIN and COMMIT out.

use lockkeeper_core::message;
use lockkeeper_core::parse::{Sql, TransactionControl};

use crate::report::Severity;
use crate::rule::{Check, Example, Hits, Rule, Seen};

pub const RULE: Rule = Rule {
    name: "transaction-in-file",
    severity: Some(Severity::Note),
    mended: false,
    source: include_str!("transaction_in_file.rs"),
    bad: &[Example::up("BEGIN; SELECT 1; COMMIT")],
    good: &[Example::up("SELECT 1")],
    check: Check::Both(check),
};

fn check(seen: &Seen<'_>, out: &mut Hits) {
    if let Sql::Transaction(TransactionControl::Begin) = seen.sql() {
        out.hit(seen.statement.span, message!("rule-transaction-in-file"), message!("rule-transaction-in-file-help"));
    }
}
