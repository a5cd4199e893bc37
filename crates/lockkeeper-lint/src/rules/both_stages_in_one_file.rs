//! Something new that comes only after the code that needs it.
//!
//! ## What it finds
//! A file of stage 2 that adds tables or columns besides what it removes.
//!
//! ## Why it hurts a running system
//! The whole file waits for stage 2, which comes after the deploy: new code that needs what it adds fails until then.
//!
//! ## The way out
//! Two migrations: one that adds, one that removes.

use lockkeeper_core::message;
use lockkeeper_core::model::{Span, Stage};
use lockkeeper_core::parse::{AlterTableAction, Sql};

use crate::report::{Remedy, Severity};
use crate::rule::{Check, Example, Hits, Rule, Subject};

pub const RULE: Rule = Rule {
    name: "both-stages-in-one-file",
    severity: Some(Severity::Error),
    mended: false,
    source: include_str!("both_stages_in_one_file.rs"),
    bad: &[Example::up("ALTER TABLE t ADD COLUMN b int; ALTER TABLE t DROP COLUMN a")],
    good: &[
        Example::up("ALTER TABLE t DROP COLUMN a"),
        Example::up("ALTER TABLE t ADD COLUMN b int"),
        Example::up("DROP INDEX i; CREATE INDEX i ON t (b)"),
    ],
    check: Check::Migration(check),
};

fn check(subject: &Subject<'_>, out: &mut Hits) {
    let migration = subject.migration;
    if migration.stage() != Some(Stage::Contract) {
        return;
    }
    let removes = migration.effects.iter().any(|effect| effect.destroys_data);
    let adds = migration.script.statements.iter().flat_map(|statement| match &statement.sql {
        Sql::CreateTable(table) if !table.temporary => vec![statement.span],
        Sql::AlterTable(alter) => {
            let added = alter.actions.iter().filter(|action| matches!(action, AlterTableAction::AddColumn(..)));
            added.map(AlterTableAction::span).collect()
        }
        _ => Vec::new(),
    });
    let adds: Vec<Span> = adds.collect();
    if let Some(first) = adds.first().filter(|_| removes) {
        let (what, help) = (message!("rule-both-stages-in-one-file"), message!("rule-both-stages-in-one-file-help"));
        out.hit_mending(*first, what, help, Some(Remedy::Split));
    }
}
