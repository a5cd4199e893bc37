//! A pair of files → a migration that is ready to run, or everything that is wrong with it.

use super::step::{Step, steps};
use crate::classify::{Effect, StageDecision, decide_stage, effects};
use crate::message;
use crate::model::{MigrationName, MigrationNumber, Place, Problem, Stage};
use crate::parse::{MigrationFile, MigrationPair, Script, parse};

/// A migration that was read, understood and put to a stage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedMigration {
    pub number: MigrationNumber,
    pub name: MigrationName,
    pub decision: StageDecision,
    pub effects: Vec<Effect>,
    pub steps: Vec<Step>,
    /// Whether its down script does anything.
    pub can_be_undone: bool,
    pub up: MigrationFile,
    pub down: MigrationFile,
}

impl PlannedMigration {
    pub const fn stage(&self) -> Stage {
        self.decision.stage
    }
}

/// Plans one migration. Every problem of both of its files is reported at once.
pub fn plan_migration(pair: &MigrationPair) -> Result<PlannedMigration, Box<Problem>> {
    let up = parse(&pair.up.text);
    let down = parse(&pair.down.text);
    let mut problems = diagnostics(&pair.up, &up);
    problems.extend(diagnostics(&pair.down, &down));
    if let Some((span, _)) = stage_directive_span(&down) {
        problems.push(Problem::refused(message!("directive-stage-in-down")).at(Place::span(
            pair.down.path.clone(),
            &pair.down.text,
            span,
        )));
    }
    if let Some(problem) = Problem::all(problems) {
        return Err(problem);
    }
    if up.statements.is_empty() {
        return Err(Problem::refused(message!("file-without-statement", path = pair.up.path.as_ref()))
            .at(Place::file(pair.up.path.clone()))
            .hint(message!("file-empty-hint")));
    }
    let effects = effects(&up);
    let found = (
        decide_stage(&pair.name, &pair.up, &up, &effects),
        steps(pair.number, &pair.up, &up),
        steps(pair.number, &pair.down, &down),
    );
    match found {
        (Ok(decision), Ok(steps), Ok(down_steps)) => Ok(PlannedMigration {
            number: pair.number,
            name: pair.name.clone(),
            decision,
            effects,
            steps,
            can_be_undone: !down_steps.is_empty(),
            up: pair.up.clone(),
            down: pair.down.clone(),
        }),
        (decision, up_steps, down_steps) => {
            let problems = [decision.err(), up_steps.err(), down_steps.err()].into_iter().flatten();
            Err(Problem::all(problems)
                .unwrap_or_else(|| Problem::refused(message!("file-empty", path = pair.up.path.as_ref()))))
        }
    }
}

fn diagnostics(file: &MigrationFile, script: &Script) -> Vec<Box<Problem>> {
    script.diagnostics.iter().map(|diagnostic| diagnostic.clone().problem(&file.path, &file.text)).collect()
}

fn stage_directive_span(script: &Script) -> Option<(crate::model::Span, Stage)> {
    script.directives.iter().find_map(|directive| match &directive.kind {
        crate::parse::DirectiveKind::Stage { stage, .. } => Some((directive.span, *stage)),
        crate::parse::DirectiveKind::NoTransaction => None,
    })
}
