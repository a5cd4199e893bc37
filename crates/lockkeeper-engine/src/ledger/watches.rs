//! Rows of watches: who watches, for how long yet, and what each check remembers.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use lockkeeper_core::health::{Baseline, CheckName, Matter, Memory};
use lockkeeper_core::message;
use lockkeeper_core::model::{Answer, ExitClass, Problem, WatchVerdict};
use lockkeeper_core::release::WatchStanding;
use serde_json::Value;
use tokio_postgres::Row;
use tokio_postgres::types::Type;

use super::install::{read_problem, version};
use super::lease::Holder;
use super::memory::{baseline_from_json, baseline_to_json, memory_from_json, memory_to_json};
use super::sql::{broken, optional_timestamp, problem, query, query_alone, timestamp};
use crate::postgres::{Connection, SqlError};

/// A watcher that has not been heard of for this long has lost its watch.
pub const WATCH_TTL: Duration = Duration::from_secs(20);

/// The right to watch, for a term.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WatchTerm {
    pub id: i64,
    term: i64,
}

/// A watch that was begun, or taken over from a process that is gone.
#[derive(Debug)]
pub struct TakenWatch {
    pub term: WatchTerm,
    pub began_at: Timestamp,
    /// Whether another process began it.
    pub is_resumed: bool,
    pub memories: BTreeMap<CheckName, Memory>,
    pub baselines: BTreeMap<CheckName, Baseline>,
    /// The breach that binds, if there was one: it stays.
    pub breach: Option<Value>,
    /// What people were told of and is not over yet.
    pub incidents: Vec<Matter>,
}

/// A check as it is stored.
#[derive(Debug, Clone)]
pub struct StoredCheck {
    pub name: CheckName,
    pub memory: Memory,
    pub baseline: Option<Baseline>,
    /// What each rule last said.
    pub judgements: Value,
}

/// A watch, as `status` reads it.
#[derive(Debug, Clone)]
pub struct WatchRecord {
    pub id: i64,
    pub release_id: Option<i64>,
    pub rules: Value,
    pub holder: String,
    pub host: String,
    pub pid: i32,
    pub began_at: Timestamp,
    /// When the code of its release went out.
    pub deployed_at: Option<Timestamp>,
    /// When its watcher last wrote.
    pub seen_at: Timestamp,
    pub next_due_at: Option<Timestamp>,
    pub breach: Option<Value>,
    pub incidents: Vec<Matter>,
    pub ended: Option<(Timestamp, WatchVerdict)>,
    /// Whether somebody is watching.
    pub is_held: bool,
    pub now: Timestamp,
    pub checks: Vec<StoredCheck>,
}

/// Begins a watch of this release, or goes on with the one that nobody holds any more. In the transaction that is
/// open.
///
/// # Errors
/// Exit class 4 when another process is watching.
pub async fn take_watch(
    connection: &Connection,
    release_id: Option<i64>,
    rules: &Value,
    holder: &Holder,
) -> Answer<TakenWatch> {
    let failed = |error: SqlError| problem(&error, message!("watch-not-taken"));
    let pid = i32::try_from(holder.pid).unwrap_or(0);
    let rows = query(
        connection,
        include_str!("sql/take_watch.sql"),
        &[
            (&release_id, Type::INT8),
            (&rules.to_string(), Type::TEXT),
            (&holder.actor, Type::TEXT),
            (&holder.host, Type::TEXT),
            (&pid, Type::INT4),
            (&WATCH_TTL.as_secs_f64(), Type::FLOAT8),
        ],
    )
    .await
    .map_err(failed)?;
    let Some(row) = rows.first() else { return Err(busy(connection).await) };
    let term = WatchTerm { id: row.get("id"), term: row.get("term") };
    let checks = read_checks(connection, term.id).await.map_err(failed)?;
    Ok(TakenWatch {
        term,
        began_at: timestamp(row, "began_at")?,
        is_resumed: term.term > 1,
        memories: checks.iter().map(|check| (check.name.clone(), check.memory.clone())).collect(),
        baselines: checks
            .into_iter()
            .filter_map(|check| check.baseline.map(|baseline| (check.name, baseline)))
            .collect(),
        breach: json_or_none(row, "breach"),
        incidents: matters(row),
    })
}

