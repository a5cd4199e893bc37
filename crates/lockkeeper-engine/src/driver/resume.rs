//! A migration that stopped between its steps goes on with the steps on record.

use std::sync::Arc;

use lockkeeper_core::message;
use lockkeeper_core::model::{Answer, Place, Problem};
use lockkeeper_core::parse::MigrationFile;
use lockkeeper_core::plan::{RunMode, Step, StepId};

use crate::ledger::{Standing, StoredStep};

/// The steps that are to run, those that ran already among them.
pub struct Resumed {
    pub steps: Vec<Step>,
    /// The last step on record that stays as it is; what comes behind it is planned anew.
    pub behind: StepId,
}

/// Puts the steps on record before those that are planned now. A statement of which something stands goes on as
/// it was planned then: the tables have changed since, and a new plan would not fit what is half done.
///
/// # Errors
/// When the file has changed where steps stand already: it may be mended behind them, not among them.
pub fn resume(planned: Vec<Step>, stored: &[StoredStep], file: &MigrationFile) -> Answer<Resumed> {
    let stands = |step: &&StoredStep| matches!(step.standing, Standing::Begun | Standing::Done);
    let Some(last) = stored.iter().filter(stands).map(|step| step.statement).max() else {
        return Ok(Resumed { steps: planned, behind: StepId(0) });
    };
    let mut steps = Vec::new();
    for step in stored.iter().filter(|step| step.statement <= last) {
        let Some(now) = planned.iter().find(|now| now.statement == step.statement && now.source == step.source) else {
            return Err(changed(step, file, &planned));
        };
        // Of a step that is not the statement as written only the record tells what it does.
        let is_own = now.sql == step.sql;
        steps.push(Step {
            id: step.id,
            sql: step.sql.clone(),
            run: step.run.clone(),
            take_back: step.take_back.clone(),
            locks: if is_own { now.locks.clone() } else { Vec::new() },
            rewrites: is_own && now.rewrites,
            scans: is_own && now.scans,
            ..now.clone()
        });
    }
    let behind = steps.last().map_or(StepId(0), |step| step.id);
    let rest = planned.into_iter().filter(|step| step.statement > last);
    steps.extend((behind.0 + 1..).zip(rest).map(|(id, step)| Step { id: StepId(id), ..step }));
    // What stood before it in the new plan may have shared a transaction; on record nothing is left to join.
    if let Some(first) = steps.iter_mut().find(|step| step.id > behind)
        && first.run == (RunMode::InTransaction { joins: true })
    {
        first.run = RunMode::InTransaction { joins: false };
    }
    Ok(Resumed { steps, behind })
}

fn changed(step: &StoredStep, file: &MigrationFile, planned: &[Step]) -> Box<Problem> {
    let number = planned.first().map_or_else(String::new, |step| step.migration.to_string());
    Problem::refused(message!("steps-changed", number = number, ordinal = step.statement, sql = step.source.as_str()))
        .at(Place::file(Arc::clone(&file.path)))
        .hint(message!("steps-changed-hint"))
}
