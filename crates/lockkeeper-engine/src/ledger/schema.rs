//! The schema as Lockkeeper last left it, and what is different now.
//!
//! The inventory is taken and compared in the server: what travels are differences. While the catalogues' stamp is
//! the one of the record, not even that is needed.

use std::collections::BTreeMap;

use lockkeeper_core::model::{MigrationNumber, ObjectDifference};
use tokio_postgres::Row;
use tokio_postgres::types::Type;

use super::event::record_event;
use super::sql::{batch, query};
use crate::postgres::{Access, Connection, SqlError, sqlstate};

/// What the record says, and how the schema differs from it.
#[derive(Debug, Clone, Default)]
pub struct SchemaReading {
    pub differences: Vec<ObjectDifference>,
    /// The record is of another major version of `PostgreSQL`, which spells definitions its own way.
    pub is_of_other_major: bool,
    /// Migrations that may have changed the schema since the record, with their down scripts and recorded steps: a command was cut
    /// off before it could record what it left, or the server still works on a step of one that is gone.
    pub unrecorded: Vec<(MigrationNumber, String)>,
}

/// `kind identity`, which names one object.
macro_rules! key {
    ($of:literal) => {
        concat!($of, ".kind || ' ' || ", $of, ".identity")
    };
}

macro_rules! live {
    () => {
        concat!("WITH live AS MATERIALIZED (", include_str!("sql/inventory.sql"), ")")
    };
}

const COMPARE: &str = concat!(
    live!(),
    " SELECT coalesce(l.kind, o.kind) AS kind, coalesce(l.identity, o.identity) AS identity,
             o.definition AS before, l.definition AS after
      FROM live l FULL JOIN lockkeeper.schema_objects o ON o.kind = l.kind AND o.identity = l.identity
      WHERE l.definition IS DISTINCT FROM o.definition ORDER BY 2, 1"
);

/// $1: the keys of what keeps its record although it is different. A record with exceptions has no stamp.
const RECORD: &str = concat!(
    live!(),
    ", gone AS (
        DELETE FROM lockkeeper.schema_objects o
        WHERE NOT EXISTS (SELECT FROM live l WHERE l.kind = o.kind AND l.identity = o.identity AND l.definition = o.definition)
          AND ",
    key!("o"),
    " <> ALL ($1) RETURNING 1
    ), put AS (
        INSERT INTO lockkeeper.schema_objects SELECT l.kind, l.identity, l.definition FROM live l
        WHERE NOT EXISTS (SELECT FROM lockkeeper.schema_objects o
                          WHERE o.kind = l.kind AND o.identity = l.identity AND o.definition = l.definition)
          AND ",
    key!("l"),
    " <> ALL ($1) RETURNING 1
    )
    UPDATE lockkeeper.schema_state SET is_settled = true, recorded_at = clock_timestamp(),
        event_seq = (SELECT c.seq FROM lockkeeper.event_chain c), server_major = $2,
        stamp = CASE WHEN $1 = '{}' THEN (",
    include_str!("sql/schema_stamp.sql"),
    ") ELSE '' END,
        fingerprint = (SELECT sha256(convert_to(coalesce(string_agg(
            concat_ws(E'\\n', l.kind, l.identity, l.definition), E'\\n\\n' ORDER BY l.kind COLLATE \"C\", l.identity COLLATE \"C\"), ''),
            'UTF8')) FROM live l)
    RETURNING encode(fingerprint, 'hex') AS fingerprint, (SELECT count(*) FROM gone) + (SELECT count(*) FROM put) AS changes,
        (SELECT count(*) FROM live) AS objects"
);

/// $1: the keys of what is taken as it is now.
const ACCEPT: &str = concat!(
    live!(),
    ", gone AS (
        DELETE FROM lockkeeper.schema_objects o WHERE ",
    key!("o"),
    " = ANY ($1) RETURNING 1
    ), put AS (
        INSERT INTO lockkeeper.schema_objects SELECT l.kind, l.identity, l.definition FROM live l WHERE ",
    key!("l"),
    " = ANY ($1) RETURNING 1
    )
    UPDATE lockkeeper.schema_state SET stamp = '' RETURNING 1"
);

const STATE: &str = concat!(
    "SELECT recorded_at IS NOT NULL AS is_recorded, is_settled, server_major, event_seq, stamp <> '' AND stamp = (",
    include_str!("sql/schema_stamp.sql"),
    ") AS is_same FROM lockkeeper.schema_state"
);

const UNRECORDED: &str =
    "SELECT m.number, m.down_sql || E'\\n;\\n' || coalesce((SELECT pg_catalog.string_agg(s.sql, E'\\n;\\n')
        FROM lockkeeper.steps s WHERE s.migration_seq = m.seq), '')
    FROM lockkeeper.migrations m
    WHERE m.state IN ('applying', 'undoing') OR m.number IN (
        SELECT (e.payload::json ->> 'number')::bigint FROM lockkeeper.events e
        WHERE e.seq > $1 AND NOT $2 AND e.kind LIKE 'migration\\_%')";