fn matters(row: &Row) -> Vec<Matter> {
    let stored = json_or_none(row, "incidents");
    let keys = stored.as_ref().and_then(Value::as_array).into_iter().flatten();
    keys.filter_map(Value::as_str).filter_map(Matter::from_key).collect()
}

async fn busy(connection: &Connection) -> Box<Problem> {
    let refusal = match read_newest(connection).await {
        Ok(Some(record)) => Problem::new(
            ExitClass::Busy,
            message!(
                "watch-busy",
                holder = record.holder,
                host = record.host,
                pid = record.pid,
                since = record.began_at.to_string()
            ),
        ),
        Ok(None) | Err(_) => Problem::new(ExitClass::Busy, message!("watch-busy-unknown")),
    };
    refusal.hint(message!("watch-busy-hint", seconds = WATCH_TTL.as_secs()))
}

/// Renews the term, and stores what the watch stands at. `false` when the term was lost: another process watches.
pub async fn save_watch(
    connection: &Connection,
    term: WatchTerm,
    next_due_at: Option<Timestamp>,
    breach: Option<&Value>,
    incidents: &[String],
    checks: &[StoredCheck],
) -> Result<bool, SqlError> {
    let due = next_due_at.map(Timestamp::as_microsecond);
    let incidents = Value::from(incidents).to_string();
    let breach = breach.map(ToString::to_string);
    let rows = query(
        connection,
        include_str!("sql/save_watch.sql"),
        &[
            (&term.id, Type::INT8),
            (&term.term, Type::INT8),
            (&WATCH_TTL.as_secs_f64(), Type::FLOAT8),
            (&due, Type::INT8),
            (&breach, Type::TEXT),
            (&incidents, Type::TEXT),
        ],
    )
    .await?;
    if rows.is_empty() {
        return Ok(false);
    }
    let names: Vec<&str> = checks.iter().map(|check| check.name.as_str()).collect();
    let memories: Vec<String> = checks.iter().map(|check| memory_to_json(&check.memory).to_string()).collect();
    let baselines: Vec<Option<String>> =
        checks.iter().map(|check| check.baseline.as_ref().map(|it| baseline_to_json(it).to_string())).collect();
    let judgements: Vec<String> = checks.iter().map(|check| check.judgements.to_string()).collect();
    query(
        connection,
        include_str!("sql/save_watch_checks.sql"),
        &[
            (&term.id, Type::INT8),
            (&names, Type::TEXT_ARRAY),
            (&memories, Type::TEXT_ARRAY),
            (&baselines, Type::TEXT_ARRAY),
            (&judgements, Type::TEXT_ARRAY),
        ],
    )
    .await?;
    Ok(true)
}

/// Goes by other terms from now on, and forgets the checks that are none any more. In the transaction that is open.
pub async fn change_terms(
    connection: &Connection,
    term: WatchTerm,
    rules: &Value,
    checks: &[&str],
) -> Result<(), SqlError> {
    let sql = "UPDATE lockkeeper.watches SET rules = $3 WHERE id = $1 AND term = $2";
    let rules = rules.to_string();
    query(connection, sql, &[(&term.id, Type::INT8), (&term.term, Type::INT8), (&rules, Type::TEXT)]).await?;
    let sql = "DELETE FROM lockkeeper.watch_checks WHERE watch_id = $1 AND check_name <> ALL ($2)";
    query(connection, sql, &[(&term.id, Type::INT8), (&checks, Type::TEXT_ARRAY)]).await.map(|_| ())
}

/// Ends the watch with its verdict. `false` when the term was lost.
pub async fn end_watch(connection: &Connection, term: WatchTerm, verdict: WatchVerdict) -> Result<bool, SqlError> {
    let rows = query(
        connection,
        include_str!("sql/end_watch.sql"),
        &[(&term.id, Type::INT8), (&term.term, Type::INT8), (&verdict.as_str(), Type::TEXT)],
    )
    .await?;
    Ok(!rows.is_empty())
}

