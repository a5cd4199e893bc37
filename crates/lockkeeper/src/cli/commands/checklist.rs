//! `checklist`: what is to be true before, during and after a release, ticked from evidence. Reads, and writes nothing.

use std::fmt::Write;
use std::time::Duration;

use jiff::Timestamp;
use lockkeeper_core::health::{Counts, RuleName};
use lockkeeper_core::message;
use lockkeeper_core::model::{Answer, ExitClass, Message, Stage, Verdict};
use lockkeeper_core::plan::{PlannedMigration, plan_up, survey};
use lockkeeper_core::release::{
    BackupInputs, BackupRule, ChecklistInputs, Logs, Performance, Phase, Protection, Ticked, WatchSeen, age, checklist,
};
use lockkeeper_engine::ledger::{
    LedgerSnapshot, VerifiedFiles, WatchRecord, read, read_health_samples, read_undelivered, read_verifications,
    read_watch, verify_chain,
};
use lockkeeper_engine::postgres::Connection;
use serde_json::{Value, json};

use crate::cli::context::Context;
use crate::printer::Tone;

/// Tick what is to be true before, during and after a release from evidence; exit 1 when something that binds is open
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  lockkeeper checklist\n  lockkeeper checklist before && lockkeeper stage1\n  \
                        lockkeeper checklist after --markdown >> \"$GITHUB_STEP_SUMMARY\"")]