/// Every name is written in full then. It takes as long as it takes, and waits for nobody's lock for long: the
/// definition of a view can only be had beside whoever changes its tables.
const SETTINGS: &str =
    "SET LOCAL search_path = pg_catalog; SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = '2s'";

/// How often it is tried while others create and drop what is being listed.
const ATTEMPTS_MAX: u32 = 3;

/// "cache lookup failed": what was listed a moment ago is gone.
const INTERNAL_ERROR: &str = "XX000";

/// Compares. Nothing is different where nothing was ever recorded.
pub async fn read_schema(connection: &Connection) -> Result<SchemaReading, SqlError> {
    for _ in 1..ATTEMPTS_MAX {
        match read_once(connection).await {
            Err(error) if is_passing(&error) => {}
            result => return result,
        }
    }
    read_once(connection).await
}

fn is_passing(error: &SqlError) -> bool {
    error.is_transient() || matches!(error.sqlstate(), INTERNAL_ERROR | sqlstate::UNDEFINED_TABLE)
}

async fn read_once(connection: &Connection) -> Result<SchemaReading, SqlError> {
    batch(connection, &format!("{}; {SETTINGS}", connection.begin(Access::Read))).await?;
    let reading = compare(connection).await;
    let ended = batch(connection, "COMMIT").await;
    let reading = reading?;
    ended?;
    Ok(reading)
}

async fn compare(connection: &Connection) -> Result<SchemaReading, SqlError> {
    let states = query(connection, STATE, &[]).await?;
    let Some(state) = states.first().filter(|row| row.get("is_recorded") && !row.get::<_, bool>("is_same")) else {
        return Ok(SchemaReading::default());
    };
    let differences = query(connection, COMPARE, &[]).await?.iter().map(difference).collect();
    let (since, is_settled): (i64, bool) = (state.get("event_seq"), state.get("is_settled"));
    let rows = query(connection, UNRECORDED, &[(&since, Type::INT8), (&is_settled, Type::BOOL)]).await?;
    let unrecorded =
        rows.iter().filter_map(|row| Some((MigrationNumber::from_ledger(row.get(0))?, row.get(1)))).collect();
    Ok(SchemaReading {
        differences,
        is_of_other_major: state.get::<_, i32>("server_major") != major(connection),
        unrecorded,
    })
}

fn difference(row: &Row) -> ObjectDifference {
    ObjectDifference {
        kind: row.get("kind"),
        identity: row.get("identity"),
        before: row.get("before"),
        after: row.get("after"),
    }
}

/// Each object's definition, by kind and identity, in a transaction of its own.
pub async fn inventory(connection: &Connection) -> Result<BTreeMap<(String, String), String>, SqlError> {
    batch(connection, &format!("{}; {SETTINGS}", connection.begin(Access::Read))).await?;
    let rows = query(connection, include_str!("sql/inventory.sql"), &[]).await;
    let ended = batch(connection, "COMMIT").await;
    let rows = rows?;
    ended?;
    Ok(rows.iter().map(|row| ((row.get("kind"), row.get("identity")), row.get("definition"))).collect())
}

/// Says that the schema is about to be changed, in the transaction in which a command begins.
pub async fn mark_unsettled(connection: &Connection) -> Result<(), SqlError> {
    batch(connection, "UPDATE lockkeeper.schema_state SET is_settled = false WHERE is_settled").await
}

/// Records the schema as it is now, but for `kept`, with its event when it has changed; in the transaction that is
/// open.
pub async fn record_schema(connection: &Connection, actor: &str, kept: &[String]) -> Result<(), SqlError> {
    batch(connection, SETTINGS).await?;
    let params = [(&kept as _, Type::TEXT_ARRAY), (&major(connection) as _, Type::INT4)];
    let rows = query(connection, RECORD, &params).await?;
    let Some(row) = rows.first().filter(|row| row.get::<_, i64>("changes") > 0) else { return Ok(()) };
    let payload = serde_json::json!({
        "fingerprint": row.get::<_, &str>("fingerprint"),
        "objects": row.get::<_, i64>("objects"),
    });
    record_event(connection, actor, "schema_recorded", None, &payload).await
}

/// Takes these objects as they are now, in the transaction that is open.
pub async fn accept_drift(
    connection: &Connection,
    actor: &str,
    keys: &[String],
    payload: &serde_json::Value,
) -> Result<(), SqlError> {
    batch(connection, SETTINGS).await?;
    query(connection, ACCEPT, &[(&keys, Type::TEXT_ARRAY)]).await?;
    record_event(connection, actor, "drift_accepted", None, payload).await
}

fn major(connection: &Connection) -> i32 {
    connection.version().major()
}
