//! A function whose SQL is put together while it runs.
//!
//! ## What it finds
//! EXECUTE in the body of a function or procedure, of text that is put together by `format`, by `||` or from a variable.
//!
//! ## Why it hurts a running system
//! Neither PostgreSQL nor Lockkeeper knows which tables and columns it uses: what a later migration removes, the function finds missing when it is called.
//!
//! ## The way out
//! Plain SQL where it can be; otherwise look into the function by hand before anything that it might use is removed.

use lockkeeper_core::message;
use lockkeeper_core::parse::{Sql, UnreadableWhy};

use crate::report::Severity;
use crate::rule::{Check, Example, Hits, Rule, Seen};

pub const RULE: Rule = Rule {
    name: "dynamic-sql-in-function",
    severity: Some(Severity::Note),
    mended: false,
    source: include_str!("dynamic_sql_in_function.rs"),
    bad: &[
        Example::up(
            "CREATE FUNCTION f(t text) RETURNS void LANGUAGE plpgsql AS
             $$ BEGIN EXECUTE format('UPDATE %I SET a = 1', t); END $$",
        ),
        Example::up("CREATE PROCEDURE p(t text) LANGUAGE plpgsql AS $$ BEGIN EXECUTE 'TRUNCATE ' || t; END $$"),
    ],
    good: &[
        Example::up("CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$ BEGIN EXECUTE 'SELECT 1'; END $$"),
        Example::up("CREATE FUNCTION f() RETURNS void LANGUAGE sql AS 'UPDATE t SET a = 1'"),
    ],
    check: Check::Up(check),
};

fn check(seen: &Seen<'_>, out: &mut Hits) {
    let Sql::CreateRoutine(routine) = seen.sql() else { return };
    let function = routine.name.as_ref().map_or_else(|| "?".to_owned(), ToString::to_string);
    for it in routine.body.all_unreadable() {
        if let UnreadableWhy::Built(by) = &it.why {
            out.hit(
                it.span,
                message!("rule-dynamic-sql-in-function", function = function.as_str(), by = by.as_str()),
                message!("rule-dynamic-sql-in-function-help"),
            );
        }
    }
}
