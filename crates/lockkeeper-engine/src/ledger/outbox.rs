//! Alerts that wait to be delivered: written with what they tell of, taken for a while, and marked when they arrived.

use std::time::Duration;

use jiff::Timestamp;
use lockkeeper_core::model::Answer;
use serde_json::Value;
use tokio_postgres::types::Type;

use super::install::read_problem;
use super::sql::{query, timestamp};
use crate::postgres::{Connection, SqlError};
use crate::seams::random_id;

/// An alert as it is put down.
#[derive(Debug, Clone, PartialEq)]
pub struct NewAlert {
    /// What belongs together: a reminder and a resolution are about the same.
    pub about: String,
    pub kind: &'static str,
    pub payload: Value,
}

/// One alert on its way to one receiver.
#[derive(Debug, Clone, PartialEq)]
pub struct Delivery {
    /// The receiver's idempotency key.
    pub id: String,
    pub sink: String,
    /// This one included.
    pub attempts: u32,
    pub about: String,
    pub kind: String,
    pub payload: Value,
    pub created_at: Timestamp,
}

/// Puts an alert down for these receivers, in the transaction of what it tells of.
pub async fn put_alert(connection: &Connection, alert: &NewAlert, sinks: &[String]) -> Result<(), SqlError> {
    let id = random_id();
    query(
        connection,
        "INSERT INTO lockkeeper.outbox (id, about, kind, payload) VALUES ($1::text::uuid, $2, $3, $4)",
        &[
            (&id, Type::TEXT),
            (&alert.about, Type::TEXT),
            (&alert.kind, Type::TEXT),
            (&alert.payload.to_string(), Type::TEXT),
        ],
    )
    .await?;
    query(
        connection,
        "INSERT INTO lockkeeper.deliveries (alert_id, sink, due_at) \
         SELECT $1::text::uuid, s, pg_catalog.clock_timestamp() FROM pg_catalog.unnest($2::text[]) s",
        &[(&id, Type::TEXT), (&sinks, Type::TEXT_ARRAY)],
    )
    .await
    .map(|_| ())
}

/// Takes at most so many that are due. Who does not come back within `held_for` leaves them to others.
///
/// # Errors
/// When the ledger cannot be read.
pub async fn claim_deliveries(connection: &Connection, limit: i64, held_for: Duration) -> Answer<Vec<Delivery>> {
    let rows = query(
        connection,
        include_str!("sql/claim_deliveries.sql"),
        &[(&limit, Type::INT8), (&held_for.as_secs_f64(), Type::FLOAT8)],
    )
    .await
    .map_err(|error| read_problem(&error, connection))?;
    rows.iter()
        .map(|row| {
            Ok(Delivery {
                id: row.get("id"),
                sink: row.get("sink"),
                attempts: u32::try_from(row.get::<_, i32>("attempts")).unwrap_or(u32::MAX),
                about: row.get("about"),
                kind: row.get("kind"),
                payload: serde_json::from_str(row.get("payload")).unwrap_or(Value::Null),
                created_at: timestamp(row, "created_at")?,
            })
        })
        .collect()
}

/// The receiver has it.
pub async fn mark_delivered(connection: &Connection, delivery: &Delivery) -> Result<(), SqlError> {
    let sql = "UPDATE lockkeeper.deliveries SET delivered_at = pg_catalog.clock_timestamp(), last_error = NULL \
               WHERE alert_id = $1::text::uuid AND sink = $2 AND gave_up_at IS NULL";
    query(connection, sql, &[(&delivery.id, Type::TEXT), (&delivery.sink, Type::TEXT)]).await.map(|_| ())
}

/// The receiver does not have it: it is tried again in `retry_in`, or given up.
pub async fn mark_undelivered(
    connection: &Connection,
    delivery: &Delivery,
    error: &str,
    retry_in: Option<Duration>,
) -> Result<(), SqlError> {
    let sql = "UPDATE lockkeeper.deliveries SET last_error = $3, \
               due_at = pg_catalog.clock_timestamp() + pg_catalog.make_interval(secs => coalesce($4, 0)), \
               gave_up_at = CASE WHEN $4 IS NULL THEN pg_catalog.clock_timestamp() END \
               WHERE alert_id = $1::text::uuid AND sink = $2 AND delivered_at IS NULL";
    query(
        connection,
        sql,
        &[
            (&delivery.id, Type::TEXT),
            (&delivery.sink, Type::TEXT),
            (&error, Type::TEXT),
            (&retry_in.map(|wait| wait.as_secs_f64()), Type::FLOAT8),
        ],
    )
    .await
    .map(|_| ())
}
