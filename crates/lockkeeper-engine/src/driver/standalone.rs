//! Migrations whose steps commit one by one: intent, run, outcome; after a crash `settled` decides.

use std::time::Duration;

use lockkeeper_core::message;
use lockkeeper_core::model::{Answer, ExitClass, LockMode, Problem};
use lockkeeper_core::plan::{AppliedSeq, RunMode, Settled, Step, StepId};

use super::apply::Work;
use super::failure;
use super::progress::{Progress, Reporter};
use super::session::Broken;
use crate::ledger::{batch, done_steps, finish_step, problem as ledger_problem, start_step};
use crate::postgres::SqlError;

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
        for step in self.work.steps.iter().filter(|step| !done.contains(&step.id)) {
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

    async fn in_own_transaction(&self, step: &Step, report: &mut Reporter<'_>) -> Answer<()> {
        let record = async |connection: &crate::postgres::Connection, _: &str| -> Result<Option<()>, SqlError> {
            start_step(connection, self.seq, self.is_up, step.id, &step.sql, self.actor).await?;
            finish_step(connection, self.seq, self.is_up, step.id, None).await?;
            Ok(Some(()))
        };
        let one = Work { steps: std::slice::from_ref(step), ..self.work };
        one.in_one_transaction(record, report).await
    }

    async fn standalone(&self, step: &Step, settled: &Settled, begun: bool, report: &mut Reporter<'_>) -> Answer<()> {
        if begun && let Standing::Done = self.settle(step, settled, report).await? {
            return self.finish(step, None).await;
        }
        self.work
            .session
            .record(self.work.lease, async |connection, _| {
                start_step(connection, self.seq, self.is_up, step.id, &step.sql, self.actor).await
            })
            .await?;
        let outcome = self.run_outside(step).await;
        match outcome {
            Ok(()) => self.finish(step, None).await,
            Err(Broken::Sql(error @ SqlError::Lost { .. })) => {
                // Whether it took effect is found out by the next run, from the intent.
                Err(failure::statement(self.work.file, step, &error, self.work.doing.clone())
                    .note(message!("step-outcome-unknown")))
            }
            Err(broken) => {
                self.clear(step, settled, report).await;
                let said = match &broken {
                    Broken::Sql(SqlError::Server { report, .. }) => report.message.clone(),
                    Broken::Sql(SqlError::Lost { .. }) | Broken::Stopped(_) | Broken::Fenced | Broken::Left => {
                        "interrupted".to_owned()
                    }
                };
                // The failure itself is what the person must hear of, whether or not it could be recorded.
                let _ = self.finish(step, Some(&said)).await;
                Err(match broken {
                    Broken::Sql(error) => failure::statement(self.work.file, step, &error, self.work.doing.clone()),
                    other => failure::transaction(self.work.file, other, self.work.doing.clone()),
                })
            }
        }
    }

    /// Statements outside a transaction that take a light lock wait for old snapshots, which blocks nobody:
    /// they get all the time they need. A strong lock keeps its limit.
    async fn run_outside(&self, step: &Step) -> Result<(), Broken> {
        let strong = step.lock.as_ref().is_some_and(|(mode, _)| *mode > LockMode::ShareUpdateExclusive);
        let limits = &self.work.session.limits;
        let lock_timeout = if strong { limits.lock_timeout } else { Duration::ZERO };
        let statement_timeout = limits.statement_timeout.unwrap_or_default();
        let set = format!(
            "SET lock_timeout = '{}ms'; SET statement_timeout = '{}ms'",
            lock_timeout.as_millis(),
            statement_timeout.as_millis()
        );
        batch(&self.work.session.connection, &set).await?;
        self.work.session.run(&step.sql).await
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
                let answer = self.work.session.ask(query, &[]).await;
                let answer = answer.map_err(|error| ledger_problem(&error, message!("step-not-settled")))?;
                match answer.as_deref() {
                    Some("done") => Ok(Standing::Done),
                    Some("half") => {
                        self.clear(step, settled, report).await;
                        Ok(Standing::None)
                    }
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

    /// Clears away what a failed or interrupted step left half done. A failure to do so is found again,
    /// and told, by the next run.
    async fn clear(&self, step: &Step, settled: &Settled, report: &mut Reporter<'_>) {
        let Settled::Ask { query, undo } = settled else { return };
        let half = matches!(self.work.session.ask(query, &[]).await, Ok(Some(answer)) if answer == "half");
        if half && !undo.is_empty() && batch(&self.work.session.connection, undo).await.is_ok() {
            report(Progress::StepCleared { number: self.work.number, ordinal: step.id.0 });
        }
    }
}
