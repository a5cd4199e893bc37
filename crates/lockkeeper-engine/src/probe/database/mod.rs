//! The database as a source: whether it lets us in and answers, and its vital signs.
//!
//! One connection of its own, kept from take to take, in which nothing waits longer than its limit: the probe can
//! neither hang in the database nor fill it up.

mod refusal;
mod schema_head;

use std::time::Duration;

use lockkeeper_core::message;
use lockkeeper_core::model::{Message, Verdict};
use tokio_postgres::{SimpleQueryMessage, SimpleQueryRow};

use super::bound::Bound;
use super::reading::{Reading, Taken, milliseconds, shown};
use crate::postgres::{Access, Connection, SqlError, Target, connect};
use crate::seams;
pub use schema_head::{ExpectedSchema, KnownMigration, SchemaHead};

/// The bound of each value; one without a bound is told and not judged.
#[derive(Debug, Clone, Copy, Default)]
pub struct DatabaseBounds {
    /// Until a new connection can be used. Read only in a take that had to make one.
    pub connect_ms: Option<Bound>,
    /// `SELECT 1`, there and back.
    pub select_ms: Option<Bound>,
    /// 1 on a standby: `== 1` fails where writes are needed.
    pub in_recovery: Option<Bound>,
    pub connections_used: Option<Bound>,
    /// Of those that are used: nothing is asked of them.
    pub connections_idle: Option<Bound>,
    /// Of those that are not reserved for administrators, between 0 and 1.
    pub connections_share: Option<Bound>,
    pub longest_transaction_s: Option<Bound>,
    pub idle_in_transaction: Option<Bound>,
    /// How long the longest of them has been idle.
    pub idle_in_transaction_s: Option<Bound>,
    pub lock_waiters: Option<Bound>,
    /// Of the standby that is furthest behind; on a standby, its own.
    pub replication_lag_bytes: Option<Bound>,
    pub replication_lag_s: Option<Bound>,
    /// Since the take before.
    pub deadlocks: Option<Bound>,
}

/// A probe of one database.
#[derive(Debug)]
pub struct DatabaseProbe {
    target: Target,
    bounds: DatabaseBounds,
    schema: Option<ExpectedSchema>,
    limit: Duration,
    connection: Option<Connection>,
    deadlocks: Option<f64>,
}

const VITALS: &str = include_str!("sql/vitals.sql");

impl DatabaseProbe {
    /// `limit` is for the whole take.
    pub const fn new(target: Target, bounds: DatabaseBounds, schema: Option<ExpectedSchema>, limit: Duration) -> Self {
        Self { target, bounds, schema, limit, connection: None, deadlocks: None }
    }

    pub async fn take(&mut self) -> Taken {
        let outcome = tokio::time::timeout(self.limit, Box::pin(self.measure())).await;
        let at = seams::wall_clock();
        match outcome {
            Ok(Ok(seen)) => seen.taken(at),
            Ok(Err(refusal)) => {
                self.connection = None;
                Taken::bare(at, refusal.verdict, refusal.said)
            }
            Err(_) => {
                // Whatever is under way in it, the next take begins with a connection that is free.
                self.connection = None;
                let limit = shown(milliseconds(self.limit));
                Taken::bare(at, Verdict::Fail, message!("probe-database-timed-out", limit_ms = limit))
            }
        }
    }

    async fn measure(&mut self) -> Result<Seen, refusal::Refusal> {
        if let Some(connection) = self.connection.take_if(|connection| !connection.is_closed()) {
            match self.read(&connection).await {
                Ok(seen) => {
                    self.connection = Some(connection);
                    return Ok(seen);
                }
                // Somebody closed it, as a restart of the server does: whether one gets in again is what counts.
                Err(error) if refusal::ends_the_connection(&error) => {}
                Err(error) => return Err(refusal::of_statement(&error)),
            }
        }
        let began = seams::instant();
        let connection = connect(&self.target).await.map_err(|problem| refusal::of_connect(&problem))?;
        let took = began.elapsed();
        let mut seen = self.read(&connection).await.map_err(|error| refusal::of_statement(&error))?;
        seen.readings.insert(0, Reading::new("connect_ms", milliseconds(took), self.bounds.connect_ms));
        self.connection = Some(connection);
        Ok(seen)
    }

