//! What rollbacks have kept of what they destroyed, and what has become of it.

use jiff::Timestamp;
use lockkeeper_core::model::{Answer, Message, MigrationNumber};
use lockkeeper_core::parse::{Ident, ObjectName};
use lockkeeper_core::plan::{AppliedSeq, Kept, KeptColumn};
use serde_json::{Value, json};
use tokio_postgres::Row;
use tokio_postgres::types::Type;

use super::install::{LEDGER_VERSION, read_problem, version};
use super::outbox::message_to_json;
use super::sql::{broken, optional_timestamp, query, query_alone, timestamp};
use crate::postgres::{Connection, SqlError};

/// What was kept of one table, as long as it is kept.
#[derive(Debug, Clone)]
pub struct SalvageRecord {
    pub id: i64,
    /// The migration that was undone.
    pub seq: AppliedSeq,
    pub number: MigrationNumber,
    pub name: String,
    pub kept: Kept,
    /// Where the sequences of its columns stood: column, last value, whether it was given out.
    pub sequences: Vec<(String, i64, bool)>,
    pub rows: i64,
    pub bytes: i64,
    pub taken_at: Timestamp,
    pub taken_by: String,
    /// Why not all of it has a place in the migration as it was applied again, as JSON.
    pub because: Option<Value>,
    pub returned: Option<Returned>,
}

impl SalvageRecord {
    /// The columns whose values are kept, without those that only tell the row.
    pub fn values(&self) -> Vec<&str> {
        let values = self.kept.columns.iter().filter(|column| !column.is_key);
        values.map(|column| column.name.as_str()).collect()
    }

    /// As it is answered and kept as evidence. Values of rows are not in it.
    pub fn to_json(&self) -> Value {
        let counts = self.returned.map(|it| json!({ "rows": it.returned, "gone": it.gone, "kept": it.kept }));
        json!({
            "migration": self.number.get(),
            "table": self.kept.table.to_string(),
            "whole_table": self.kept.is_whole,
            "columns": self.values(),
            "rows": self.rows,
            "bytes": self.bytes,
            "kept_in": self.kept.kept_in.to_string(),
            "taken_at": self.taken_at.to_string(),
            "taken_by": self.taken_by,
            "returned_at": self.returned.map(|it| it.at.to_string()),
            "returned": counts,
            "because": self.because,
        })
    }
}

/// What became of its rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Returned {
    pub at: Timestamp,
    pub returned: i64,
    /// The row that the values belong to is no more.
    pub gone: i64,
    /// What the server would not take; each such row says why.
    pub kept: i64,
}

/// One that its migration waits for.
#[derive(Debug, Clone)]
pub struct WaitingSalvage {
    pub record: SalvageRecord,
    /// The migration as it was applied again.
    pub into: AppliedSeq,
}

/// All that is still kept, oldest first. None where there is no ledger yet, or one from before values were kept.
///
/// # Errors
/// A ledger newer than the program, a role that may not read it.
pub async fn read_salvages(connection: &Connection) -> Answer<Vec<SalvageRecord>> {
    if version(connection).await? != Some(LEDGER_VERSION) {
        return Ok(Vec::new());
    }
    let all: Option<i64> = None;
    let rows = query_alone(connection, include_str!("sql/read_salvages.sql"), &[(&all, Type::INT8)])
        .await
        .map_err(|error| read_problem(&error, connection))?;
    rows.iter().map(record).collect()
}

/// What was kept when one migration was undone.
///
/// # Errors
/// A connection that broke.
pub async fn salvages_of(connection: &Connection, seq: AppliedSeq) -> Answer<Vec<SalvageRecord>> {
    let rows = query_alone(connection, include_str!("sql/read_salvages.sql"), &[(&Some(seq.0), Type::INT8)])
        .await
        .map_err(|error| read_problem(&error, connection))?;
    rows.iter().map(record).collect()
}

