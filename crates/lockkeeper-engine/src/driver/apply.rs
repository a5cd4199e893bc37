//! Running the steps of one migration, up or down, in one transaction with its row.

use std::cell::Cell;
use std::time::{Duration, Instant};

use lockkeeper_core::message;
use lockkeeper_core::model::{Answer, ExitClass, Message, MigrationNumber, Problem};
use lockkeeper_core::parse::MigrationFile;
use lockkeeper_core::plan::{Step, attempts, rest_of};

use super::failure;
use super::progress::{Progress, Reporter};
use super::session::{Broken, Seen, Session, Watch, stopped};
use crate::ledger::Lease;
use crate::postgres::sqlstate::is_transient;
use crate::postgres::{Blocker, Connection, SqlError};
use crate::seams::{instant, jittered, sleep};

/// Where a transaction broke: at a step of the file, or around them.
enum At<'s> {
    Step(&'s Step),
    Around,
}

/// How long a transaction may still wait for locks. Who waits for a table that it has locked already also waits
/// while it queues for another one: all of that together shall last no longer than one `lock_timeout`.
struct Budget<'s> {
    lock_timeout: Duration,
    /// The tables that others wait for.
    held: Vec<&'s str>,
    /// When the first of them was asked for.
    since: Option<Instant>,
}

impl<'s> Budget<'s> {
    async fn before(&mut self, step: &'s Step, session: &Session, seen: &mut Watch<'_>) -> Result<(), Broken> {
        let new: Vec<&str> = step.strong_locks().filter(|table| !self.held.contains(table)).collect();
        if new.is_empty() {
            return Ok(());
        }
        self.held.extend(new);
        let Some(since) = self.since else {
            self.since = Some(instant());
            return Ok(());
        };
        let rest = rest_of(self.lock_timeout, since.elapsed());
        session.run(&format!("SET LOCAL lock_timeout = '{}ms'", rest.as_millis()), seen).await
    }
}

/// One direction of one migration: what to run, and as whom.
#[derive(Clone, Copy)]
pub struct Work<'a> {
    pub session: &'a Session,
    pub lease: &'a Lease,
    pub number: MigrationNumber,
    pub file: &'a MigrationFile,
    pub steps: &'a [Step],
    /// Whether they are all of the migration, and not some of it.
    pub is_whole: bool,
    /// What is being done, should it fail: "migration 07 failed".
    pub doing: &'a Message,
}

impl<'a> Work<'a> {
    /// Runs the steps and then `record` in one transaction, again and again while locks are not to be had.
    /// `record` gets the transaction's id and answers whether its row was written in it; it must be one
    /// statement, because COMMIT is sent without waiting for its answer.
    pub async fn in_one_transaction<T>(
        &self,
        record: impl AsyncFn(&Connection, &str) -> Result<Option<T>, SqlError>,
        report: &mut Reporter<'_>,
    ) -> Answer<T> {
        let limits = &self.session.limits;
        let attempts = attempts(limits.lock_timeout, limits.lock_attempts);
        let mut blockers = Vec::new();
        for (place, attempt) in (1..).zip(&attempts) {
            let outcome = self.once(attempt.lock_timeout, &record, &mut blockers, report).await;
            self.session.pass_notices(report);
            let (broken, at) = match outcome {
                Ok(value) => return Ok(value),
                Err(failure) => failure,
            };
            let said = match &broken {
                Broken::Sql(SqlError::Server { report, .. }) if is_transient(&report.sqlstate) => report.clone(),
                _ => return Err(self.problem(broken, &at)),
            };
            if place == attempts.len() {
                return Err(self.budget_spent(broken, &at, attempts.len(), &blockers));
            }
            let wait = jittered(attempt.pause);
            report(Progress::Retrying {
                number: self.number,
                attempt: place,
                attempts: attempts.len(),
                wait,
                reason: said,
            });
            tokio::select! {
                () = sleep(wait) => {}
                cause = self.session.stop.asked() => return Err(stopped(cause)),
            }
        }
        // The schedule has at least one attempt, and the last one returns above.
        Err(Problem::new(ExitClass::Busy, message!("lock-budget-spent", attempts = 0)))
    }

