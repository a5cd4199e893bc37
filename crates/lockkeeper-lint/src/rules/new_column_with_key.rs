//! A key on a new column, whose index is built while nobody may read.
//!
//! ## What it finds
//! ADD COLUMN … UNIQUE or PRIMARY KEY.
//!
//! ## Why it hurts a running system
//! The index is built under ACCESS EXCLUSIVE.
//!
//! ## The way out
//! ADD COLUMN, CREATE UNIQUE INDEX CONCURRENTLY, then ADD CONSTRAINT … UNIQUE USING INDEX.

use lockkeeper_core::message;
use lockkeeper_core::parse::AlterTableAction;

use crate::report::Severity;
use crate::rule::{Check, Example, Hits, Rule, Seen, shown};

pub const RULE: Rule = Rule {
    name: "new-column-with-key",
    severity: Some(Severity::Error),
    mended: true,
    source: include_str!("new_column_with_key.rs"),
    bad: &[Example::up("ALTER TABLE t ADD COLUMN a int UNIQUE")],
    good: &[Example::up("ALTER TABLE t ADD COLUMN a int")],
    check: Check::Up(check),
};

fn check(seen: &Seen<'_>, out: &mut Hits) {
    let Some((alter, table)) = seen.altered() else { return };
    for action in &alter.actions {
        if let AlterTableAction::AddColumn(span, add) = action
            && add.unique
        {
            let column = shown(add.column.as_ref());
            out.hit(
                *span,
                message!("rule-new-column-with-key", table = table.as_str(), column = column),
                message!("rule-new-column-with-key-help"),
            );
        }
    }
}
