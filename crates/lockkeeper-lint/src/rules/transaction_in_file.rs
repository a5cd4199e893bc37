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
use lockkeeper_core::parse::{Sql, Statement, TransactionControl};

use crate::report::{Remedy, Severity};
use crate::rule::{Check, Example, Hits, Rule, Seen, cut};

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
        let (what, help) = (message!("rule-transaction-in-file"), message!("rule-transaction-in-file-help"));
        out.hit_mending(seen.statement.span, what, help, unwrapped(seen));
    }
}

/// The file without its BEGIN and COMMIT, where they are the first and the last of it: then nothing else changes.
fn unwrapped(seen: &Seen<'_>) -> Option<Remedy> {
    let controls = |it: &&Statement| matches!(it.sql, Sql::Transaction(_));
    let statements = &seen.script.statements;
    let [begin, .., commit] = &statements[..] else { return None };
    let is_commit = matches!(commit.sql, Sql::Transaction(TransactionControl::Commit));
    let is_whole = begin.span == seen.statement.span && is_commit && statements.iter().filter(controls).count() == 2;
    let edits = || vec![cut(seen.text, begin.span), cut(seen.text, commit.span)];
    (is_whole && !seen.in_body && !seen.script.no_transaction()).then(|| Remedy::Edits(edits()))
}
