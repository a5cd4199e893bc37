//! Rows of journeys: who drives a release, by which terms, what is done, and the way back that was decided.

use std::time::Duration;

use jiff::Timestamp;
use lockkeeper_core::message;
use lockkeeper_core::model::{Answer, ExitClass, Problem};
use lockkeeper_core::plan::RollbackClass;
use lockkeeper_core::release::{Cause, Outcome, Task, WayBack};
use serde_json::Value;
use tokio::sync::watch;
use tokio_postgres::Row;
use tokio_postgres::types::Type;

use super::install::read_problem;
use super::lease::Holder;
use super::sql::{batch, batch_alone, broken, optional_timestamp, query, query_alone, timestamp};
use crate::postgres::{Access, Connection, SqlError, Target, connect};
use crate::seams::{Beside, beside, random_id, sleep};

/// A driver that has not been heard of for this long has lost its release.
pub const JOURNEY_TTL: Duration = Duration::from_secs(15);

/// How often it renews, and so hears that the release is given up.
const RENEW_EVERY: Duration = Duration::from_secs(2);

/// A release that drives itself, as it is begun.
#[derive(Debug, Clone)]
pub struct NewJourney<'a> {
    pub release_id: i64,
    pub version: &'a str,
    pub previous_version: Option<&'a str>,
    /// What it goes by, as JSON.
    pub terms: &'a Value,
}

/// A journey as it stands.
#[derive(Debug, Clone)]
pub struct JourneyRecord {
    pub release_id: i64,
    pub version: String,
    pub previous_version: Option<String>,
    pub terms: Value,
    pub holder: String,
    pub host: String,
    pub pid: i32,
    /// Whether somebody drives it.
    pub is_held: bool,
    /// When its driver was last heard of.
    pub seen_at: Timestamp,
    pub back: Option<Back>,
    /// Who gave it up and why, as JSON.
    pub abort: Option<Value>,
    /// In the order in which they were first begun.
    pub tasks: Vec<TaskRecord>,
}

/// The way back, as it was decided.
#[derive(Debug, Clone)]
pub struct Back {
    pub cause: Cause,
    pub class: RollbackClass,
    pub tasks: Vec<Task>,
    pub evidence: Value,
    pub since: Timestamp,
}

/// A task that was begun.
#[derive(Debug, Clone)]
pub struct TaskRecord {
    pub task: Task,
    /// The same however often it is begun.
    pub key: String,
    pub attempts: i32,
    pub first_at: Timestamp,
    pub started_at: Timestamp,
    pub started_by: String,
    /// When and how it ended; `None` while it runs, or when whoever ran it is gone.
    pub ended: Option<(Timestamp, Outcome)>,
    pub evidence: Value,
}

impl JourneyRecord {
    /// The tasks that are done.
    pub fn done(&self) -> Vec<Task> {
        let is_done = |it: &&TaskRecord| it.ended.is_some_and(|(_, outcome)| outcome == Outcome::Done);
        self.tasks.iter().filter(is_done).map(|it| it.task).collect()
    }

    /// The tasks by which it goes back. A frozen one has none: whatever takes it back from there is done by hand.
    pub fn way_back(&self) -> Option<Vec<Task>> {
        self.back.as_ref().filter(|back| back.class != RollbackClass::Freeze).map(|back| back.tasks.clone())
    }

    pub fn task(&self, task: Task) -> Option<&TaskRecord> {
        self.tasks.iter().find(|it| it.task == task)
    }
}

/// The right to drive a release, for a term. It is renewed in the background on a connection of its own until it is
/// left or dropped.
#[derive(Debug)]
pub struct JourneyTerm {
    pub release_id: i64,
    term: i64,
    aborted: watch::Receiver<bool>,
    renewal: Beside,
}

impl JourneyTerm {
    fn new(target: &Target, release_id: i64, term: i64) -> Self {
        let (tell, aborted) = watch::channel(false);
        Self { release_id, term, aborted, renewal: beside(renew(target.clone(), release_id, term, tell)) }
    }

