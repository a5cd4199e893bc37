//! A down script that leaves something of its up.
//!
//! ## What it finds
//! A table, column or index that the up script makes and the down script does not name, or one that the up drops and the down does not make again.
//!
//! ## Why it hurts a running system
//! After a rollback the schema is not what it was: the next try fails on what is still there, and old code on what is still gone.
//!
//! ## The way out
//! Undo every statement of the up script, the last one first.

use std::collections::BTreeSet;

use lockkeeper_core::message;
use lockkeeper_core::model::Span;
use lockkeeper_core::parse::{AlterTable, AlterTableAction, Ident, ObjectKind, Sql, Statement};

use crate::report::Severity;
use crate::rule::{Check, Example, Hits, Rule, Side, Subject, words};

pub const RULE: Rule = Rule {
    name: "down-unlike-up",
    severity: Some(Severity::Error),
    mended: false,
    source: include_str!("down_unlike_up.rs"),
    bad: &[
        Example::up("CREATE TABLE a (x int); CREATE TABLE b (x int)").down("DROP TABLE a"),
        Example::up("ALTER TABLE t ADD x int").down("ALTER TABLE t ADD y int"),
        Example::up("DROP TABLE a").down("DROP TABLE b"),
    ],
    good: &[
        Example::up("CREATE TABLE a (x int); CREATE INDEX i ON a (x)").down("DROP TABLE a"),
        Example::up("ALTER TABLE t ADD x int").down("ALTER TABLE t DROP COLUMN x"),
        Example::up("CREATE INDEX i ON t (a)").down("DROP INDEX i"),
        Example::up("ALTER TABLE t ADD x int; CREATE INDEX i ON t (x)").down("ALTER TABLE t DROP COLUMN x"),
        Example::up("CREATE TABLE a (x int)").down("DO $$ BEGIN EXECUTE 'DROP TABLE a'; END $$"),
        Example::up("CREATE TABLE s.a (x int)").down("DROP SCHEMA s CASCADE"),
    ],
    check: Check::Migration(check),
};

fn check(subject: &Subject<'_>, out: &mut Hits) {
    let migration = subject.migration;
    let Some(down) = migration.down else { return };
    let statements = &migration.down_script.statements;
    let sweeps = |statement: &Statement| match &statement.sql {
        Sql::Drop(drop) => drop.cascade || drop.object == ObjectKind::Schema,
        _ => false,
    };
    if statements.is_empty() || statements.iter().any(sweeps) {
        return;
    }
    // Whether a down script names something is all that is asked: how it does it may be anything.
    let said: BTreeSet<String> = words(&down.text).into_iter().collect();
    let mut swept: BTreeSet<&Ident> = BTreeSet::new();
    for statement in &migration.script.statements {
        // An index goes with its columns.
        if let Sql::CreateIndex(index) = &statement.sql
            && index.columns.iter().any(|column| said.contains(&column.as_str().to_lowercase()))
        {
            continue;
        }
        for (span, name, table) in changed(statement) {
            let names = |name: &Ident| said.contains(&name.as_str().to_lowercase());
            let goes_along = table.is_some_and(|table| swept.contains(table) && names(table));
            if table.is_none() {
                swept.insert(name);
            }
            if !names(name) && !goes_along && name.as_str().chars().all(|c| c.is_alphanumeric() || c == '_') {
                out.hit_in(
                    Side::Up,
                    Some(span),
                    message!("rule-down-unlike-up", name = name.to_string()),
                    message!("rule-down-unlike-up-help"),
                );
            }
        }
    }
}

/// What a statement makes or drops: where, its name, and the table it goes along with.
fn changed(statement: &Statement) -> Vec<(Span, &Ident, Option<&Ident>)> {
    match &statement.sql {
        Sql::CreateTable(table) if !table.temporary => {
            table.name.iter().map(|name| (statement.span, &name.name, None)).collect()
        }
        Sql::CreateIndex(index) => {
            let table = index.table.as_ref().map(|table| &table.name);
            index.name.iter().map(|name| (statement.span, &name.name, table)).collect()
        }
        Sql::Drop(drop) if matches!(drop.object, ObjectKind::Table | ObjectKind::View) && !drop.if_exists => {
            drop.names.iter().map(|name| (statement.span, &name.name, None)).collect()
        }
        Sql::AlterTable(AlterTable { table, actions, .. }) => {
            let table = table.as_ref().map(|table| &table.name);
            let columns = actions.iter().filter_map(|action| match action {
                AlterTableAction::AddColumn(span, add) => Some((*span, add.column.as_ref()?, table)),
                AlterTableAction::DropColumn { span, column, .. } => Some((*span, column.as_ref()?, table)),
                _ => None,
            });
            columns.collect()
        }
        _ => Vec::new(),
    }
}
