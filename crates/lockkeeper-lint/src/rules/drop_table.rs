//! A table that goes with its rows.
//!
//! ## What it finds
//! DROP TABLE of a table, materialized view or foreign table that exists before the file.
//!
//! ## Why it hurts a running system
//! Every query of code that still runs fails, and the rows are gone. ACCESS EXCLUSIVE is taken on tables that its foreign keys point at, too.
//!
//! ## The way out
//! Stage 2, which Lockkeeper makes it: only once nothing uses it. Drop its foreign keys in a migration before.

use lockkeeper_core::message;
use lockkeeper_core::parse::{ObjectKind, Sql};

use crate::report::Severity;
use crate::rule::{Check, Example, Hits, Rule, Seen};

pub const RULE: Rule = Rule {
    name: "drop-table",
    severity: Some(Severity::Note),
    mended: false,
    source: include_str!("drop_table.rs"),
    bad: &[Example::up("DROP TABLE orders"), Example::up("DO $$ BEGIN DROP TABLE orders; END $$")],
    good: &[Example::up("CREATE TABLE t (a int); DROP TABLE t"), Example::up("ALTER TABLE orders ADD COLUMN a int")],
    check: Check::Up(check),
};

fn check(seen: &Seen<'_>, out: &mut Hits) {
    let Sql::Drop(drop) = seen.sql() else { return };
    if !matches!(drop.object, ObjectKind::Table | ObjectKind::MaterializedView | ObjectKind::ForeignTable) {
        return;
    }
    for name in &drop.names {
        if !seen.fresh.made_here(drop.object, name) {
            out.hit(
                seen.statement.span,
                message!("rule-drop-table", name = name.to_string()),
                message!("rule-drop-table-help"),
            );
        }
    }
}
