//! A table copied while nobody may read it.
//!
//! ## What it finds
//! SET TABLESPACE, SET LOGGED or UNLOGGED, SET ACCESS METHOD.
//!
//! ## Why it hurts a running system
//! All of the table is copied under ACCESS EXCLUSIVE, and needs its size in free disk.
//!
//! ## The way out
//! A new table of that kind, filled in batches.

use lockkeeper_core::message;
use lockkeeper_core::parse::AlterTableAction;

use crate::report::Severity;
use crate::rule::{Check, Example, Hits, Rule, Seen};

pub const RULE: Rule = Rule {
    name: "whole-table-copy",
    severity: Some(Severity::Error),
    mended: false,
    source: include_str!("whole_table_copy.rs"),
    bad: &[Example::up("ALTER TABLE t SET UNLOGGED"), Example::up("ALTER TABLE t SET TABLESPACE fast")],
    good: &[Example::up("CREATE UNLOGGED TABLE t (a int)"), Example::up("ALTER TABLE t SET (fillfactor = 70)")],
    check: Check::Both(check),
};

fn check(seen: &Seen<'_>, out: &mut Hits) {
    let Some((alter, table)) = seen.altered() else { return };
    for action in &alter.actions {
        if let AlterTableAction::Rewrite(span, _) = action {
            out.hit(
                *span,
                message!("rule-whole-table-copy", table = table.as_str()),
                message!("rule-whole-table-copy-help"),
            );
        }
    }
}
