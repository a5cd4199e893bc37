//! A table written anew while nobody else may read it.
//!
//! ## What it finds
//! Changes for which PostgreSQL writes the whole table and all of its indexes again.
//!
//! ## Why it is dangerous
//! ACCESS EXCLUSIVE stops even SELECT, for as long as the table is large, and needs its size in free disk.
//!
//! ## What to do instead
//! A new column, filled in batches and kept equal until the old one can go.

use lockkeeper_core::message;

use crate::report::Finding;
use crate::rule::{Rule, Subject};

pub const RULE: Rule = Rule {
    name: "table-rewrite",
    bad: ("ALTER TABLE orders ALTER COLUMN id TYPE bigint", "ALTER TABLE orders ALTER COLUMN id TYPE int"),
    good: ("ALTER TABLE orders ADD COLUMN id_big bigint", "ALTER TABLE orders DROP COLUMN id_big"),
    check,
};

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    let rewriting = subject.effects.iter().filter(|effect| effect.rewrites);
    rewriting
        .filter_map(|effect| {
            let table = effect.locks.first()?.table.to_string();
            Some(Finding {
                rule: RULE.name,
                place: subject.in_up(effect.span),
                message: message!("rule-table-rewrite", table = table),
                help: message!("rule-table-rewrite-help"),
            })
        })
        .collect()
}
