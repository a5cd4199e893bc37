//! A down script that undoes nothing.
//!
//! ## What it finds
//! A down file without a statement beside an up file that changes the schema.
//!
//! ## Why it is dangerous
//! A rollback runs it, reports success, and leaves the schema as it is.
//!
//! ## What to do instead
//! Write the statement that undoes the up script. Where nothing can undo it, that is what stage 2 is for.

use std::sync::Arc;

use lockkeeper_core::classify::Reading;
use lockkeeper_core::message;
use lockkeeper_core::model::Place;

use crate::report::Finding;
use crate::rule::{Rule, Subject};

pub const RULE: Rule = Rule {
    name: "down-without-statement",
    bad: ("CREATE TABLE t (a int)", "-- nothing to undo"),
    good: ("CREATE TABLE t (a int)", "DROP TABLE t"),
    check,
};

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    // Rows that were written stay after a rollback of the schema, and nobody expects otherwise.
    let changes_schema = subject.effects.iter().any(|effect| effect.reading != Reading::Neutral);
    if !subject.down_script.statements.is_empty() || !changes_schema {
        return Vec::new();
    }
    vec![Finding {
        rule: RULE.name,
        place: Place::file(Arc::clone(&subject.down.path)),
        message: message!("rule-down-without-statement"),
        help: message!("rule-down-without-statement-help"),
    }]
}