pub struct Args {
    /// Only these items [default: all of them]
    #[arg(value_enum)]
    phase: Option<PhaseWord>,
    /// Print a list in Markdown
    #[arg(long)]
    markdown: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum PhaseWord {
    /// Migrations tested, rollback scripts verified, backup fresh, environment complete, TLS verified
    Before,
    /// Stage 1 run, deploy complete, health check passed, stage 2 run
    During,
    /// Watch running, error rate, performance against the baseline, logs flowing
    After,
}

impl PhaseWord {
    const fn phase(self) -> Phase {
        match self {
            Self::Before => Phase::Before,
            Self::During => Phase::During,
            Self::After => Phase::After,
        }
    }
}

/// The error rate is that of so long.
const MEASURED: Duration = Duration::from_mins(15);

/// A watcher writes every few seconds; one that has not for so long is dead, or cut off.
const SILENT: Duration = Duration::from_secs(15);

/// What nothing else is asked for counts as fresh.
const USUAL_BACKUP: BackupRule = BackupRule { max_age: Duration::from_hours(24), verified: false };

/// Alerts that were given up count as undelivered for so long.
const GIVEN_UP: Duration = Duration::from_hours(24);

pub async fn run(args: &Args, context: &Context<'_>) -> Answer<u8> {
    let connection = context.connect().await?;
    let inputs = gather(&connection, context).await?;
    let phases: Vec<Phase> = args.phase.map_or_else(|| Phase::ALL.to_vec(), |word| vec![word.phase()]);
    let lists: Vec<(Phase, Vec<Ticked>)> = phases.into_iter().map(|phase| (phase, checklist(phase, &inputs))).collect();
    if args.markdown {
        context.printer.line(markdown(&lists, context).trim_end());
    } else {
        tell(&lists, context);
    }
    context.printer.answer(&to_json(&lists, context));
    let is_open = lists.iter().flat_map(|(_, list)| list).any(|it| it.binds && !it.is_done);
    Ok(if is_open { ExitClass::Refused.code() } else { 0 })
}

// ── gathering ──────────────────────────────────────────────────────────────────────────────────

async fn gather(connection: &Connection, context: &Context<'_>) -> Answer<ChecklistInputs> {
    let settings = &context.settings;
    let pairs = context.pairs()?;
    let snapshot = read(connection).await?;
    let applied = snapshot.as_ref().map(LedgerSnapshot::applied_migrations).unwrap_or_default();
    let pending = survey(&pairs, &applied).pending.into_iter().map(plan_up).collect::<Answer<Vec<_>>>()?;
    let verified = read_verifications(connection, &pairs).await?;
    let now = snapshot.as_ref().map(|snapshot| snapshot.now);
    let is_stage = |stage: Stage| move |it: &&PlannedMigration| it.stage() == stage;
    let half_done = |stage: Stage| {
        applied.iter().filter(move |it| !it.complete && it.stage == stage).map(|it| it.number.to_string())
    };
    let waiting = |stage: Stage| {
        pending.iter().filter(is_stage(stage)).map(|it| it.number.to_string()).chain(half_done(stage)).collect()
    };
    let watch = read_watch(connection).await?;
    let (requests, errors) = measured(connection, watch.as_ref()).await?;
    Ok(ChecklistInputs {
        untested: pending.iter().filter(|it| !is_sound(it, &verified)).map(|it| it.number.to_string()).collect(),
        tested: tested(&pending, &verified, now),
        no_way_back: pending
            .iter()
            .filter(|it| !it.can_be_undone || !is_sound(it, &verified))
            .map(|it| it.number.to_string())
            .collect(),
        backup: BackupInputs {
            rule: settings.backup.rule.unwrap_or(USUAL_BACKUP),
            known: snapshot.as_ref().map(|snapshot| snapshot.backups.clone()).unwrap_or_default(),
        },
        backup_binds: settings.backup.rule.is_some(),
        missing: missing(context),
        protection: protection(connection),
        tls_binds: settings.environment.is_production(),
        stage1_pending: waiting(Stage::Expand),
        stage2_pending: waiting(Stage::Contract),
        deployed: snapshot.as_ref().and_then(deployed),
        watch: watch.as_ref().map(|watch| seen(watch, snapshot.as_ref())),
        requests,
        errors,
        errors_per_mille_max: per_mille(settings.health.rules.error_share().as_ratio()),
        performance: performance(watch.as_ref()),
        logs: logs(connection, snapshot.as_ref(), context).await?,
    })
}

fn is_sound(migration: &PlannedMigration, verified: &VerifiedFiles) -> bool {
    verified.known.get(&migration.number).is_some_and(|record| record.verdict == Verdict::Pass)
}

/// How long ago the migration that was tried first was tried.
fn tested(pending: &[PlannedMigration], verified: &VerifiedFiles, now: Option<Timestamp>) -> Option<Duration> {
    let at = pending.iter().filter_map(|it| verified.known.get(&it.number)).map(|record| record.verified_at).min()?;
    Duration::try_from(now?.duration_since(at)).ok()
}

/// What the settings take from the environment, and is not there.
fn missing(context: &Context<'_>) -> Vec<Message> {
    let settings = &context.settings;
    let target = (!settings.target_is_named).then(|| message!("checklist-no-target"));
    let checks = settings.health.checks.iter().filter_map(|check| check.problem.as_ref()).map(|it| it.message.clone());
    let receivers = context.receivers().iter().filter_map(|receiver| receiver.channel.as_ref().err().cloned());
    target.into_iter().chain(checks).chain(receivers).collect()
}

fn protection(connection: &Connection) -> Protection {
    if connection.is_verified() {
        Protection::Verified
    } else if connection.is_encrypted() {
        Protection::Encrypted
    } else if connection.target().is_protected() {
        Protection::Local
    } else {
        Protection::Plain
    }
}

fn deployed(snapshot: &LedgerSnapshot) -> Option<(String, Duration)> {
    let release = snapshot.release.as_ref()?;
    let since = snapshot.now.duration_since(release.deployed_at?);
    Some((release.deployed_version.clone()?, Duration::try_from(since).unwrap_or_default()))
}

fn seen(watch: &WatchRecord, snapshot: Option<&LedgerSnapshot>) -> WatchSeen {
    let age = Duration::try_from(watch.now.duration_since(watch.seen_at)).unwrap_or_default();
    let release = snapshot.and_then(|snapshot| snapshot.release.as_ref());
    WatchSeen {
        is_of_release: release.is_some_and(|release| watch.release_id == Some(release.id)),
        is_running: watch.ended.is_none() && watch.is_held && age <= SILENT,
        has_breached: watch.breach.is_some(),
        verdict: watch.ended.map(|(_, verdict)| verdict),
        age,
    }
}

/// Requests and errors of the last minutes.
async fn measured(connection: &Connection, watch: Option<&WatchRecord>) -> Answer<(u64, u64)> {
    let Some(watch) = watch else { return Ok((0, 0)) };
    let since = watch.now.checked_sub(MEASURED).unwrap_or(Timestamp::UNIX_EPOCH);
    let samples = read_health_samples(connection, since, None).await?;
    let total = samples.iter().fold(Counts::NONE, |total, sample| total.plus(sample.counts));
    Ok((total.requests(), total.errors()))
}

/// A share of requests as whole tenths of a percent.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share is between 0 and 1")]
fn per_mille(share: f64) -> u64 {
    (share.clamp(0.0, 1.0) * 1_000.0).round() as u64
}

/// What the rules that compare last said.
fn performance(watch: Option<&WatchRecord>) -> Performance {
    let Some(watch) = watch else { return Performance::Unknown };
    let mut compared = false;
    let mut worse = Vec::new();
    for check in &watch.checks {
        for rule in [RuleName::Latency, RuleName::Relative] {
            match check.judgements[rule.as_str()]["verdict"].as_str() {
                Some("pass") => compared = true,
                Some("fail") => worse.push(check.name.as_str().to_owned()),
                Some(_) | None => {}
            }
        }
    }
    worse.dedup();
    match (worse.is_empty(), compared) {
        (false, _) => Performance::Worse(worse),
        (true, true) => Performance::AsBefore,
        (true, false) => Performance::Unknown,
    }
}

async fn logs(connection: &Connection, snapshot: Option<&LedgerSnapshot>, context: &Context<'_>) -> Answer<Logs> {
    let Some(snapshot) = snapshot else {
        return Ok(Logs { chain: Err(message!("checklist-no-log")), spooled: 0, undelivered: 0 });
    };
    let chain = match verify_chain(connection).await? {
        Ok((events, _)) => Ok(u64::try_from(events).unwrap_or_default()),
        Err(fault) => Err(fault.what),
    };
    let undelivered = read_undelivered(connection, GIVEN_UP).await?;
    Ok(Logs { chain, spooled: context.tell_waiting(&snapshot.ledger_id), undelivered: undelivered.len() })
}

// ── telling ────────────────────────────────────────────────────────────────────────────────────

fn heading(phase: Phase) -> Message {
    match phase {
        Phase::Before => message!("checklist-before"),
        Phase::During => message!("checklist-during"),
        Phase::After => message!("checklist-after"),
    }
}

/// The evidence with its age.
fn told(ticked: &Ticked) -> Message {
    match ticked.age {
        Some(since) => message!("checklist-aged", evidence = ticked.evidence.clone(), age = age(since)),
        None => ticked.evidence.clone(),
    }
}

const fn mark(ticked: &Ticked) -> &'static str {
    if ticked.is_done { "[x]" } else { "[ ]" }
}

