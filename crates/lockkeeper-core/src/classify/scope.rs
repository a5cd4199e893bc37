//! How much of a database must be known to tell what a script does to it.

use std::collections::BTreeSet;

use super::reading::effects_by_statement;
use crate::parse::{
    AlterTableAction, Drop, ObjectChange, ObjectKind, ObjectName, ReindexTarget, Script, Sql, Statement,
};

/// Which relations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// These, by the names that a script uses, and whatever is tied to them: heirs, foreign keys, views.
    Around(BTreeSet<ObjectName>),
    All,
}

impl Scope {
    /// What a script's statements can reach.
    pub fn of(script: &Script) -> Self {
        let mut names: BTreeSet<ObjectName> =
            effects_by_statement(script).into_iter().flatten().flat_map(|it| it.locks).map(|it| it.table).collect();
        if script.statements.iter().any(|statement| reaches_all(statement, &mut names)) {
            return Self::All;
        }
        Self::Around(names)
    }

    /// Both.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Around(mut names), Self::Around(more)) => {
                names.extend(more);
                Self::Around(names)
            }
            _ => Self::All,
        }
    }

    pub fn is_empty(&self) -> bool {
        matches!(self, Self::Around(names) if names.is_empty())
    }
}

/// Adds what a statement names without locking it by that name. Whether no list of names would do: what has
/// columns of a type, is in a schema or in a publication, only the database tells.
fn reaches_all(statement: &Statement, names: &mut BTreeSet<ObjectName>) -> bool {
    match &statement.sql {
        Sql::AlterTable(alter) => {
            names.extend(alter.table.clone());
            for action in &alter.actions {
                if let AlterTableAction::AddConstraint(_, add) = action {
                    names.extend(add.references.clone());
                }
            }
        }
        Sql::Alter { object: ObjectKind::Domain, change: ObjectChange::Narrows, .. }
        | Sql::Alter { object: ObjectKind::Type | ObjectKind::Publication, .. } => return true,
        Sql::Alter { name, tables, .. } => {
            names.extend(name.clone());
            names.extend(tables.iter().cloned());
        }
        Sql::Create { name, on, .. } => {
            names.extend(name.clone());
            names.extend(on.clone());
        }
        Sql::CreateIndex(index) => {
            names.extend(index.table.clone());
            names.extend(index.name.clone());
        }
        Sql::CreateTable(table) => names.extend(table.partition_of.clone()),
        Sql::Drop(Drop { object, cascade, names: dropped, on, .. }) => match object {
            ObjectKind::Schema | ObjectKind::Domain | ObjectKind::Type if *cascade => return true,
            ObjectKind::Statistics => return true,
            _ => {
                names.extend(dropped.iter().cloned());
                names.extend(on.clone());
            }
        },
        Sql::Reindex { target: ReindexTarget::Index(Some(name)) | ReindexTarget::Table(Some(name)), .. } => {
            names.insert(name.clone());
        }
        Sql::Cluster { table: name } | Sql::Refresh { view: name, .. } => names.extend(name.clone()),
        Sql::Vacuum { tables, .. } | Sql::Analyze { tables } => names.extend(tables.iter().cloned()),
        Sql::Do(body) => return body.statements.iter().any(|statement| reaches_all(statement, names)),
        Sql::Explain { runs: inner } | Sql::Query { writes: inner, .. } => {
            return inner.iter().any(|statement| reaches_all(statement, names));
        }
        // What they touch they lock by its name, or it is no relation.
        Sql::Call
        | Sql::Comment { .. }
        | Sql::CopyFrom { .. }
        | Sql::CopyTo
        | Sql::CreateRoutine(_)
        | Sql::Delete { .. }
        | Sql::Grant
        | Sql::Insert { .. }
        | Sql::Lock { .. }
        | Sql::Merge { .. }
        | Sql::Reindex { .. }
        | Sql::Revoke
        | Sql::Session
        | Sql::Set(_)
        | Sql::Transaction(_)
        | Sql::Truncate { .. }
        | Sql::Update { .. } => {}
    }
    false
}
