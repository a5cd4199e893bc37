//! What a file itself brings into being: no running code knows it, so nothing done to it disturbs.

use crate::parse::{AlterTable, AlterTableAction, Ident, ObjectKind, ObjectName, Sql, Statement};

/// Tables, columns and other objects created earlier in the same file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fresh {
    tables: Vec<(ObjectName, Surety)>,
    columns: Vec<(ObjectName, Ident, Surety)>,
    constraints: Vec<Ident>,
    objects: Vec<(ObjectKind, ObjectName)>,
    /// Objects that the file creates anywhere: dropping one of these first is replacing it.
    created_somewhere: Vec<(ObjectKind, ObjectName)>,
}

/// Whether something is new beyond doubt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Surety {
    Certain,
    /// IF NOT EXISTS: meant to be new, and an old one of that name would be taken without a word. Demands on
    /// it bind nobody; what destroys is held to be done to the old one.
    Meant,
}

impl Surety {
    const fn of(if_not_exists: bool) -> Self {
        if if_not_exists { Self::Meant } else { Self::Certain }
    }
}

/// Whether both names surely mean the same object. A schema that is not written counts as `public`.
fn same(left: &ObjectName, right: &ObjectName) -> bool {
    let schema = |name: &ObjectName| name.schema.as_ref().map_or("public".to_owned(), |it| it.as_str().to_owned());
    left.name == right.name && schema(left) == schema(right)
}

impl Fresh {
    /// Looks ahead over a whole file for what it creates.
    pub fn looking_ahead(statements: &[Statement]) -> Self {
        let mut fresh = Self::default();
        fresh.look_ahead(statements);
        fresh
    }

    fn look_ahead(&mut self, statements: &[Statement]) {
        let fresh = self;
        for statement in statements {
            match &statement.sql {
                Sql::CreateRoutine(routine) => {
                    fresh.created_somewhere.extend(routine.name.clone().map(|name| (routine.object, name)));
                }
                Sql::Do(body) => fresh.look_ahead(&body.statements),
                Sql::Create { object, name: Some(name), .. } => fresh.created_somewhere.push((*object, name.clone())),
                Sql::CreateIndex(index) => {
                    fresh.created_somewhere.extend(index.name.clone().map(|name| (ObjectKind::Index, name)));
                }
                _ => {}
            }
        }
    }

    /// Remembers what a whole file created.
    pub fn learn_all(&mut self, statements: &[Statement]) {
        for statement in statements {
            self.learn(&statement.sql);
        }
    }

    /// Remembers what one statement created.
    pub fn learn(&mut self, sql: &Sql) {
        match sql {
            Sql::CreateTable(table) => {
                // A temporary table hides any other of its name.
                let surety = Surety::of(table.if_not_exists && !table.temporary);
                self.tables.extend(table.name.clone().map(|name| (name, surety)));
            }
            Sql::Create { object, name: Some(name), or_replace: false, .. } => {
                // An index on it, even a unique one, binds nobody.
                if *object == ObjectKind::MaterializedView {
                    self.tables.push((name.clone(), Surety::Meant));
                }
                self.objects.push((*object, name.clone()));
            }
            Sql::CreateIndex(index) => self.objects.extend(index.name.clone().map(|name| (ObjectKind::Index, name))),
            Sql::CreateRoutine(routine) if !routine.or_replace => {
                self.objects.extend(routine.name.clone().map(|name| (routine.object, name)));
            }
            Sql::AlterTable(alter) => self.learn_columns(alter, Surety::Certain),
            Sql::Do(body) => body.statements.iter().for_each(|statement| self.learn_in_body(&statement.sql)),
            _ => {}
        }
    }

    /// Remembers what a statement in a body creates. It may stand in a branch that is not taken because a table of
    /// that name is there, so all of it is meant to be new, and none of it surely is.
    pub fn learn_in_body(&mut self, sql: &Sql) {
        match sql {
            Sql::CreateTable(table) if !table.temporary => {
                self.tables.extend(table.name.clone().map(|name| (name, Surety::Meant)));
            }
            Sql::AlterTable(alter) => self.learn_columns(alter, Surety::Meant),
            Sql::CreateTable(_) | Sql::Do(_) => self.learn(sql),
            _ => {}
        }
    }

    fn learn_columns(&mut self, alter: &AlterTable, most: Surety) {
        for action in &alter.actions {
            match (action, &alter.table) {
                (AlterTableAction::AddColumn(_, column), Some(table)) => {
                    let surety = if column.if_not_exists { Surety::Meant } else { most };
                    self.columns.extend(column.column.clone().map(|name| (table.clone(), name, surety)));
                }
                (AlterTableAction::AddConstraint(_, constraint), _) if most == Surety::Certain => {
                    self.constraints.extend(constraint.name.clone());
                }
                _ => {}
            }
        }
    }

    /// Whether the table is new beyond doubt.
    pub fn table(&self, table: Option<&ObjectName>) -> bool {
        let certain = |(fresh, surety): &(ObjectName, Surety), table| *surety == Surety::Certain && same(fresh, table);
        table.is_some_and(|table| self.tables.iter().any(|fresh| certain(fresh, table)))
    }

    /// Whether the table is new, or meant to be.
    pub fn meant_table(&self, table: Option<&ObjectName>) -> bool {
        table.is_some_and(|table| self.tables.iter().any(|(fresh, _)| same(fresh, table)))
    }

    /// Whether the column is new beyond doubt.
    pub fn column(&self, table: Option<&ObjectName>, column: &Ident) -> bool {
        let certain = |surety| surety == Surety::Certain;
        self.find_column(table, column).is_some_and(certain)
    }

    fn find_column(&self, table: Option<&ObjectName>, column: &Ident) -> Option<Surety> {
        let table = table?;
        let found = self.columns.iter().find(|(of, fresh, _)| fresh == column && same(of, table));
        found.map(|(_, _, surety)| *surety)
    }

    /// Whether every one of the columns is new, or meant to be; an empty list is not.
    pub fn all_columns(&self, table: Option<&ObjectName>, columns: &[Ident]) -> bool {
        !columns.is_empty() && columns.iter().all(|column| self.find_column(table, column).is_some())
    }

    /// Whether any of the columns is new, or meant to be: a key that needs a new column binds only rows that fill it.
    pub fn any_column(&self, table: Option<&ObjectName>, columns: &[Ident]) -> bool {
        columns.iter().any(|column| self.find_column(table, column).is_some())
    }

    pub fn constraint(&self, constraint: Option<&Ident>) -> bool {
        constraint.is_some_and(|name| self.constraints.contains(name))
    }

    pub fn object(&self, object: ObjectKind, name: &ObjectName) -> bool {
        if object == ObjectKind::Table {
            return self.table(Some(name));
        }
        self.objects.iter().any(|(kind, fresh)| *kind == object && same(fresh, name))
    }

    /// Whether dropping an object takes nothing from anybody: the file made it, or makes it again.
    pub fn made_here(&self, object: ObjectKind, name: &ObjectName) -> bool {
        self.object(object, name) || self.replaced(object, name)
    }

    /// Whether the same file makes an object of that name again.
    fn replaced(&self, object: ObjectKind, name: &ObjectName) -> bool {
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
        !holds_data && self.created_somewhere.iter().any(|(kind, made)| *kind == object && same(made, name))
    }
}