    /// The lock was not to be had: who held it the last time somebody was seen, and what to do.
    fn budget_spent(&self, broken: Broken, at: &At<'_>, attempts: usize, blockers: &[Blocker]) -> Box<Problem> {
        let mut problem = self.problem(broken, at);
        problem.exit = ExitClass::Busy;
        problem.notes.push(message!("lock-budget-spent", attempts = attempts));
        problem.notes.extend(blockers.iter().map(Blocker::told));
        problem.hints = vec![message!("lock-budget-spent-hint")];
        problem
    }

    async fn once<T>(
        &self,
        lock_timeout: Duration,
        record: &impl AsyncFn(&Connection, &str) -> Result<Option<T>, SqlError>,
        blockers: &mut Vec<Blocker>,
        report: &mut Reporter<'_>,
    ) -> Result<T, (Broken, At<'a>)> {
        let around = |broken: Broken| (broken, At::Around);
        let session = self.session;
        let transaction = session.begin(self.lease, lock_timeout).await.map_err(around)?;
        let mut seen = |seen: Seen| match seen {
            Seen::Blocked(found) => {
                // The same ones again, attempt after attempt, are no news.
                if !found.iter().map(|it| it.pid).eq(blockers.iter().map(|it| it.pid)) {
                    report(Progress::Blocked { number: self.number, blockers: found.clone() });
                }
                *blockers = found;
            }
            Seen::Building(_) => {}
        };
        let mut budget = Budget { lock_timeout, held: Vec::new(), since: None };
        // Once COMMIT was answered, whatever it did, no transaction is open that could be rolled back.
        let ended = Cell::new(false);
        let settings_moved = session.connection.is_pooled() || self.steps.iter().any(|step| step.may_change_role);
        let work = async {
            let Some((last, before)) = self.steps.split_last() else {
                return self.recorded(record, &transaction, &ended).await.map_err(around);
            };
            for step in before {
                budget.before(step, session, &mut seen).await.map_err(around)?;
                session.run(&step.sql, &mut seen).await.map_err(|broken| (broken, At::Step(step)))?;
                if let Some(cause) = session.stop.cause() {
                    return Err((Broken::Stopped(cause), At::Around));
                }
            }
            budget.before(last, session, &mut seen).await.map_err(around)?;
            if settings_moved {
                session.run(&last.sql, &mut seen).await.map_err(|broken| (broken, At::Step(last)))?;
                // A migration may have left a role behind that has no rights on the ledger, and behind a pooler
                // whatever it has set would be the next client's.
                session.settings_may_have_moved();
                session.run(&session.left_as_found(self.steps, lock_timeout), &mut seen).await.map_err(around)?;
                return self.recorded(record, &transaction, &ended).await.map_err(around);
            }
            // The row and COMMIT travel right behind the last statement, in this order because the first poll
            // of each sends its message: should it fail, the row fails in the
            // aborted transaction, and COMMIT ends that, which is a rollback.
            let (ran, recorded) =
                tokio::join!(biased; session.run(&last.sql, &mut seen), self.recorded(record, &transaction, &ended));
            ran.map_err(|broken| (broken, At::Step(last)))?;
            recorded.map_err(around)
        };
        match work.await {
            Ok(value) => Ok(value),
            Err(failure) => {
                if !ended.get() {
                    session.rollback().await;
                }
                Err(failure)
            }
        }
    }

    /// Writes the row and commits, without waiting in between.
    async fn recorded<T>(
        &self,
        record: &impl AsyncFn(&Connection, &str) -> Result<Option<T>, SqlError>,
        transaction: &str,
        ended: &Cell<bool>,
    ) -> Result<T, Broken> {
        let session = self.session;
        let (written, committed) = tokio::join!(biased; record(&session.connection, transaction), session.commit());
        ended.set(committed.is_ok());
        let written = written?;
        committed?;
        written.ok_or(Broken::Left)
    }

    fn problem(&self, broken: Broken, at: &At<'_>) -> Box<Problem> {
        match (broken, at) {
            (Broken::Sql(error), At::Step(step)) => {
                let problem = failure::statement(self.file, step, &error, self.doing.clone());
                // A broken connection leaves the same, and only the next look at the ledger can say so.
                match error {
                    SqlError::Server { .. } if self.is_whole => problem.note(message!("transaction-rolled-back")),
                    SqlError::Server { .. } | SqlError::Lost { .. } => problem,
                }
            }
            (broken, _) => failure::transaction(self.file, broken, self.doing.clone()),
        }
    }
}
