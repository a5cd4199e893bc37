//! Trying migrations in a shadow: up, down, up again, and both orders.

use lockkeeper_core::classify::{Facts, Fresh, Scope};
use lockkeeper_core::message;
use lockkeeper_core::model::{Answer, MigrationNumber, ObjectDifference, Problem, Stage, Verdict};
use lockkeeper_core::parse::MigrationPair;
use lockkeeper_core::plan::{PlannedMigration, Step, plan_up, read_down_script, steps};

use super::shadow::{Schema, Scratch, Shadow, differences};
use crate::postgres::read_facts;

/// How long a scratch database's locks are waited for: nobody else is there.
const LOCK_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(10);

/// The scratch databases.
const BY_FILES: &str = "files";
const BY_STAGES: &str = "stages";
const SAFE_STEPS: &str = "safe";

/// What one migration's trial came to.
#[derive(Debug)]
pub struct Trial {
    pub number: MigrationNumber,
    pub name: String,
    pub outcome: Outcome,
    /// What the safe steps leave different from the plain statements; `None` where there are none.
    pub rewritten: Option<Answer<Vec<ObjectDifference>>>,
}

#[derive(Debug)]
pub enum Outcome {
    /// Up, down and up again run, and lead where they should.
    Sound,
    /// The down script does nothing, so there is no way back to try.
    NoWayBack,
    UpFails(Box<Problem>),
    DownFails(Box<Problem>),
    UpAgainFails(Box<Problem>),
    /// What the down script leaves different from before, and the second up from the first.
    Differs {
        undone: Vec<ObjectDifference>,
        again: Vec<ObjectDifference>,
    },
}

/// What all trials came to.
#[derive(Debug)]
pub struct Verification {
    pub trials: Vec<Trial>,
    /// What stage order leaves different from file order; `None` where a migration failed before.
    pub orders: Option<Answer<Vec<ObjectDifference>>>,
    /// The major version of the shadow.
    pub server_major: i32,
}

impl Verification {
    /// Whether nothing is wrong.
    pub fn is_sound(&self) -> bool {
        self.trials.iter().all(Trial::is_sound)
            && self.orders.as_ref().is_some_and(|orders| orders.as_ref().is_ok_and(Vec::is_empty))
    }
}

impl Trial {
    /// What a gate goes by.
    pub fn verdict(&self) -> Verdict {
        if self.is_sound() { Verdict::Pass } else { Verdict::Fail }
    }

    /// What could not be tried, in words that programs know.
    pub fn not_verified(&self) -> Vec<String> {
        if matches!(self.outcome, Outcome::NoWayBack) { vec!["down".to_owned()] } else { Vec::new() }
    }

    pub fn is_sound(&self) -> bool {
        matches!(self.outcome, Outcome::Sound | Outcome::NoWayBack)
            && self.rewritten.as_ref().is_none_or(|it| it.as_ref().is_ok_and(Vec::is_empty))
    }
}

/// Tries all migrations of a folder, the older ones of which are the ground that the later ones stand on.
///
/// # Errors
/// Files that cannot be planned, a shadow that cannot be reached. What fails in the shadow is no error.
pub async fn verify(shadow: &Shadow, pairs: &[MigrationPair]) -> Answer<Verification> {
    let found = try_all(shadow, pairs).await;
    if found.is_err() {
        for name in [BY_FILES, BY_STAGES, SAFE_STEPS] {
            // The error that is told already says more than one about its traces.
            let _ = shadow.remove_named(name).await;
        }
    }
    found
}

