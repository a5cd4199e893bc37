//! A collation that changes the order of a column.
//!
//! ## What it finds
//! ALTER COLUMN … TYPE … COLLATE.
//!
//! ## Why it hurts a running system
//! Every index over the column is built anew under ACCESS EXCLUSIVE, and queries order differently at once.
//!
//! ## The way out
//! A new column with the collation, filled in batches, and its indexes built CONCURRENTLY.

use lockkeeper_core::message;
use lockkeeper_core::parse::AlterTableAction;

use crate::report::Severity;
use crate::rule::{Check, Example, Hits, Rule, Seen, shown};

pub const RULE: Rule = Rule {
    name: "collation-change",
    severity: Some(Severity::Warning),
    mended: false,
    source: include_str!("collation_change.rs"),
    bad: &[Example::up(r#"ALTER TABLE t ALTER a TYPE text COLLATE "C""#)],
    good: &[Example::up(r#"ALTER TABLE t ADD COLUMN b text COLLATE "C""#)],
    check: Check::Both(check),
};

fn check(seen: &Seen<'_>, out: &mut Hits) {
    let Some((alter, table)) = seen.altered() else { return };
    for action in &alter.actions {
        if let AlterTableAction::AlterColumn { new_type: Some(new), column, .. } = action
            && new.collates
        {
            out.hit(
                action.span(),
                message!("rule-collation-change", table = table.as_str(), column = shown(column.as_ref())),
                message!("rule-collation-change-help"),
            );
        }
    }
}
