//! `plan`: what would run, stage by stage.

use lockkeeper_core::classify::Fresh;
use lockkeeper_core::message;
use lockkeeper_core::model::{Answer, LineIndex, LockMode, Message, PlanDigest, Problem, Stage};
use lockkeeper_core::parse::MigrationPair;
use lockkeeper_core::plan::{
    InUse, PlanEntry, PlannedMigration, RollbackClass, RunMode, Step, plan_migration, stage2_digest, survey,
};
use lockkeeper_engine::driver::{plan_steps, stopped_in_stage2};
use lockkeeper_engine::ledger::{LedgerSnapshot, read};
use lockkeeper_engine::postgres::Connection;
use lockkeeper_lint::check::{Options, check};
use lockkeeper_lint::report::{Finding, Severity};
use lockkeeper_lint::rule::{Migration, Policy};

use crate::cli::context::{Context, first_line};
use crate::printer::Tone;

/// A seed file's hundred thousand rows would hide what matters; `--json` has every step.
const STEPS_SHOWN: usize = 40;

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
    let planned = on_this_database(planned, &connection, context).await?;
    if planned.is_empty() {
        printer.say(&message!("plan-nothing"));
    }
    for stage in [Stage::Expand, Stage::Contract] {
        match args.format {
            Format::Human => tell_stage(stage, &planned, context),
            Format::Markdown => tell_markdown(stage, &planned, context),
        }
    }
    let digest = digest(snapshot.as_ref(), &pairs, &planned)?;
    if let Some(digest) = digest {
        printer.line("");
        printer.say(&message!("plan-digest", digest = digest.to_string()));
    }
    printer.answer(&serde_json::json!({
        "migrations": planned.iter().map(|migration| to_json(migration, context)).collect::<Vec<_>>(),
        "digest": digest.map(|digest| digest.to_string()),
    }));
    Ok(0)
}

/// The steps as they would be now, with what the catalog tells of the tables.
async fn on_this_database(
    planned: Vec<PlannedMigration>,
    connection: &Connection,
    context: &Context<'_>,
) -> Answer<Vec<PlannedMigration>> {
    let (mut fresh, mut problems, mut known) = (Fresh::default(), Vec::new(), Vec::new());
    for migration in planned {
        let (up, script) = (&migration.up, &migration.script);
        match plan_steps(connection, migration.number, up, script, &fresh, &context.limits()).await {
            Ok(steps) => {
                fresh.learn_all(&script.statements);
                known.push(PlannedMigration { steps, ..migration });
            }
            Err(problem) => problems.push(problem),
        }
    }
    match Problem::all(problems) {
        Some(problem) => Err(problem),
        None => Ok(known),
    }
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

fn tell_stage(stage: Stage, planned: &[PlannedMigration], context: &Context<'_>) {
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
        for used in tables_of(migration) {
            printer.say_under(2, &told_in_use(used), Tone::Quiet);
        }
        let lines = LineIndex::new(&migration.up.text);
        for step in migration.steps.iter().take(STEPS_SHOWN) {
            tell_step(step, line_of(step, migration, &lines), context);
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
        reads = used.traffic.reads_per_min
    )
}

/// Bytes in the unit in which they are one to three digits.
fn size(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["bytes", "KiB", "MiB", "GiB", "TiB"];
    let mut left = bytes;
    let mut unit = 0;
    while left >= 10_240 && unit + 1 < UNITS.len() {
        left /= 1_024;
        unit += 1;
    }
    format!("{left} {}", UNITS.get(unit).unwrap_or(&"bytes"))
}

/// A table for each migration. What stands in it is escaped: SQL may hold bars and backquotes.
fn tell_markdown(stage: Stage, planned: &[PlannedMigration], context: &Context<'_>) {
    let printer = context.printer;
    let of_stage: Vec<_> = planned.iter().filter(|migration| migration.stage() == stage).collect();
    if of_stage.is_empty() {
        return;
    }
    printer.line(&format!("\n### {}", printer.text(&heading(stage, of_stage.len()))));
    for migration in of_stage {
        let class = message!("plan-rollback-class", class = RollbackClass::of(migration).as_str());
        printer.line(&format!("\n**{} {}**: {}\n", migration.number, migration.name, printer.text(&class)));
        for used in tables_of(migration) {
            printer.line(&format!("* {}", cell(&printer.text(&told_in_use(used)))));
        }
        printer.line(&format!("\n{}\n| ---: | --- | --- | --- |", printer.text(&message!("plan-markdown-head"))));
        let lines = LineIndex::new(&migration.up.text);
        for step in migration.steps.iter().take(STEPS_SHOWN) {
            let line = line_of(step, migration, &lines);
            let sql = first_line(&step.sql).replace('`', "'");
            let (lock, why) = (printer.text(&lock_of(step)), printer.text(&step.safe_because));
            printer.line(&format!("| {line} | `{}` | {} | {} |", cell(&sql), cell(&lock), cell(&why)));
        }
        if let Some(more) = migration.steps.len().checked_sub(STEPS_SHOWN).filter(|more| *more > 0) {
            printer.line(&format!("\n{}", printer.text(&message!("plan-more-steps", count = more))));
        }
        for finding in findings(migration, context) {
            let said = format!("{}: {}: {}", finding.place, finding.rule, printer.text(&finding.message));
            printer.line(&format!("\n> {}", cell(&said)));
        }
    }
}

/// Text that cannot leave its cell.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('<', "&lt;").replace(['\n', '\r'], " ")
}

