//! A function that runs with its owner’s rights and its caller’s names.
//!
//! ## What it finds
//! CREATE FUNCTION … SECURITY DEFINER without SET `search_path`.
//!
//! ## Why it hurts a running system
//! A caller who puts a schema of his own in front decides which tables and functions it means, with the owner’s rights.
//!
//! ## The way out
//! SET `search_path` = … in the function’s definition.

use lockkeeper_core::message;
use lockkeeper_core::parse::Sql;

use crate::report::Severity;
use crate::rule::{Check, Example, Hits, Rule, Seen};

pub const RULE: Rule = Rule {
    name: "security-definer-without-search-path",
    severity: Some(Severity::Error),
    mended: false,
    source: include_str!("security_definer_without_search_path.rs"),
    bad: &[Example::up("CREATE FUNCTION f() RETURNS int SECURITY DEFINER LANGUAGE sql AS 'SELECT 1'")],
    good: &[
        Example::up(
            "CREATE FUNCTION f() RETURNS int SECURITY DEFINER SET search_path = shop, pg_temp LANGUAGE sql AS 'SELECT 1'",
        ),
        Example::up("CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'"),
    ],
    check: Check::Up(check),
};

fn check(seen: &Seen<'_>, out: &mut Hits) {
    let Sql::CreateRoutine(routine) = seen.sql() else { return };
    if routine.security_definer && !routine.sets_search_path {
        let name = routine.name.as_ref().map_or_else(|| "?".to_owned(), ToString::to_string);
        out.hit(
            seen.statement.span,
            message!("rule-security-definer-without-search-path", name = name),
            message!("rule-security-definer-without-search-path-help"),
        );
    }
}
