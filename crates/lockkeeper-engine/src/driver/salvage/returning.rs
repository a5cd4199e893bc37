//! Values that a rollback kept go back into the tables of the migration that was applied again.
//!
//! Row by row it is in the ledger what has become of each, in the transaction that moved it: killed at any instant,
//! the next run goes on behind the last batch. No lock is taken but those of the rows.

use std::ops::ControlFlow;

use lockkeeper_core::message;
use lockkeeper_core::model::{Answer, ExitClass, Message, Problem};
use lockkeeper_core::plan::{PutBack, attempts};

use super::taking::shapes;
use crate::driver::progress::{Progress, Reporter};
use crate::driver::session::{Broken, Session, stopped};
use crate::ledger::{
    Lease, SalvageRecord, WaitingSalvage, end_salvage, keep_salvage, query, read_salvages, waiting_salvages,
};
use crate::postgres::sqlstate::is_transient;
use crate::postgres::{Connection, SqlError, may_silence_triggers};
use crate::seams::{jittered, sleep};

/// How many rows are moved in one transaction: some ten milliseconds.
const ROWS_PER_BATCH: i64 = 500;

/// Puts back what is kept of migrations that are applied again, and tells of each what became of it. The answer is
/// what was tried, as it is now.
///
/// # Errors
/// A stop, a lost lease or connection, rows that others hold: the next run goes on. What does not fit is no error; it
/// stays where it is kept.
pub async fn put_back(session: &Session, lease: &Lease, report: &mut Reporter<'_>) -> Answer<Vec<SalvageRecord>> {
    let waiting = waiting_salvages(&session.connection).await?;
    if waiting.is_empty() {
        return Ok(Vec::new());
    }
    let may_silence = may_silence_triggers(&session.connection).await.map_err(failed)?;
    for one in &waiting {
        let returning = Returning { session, lease, waiting: one, may_silence };
        returning.run().await?;
    }
    let mut now = read_salvages(&session.connection).await?;
    now.retain(|record| waiting.iter().any(|one| one.record.id == record.id));
    for record in &now {
        report(Progress::PutBack(Box::new(record.clone())));
    }
    Ok(now)
}

struct Returning<'a> {
    session: &'a Session,
    lease: &'a Lease,
    waiting: &'a WaitingSalvage,
    may_silence: bool,
}

/// Why a batch did not go through.
enum Stuck {
    /// The table refuses any of it.
    Refused(SqlError),
    /// The table is not empty, and nothing tells its rows from those that are kept.
    NotEmpty,
}