fn tell(lists: &[(Phase, Vec<Ticked>)], context: &Context<'_>) {
    let printer = context.printer;
    for (phase, list) in lists {
        printer.say_in(&heading(*phase), Tone::Strong);
        for ticked in list {
            let tone = match (ticked.is_done, ticked.binds) {
                (true, _) => Tone::Good,
                (false, true) => Tone::Bad,
                (false, false) => Tone::Waiting,
            };
            printer.say_under(2, &message!("status-gate", mark = mark(ticked), evidence = told(ticked)), tone);
            if let Some(way_out) = &ticked.way_out {
                printer.say_under(6, &message!("status-way-out", command = way_out.clone()), Tone::Quiet);
            }
        }
    }
}

/// A list for a page, where text from elsewhere may not become markup.
fn markdown(lists: &[(Phase, Vec<Ticked>)], context: &Context<'_>) -> String {
    let printer = context.printer;
    let plain = |message: &Message| {
        let escaped: String = printer
            .text(message)
            .chars()
            .flat_map(|c| match c {
                '\n' | '\r' => vec![' '],
                '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '|' | '#' | '@' | '&' => vec!['\\', c],
                c => vec![c],
            })
            .collect();
        escaped
    };
    let mut text = String::new();
    for (phase, list) in lists {
        let _ = writeln!(text, "### {}\n", plain(&heading(*phase)));
        for ticked in list {
            let _ = write!(text, "- {} {}", mark(ticked), plain(&told(ticked)));
            match &ticked.way_out {
                Some(way_out) => {
                    let _ = writeln!(text, " → {}", plain(way_out));
                }
                None => text.push('\n'),
            }
        }
        text.push('\n');
    }
    text
}

fn to_json(lists: &[(Phase, Vec<Ticked>)], context: &Context<'_>) -> Value {
    let item = |ticked: &Ticked| {
        json!({
            "item": ticked.item.as_str(),
            "done": ticked.is_done,
            "binding": ticked.binds,
            "evidence": { "id": ticked.evidence.id, "text": context.printer.text(&ticked.evidence) },
            "age_s": ticked.age.map(|age| age.as_secs()),
            "way_out": ticked.way_out.as_ref().map(|way_out| context.printer.text(way_out)),
        })
    };
    let phases: serde_json::Map<String, Value> = lists
        .iter()
        .map(|(phase, list)| (phase.as_str().to_owned(), list.iter().map(item).collect::<Vec<_>>().into()))
        .collect();
    let is_in_order = lists.iter().flat_map(|(_, list)| list).all(|it| it.is_done || !it.binds);
    json!({ "in_order": is_in_order, "items": phases })
}
