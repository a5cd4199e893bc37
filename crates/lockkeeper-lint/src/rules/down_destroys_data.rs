//! A way back that destroys what was there before.
//!
//! ## What it finds
//! A down script that drops a table or column, truncates or deletes where the up script did not make it.
//!
//! ## Why it hurts a running system
//! A rollback, often at night and by itself, destroys rows that were there before the migration.
//!
//! ## The way out
//! Undo only what the up script did; or say so: -- lockkeeper: allow=down-destroys-data reason="…".

use lockkeeper_core::classify::Fresh;
use lockkeeper_core::message;
use lockkeeper_core::model::Span;
use lockkeeper_core::parse::{AlterTable, AlterTableAction, Ident, ObjectKind, ObjectName, Sql, Statement};

use crate::report::Severity;
use crate::rule::{Check, Example, Hits, Rule, Side, Subject};

pub const RULE: Rule = Rule {
    name: "down-destroys-data",
    severity: Some(Severity::Error),
    mended: false,
    source: include_str!("down_destroys_data.rs"),
    bad: &[
        Example::up("ALTER TABLE t ADD a int").down("DROP TABLE t"),
        Example::up("CREATE TABLE a (x int)").down("DROP TABLE a; DELETE FROM b"),
    ],
    good: &[
        Example::up("ALTER TABLE t ADD a int").down("ALTER TABLE t DROP COLUMN a"),
        Example::up("CREATE TABLE a (x int)").down("DROP TABLE a"),
        Example::up("INSERT INTO b VALUES (1)").down("DELETE FROM b WHERE a = 1"),
    ],
    check: Check::Migration(check),
};

fn check(subject: &Subject<'_>, out: &mut Hits) {
    let migration = subject.migration;
    if migration.down.is_none() {
        return;
    }
    // What the up script made may go again, with what was written to it meanwhile.
    let mut made = Fresh::looking_ahead(&migration.script.statements);
    made.learn_all(&migration.script.statements);
    let written = |table: &Option<ObjectName>| {
        migration.script.statements.iter().any(|statement| match &statement.sql {
            Sql::Insert { table: into } | Sql::CopyFrom { table: into, .. } | Sql::Update { table: into, .. } => {
                into == table
            }
            _ => false,
        })
    };
    for statement in &migration.down_script.statements {
        let destroys: Vec<Span> = match &statement.sql {
            Sql::Drop(drop) if matches!(drop.object, ObjectKind::Table | ObjectKind::Schema | ObjectKind::Sequence) => {
                let known = |name: &ObjectName| match drop.object {
                    ObjectKind::Table => made.meant_table(Some(name)) || renamed(&migration.script.statements),
                    object => made.object(object, name),
                };
                drop.names.iter().filter(|name| !known(name)).map(|_| statement.span).collect()
            }
            Sql::AlterTable(AlterTable { table, actions, .. }) => {
                let dropped = actions.iter().filter_map(|action| match action {
                    AlterTableAction::DropColumn { span, column, .. } => {
                        let columns: Vec<Ident> = column.iter().cloned().collect();
                        let known = made.meant_table(table.as_ref()) || made.any_column(table.as_ref(), &columns);
                        (!known && !renamed(&migration.script.statements)).then_some(*span)
                    }
                    _ => None,
                });
                dropped.collect()
            }
            Sql::Truncate { tables, .. } => {
                tables.iter().filter(|table| !made.meant_table(Some(&table.name))).map(|_| statement.span).collect()
            }
            Sql::Delete { table, .. } if !made.meant_table(table.as_ref()) && !written(table) => vec![statement.span],
            _ => Vec::new(),
        };
        for span in destroys {
            out.hit_in(
                Side::Down,
                Some(span),
                message!("rule-down-destroys-data"),
                message!("rule-down-destroys-data-help"),
            );
        }
    }
}

/// After a rename the names of both scripts no longer tell what was there before.
fn renamed(statements: &[Statement]) -> bool {
    statements.iter().any(|statement| match &statement.sql {
        Sql::AlterTable(alter) => alter
            .actions
            .iter()
            .any(|action| matches!(action, AlterTableAction::RenameColumn { .. } | AlterTableAction::RenameTable(..))),
        Sql::Do(_) | Sql::Call => true,
        _ => false,
    })
}
