//! The rules, one file each. A new rule is a file here and a line in [`ALL`].

mod down_without_statement;
mod index_without_concurrently;
mod scan_under_exclusive_lock;
mod table_rewrite;

use crate::rule::Rule;

/// Every rule, by name.
pub const ALL: &[Rule] = &[
    down_without_statement::RULE,
    index_without_concurrently::RULE,
    scan_under_exclusive_lock::RULE,
    table_rewrite::RULE,
];
