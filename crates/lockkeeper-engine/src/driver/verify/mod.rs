//! Trying migrations in a shadow: up, down, up again, and both orders.

mod given;
mod locks;
mod roles;
mod rows;
mod shadow;
mod trial;

use std::collections::BTreeSet;
use std::time::Duration;

use lockkeeper_core::classify::{Facts, Fresh};
use lockkeeper_core::message;
use lockkeeper_core::model::{Answer, ObjectDifference, Problem, Stage, Verdict};
use lockkeeper_core::parse::{MigrationPair, ObjectKind, Script, Sql, Statement};
use lockkeeper_core::plan::{PlannedMigration, RunMode, Step, plan_up};

use super::session::stopped;
use crate::postgres::sqlstate;
use crate::seams::Stop;
pub use given::{Fate, GivenReport, GivenRows};
use rows::Filled;
pub use rows::RowsTrial;
pub use shadow::Shadow;
pub(super) use shadow::{Run, Scratch};
use shadow::{Schema, differences};
use trial::trial;
pub use trial::{LockFinding, Outcome, Trial};

/// How long a scratch database's locks are waited for: nobody else is there.
const LOCK_TIMEOUT: Duration = Duration::from_secs(10);

/// The scratch databases.
const BY_FILES: &str = "files";
const BY_STAGES: &str = "stages";
const SAFE_STEPS: &str = "safe";
const WITH_ROWS: &str = "rows";

/// What all trials came to.
#[derive(Debug)]
pub struct Verification {
    pub trials: Vec<Trial>,
    /// What stage order leaves different from file order; `None` where a migration failed before.
    pub orders: Option<Answer<Vec<ObjectDifference>>>,
    /// The major version of the shadow.
    pub server_major: i32,
    /// Roles that the migrations made on a named server and that could not be removed from it.
    pub roles_left: Vec<String>,
    /// What became of the rows that were given.
    pub given: Option<GivenReport>,
}

impl Verification {
    /// Fails where anything is wrong, and has no data where something could not be tried.
    pub fn verdict(&self) -> Verdict {
        let wrong_order = self.orders.as_ref().is_some_and(|orders| !orders.as_ref().is_ok_and(Vec::is_empty));
        let any = |verdict| self.trials.iter().any(|trial| trial.verdict() == verdict);
        if wrong_order || any(Verdict::Fail) {
            Verdict::Fail
        } else if any(Verdict::NoData) {
            Verdict::NoData
        } else {
            Verdict::Pass
        }
    }
}

/// Tries all migrations of a folder, the older ones of which are the ground that the later ones stand on. Nothing is
/// left of it, stopped or not. Rows that are given are put into their tables before a migration that can reach them,
/// and behind its up into those that it made, where a table has the columns of the dump and no rows.
///
/// # Errors
/// Files that cannot be planned, a shadow that cannot be reached, a stop. What fails in the shadow is no error.
pub async fn verify(
    shadow: &Shadow,
    pairs: &[MigrationPair],
    given: Option<GivenRows>,
    stop: &Stop,
) -> Answer<Verification> {
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
    let run = shadow.begin().await?;
    let roles = planned.iter().flat_map(roles::made_by).collect();
    let found = tokio::select! {
        found = try_all(&run, &planned, given) => found,
        cause = stop.asked() => Err(stopped(cause)),
    };
    let roles_left = run.end(&[BY_FILES, BY_STAGES, SAFE_STEPS, WITH_ROWS], &roles).await;
    found.map(|found| Verification { roles_left, ..found })
}

/// What the later migrations stand on: each with the steps of it that ran.
type Ground<'m> = Vec<(&'m PlannedMigration, Vec<Step>)>;

async fn try_all(run: &Run, planned: &[PlannedMigration], given: Option<GivenRows>) -> Answer<Verification> {
    let mut tried = run.database(BY_FILES).await?;
    tried.makes_roles = true;
    let server_major = tried.connection.version().major();
    let mut safe = run.database(SAFE_STEPS).await?;
    let mut filled = Filled::new(run.database(WITH_ROWS).await?, given);
    let mut trials: Vec<Trial> = Vec::new();
    let mut ground: Ground<'_> = Vec::new();
    let mut lacking = BTreeSet::new();
    let mut before = tried.schema().await?;
    let mut failed = false;
    for migration in planned {
        let lacks: BTreeSet<String> =
            made_in(&migration.script, ObjectKind::Extension).difference(&run.extensions).cloned().collect();
        let mut steps = migration.steps.clone();
        steps.retain(|step| !makes_one_of(migration, step, &lacks));
        lacking.extend(lacks.iter().cloned());
        let tried_now = trial(&tried, migration, &steps, &before, lacks.is_empty()).await?;
        let mut outcome = tried_now.outcome;
        let stands = !matches!(outcome, Outcome::UpFails(_));
        let is_unfounded =
            matches!(&outcome, Outcome::UpFails(problem) if lacks_ground(problem)) && !lacking.is_empty();
        if !lacks.is_empty() || is_unfounded {
            outcome = Outcome::LacksExtensions(lacking.clone());
        }
        failed = matches!(outcome, Outcome::UpFails(_));
        let left_half = !stands && steps.iter().any(|step| step.run != RunMode::InMigration);
        let is_dirty = outcome.leaves_traces() || left_half;
        let (mut rows, mut rewritten) = (None, None);
        if stands {
            ground.push((migration, steps.clone()));
            let names: Vec<String> = tried_now.reached.iter().cloned().collect();
            let plain = (&steps[..], &tried_now.after);
            // Two databases, and so two processes of the server at a time.
            let (with_rows, in_steps) = tokio::join!(
                filled.trial(migration, &steps, tried_now.down.as_deref(), &names),
                in_safe_steps(&safe, migration, plain, &tried_now.facts)
            );
            rewritten = in_steps.transpose();
            let (trial, is_clean) = with_rows?;
            rows = Some(trial);
            if !is_clean || is_dirty {
                let Filled { scratch, next, given, .. } = filled;
                filled = Filled::renewed(next, rebuilt(run, scratch, &ground).await?, given);
            }
        }
        // What went wrong there must not be held against the migrations behind it.
        let went_wrong = rewritten.as_ref().is_some_and(|it| !it.as_ref().is_ok_and(Vec::is_empty));
        if went_wrong {
            safe = rebuilt(run, safe, &ground).await?;
        }
        let (number, name) = (migration.number, migration.name.to_string());
        let (locks, stage) = (tried_now.locks, migration.stage());
        trials.push(Trial { number, name, outcome, rewritten, locks, stage, rows });
        if failed {
            break;
        }
        if is_dirty {
            // What a broken way back has left must not be held against the migrations behind it.
            tried = rebuilt(run, tried, &ground).await?;
        }
        before = tried_now.after;
    }
    run.remove(tried).await?;
    let given = filled.given.map(GivenRows::report);
    run.remove(filled.scratch).await?;
    run.remove(safe).await?;
    let orders = if failed { None } else { Some(by_stages(run, &ground, &before).await?) };
    Ok(Verification { trials, orders, server_major, roles_left: Vec::new(), given })
}

