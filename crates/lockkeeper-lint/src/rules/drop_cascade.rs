//! A removal that takes along what nobody has listed.
//!
//! ## What it finds
//! DROP … CASCADE, of a column or a constraint too, and DROP OWNED.
//!
//! ## Why it hurts a running system
//! Views, foreign keys, functions and columns that depend on it go without a word, and no down script knows which.
//!
//! ## The way out
//! Drop by name what depends on it, in the same file; without CASCADE PostgreSQL says what that is.

use lockkeeper_core::message;
use lockkeeper_core::parse::{AlterTableAction, ObjectKind, Sql};

use crate::report::Severity;
use crate::rule::{Check, Example, Hits, Rule, Seen};

pub const RULE: Rule = Rule {
    name: "drop-cascade",
    severity: Some(Severity::Error),
    mended: false,
    source: include_str!("drop_cascade.rs"),
    bad: &[
        Example::up("DROP TABLE t CASCADE"),
        Example::up("DROP SCHEMA s CASCADE"),
        Example::up("DROP OWNED BY app"),
        Example::up("ALTER TABLE t DROP COLUMN a CASCADE"),
    ],
    good: &[Example::up("DROP TABLE t"), Example::up("CREATE TABLE t (a int); DROP TABLE t CASCADE")],
    check: Check::Both(check),
};

fn check(seen: &Seen<'_>, out: &mut Hits) {
    let mut hit = |span| out.hit(span, message!("rule-drop-cascade"), message!("rule-drop-cascade-help"));
    match seen.sql() {
        Sql::Drop(drop) => {
            let cascades = drop.cascade || drop.object == ObjectKind::Owned;
            if cascades && !drop.names.iter().all(|name| seen.fresh.object(drop.object, name)) {
                hit(seen.statement.span);
            }
        }
        Sql::AlterTable(alter) if seen.in_use(alter.table.as_ref()).is_some() => {
            for action in &alter.actions {
                if let AlterTableAction::DropColumn { span, cascade: true, .. }
                | AlterTableAction::DropConstraint { span, cascade: true, .. } = action
                {
                    hit(*span);
                }
            }
        }
        _ => {}
    }
}
