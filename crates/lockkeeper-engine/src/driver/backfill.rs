//! A column's default for the rows that came before it: many short transactions, none of which makes anybody wait.
//!
//! The table is walked by the places of its rows on disk (TID range scans, PostgreSQL 14), which needs no key. A row
//! that somebody holds is passed over, so that no deadlock can come of it, and a row that is updated meanwhile may
//! move behind the walk's back: so it walks again until one look at the whole table finds nothing empty.

use std::time::Duration;

use lockkeeper_core::message;
use lockkeeper_core::model::{Answer, ExitClass, Problem};
use lockkeeper_core::plan::{Backfill, Step, attempts};

use super::apply::Work;
use super::failure;
use super::progress::{Pace, Progress, Reporter};
use super::session::{Broken, stopped};
use crate::ledger::{problem as ledger_problem, query, query_alone};
use crate::postgres::SqlError;
use crate::postgres::sqlstate::is_transient;
use crate::seams::{instant, jittered, sleep};
use tokio_postgres::Row;
use tokio_postgres::types::Type;

/// A batch is made as large as fits into this: nobody waits longer for a row of it.
const BATCH_TIME: Duration = Duration::from_millis(40);
const FIRST_PAGES: i64 = 16;
const PAGES_MAX: i64 = 4_096;
/// Others get as much time as each batch took, and at least this much.
const REST_MIN: Duration = Duration::from_millis(2);
/// How long to wait for rows that others hold before walking the table once more.
const HELD_ROWS_WAIT: Duration = Duration::from_millis(500);

/// Fills every row that is there.
pub async fn fill(work: &Work<'_>, step: &Step, backfill: &Backfill, report: &mut Reporter<'_>) -> Answer<()> {
    let read_failed = |error: SqlError| ledger_problem(&error, message!("ledger-unreadable"));
    let connection = &work.session.connection;
    let tables =
        query_alone(connection, include_str!("tables_below.sql"), &[(&backfill.table.to_string(), Type::TEXT)])
            .await
            .map_err(read_failed)?;
    for row in &tables {
        let table: String = row.get(0);
        Walk { work, step, backfill, table }.until_full(report).await?;
    }
    Ok(())
}

/// The walk over one table that holds rows.
struct Walk<'a> {
    work: &'a Work<'a>,
    step: &'a Step,
    backfill: &'a Backfill,
    table: String,
}

/// What one walk over the table came to.
#[derive(Default)]
struct Walked {
    /// Rows that were written, and those of them that have a value now: a default may be NULL.
    written: i64,
    filled: i64,
}