    /// Everything in one transaction that can only read, and whose settings end with it: behind a pooler the session
    /// is somebody else's afterwards.
    async fn read(&mut self, connection: &Connection) -> Result<Seen, SqlError> {
        let limit_ms = self.limit.as_millis();
        let begin = connection.begin(Access::Read);
        let limits = format!("{begin}; SET LOCAL statement_timeout = {limit_ms}; SET LOCAL lock_timeout = {limit_ms}");
        let seen = async {
            batch(connection, &limits).await?;
            let began = seams::instant();
            batch(connection, "SELECT 1").await?;
            let select = began.elapsed();
            let row = one_row(connection, VITALS).await?;
            let mut readings = vec![Reading::new("select_ms", milliseconds(select), self.bounds.select_ms)];
            readings.extend(row.iter().flat_map(|row| self.vitals(row)));
            self.deadlocks = row.as_ref().and_then(|row| number(row, "deadlocks")).or(self.deadlocks);
            let schema = match &self.schema {
                Some(expected) => Some(expected.judge(connection).await?),
                None => None,
            };
            Ok(Seen { readings, schema })
        };
        let seen = seen.await;
        let ended = batch(connection, "ROLLBACK").await;
        let seen = seen?;
        ended?;
        Ok(seen)
    }

    fn vitals(&self, row: &SimpleQueryRow) -> Vec<Reading> {
        let bounds = &self.bounds;
        let value = |name| number(row, name);
        let some = |name| value(name).unwrap_or(0.0);
        let reading = |name, bound| match value(name) {
            Some(value) => Reading::new(name, value, bound),
            None => Reading::missing(name, message!("probe-database-null"), bound),
        };
        let hidden = some("hidden");
        // What a role may not see looks like rest: such a value is none.
        let seen_by_all = |name, bound| {
            if hidden > 0.0 {
                Reading::missing(name, message!("probe-database-hidden", count = shown(hidden)), bound)
            } else {
                reading(name, bound)
            }
        };
        let replication = |name, bound| {
            if some("replicas_hidden") > 0.0 {
                Reading::missing(name, message!("probe-database-hidden", count = shown(some("replicas_hidden"))), bound)
            } else if some("replicas") > 0.0 {
                reading(name, bound)
            } else {
                Reading::missing(name, message!("probe-database-no-standby"), bound)
            }
        };
        let share = some("connections_used") / some("connections_usable");
        let mut readings = vec![
            reading("in_recovery", bounds.in_recovery),
            reading("connections_used", bounds.connections_used),
            seen_by_all("connections_idle", bounds.connections_idle),
            Reading::new("connections_share", share, bounds.connections_share),
            seen_by_all("longest_transaction_s", bounds.longest_transaction_s),
            seen_by_all("idle_in_transaction", bounds.idle_in_transaction),
            seen_by_all("idle_in_transaction_s", bounds.idle_in_transaction_s),
            seen_by_all("lock_waiters", bounds.lock_waiters),
            replication("replication_lag_bytes", bounds.replication_lag_bytes),
            replication("replication_lag_s", bounds.replication_lag_s),
        ];
        // The first take has nothing to compare with, and statistics that were reset begin anew.
        if let (Some(before), Some(now)) = (self.deadlocks, value("deadlocks")) {
            let rose = if now >= before { now - before } else { now };
            readings.push(Reading::new("deadlocks", rose, bounds.deadlocks));
        }
        readings
    }
}

/// What one take saw.
struct Seen {
    readings: Vec<Reading>,
    schema: Option<schema_head::Judged>,
}

impl Seen {
    fn taken(self, at: jiff::Timestamp) -> Taken {
        let mut taken = Taken::of(at, self.readings);
        let Some(judged) = self.schema else { return taken };
        taken.readings.extend(judged.reading);
        let verdicts = [taken.measurement.verdict, judged.verdict];
        let decides = [Verdict::Fail, Verdict::NoData].into_iter().find(|verdict| verdicts.contains(verdict));
        let verdict = decides.unwrap_or(Verdict::Pass);
        let said: Vec<Message> = [(verdicts[0], taken.measurement.said), (verdicts[1], judged.said)]
            .into_iter()
            .filter(|(of, _)| *of == verdict)
            .map(|(_, said)| said)
            .collect();
        taken.measurement.verdict = verdict;
        taken.measurement.said = message!("probe-values", values = said);
        taken
    }
}

async fn batch(connection: &Connection, sql: &str) -> Result<(), SqlError> {
    connection.client().batch_execute(sql).await.map_err(|error| SqlError::new(&error, connection))
}

async fn one_row(connection: &Connection, sql: &str) -> Result<Option<SimpleQueryRow>, SqlError> {
    Ok(rows(connection, sql).await?.into_iter().next())
}

/// Without parameters and without types, in one round trip.
async fn rows(connection: &Connection, sql: &str) -> Result<Vec<SimpleQueryRow>, SqlError> {
    let messages = connection.client().simple_query(sql).await.map_err(|error| SqlError::new(&error, connection))?;
    let row = |message| if let SimpleQueryMessage::Row(row) = message { Some(row) } else { None };
    Ok(messages.into_iter().filter_map(row).collect())
}

fn number(row: &SimpleQueryRow, name: &str) -> Option<f64> {
    row.try_get(name).ok()??.parse().ok()
}
