//! What the files so far have built: the tables, as far as the files tell.

use std::collections::BTreeMap;

use lockkeeper_core::classify::Facts;
use lockkeeper_core::parse::{
    AddConstraint, AlterTable, AlterTableAction, ColumnChange, ConstraintKind, CreateRoutine, CreateTable, Ident,
    ObjectKind, ObjectName, Script, Sql, Statement,
};

use super::words;

/// Tables by name; one that no file creates is not there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct History {
    tables: BTreeMap<ObjectName, Table>,
    /// Columns that a check proves to hold no NULL, by table; the check's name while it is not validated.
    proofs: BTreeMap<ObjectName, Vec<(Ident, Option<Ident>)>>,
    /// Views, functions and procedures, with the words of their definitions.
    bodies: BTreeMap<ObjectName, Vec<String>>,
    /// Tables and columns that stage 2 takes away or gives, with the last migration that does, by its index.
    contracted: BTreeMap<(ObjectName, Option<Ident>), usize>,
}

/// One table.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Table {
    pub partitioned: bool,
    pub columns: BTreeMap<String, Column>,
    /// The columns of each index and key, in order.
    pub indexes: Vec<Vec<Ident>>,
}

/// One column.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Column {
    pub type_name: String,
    pub not_null: bool,
    pub has_default: bool,
}

/// A schema that is not written counts as `public`.
fn key(name: &ObjectName) -> ObjectName {
    let schema = name.schema.clone().filter(|schema| schema.as_str() != "public");
    ObjectName { schema, name: name.name.clone() }
}

impl History {
    /// What stands before the first file: the tables of the live database, as far as they are known.
    pub fn of(facts: &Facts) -> Self {
        let mut history = Self::default();
        for (name, relation) in &facts.relations {
            let columns = relation.columns.iter().map(|column| {
                let known =
                    Column { type_name: column.type_name.clone(), not_null: column.not_null, has_default: false };
                (column.name.as_str().to_owned(), known)
            });
            let table =
                Table { partitioned: relation.is_partitioned(), columns: columns.collect(), indexes: Vec::new() };
            let proven = relation.constraints.iter().filter(|it| it.is_validated).flat_map(|it| &it.not_null);
            history.proofs.insert(key(name), proven.map(|column| (column.clone(), None)).collect());
            history.tables.insert(key(name), table);
        }
        for index in facts.indexes.values().filter(|index| index.is_valid && !index.is_partial) {
            // Up to the first expression.
            let columns: Vec<Ident> = index.columns.iter().map_while(Clone::clone).collect();
            if let Some(table) = history.tables.get_mut(&key(&index.table)) {
                table.indexes.push(columns);
            }
        }
        history
    }

    pub fn table(&self, name: Option<&ObjectName>) -> Option<&Table> {
        self.tables.get(&key(name?))
    }

    pub fn column(&self, table: Option<&ObjectName>, column: Option<&Ident>) -> Option<&Column> {
        self.table(table)?.columns.get(column?.as_str())
    }

    /// Whether a validated check proves that the column holds no NULL.
    pub fn proves_not_null(&self, table: Option<&ObjectName>, column: Option<&Ident>) -> bool {
        let (Some(table), Some(column)) = (table, column) else { return false };
        let proofs = self.proofs.get(&key(table));
        proofs.is_some_and(|proofs| proofs.iter().any(|(proven, open)| proven == column && open.is_none()))
    }

    /// Views, functions and procedures that stand, with the words of their definitions.
    pub fn bodies(&self) -> impl Iterator<Item = (&ObjectName, &[String])> {
        self.bodies.iter().map(|(name, words)| (name, words.as_slice()))
    }

    /// Remembers what a statement of a file does.
    pub fn learn(&mut self, statement: &Statement, text: &str) {
        match &statement.sql {
            Sql::Create { object, name: Some(name), .. } => {
                self.bodies.remove(name);
                if matches!(object, ObjectKind::View | ObjectKind::MaterializedView) {
                    self.bodies.insert(name.clone(), words(statement.span.of(text)));
                }
            }
            Sql::CreateRoutine(CreateRoutine { name: Some(name), .. }) => {
                self.bodies.insert(name.clone(), words(statement.span.of(text)));
            }
            Sql::Drop(drop) => {
                for name in &drop.names {
                    self.bodies.remove(name);
                }
            }
            _ => {}
        }
        self.learn_tables(&statement.sql);
    }

    /// The last migration of stage 2 that takes a table or a column of that name away, or gives it, by its index.
    pub fn contracted(&self, table: &ObjectName, column: Option<&Ident>) -> Option<usize> {
        self.contracted.get(&(table.clone(), column.cloned())).copied()
    }

