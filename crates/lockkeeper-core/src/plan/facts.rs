//! What the database says of the tables and indexes that a migration names, as data.
//!
//! Steps are chosen by it: an empty table needs no care, and a nullable column needs a check before it can
//! become a key. Read by the engine right before a migration runs, and by `plan`.

use std::collections::{BTreeMap, BTreeSet};

use crate::parse::{Ident, ObjectName};

/// Work on a table of this many bytes is over before anybody waits long behind it (128 pages).
const SMALL_BYTES: u64 = 1 << 20;

/// What is known. Without a database nothing is, and every statement runs as it is written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    pub relations: BTreeMap<ObjectName, Relation>,
    /// Names of relations and constraints that are taken, by schema.
    pub taken: BTreeSet<(String, String)>,
    /// Whether our role may switch off the triggers of a session, so that a backfill fires none of the user's.
    pub may_silence_triggers: bool,
}

impl Facts {
    pub fn relation(&self, name: Option<&ObjectName>) -> Option<&Relation> {
        self.relations.get(name?)
    }
}

/// A relation that exists, under the name by which a migration speaks of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Relation {
    pub schema: Ident,
    pub name: Ident,
    pub kind: RelationKind,
    /// The table's rows on disk, all of its partitions and heirs included; of an index, those of its table.
    pub bytes: u64,
    pub traffic: Traffic,
    pub columns: Vec<Column>,
    /// The tables that hold a partitioned table's rows.
    pub leaves: Vec<ObjectName>,
    /// Whether triggers of the user's fire when a row is updated.
    pub has_update_triggers: bool,
}

/// How many rows a table has and how busy it is, as the server's statistics estimate.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Traffic {
    pub rows: u64,
    /// Since the statistics were last reset, on average.
    pub writes_per_min: u64,
    pub reads_per_min: u64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RelationKind {
    Table,
    Partitioned,
    MaterializedView {
        is_populated: bool,
        /// REFRESH … CONCURRENTLY needs a unique index on plain columns over all rows.
        has_unique_key: bool,
    },
    Index {
        is_partitioned: bool,
        /// As `pg_get_indexdef` tells it.
        definition: String,
    },
    Other,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    pub name: Ident,
    /// As `format_type` tells it.
    pub type_name: String,
    pub not_null: bool,
}

impl Relation {
    /// The name with its schema.
    pub fn full_name(&self) -> ObjectName {
        ObjectName { schema: Some(self.schema.clone()), name: self.name.clone() }
    }

    pub const fn is_empty(&self) -> bool {
        self.bytes == 0
    }

    /// Whether reading or writing all of it is over before anybody waits long.
    pub const fn is_small(&self) -> bool {
        self.bytes <= SMALL_BYTES
    }

    pub fn column(&self, name: &Ident) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == *name)
    }

    pub const fn is_partitioned(&self) -> bool {
        matches!(self.kind, RelationKind::Partitioned)
    }
}
