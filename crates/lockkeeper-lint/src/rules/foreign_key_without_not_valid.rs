//! A foreign key checked while writes to two tables wait.
//!
//! ## What it finds
//! ADD FOREIGN KEY without NOT VALID on a table that exists before the migration.
//!
//! ## Why it hurts a running system
//! SHARE ROW EXCLUSIVE on both tables stops every write to either of them until each row has been looked up.
//!
//! ## The way out
//! ADD CONSTRAINT … NOT VALID, then VALIDATE CONSTRAINT in a transaction of its own (manual, ALTER TABLE, Notes).

use lockkeeper_core::message;
use lockkeeper_core::parse::{AlterTableAction, ConstraintKind};

use crate::report::Severity;
use crate::rule::{Check, Example, Hits, Rule, Seen};

pub const RULE: Rule = Rule {
    name: "foreign-key-without-not-valid",
    severity: Some(Severity::Error),
    mended: true,
    source: include_str!("foreign_key_without_not_valid.rs"),
    bad: &[
        Example::up("ALTER TABLE orders ADD CONSTRAINT f FOREIGN KEY (c) REFERENCES customers (id)"),
        Example::up("DO $$ BEGIN ALTER TABLE orders ADD FOREIGN KEY (c) REFERENCES customers; END $$"),
    ],
    good: &[
        Example::up("ALTER TABLE orders ADD CONSTRAINT f FOREIGN KEY (c) REFERENCES customers (id) NOT VALID"),
        Example::up("CREATE TABLE orders (c int); ALTER TABLE orders ADD FOREIGN KEY (c) REFERENCES customers"),
    ],
    check: Check::Both(check),
};

fn check(seen: &Seen<'_>, out: &mut Hits) {
    let Some((alter, table)) = seen.altered() else { return };
    for action in &alter.actions {
        if let AlterTableAction::AddConstraint(span, add) = action
            && add.kind == ConstraintKind::ForeignKey
            && !add.not_valid
            && !add.not_enforced
        {
            let other = add.references.as_ref().map_or_else(|| "?".to_owned(), ToString::to_string);
            let remedy = seen.validated_later(alter, add);
            out.hit_mending(
                *span,
                message!("rule-foreign-key-without-not-valid", table = table.as_str(), other = other),
                message!("rule-foreign-key-without-not-valid-help"),
                remedy,
            );
        }
    }
}
