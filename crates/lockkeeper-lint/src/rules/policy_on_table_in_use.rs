//! A policy changed on a table in use.
//!
//! ## What it finds
//! CREATE POLICY, ALTER POLICY and DROP POLICY on a table that exists before the migration.
//!
//! ## Why it hurts a running system
//! ACCESS EXCLUSIVE is needed for a moment, and from then on other rows are seen.
//!
//! ## The way out
//! Nothing to change: Lockkeeper waits for the lock in short turns. Look at who sees what afterwards.

use lockkeeper_core::message;
use lockkeeper_core::parse::{ObjectKind, Sql};

use crate::report::Severity;
use crate::rule::{Check, Example, Hits, Rule, Seen};

pub const RULE: Rule = Rule {
    name: "policy-on-table-in-use",
    severity: Some(Severity::Note),
    mended: false,
    source: include_str!("policy_on_table_in_use.rs"),
    bad: &[Example::up("CREATE POLICY p ON t USING (true)"), Example::up("DROP POLICY p ON t")],
    good: &[Example::up("CREATE TABLE t (a int); CREATE POLICY p ON t USING (true)")],
    check: Check::Up(check),
};

fn check(seen: &Seen<'_>, out: &mut Hits) {
    let table = match seen.sql() {
        Sql::Create { object: ObjectKind::Policy, on, .. } => on.as_ref(),
        Sql::Alter { object: ObjectKind::Policy, name, .. } => name.as_ref(),
        Sql::Drop(drop) if drop.object == ObjectKind::Policy => drop.on.as_ref(),
        _ => return,
    };
    if let Some(table) = seen.in_use(table) {
        out.hit(
            seen.statement.span,
            message!("rule-policy-on-table-in-use", table = table),
            message!("rule-policy-on-table-in-use-help"),
        );
    }
}
