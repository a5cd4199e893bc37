//! What a file itself brings into being: no running code knows it, so nothing done to it disturbs.

use crate::parse::{AlterTable, AlterTableAction, Ident, ObjectKind, ObjectName, Sql, Statement};

/// Tables, columns and other objects created earlier in the same file.
#[derive(Debug, Default)]
pub struct Fresh {
    tables: Vec<ObjectName>,
    columns: Vec<(ObjectName, Ident)>,
    constraints: Vec<Ident>,
    objects: Vec<(ObjectKind, ObjectName)>,
    /// Objects that the file creates anywhere: dropping one of these first is replacing it.
    created_somewhere: Vec<(ObjectKind, ObjectName)>,
}

impl Fresh {
    /// Looks ahead over a whole file for what it creates.
    pub fn looking_ahead(statements: &[Statement]) -> Self {
        let mut fresh = Self::default();
        for statement in statements {
            match &statement.sql {
                Sql::Create { object, name: Some(name), .. } => fresh.created_somewhere.push((*object, name.clone())),
                Sql::CreateIndex(index) => {
                    fresh.created_somewhere.extend(index.name.clone().map(|name| (ObjectKind::Index, name)));
                }
                _ => {}
            }
        }
        fresh
    }

    /// Remembers what one statement created. IF NOT EXISTS counts too: the usual idempotent style, and the
    /// table is new wherever the migration is.
    pub fn learn(&mut self, sql: &Sql) {
        match sql {
            Sql::CreateTable(table) => self.tables.extend(table.name.clone()),
            Sql::Create { object, name: Some(name), or_replace: false, .. } => {
                self.objects.push((*object, name.clone()));
            }
            Sql::CreateIndex(index) => self.objects.extend(index.name.clone().map(|name| (ObjectKind::Index, name))),
            Sql::AlterTable(alter) => self.learn_columns(alter),
            _ => {}
        }
    }

    fn learn_columns(&mut self, alter: &AlterTable) {
        for action in &alter.actions {
            match (action, &alter.table) {
                (AlterTableAction::AddColumn(_, column), Some(table)) => {
                    self.columns.extend(column.column.clone().map(|name| (table.clone(), name)));
                }
                (AlterTableAction::AddConstraint(_, constraint), _) => self.constraints.extend(constraint.name.clone()),
                _ => {}
            }
        }
    }

    pub fn table(&self, table: Option<&ObjectName>) -> bool {
        table.is_some_and(|table| self.tables.iter().any(|fresh| fresh.may_be(table)))
    }

    pub fn column(&self, table: Option<&ObjectName>, column: &Ident) -> bool {
        table.is_some_and(|table| self.columns.iter().any(|(of, fresh)| fresh == column && of.may_be(table)))
    }

    /// Whether every one of the columns is new; an empty list is not.
    pub fn all_columns(&self, table: Option<&ObjectName>, columns: &[Ident]) -> bool {
        !columns.is_empty() && columns.iter().all(|column| self.column(table, column))
    }

    /// Whether any of the columns is new: a key that needs a new column binds only rows that fill it.
    pub fn any_column(&self, table: Option<&ObjectName>, columns: &[Ident]) -> bool {
        columns.iter().any(|column| self.column(table, column))
    }

    pub fn constraint(&self, constraint: Option<&Ident>) -> bool {
        constraint.is_some_and(|name| self.constraints.contains(name))
    }

    pub fn object(&self, object: ObjectKind, name: &ObjectName) -> bool {
        if object == ObjectKind::Table {
            return self.table(Some(name));
        }
        self.objects.iter().any(|(kind, fresh)| *kind == object && fresh.may_be(name))
    }

    /// Whether the same file makes an object of that name again.
    pub fn replaced(&self, object: ObjectKind, name: &ObjectName) -> bool {
        // Data lives in these: making one again does not bring back what it held.
        let holds_data = matches!(
            object,
            ObjectKind::Table
                | ObjectKind::Type
                | ObjectKind::Sequence
                | ObjectKind::Schema
                | ObjectKind::Extension
                | ObjectKind::ForeignTable
                | ObjectKind::Domain
        );
        !holds_data && self.created_somewhere.iter().any(|(kind, made)| *kind == object && made.may_be(name))
    }
}
