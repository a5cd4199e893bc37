//! A few numbers of the ledger for whoever watches from outside: the newest release, the schema, alerts.

use jiff::Timestamp;
use lockkeeper_core::release::ReleaseState;
use tokio_postgres::types::Type;

use super::sql::query;
use crate::postgres::{Connection, SqlError};

/// What metrics tell of the ledger.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Vitals {
    pub release: Option<ReleaseVitals>,
    /// The highest number that is applied.
    pub schema: Option<i64>,
    pub last_success_at: Option<Timestamp>,
    /// By receiver.
    pub deliveries: Vec<DeliveryVitals>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReleaseVitals {
    /// Of the code that was deployed with it.
    pub version: Option<String>,
    pub state: ReleaseState,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryVitals {
    pub sink: String,
    pub delivered: u64,
    pub gave_up: u64,
}

/// Reads them in the transaction that is open.
pub async fn read_vitals(connection: &Connection) -> Result<Vitals, SqlError> {
    let none: &[(&(dyn tokio_postgres::types::ToSql + Sync), Type)] = &[];
    let release = query(
        connection,
        "SELECT r.deployed_version, r.state FROM lockkeeper.releases r ORDER BY r.id DESC LIMIT 1",
        none,
    )
    .await?;
    let schema = query(
        connection,
        "SELECT pg_catalog.max(m.number) AS schema, \
                (extract(epoch FROM pg_catalog.max(m.applied_at)) * 1000000)::bigint AS applied_at \
         FROM lockkeeper.migrations m WHERE m.state = 'applied'",
        none,
    )
    .await?;
    let deliveries = query(
        connection,
        "SELECT d.sink, pg_catalog.count(d.delivered_at) AS delivered, pg_catalog.count(d.gave_up_at) AS gave_up \
         FROM lockkeeper.deliveries d GROUP BY d.sink ORDER BY d.sink",
        none,
    )
    .await?;
    let release = release.first().and_then(|row| {
        let state = ReleaseState::from_ledger(row.get("state"))?;
        Some(ReleaseVitals { version: row.get("deployed_version"), state })
    });
    let count = |number: i64| u64::try_from(number).unwrap_or(0);
    Ok(Vitals {
        release,
        schema: schema.first().and_then(|row| row.get("schema")),
        last_success_at: schema
            .first()
            .and_then(|row| row.get::<_, Option<i64>>("applied_at"))
            .and_then(|micros| Timestamp::from_microsecond(micros).ok()),
        deliveries: deliveries
            .iter()
            .map(|row| DeliveryVitals {
                sink: row.get("sink"),
                delivered: count(row.get("delivered")),
                gave_up: count(row.get("gave_up")),
            })
            .collect(),
    })
}
