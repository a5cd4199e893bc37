//! One migration on its way into the database: in one transaction, or step by step.

use lockkeeper_core::classify::Fresh;
use lockkeeper_core::message;
use lockkeeper_core::model::{Answer, ExitClass, Problem};
use lockkeeper_core::plan::{AppliedSeq, PlannedMigration, StepId};

use super::apply::Work;
use super::failure;
use super::progress::Reporter;
use super::resume::resume;
use super::session::Session;
use super::standalone::{Run, Unsettled};
use super::steps::plan_steps;
use super::take_back::{Remains, take_back};
use crate::ledger::{
    Lease, NewMigration, StepsOf, finish_migration, insert_applied, insert_applying, problem as ledger_problem,
    renew_begun, undone,
};
use crate::postgres::Connection;
use crate::seams::instant;

/// A migration that is to run.
pub struct Due {
    pub migration: PlannedMigration,
    /// Its row, when it was begun in an earlier run.
    pub begun: Option<AppliedSeq>,
}

/// One migration on its way into the database.
pub struct Applying<'a> {
    pub session: &'a Session,
    pub lease: &'a Lease,
    pub release_id: i64,
    pub due: &'a Due,
    /// What a person says of a step whose outcome nothing can tell.
    pub unsettled: Option<Unsettled>,
    /// What the migrations before it have created.
    pub fresh: &'a Fresh,
}

impl Applying<'_> {
    pub async fn run(&self, report: &mut Reporter<'_>) -> Answer<()> {
        let (session, migration) = (self.session, &self.due.migration);
        let doing = message!("migration-failed", number = migration.number.to_string(), name = migration.name.as_str());
        let up = &migration.up;
        let steps =
            plan_steps(&session.connection, migration.number, up, &migration.script, self.fresh, &session.limits)
                .await?;
        let work = Work {
            session,
            lease: self.lease,
            number: migration.number,
            file: up,
            steps: &steps,
            is_whole: true,
            doing: &doing,
        };
        if self.due.begun.is_none() && !Run::is_needed(&steps) {
            let new = self.row();
            let record =
                async |connection: &Connection, transaction: &str| insert_applied(connection, &new, transaction).await;
            work.in_one_transaction(record, report).await?;
            return Ok(());
        }
        self.step_by_step(work, report).await
    }

    fn row(&self) -> NewMigration<'_> {
        let migration = &self.due.migration;
        NewMigration {
            number: migration.number,
            name: &migration.name,
            stage: migration.stage(),
            stage_because: migration.decision.because.to_string(),
            up_path: &migration.up.path,
            up_checksum: migration.up.checksum,
            down_path: &migration.down.path,
            down_checksum: migration.down.checksum,
            down_sql: &migration.down.text,
            release_id: self.release_id,
            actor: self.session.holder.actor.as_str(),
        }
    }

    async fn step_by_step(&self, work: Work<'_>, report: &mut Reporter<'_>) -> Answer<()> {
        let (session, lease) = (self.session, self.lease);
        let actor = session.holder.actor.as_str();
        let began = instant();
        let new = self.row();
        let begun = if let Some(seq) = self.due.begun {
            seq
        } else {
            let insert = async |connection: &Connection, transaction: &str| {
                let seq = insert_applying(connection, &new, transaction).await?;
                if let Some(seq) = seq {
                    StepsOf { seq, is_up: true, actor }.plan(connection, StepId(0), work.steps).await?;
                }
                Ok(seq)
            };
            session.record(lease, insert).await?.ok_or_else(Lease::lost)?
        };
        let of = StepsOf { seq: begun, is_up: true, actor };
        let unreadable = |error| ledger_problem(&error, message!("ledger-unreadable"));
        let stored = of.read(&session.connection).await.map_err(unreadable)?;
        let resumed = resume(work.steps.to_vec(), &stored, work.file)?;
        if self.due.begun.is_some() {
            let renew = async |connection: &Connection, _: &str| {
                renew_begun(connection, begun, &new).await?;
                of.plan(connection, resumed.behind, &resumed.steps).await
            };
            session.record(lease, renew).await?;
        }
        let run = Run { work: Work { steps: &resumed.steps, ..work }, of, unsettled: self.unsettled };
        if let Err(problem) = run.all(&stored, report).await {
            return Err(self.after_failure(&run, problem, report).await);
        }
        let finish = async |connection: &Connection, _: &str| {
            finish_migration(connection, begun, millis(began.elapsed()), actor).await
        };
        if session.record(lease, finish).await? {
            return Ok(());
        }
        let number = self.due.migration.number.to_string();
        Err(Problem::new(ExitClass::MigrationFailed, message!("steps-left-out", number = number))
            .hint(message!("stopped-hint")))
    }

    /// A failed migration is taken back as far as it goes; one that was stopped, or found no way to a lock, keeps
    /// what is done and goes on from there. Either way the person hears what stands.
    async fn after_failure(&self, run: &Run<'_>, problem: Box<Problem>, report: &mut Reporter<'_>) -> Box<Problem> {
        // Who writes no-transaction has asked that what is done stays.
        let is_whole = !self.due.migration.script.no_transaction();
        let remains = if is_whole && problem.exit == ExitClass::MigrationFailed {
            take_back(run, report).await
        } else {
            run.of.read(&self.session.connection).await.map(Remains::of)
        };
        let Ok(remains) = remains else { return problem };
        match remains {
            Remains::Nothing => {
                let actor = self.session.holder.actor.as_str();
                let reason = match problem.exit {
                    ExitClass::Interrupted | ExitClass::Terminated => "stopped",
                    ExitClass::Busy => "no lock",
                    _ => "failed",
                };
                // Should this fail too, the next run finds the migration begun and starts over.
                let gone = async |connection: &Connection, transaction: &str| {
                    undone(connection, run.of.seq, actor, reason, transaction).await
                };
                let _ = self.session.record(self.lease, gone).await;
                problem.note(message!("migration-left-nothing"))
            }
            Remains::Steps(steps) => failure::standing(problem, &steps, run.work.steps.len()),
        }
    }
}

fn millis(duration: std::time::Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
