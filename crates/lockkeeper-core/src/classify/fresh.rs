//! What a file itself brings into being: no running code knows it, so nothing done to it disturbs.

use std::collections::{BTreeMap, BTreeSet};

use crate::parse::{
    AlterTable, AlterTableAction, CreateIndex, CreateRoutine, Ident, ObjectKind, ObjectName, Sql, Statement,
};

/// Tables, columns and other objects created earlier in the same file. Names are asked for at every statement, so
/// each list is found by the last part of its names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fresh {
    tables: BTreeMap<Ident, Vec<(ObjectName, Surety)>>,
    /// By the column's name; the first of a table counts.
    columns: BTreeMap<Ident, Vec<(ObjectName, Surety)>>,
    constraints: BTreeSet<Ident>,
    objects: Objects,
    /// Objects that the file creates anywhere: dropping one of these first is replacing it.
    created_somewhere: Objects,
}

/// Kinds and names, found by the last part of the name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Objects(BTreeMap<Ident, Vec<(ObjectKind, ObjectName)>>);

impl Objects {
    fn add(&mut self, kind: ObjectKind, name: &ObjectName) {
        let alike = self.0.entry(name.name.clone()).or_default();
        if !alike.iter().any(|(known, made)| *known == kind && same(made, name)) {
            alike.push((kind, name.clone()));
        }
    }

    fn has(&self, kind: ObjectKind, name: &ObjectName) -> bool {
        let alike = self.0.get(&name.name);
        alike.is_some_and(|alike| alike.iter().any(|(known, made)| *known == kind && same(made, name)))
    }
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
    fn schema(name: &ObjectName) -> &str {
        match &name.schema {
            Some(schema) => schema.as_str(),
            None => "public",
        }
    }
    left.name == right.name && schema(left) == schema(right)
}

/// Remembers a name once for each surety, in the order in which they were met.
fn remember(alike: &mut Vec<(ObjectName, Surety)>, name: &ObjectName, surety: Surety) {
    if !alike.iter().any(|(known, sure)| *sure == surety && same(known, name)) {
        alike.push((name.clone(), surety));
    }
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
                Sql::CreateRoutine(CreateRoutine { object, name: Some(name), .. })
                | Sql::Create { object, name: Some(name), .. } => fresh.created_somewhere.add(*object, name),
                Sql::Do(body) => fresh.look_ahead(&body.statements),
                Sql::CreateIndex(CreateIndex { name: Some(name), .. }) => {
                    fresh.created_somewhere.add(ObjectKind::Index, name);
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
                table.name.iter().for_each(|name| self.learn_table(name, surety));
            }
            Sql::Create { object, name: Some(name), or_replace: false, .. } => {
                // An index on it, even a unique one, binds nobody.
                if *object == ObjectKind::MaterializedView {
                    self.learn_table(name, Surety::Meant);
                }
                self.objects.add(*object, name);
            }
            Sql::CreateIndex(index) => index.name.iter().for_each(|name| self.objects.add(ObjectKind::Index, name)),
            Sql::CreateRoutine(routine) if !routine.or_replace => {
                routine.name.iter().for_each(|name| self.objects.add(routine.object, name));
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
                table.name.iter().for_each(|name| self.learn_table(name, Surety::Meant));
            }
            Sql::AlterTable(alter) => self.learn_columns(alter, Surety::Meant),
            Sql::CreateTable(_) | Sql::Do(_) => self.learn(sql),
            _ => {}
        }
    }

    fn learn_table(&mut self, name: &ObjectName, surety: Surety) {
        remember(self.tables.entry(name.name.clone()).or_default(), name, surety);
    }

    fn learn_columns(&mut self, alter: &AlterTable, most: Surety) {
        for action in &alter.actions {
            match (action, &alter.table) {
                (AlterTableAction::AddColumn(_, column), Some(table)) => {
                    let surety = if column.if_not_exists { Surety::Meant } else { most };
                    if let Some(name) = &column.column {
                        remember(self.columns.entry(name.clone()).or_default(), table, surety);
                    }
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
        self.tables_of(table).any(|surety| surety == Surety::Certain)
    }

    /// Whether the table is new, or meant to be.
    pub fn meant_table(&self, table: Option<&ObjectName>) -> bool {
        self.tables_of(table).next().is_some()
    }

    fn tables_of<'a>(&'a self, table: Option<&'a ObjectName>) -> impl Iterator<Item = Surety> + 'a {
        let alike = table.and_then(|table| Some((table, self.tables.get(&table.name)?)));
        alike.into_iter().flat_map(|(table, alike)| {
            alike.iter().filter(move |(fresh, _)| same(fresh, table)).map(|(_, surety)| *surety)
        })
    }

    /// Whether the column is new beyond doubt.
    pub fn column(&self, table: Option<&ObjectName>, column: &Ident) -> bool {
        let certain = |surety| surety == Surety::Certain;
        self.find_column(table, column).is_some_and(certain)
    }

    fn find_column(&self, table: Option<&ObjectName>, column: &Ident) -> Option<Surety> {
        let table = table?;
        let found = self.columns.get(column)?.iter().find(|(of, _)| same(of, table));
        found.map(|(_, surety)| *surety)
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
        self.objects.has(object, name)
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
        !holds_data && self.created_somewhere.has(object, name)
    }
}
