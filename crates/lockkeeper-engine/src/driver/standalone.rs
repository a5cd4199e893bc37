//! Migrations whose steps commit one by one: intent, run, outcome; after a crash `settled` decides.

use std::sync::Arc;
use std::time::Duration;

use lockkeeper_core::message;
use lockkeeper_core::model::{Answer, ExitClass, Place, Problem};
use lockkeeper_core::plan::{RunMode, Settled, Step, StepId};

use super::apply::Work;
use super::backfill;
use super::failure;
use super::pooled;
use super::progress::{Pace, Progress, Reporter};
use super::session::{Broken, Seen, stopped};
use crate::ledger::{Standing, StepsOf, StoredStep, batch};
use crate::postgres::{BuildProgress, Connection, SqlError, sqlstate};
use crate::seams::{jittered, sleep};

/// How often a statement outside a transaction is run again when it deadlocks with others of its kind.
const ATTEMPTS: u32 = 4;
const PAUSE: Duration = Duration::from_secs(1);

/// One direction of one migration whose steps commit one by one.
pub struct Run<'a> {
    /// All of its steps, those that are done among them.
    pub work: Work<'a>,
    pub of: StepsOf<'a>,
    /// What a person says of a step whose outcome nothing can tell.
    pub unsettled: Option<Unsettled>,
}

/// A person's word on a step that was interrupted and cannot be asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unsettled {
    /// It took effect.
    Done,
    /// It did not, or may run twice.
    Again,
}

/// How a step that was begun in an earlier run turned out.
enum Settlement {
    Done,
    None,
}

