//! `plan`: what would run, stage by stage.

mod json;
mod markdown;

use std::collections::BTreeMap;

use lockkeeper_core::classify::Facts;
use lockkeeper_core::message;
use lockkeeper_core::model::{
    Answer, Blocks, LineIndex, LockMode, Message, MigrationNumber, PlanDigest, Problem, Stage,
};
use lockkeeper_core::parse::MigrationPair;
use lockkeeper_core::plan::{
    Estimate, EstimateSource, InUse, Loss, PlanEntry, PlannedMigration, RollbackClass, Sample, Step, StepLock,
    estimate, plan_migration, stage2_digest, survey,
};
use lockkeeper_engine::driver::{losses, plan_to_show, stopped_in_stage2};
use lockkeeper_engine::ledger::{LedgerSnapshot, read, read_problem, read_samples};
use lockkeeper_lint::check::{Options, check};
use lockkeeper_lint::report::{Finding, Severity};
use lockkeeper_lint::rule::{Migration, Policy};

use crate::cli::context::{Context, first_line};
use crate::printer::Tone;

/// A seed file's hundred thousand rows would hide what matters; `--json` has every step.
const STEPS_SHOWN: usize = 40;

/// So would a partitioned table's hundred partitions.
const LOCKS_SHOWN: usize = 5;

/// Show what would run: statements, locks, rewrites, hazards, and the digest that an approval signs
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  lockkeeper plan\n  lockkeeper plan --format markdown\n  lockkeeper plan --json | jq .digest"
)]
pub struct Args {
    /// How it is shown: for a terminal, or as Markdown for a pull request
    #[arg(long, value_name = "FORMAT", value_enum, default_value = "human")]
    pub format: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    Human,
    Markdown,
}

pub async fn run(args: &Args, context: &Context<'_>) -> Answer<u8> {
    let pairs = context.pairs()?;
    let connection = context.connect().await?;
    let snapshot = read(&connection).await?;
    let applied = snapshot.as_ref().map(LedgerSnapshot::applied_migrations).unwrap_or_default();
    let survey = survey(&pairs, &applied);
    let printer = context.printer;
    for notice in &survey.notices {
        printer.note_in(notice, Tone::Waiting);
    }
    let mut problems = survey.problems;
    let mut planned = Vec::new();
    for pair in survey.pending {
        match plan_migration(pair) {
            Ok(migration) => planned.push(migration),
            Err(problem) => problems.push(problem),
        }
    }
    if let Some(problem) = Problem::all(problems) {
        return Err(problem);
    }
    let planned = plan_to_show(&connection, planned, &context.limits()).await?;
    let losses = losses(&connection, planned.iter().map(|it| (it, &it.down)), &context.limits()).await?;
    let samples = match &snapshot {
        Some(_) => read_samples(&connection).await.map_err(|error| read_problem(&error, &connection))?,
        None => Vec::new(),
    };
    if planned.is_empty() {
        printer.say(&message!("plan-nothing"));
    }
    for stage in [Stage::Expand, Stage::Contract] {
        match args.format {
            Format::Human => tell_stage(stage, &planned, &losses, &samples, context),
            Format::Markdown => markdown::tell(stage, &planned, &losses, &samples, context),
        }
    }
    let digest = digest(snapshot.as_ref(), &pairs, &planned)?;
    if let Some(digest) = digest {
        printer.line("");
        printer.say(&message!("plan-digest", digest = digest.to_string()));
    }
    printer.answer(&serde_json::json!({
        "migrations": planned.iter().map(|migration| json::migration(migration, &losses, &samples, context)).collect::<Vec<_>>(),
        "digest": digest.map(|digest| digest.to_string()),
    }));
    Ok(0)
}

/// There is nothing to approve without a ledger or without a stage 2.
fn digest(
    snapshot: Option<&LedgerSnapshot>,
    pairs: &[MigrationPair],
    planned: &[PlannedMigration],
) -> Answer<Option<PlanDigest>> {
    let Some(snapshot) = snapshot else { return Ok(None) };
    let stopped = stopped_in_stage2(snapshot, pairs)?;
    let contract: Vec<_> =
        stopped.iter().chain(planned).filter(|it| it.stage() == Stage::Contract).map(PlanEntry::from).collect();
    Ok((!contract.is_empty()).then(|| stage2_digest(&snapshot.ledger_id, contract)))
}

