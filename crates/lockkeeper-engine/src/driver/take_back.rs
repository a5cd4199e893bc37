//! What is done of a migration that failed half-way is taken back, the last step first, so that the file has
//! succeeded or failed as a whole.

use lockkeeper_core::plan::{RunMode, Settled, Step, StepId, TakeBack};

use super::progress::{Progress, Reporter};
use super::session::Broken;
use super::standalone::Run;
use crate::ledger::{Standing, StoredStep};
use crate::postgres::{Connection, SqlError};

/// What stands after taking back.
#[derive(Debug)]
pub enum Remains {
    Nothing,
    /// These steps stand: nothing takes the last of them back, or taking it back failed.
    Steps(Vec<StoredStep>),
}

/// Takes back what can be. It stops at the first step that stands for good, so that what remains is always a
/// beginning of the migration, from which a later run goes on.
///
/// # Errors
/// When the ledger cannot be read: then nothing is taken back.
pub async fn take_back(run: &Run<'_>, report: &mut Reporter<'_>) -> Result<Remains, SqlError> {
    let connection = &run.work.session.connection;
    let stored = run.of.read(connection).await?;
    // What has no outcome may have happened: the next run finds out, and nothing is decided before.
    if stored.iter().any(|step| step.standing == Standing::Begun) {
        return Ok(Remains::of(stored));
    }
    for chunk in chunks(&stored).into_iter().rev().filter(|chunk| chunk.iter().all(is_done)) {
        for step in chunk.iter().rev() {
            report(Progress::TakingBack { number: run.work.number, ordinal: step.id.0, sql: step.sql.clone() });
        }
        if one(run, chunk, report).await.is_err() {
            break;
        }
    }
    Ok(Remains::of(run.of.read(connection).await?))
}

fn is_done(step: &StoredStep) -> bool {
    step.standing == Standing::Done
}

/// What committed together is taken back together: each chunk is one transaction, or one step outside any.
fn chunks(stored: &[StoredStep]) -> Vec<&[StoredStep]> {
    stored.chunk_by(|_, next| next.run == RunMode::InTransaction { joins: true }).collect()
}

impl Remains {
    pub fn of(stored: Vec<StoredStep>) -> Self {
        let stands = |step: &StoredStep| matches!(step.standing, Standing::Begun | Standing::Done);
        let standing: Vec<_> = stored.into_iter().filter(stands).collect();
        if standing.is_empty() { Self::Nothing } else { Self::Steps(standing) }
    }
}

/// Why a step stands.
struct Stands;

async fn one(run: &Run<'_>, chunk: &[StoredStep], report: &mut Reporter<'_>) -> Result<(), Stands> {
    let session = run.work.session;
    let Some(first) = chunk.first() else { return Ok(()) };
    if let TakeBack::RunAlone(sql) = &first.take_back {
        let alone = RunMode::Standalone { settled: Settled::Again };
        let undo = Step { sql: sql.clone(), run: alone, ..first.as_step(run.work.number) };
        // The intent: killed meanwhile, the next run asks whether the step stands.
        let begin = async |connection: &Connection, _: &str| run.of.begin(connection, first.id).await;
        session.record(run.work.lease, begin).await.map_err(|_| Stands)?;
        run.outside(&undo, report).await.map_err(|_: Broken| Stands)?;
        let record = async |connection: &Connection, _: &str| run.of.taken_back(connection, &[first.id]).await;
        return session.record(run.work.lease, record).await.map_err(|_| Stands);
    }
    let mut undo = Vec::new();
    for step in chunk.iter().rev() {
        match &step.take_back {
            TakeBack::Run(sql) => undo.push(Step { sql: sql.clone(), ..step.as_step(run.work.number) }),
            TakeBack::NotNeeded => {}
            TakeBack::Impossible | TakeBack::RunAlone(_) => return Err(Stands),
        }
    }
    let ids: Vec<StepId> = chunk.iter().map(|step| step.id).collect();
    let record = async |connection: &Connection, _: &str| run.of.taken_back(connection, &ids).await;
    if undo.is_empty() {
        return session.record(run.work.lease, record).await.map_err(|_| Stands);
    }
    let record = async |connection: &Connection, transaction: &str| record(connection, transaction).await.map(Some);
    run.in_own_transaction(&undo, record, report).await.map_err(|_| Stands)
}
