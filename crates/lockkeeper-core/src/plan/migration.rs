//! A pair of files → a migration that is ready to run, or everything that is wrong with it.

use super::step::{Step, steps};
use crate::classify::{Effect, Facts, Fresh, StageDecision, decide_stage, effects};
use crate::message;
use crate::model::{MigrationName, MigrationNumber, Place, Problem, Span, Stage};
use crate::parse::{DirectiveKind, MigrationFile, MigrationPair, Script, parse};

/// A migration that was read, understood and put to a stage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedMigration {
    pub number: MigrationNumber,
    pub name: MigrationName,
    pub decision: StageDecision,
    pub effects: Vec<Effect>,
    pub script: Script,
    /// As they are without a database; see [`PlannedMigration::steps_with`].
    pub steps: Vec<Step>,
    /// Whether its down script does anything.
    pub can_be_undone: bool,
    /// What is wrong with its down script, so that nothing can undo it as it stands.
    pub down_problem: Option<Box<Problem>>,
    pub up: MigrationFile,
    pub down: MigrationFile,
}

impl PlannedMigration {
    pub const fn stage(&self) -> Stage {
        self.decision.stage
    }

    /// The steps on a database of which these facts are known. `fresh` is what earlier migrations of the same
    /// release create.
    pub fn steps_with(&self, facts: &Facts, fresh: &Fresh) -> Result<Vec<Step>, Box<Problem>> {
        steps(self.number, &self.up, &self.script, facts, fresh)
    }
}

/// Plans one migration whose way back must be sound. Every problem of both of its files is reported at once.
pub fn plan_migration(pair: &MigrationPair) -> Result<PlannedMigration, Box<Problem>> {
    match plan_up(pair) {
        Ok(PlannedMigration { down_problem: Some(problem), .. }) => Err(problem),
        Ok(planned) => Ok(planned),
        Err(mut problem) => {
            problem.others.extend(plan_down(pair).err().map(|down| *down));
            Err(problem)
        }
    }
}

/// Plans one migration whatever its down script is like: for an adopted history, which is as it is.
pub fn plan_up(pair: &MigrationPair) -> Result<PlannedMigration, Box<Problem>> {
    let up = parse(&pair.up.text);
    if let Some(problem) = Problem::all(diagnostics(&pair.up, &up)) {
        return Err(problem);
    }
    if up.statements.is_empty() {
        return Err(Problem::refused(message!("file-without-statement", path = pair.up.path.as_ref()))
            .at(Place::file(pair.up.path.clone()))
            .hint(message!("file-empty-hint")));
    }
    let effects = effects(&up);
    let steps = steps(pair.number, &pair.up, &up, &Facts::default(), &Fresh::default());
    let (decision, steps) = match (decide_stage(&pair.name, &pair.up, &up, &effects), steps) {
        (Ok(decision), Ok(steps)) => (decision, steps),
        (Err(problem), Ok(_)) | (Ok(_), Err(problem)) => return Err(problem),
        (Err(mut problem), Err(other)) => {
            problem.others.push(*other);
            return Err(problem);
        }
    };
    let down = plan_down(pair);
    Ok(PlannedMigration {
        number: pair.number,
        name: pair.name.clone(),
        decision,
        effects,
        script: up,
        steps,
        can_be_undone: down.as_ref().is_ok_and(|steps| !steps.is_empty()),
        down_problem: down.err(),
        up: pair.up.clone(),
        down: pair.down.clone(),
    })
}

fn plan_down(pair: &MigrationPair) -> Result<Vec<Step>, Box<Problem>> {
    let down = parse(&pair.down.text);
    let mut problems = diagnostics(&pair.down, &down);
    if let Some(span) = stage_directive_span(&down) {
        problems.push(Problem::refused(message!("directive-stage-in-down")).at(Place::span(
            pair.down.path.clone(),
            &pair.down.text,
            span,
        )));
    }
    match Problem::all(problems) {
        Some(problem) => Err(problem),
        None => steps(pair.number, &pair.down, &down, &Facts::default(), &Fresh::default()),
    }
}

fn diagnostics(file: &MigrationFile, script: &Script) -> Vec<Box<Problem>> {
    script.diagnostics.iter().map(|diagnostic| diagnostic.clone().problem(&file.path, &file.text)).collect()
}

fn stage_directive_span(script: &Script) -> Option<Span> {
    let is_stage = |kind: &DirectiveKind| matches!(kind, DirectiveKind::Stage { .. });
    script.directives.iter().find(|directive| is_stage(&directive.kind)).map(|directive| directive.span)
}