fn findings(migration: &PlannedMigration, context: &Context<'_>) -> Vec<Finding> {
    let read = [Migration::read(&migration.name, &migration.up, Some(&migration.down))];
    let options = Options {
        // The facts tell which statements become safe steps: no need to guess.
        policy: Policy { version: context.settings.lint.version, safe_rewrites: false },
        severities: context.settings.lint.severities.clone(),
        allowed: context.settings.lint.allowed.clone(),
        release_from: None,
        facts: Facts::default(),
    };
    let mut findings = check(&read, &options).findings;
    findings.retain(|finding| finding.severity > Severity::Note);
    // What becomes safe steps is no hazard any more.
    let lines = LineIndex::new(&migration.up.text);
    let line = |at: usize| lines.place(&migration.up.text, at).line;
    let mended = |finding: &Finding| {
        let Some(at) = finding.place.at.filter(|_| finding.place.path == migration.up.path) else { return false };
        let rewritten = migration.steps.iter().filter(|step| !step.is_as_written());
        rewritten.into_iter().any(|step| (line(step.span.start)..=line(step.span.end)).contains(&at.line))
    };
    findings.retain(|finding| !mended(finding));
    findings
}

/// What is lost when each migration is undone.
type Losses = BTreeMap<MigrationNumber, Loss>;

/// What undoing a migration of stage 1 costs, where it costs anything.
fn told_loss(migration: &PlannedMigration, losses: &Losses) -> Option<(Message, Tone)> {
    match losses.get(&migration.number).filter(|_| migration.stage() == Stage::Expand)? {
        Loss::Nothing => None,
        Loss::Salvaged => Some((message!("plan-undo-salvaged"), Tone::Quiet)),
        Loss::Final(why) => Some((message!("plan-undo-loses", why = why.clone()), Tone::Waiting)),
    }
}

fn tell_stage(stage: Stage, planned: &[PlannedMigration], losses: &Losses, samples: &[Sample], context: &Context<'_>) {
    let printer = context.printer;
    let of_stage: Vec<_> = planned.iter().filter(|migration| migration.stage() == stage).collect();
    if of_stage.is_empty() {
        return;
    }
    printer.line("");
    printer.say_in(&heading(stage, of_stage.len()), Tone::Strong);
    for migration in of_stage {
        printer.line("");
        printer.say_in(
            &message!(
                "plan-migration",
                number = migration.number.to_string(),
                name = migration.name.as_str(),
                kind = migration.name.kind().as_str(),
                because = migration.decision.because.clone()
            ),
            Tone::Strong,
        );
        let class = RollbackClass::of(migration);
        printer.say_under(2, &message!("plan-rollback-class", class = class.as_str()), Tone::Quiet);
        if let Some((said, tone)) = told_loss(migration, losses) {
            printer.say_under(2, &said, tone);
        }
        for used in tables_of(migration) {
            printer.say_under(2, &told_in_use(used), Tone::Quiet);
        }
        let lines = LineIndex::new(&migration.up.text);
        for step in migration.steps.iter().take(STEPS_SHOWN) {
            tell_step(step, (migration.up.path.as_ref(), line_of(step, migration, &lines)), samples, context);
        }
        if let Some(more) = migration.steps.len().checked_sub(STEPS_SHOWN).filter(|more| *more > 0) {
            printer.say_under(2, &message!("plan-more-steps", count = more), Tone::Quiet);
        }
        for finding in findings(migration, context) {
            let said = message!(
                "plan-finding",
                place = finding.place.to_string(),
                rule = finding.rule,
                what = finding.message,
                help = finding.help
            );
            printer.say_under(2, &said, Tone::Waiting);
        }
    }
}

fn heading(stage: Stage, count: usize) -> Message {
    match stage {
        Stage::Expand => message!("plan-stage1", count = count),
        Stage::Contract => message!("plan-stage2", count = count),
    }
}

/// The tables in use that a migration works on, each once.
fn tables_of(migration: &PlannedMigration) -> Vec<&InUse> {
    let mut tables: Vec<&InUse> = Vec::new();
    for used in migration.steps.iter().filter_map(|step| step.in_use.as_ref()) {
        if !tables.iter().any(|other| other.table == used.table) {
            tables.push(used);
        }
    }
    tables
}

fn told_in_use(used: &InUse) -> Message {
    message!(
        "plan-table",
        table = used.table.as_str(),
        size = size(used.bytes),
        rows = used.traffic.rows,
        writes = used.traffic.writes_per_min,
        reads = used.traffic.reads_per_min,
        indexes = used.indexes,
        index_size = size(used.index_bytes)
    )
}