    /// Remembers what a migration of stage 2 takes away and gives.
    pub fn learn_contracting(&mut self, index: usize, script: &Script) {
        for statement in &script.statements {
            match &statement.sql {
                Sql::Drop(drop) if drop.object == ObjectKind::Table => {
                    self.contracted.extend(drop.names.iter().map(|name| ((name.clone(), None), index)));
                }
                Sql::AlterTable(AlterTable { table: Some(table), actions, .. }) => {
                    let columns = actions.iter().flat_map(|action| match action {
                        AlterTableAction::DropColumn { column, .. } => [column.as_ref(), None],
                        AlterTableAction::RenameColumn { column, to, .. } => [column.as_ref(), to.as_ref()],
                        _ => [None, None],
                    });
                    let columns = columns.flatten().cloned();
                    self.contracted.extend(columns.map(|column| ((table.clone(), Some(column)), index)));
                }
                _ => {}
            }
        }
    }

    fn learn_tables(&mut self, sql: &Sql) {
        match sql {
            Sql::CreateTable(table) => self.learn_table(table),
            Sql::AlterTable(alter) => self.learn_alter(alter),
            Sql::CreateIndex(index) => {
                if let Some(table) = index.table.as_ref().and_then(|name| self.tables.get_mut(&key(name))) {
                    table.indexes.push(index.columns.clone());
                }
            }
            Sql::Drop(drop) if drop.object == ObjectKind::Table => {
                for name in &drop.names {
                    self.tables.remove(&key(name));
                }
            }
            Sql::Do(body) => body.statements.iter().for_each(|statement| self.learn_tables(&statement.sql)),
            _ => {}
        }
    }

    fn learn_table(&mut self, table: &CreateTable) {
        let Some(name) = &table.name else { return };
        let columns = table.columns.iter().map(|column| {
            let known = Column {
                type_name: column.type_name.clone(),
                not_null: column.not_null,
                has_default: column.has_default,
            };
            (column.name.as_str().to_owned(), known)
        });
        // An index that stands on the live table is none the less there.
        let mut indexes = table.keys.clone();
        indexes.extend(self.tables.remove(&key(name)).into_iter().flat_map(|before| before.indexes));
        let known = Table { partitioned: table.partitioned, columns: columns.collect(), indexes };
        self.tables.insert(key(name), known);
    }

    fn learn_alter(&mut self, alter: &AlterTable) {
        let Some(old) = &alter.table else { return };
        let name = key(old);
        for action in &alter.actions {
            match action {
                AlterTableAction::AddConstraint(_, add) => self.learn_constraint(&name, add),
                AlterTableAction::ValidateConstraint { constraint, .. } => {
                    let proofs = self.proofs.get_mut(&name).into_iter().flatten();
                    proofs.filter(|(_, open)| open == constraint).for_each(|(_, open)| *open = None);
                }
                _ => {}
            }
            if let Some(table) = self.tables.get_mut(&name) {
                table.learn(action);
            }
            if let AlterTableAction::RenameTable(_, Some(to)) = action
                && let Some(table) = self.tables.remove(&name)
            {
                self.tables.insert(key(&ObjectName { name: to.clone(), schema: old.schema.clone() }), table);
            }
        }
    }

    fn learn_constraint(&mut self, table: &ObjectName, add: &AddConstraint) {
        if let Some(column) = &add.not_null_of {
            let open = add.not_valid.then(|| add.name.clone()).flatten();
            self.proofs.entry(table.clone()).or_default().push((column.clone(), open));
        }
        let indexed = matches!(add.kind, ConstraintKind::PrimaryKey | ConstraintKind::Unique);
        if let Some(known) = self.tables.get_mut(table).filter(|_| indexed) {
            known.indexes.push(add.columns.clone());
        }
    }
}

impl Table {
    /// Whether an index begins with these columns, in any order.
    pub fn is_indexed(&self, columns: &[Ident]) -> bool {
        self.indexes.iter().any(|index| {
            index.len() >= columns.len() && index[..columns.len()].iter().all(|column| columns.contains(column))
        })
    }

    fn learn(&mut self, action: &AlterTableAction) {
        match action {
            AlterTableAction::AddColumn(_, add) => {
                let Some(name) = &add.column else { return };
                if add.unique {
                    self.indexes.push(vec![name.clone()]);
                }
                let known = Column {
                    type_name: add.type_name.clone(),
                    not_null: add.not_null,
                    has_default: add.has_default || add.generated,
                };
                self.columns.insert(name.as_str().to_owned(), known);
            }
            AlterTableAction::DropColumn { column: Some(column), .. } => {
                self.columns.remove(column.as_str());
            }
            AlterTableAction::RenameColumn { column: Some(column), to: Some(to), .. } => {
                if let Some(known) = self.columns.remove(column.as_str()) {
                    self.columns.insert(to.as_str().to_owned(), known);
                }
            }
            AlterTableAction::AlterColumn { column: Some(column), change, new_type, .. } => {
                let Some(known) = self.columns.get_mut(column.as_str()) else { return };
                match change {
                    ColumnChange::SetNotNull => known.not_null = true,
                    ColumnChange::DropNotNull => known.not_null = false,
                    ColumnChange::SetDefault | ColumnChange::AddIdentity => known.has_default = true,
                    ColumnChange::DropDefault | ColumnChange::DropIdentity => known.has_default = false,
                    _ => {}
                }
                if let Some(new) = new_type {
                    known.type_name.clone_from(&new.name);
                }
            }
            _ => {}
        }
    }
}
