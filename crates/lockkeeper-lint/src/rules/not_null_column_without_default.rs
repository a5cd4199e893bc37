//! A new column that neither old rows nor old code can fill.
//!
//! ## What it finds
//! ADD COLUMN … NOT NULL without a default.
//!
//! ## Why it hurts a running system
//! It fails on a table with rows; on an empty one every INSERT of the running code fails from then on.
//!
//! ## The way out
//! Add the column with a default, or without NOT NULL: fill it, and SET NOT NULL in stage 2.

use lockkeeper_core::message;
use lockkeeper_core::parse::AlterTableAction;

use crate::report::Severity;
use crate::rule::{Check, Example, Hits, Rule, Seen, shown};

pub const RULE: Rule = Rule {
    name: "not-null-column-without-default",
    severity: Some(Severity::Error),
    mended: false,
    source: include_str!("not_null_column_without_default.rs"),
    bad: &[Example::up("ALTER TABLE t ADD COLUMN a int NOT NULL")],
    good: &[
        Example::up("ALTER TABLE t ADD COLUMN a int NOT NULL DEFAULT 0"),
        Example::up("ALTER TABLE t ADD COLUMN a int"),
        Example::up("ALTER TABLE t ADD COLUMN a bigint GENERATED ALWAYS AS IDENTITY NOT NULL"),
    ],
    check: Check::Up(check),
};

fn check(seen: &Seen<'_>, out: &mut Hits) {
    let Some((alter, table)) = seen.altered() else { return };
    for action in &alter.actions {
        if let AlterTableAction::AddColumn(span, add) = action
            && add.not_null
            && !add.has_default
            && !add.generated
            && !add.fills_every_row
        {
            let column = shown(add.column.as_ref());
            out.hit(
                *span,
                message!("rule-not-null-column-without-default", table = table.as_str(), column = column),
                message!("rule-not-null-column-without-default-help"),
            );
        }
    }
}
