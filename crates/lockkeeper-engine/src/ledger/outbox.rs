//! Alerts that wait to be delivered: written with what they tell of, taken for a while, and marked when they arrived.

use std::time::Duration;

use jiff::Timestamp;
use lockkeeper_core::model::{About, AlertKind, Answer, Arg, Message};
use serde_json::{Value, json};
use tokio_postgres::Row;
use tokio_postgres::types::Type;

use super::install::{is_current, read_problem};
use super::sql::{Param, broken, optional_timestamp, query, query_alone, timestamp, write_alone};
use crate::postgres::{Connection, SqlError};
use crate::seams::random_id;

/// How often people are told again of what stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reminders {
    pub every: Duration,
    /// Of an approval that is waited for: the release stands still meanwhile.
    pub approval_every: Duration,
}

impl Reminders {
    /// How often of an alert of this kind.
    pub const fn of(self, kind: AlertKind) -> Duration {
        match kind {
            AlertKind::ApprovalWaiting => self.approval_every,
            _ => self.every,
        }
    }
}

impl From<Duration> for Reminders {
    fn from(every: Duration) -> Self {
        Self { every, approval_every: every }
    }
}

/// An alert as it is put down.
#[derive(Debug, Clone, PartialEq)]
pub struct NewAlert {
    /// What belongs together: a reminder and a resolution are about the same.
    pub about: About,
    pub kind: AlertKind,
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
    pub about: About,
    pub kind: AlertKind,
    pub payload: Value,
    /// 1 for the first alert about the same, more for reminders.
    pub told: u32,
    pub created_at: Timestamp,
    /// How long it has been waiting, by the database's clock.
    pub age: Duration,
}

/// Puts an alert down that is told once, in the transaction of what it tells of. Its identifier.
pub async fn put_alert(connection: &Connection, alert: &NewAlert, sinks: &[String]) -> Result<String, SqlError> {
    put(connection, include_str!("sql/put_alert.sql"), alert, sinks, None).await.map(Option::unwrap_or_default)
}

/// Puts an alert down about what stands from now on; nothing, when the same is known and was told less than
/// `remind_every` ago. Its identifier.
pub async fn open_alert(
    connection: &Connection,
    alert: &NewAlert,
    sinks: &[String],
    remind_every: Duration,
) -> Result<Option<String>, SqlError> {
    put(connection, include_str!("sql/open_alert.sql"), alert, sinks, Some(remind_every)).await
}

/// Puts an alert down that ends what stands, for all who heard of it and for `sinks`; nothing, when that is nobody.
/// Its identifier.
pub async fn resolve_alert(
    connection: &Connection,
    alert: &NewAlert,
    sinks: &[String],
) -> Result<Option<String>, SqlError> {
    put(connection, include_str!("sql/resolve_alert.sql"), alert, sinks, None).await
}

async fn put(
    connection: &Connection,
    sql: &str,
    alert: &NewAlert,
    sinks: &[String],
    remind_every: Option<Duration>,
) -> Result<Option<String>, SqlError> {
    let (id, payload) = (random_id(), alert.payload.to_string());
    let (about, kind) = (alert.about.as_str(), alert.kind.as_str());
    let every_s = remind_every.map(|every| every.as_secs_f64());
    let mut params: Vec<Param<'_>> = vec![
        (&id, Type::TEXT),
        (&about, Type::TEXT),
        (&kind, Type::TEXT),
        (&payload, Type::TEXT),
        (&sinks, Type::TEXT_ARRAY),
    ];
    if every_s.is_some() {
        params.push((&every_s, Type::FLOAT8));
    }
    let rows = query(connection, sql, &params).await?;
    Ok(rows.first().map(|row| row.get(0)))
}

/// What stands and is about what begins so.
///
/// # Errors
/// When the ledger cannot be read.
pub async fn open_abouts(connection: &Connection, below: &str) -> Result<Vec<About>, SqlError> {
    let sql = "SELECT a.about FROM lockkeeper.open_alerts a \
               WHERE pg_catalog.starts_with(a.about, $1) ORDER BY a.opened_at";
    let rows = query(connection, sql, &[(&below, Type::TEXT)]).await?;
    Ok(rows.iter().map(|row| About::from_ledger(row.get(0))).collect())
}

