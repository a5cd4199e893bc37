//! What is known of a database, as one JSON document: as the server tells it, and as a file keeps it.
//!
//! A file holds names, types, sizes and counters, and no text that a user wrote: no condition of a check, no
//! expression of an index, no default, no comment.

use std::collections::BTreeMap;

use lockkeeper_core::classify::{
    Column, Constraint, Domain, Facts, Index, Relation, RelationKind, Server, TableConstraintKind, Traffic, never_null,
};
use lockkeeper_core::model::ServerVersion;
use lockkeeper_core::parse::{Ident, ObjectName};
use serde::{Deserialize, Serialize};

/// The version of the format that is written, and the only one that is read.
pub const FORMAT_VERSION: u32 = 1;

type Name = (String, String);

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct FactsDocument {
    /// Of this format.
    #[serde(default)]
    pub facts_version: u32,
    /// Seconds since 1970.
    pub taken_at: i64,
    pub server_version_num: i32,
    zone_is_utc: bool,
    search_path: Vec<String>,
    relations: Vec<RelationRow>,
    indexes: Vec<IndexRow>,
    #[serde(default, skip_serializing)]
    taken: Vec<Name>,
    volatile: Vec<String>,
    domains: Vec<(String, String, bool)>,
    publications: Vec<(String, Name)>,
    statistics: Vec<(String, Name)>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct RelationRow {
    name: Name,
    kind: RelkindRow,
    bytes: u64,
    rows: u64,
    writes_per_min: u64,
    reads_per_min: u64,
    populated: bool,
    logged: bool,
    method: String,
    tablespace: String,
    attached: Vec<String>,
    triggers: bool,
    triggers_always: bool,
    partition: bool,
    r#type: Option<String>,
    children: Vec<Name>,
    parents: Vec<Name>,
    default: Option<Name>,
    reads: Vec<ReadRow>,
    /// Name, type, NOT NULL, whether it is a virtual generated one.
    columns: Vec<(String, String, bool, bool)>,
    constraints: Vec<ConstraintRow>,
}

/// `pg_class.relkind`.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
enum RelkindRow {
    #[serde(rename = "r")]
    Table,
    #[serde(rename = "p")]
    Partitioned,
    #[serde(rename = "v")]
    View,
    #[serde(rename = "m")]
    MaterializedView,
    #[serde(rename = "f")]
    Foreign,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct ReadRow {
    name: Name,
    columns: Vec<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct ConstraintRow {
    name: String,
    /// `pg_constraint.contype`.
    kind: char,
    valid: bool,
    references: Option<Name>,
    referenced: Vec<String>,
    writes: bool,
    /// Text of the user's, which may hold values; no file has it.
    #[serde(default, skip_serializing)]
    check: String,
    /// The columns that the check says are never NULL; a file has them in the place of the check.
    #[serde(default)]
    not_null: Vec<String>,
    columns: Vec<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct IndexRow {
    name: Name,
    table: Name,
    bytes: u64,
    unique: bool,
    valid: bool,
    partial: bool,
    partitioned: bool,
    /// `None` stands for an expression.
    columns: Vec<Option<String>>,
    #[serde(default, skip_serializing)]
    definition: String,
}

/// What is wrong with a file of facts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FactsFault {
    /// Of another version of the format.
    Version(u32),
    /// At this byte of the text.
    Broken { offset: usize, reason: String },
}

impl FactsDocument {
    /// As the server tells it.
    pub(super) fn from_server(text: &str) -> serde_json::Result<Self> {
        let mut document: Self = serde_json::from_str(text)?;
        document.facts_version = FORMAT_VERSION;
        for constraint in document.relations.iter_mut().flat_map(|relation| &mut relation.constraints) {
            constraint.not_null = never_null(&constraint.check).iter().map(|it| it.as_str().to_owned()).collect();
        }
        Ok(document)
    }

    /// As a file keeps it.
    ///
    /// # Errors
    /// A version of the format that this program does not know; text that is not of this format.
    pub fn from_file(text: &str) -> Result<Self, FactsFault> {
        #[derive(Deserialize)]
        struct Versioned {
            facts_version: u32,
        }
        let broken = |error: serde_json::Error| {
            // serde counts lines from 1 and a line's bytes.
            let line_start: usize = text.split_inclusive('\n').take(error.line().saturating_sub(1)).map(str::len).sum();
            let mut offset = (line_start + error.column().saturating_sub(1)).min(text.len());
            while !text.is_char_boundary(offset) {
                offset -= 1;
            }
            FactsFault::Broken { offset, reason: error.to_string() }
        };
        let Versioned { facts_version } = serde_json::from_str(text).map_err(broken)?;
        if facts_version != FORMAT_VERSION {
            return Err(FactsFault::Version(facts_version));
        }
        serde_json::from_str(text).map_err(broken)
    }

    /// The text of a file.
    ///
    /// # Errors
    /// None that is known: every key is text.
    pub fn text(&self) -> serde_json::Result<String> {
        serde_json::to_string_pretty(self)
    }

    pub const fn version(&self) -> ServerVersion {
        ServerVersion::from_num(self.server_version_num)
    }

    pub fn facts(self) -> Facts {
        let mut publications: BTreeMap<Ident, std::collections::BTreeSet<ObjectName>> = BTreeMap::new();
        for (publication, table) in self.publications {
            publications.entry(Ident::exact(publication)).or_default().insert(object(table));
        }
        let indexes: BTreeMap<ObjectName, Index> =
            self.indexes.into_iter().map(|row| (object(row.name.clone()), index(row))).collect();
        let mut relations: BTreeMap<ObjectName, Relation> =
            self.relations.into_iter().map(|row| (object(row.name.clone()), relation(row))).collect();
        let keys = indexes.values().filter(|index| {
            index.is_unique && index.is_valid && !index.is_partial && index.columns.iter().all(Option::is_some)
        });
        for key in keys {
            let kind = relations.get_mut(&key.table).map(|relation| &mut relation.kind);
            if let Some(RelationKind::MaterializedView { has_unique_key, .. }) = kind {
                *has_unique_key = true;
            }
        }
        let facts = Facts {
            server: Some(Server {
                version: ServerVersion::from_num(self.server_version_num),
                search_path: idents(self.search_path).collect(),
                zone_is_utc: self.zone_is_utc,
            }),
            relations,
            indexes,
            taken: self.taken.into_iter().collect(),
            may_silence_triggers: false,
            volatile_functions: idents(self.volatile).collect(),
            domains: self
                .domains
                .into_iter()
                .map(|(name, base, is_constrained)| (Ident::exact(name), Domain { base, is_constrained }))
                .collect(),
            publications,
            statistics: self.statistics.into_iter().map(|(name, of)| (Ident::exact(name), object(of))).collect(),
        };
        facts.with_totals()
    }
}

fn object((schema, name): Name) -> ObjectName {
    ObjectName { schema: Some(Ident::exact(schema)), name: Ident::exact(name) }
}

fn objects(names: Vec<Name>) -> Vec<ObjectName> {
    names.into_iter().map(object).collect()
}

fn idents(names: Vec<String>) -> impl Iterator<Item = Ident> {
    names.into_iter().map(Ident::exact)
}

fn index(row: IndexRow) -> Index {
    Index {
        table: object(row.table),
        columns: row.columns.into_iter().map(|column| column.map(Ident::exact)).collect(),
        bytes: row.bytes,
        is_unique: row.unique,
        is_valid: row.valid,
        is_partial: row.partial,
        is_partitioned: row.partitioned,
        definition: row.definition,
    }
}

fn relation(row: RelationRow) -> Relation {
    let kind = match row.kind {
        RelkindRow::Table => RelationKind::Table,
        RelkindRow::Partitioned => RelationKind::Partitioned,
        RelkindRow::View => RelationKind::View,
        RelkindRow::MaterializedView => {
            RelationKind::MaterializedView { is_populated: row.populated, has_unique_key: false }
        }
        RelkindRow::Foreign => RelationKind::Foreign,
    };
    let column =
        |(name, type_name, not_null, is_virtual)| Column { name: Ident::exact(name), type_name, not_null, is_virtual };
    let (schema, name) = row.name;
    Relation {
        bytes: row.bytes,
        traffic: Traffic { rows: row.rows, writes_per_min: row.writes_per_min, reads_per_min: row.reads_per_min },
        columns: row.columns.into_iter().map(column).collect(),
        constraints: row.constraints.into_iter().map(constraint).collect(),
        children: objects(row.children),
        parents: objects(row.parents),
        is_partition: row.partition,
        default_partition: row.default.map(object),
        is_logged: row.logged,
        access_method: row.method,
        tablespace: row.tablespace,
        attached: idents(row.attached).collect(),
        has_update_triggers: row.triggers,
        triggers_fire_always: row.triggers_always,
        reads: row.reads.into_iter().map(|read| (object(read.name), idents(read.columns).collect())).collect(),
        of_type: row.r#type.map(Ident::exact),
        ..Relation::new(Ident::exact(schema), Ident::exact(name), kind)
    }
}

fn constraint(row: ConstraintRow) -> Constraint {
    let kind = match (row.kind, row.references) {
        ('c', _) => TableConstraintKind::Check,
        ('f', Some(references)) => TableConstraintKind::ForeignKey {
            references: object(references),
            referenced: idents(row.referenced).collect(),
            writes_on_delete: row.writes,
        },
        ('p' | 'u', _) => TableConstraintKind::Key,
        _ => TableConstraintKind::Other,
    };
    Constraint {
        name: Ident::exact(row.name),
        kind,
        is_validated: row.valid,
        columns: idents(row.columns).collect(),
        not_null: idents(row.not_null).collect(),
    }
}
