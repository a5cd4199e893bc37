//! A down script that undoes nothing.
//!
//! ## What it finds
//! A down file without a statement beside an up file that changes the schema.
//!
//! ## Why it hurts a running system
//! A rollback runs it, reports success, and leaves the schema as it is.
//!
//! ## The way out
//! Write the statement that undoes the up script. Where nothing can undo it, that is what stage 2 is for.

use lockkeeper_core::classify::Reading;
use lockkeeper_core::message;

use crate::report::Severity;
use crate::rule::{Check, Example, Hits, Rule, Side, Subject};

pub const RULE: Rule = Rule {
    name: "down-without-statement",
    severity: Some(Severity::Error),
    mended: false,
    source: include_str!("down_without_statement.rs"),
    bad: &[Example::up("CREATE TABLE t (a int)").down("-- nothing to undo")],
    good: &[
        Example::up("CREATE TABLE t (a int)").down("DROP TABLE t"),
        Example::up("INSERT INTO t VALUES (1)").down("-- the row may stay"),
    ],
    check: Check::Migration(check),
};

fn check(subject: &Subject<'_>, out: &mut Hits) {
    let migration = subject.migration;
    // Rows that were written stay after a rollback of the schema, and nobody expects otherwise.
    let changes_schema = migration.effects.iter().any(|effect| effect.reading != Reading::Neutral);
    let is_read = migration.down.is_some() && migration.down_script.diagnostics.is_empty();
    if is_read && migration.down_script.statements.is_empty() && changes_schema {
        out.hit_in(
            Side::Down,
            None,
            message!("rule-down-without-statement"),
            message!("rule-down-without-statement-help"),
        );
    }
}
