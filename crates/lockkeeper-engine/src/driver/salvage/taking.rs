//! Whether what a down script destroys can be kept, and the steps that keep it.

use std::collections::BTreeMap;

use lockkeeper_core::classify::{Facts, Fresh};
use lockkeeper_core::message;
use lockkeeper_core::model::{Answer, ExitClass, Message, MigrationNumber, Problem};
use lockkeeper_core::parse::{MigrationFile, ObjectName, Script};
use lockkeeper_core::plan::{
    Loss, PlannedMigration, Ruin, RunMode, Salvage, Step, TableShape, Undoing, read_down_script, ruins, salvages,
    steps_as_written,
};

use super::{BYTES_MAX, BYTES_MAX_LATER};
use crate::driver::session::Limits;
use crate::driver::steps::{plan_steps, search_paths};
use crate::postgres::{Connection, read_table_shapes};

/// A down script that is ready to run, and what is kept before it does.
#[derive(Debug, Clone)]
pub struct Prepared {
    pub steps: Vec<Step>,
    /// Or why what it destroys cannot be kept.
    pub salvage: Result<Vec<Salvage>, Message>,
}

/// Plans a down script together with what keeps the values that it destroys.
///
/// # Errors
/// As [`plan_steps`]; tables that cannot be looked at.
pub async fn prepare(
    connection: &Connection,
    number: MigrationNumber,
    file: &MigrationFile,
    script: &Script,
    limits: &Limits,
) -> Answer<Prepared> {
    let steps = plan_steps(connection, number, file, script, &Fresh::default(), limits).await?;
    let salvage = match ruins(script) {
        Ok(ruins) => kept(connection, file, script, &ruins, Looked::UnderTheLease, limits).await?,
        Err(why) => Err(why),
    };
    let Ok(kept) = &salvage else { return Ok(Prepared { steps, salvage }) };
    if kept.is_empty() {
        return Ok(Prepared { steps, salvage });
    }
    let seems_empty = kept.iter().all(|it| it.seems_empty);
    Ok(match in_one(number, file, script, steps.clone()) {
        Some(steps) => Prepared { steps, salvage },
        // Transaction by transaction nothing can be kept, and there is nothing.
        None if seems_empty => Prepared { steps, salvage: Ok(Vec::new()) },
        None => Prepared { steps, salvage: Err(message!("loss-not-in-one")) },
    })
}

/// What is lost when each of these is undone by that script, as the database is now. Tables that are not there yet
/// will be new, and hold what can be kept.
///
/// # Errors
/// Tables that cannot be looked at.
pub async fn losses<'p>(
    connection: &Connection,
    migrations: impl Iterator<Item = (&'p PlannedMigration, &'p MigrationFile)>,
    limits: &Limits,
) -> Answer<BTreeMap<MigrationNumber, Loss>> {
    let mut losses = BTreeMap::new();
    for (migration, down) in migrations {
        let loss = match Undoing::of(migration, down) {
            Undoing::LosesNothing => Loss::Nothing,
            Undoing::Loses(why) => Loss::Final(why),
            Undoing::Destroys(ruins) => {
                match of_ruins(connection, migration.number, down, &ruins, limits).await {
                    // A table that somebody holds is told of, and holds nobody up.
                    Err(problem) if problem.exit == ExitClass::Busy => {
                        Loss::Final(message!("loss-unknown", why = problem.message.clone()))
                    }
                    loss => loss?,
                }
            }
        };
        losses.insert(migration.number, loss);
    }
    Ok(losses)
}

async fn of_ruins(
    connection: &Connection,
    number: MigrationNumber,
    down: &MigrationFile,
    ruins: &[Ruin],
    limits: &Limits,
) -> Answer<Loss> {
    let script = read_down_script(down)?;
    let steps = plan_steps(connection, number, down, &script, &Fresh::default(), limits).await;
    // What cannot be planned on tables that are not there yet, can be when they are.
    if let Ok(steps) = steps
        && in_one(number, down, &script, steps).is_none()
    {
        return Ok(Loss::Final(message!("loss-not-in-one")));
    }
    Ok(match kept(connection, down, &script, ruins, Looked::Ahead, limits).await? {
        Ok(_) => Loss::Salvaged,
        Err(why) => Loss::Final(why),
    })
}

/// The steps in the one transaction in which values are kept and destroyed. What was made several steps only because
/// tables are in use runs as it is written, where the lock that is held anyway is all it needs.
fn in_one(number: MigrationNumber, file: &MigrationFile, script: &Script, steps: Vec<Step>) -> Option<Vec<Step>> {
    let is_one = |steps: &[Step]| steps.iter().all(|step| step.run == RunMode::InMigration);
    if is_one(&steps) {
        return Some(steps);
    }
    let written = steps_as_written(number, file, script, &Facts::default(), &Fresh::default()).ok()?;
    let is_light = written.iter().all(|step| !step.rewrites && !step.scans);
    (is_one(&written) && is_light).then_some(written)
}

/// When the tables are looked at.
#[derive(Clone, Copy)]
enum Looked {
    /// Before the migration is applied, or before it is undone: tables grow, and columns are still to come.
    Ahead,
    UnderTheLease,
}

async fn kept(
    connection: &Connection,
    file: &MigrationFile,
    script: &Script,
    ruins: &[Ruin],
    looked: Looked,
    limits: &Limits,
) -> Answer<Result<Vec<Salvage>, Message>> {
    let is_unqualified = |ruin: &Ruin| ruin.table().schema.is_none();
    if ruins.iter().any(is_unqualified) && !search_paths(file, script).is_empty() {
        return Ok(Err(message!("loss-search-path")));
    }
    let mut names: Vec<ObjectName> = ruins.iter().map(|ruin| ruin.table().clone()).collect();
    names.sort();
    names.dedup();
    let shapes = shapes(connection, &names, limits).await?;
    Ok(match looked {
        Looked::Ahead => salvages(ruins, &shapes, BYTES_MAX, true),
        Looked::UnderTheLease => salvages(ruins, &shapes, BYTES_MAX_LATER, false),
    })
}

pub(super) async fn shapes(
    connection: &Connection,
    names: &[ObjectName],
    limits: &Limits,
) -> Answer<BTreeMap<ObjectName, TableShape>> {
    read_table_shapes(connection, names, limits.lock_timeout).await.map_err(|error| {
        let exit = if error.is_transient() { ExitClass::Busy } else { ExitClass::MigrationFailed };
        error.problem(exit, message!("salvage-tables-unreadable")).note(message!("nothing-changed"))
    })
}

/// The refusal of a rollback that would lose values.
pub fn would_lose(number: MigrationNumber, why: &Message, point: &str) -> Box<Problem> {
    Problem::refused(message!("rollback-would-lose", number = number.to_string(), why = why.clone()))
        .note(message!("rollback-would-lose-why"))
        .hint(message!("rollback-would-lose-backup-hint"))
        .hint(message!("rollback-would-lose-flag-hint", point = point))
}