/// A new database with the same ground.
async fn rebuilt(run: &Run, old: Scratch, ground: &Ground<'_>) -> Answer<Scratch> {
    let (makes_roles, name) = (old.makes_roles, old.name.clone());
    run.remove(old).await?;
    let mut scratch = run.database(&name).await?;
    for (migration, steps) in ground {
        scratch.run(&migration.up, steps, None, &message!("verify-up")).await?;
    }
    scratch.makes_roles = makes_roles;
    Ok(scratch)
}

/// Whether a step makes an extension that is not to be had. What stands in a body cannot be left out.
fn makes_one_of(migration: &PlannedMigration, step: &Step, lacks: &BTreeSet<String>) -> bool {
    let Some(statement) = migration.script.statements.iter().find(|it| it.span == step.span) else { return false };
    matches!(&statement.sql, Sql::Create { object: ObjectKind::Extension, name: Some(name), .. } if lacks.contains(name.name.as_str()))
}

/// What a script makes of that kind, in bodies that run with it too.
fn made_in(script: &Script, kind: ObjectKind) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut look = |statement: &Statement| {
        if let Sql::Create { object, name: Some(name), .. } = &statement.sql
            && *object == kind
        {
            found.insert(name.name.as_str().to_owned());
        }
    };
    for statement in &script.statements {
        match &statement.sql {
            Sql::Do(body) => body.all_statements().into_iter().for_each(&mut look),
            _ => look(statement),
        }
    }
    found
}

/// Whether a statement failed because something that it names is not there.
fn lacks_ground(problem: &Problem) -> bool {
    let missing = [
        sqlstate::UNDEFINED_OBJECT,
        sqlstate::UNDEFINED_TABLE,
        sqlstate::UNDEFINED_COLUMN,
        sqlstate::UNDEFINED_FUNCTION,
        sqlstate::INVALID_SCHEMA_NAME,
    ];
    problem.server.as_ref().is_some_and(|server| missing.contains(&server.sqlstate.as_str()))
}

/// Runs a migration as it would run where its tables are large, and compares with the plain statements' schema.
async fn in_safe_steps(
    scratch: &Scratch,
    migration: &PlannedMigration,
    plain: (&[Step], &Schema),
    facts: &Facts,
) -> Answer<Option<Vec<ObjectDifference>>> {
    let (steps, plain) = plain;
    let doing = message!("verify-safe-steps");
    let mut facts = facts.clone();
    for relation in facts.relations.values_mut() {
        relation.bytes = u64::MAX;
    }
    // What is refused on a large table runs as it is written on a small one.
    let safe = migration.steps_with(&facts, &Fresh::default()).ok();
    let is_whole = steps.len() == migration.steps.len();
    let rewrites = safe.filter(|steps| is_whole && steps.iter().any(|step| !step.is_as_written()));
    scratch.run(&migration.up, rewrites.as_deref().unwrap_or(steps), None, &doing).await?;
    match rewrites {
        Some(_) => Ok(Some(differences(plain, &scratch.schema().await?))),
        None => Ok(None),
    }
}

/// Stage 1 of all, then stage 2 of all: how the schema differs from the one of file order.
async fn by_stages(run: &Run, ground: &Ground<'_>, by_files: &Schema) -> Answer<Answer<Vec<ObjectDifference>>> {
    let scratch = run.database(BY_STAGES).await?;
    for stage in [Stage::Expand, Stage::Contract] {
        for (migration, steps) in ground.iter().filter(|(migration, _)| migration.stage() == stage) {
            if let Err(problem) = scratch.run(&migration.up, steps, None, &message!("verify-stage-order")).await {
                run.remove(scratch).await?;
                return Ok(Err(problem));
            }
        }
    }
    let found = differences(by_files, &scratch.schema().await?);
    run.remove(scratch).await?;
    Ok(Ok(found))
}
