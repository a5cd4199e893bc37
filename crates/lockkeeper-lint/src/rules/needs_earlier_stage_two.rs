//! A stage-1 migration that needs the stage 2 of an earlier one.
//!
//! ## What it finds
//! A stage-1 file that adds a table or column which an earlier stage-2 file drops or renames away, or alters the table that such a file creates.
//!
//! ## Why it hurts a running system
//! All of stage 1 of a release runs before all of its stage 2: the name is still taken, or not there yet, and the migration fails.
//! With --since only what the branch adds counts as the same release; otherwise all files do.
//!
//! ## The way out
//! A release of its own for the later one; or another name.

use lockkeeper_core::message;
use lockkeeper_core::model::{Span, Stage};
use lockkeeper_core::parse::{AlterTable, AlterTableAction, Ident, ObjectName, Sql, Statement};

use crate::report::Severity;
use crate::rule::{Check, Example, Hits, Rule, Side, Subject};

pub const RULE: Rule = Rule {
    name: "needs-earlier-stage-two",
    severity: Some(Severity::Warning),
    mended: false,
    source: include_str!("needs_earlier_stage_two.rs"),
    bad: &[
        Example::up("ALTER TABLE t ADD COLUMN a text").after(&[(
            "remove_a",
            "ALTER TABLE t DROP COLUMN a",
            "ALTER TABLE t ADD a int",
        )]),
        Example::up("CREATE TABLE t (a int)").after(&[("drop_t", "DROP TABLE t", "CREATE TABLE t (b int)")]),
        Example::up("ALTER TABLE t ADD x int").after(&[(
            "s",
            "ALTER TABLE t RENAME a TO x",
            "ALTER TABLE t RENAME x TO a",
        )]),
    ],
    good: &[
        Example::up("ALTER TABLE t ADD COLUMN b text").after(&[(
            "remove_a",
            "ALTER TABLE t DROP COLUMN a",
            "ALTER TABLE t ADD a int",
        )]),
        Example::up("CREATE TABLE u (a int)").after(&[("drop_t", "DROP TABLE t", "CREATE TABLE t (b int)")]),
    ],
    check: Check::Migration(check),
};

fn check(subject: &Subject<'_>, out: &mut Hits) {
    if subject.migration.stage() != Some(Stage::Expand) {
        return;
    }
    let added: Vec<(Span, &ObjectName, Option<&Ident>)> =
        subject.migration.script.statements.iter().flat_map(added).collect();
    for (span, table, column) in added {
        let first = subject.earlier.len() - subject.release.len();
        let blocks = subject.history.contracted(table, column).filter(|index| *index >= first);
        if let Some(migration) = blocks.and_then(|index| subject.earlier.get(index)) {
            let name = column.map_or_else(|| table.to_string(), |column| format!("{table}.{column}"));
            out.hit_in(
                Side::Up,
                Some(span),
                message!("rule-needs-earlier-stage-two", name = name, path = migration.up.path.as_ref()),
                message!("rule-needs-earlier-stage-two-help", path = migration.up.path.as_ref()),
            );
        }
    }
}

/// What a statement brings into being.
fn added(statement: &Statement) -> Vec<(Span, &ObjectName, Option<&Ident>)> {
    match &statement.sql {
        Sql::CreateTable(table) if !table.if_not_exists && !table.temporary => {
            table.name.iter().map(|name| (statement.span, name, None)).collect()
        }
        Sql::AlterTable(AlterTable { table: Some(table), actions, .. }) => {
            let columns = actions.iter().filter_map(|action| match action {
                AlterTableAction::AddColumn(span, add) if !add.if_not_exists => {
                    Some((*span, table, Some(add.column.as_ref()?)))
                }
                _ => None,
            });
            columns.collect()
        }
        _ => Vec::new(),
    }
}
