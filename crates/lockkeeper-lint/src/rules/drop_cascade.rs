//! A removal that takes along what nobody has listed.
//!
//! ## What it finds
//! DROP … CASCADE, DROP OWNED.
//!
//! ## Why it hurts a running system
//! Views, foreign keys, functions and columns that depend on it go without a word, and no down script knows which.
//!
//! ## The way out
//! Drop by name what depends on it, in the same file; without CASCADE PostgreSQL says what that is.

use lockkeeper_core::message;
use lockkeeper_core::parse::{ObjectKind, Sql};

use crate::report::Severity;
use crate::rule::{Check, Example, Hits, Rule, Seen};

pub const RULE: Rule = Rule {
    name: "drop-cascade",
    severity: Some(Severity::Error),
    mended: false,
    source: include_str!("drop_cascade.rs"),
    bad: &[Example::up("DROP TABLE t CASCADE"), Example::up("DROP SCHEMA s CASCADE"), Example::up("DROP OWNED BY app")],
    good: &[Example::up("DROP TABLE t"), Example::up("CREATE TABLE t (a int); DROP TABLE t CASCADE")],
    check: Check::Both(check),
};

fn check(seen: &Seen<'_>, out: &mut Hits) {
    if let Sql::Drop(drop) = seen.sql()
        && (drop.cascade || drop.object == ObjectKind::Owned)
        && !drop.names.iter().all(|name| seen.fresh.object(drop.object, name))
    {
        out.hit(seen.statement.span, message!("rule-drop-cascade"), message!("rule-drop-cascade-help"));
    }
}