/// What is to be put back, in this order.
///
/// # Errors
/// A connection that broke.
pub async fn waiting_salvages(connection: &Connection) -> Answer<Vec<WaitingSalvage>> {
    let failed = |error: SqlError| read_problem(&error, connection);
    let due = query_alone(connection, include_str!("sql/waiting_salvages.sql"), &[]).await.map_err(failed)?;
    if due.is_empty() {
        return Ok(Vec::new());
    }
    let kept = read_salvages(connection).await?;
    let one = |row: &Row| {
        let (id, into): (i64, i64) = (row.get("id"), row.get("into_seq"));
        let record = kept.iter().find(|record| record.id == id)?.clone();
        Some(WaitingSalvage { record, into: AppliedSeq(into) })
    };
    Ok(due.iter().filter_map(one).collect())
}

/// Records that every row was tried.
pub async fn end_salvage(
    connection: &Connection,
    waiting: &WaitingSalvage,
    because: Option<&Message>,
    counts: (i64, i64, i64),
    actor: &str,
) -> Result<(), SqlError> {
    let because = because.map(|because| message_to_json(because).to_string());
    let (returned, gone, kept) = counts;
    query(
        connection,
        include_str!("sql/end_salvage.sql"),
        &[
            (&waiting.record.id, Type::INT8),
            (&waiting.into.0, Type::INT8),
            (&because, Type::TEXT),
            (&actor, Type::TEXT),
            (&returned, Type::INT8),
            (&gone, Type::INT8),
            (&kept, Type::INT8),
        ],
    )
    .await
    .map(|_| ())
}

/// Records that nothing of it has a place in the migration as it is now.
pub async fn keep_salvage(
    connection: &Connection,
    waiting: &WaitingSalvage,
    because: &Message,
    actor: &str,
) -> Result<(), SqlError> {
    query(
        connection,
        include_str!("sql/keep_salvage.sql"),
        &[
            (&waiting.record.id, Type::INT8),
            (&waiting.into.0, Type::INT8),
            (&message_to_json(because).to_string(), Type::TEXT),
            (&actor, Type::TEXT),
        ],
    )
    .await
    .map(|_| ())
}

fn record(row: &Row) -> Answer<SalvageRecord> {
    let json =
        |column: &str| -> Answer<Vec<Value>> { serde_json::from_str(row.get(column)).map_err(|_| broken(column)) };
    let text = |value: &Value| value.as_str().map(ToOwned::to_owned);
    let column = |value: &Value| {
        Some(KeptColumn {
            name: Ident::exact(text(&value["name"])?),
            type_name: text(&value["type"])?,
            as_text: value["text"].as_bool()?,
            is_key: value["key"].as_bool()?,
        })
    };
    let columns: Option<Vec<KeptColumn>> = json("columns")?.iter().map(column).collect();
    let sequence = |value: &Value| Some((text(&value["column"])?, value["last"].as_i64()?, value["called"].as_bool()?));
    let sequences: Option<Vec<_>> = json("sequences")?.iter().map(sequence).collect();
    let because: Option<&str> = row.get("kept_because");
    let returned = optional_timestamp(row, "returned_at")?.map(|at| Returned {
        at,
        returned: row.get("rows_returned"),
        gone: row.get("rows_gone"),
        kept: row.get("rows_kept"),
    });
    let within =
        |schema: String, name: String| ObjectName { schema: Some(Ident::exact(schema)), name: Ident::exact(name) };
    Ok(SalvageRecord {
        id: row.get("id"),
        seq: AppliedSeq(row.get("migration_seq")),
        number: MigrationNumber::from_ledger(row.get("number")).ok_or_else(|| broken("number"))?,
        name: row.get("name"),
        kept: Kept {
            table: within(row.get("schema_name"), row.get("table_name")),
            is_whole: row.get("is_whole"),
            columns: columns.ok_or_else(|| broken("columns"))?,
            kept_in: within("lockkeeper".to_owned(), row.get("kept_in")),
        },
        sequences: sequences.ok_or_else(|| broken("sequences"))?,
        rows: row.get("row_count"),
        bytes: row.get("bytes"),
        taken_at: timestamp(row, "taken_at")?,
        taken_by: row.get("taken_by"),
        because: because.and_then(|because| serde_json::from_str(because).ok()),
        returned,
    })
}