    /// Resolves once somebody asks for the release to be given up.
    pub fn aborted(&self) -> impl Future<Output = ()> + use<> {
        let mut aborted = self.aborted.clone();
        async move {
            if aborted.wait_for(|it| *it).await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }

    /// Gives the release back, so that the next process need not wait for the term to expire.
    pub async fn leave(self, connection: &Connection) {
        let (release_id, term) = (self.release_id, self.term);
        drop(self.renewal);
        let sql = format!(
            "UPDATE lockkeeper.journeys SET expires_at = pg_catalog.clock_timestamp() \
             WHERE release_id = {release_id} AND term = {term}"
        );
        // A failure is no harm: it expires by itself.
        let _ = batch_alone(connection, &sql).await;
    }

    /// What a driver is told whose term is over.
    pub fn lost() -> Box<Problem> {
        Problem::new(ExitClass::Busy, message!("journey-lost")).hint(message!("journey-lost-hint"))
    }
}

async fn renew(target: Target, release_id: i64, term: i64, aborted: watch::Sender<bool>) {
    let sql = format!(
        "UPDATE lockkeeper.journeys SET seen_at = pg_catalog.clock_timestamp(), \
         expires_at = pg_catalog.clock_timestamp() + '{} seconds' \
         WHERE release_id = {release_id} AND term = {term} AND expires_at > pg_catalog.clock_timestamp() \
         RETURNING abort_asked_at IS NOT NULL",
        JOURNEY_TTL.as_secs()
    );
    let mut connection = None;
    loop {
        sleep(RENEW_EVERY).await;
        if connection.is_none() {
            connection = connect(&target).await.ok();
        }
        let Some(open) = &connection else { continue };
        match written_alone(open, &sql).await {
            Ok(rows) if rows.first().is_some_and(|row| row.get(0)) => {
                let _ = aborted.send(true);
            }
            Ok(_) => {}
            Err(_) => connection = None,
        }
    }
}

/// A write in a transaction of its own, and what it returns.
async fn written_alone(connection: &Connection, sql: &str) -> Result<Vec<Row>, SqlError> {
    batch(connection, &connection.begin(Access::Write)).await?;
    let rows = query(connection, sql, &[]).await;
    batch(connection, if rows.is_ok() { "COMMIT" } else { "ROLLBACK" }).await?;
    rows
}

/// Begins a journey, with its driver. In the transaction that is open; the term counts once it is committed.
pub async fn open_journey(
    connection: &Connection,
    journey: &NewJourney<'_>,
    holder: &Holder,
) -> Result<JourneyTerm, SqlError> {
    let pid = i32::try_from(holder.pid).unwrap_or(0);
    query(
        connection,
        "INSERT INTO lockkeeper.journeys \
             (release_id, version, previous_version, terms, holder, host, pid, seen_at, expires_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, pg_catalog.clock_timestamp(), \
                 pg_catalog.clock_timestamp() + pg_catalog.make_interval(secs => $8))",
        &[
            (&journey.release_id, Type::INT8),
            (&journey.version, Type::TEXT),
            (&journey.previous_version, Type::TEXT),
            (&journey.terms.to_string(), Type::TEXT),
            (&holder.actor, Type::TEXT),
            (&holder.host, Type::TEXT),
            (&pid, Type::INT4),
            (&JOURNEY_TTL.as_secs_f64(), Type::FLOAT8),
        ],
    )
    .await?;
    Ok(JourneyTerm::new(connection.target(), journey.release_id, 1))
}

/// Takes the right to drive a release that nobody drives any more, in the transaction that is open. `None` when
/// somebody does.
pub async fn take_journey(
    connection: &Connection,
    release_id: i64,
    holder: &Holder,
) -> Result<Option<JourneyTerm>, SqlError> {
    let pid = i32::try_from(holder.pid).unwrap_or(0);
    let rows = query(
        connection,
        include_str!("sql/take_journey.sql"),
        &[
            (&release_id, Type::INT8),
            (&holder.actor, Type::TEXT),
            (&holder.host, Type::TEXT),
            (&pid, Type::INT4),
            (&JOURNEY_TTL.as_secs_f64(), Type::FLOAT8),
        ],
    )
    .await?;
    Ok(rows.first().map(|row| JourneyTerm::new(connection.target(), release_id, row.get(0))))
}

/// Proves that the term is still ours, in the transaction that is open and until it ends. `false` when it is lost.
pub async fn hold_journey(connection: &Connection, term: &JourneyTerm) -> Result<bool, SqlError> {
    let rows = query(
        connection,
        include_str!("sql/hold_journey.sql"),
        &[(&term.release_id, Type::INT8), (&term.term, Type::INT8), (&JOURNEY_TTL.as_secs_f64(), Type::FLOAT8)],
    )
    .await?;
    Ok(!rows.is_empty())
}

/// Writes down that a task begins, and answers its key and how often it has been begun.
pub async fn begin_task(
    connection: &Connection,
    release_id: i64,
    task: Task,
    actor: &str,
) -> Result<(String, i32), SqlError> {
    let rows = query(
        connection,
        include_str!("sql/begin_task.sql"),
        &[(&release_id, Type::INT8), (&task.as_str(), Type::TEXT), (&random_id(), Type::TEXT), (&actor, Type::TEXT)],
    )
    .await?;
    Ok(rows.first().map(|row| (row.get("key"), row.get("attempts"))).unwrap_or_default())
}

/// Writes down how a task ended.
pub async fn end_task(
    connection: &Connection,
    release_id: i64,
    task: Task,
    outcome: Outcome,
    evidence: &Value,
) -> Result<(), SqlError> {
    query(
        connection,
        "UPDATE lockkeeper.release_tasks SET finished_at = pg_catalog.clock_timestamp(), outcome = $3, evidence = $4 \
         WHERE release_id = $1 AND task = $2",
        &[
            (&release_id, Type::INT8),
            (&task.as_str(), Type::TEXT),
            (&outcome.as_str(), Type::TEXT),
            (&evidence.to_string(), Type::TEXT),
        ],
    )
    .await
    .map(|_| ())
}

/// Writes down why a release goes back, and how. What was decided first stands.
pub async fn set_way_back(
    connection: &Connection,
    release_id: i64,
    cause: Cause,
    way: &WayBack,
    evidence: &Value,
) -> Result<(), SqlError> {
    let tasks: Vec<&str> = way.tasks.iter().map(|task| task.as_str()).collect();
    query(
        connection,
        "UPDATE lockkeeper.journeys SET cause = $2, rollback_class = $3, way_back = $4, evidence = $5, \
         back_since = pg_catalog.clock_timestamp() WHERE release_id = $1 AND cause IS NULL",
        &[
            (&release_id, Type::INT8),
            (&cause.as_str(), Type::TEXT),
            (&way.class.as_str(), Type::TEXT),
            (&tasks, Type::TEXT_ARRAY),
            (&evidence.to_string(), Type::TEXT),
        ],
    )
    .await
    .map(|_| ())
}

/// Writes down another way back than the one that was decided first: a person has taken over. Why it goes back stays.
pub async fn renew_way_back(
    connection: &Connection,
    release_id: i64,
    class: RollbackClass,
    tasks: &[Task],
) -> Result<(), SqlError> {
    let tasks: Vec<&str> = tasks.iter().map(|task| task.as_str()).collect();
    query(
        connection,
        "UPDATE lockkeeper.journeys SET rollback_class = $2, way_back = $3 \
         WHERE release_id = $1 AND cause IS NOT NULL",
        &[(&release_id, Type::INT8), (&class.as_str(), Type::TEXT), (&tasks, Type::TEXT_ARRAY)],
    )
    .await
    .map(|_| ())
}

/// The journey of a release. `None` when it is driven by hand.
///
/// # Errors
/// When the ledger cannot be read.
pub async fn read_journey(connection: &Connection, release_id: i64) -> Answer<Option<JourneyRecord>> {
    let failed = |error: SqlError| read_problem(&error, connection);
    let id = [(&release_id as &(dyn tokio_postgres::types::ToSql + Sync), Type::INT8)];
    let rows = query_alone(connection, include_str!("sql/read_journey.sql"), &id).await.map_err(failed)?;
    let Some(row) = rows.first() else { return Ok(None) };
    let tasks = query_alone(connection, include_str!("sql/read_release_tasks.sql"), &id).await.map_err(failed)?;
    Ok(Some(JourneyRecord {
        release_id: row.get("release_id"),
        version: row.get("version"),
        previous_version: row.get("previous_version"),
        terms: json(row, "terms"),
        holder: row.get("holder"),
        host: row.get("host"),
        pid: row.get("pid"),
        is_held: row.get("is_held"),
        seen_at: timestamp(row, "seen_at")?,
        back: back(row)?,
        abort: Some(json(row, "abort")).filter(|abort| !abort.is_null()),
        tasks: tasks.iter().map(task_record).collect::<Answer<_>>()?,
    }))
}

fn back(row: &Row) -> Answer<Option<Back>> {
    let Some(cause) = row.get::<_, Option<&str>>("cause") else { return Ok(None) };
    let tasks: Vec<&str> = row.get("way_back");
    Ok(Some(Back {
        cause: Cause::from_ledger(cause).ok_or_else(|| broken("journeys.cause"))?,
        class: RollbackClass::from_ledger(row.get("rollback_class"))
            .ok_or_else(|| broken("journeys.rollback_class"))?,
        tasks: tasks
            .into_iter()
            .map(|task| Task::from_ledger(task).ok_or_else(|| broken("journeys.way_back")))
            .collect::<Answer<_>>()?,
        evidence: json(row, "evidence"),
        since: timestamp(row, "back_since")?,
    }))
}

fn task_record(row: &Row) -> Answer<TaskRecord> {
    let outcome: Option<&str> = row.get("outcome");
    let outcome = outcome.map(|text| Outcome::from_ledger(text).ok_or_else(|| broken("release_tasks.outcome")));
    Ok(TaskRecord {
        task: Task::from_ledger(row.get("task")).ok_or_else(|| broken("release_tasks.task"))?,
        key: row.get("key"),
        attempts: row.get("attempts"),
        first_at: timestamp(row, "first_at")?,
        started_at: timestamp(row, "started_at")?,
        started_by: row.get("started_by"),
        ended: optional_timestamp(row, "finished_at")?.zip(outcome.transpose()?),
        evidence: json(row, "evidence"),
    })
}

fn json(row: &Row, column: &str) -> Value {
    let text: Option<&str> = row.get(column);
    text.and_then(|text| serde_json::from_str(text).ok()).unwrap_or(Value::Null)
}
