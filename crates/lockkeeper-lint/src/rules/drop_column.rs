//! A column that goes with its values.
//!
//! ## What it finds
//! DROP COLUMN of a column that exists before the file.
//!
//! ## Why it hurts a running system
//! Every query of running code that names it fails, SELECT * in prepared statements too, and the values are gone.
//!
//! ## The way out
//! Stage 2, which Lockkeeper makes it: only once nothing uses it.

use lockkeeper_core::message;
use lockkeeper_core::parse::AlterTableAction;

use crate::report::Severity;
use crate::rule::{Check, Example, Hits, Rule, Seen};

pub const RULE: Rule = Rule {
    name: "drop-column",
    severity: Some(Severity::Note),
    mended: false,
    source: include_str!("drop_column.rs"),
    bad: &[Example::up("ALTER TABLE t DROP COLUMN a"), Example::up("DO $$ BEGIN ALTER TABLE t DROP a; END $$")],
    good: &[Example::up("ALTER TABLE t ADD COLUMN a int; ALTER TABLE t DROP COLUMN a")],
    check: Check::Up(check),
};

fn check(seen: &Seen<'_>, out: &mut Hits) {
    let Some((alter, table)) = seen.altered() else { return };
    for action in &alter.actions {
        if let AlterTableAction::DropColumn { span, column: Some(column), .. } = action
            && !seen.fresh.column(alter.table.as_ref(), column)
        {
            out.hit(
                *span,
                message!("rule-drop-column", table = table.as_str(), column = column.to_string()),
                message!("rule-drop-column-help"),
            );
        }
    }
}