/// Gives the term back without ending the watch, so that the next process need not wait for it to expire.
pub async fn release_watch(connection: &Connection, term: WatchTerm) -> Result<(), SqlError> {
    let sql = "UPDATE lockkeeper.watches SET expires_at = pg_catalog.clock_timestamp() WHERE id = $1 AND term = $2";
    query(connection, sql, &[(&term.id, Type::INT8), (&term.term, Type::INT8)]).await.map(|_| ())
}

/// The watch that is open, or the last one. `None` when there has been none, or there is no ledger.
///
/// # Errors
/// When the ledger cannot be read.
pub async fn read_watch(connection: &Connection) -> Answer<Option<WatchRecord>> {
    if version(connection).await?.is_none_or(|version| version < 2) {
        return Ok(None);
    }
    let Some(mut record) = read_newest(connection).await? else { return Ok(None) };
    record.checks = read_checks(connection, record.id).await.map_err(|error| read_problem(&error, connection))?;
    Ok(Some(record))
}

async fn read_newest(connection: &Connection) -> Answer<Option<WatchRecord>> {
    let rows = query_alone(connection, include_str!("sql/read_watch.sql"), &[])
        .await
        .map_err(|error| read_problem(&error, connection))?;
    rows.first().map(record).transpose()
}

fn record(row: &Row) -> Answer<WatchRecord> {
    let verdict: Option<&str> = row.get("verdict");
    let verdict = verdict.map(|text| WatchVerdict::from_ledger(text).ok_or_else(|| broken("watches.verdict")));
    Ok(WatchRecord {
        id: row.get("id"),
        release_id: row.get("release_id"),
        rules: json_or_none(row, "rules").unwrap_or(Value::Null),
        holder: row.get("holder"),
        host: row.get("host"),
        pid: row.get("pid"),
        began_at: timestamp(row, "began_at")?,
        deployed_at: optional_timestamp(row, "deployed_at")?,
        seen_at: timestamp(row, "seen_at")?,
        next_due_at: optional_timestamp(row, "next_due_at")?,
        breach: json_or_none(row, "breach"),
        incidents: matters(row),
        ended: optional_timestamp(row, "ended_at")?.zip(verdict.transpose()?),
        is_held: row.get("is_held"),
        now: timestamp(row, "now")?,
        checks: Vec::new(),
    })
}

/// The watch that the health gate goes by.
pub(super) fn standing(row: &Row) -> Answer<WatchStanding> {
    let verdict: Option<&str> = row.get("verdict");
    let verdict = verdict.map(|text| WatchVerdict::from_ledger(text).ok_or_else(|| broken("watches.verdict")));
    let seconds = |column: &str| Duration::from_secs(u64::try_from(row.get::<_, i64>(column)).unwrap_or_default());
    Ok(WatchStanding {
        verdict: verdict.transpose()?,
        has_breached: row.get("has_breached"),
        is_running: row.get("is_running"),
        began_before_deploy: row.get("began_before_deploy"),
        seen: seconds("seen_s"),
        age: seconds("age_s"),
        by: row.get("holder"),
        host: row.get("host"),
    })
}

async fn read_checks(connection: &Connection, watch: i64) -> Result<Vec<StoredCheck>, SqlError> {
    let sql = "SELECT c.check_name, c.memory, c.baseline, c.judgements FROM lockkeeper.watch_checks c \
               WHERE c.watch_id = $1 ORDER BY c.check_name";
    let rows = query(connection, sql, &[(&watch, Type::INT8)]).await?;
    // What an earlier version wrote and this one cannot read begins anew.
    let check = |row: &Row| {
        Some(StoredCheck {
            name: CheckName::new(row.get("check_name"))?,
            memory: json_or_none(row, "memory").as_ref().and_then(memory_from_json).unwrap_or_default(),
            baseline: json_or_none(row, "baseline").as_ref().and_then(baseline_from_json),
            judgements: json_or_none(row, "judgements").unwrap_or(Value::Null),
        })
    };
    Ok(rows.iter().filter_map(check).collect())
}

fn json_or_none(row: &Row, column: &str) -> Option<Value> {
    row.get::<_, Option<&str>>(column).and_then(|text| serde_json::from_str(text).ok())
}
