//! A trigger put on, or taken off, a table in use.
//!
//! ## What it finds
//! CREATE TRIGGER and DROP TRIGGER, ENABLE and DISABLE TRIGGER on a table that exists before the migration.
//!
//! ## Why it hurts a running system
//! Writes wait for the lock (DROP TRIGGER: reads too), and from then on every write runs, or no longer runs, what the trigger does.
//!
//! ## The way out
//! Nothing to change: Lockkeeper waits for the lock in short turns. Look at what the trigger does to each write.

use lockkeeper_core::message;
use lockkeeper_core::parse::{AlterTableAction, ObjectKind, Sql};

use crate::report::Severity;
use crate::rule::{Check, Example, Hits, Rule, Seen};

pub const RULE: Rule = Rule {
    name: "trigger-on-table-in-use",
    severity: Some(Severity::Note),
    mended: false,
    source: include_str!("trigger_on_table_in_use.rs"),
    bad: &[
        Example::up("CREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION f()"),
        Example::up("DROP TRIGGER g ON t"),
        Example::up("ALTER TABLE t DISABLE TRIGGER g"),
    ],
    good: &[Example::up(
        "CREATE TABLE t (a int); CREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION f()",
    )],
    check: Check::Both(check),
};

fn check(seen: &Seen<'_>, out: &mut Hits) {
    let is_switched = |action: &AlterTableAction| {
        matches!(
            action,
            AlterTableAction::DisableRule(_)
                | AlterTableAction::DisableTrigger(_)
                | AlterTableAction::EnableRule(_)
                | AlterTableAction::EnableTrigger(_)
        )
    };
    let table = match seen.sql() {
        Sql::Create { object: ObjectKind::Trigger, on, .. } => on.as_ref(),
        Sql::Drop(drop) if drop.object == ObjectKind::Trigger => drop.on.as_ref(),
        Sql::AlterTable(alter) if alter.actions.iter().any(is_switched) => alter.table.as_ref(),
        _ => return,
    };
    if let Some(table) = seen.in_use(table) {
        out.hit(
            seen.statement.span,
            message!("rule-trigger-on-table-in-use", table = table),
            message!("rule-trigger-on-table-in-use-help"),
        );
    }
}
