//! Migrations whose steps commit one by one: intent, run, outcome; after a crash `settled` decides.

use std::sync::Arc;
use std::time::Duration;

use lockkeeper_core::message;
use lockkeeper_core::model::{Answer, ExitClass, Place, Problem};
use lockkeeper_core::plan::{AppliedSeq, RunMode, Settled, Step, StepId};

use super::apply::Work;
use super::failure;
use super::pooled;
use super::progress::{Progress, Reporter};
use super::session::Broken;
use crate::ledger::{NewStep, batch, done_steps, finish_step, insert_step, problem as ledger_problem};
use crate::postgres::{SqlError, sqlstate};
use crate::seams::{jittered, sleep};

/// One direction of one migration whose steps commit one by one.
pub struct Run<'a> {
    pub work: Work<'a>,
    pub seq: AppliedSeq,
    pub is_up: bool,
    pub actor: &'a str,
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

/// How a step that was begun in an earlier run stands.
enum Standing {
    Done,
    None,
}

impl Run<'_> {
    /// Whether any of these steps needs this way of running.
    pub fn is_needed(steps: &[Step]) -> bool {
        steps.iter().any(|step| step.run != RunMode::InMigration)
    }

    /// Runs what is not done yet. `begun` are the ordinals whose intent is recorded without an outcome.
    pub async fn all(&self, begun: &[StepId], report: &mut Reporter<'_>) -> Answer<()> {
        let done = done_steps(&self.work.session.connection, self.seq, self.is_up)
            .await
            .map_err(|error| ledger_problem(&error, message!("ledger-unreadable")))?;
        self.refuse_changed(&done)?;
        let is_done = |step: &Step| done.iter().any(|(id, _)| *id == step.id);
        for step in self.work.steps.iter().filter(|step| !is_done(step)) {
            report(Progress::StepStarted {
                number: self.work.number,
                ordinal: step.id.0,
                total: self.work.steps.len(),
                sql: step.sql.clone(),
            });
            let result = self.one(step, begun.contains(&step.id), report).await;
            self.work.session.pass_notices(report);
            result.map_err(|problem| self.standing(step, problem))?;
        }
        Ok(())
    }

    /// A file may be mended behind the steps that are done, not among them: they are known by their place.
    fn refuse_changed(&self, done: &[(StepId, String)]) -> Answer<()> {
        let stands = |id: StepId| self.work.steps.iter().find(|step| step.id == id);
        let Some((id, sql)) = done.iter().find(|(id, sql)| stands(*id).is_none_or(|step| step.sql != *sql)) else {
            return Ok(());
        };
        let number = self.work.number.to_string();
        let problem = Problem::refused(message!("steps-changed", number = number, ordinal = id.0, sql = sql.as_str()));
        Err(problem.at(Place::file(Arc::clone(&self.work.file.path))).hint(message!("steps-changed-hint")))
    }

    /// Adds what stands to a failure: the steps before this one are done and stay.
    fn standing(&self, step: &Step, problem: Box<Problem>) -> Box<Problem> {
        let before = self.work.steps.iter().filter(|other| other.id < step.id).count();
        if before == 0 {
            problem
        } else {
            problem.note(message!("steps-standing", done = before, total = self.work.steps.len()))
        }
    }

    async fn one(&self, step: &Step, begun: bool, report: &mut Reporter<'_>) -> Answer<()> {
        match &step.run {
            RunMode::InMigration | RunMode::OwnTransaction => self.in_own_transaction(step, report).await,
            RunMode::Standalone { settled } => self.standalone(step, settled, begun, report).await,
        }
    }

    const fn row<'s>(&'s self, step: &'s Step, is_done: bool) -> NewStep<'s> {
        NewStep { seq: self.seq, is_up: self.is_up, id: step.id, sql: step.sql.as_str(), actor: self.actor, is_done }
    }

    async fn in_own_transaction(&self, step: &Step, report: &mut Reporter<'_>) -> Answer<()> {
        let record = async |connection: &crate::postgres::Connection, _: &str| -> Result<Option<()>, SqlError> {
            insert_step(connection, self.row(step, true)).await.map(Some)
        };
        let steps: Vec<Step> = self.settings_before(step).chain([step]).cloned().collect();
        let one = Work { steps: &steps, ..self.work };
        one.in_one_transaction(record, report).await
    }

    /// What the file has set for its session up to a step. Each transaction of ours begins with the settings
    /// of the connection, so they are set again.
    fn settings_before(&self, step: &Step) -> impl Iterator<Item = &Step> {
        let id = step.id;
        self.work.steps.iter().filter(move |other| other.id < id && other.sets_session)
    }

    async fn standalone(&self, step: &Step, settled: &Settled, begun: bool, report: &mut Reporter<'_>) -> Answer<()> {
        if begun && let Standing::Done = self.settle(step, settled, report).await? {
            return self.finish(step, None).await;
        }
        pooled::refuse_ambiguous(self.work.session, self.work.file, step).await?;
        self.work
            .session
            .record(self.work.lease, async |connection, _| insert_step(connection, self.row(step, false)).await)
            .await?;
        let outcome = self.run_outside(step, settled, report).await;
        match outcome {
            Ok(()) => {
                self.refuse_half(step, settled).await?;
                self.finish(step, None).await
            }
            Err(Broken::Sql(error @ SqlError::Lost { .. })) => {
                // Whether it took effect is found out by the next run, from the intent.
                Err(failure::statement(self.work.file, step, &error, self.work.doing.clone())
                    .note(message!("step-outcome-unknown")))
            }
            Err(broken) => {
                // A name that is taken is somebody else's: this step has left nothing.
                let is_taken = matches!(&broken, Broken::Sql(error) if error.sqlstate() == sqlstate::DUPLICATE_TABLE);
                let is_clear = is_taken || self.clear(step, settled, report).await.is_ok();
                let said = match &broken {
                    Broken::Sql(SqlError::Server { report, .. }) => report.message.clone(),
                    Broken::Sql(SqlError::Lost { .. }) | Broken::Stopped(_) | Broken::Fenced | Broken::Left => {
                        "interrupted".to_owned()
                    }
                };
                // What could not be cleared away keeps its intent, so that the next run finds it and clears it.
                if is_clear {
                    // The failure itself is what the person must hear of, whether or not it could be recorded.
                    let _ = self.finish(step, Some(&said)).await;
                }
                Err(match broken {
                    Broken::Sql(error) => {
                        let problem = failure::statement(self.work.file, step, &error, self.work.doing.clone());
                        let is_pooled = self.work.session.connection.is_pooled();
                        if is_pooled && pooled::may_be_of_the_session(&error) {
                            problem.hint(message!("pooler-session-hint"))
                        } else {
                            problem
                        }
                    }
                    other => failure::transaction(self.work.file, other, self.work.doing.clone()),
                })
            }
        }
    }

    /// Statements outside a transaction that take a light lock wait for old snapshots, which blocks nobody:
    /// they get all the time they need. A strong lock keeps its limit.
    async fn run_outside(&self, step: &Step, settled: &Settled, report: &mut Reporter<'_>) -> Result<(), Broken> {
        if self.work.session.connection.is_pooled() {
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
        let number = self.work.number;
        self.work.session.run(&step.sql, &mut |blockers| report(Progress::Blocked { number, blockers })).await
    }

    /// Behind a pooler nothing can be set for the statement: it runs bare, and again when it failed for what
    /// another client may have set.
    async fn run_pooled(&self, step: &Step, settled: &Settled, report: &mut Reporter<'_>) -> Result<(), Broken> {
        let (session, number, attempts) = (self.work.session, self.work.number, pooled::ATTEMPTS_MAX);
        for attempt in 1.. {
            let mut seen = |blockers| report(Progress::Blocked { number, blockers });
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
            .record(self.work.lease, async |connection, _| {
                finish_step(connection, self.seq, self.is_up, step.id, error).await
            })
            .await
    }

    /// Finds out how a step of an earlier run stands; what is half done is cleared away.
    async fn settle(&self, step: &Step, settled: &Settled, report: &mut Reporter<'_>) -> Answer<Standing> {
        match settled {
            Settled::Again => Ok(Standing::None),
            Settled::Ask { query, .. } => {
                let unsettled = |error: SqlError| {
                    let exit = if error.is_transient() { ExitClass::Busy } else { ExitClass::MigrationFailed };
                    error.problem(exit, message!("step-not-settled"))
                };
                self.apply_settings(step).await.map_err(unsettled)?;
                let answer = self.work.session.ask(query, &[]).await.map_err(unsettled)?;
                match answer.as_deref() {
                    Some("done") => Ok(Standing::Done),
                    Some("half") => {
                        self.clear(step, settled, report).await.map_err(unsettled)?;
                        Ok(Standing::None)
                    }
                    Some("busy") => Err(self.still_running(step)),
                    Some(_) | None => Ok(Standing::None),
                }
            }
            Settled::Unknown => match self.unsettled {
                Some(Unsettled::Done) => Ok(Standing::Done),
                Some(Unsettled::Again) => Ok(Standing::None),
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