impl Returning<'_> {
    async fn run(&self) -> Answer<()> {
        let (connection, kept) = (&self.session.connection, &self.waiting.record.kept);
        let shapes = shapes(connection, std::slice::from_ref(&kept.table), &self.session.limits).await?;
        let plan = match PutBack::plan(kept, shapes.get(&kept.table)) {
            Ok(plan) => plan,
            Err(why) => return self.keep(&why).await,
        };
        self.session.record(self.lease, async |connection, _| batch(connection, &plan.index()).await).await?;
        if let ControlFlow::Break(stuck) = self.rows(&plan).await? {
            let table = kept.table.to_string();
            let why = match stuck {
                Stuck::NotEmpty => message!("salvage-not-empty", table = table),
                Stuck::Refused(error) => {
                    message!("salvage-refused", table = table, sqlstate = error.sqlstate(), said = said(&error))
                }
            };
            return self.keep(&why).await;
        }
        let sequences = self.sequences().await;
        let left_out: Vec<String> = plan.left_out.iter().map(ToString::to_string).collect();
        let because = if left_out.is_empty() {
            sequences.err()
        } else {
            Some(message!("salvage-left-out", table = kept.table.to_string(), columns = left_out.join(", ")))
        };
        self.end(because.as_ref()).await
    }

    async fn rows(&self, plan: &PutBack) -> Answer<ControlFlow<Stuck>> {
        let rows = self.waiting.record.rows;
        let size = if plan.is_all_at_once() { rows.max(1) } else { ROWS_PER_BATCH };
        let mut after = 0;
        while after < rows {
            if let Some(cause) = self.session.stop.cause() {
                return Err(stopped(cause));
            }
            let to = (after + size).min(rows);
            if let ControlFlow::Break(stuck) = self.batch(plan, after, to).await? {
                return Ok(ControlFlow::Break(stuck));
            }
            after = to;
        }
        Ok(ControlFlow::Continue(()))
    }

    /// One batch, tried again while a lock is not to be had, and row by row when one of its rows does not fit.
    async fn batch(&self, plan: &PutBack, after: i64, to: i64) -> Answer<ControlFlow<Stuck>> {
        let limits = &self.session.limits;
        let (mut one_by_one, mut last) = (false, None);
        let mut schedule = attempts(limits.lock_timeout, limits.lock_attempts).into_iter();
        let mut attempt = schedule.next();
        while let Some(now) = attempt {
            let sql = if one_by_one { plan.one_by_one(after, to) } else { plan.batch(after, to) };
            match self.once(plan, &sql, now.lock_timeout, one_by_one).await {
                Ok(done) => return Ok(done),
                Err(Broken::Sql(error)) if is_transient(error.sqlstate()) => last = Some(error),
                Err(Broken::Sql(SqlError::Server { .. }) | Broken::Left) if !one_by_one => {
                    one_by_one = true;
                    continue;
                }
                Err(Broken::Sql(error @ SqlError::Server { .. })) => {
                    return Ok(ControlFlow::Break(Stuck::Refused(error)));
                }
                Err(Broken::Sql(error)) => return Err(failed(error)),
                Err(Broken::Fenced) => return Err(Lease::lost()),
                Err(Broken::Stopped(cause)) => return Err(stopped(cause)),
                Err(Broken::Left) => return Err(Problem::refused(message!("transaction-left"))),
            }
            tokio::select! {
                () = sleep(jittered(now.pause)) => {}
                cause = self.session.stop.asked() => return Err(stopped(cause)),
            }
            attempt = schedule.next();
        }
        let doing = message!("salvage-not-returned", table = self.waiting.record.kept.table.to_string());
        let problem = match last {
            Some(error) => error.problem(ExitClass::Busy, doing),
            None => Problem::new(ExitClass::Busy, doing),
        };
        Err(problem.hint(message!("lock-budget-spent-hint")))
    }

    /// [`Broken::Left`] stands for rows that the table has swallowed.
    async fn once(
        &self,
        plan: &PutBack,
        sql: &str,
        lock_timeout: std::time::Duration,
        one_by_one: bool,
    ) -> Result<ControlFlow<Stuck>, Broken> {
        let session = self.session;
        session.begin(self.lease, lock_timeout).await?;
        let moved = async {
            let silences = self.may_silence && !plan.is_referring;
            session.run(&PutBack::settings(silences), &mut |_| {}).await?;
            if plan.is_all_at_once() {
                let rows = query(&session.connection, &plan.holds_rows(), &[]).await?;
                if rows.first().is_some_and(|row| row.get(0)) {
                    return Ok(ControlFlow::Break(Stuck::NotEmpty));
                }
            }
            if one_by_one {
                session.run(sql, &mut |_| {}).await?;
            } else {
                let rows = query(&session.connection, sql, &[]).await?;
                let swallowed: i64 = rows.first().map_or(0, |row| row.get(0));
                if swallowed > 0 {
                    return Err(Broken::Left);
                }
            }
            // A trigger may have set something, which behind a pooler would be the next client's.
            if session.connection.is_pooled() {
                session.run(&session.left_as_found(&[], lock_timeout), &mut |_| {}).await?;
            }
            Ok(ControlFlow::Continue(()))
        };
        match moved.await {
            Ok(ControlFlow::Continue(())) => {
                session.commit().await?;
                Ok(ControlFlow::Continue(()))
            }
            other => {
                session.rollback().await;
                other
            }
        }
    }

    /// Sequences of the columns go on behind the values that are back.
    async fn sequences(&self) -> Result<(), Message> {
        let record = &self.waiting.record;
        for (column, last, is_called) in &record.sequences {
            let sql = PutBack::sequence(&record.kept.table, column, *last, *is_called);
            let set = async |connection: &Connection, _: &str| query(connection, &sql, &[]).await;
            if self.session.record(self.lease, set).await.is_err() {
                let table = record.kept.table.to_string();
                return Err(message!("salvage-sequence", table = table, column = column.as_str(), last = *last));
            }
        }
        Ok(())
    }

    async fn keep(&self, why: &Message) -> Answer<()> {
        let actor = self.session.holder.actor.as_str();
        self.session
            .record(self.lease, async |connection, _| keep_salvage(connection, self.waiting, why, actor).await)
            .await
    }

    async fn end(&self, because: Option<&Message>) -> Answer<()> {
        let actor = self.session.holder.actor.as_str();
        let counted = PutBack::counts(&self.waiting.record.kept.kept_in);
        self.session
            .record(self.lease, async |connection, _| {
                let rows = query(connection, &counted, &[]).await?;
                let counts = rows.first().map_or((0, 0, 0), |row| (row.get(1), row.get(2), row.get(3)));
                end_salvage(connection, self.waiting, because, counts, actor).await
            })
            .await
    }
}

async fn batch(connection: &Connection, sql: &str) -> Result<(), SqlError> {
    crate::ledger::batch(connection, sql).await
}

/// The server's words; its detail may hold values of rows.
fn said(error: &SqlError) -> String {
    match error {
        SqlError::Server { report, .. } => report.message.clone(),
        SqlError::Lost { reason } => reason.clone(),
    }
}

#[expect(clippy::needless_pass_by_value, reason = "it stands behind map_err")]
fn failed(error: SqlError) -> Box<Problem> {
    crate::ledger::problem(&error, message!("ledger-unreadable"))
}
