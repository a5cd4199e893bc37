//! A column that new code can no longer fill and stage 2 has not removed yet.
//!
//! ## What it finds
//! DROP COLUMN in stage 2 of a column that the files made NOT NULL without a default, with no DROP NOT NULL before.
//!
//! ## Why it hurts a running system
//! Between the deploy and stage 2 the new code writes rows without it, and each INSERT fails.
//!
//! ## The way out
//! ALTER COLUMN … DROP NOT NULL, or SET DEFAULT, in a migration of stage 1 before.

use lockkeeper_core::message;
use lockkeeper_core::parse::{AlterTableAction, Sql};

use crate::report::Severity;
use crate::rule::{Check, Example, Hits, Rule, Side, Subject, shown};

pub const RULE: Rule = Rule {
    name: "required-until-removed",
    severity: Some(Severity::Error),
    mended: false,
    source: include_str!("required_until_removed.rs"),
    bad: &[Example::up("ALTER TABLE t DROP COLUMN a").after(&[(
        "t",
        "CREATE TABLE t (a int NOT NULL, b int)",
        "DROP TABLE t",
    )])],
    good: &[
        Example::up("ALTER TABLE t DROP COLUMN a").after(&[
            ("t", "CREATE TABLE t (a int NOT NULL, b int)", "DROP TABLE t"),
            ("a", "ALTER TABLE t ALTER a DROP NOT NULL", "SELECT 1"),
        ]),
        Example::up("ALTER TABLE t DROP COLUMN a").after(&[(
            "t",
            "CREATE TABLE t (a int NOT NULL DEFAULT 0)",
            "DROP TABLE t",
        )]),
        Example::up("ALTER TABLE t DROP COLUMN a"),
    ],
    check: Check::Migration(check),
};

fn check(subject: &Subject<'_>, out: &mut Hits) {
    for statement in &subject.migration.script.statements {
        let Sql::AlterTable(alter) = &statement.sql else { continue };
        for action in &alter.actions {
            let AlterTableAction::DropColumn { span, column, .. } = action else { continue };
            let known = subject.history.column(alter.table.as_ref(), column.as_ref());
            if known.is_some_and(|known| known.not_null && !known.has_default) {
                out.hit_in(
                    Side::Up,
                    Some(*span),
                    message!("rule-required-until-removed", column = shown(column.as_ref())),
                    message!("rule-required-until-removed-help", column = shown(column.as_ref())),
                );
            }
        }
    }
}
