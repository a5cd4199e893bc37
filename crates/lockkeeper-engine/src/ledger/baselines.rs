//! Rows of baselines: what was normal before a deploy, measured on purpose.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use lockkeeper_core::health::{Baseline, CheckName};
use lockkeeper_core::model::{Answer, Verdict};
use serde_json::Value;
use tokio_postgres::types::Type;

use super::install::{read_problem, version};
use super::memory::{baseline_from_json, baseline_to_json};
use super::sql::{broken, query, query_alone, timestamp};
use crate::postgres::{Connection, SqlError};

/// The version of the ledger from which on it keeps baselines.
const SINCE_VERSION: i32 = 7;

/// A baseline as it is put down.
#[derive(Debug, Clone, PartialEq)]
pub struct NewBaseline {
    pub took: Duration,
    /// Whether the system was well: `probe_error` is none that a system has.
    pub verdict: Verdict,
    pub checks: BTreeMap<CheckName, Baseline>,
}

/// A baseline as the ledger has it.
#[derive(Debug, Clone, PartialEq)]
pub struct BaselineRecord {
    pub id: i64,
    pub taken_at: Timestamp,
    pub taken_by: String,
    /// By the database's clock.
    pub age: Duration,
    pub verdict: Verdict,
    pub checks: BTreeMap<CheckName, Baseline>,
}

/// Puts a baseline down, in the transaction that is open. Its number.
pub async fn insert_baseline(connection: &Connection, baseline: &NewBaseline, actor: &str) -> Result<i64, SqlError> {
    let checks: serde_json::Map<String, Value> =
        baseline.checks.iter().map(|(name, of)| (name.as_str().to_owned(), baseline_to_json(of))).collect();
    let verdict = match baseline.verdict {
        Verdict::Pass => Verdict::Pass,
        Verdict::Fail => Verdict::Fail,
        Verdict::NoData | Verdict::ProbeError => Verdict::NoData,
    };
    let rows = query(
        connection,
        "INSERT INTO lockkeeper.baselines (taken_by, took_s, verdict, checks) VALUES ($1, $2, $3, $4) RETURNING id",
        &[
            (&actor, Type::TEXT),
            (&baseline.took.as_secs_f64(), Type::FLOAT8),
            (&verdict.as_str(), Type::TEXT),
            (&Value::Object(checks).to_string(), Type::TEXT),
        ],
    )
    .await?;
    Ok(rows.first().map_or(0, |row| row.get(0)))
}

/// The newest baseline. `None` when none was taken, or there is no ledger.
///
/// # Errors
/// When the ledger cannot be read.
pub async fn read_baseline(connection: &Connection) -> Answer<Option<BaselineRecord>> {
    if version(connection).await?.is_none_or(|version| version < SINCE_VERSION) {
        return Ok(None);
    }
    let rows = query_alone(connection, include_str!("sql/read_baseline.sql"), &[])
        .await
        .map_err(|error| read_problem(&error, connection))?;
    let Some(row) = rows.first() else { return Ok(None) };
    let checks: Value = serde_json::from_str(row.get("checks")).map_err(|_| broken("baselines.checks"))?;
    let checks = checks.as_object().ok_or_else(|| broken("baselines.checks"))?;
    Ok(Some(BaselineRecord {
        id: row.get("id"),
        taken_at: timestamp(row, "taken_at")?,
        taken_by: row.get("taken_by"),
        age: Duration::try_from_secs_f64(row.get("age_s")).unwrap_or_default(),
        verdict: Verdict::from_ledger(row.get("verdict")).ok_or_else(|| broken("baselines.verdict"))?,
        checks: checks.iter().filter_map(|(name, of)| CheckName::new(name).zip(baseline_from_json(of))).collect(),
    }))
}
