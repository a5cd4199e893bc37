//! SQL that is built while it runs.
//!
//! ## What it finds
//! EXECUTE in a DO block of text that is put together there, CALL, EXECUTE of a prepared statement, a DO in a language that cannot be read, and a part of a DO block that the grammar does not know. EXECUTE of a constant is read like a plain statement.
//!
//! ## Why it hurts a running system
//! Nobody knows beforehand what it locks or destroys; it cannot be made safe, and its stage is a guess.
//!
//! ## The way out
//! Plain statements; where that cannot be, say the stage in a directive.

use lockkeeper_core::message;
use lockkeeper_core::parse::{Sql, UnreadableWhy};

use crate::report::Severity;
use crate::rule::{Check, Example, Hits, Rule, Seen};

pub const RULE: Rule = Rule {
    name: "unreadable-sql",
    severity: Some(Severity::Warning),
    mended: false,
    source: include_str!("unreadable_sql.rs"),
    bad: &[
        Example::up("DO $$ BEGIN EXECUTE format('DROP TABLE %I', t); END $$"),
        Example::up("DO $$ BEGIN EXECUTE 'DROP TABLE ' || t; END $$"),
        Example::up("DO $$ BEGIN CALL p(); END $$"),
        Example::up("DO $$ BEGIN PERFORM 1; ALTER TABEL t; END $$"),
        Example::up("DO LANGUAGE plperl 'drop()'"),
        Example::up("CALL p()"),
    ],
    good: &[
        Example::up("DO $$ BEGIN PERFORM 1; END $$"),
        Example::up("DO $$ BEGIN EXECUTE 'DROP TABLE t'; END $$"),
        Example::up("DROP TABLE t"),
    ],
    check: Check::Both(check),
};

fn check(seen: &Seen<'_>, out: &mut Hits) {
    match seen.sql() {
        Sql::Do(body) => {
            for it in &body.unreadable {
                let what = match &it.why {
                    UnreadableWhy::Built(by) => message!("rule-unreadable-sql-built", by = by.as_str()),
                    UnreadableWhy::Called(name) => message!("rule-unreadable-sql-called", name = name.as_str()),
                    UnreadableWhy::Language(name) => message!("rule-unreadable-sql-language", name = name.as_str()),
                    UnreadableWhy::Syntax => message!("rule-unreadable-sql-syntax"),
                    UnreadableWhy::Depth => message!("rule-unreadable-sql-depth"),
                };
                out.hit(it.span, what, message!("rule-unreadable-sql-help"));
            }
        }
        Sql::Call => {
            out.hit(seen.statement.span, message!("rule-unreadable-sql"), message!("rule-unreadable-sql-help"));
        }
        _ => {}
    }
}
