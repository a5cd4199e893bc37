//! A table written anew to make it smaller.
//!
//! ## What it finds
//! VACUUM FULL and CLUSTER.
//!
//! ## Why it hurts a running system
//! The whole table and its indexes are written anew under ACCESS EXCLUSIVE, and need their size in free disk.
//!
//! ## The way out
//! `pg_repack`, or plain VACUUM, which lets everybody work.

use lockkeeper_core::message;
use lockkeeper_core::parse::Sql;

use crate::report::Severity;
use crate::rule::{Check, Example, Hits, Rule, Seen};

pub const RULE: Rule = Rule {
    name: "vacuum-full",
    severity: Some(Severity::Error),
    mended: false,
    source: include_str!("vacuum_full.rs"),
    bad: &[Example::up("VACUUM FULL t"), Example::up("CLUSTER t USING i")],
    good: &[Example::up("VACUUM t"), Example::up("VACUUM (ANALYZE) t")],
    check: Check::Both(check),
};

fn check(seen: &Seen<'_>, out: &mut Hits) {
    if matches!(seen.sql(), Sql::Vacuum { full: true, .. } | Sql::Cluster { .. }) {
        out.hit(seen.statement.span, message!("rule-vacuum-full"), message!("rule-vacuum-full-help"));
    }
}