async fn try_all(shadow: &Shadow, pairs: &[MigrationPair]) -> Answer<Verification> {
    let mut planned = Vec::new();
    let mut problems = Vec::new();
    for pair in pairs {
        match plan_up(pair) {
            Ok(migration) => planned.push(migration),
            Err(problem) => problems.push(problem),
        }
    }
    if let Some(problem) = Problem::all(problems) {
        return Err(problem);
    }
    let mut tried = shadow.database(BY_FILES).await?;
    let server_major = tried.connection.version().major();
    let mut safe = Some(shadow.database(SAFE_STEPS).await?);
    let mut trials = Vec::new();
    let mut before = tried.schema().await?;
    for (place, migration) in planned.iter().enumerate() {
        let (outcome, after) = trial(&tried, migration, &before).await?;
        let failed = matches!(outcome, Outcome::UpFails(_));
        let is_dirty = matches!(outcome, Outcome::DownFails(_) | Outcome::UpAgainFails(_) | Outcome::Differs { .. });
        let rewritten = match &safe {
            Some(scratch) if !failed => in_safe_steps(scratch, migration, &after).await.transpose(),
            _ => None,
        };
        // Behind a step that failed, nothing more can be told there.
        if let Some(scratch) = safe.take_if(|_| rewritten.as_ref().is_some_and(Result::is_err)) {
            shadow.remove(scratch).await?;
        }
        trials.push(Trial { number: migration.number, name: migration.name.to_string(), outcome, rewritten });
        if failed {
            break;
        }
        if is_dirty {
            // What a broken way back has left must not be held against the migrations behind it.
            shadow.remove(tried).await?;
            tried = shadow.database(BY_FILES).await?;
            for earlier in &planned[..=place] {
                tried.run(&earlier.up, &earlier.steps, &message!("verify-up")).await?;
            }
        }
        before = after;
    }
    shadow.remove(tried).await?;
    if let Some(scratch) = safe {
        shadow.remove(scratch).await?;
    }
    let orders = if trials.len() == planned.len() && !trials.iter().any(|it| matches!(it.outcome, Outcome::UpFails(_)))
    {
        Some(by_stages(shadow, &planned, &before).await?)
    } else {
        None
    };
    Ok(Verification { trials, orders, server_major })
}

/// One migration's trial, and the schema that its up leaves.
async fn trial(scratch: &Scratch, migration: &PlannedMigration, before: &Schema) -> Answer<(Outcome, Schema)> {
    if let Err(problem) = scratch.run(&migration.up, &migration.steps, &message!("verify-up")).await {
        return Ok((Outcome::UpFails(problem), before.clone()));
    }
    let after = scratch.schema().await?;
    let down = match down_steps(migration) {
        Ok(steps) if steps.is_empty() => return Ok((Outcome::NoWayBack, after)),
        Ok(steps) => steps,
        Err(problem) => return Ok((Outcome::DownFails(problem), after)),
    };
    if let Err(problem) = scratch.run(&migration.down, &down, &message!("verify-down")).await {
        return Ok((Outcome::DownFails(problem), after));
    }
    let undone = differences(before, &scratch.schema().await?);
    if let Err(problem) = scratch.run(&migration.up, &migration.steps, &message!("verify-up-again")).await {
        return Ok((Outcome::UpAgainFails(problem), after));
    }
    let again = differences(&after, &scratch.schema().await?);
    let outcome =
        if undone.is_empty() && again.is_empty() { Outcome::Sound } else { Outcome::Differs { undone, again } };
    Ok((outcome, after))
}

fn down_steps(migration: &PlannedMigration) -> Answer<Vec<Step>> {
    let script = read_down_script(&migration.down)?;
    steps(migration.number, &migration.down, &script, &Facts::default(), &Fresh::default())
}

/// Runs a migration as it would run where its tables are large, and compares with the plain statements' schema.
async fn in_safe_steps(
    scratch: &Scratch,
    migration: &PlannedMigration,
    plain: &Schema,
) -> Answer<Option<Vec<ObjectDifference>>> {
    let doing = message!("verify-safe-steps");
    let scope = Scope::of(&migration.script);
    let mut facts = read_facts(&scratch.connection, &scope, &[], LOCK_TIMEOUT)
        .await
        .map_err(|error| crate::ledger::problem(&error, doing.clone()))?;
    for relation in facts.relations.values_mut() {
        relation.bytes = u64::MAX;
    }
    // What is refused on a large table runs as it is written on a small one.
    let safe = migration.steps_with(&facts, &Fresh::default()).ok();
    let rewrites = safe.filter(|steps| steps.iter().any(|step| !step.is_as_written()));
    scratch.run(&migration.up, rewrites.as_ref().unwrap_or(&migration.steps), &doing).await?;
    match rewrites {
        Some(_) => Ok(Some(differences(plain, &scratch.schema().await?))),
        None => Ok(None),
    }
}

/// Stage 1 of all, then stage 2 of all: how the schema differs from the one of file order.
async fn by_stages(
    shadow: &Shadow,
    planned: &[PlannedMigration],
    by_files: &Schema,
) -> Answer<Answer<Vec<ObjectDifference>>> {
    let scratch = shadow.database(BY_STAGES).await?;
    for stage in [Stage::Expand, Stage::Contract] {
        for migration in planned.iter().filter(|migration| migration.stage() == stage) {
            if let Err(problem) = scratch.run(&migration.up, &migration.steps, &message!("verify-stage-order")).await {
                shadow.remove(scratch).await?;
                return Ok(Err(problem));
            }
        }
    }
    let found = differences(by_files, &scratch.schema().await?);
    shadow.remove(scratch).await?;
    Ok(Ok(found))
}
