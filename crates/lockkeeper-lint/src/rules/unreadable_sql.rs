//! SQL that is built while it runs.
//!
//! ## What it finds
//! EXECUTE in a DO block, CALL, EXECUTE of a prepared statement, a DO in a language that cannot be read.
//!
//! ## Why it hurts a running system
//! Nobody knows beforehand what it locks or destroys; it cannot be made safe, and its stage is a guess.
//!
//! ## The way out
//! Plain statements; where that cannot be, say the stage in a directive.

use lockkeeper_core::message;
use lockkeeper_core::parse::Sql;

use crate::report::Severity;
use crate::rule::{Check, Example, Hits, Rule, Seen};

pub const RULE: Rule = Rule {
    name: "unreadable-sql",
    severity: Some(Severity::Warning),
    mended: false,
    source: include_str!("unreadable_sql.rs"),
    bad: &[Example::up("DO $$ BEGIN EXECUTE 'DROP TABLE t'; END $$"), Example::up("CALL p()")],
    good: &[Example::up("DO $$ BEGIN PERFORM 1; END $$"), Example::up("DROP TABLE t")],
    check: Check::Both(check),
};

fn check(seen: &Seen<'_>, out: &mut Hits) {
    match seen.sql() {
        Sql::Do { unreadable, .. } => {
            for span in unreadable {
                out.hit(*span, message!("rule-unreadable-sql"), message!("rule-unreadable-sql-help"));
            }
        }
        Sql::Call => {
            out.hit(seen.statement.span, message!("rule-unreadable-sql"), message!("rule-unreadable-sql-help"));
        }
        _ => {}
    }
}