impl Run<'_> {
    /// Whether any of these steps needs this way of running.
    pub fn is_needed(steps: &[Step]) -> bool {
        steps.iter().any(|step| step.run != RunMode::InMigration)
    }

    /// Runs what is not done yet, transaction by transaction.
    pub async fn all(&self, stored: &[StoredStep], report: &mut Reporter<'_>) -> Answer<()> {
        let standing = |step: &Step| {
            stored.iter().find(|stored| stored.id == step.id).map_or(Standing::Planned, |stored| stored.standing)
        };
        let mut rest = self.work.steps;
        while let Some(first) = rest.first() {
            let is_transaction = matches!(first.run, RunMode::InMigration | RunMode::InTransaction { .. });
            let joins = |step: &&Step| is_transaction && step.run == RunMode::InTransaction { joins: true };
            let joined = rest.iter().skip(1).take_while(joins).count();
            let (chunk, behind) = rest.split_at(1 + joined);
            rest = behind;
            if standing(first) == Standing::Done {
                continue;
            }
            report(Progress::StepStarted {
                number: self.work.number,
                ordinal: first.id.0,
                total: self.work.steps.len(),
                sql: first.sql.clone(),
            });
            let result = self.chunk(first, chunk, standing(first) == Standing::Begun, report).await;
            self.work.session.pass_notices(report);
            result?;
            // Between two steps is a safe point.
            if let (Some(cause), false) = (self.work.session.stop.cause(), rest.is_empty()) {
                return Err(stopped(cause));
            }
        }
        Ok(())
    }

    async fn chunk(&self, first: &Step, chunk: &[Step], begun: bool, report: &mut Reporter<'_>) -> Answer<()> {
        let ids: Vec<StepId> = chunk.iter().map(|step| step.id).collect();
        match &first.run {
            RunMode::InMigration | RunMode::InTransaction { .. } => {
                let record = async |connection: &Connection, _: &str| self.of.done(connection, &ids).await.map(Some);
                let ran = self.in_own_transaction(chunk, record, report).await;
                self.failed(first, ran).await
            }
            RunMode::Standalone { settled } => self.standalone(first, settled, begun, report).await,
            RunMode::Backfill(backfill) => {
                self.begin(first).await?;
                let filled = backfill::fill(&self.work, first, backfill, report).await;
                // Batches that are written do no harm: they go with the column.
                self.failed(first, filled).await?;
                self.finish(first, None).await
            }
        }
    }

    /// Records a step that failed for good. A lock that was not to be had, or a stop, leaves it to be run again.
    async fn failed(&self, step: &Step, ran: Answer<()>) -> Answer<()> {
        if let Err(problem) = &ran
            && problem.exit == ExitClass::MigrationFailed
        {
            let said = problem.server.as_ref().map_or("failed", |server| server.message.as_str());
            // The failure itself is what the person must hear of, whether or not it could be recorded.
            let _ = self.finish(step, Some(said)).await;
        }
        ran
    }

    /// Runs steps in one transaction, the file's settings before them and `record` behind.
    pub async fn in_own_transaction(
        &self,
        chunk: &[Step],
        record: impl AsyncFn(&Connection, &str) -> Result<Option<()>, SqlError>,
        report: &mut Reporter<'_>,
    ) -> Answer<()> {
        let Some(first) = chunk.first() else { return Ok(()) };
        let steps: Vec<Step> = self.settings_before(first).chain(chunk).cloned().collect();
        let one = Work { steps: &steps, is_whole: false, ..self.work };
        one.in_one_transaction(record, report).await
    }

    async fn begin(&self, step: &Step) -> Answer<()> {
        let session = self.work.session;
        session.record(self.work.lease, async |connection, _| self.of.begin(connection, step.id).await).await
    }

    /// What the file has set for its session up to a step. Each transaction of ours begins with the settings
    /// of the connection, so they are set again.
    fn settings_before(&self, step: &Step) -> impl Iterator<Item = &Step> {
        let id = step.id;
        self.work.steps.iter().filter(move |other| other.id < id && other.sets_session)
    }

    async fn standalone(&self, step: &Step, settled: &Settled, begun: bool, report: &mut Reporter<'_>) -> Answer<()> {
        if begun && let Settlement::Done = self.settle(step, settled, report).await? {
            return self.found_done(step).await;
        }
        pooled::refuse_ambiguous(self.work.session, self.work.file, step).await?;
        let mut attempt = 1;
        loop {
            self.begin(step).await?;
            let broken = match self.outside(step, report).await {
                Ok(()) => {
                    self.refuse_half(step, settled).await?;
                    return self.finish(step, None).await;
                }
                Err(Broken::Sql(error @ SqlError::Lost { .. })) => {
                    // Whether it took effect is found out by the next run, from the intent.
                    return Err(failure::statement(self.work.file, step, &error, self.work.doing.clone())
                        .note(message!("step-outcome-unknown")));
                }
                Err(broken) => broken,
            };
            // A name that is taken is somebody else's: this step has left nothing.
            let is_taken = matches!(&broken, Broken::Sql(error) if error.sqlstate() == sqlstate::DUPLICATE_TABLE);
            let is_clear = is_taken || self.clear(step, settled, report).await.is_ok();
            let server = match &broken {
                Broken::Sql(SqlError::Server { report, .. }) => Some(report.clone()),
                Broken::Sql(SqlError::Lost { .. }) | Broken::Stopped(_) | Broken::Fenced | Broken::Left => None,
            };
            let is_transient = server.as_ref().is_some_and(|report| sqlstate::is_transient(&report.sqlstate));
            if let (Some(reason), true, true, true) = (&server, is_transient, is_clear, attempt < ATTEMPTS) {
                let wait = jittered(PAUSE * attempt);
                let attempts = usize::try_from(ATTEMPTS).unwrap_or(usize::MAX);
                let place = usize::try_from(attempt).unwrap_or(usize::MAX);
                let (number, reason) = (self.work.number, reason.clone());
                report(Progress::Retrying { number, attempt: place, attempts, wait, reason });
                tokio::select! {
                    () = sleep(wait) => {}
                    cause = self.work.session.stop.asked() => return Err(stopped(cause)),
                }
                attempt += 1;
                continue;
            }
            // What could not be cleared away keeps its intent, so that the next run finds it and clears it.
            if is_clear {
                let said = server.map_or_else(|| "interrupted".to_owned(), |report| report.message);
                // The failure itself is what the person must hear of, whether or not it could be recorded.
                let _ = self.finish(step, Some(&said)).await;
            }
            return Err(match broken {
                Broken::Sql(error) => {
                    let mut problem = failure::statement(self.work.file, step, &error, self.work.doing.clone());
                    if is_transient {
                        problem.exit = ExitClass::Busy;
                    }
                    if self.work.session.connection.is_pooled() && pooled::may_be_of_the_session(&error) {
                        problem = problem.hint(message!("pooler-session-hint"));
                    }
                    problem
                }
                other => failure::transaction(self.work.file, other, self.work.doing.clone()),
            });
        }
    }

    /// Statements outside a transaction that take a light lock wait for old snapshots, which blocks nobody:
    /// they get all the time they need. A strong lock keeps its limit.
    pub async fn outside(&self, step: &Step, report: &mut Reporter<'_>) -> Result<(), Broken> {
        if self.work.session.connection.is_pooled() {
            let RunMode::Standalone { settled } = &step.run else { return Ok(()) };
            return self.run_pooled(step, settled, report).await;
        }
        let limits = &self.work.session.limits;
        let lock_timeout = if pooled::holds_others_up(step) { limits.lock_timeout } else { Duration::ZERO };
        let statement_timeout = limits.statement_timeout.unwrap_or_default();
        let set = format!(
            "SET lock_timeout = '{}ms'; SET statement_timeout = '{}ms'",
            lock_timeout.as_millis(),
            statement_timeout.as_millis()
        );
        self.work.session.settings_may_have_moved();
        batch(&self.work.session.connection, &set).await?;
        self.apply_settings(step).await?;
        let mut pace = Pace::default();
        self.work.session.run(&step.sql, &mut |seen| self.tell(step, seen, &mut pace, report)).await
    }

    /// Tells who is in the way at once, and how far the step is every few seconds.
    fn tell(&self, step: &Step, seen: Seen, pace: &mut Pace, report: &mut Reporter<'_>) {
        let number = self.work.number;
        match seen {
            Seen::Blocked(blockers) => report(Progress::Blocked { number, blockers }),
            Seen::Building(BuildProgress { phase, done, total }) => {
                if pace.is_due() {
                    report(Progress::StepProgress { number, ordinal: step.id.0, phase, done, total });
                }
            }
        }
    }

    /// Behind a pooler nothing can be set for the statement: it runs bare, and again when it failed for what
    /// another client may have set.
    async fn run_pooled(&self, step: &Step, settled: &Settled, report: &mut Reporter<'_>) -> Result<(), Broken> {
        let (session, number, attempts) = (self.work.session, self.work.number, pooled::ATTEMPTS_MAX);
        for attempt in 1.. {
            let mut pace = Pace::default();
            let mut seen = |seen| self.tell(step, seen, &mut pace, report);
            let result = pooled::run(session, &step.sql, &mut seen).await;
            let said = match &result {
                Err(Broken::Sql(error @ SqlError::Server { report: said, .. }))
                    if attempt < attempts && pooled::may_be_of_the_session(error) =>
                {
                    said.clone()
                }
                _ => return result,
            };
            if self.clear(step, settled, report).await.is_err() {
                return result;
            }
            let wait = jittered(pooled::PAUSE);
            report(Progress::Retrying { number, attempt, attempts, wait, reason: said });
            tokio::select! {
                () = sleep(wait) => {}
                cause = session.stop.asked() => return Err(Broken::Stopped(cause)),
            }
        }
        Ok(())
    }

    async fn apply_settings(&self, step: &Step) -> Result<(), SqlError> {
        let settings: Vec<&str> = self.settings_before(step).map(|other| other.sql.as_str()).collect();
        if settings.is_empty() {
            return Ok(());
        }
        batch(&self.work.session.connection, &settings.join(";\n")).await
    }

    /// IF NOT EXISTS is content with what somebody else left half done; we are not.
    async fn refuse_half(&self, step: &Step, settled: &Settled) -> Answer<()> {
        let Settled::Ask { query, .. } = settled else { return Ok(()) };
        let half = matches!(self.work.session.ask(query, &[]).await, Ok(Some(answer)) if answer == "half");
        if !half {
            return Ok(());
        }
        let problem = Problem::new(ExitClass::MigrationFailed, self.work.doing.clone())
            .at(Place::span(Arc::clone(&self.work.file.path), &self.work.file.text, step.span))
            .note(message!("step-found-half"))
            .hint(message!("step-found-half-hint"));
        let _ = self.finish(step, Some("not valid")).await;
        Err(problem)
    }

    async fn finish(&self, step: &Step, error: Option<&str>) -> Answer<()> {
        self.work
            .session
            .record(self.work.lease, async |connection, _| match error {
                None => self.of.done(connection, &[step.id]).await,
                Some(error) => self.of.failed(connection, step.id, error).await,
            })
            .await
    }

    async fn found_done(&self, step: &Step) -> Answer<()> {
        let record = async |connection: &Connection, _: &str| self.of.found_done(connection, step.id).await;
        self.work.session.record(self.work.lease, record).await
    }

    /// Finds out how a step of an earlier run stands; what is half done is cleared away.
    async fn settle(&self, step: &Step, settled: &Settled, report: &mut Reporter<'_>) -> Answer<Settlement> {
        match settled {
            Settled::Again => Ok(Settlement::None),
            Settled::Ask { query, .. } => {
                let unsettled = |error: SqlError| {
                    let exit = if error.is_transient() { ExitClass::Busy } else { ExitClass::MigrationFailed };
                    error.problem(exit, message!("step-not-settled"))
                };
                self.apply_settings(step).await.map_err(unsettled)?;
                let answer = self.work.session.ask(query, &[]).await.map_err(unsettled)?;
                match answer.as_deref() {
                    Some("done") => Ok(Settlement::Done),
                    Some("half") => {
                        self.clear(step, settled, report).await.map_err(unsettled)?;
                        Ok(Settlement::None)
                    }
                    Some("busy") => Err(self.still_running(step)),
                    Some(_) | None => Ok(Settlement::None),
                }
            }
            Settled::Unknown => match self.unsettled {
                Some(Unsettled::Done) => Ok(Settlement::Done),
                Some(Unsettled::Again) => Ok(Settlement::None),
                None => Err(Problem::new(
                    ExitClass::MigrationFailed,
                    message!(
                        "step-unsettled",
                        number = self.work.number.to_string(),
                        ordinal = step.id.0,
                        sql = step.sql.as_str()
                    ),
                )
                .hint(message!("step-unsettled-hint"))),
            },
        }
    }

    /// The server has not noticed that an earlier run died, and goes on with its statement.
    fn still_running(&self, step: &Step) -> Box<Problem> {
        let number = self.work.number.to_string();
        let said = message!("step-still-running", number = number, ordinal = step.id.0, sql = step.sql.as_str());
        Problem::new(ExitClass::Busy, said).note(message!("nothing-changed")).hint(message!("step-still-running-hint"))
    }

    /// Finds out how the steps that were begun and have no outcome turned out, and records it.
    pub async fn settle_begun(&self, stored: &[StoredStep], report: &mut Reporter<'_>) -> Answer<()> {
        for stored in stored.iter().filter(|step| step.standing == Standing::Begun) {
            let step = stored.as_step(self.work.number);
            let settlement = match &step.run {
                RunMode::Standalone { settled } => self.settle(&step, settled, report).await?,
                RunMode::InMigration | RunMode::InTransaction { .. } | RunMode::Backfill(_) => Settlement::None,
            };
            match settlement {
                Settlement::Done => self.found_done(&step).await?,
                Settlement::None => self.finish(&step, Some("interrupted")).await?,
            }
        }
        Ok(())
    }

    /// Clears away what a failed or interrupted step left half done.
    async fn clear(&self, step: &Step, settled: &Settled, report: &mut Reporter<'_>) -> Result<(), SqlError> {
        let Settled::Ask { query, undo } = settled else { return Ok(()) };
        let half = self.work.session.ask(query, &[]).await?.is_some_and(|answer| answer == "half");
        if half && !undo.is_empty() {
            // It waits for every transaction that may use the index: not for ever, least of all on the way out.
            let session = self.work.session;
            let patience = session.limits.lock_timeout;
            if session.connection.is_pooled() {
                match pooled::run_within(session, undo, patience).await {
                    Err(Broken::Sql(error)) => return Err(error),
                    // A stop comes after the clearing, which is short.
                    Ok(()) | Err(Broken::Stopped(_) | Broken::Fenced | Broken::Left) => {}
                }
            } else {
                batch(&session.connection, &format!("SET lock_timeout = '{}ms'", patience.as_millis())).await?;
                batch(&session.connection, undo).await?;
            }
            report(Progress::StepCleared { number: self.work.number, ordinal: step.id.0 });
        }
        Ok(())
    }
}
