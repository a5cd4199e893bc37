//! A constraint that goes while code relies on it.
//!
//! ## What it finds
//! DROP CONSTRAINT of a constraint that exists before the file.
//!
//! ## Why it hurts a running system
//! Rows come in that it kept out, so it cannot be brought back; ON CONFLICT on it fails at once. For a foreign key ACCESS EXCLUSIVE is taken on the other table, too.
//!
//! ## The way out
//! Stage 2, which Lockkeeper makes it.

use lockkeeper_core::message;
use lockkeeper_core::parse::AlterTableAction;

use crate::report::Severity;
use crate::rule::{Check, Example, Hits, Rule, Seen, shown};

pub const RULE: Rule = Rule {
    name: "drop-constraint",
    severity: Some(Severity::Note),
    mended: false,
    source: include_str!("drop_constraint.rs"),
    bad: &[Example::up("ALTER TABLE t DROP CONSTRAINT c")],
    good: &[Example::up("ALTER TABLE t ADD CONSTRAINT c CHECK (a > 0) NOT VALID; ALTER TABLE t DROP CONSTRAINT c")],
    check: Check::Up(check),
};

fn check(seen: &Seen<'_>, out: &mut Hits) {
    let Some((alter, table)) = seen.altered() else { return };
    for action in &alter.actions {
        if let AlterTableAction::DropConstraint { span, constraint, .. } = action
            && !seen.fresh.constraint(constraint.as_ref())
        {
            out.hit(
                *span,
                message!("rule-drop-constraint", table = table.as_str(), name = shown(constraint.as_ref())),
                message!("rule-drop-constraint-help"),
            );
        }
    }
}
