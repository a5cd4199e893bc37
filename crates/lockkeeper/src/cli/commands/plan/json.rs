//! The plan as JSON.

use std::time::Duration;

use lockkeeper_core::model::LineIndex;
use lockkeeper_core::plan::{
    EstimateSource, InUse, Loss, PlannedMigration, RollbackClass, RunMode, Sample, Step, StepLock, estimate,
};
use serde_json::{Value, json};

use super::{Losses, findings, line_of};
use crate::cli::context::Context;

pub fn migration(migration: &PlannedMigration, losses: &Losses, samples: &[Sample], context: &Context<'_>) -> Value {
    let lines = LineIndex::new(&migration.up.text);
    json!({
        "number": migration.number.get(),
        "name": migration.name.as_str(),
        "kind": migration.name.kind().as_str(),
        "stage": migration.stage().number(),
        "path": migration.up.path.as_ref(),
        "checksum": migration.up.checksum.to_string(),
        "can_be_undone": migration.can_be_undone,
        "rollback_class": RollbackClass::of(migration).as_str(),
        "undo_loses": losses.get(&migration.number).map(|loss| match loss {
            Loss::Nothing => "nothing",
            Loss::Salvaged => "salvaged",
            Loss::Final(_) => "values",
        }),
        "undo_loses_because": losses.get(&migration.number).and_then(|loss| match loss {
            Loss::Nothing | Loss::Salvaged => None,
            Loss::Final(why) => Some(why.id),
        }),
        "steps": migration.steps.iter().map(|it| step(it, line_of(it, migration, &lines), samples, context)).collect::<Vec<_>>(),
        "findings": findings(migration, context).iter().map(|finding| json!({
            "rule": finding.rule,
            "path": finding.place.path.as_ref(),
            "line": finding.place.at.map(|at| at.line),
            "column": finding.place.at.map(|at| at.column),
        })).collect::<Vec<_>>(),
    })
}

fn step(step: &Step, line: usize, samples: &[Sample], context: &Context<'_>) -> Value {
    let took = estimate(step.work, samples);
    let seconds = |milliseconds: u64| Duration::from_millis(milliseconds).as_secs_f64();
    json!({
            "ordinal": step.id.0,
            "line": line,
            "sql": step.sql,
            "lock": step.lock().map(lock),
            "locks": step.locks.iter().map(lock).collect::<Vec<_>>(),
            "table": step.in_use.as_ref().map(table),
            "rewrites": step.rewrites,
            "scans": step.scans,
            "seconds_low": took.map(|took| seconds(took.low_ms)),
            "seconds_high": took.map(|took| seconds(took.high_ms)),
            "estimated_from": took.map(|took| took.from.as_str()),
            "estimated_from_steps": took.map(|took| match took.from {
                EstimateSource::History(_, steps) => steps,
                EstimateSource::Catalog | EstimateSource::DefaultRate(_) => 0,
            }),
            "run": match step.run {
                RunMode::InMigration => "in_migration",
                RunMode::InTransaction { joins: false } => "own_transaction",
                RunMode::InTransaction { joins: true } => "same_transaction",
                RunMode::Standalone { .. } => "standalone",
                RunMode::Backfill(_) => "backfill",
            },
            "statement": step.statement,
            "as_written": step.is_as_written(),
            "safe_because": {
                "id": step.safe_because.id,
                "text": context.printer.text(&step.safe_because),
            },
    })
}

fn lock(lock: &StepLock) -> Value {
    json!({
        "mode": lock.mode.as_str(),
        "table": lock.table,
        "blocks": lock.mode.blocks().as_str(),
        "on": lock.on.as_ref().map(table),
    })
}

fn table(used: &InUse) -> Value {
    json!({
        "name": used.table,
        "bytes": used.bytes,
        "rows": used.traffic.rows,
        "writes_per_min": used.traffic.writes_per_min,
        "reads_per_min": used.traffic.reads_per_min,
        "indexes": used.indexes,
        "index_bytes": used.index_bytes,
    })
}
