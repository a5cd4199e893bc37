//! The schemas that people made, as the catalog tells them: what a page about them is written from.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio_postgres::types::Type;

use super::facts::within;
use super::{Connection, SqlError};

/// A schema and a name in it.
pub type CatalogName = (String, String);

/// Everything but what belongs to PostgreSQL, to an extension or to Lockkeeper, in the order of its names.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Catalog {
    #[serde(skip_serializing)]
    reads_only: bool,
    pub schemas: Vec<CatalogSchema>,
    pub relations: Vec<CatalogRelation>,
    pub enums: Vec<CatalogEnum>,
    pub domains: Vec<CatalogDomain>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CatalogSchema {
    pub name: String,
    pub comment: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CatalogKind {
    Table,
    PartitionedTable,
    ForeignTable,
    View,
    MaterializedView,
}

impl CatalogKind {
    /// Whether it holds rows of its own making.
    pub const fn is_table(self) -> bool {
        match self {
            Self::Table | Self::PartitionedTable | Self::ForeignTable => true,
            Self::View | Self::MaterializedView => false,
        }
    }
}

/// A table or a view. Partitions are folded into the table that they are of.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CatalogRelation {
    pub name: CatalogName,
    pub kind: CatalogKind,
    pub comment: Option<String>,
    /// Such as `RANGE (placed_at)`.
    pub partition_key: Option<String>,
    pub columns: Vec<CatalogColumn>,
    pub constraints: Vec<CatalogConstraint>,
    pub foreign_keys: Vec<CatalogForeignKey>,
    /// Those that no constraint brings along.
    pub indexes: Vec<CatalogIndex>,
    pub partitions: Vec<CatalogPartition>,
    /// The tables that it inherits from.
    pub parents: Vec<CatalogName>,
    /// What a view is made of.
    pub reads: Vec<CatalogName>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CatalogColumn {
    pub name: String,
    pub r#type: String,
    pub not_null: bool,
    pub default: Option<String>,
    /// The expression that it is computed by.
    pub generated: Option<String>,
    pub identity: Option<CatalogIdentity>,
    pub comment: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CatalogIdentity {
    Always,
    ByDefault,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CatalogConstraintKind {
    PrimaryKey,
    Unique,
    Exclusion,
    Check,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CatalogConstraint {
    pub name: String,
    pub kind: CatalogConstraintKind,
    pub columns: Vec<String>,
    pub definition: String,
    /// Whether all rows that are there were held against it.
    pub is_valid: bool,
    pub comment: Option<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CatalogForeignKey {
    pub name: String,
    pub columns: Vec<String>,
    pub target: CatalogName,
    pub target_columns: Vec<String>,
    /// Whether every row has one: none of its columns can be NULL.
    pub is_required: bool,
    /// Whether no two rows have the same.
    pub is_unique: bool,
    pub on_delete: CatalogOnDelete,
    pub definition: String,
    pub is_valid: bool,
    pub comment: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CatalogOnDelete {
    NoAction,
    Restrict,
    Cascade,
    SetNull,
    SetDefault,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CatalogIndex {
    pub name: String,
    pub definition: String,
    /// Whether it was built to its end.
    pub is_valid: bool,
    pub comment: Option<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CatalogPartition {
    pub name: CatalogName,
    /// 1 for a partition, 2 for a partition of one.
    pub depth: u32,
    pub bound: Option<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CatalogEnum {
    pub name: CatalogName,
    pub labels: Vec<String>,
    pub comment: Option<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CatalogDomain {
    pub name: CatalogName,
    pub r#type: String,
    pub not_null: bool,
    pub default: Option<String>,
    pub checks: Vec<String>,
    pub comment: Option<String>,
}

/// Whoever asks is told the same: with an empty path every name in a definition is qualified, and constants are spelled
/// one way.
const SAME_FOR_ALL: [&str; 5] = [
    "SET LOCAL search_path = ''",
    "SET LOCAL timezone = 'UTC'",
    "SET LOCAL datestyle = 'ISO'",
    "SET LOCAL intervalstyle = 'postgres'",
    "SET LOCAL quote_all_identifiers = off",
];

/// Reads these schemas, or all of them, in a transaction that cannot write.
///
/// # Errors
/// A table that somebody holds exclusively for longer than `lock_timeout`; a connection that broke.
pub async fn read_catalog(
    connection: &Connection,
    schemas: Option<&[String]>,
    lock_timeout: Duration,
) -> Result<Catalog, SqlError> {
    within(connection, &SAME_FOR_ALL, lock_timeout, async || {
        let rows = connection
            .client()
            .query_typed(include_str!("catalog.sql"), &[(&schemas, Type::TEXT_ARRAY)])
            .await
            .map_err(|error| SqlError::new(&error, connection))?;
        let text: &str = rows.first().map_or("", |row| row.get(0));
        let catalog: Catalog =
            serde_json::from_str(text).map_err(|error| SqlError::Lost { reason: error.to_string() })?;
        if catalog.reads_only {
            Ok(catalog)
        } else {
            Err(SqlError::Lost { reason: "the transaction was not READ ONLY".to_owned() })
        }
    })
    .await
}
