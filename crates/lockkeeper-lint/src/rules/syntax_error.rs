//! A file that cannot be read, or a directive that does not hold.
//!
//! ## What it finds
//! What PostgreSQL would refuse to parse, psql commands, templates, and directives that are unknown or without a reason.
//!
//! ## Why it hurts a running system
//! The migration is refused before it runs.
//!
//! ## The way out
//! Mend it; the message says what is expected.

use lockkeeper_core::message;

use crate::report::Severity;
use crate::rule::{Check, Example, Hits, Rule, Side, Subject};

pub const RULE: Rule = Rule {
    name: "syntax-error",
    severity: Some(Severity::Error),
    mended: false,
    source: include_str!("syntax_error.rs"),
    bad: &[
        Example::up("CRATE TABLE t (a int)"),
        Example::up(
            "-- lockkeeper: stag=2
SELECT 1",
        ),
    ],
    good: &[Example::up("CREATE TABLE t (a int)")],
    check: Check::Migration(check),
};

fn check(subject: &Subject<'_>, out: &mut Hits) {
    let migration = subject.migration;
    for (side, script) in [(Side::Up, &migration.script), (Side::Down, &migration.down_script)] {
        for diagnostic in &script.diagnostics {
            let help = diagnostic.hints.first().cloned().unwrap_or_else(|| message!("rule-syntax-error-help"));
            out.hit_in(
                side,
                Some(diagnostic.span),
                message!("rule-syntax-error", what = diagnostic.message.clone()),
                help,
            );
        }
    }
}
