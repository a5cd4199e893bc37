//! Tables as keeping their rows, and putting them back, depends on them.

use std::collections::BTreeMap;
use std::time::Duration;

use lockkeeper_core::parse::{Ident, ObjectName};
use lockkeeper_core::plan::{ColumnShape, TableShape};
use serde::Deserialize;
use tokio_postgres::types::Type;

use super::{Access, Connection, SqlError};

#[derive(Deserialize)]
struct Document {
    place: usize,
    name: (String, String),
    is_table: bool,
    key: Vec<String>,
    columns: Vec<ColumnDocument>,
    bytes: u64,
    heirs: bool,
    filtered: bool,
    sequences: Vec<(String, String)>,
    referring: Vec<String>,
}

#[derive(Deserialize)]
struct ColumnDocument {
    name: String,
    #[serde(rename = "type")]
    type_name: String,
    own: bool,
    generated: bool,
    always: bool,
}

/// Reads them, by the names that were asked for; a name that means nothing is left out. It writes nothing.
///
/// # Errors
/// A table that somebody holds exclusively for longer than `lock_timeout`; a connection that broke.
pub async fn read_table_shapes(
    connection: &Connection,
    names: &[ObjectName],
    lock_timeout: Duration,
) -> Result<BTreeMap<ObjectName, TableShape>, SqlError> {
    if names.is_empty() {
        return Ok(BTreeMap::new());
    }
    let client = connection.client();
    let failed = |error: tokio_postgres::Error| SqlError::new(&error, connection);
    let begin =
        format!("{}; SET LOCAL lock_timeout = '{}ms'", connection.begin(Access::Read), lock_timeout.as_millis());
    let read = async {
        client.batch_execute(&begin).await.map_err(failed)?;
        let asked: Vec<String> = names.iter().map(ToString::to_string).collect();
        let oids = "SELECT pg_catalog.array_agg(pg_catalog.to_regclass(name)::oid ORDER BY place)::text \
                    FROM pg_catalog.unnest($1::text[]) WITH ORDINALITY AS n (name, place)";
        let rows = client.query_typed(oids, &[(&asked, Type::TEXT_ARRAY)]).await.map_err(failed)?;
        let oids: String = rows.first().and_then(|row| row.get(0)).unwrap_or_default();
        client.batch_execute("SET LOCAL search_path = pg_catalog").await.map_err(failed)?;
        let sql = include_str!("table_shapes.sql");
        let rows = client.query_typed(sql, &[(&oids, Type::TEXT)]).await.map_err(failed)?;
        let text: String = rows.first().map(|row| row.get(0)).unwrap_or_default();
        serde_json::from_str::<Vec<Document>>(&text).map_err(|error| SqlError::Lost { reason: error.to_string() })
    }
    .await;
    let ended = client.batch_execute("ROLLBACK").await.map_err(failed);
    let documents = read?;
    ended?;
    let shape = |document: Document| Some((names.get(document.place.checked_sub(1)?)?.clone(), document.into()));
    Ok(documents.into_iter().filter_map(shape).collect())
}

impl From<Document> for TableShape {
    fn from(document: Document) -> Self {
        let exact = |names: Vec<String>| names.into_iter().map(Ident::exact).collect();
        let column = |column: ColumnDocument| ColumnShape {
            name: Ident::exact(column.name),
            type_name: column.type_name,
            is_own_type: column.own,
            is_generated: column.generated,
            is_always_identity: column.always,
        };
        let (schema, name) = document.name;
        Self {
            name: ObjectName { schema: Some(Ident::exact(schema)), name: Ident::exact(name) },
            is_table: document.is_table,
            key: exact(document.key),
            columns: document.columns.into_iter().map(column).collect(),
            bytes: document.bytes,
            has_heirs: document.heirs,
            is_filtered: document.filtered,
            sequences: document.sequences.into_iter().map(|(column, it)| (Ident::exact(column), it)).collect(),
            referring: exact(document.referring),
        }
    }
}