fn tell_step(step: &Step, line: usize, context: &Context<'_>) {
    let printer = context.printer;
    let sql = first_line(&step.sql);
    printer.say_under(2, &message!("plan-step", ordinal = step.id.0, line = line, sql = sql), Tone::Plain);
    let lock = message!("plan-step-lock", lock = lock_of(step), safe = step.safe_because.clone());
    printer.say_under(6, &lock, Tone::Quiet);
    let blocks = step.strong_lock().is_some();
    let heavy = [
        (step.rewrites, message!("plan-rewrites")),
        (step.scans && blocks, message!("plan-scans")),
        (step.scans && !blocks, message!("plan-reads")),
    ];
    for (applies, said) in heavy {
        if applies {
            printer.say_under(6, &said, Tone::Waiting);
        }
    }
}

fn line_of(step: &Step, migration: &PlannedMigration, lines: &LineIndex) -> usize {
    lines.place(&migration.up.text, step.span.start).line
}

fn lock_of(step: &Step) -> Message {
    match &step.lock {
        None => message!("lock-none"),
        Some((mode, table)) if mode.blocks_reads() => lock(*mode, table, message!("lock-blocks-reads")),
        Some((mode, table)) if mode.blocks_writes() => lock(*mode, table, message!("lock-blocks-writes")),
        Some((mode, table)) => lock(*mode, table, message!("lock-blocks-ddl")),
    }
}

fn lock(mode: LockMode, table: &str, blocks: Message) -> Message {
    message!("lock-on", mode = mode.as_str(), table = table, blocks = blocks)
}

fn to_json(migration: &PlannedMigration, context: &Context<'_>) -> serde_json::Value {
    let lines = LineIndex::new(&migration.up.text);
    serde_json::json!({
        "number": migration.number.get(),
        "name": migration.name.as_str(),
        "kind": migration.name.kind().as_str(),
        "stage": migration.stage().number(),
        "path": migration.up.path.as_ref(),
        "checksum": migration.up.checksum.to_string(),
        "can_be_undone": migration.can_be_undone,
        "rollback_class": RollbackClass::of(migration).as_str(),
        "steps": migration.steps.iter().map(|step| serde_json::json!({
            "ordinal": step.id.0,
            "line": line_of(step, migration, &lines),
            "sql": step.sql,
            "lock": step.lock.as_ref().map(|(mode, table)| serde_json::json!({ "mode": mode.as_str(), "table": table })),
            "table": step.in_use.as_ref().map(|used| serde_json::json!({
                "name": used.table,
                "bytes": used.bytes,
                "rows": used.traffic.rows,
                "writes_per_min": used.traffic.writes_per_min,
                "reads_per_min": used.traffic.reads_per_min,
            })),
            "rewrites": step.rewrites,
            "scans": step.scans,
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
        })).collect::<Vec<_>>(),
        "findings": findings(migration, context).iter().map(|finding| serde_json::json!({
            "rule": finding.rule,
            "path": finding.place.path.as_ref(),
            "line": finding.place.at.map(|at| at.line),
            "column": finding.place.at.map(|at| at.column),
        })).collect::<Vec<_>>(),
    })
}