/// Puts reminders down of everything that stands and was last told of long enough ago, unless it has stood longer than
/// `at_most`. How many.
///
/// # Errors
/// When the ledger cannot be written.
pub async fn remind_alerts(
    connection: &Connection,
    remind: impl Into<Reminders>,
    at_most: Duration,
) -> Result<i64, SqlError> {
    let remind = remind.into();
    let (every_s, at_most_s) = (remind.every.as_secs_f64(), at_most.as_secs_f64());
    let (approval, approval_s) = (AlertKind::ApprovalWaiting.as_str(), remind.approval_every.as_secs_f64());
    let params: [Param<'_>; 4] =
        [(&every_s, Type::FLOAT8), (&at_most_s, Type::FLOAT8), (&approval, Type::TEXT), (&approval_s, Type::FLOAT8)];
    let rows = write_alone(connection, include_str!("sql/remind_alerts.sql"), &params).await?;
    Ok(rows.first().map_or(0, |row| row.get(0)))
}

/// Takes at most so many that are due for these receivers. Who does not come back within `held_for` leaves them to
/// others.
///
/// # Errors
/// When the ledger cannot be read.
pub async fn claim_deliveries(
    connection: &Connection,
    limit: i64,
    held_for: Duration,
    sinks: &[String],
) -> Answer<Vec<Delivery>> {
    let rows = write_alone(
        connection,
        include_str!("sql/claim_deliveries.sql"),
        &[(&limit, Type::INT8), (&held_for.as_secs_f64(), Type::FLOAT8), (&sinks, Type::TEXT_ARRAY)],
    )
    .await
    .map_err(|error| read_problem(&error, connection))?;
    rows.iter().map(delivery).collect()
}

/// What stands and was delivered to this receiver, each as it was last told.
///
/// # Errors
/// When the ledger cannot be read.
pub async fn read_open_alerts(connection: &Connection, sink: &str) -> Answer<Vec<Delivery>> {
    let rows = query_alone(connection, include_str!("sql/read_open_alerts.sql"), &[(&sink, Type::TEXT)])
        .await
        .map_err(|error| read_problem(&error, connection))?;
    rows.iter().map(delivery).collect()
}

fn delivery(row: &Row) -> Answer<Delivery> {
    let count = |column: &str| u32::try_from(row.get::<_, i32>(column)).unwrap_or(u32::MAX);
    Ok(Delivery {
        id: row.get("id"),
        sink: row.get("sink"),
        attempts: count("attempts"),
        about: About::from_ledger(row.get("about")),
        kind: AlertKind::from_name(row.get("kind")).ok_or_else(|| broken("outbox.kind"))?,
        payload: serde_json::from_str(row.get("payload")).unwrap_or(Value::Null),
        told: count("told"),
        created_at: timestamp(row, "created_at")?,
        age: Duration::try_from_secs_f64(row.get("age_s")).unwrap_or_default(),
    })
}

/// Gives up what has been waiting for longer than this and is in nobody's hands, such as what is for a receiver that
/// is in no settings any more.
///
/// # Errors
/// When the ledger cannot be written.
pub async fn give_up_old_deliveries(connection: &Connection, after: Duration, why: &str) -> Result<(), SqlError> {
    let sql = "UPDATE lockkeeper.deliveries d \
               SET gave_up_at = pg_catalog.clock_timestamp(), last_error = coalesce(d.last_error, $2) \
               FROM lockkeeper.outbox o \
               WHERE o.id = d.alert_id AND d.delivered_at IS NULL AND d.gave_up_at IS NULL \
                   AND d.due_at <= pg_catalog.clock_timestamp() \
                   AND o.created_at + pg_catalog.make_interval(secs => $1) < pg_catalog.clock_timestamp()";
    let params: [Param<'_>; 2] = [(&after.as_secs_f64(), Type::FLOAT8), (&why, Type::TEXT)];
    write_alone(connection, sql, &params).await.map(|_| ())
}

/// An alert that a receiver does not have.
#[derive(Debug, Clone, PartialEq)]
pub struct Undelivered {
    pub id: String,
    pub sink: String,
    pub kind: String,
    pub about: String,
    /// The stored message.
    pub subject: Value,
    pub attempts: i32,
    pub created_at: Timestamp,
    /// When it is tried again; not, when it was given up.
    pub due_at: Option<Timestamp>,
    pub gave_up_at: Option<Timestamp>,
    /// The stored message of why not, or plain text.
    pub last_error: Option<Value>,
}

/// What is not delivered, the oldest first, and what was given up within `since`. Only reads.
///
/// # Errors
/// When the ledger cannot be read. A ledger that has no outbox holds nothing.
pub async fn read_undelivered(connection: &Connection, since: Duration) -> Answer<Vec<Undelivered>> {
    if !is_current(connection).await? {
        return Ok(Vec::new());
    }
    let sql = include_str!("sql/read_undelivered.sql");
    let rows = query_alone(connection, sql, &[(&since.as_secs_f64(), Type::FLOAT8)])
        .await
        .map_err(|error| read_problem(&error, connection))?;
    rows.iter()
        .map(|row| {
            let payload: Value = serde_json::from_str(row.get("payload")).unwrap_or(Value::Null);
            let text: Option<String> = row.get("last_error");
            let gave_up_at = optional_timestamp(row, "gave_up_at")?;
            Ok(Undelivered {
                id: row.get("id"),
                sink: row.get("sink"),
                kind: row.get("kind"),
                about: row.get("about"),
                subject: payload["subject"].clone(),
                attempts: row.get("attempts"),
                created_at: timestamp(row, "created_at")?,
                due_at: if gave_up_at.is_some() { None } else { Some(timestamp(row, "due_at")?) },
                gave_up_at,
                last_error: text.map(|text| serde_json::from_str(&text).unwrap_or(Value::String(text))),
            })
        })
        .collect()
}

/// The receiver has it.
pub async fn mark_delivered(connection: &Connection, delivery: &Delivery) -> Result<(), SqlError> {
    let sql = "UPDATE lockkeeper.deliveries SET delivered_at = pg_catalog.clock_timestamp(), last_error = NULL \
               WHERE alert_id = $1::text::uuid AND sink = $2 AND gave_up_at IS NULL";
    write_alone(connection, sql, &[(&delivery.id, Type::TEXT), (&delivery.sink, Type::TEXT)]).await.map(|_| ())
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
    write_alone(
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

/// A message by its identifier and arguments, so that whoever reads it later says it in their language.
pub fn message_to_json(message: &Message) -> Value {
    let args: serde_json::Map<String, Value> =
        message.args.iter().map(|(name, value)| ((*name).to_owned(), arg_to_json(value))).collect();
    json!({ "id": message.id, "args": args })
}

/// A text, a number, a message, or several of them.
pub fn arg_to_json(arg: &Arg) -> Value {
    match arg {
        Arg::Text(text) => json!(text),
        Arg::Number(number) => json!(number),
        Arg::Message(message) => message_to_json(message),
        Arg::List(messages) => messages.iter().map(message_to_json).collect(),
    }
}