impl Walk<'_> {
    async fn until_full(&self, report: &mut Reporter<'_>) -> Answer<()> {
        let (mut fruitless, mut pace) = (0, Pace::default());
        loop {
            let walked = self.once(&mut pace, report).await?;
            if !self.anything_empty().await? || (walked.written > 0 && walked.filled == 0) {
                return Ok(());
            }
            // What is still empty is held by somebody: as patient as with any other lock.
            fruitless = if walked.filled == 0 { fruitless + 1 } else { 0 };
            if fruitless > self.work.session.limits.lock_attempts {
                return Err(Problem::new(ExitClass::Busy, self.work.doing.clone())
                    .note(message!("backfill-rows-held", table = self.table.as_str()))
                    .hint(message!("lock-budget-spent-hint")));
            }
            if fruitless > 0 {
                self.rest(jittered(HELD_ROWS_WAIT)).await?;
            }
        }
    }

    async fn once(&self, pace: &mut Pace, report: &mut Reporter<'_>) -> Answer<Walked> {
        let pages = self.pages().await?;
        let (mut from, mut size, mut walked) = (0, FIRST_PAGES, Walked::default());
        while from < pages {
            let began = instant();
            let (written, filled) = self.batch(from, from + size).await?;
            let took = began.elapsed();
            walked.written += written;
            walked.filled += filled;
            from += size;
            if pace.is_due() {
                report(Progress::StepProgress {
                    number: self.work.number,
                    ordinal: self.step.id.0,
                    phase: "backfill".to_owned(),
                    done: from.min(pages),
                    total: pages,
                });
            }
            size = next_size(size, took);
            if written > 0 {
                self.rest(took.max(REST_MIN)).await?;
            } else if let Some(cause) = self.work.session.stop.cause() {
                return Err(stopped(cause));
            }
        }
        Ok(walked)
    }

    async fn rest(&self, time: Duration) -> Answer<()> {
        tokio::select! {
            () = sleep(time) => Ok(()),
            cause = self.work.session.stop.asked() => Err(stopped(cause)),
        }
    }

    /// One batch, tried again while a lock is not to be had.
    async fn batch(&self, from: i64, to: i64) -> Answer<(i64, i64)> {
        let limits = &self.work.session.limits;
        let attempts = attempts(limits.lock_timeout, limits.lock_attempts);
        let mut last = None;
        for attempt in attempts {
            match self.try_batch(from, to, attempt.lock_timeout).await {
                Ok(counts) => return Ok(counts),
                Err(Broken::Sql(error)) if is_transient(error.sqlstate()) => last = Some(error),
                Err(Broken::Sql(error)) => {
                    return Err(failure::statement(self.work.file, self.step, &error, self.work.doing.clone()));
                }
                Err(broken) => return Err(failure::transaction(self.work.file, broken, self.work.doing.clone())),
            }
            self.rest(jittered(attempt.pause)).await?;
        }
        let problem = match last {
            Some(error) => failure::statement(self.work.file, self.step, &error, self.work.doing.clone()),
            None => Problem::new(ExitClass::Busy, self.work.doing.clone()),
        };
        let mut problem = problem.hint(message!("lock-budget-spent-hint"));
        problem.exit = ExitClass::Busy;
        Err(problem)
    }

    async fn try_batch(&self, from: i64, to: i64, lock_timeout: Duration) -> Result<(i64, i64), Broken> {
        let session = self.work.session;
        session.begin(self.work.lease, lock_timeout).await?;
        let written = async {
            let counts = self.write(from, to).await?;
            // A trigger may have set something, which behind a pooler would be the next client's.
            if session.connection.is_pooled() {
                session.run(&session.left_as_found(&[], lock_timeout), &mut |_| {}).await?;
            }
            Ok(counts)
        };
        match written.await {
            Ok(counts) => {
                session.commit().await?;
                Ok(counts)
            }
            Err(broken) => {
                session.rollback().await;
                Err(broken)
            }
        }
    }

    async fn write(&self, from: i64, to: i64) -> Result<(i64, i64), Broken> {
        let session = self.work.session;
        if self.backfill.silences_triggers {
            session.run("SET LOCAL session_replication_role = replica", &mut |_| {}).await?;
        }
        let (table, column) = (&self.table, &self.backfill.column);
        let sql = format!(
            "WITH written AS (UPDATE ONLY {table} SET {column} = DEFAULT WHERE ctid = ANY (ARRAY(\
             SELECT ctid FROM ONLY {table} WHERE ctid >= '({from},0)' AND ctid < '({to},0)' AND {column} IS NULL \
             FOR NO KEY UPDATE SKIP LOCKED)) RETURNING {column} IS NOT NULL AS is_filled) \
             SELECT count(*), count(*) FILTER (WHERE is_filled) FROM written"
        );
        let rows = query(&session.connection, &sql, &[]).await?;
        Ok(rows.first().map_or((0, 0), |row| (row.get(0), row.get(1))))
    }

    async fn pages(&self) -> Answer<i64> {
        let table = self.table.replace('\'', "''");
        let size = format!("pg_catalog.pg_relation_size('{table}'::regclass)");
        self.ask(&format!("SELECT {size} / pg_catalog.current_setting('block_size')::bigint"), |row| row.get(0)).await
    }

    /// One look at the whole table, by one snapshot: a row that is being updated counts as it was before.
    async fn anything_empty(&self) -> Answer<bool> {
        let sql = format!("SELECT EXISTS (SELECT FROM ONLY {} WHERE {} IS NULL)", self.table, self.backfill.column);
        self.ask(&sql, |row| row.get(0)).await
    }

    /// A question that a `lock_timeout` bounds like every statement of ours.
    async fn ask<T: Default>(&self, sql: &str, value: impl Fn(&Row) -> T) -> Answer<T> {
        let session = self.work.session;
        session
            .record(self.work.lease, async |connection, _| {
                let rows = query(connection, sql, &[]).await?;
                Ok(rows.first().map(&value).unwrap_or_default())
            })
            .await
    }
}

/// Pages of the next batch: as many as would have fitted, at most twice as many as before.
fn next_size(size: i64, took: Duration) -> i64 {
    let took = i64::try_from(took.as_micros()).unwrap_or(i64::MAX).max(1);
    let target = i64::try_from(BATCH_TIME.as_micros()).unwrap_or(i64::MAX);
    (size.saturating_mul(target) / took).clamp(1, (size * 2).min(PAGES_MAX))
}
