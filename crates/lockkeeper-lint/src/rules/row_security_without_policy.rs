//! Row security that hides every row.
//!
//! ## What it finds
//! ENABLE ROW LEVEL SECURITY in a file that creates no policy for the table.
//!
//! ## Why it hurts a running system
//! Without a policy nobody but the owner sees a single row.
//!
//! ## The way out
//! CREATE POLICY first, in the same file or an earlier one.

use lockkeeper_core::message;
use lockkeeper_core::parse::{AlterTableAction, ObjectKind, Sql};

use crate::report::Severity;
use crate::rule::{Check, Example, Hits, Rule, Seen};

pub const RULE: Rule = Rule {
    name: "row-security-without-policy",
    severity: Some(Severity::Error),
    mended: false,
    source: include_str!("row_security_without_policy.rs"),
    bad: &[Example::up("ALTER TABLE t ENABLE ROW LEVEL SECURITY")],
    good: &[Example::up("CREATE POLICY p ON t USING (true); ALTER TABLE t ENABLE ROW LEVEL SECURITY")],
    check: Check::Up(check),
};

fn check(seen: &Seen<'_>, out: &mut Hits) {
    let Some((alter, table)) = seen.altered() else { return };
    let has_policy = || {
        seen.script.statements.iter().any(
        |statement| matches!(&statement.sql, Sql::Create { object: ObjectKind::Policy, on, .. } if *on == alter.table),
    )
    };
    for action in &alter.actions {
        if let AlterTableAction::EnableRowSecurity(span) = action
            && !has_policy()
        {
            out.hit(
                *span,
                message!("rule-row-security-without-policy", table = table.as_str()),
                message!("rule-row-security-without-policy-help"),
            );
        }
    }
}