/// Bytes in the unit in which they are one to three digits.
pub fn size(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["bytes", "KiB", "MiB", "GiB", "TiB"];
    let mut left = bytes;
    let mut unit = 0;
    while left >= 10_240 && unit + 1 < UNITS.len() {
        left /= 1_024;
        unit += 1;
    }
    format!("{left} {}", UNITS.get(unit).unwrap_or(&"bytes"))
}

fn tell_step(step: &Step, (path, line): (&str, usize), samples: &[Sample], context: &Context<'_>) {
    let printer = context.printer;
    let sql = first_line(&step.sql);
    printer.say_under(2, &message!("plan-step", ordinal = step.id.0, path = path, line = line, sql = sql), Tone::Plain);
    let lock = message!("plan-step-lock", lock = lock_of(step), safe = step.safe_because.clone());
    printer.say_under(6, &lock, Tone::Quiet);
    for also in also_locked(step) {
        printer.say_under(6, &also, Tone::Quiet);
    }
    if let Some(heavy) = heavy(step) {
        printer.say_under(6, &heavy, Tone::Waiting);
    }
    printer.say_under(6, &took(step, samples), Tone::Quiet);
}

/// What it does to all of a table.
fn heavy(step: &Step) -> Option<Message> {
    let blocks = step.strong_locks().next().is_some();
    match (step.rewrites, step.scans) {
        (true, _) => Some(message!("plan-rewrites")),
        (false, true) if blocks => Some(message!("plan-scans")),
        (false, true) => Some(message!("plan-reads")),
        (false, false) => None,
    }
}

/// How long it takes, and how that is known.
fn took(step: &Step, samples: &[Sample]) -> Message {
    let Some(Estimate { low_ms, high_ms, from }) = estimate(step.work, samples) else {
        return message!("estimate-unknown");
    };
    let source = match from {
        EstimateSource::Catalog => return message!("estimate-moment"),
        EstimateSource::DefaultRate(_) => message!("estimate-from-default"),
        EstimateSource::History(_, steps) => message!("estimate-from-history", steps = steps),
    };
    // The unit in which the longer one is at least two.
    let rounded = |unit_ms: u64| (low_ms / unit_ms, high_ms.div_ceil(unit_ms));
    match high_ms {
        0..=1_000 => message!("estimate-second", source = source),
        1_001..=120_000 => {
            let (low, high) = rounded(1_000);
            message!("estimate-seconds", low = low, high = high, source = source)
        }
        120_001..=7_200_000 => {
            let (low, high) = rounded(60_000);
            message!("estimate-minutes", low = low, high = high, source = source)
        }
        _ => {
            let (low, high) = rounded(3_600_000);
            message!("estimate-hours", low = low, high = high, source = source)
        }
    }
}

fn line_of(step: &Step, migration: &PlannedMigration, lines: &LineIndex) -> usize {
    lines.place(&migration.up.text, step.span.start).line
}

fn lock_of(step: &Step) -> Message {
    step.lock().map_or_else(|| message!("lock-none"), told_lock)
}

/// The locks beside the strongest one, as many as fit. Those of plain reading are left out: nobody waits for them.
fn also_locked(step: &Step) -> Vec<Message> {
    let others = step.locks.iter().skip(1).filter(|lock| lock.mode > LockMode::AccessShare);
    let mut told: Vec<Message> = others
        .map(|lock| match &lock.on {
            Some(on) => message!(
                "plan-also-locks-table",
                lock = told_lock(lock),
                size = size(on.bytes),
                writes = on.traffic.writes_per_min
            ),
            None => message!("plan-also-locks", lock = told_lock(lock)),
        })
        .collect();
    if let Some(more) = told.len().checked_sub(LOCKS_SHOWN).filter(|more| *more > 0) {
        told.truncate(LOCKS_SHOWN);
        told.push(message!("plan-more-locks", count = more));
    }
    told
}

fn told_lock(StepLock { mode, table, .. }: &StepLock) -> Message {
    let blocks = match mode.blocks() {
        Blocks::ReadsAndWrites => message!("lock-blocks-reads"),
        Blocks::Writes => message!("lock-blocks-writes"),
        Blocks::SchemaChanges => message!("lock-blocks-ddl"),
        Blocks::Nothing => message!("lock-blocks-nothing"),
    };
    message!("lock-on", mode = mode.as_str(), table = table.as_str(), blocks = blocks)
}
