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
    /// Those that are over.
    pub rollbacks: Vec<RollbackVitals>,
    /// By stage.
    pub migrations: Vec<MigrationVitals>,
}

/// Releases that went back, of one kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RollbackVitals {
    /// Why: the cause of a release that drives itself, or `hand`.
    pub trigger: String,
    /// How far: `app`, `app_schema`, `schema` or `freeze`.
    pub scope: String,
    /// `rolled_back` or `frozen`.
    pub outcome: ReleaseState,
    pub count: u64,
}

/// How long the migrations of a stage took.
#[derive(Debug, Clone, PartialEq)]
pub struct MigrationVitals {
    pub stage: i16,
    /// How many took at most so many seconds.
    pub within: Vec<(f64, u64)>,
    pub count: u64,
    pub seconds: f64,
}

/// Where the buckets of migrations end, in seconds: from one that nobody notices to one that takes the night.
const ENDS: [f64; 10] = [0.01, 0.1, 0.5, 1.0, 5.0, 30.0, 60.0, 600.0, 3_600.0, 14_400.0];

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
    let rollbacks = query(connection, include_str!("sql/read_rollback_vitals.sql"), none).await?;
    let ends: &[f64] = &ENDS;
    let migrations =
        query(connection, include_str!("sql/read_migration_vitals.sql"), &[(&ends, Type::FLOAT8_ARRAY)]).await?;
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
        rollbacks: rollbacks
            .iter()
            .filter_map(|row| {
                Some(RollbackVitals {
                    trigger: row.get("trigger"),
                    scope: row.get("scope"),
                    outcome: ReleaseState::from_ledger(row.get("outcome"))?,
                    count: count(row.get("count")),
                })
            })
            .collect(),
        migrations: migrations
            .iter()
            .map(|row| MigrationVitals {
                stage: row.get("stage"),
                within: ENDS.into_iter().zip(row.get::<_, Vec<i64>>("within").into_iter().map(count)).collect(),
                count: count(row.get("count")),
                seconds: row.get("seconds"),
            })
            .collect(),
    })
}
