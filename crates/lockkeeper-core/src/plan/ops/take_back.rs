//! What takes a statement back that has committed, should a later one of its file fail.

use std::fmt::Write;

use super::add_key::nullable;
use crate::classify::{Facts, Relation};
use crate::parse::{AlterTableAction, ColumnChange, ConstraintKind, ObjectKind, Sql};
use crate::plan::step::TakeBack;

/// Only what surely leads back to where it was: everything else stands, and is told.
pub fn take_back(sql: &Sql, facts: &Facts) -> TakeBack {
    match sql {
        Sql::CreateTable(table) if !table.if_not_exists => match &table.name {
            Some(name) => TakeBack::Run(format!("DROP TABLE IF EXISTS {name}")),
            None => TakeBack::Impossible,
        },
        Sql::Create { object, name: Some(name), or_replace: false, .. } => match object {
            ObjectKind::Sequence
            | ObjectKind::Type
            | ObjectKind::Domain
            | ObjectKind::View
            | ObjectKind::MaterializedView
            | ObjectKind::Schema
            | ObjectKind::Statistics => TakeBack::Run(format!("DROP {} IF EXISTS {name}", object.as_str())),
            _ => TakeBack::Impossible,
        },
        // An index is in the schema of its table; without that, its name might mean another one.
        Sql::CreateIndex(index) if !index.if_not_exists => match (&index.name, &index.table) {
            (Some(name), Some(table)) => {
                let schema = table.schema.as_ref().map(|schema| format!("{schema}.")).unwrap_or_default();
                let index = format!("{schema}{}", name.name);
                TakeBack::Run(format!("DROP INDEX IF EXISTS {index}"))
            }
            _ => TakeBack::Impossible,
        },
        Sql::AlterTable(alter) => {
            let relation = facts.relation(alter.table.as_ref());
            let inverses: Option<Vec<String>> =
                alter.actions.iter().rev().map(|action| inverse(action, relation)).collect();
            match (&alter.table, inverses) {
                (Some(table), Some(inverses)) if !inverses.is_empty() => {
                    let only = if alter.only { "ONLY " } else { "" };
                    TakeBack::Run(format!("ALTER TABLE {only}{table} {}", inverses.join(", ")))
                }
                _ => TakeBack::Impossible,
            }
        }
        Sql::Analyze { .. } | Sql::Session | Sql::Set(_) | Sql::Vacuum { .. } | Sql::CopyTo => TakeBack::NotNeeded,
        _ => TakeBack::Impossible,
    }
}

/// The action that takes another one back. `relation` is the table as it was.
pub fn inverse(action: &AlterTableAction, relation: Option<&Relation>) -> Option<String> {
    match action {
        AlterTableAction::AddColumn(_, column) if !column.if_not_exists => {
            column.column.as_ref().map(|name| format!("DROP COLUMN IF EXISTS {name}"))
        }
        AlterTableAction::AddConstraint(_, add) => {
            // A primary key also makes its columns NOT NULL, and on a table that is not known, who can tell which.
            let is_key = add.kind == ConstraintKind::PrimaryKey;
            let columns: Vec<_> = relation.map(|relation| nullable(add, relation).collect()).unwrap_or_default();
            if is_key && relation.is_none() {
                return None;
            }
            let mut inverse = format!("DROP CONSTRAINT IF EXISTS {}", add.name.as_ref()?);
            for column in columns.iter().filter(|_| is_key) {
                let _ = write!(inverse, ", ALTER COLUMN {column} DROP NOT NULL");
            }
            Some(inverse)
        }
        AlterTableAction::AlterColumn { column: Some(column), change: ColumnChange::SetNotNull, .. } => {
            let was_nullable = relation?.column(column).is_none_or(|column| !column.not_null);
            was_nullable.then(|| format!("ALTER COLUMN {column} DROP NOT NULL"))
        }
        AlterTableAction::AlterColumn { column: Some(column), change: ColumnChange::DropNotNull, .. } => {
            let was_nullable = relation?.column(column)?.not_null;
            // Rows with NULL may have come since: only what was nullable already leads back for sure.
            (!was_nullable).then(|| format!("ALTER COLUMN {column} DROP NOT NULL"))
        }
        _ => None,
    }
}
