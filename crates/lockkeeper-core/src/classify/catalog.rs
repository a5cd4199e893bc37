//! What the catalog says of tables that a statement reaches without naming them, as data.
//!
//! A file alone tells the locks on the tables that it names. What inherits from them, refers to them or is the
//! default partition beside a new one only the database knows.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::ServerVersion;
use crate::parse::{Ident, ObjectName};

/// The relations of one database. All names in it are written in full.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Catalog {
    pub version: ServerVersion,
    /// Where a name without a schema is looked for.
    pub search_path: Vec<Ident>,
    pub tables: BTreeMap<ObjectName, Table>,
    /// Each index's table.
    pub indexes: BTreeMap<ObjectName, ObjectName>,
    /// Names of volatile functions, the server's own too: a default that calls one fills every row.
    pub volatile_functions: BTreeSet<Ident>,
    /// The type below each domain, and whether the domain has constraints.
    pub domains: BTreeMap<Ident, Domain>,
    /// The tables of each publication.
    pub publications: BTreeMap<Ident, BTreeSet<ObjectName>>,
    /// The tables of each statistics object.
    pub statistics: BTreeMap<Ident, ObjectName>,
    /// The session's time zone keeps a timestamp's bytes when it gets a zone.
    pub zone_is_utc: bool,
}

/// A table, or what can be locked like one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Table {
    pub kind: TableKind,
    /// What inherits from it directly: heirs and partitions.
    pub children: Vec<ObjectName>,
    pub parents: Vec<ObjectName>,
    pub is_partition: bool,
    pub default_partition: Option<ObjectName>,
    pub is_logged: bool,
    pub access_method: String,
    pub tablespace: String,
    /// Its triggers, policies and rules.
    pub attached: BTreeSet<Ident>,
    pub columns: Vec<TableColumn>,
    pub constraints: Vec<TableConstraint>,
    /// Tables that a view reads.
    pub reads: Vec<ObjectName>,
    pub of_type: Option<Ident>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum TableKind {
    #[default]
    Table,
    Partitioned,
    View,
    MaterializedView,
    Foreign,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableColumn {
    pub name: Ident,
    /// As `format_type` tells it.
    pub type_name: String,
    pub not_null: bool,
    pub is_virtual: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableConstraint {
    pub name: Ident,
    pub kind: TableConstraintKind,
    pub is_validated: bool,
    pub columns: Vec<Ident>,
    /// The whole condition of a check.
    pub check: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TableConstraintKind {
    Check,
    /// Where it points, and whether a delete there deletes or changes rows here.
    ForeignKey {
        references: ObjectName,
        /// The columns there.
        referenced: Vec<Ident>,
        writes_on_delete: bool,
    },
    Key,
    Other,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Domain {
    pub base: String,
    pub is_constrained: bool,
}

impl Catalog {
    /// The name in full. What is nowhere yet comes into being in the first schema of the search path.
    pub fn full_name(&self, name: &ObjectName) -> ObjectName {
        if name.schema.is_some() {
            return name.clone();
        }
        let within = |schema: &Ident| ObjectName { schema: Some(schema.clone()), name: name.name.clone() };
        let known = |full: &ObjectName| self.tables.contains_key(full) || self.indexes.contains_key(full);
        let first = self.search_path.first().map_or_else(|| name.clone(), within);
        self.search_path.iter().map(within).find(known).unwrap_or(first)
    }

    pub fn table(&self, name: Option<&ObjectName>) -> Option<&Table> {
        self.tables.get(&self.full_name(name?))
    }

    /// Everything below a table, itself left out.
    pub fn below(&self, name: &ObjectName) -> Vec<ObjectName> {
        let mut found: Vec<ObjectName> = Vec::new();
        let mut ahead = vec![self.full_name(name)];
        while let Some(table) = ahead.pop() {
            for child in self.tables.get(&table).iter().flat_map(|table| &table.children) {
                if !found.contains(child) {
                    found.push(child.clone());
                    ahead.push(child.clone());
                }
            }
        }
        found
    }

    /// The foreign keys that point at a table: whose they are and which.
    pub fn pointing_at<'a>(
        &'a self,
        name: &ObjectName,
    ) -> impl Iterator<Item = (&'a ObjectName, &'a TableConstraint)> + use<'a> {
        let name = self.full_name(name);
        self.tables.iter().flat_map(move |(table, facts)| {
            let here = name.clone();
            let points = move |constraint: &&TableConstraint| constraint.references() == Some(&here);
            facts.constraints.iter().filter(points).map(move |constraint| (table, constraint))
        })
    }

    /// Tables with a column of a type.
    pub fn with_columns_of(&self, type_name: &ObjectName) -> Vec<ObjectName> {
        let (short, full) = (type_name.name.to_string(), type_name.to_string());
        let has = |table: &Table| table.columns.iter().any(|it| it.type_name == short || it.type_name == full);
        self.tables.iter().filter(|(_, table)| has(table)).map(|(name, _)| name.clone()).collect()
    }

    /// The views that read a table, and those that read them.
    pub fn views_of(&self, name: &ObjectName) -> Vec<ObjectName> {
        let mut found: Vec<ObjectName> = Vec::new();
        let mut ahead = vec![self.full_name(name)];
        while let Some(read) = ahead.pop() {
            for (view, _) in self.tables.iter().filter(|(_, table)| table.reads.contains(&read)) {
                if !found.contains(view) {
                    found.push(view.clone());
                    ahead.push(view.clone());
                }
            }
        }
        found
    }
}

impl Table {
    pub fn column(&self, name: &Ident) -> Option<&TableColumn> {
        self.columns.iter().find(|column| column.name == *name)
    }

    pub fn constraint(&self, name: &Ident) -> Option<&TableConstraint> {
        self.constraints.iter().find(|constraint| constraint.name == *name)
    }

    /// The foreign keys and where they point.
    pub fn references(&self) -> impl Iterator<Item = &ObjectName> {
        self.constraints.iter().filter_map(TableConstraint::references)
    }

    /// Whether a valid check says that a column is never NULL, so that nobody need look.
    pub fn proves_not_null(&self, column: &Ident) -> bool {
        let proof = format!("({column} IS NOT NULL)");
        self.constraints.iter().any(|constraint| constraint.is_validated && constraint.check.contains(&proof))
    }
}

impl TableConstraint {
    pub const fn references(&self) -> Option<&ObjectName> {
        match &self.kind {
            TableConstraintKind::ForeignKey { references, .. } => Some(references),
            TableConstraintKind::Check | TableConstraintKind::Key | TableConstraintKind::Other => None,
        }
    }
}
