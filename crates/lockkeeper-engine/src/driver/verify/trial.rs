//! One migration's trial: up, down and up again, and what it locks.

use std::collections::BTreeSet;
use std::sync::Arc;

use lockkeeper_core::classify::{Facts, Fresh};
use lockkeeper_core::message;
use lockkeeper_core::model::{Answer, MigrationNumber, ObjectDifference, Place, Problem, Stage, Verdict};
use lockkeeper_core::parse::MigrationFile;
use lockkeeper_core::plan::{LockDifference, PlannedMigration, Step, read_down_script, steps};

use super::locks::LockWatch;
use super::rows::RowsTrial;
use super::shadow::{Schema, Scratch, differences};

/// What one migration's trial came to.
#[derive(Debug)]
pub struct Trial {
    pub number: MigrationNumber,
    pub name: String,
    pub outcome: Outcome,
    /// What the safe steps leave different from the plain statements; `None` where there are none.
    pub rewritten: Option<Answer<Vec<ObjectDifference>>>,
    pub locks: Vec<LockFinding>,
    pub stage: Stage,
    /// What became of rows; `None` where there was nothing to try.
    pub rows: Option<RowsTrial>,
}

/// A lock that was taken otherwise than told.
#[derive(Debug)]
pub struct LockFinding {
    pub place: Place,
    pub lock: LockDifference,
}

#[derive(Debug)]
pub enum Outcome {
    /// Up, down and up again run, and lead where they should.
    Sound,
    /// The down script does nothing, so there is no way back to try.
    NoWayBack,
    /// These extensions are not to be had in the shadow, and this migration or what it stands on needs them.
    LacksExtensions(BTreeSet<String>),
    UpFails(Box<Problem>),
    DownFails(Box<Problem>),
    UpAgainFails(Box<Problem>),
    /// What the down script leaves different from before, and the second up from the first.
    Differs {
        undone: Vec<ObjectDifference>,
        again: Vec<ObjectDifference>,
    },
}

impl Outcome {
    /// Whether the database is not what the up scripts alone would have made of it.
    pub const fn leaves_traces(&self) -> bool {
        matches!(self, Self::DownFails(_) | Self::UpAgainFails(_) | Self::Differs { .. })
    }
}

impl Trial {
    /// What a gate goes by.
    pub fn verdict(&self) -> Verdict {
        let is_safe = self.rewritten.as_ref().is_none_or(|it| it.as_ref().is_ok_and(Vec::is_empty));
        let as_told = !self.locks.iter().any(|it| it.lock.breaks_promise());
        let loses = self.rows.as_ref().is_some_and(|rows| rows.breaks_promise(self.stage));
        match &self.outcome {
            Outcome::Sound | Outcome::NoWayBack | Outcome::LacksExtensions(_) if !is_safe || !as_told || loses => {
                Verdict::Fail
            }
            // Given rows are real: what does not run on them is not sound, and not ours to call broken.
            Outcome::Sound | Outcome::NoWayBack if self.rows.as_ref().is_some_and(RowsTrial::fails_on_given) => {
                Verdict::NoData
            }
            Outcome::Sound | Outcome::NoWayBack => Verdict::Pass,
            Outcome::LacksExtensions(_) => Verdict::NoData,
            Outcome::UpFails(_) | Outcome::DownFails(_) | Outcome::UpAgainFails(_) | Outcome::Differs { .. } => {
                Verdict::Fail
            }
        }
    }

    /// What could not be tried, in words that programs know.
    pub fn not_verified(&self) -> Vec<String> {
        let mut found: Vec<String> = match &self.outcome {
            Outcome::NoWayBack => vec!["down".to_owned()],
            Outcome::LacksExtensions(names) => names.iter().map(|name| format!("extension {name}")).collect(),
            _ => Vec::new(),
        };
        if let Some(rows) = &self.rows {
            found.extend(rows.failed.iter().map(|_| "rows".to_owned()));
            found.extend(rows.not_filled.iter().map(|table| format!("rows of {table}")));
        }
        found
    }
}

/// What a trial found besides its outcome.
pub struct Tried {
    pub outcome: Outcome,
    /// The schema that the up leaves.
    pub after: Schema,
    /// What was known before the up.
    pub facts: Facts,
    pub locks: Vec<LockFinding>,
    /// The tables that the migration and its way back can reach.
    pub reached: BTreeSet<String>,
    /// The way back, where it runs.
    pub down: Option<Vec<Step>>,
}

/// Tries a migration's up, and where the ground is whole its way back.
pub async fn trial(
    scratch: &Scratch,
    migration: &PlannedMigration,
    up: &[Step],
    before: &Schema,
    and_back: bool,
) -> Answer<Tried> {
    let (mut watch, facts) =
        LockWatch::begin(&scratch.connection, migration.number, &migration.up, &migration.script).await?;
    let reached = facts.relations.keys().map(ToString::to_string).collect();
    let (outcome, after) = (Outcome::Sound, before.clone());
    let mut tried = Tried { outcome, after, facts, locks: Vec::new(), reached, down: None };
    if let Err(problem) = scratch.run(&migration.up, up, Some(&mut watch), &message!("verify-up")).await {
        tried.outcome = Outcome::UpFails(problem);
        return Ok(tried);
    }
    tried.locks.extend(placed(&migration.up, watch.found));
    tried.after = scratch.schema().await?;
    if and_back {
        tried.outcome = way_back(scratch, migration, before, &mut tried).await?;
    }
    Ok(tried)
}

async fn way_back(
    scratch: &Scratch,
    migration: &PlannedMigration,
    before: &Schema,
    tried: &mut Tried,
) -> Answer<Outcome> {
    let script = match read_down_script(&migration.down) {
        Ok(script) => script,
        Err(problem) => return Ok(Outcome::DownFails(problem)),
    };
    let down = match steps(migration.number, &migration.down, &script, &Facts::default(), &Fresh::default()) {
        Ok(down) if down.is_empty() => return Ok(Outcome::NoWayBack),
        Ok(down) => down,
        Err(problem) => return Ok(Outcome::DownFails(problem)),
    };
    let (mut watch, facts) = LockWatch::begin(&scratch.connection, migration.number, &migration.down, &script).await?;
    if let Err(problem) = scratch.run(&migration.down, &down, Some(&mut watch), &message!("verify-down")).await {
        return Ok(Outcome::DownFails(problem));
    }
    tried.locks.extend(placed(&migration.down, watch.found));
    tried.reached.extend(facts.relations.keys().map(ToString::to_string));
    let undone = differences(before, &scratch.schema().await?);
    if let Err(problem) = scratch.run(&migration.up, &migration.steps, None, &message!("verify-up-again")).await {
        return Ok(Outcome::UpAgainFails(problem));
    }
    tried.down = Some(down);
    let again = differences(&tried.after, &scratch.schema().await?);
    Ok(if undone.is_empty() && again.is_empty() { Outcome::Sound } else { Outcome::Differs { undone, again } })
}

fn placed(file: &MigrationFile, found: Vec<LockDifference>) -> impl Iterator<Item = LockFinding> {
    found.into_iter().map(|lock| {
        let place = Place::span(Arc::clone(&file.path), &file.text, lock.span);
        LockFinding { place, lock }
    })
}
