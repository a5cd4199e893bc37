//! `release start`, `resume`, `status`, `abort`: the whole journey by one command, and back when it must.

mod news;
mod status;
mod waits;

use std::collections::BTreeMap;

use lockkeeper_core::message;
use lockkeeper_core::model::{Answer, ExitClass, Message, MigrationNumber, Problem, Stage};
use lockkeeper_core::parse::MigrationPair;
use lockkeeper_core::plan::{Loss, PlannedMigration, RollbackClass, plan_migration};
use lockkeeper_core::release::{Cause, way_back};
use lockkeeper_engine::driver::{
    Aborted, AppHooks, BaselineRequest, Checks, DriftRules, Eventually, GateContext, JourneyEnd, JourneyNews, Means,
    ReleaseTerms, Secrets, Session, StayFor, WatchRequest, ask_abort, losses, resume_journey, standing_then,
    start_journey,
};
use lockkeeper_engine::ledger::last_deployed;
use lockkeeper_engine::notify::{Deliverer, News, keep_delivering};
use lockkeeper_engine::postgres::Connection;
use lockkeeper_engine::probe::WitnessProbe;
use serde_json::{Value, json};

use super::backup;
use super::health::{self, WatchLog};
use super::verify;
use crate::cli::alerts::{Texts, tell_news};
use crate::cli::context::{Context, WaitArgs, pending};
use crate::printer::Tone;
use crate::settings;

/// Carry a change through both gates by itself, or bring it back: verify, stage 1, deploy, watch, approval, stage 2
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  lockkeeper release start --version 3.0\n  lockkeeper release resume --wait-approval\n  \
                        lockkeeper release status\n  lockkeeper release abort --reason \"wrong build\"\n\n\
Hooks and terms stand in lockkeeper.toml, in [hooks] and [release].\n\
Exit codes: 0 completed, or waiting for an approval; 1 refused, or still waiting; 5 rolled back; 6 not enough to judge by."
)]
pub struct Args {
    /// What to do
    #[arg(value_enum)]
    action: Action,
    /// With start: the version that is deployed; its hooks are told
    #[arg(long, value_name = "VERSION")]
    version: Option<String>,
    /// With start: the version that runs now, to go back to [default: the one that was deployed last]
    #[arg(long, value_name = "VERSION")]
    previous: Option<String>,
    /// With start: begin although a check fails already
    #[arg(long)]
    despite_baseline: bool,
    /// With start: begin although a release was rolled back a moment ago
    #[arg(long)]
    despite_cool_down: bool,
    /// With start and resume: stay while an approval is missing, and go on when it is there
    #[arg(long)]
    wait_approval: bool,
    /// Stay so long at most, such as 8h; then exit code 1, and the release waits on [default: without end]
    #[arg(long, value_name = "TIME", requires = "wait_approval")]
    wait_at_most: Option<String>,
    /// With abort: why; kept in the ledger
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    #[command(flatten)]
    waiting: WaitArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Action {
    /// Begin a release and drive it as far as it goes
    Start,
    /// Go on with the release that is on its way, on any machine that has the repository and the database
    Resume,
    /// Where the release stands, what it did, and what a rollback would mean now
    Status,
    /// Give the release up: it goes back
    Abort,
}

/// The release was rolled back.
const ROLLED_BACK: u8 = 5;

pub async fn run(args: &Args, context: &Context<'_>) -> Answer<u8> {
    check_arguments(args)?;
    match args.action {
        Action::Start => start(args, context).await,
        Action::Resume => resume(args, context).await,
        Action::Status => status::run(context).await,
        Action::Abort => abort(args, context).await,
    }
}

fn check_arguments(args: &Args) -> Answer<()> {
    let is_start = args.action == Action::Start;
    let has_start =
        args.version.is_some() || args.previous.is_some() || args.despite_baseline || args.despite_cool_down;
    if has_start && !is_start {
        return Err(Problem::usage(message!("release-only-start")));
    }
    if args.wait_approval && !matches!(args.action, Action::Start | Action::Resume) {
        return Err(Problem::usage(message!("release-only-driving")));
    }
    if args.reason.is_some() && args.action != Action::Abort {
        return Err(Problem::usage(message!("release-only-abort")));
    }
    if is_start && args.version.as_deref().is_none_or(|version| version.trim().is_empty()) {
        return Err(Problem::usage(message!("release-version-missing")).hint(message!("next-release-start")));
    }
    Ok(())
}

/// What stays the same while a release is driven.
struct Kit {
    pairs: Vec<MigrationPair>,
    /// Those that were not applied when it began: their authors count.
    pending: Vec<MigrationNumber>,
    drift: DriftRules,
    secrets: Secrets,
    /// Whether the process stays while an approval is missing.
    stays: Option<StayFor>,
}

impl Kit {
    async fn gather(connection: &Connection, args: &Args, context: &Context<'_>) -> Answer<Self> {
        let pairs = context.pairs()?;
        let pending = pending(connection, &pairs).await?.into_iter().map(|pair| pair.number).collect();
        let ignore = context.settings.drift_ignored.clone();
        let drift = DriftRules { ignore, accept: Vec::new(), reason: String::new() };
        let secrets = Secrets::new(settings::secret_values(&context.settings));
        Ok(Self { pairs, pending, drift, secrets, stays: stays(args)? })
    }

    /// What the gates go by, as it is now.
    fn gates(&self, context: &Context<'_>) -> Answer<GateContext> {
        let pending: Vec<_> = self.pairs.iter().filter(|pair| self.pending.contains(&pair.number)).collect();
        context.gate_context(&pending)
    }
}

/// How this process comes by the release.
enum Begin {
    Start { terms: ReleaseTerms, despite_cool_down: bool },
    Resume,
}

/// Where a release that this process drove stands now.
#[derive(Debug)]
pub struct Driven {
    pub release_id: i64,
    pub end: JourneyEnd,
}

/// Sees what happens while a release is driven, besides the person who is told. It must not block.
pub type Observer<'o> = dyn FnMut(&JourneyNews<'_>) + 'o;

async fn start(args: &Args, context: &Context<'_>) -> Answer<u8> {
    Ok(answer_end(&begin(args, context, &mut |_| {}).await?, context))
}

async fn resume(args: &Args, context: &Context<'_>) -> Answer<u8> {
    Ok(answer_end(&go_on(args, context, &mut |_| {}).await?, context))
}

impl Args {
    /// A release of a version, begun as nothing but `--version` says.
    pub fn to(version: &str) -> Self {
        Self { version: Some(version.to_owned()), ..Self::only(Action::Start) }
    }

    /// The release that is on its way.
    pub const fn onward() -> Self {
        Self::only(Action::Resume)
    }

    pub fn is_start(&self) -> bool {
        self.action == Action::Start
    }

    const fn only(action: Action) -> Self {
        let waiting = WaitArgs { wait: false };
        let (version, previous, reason) = (None, None, None);
        let (wait_approval, wait_at_most) = (false, None);
        let (despite_baseline, despite_cool_down) = (false, false);
        Self {
            action,
            version,
            previous,
            despite_baseline,
            despite_cool_down,
            wait_approval,
            wait_at_most,
            reason,
            waiting,
        }
    }
}

/// Begins a release and drives it as far as it goes; where it ended is said.
pub async fn begin(args: &Args, context: &Context<'_>, observe: &mut Observer<'_>) -> Answer<Driven> {
    let settings = &context.settings;
    check_hooks(&settings.release.hooks)?;
    let session = session(args, context).await?;
    let kit = Kit::gather(&session.connection, args, context).await?;
    let version = args.version.as_deref().unwrap_or_default().trim().to_owned();
    let previous = match &args.previous {
        Some(previous) => Some(previous.trim().to_owned()).filter(|previous| !previous.is_empty()),
        None => last_deployed(&session.connection).await?,
    };
    let despite_baseline = args.despite_baseline;
    let terms =
        ReleaseTerms { version, previous_version: previous, despite_baseline, ..settings.release.terms.clone() };
    let planned = planned(&session.connection, &kit.pairs).await?;
    let undone = planned.iter().map(|it| (it, &it.down));
    let losses = losses(&session.connection, undone, &session.limits).await?;
    preview(&planned, &losses, &terms, context);
    let begin = Begin::Start { terms, despite_cool_down: args.despite_cool_down };
    Box::pin(drive(session, begin, &kit, context, observe)).await
}

/// Goes on with the release that is on its way; where it ended is said.
pub async fn go_on(args: &Args, context: &Context<'_>, observe: &mut Observer<'_>) -> Answer<Driven> {
    check_hooks(&context.settings.release.hooks)?;
    let session = session(args, context).await?;
    let kit = Kit::gather(&session.connection, args, context).await?;
    Box::pin(drive(session, Begin::Resume, &kit, context, observe)).await
}

/// Whether the process stays while an approval is missing.
fn stays(args: &Args) -> Answer<Option<StayFor>> {
    let unreadable = |text: &str| {
        Problem::usage(message!("settings-duration-invalid", value = text)).hint(message!("settings-hint-duration"))
    };
    let at_most = match &args.wait_at_most {
        Some(text) => Some(settings::duration_of(text).ok_or_else(|| unreadable(text))?),
        None => None,
    };
    Ok(args.wait_approval.then_some(StayFor { at_most }))
}

/// A release that begins queues for the lease: what holds it is a moment's work of somebody else.
async fn session(args: &Args, context: &Context<'_>) -> Answer<Session> {
    context.session(WaitArgs { wait: args.action == Action::Start || args.waiting.wait }).await
}

/// A release that could not go back is not begun.
fn check_hooks(hooks: &AppHooks) -> Answer<()> {
    for (name, hook) in [("deploy", &hooks.deploy), ("rollback_app", &hooks.rollback_app)] {
        if hook.is_none() {
            return Err(Problem::usage(message!("hook-missing", hook = name)).hint(message!("hook-missing-hint")));
        }
    }
    Ok(())
}

async fn planned(connection: &Connection, pairs: &[MigrationPair]) -> Answer<Vec<PlannedMigration>> {
    pending(connection, pairs).await?.into_iter().map(plan_migration).collect()
}

/// Puts together what a release is driven with, drives it, and tells where it ended.
async fn drive(
    session: Session,
    begin: Begin,
    kit: &Kit,
    context: &Context<'_>,
    observe: &mut Observer<'_>,
) -> Answer<Driven> {
    let settings = &context.settings;
    let watch = |release_id, lasts| -> Answer<WatchRequest> {
        let terms = health::watch_terms(&settings.health, context)?;
        Ok(WatchRequest {
            target: settings.target()?.clone(),
            holder: context.holder(),
            release_id: Some(release_id),
            rules: terms.rules,
            described: terms.described,
            watched: terms.watched,
            witness: terms.witness,
            routes: terms.routes,
            lasts: Some(lasts),
            reload: None,
            tells_vitals: false,
        })
    };
    let checks = || -> Answer<Checks> {
        let sources = health::sources(&settings.health, context)?
            .into_iter()
            .map(|(check, source)| (check.check, source))
            .collect();
        Ok((sources, settings.health.witness.clone().map(WitnessProbe::new)))
    };
    let baseline = |lasts| -> Answer<BaselineRequest> {
        let terms = health::watch_terms(&settings.health, context)?;
        Ok(BaselineRequest { watched: terms.watched, rules: terms.rules, witness: terms.witness, lasts })
    };
    let verify = || -> Eventually<'_, bool> { Box::pin(verify::try_and_record(context)) };
    let backup = || -> Eventually<'_, ()> { Box::pin(backup::make_for_release(context)) };
    let gates = || kit.gates(context);
    let means = Means {
        pairs: &kit.pairs,
        gates: &gates,
        drift: &kit.drift,
        hooks: &settings.release.hooks,
        folder: &settings.project_dir,
        secrets: &kit.secrets,
        rules: &settings.health.rules,
        watch: &watch,
        checks: &checks,
        baseline: &baseline,
        verify: &verify,
        backup: if backup::is_made_by_release(context) { Some(&backup) } else { None },
    };
    let mut driver = match begin {
        Begin::Start { terms, despite_cool_down } => start_journey(session, &means, terms, despite_cool_down).await?,
        Begin::Resume => resume_journey(session, &means).await?,
    };
    driver.stays = kit.stays;
    let release_id = driver.release_id();
    let mut log = WatchLog::new(context.printer, context.printer.is_json());
    let texts = Texts::new(context.printer.language());
    let render = |lang: Option<&str>, value: &Value| texts.say(lang, value);
    let deliverer = Deliverer::new(context.receivers().to_vec(), settings.notify.remind, &render);
    let (target, mut told) = (settings.target()?.clone(), |news: News<'_>| tell_news(context.printer, &news));
    // Whoever is called is called while the release goes on, not when it is over.
    let delivering = keep_delivering(&target, deliverer, &mut told);
    let mut tell = |news: JourneyNews<'_>| {
        observe(&news);
        news::tell(&news, release_id, &mut log, context);
    };
    let end = tokio::select! {
        end = Box::pin(driver.drive(&mut tell)) => end,
        () = delivering => unreachable!("it delivers until it is dropped"),
    };
    context.deliver_alerts().await;
    let driven = Driven { release_id, end: end? };
    say_end(&driven, context);
    Ok(driven)
}

/// What a rollback would mean, told before anything is done.
fn preview(
    planned: &[PlannedMigration],
    losses: &BTreeMap<MigrationNumber, Loss>,
    terms: &ReleaseTerms,
    context: &Context<'_>,
) {
    let printer = context.printer;
    let previous = terms.previous_version.as_deref().unwrap_or("?");
    printer.note_in(&message!("release-preview", version = terms.version.as_str(), previous = previous), Tone::Strong);
    for migration in planned {
        let stage = i32::from(migration.stage().number());
        let (number, name) = (migration.number.to_string(), migration.name.as_str());
        let said = message!("release-preview-migration", stage = stage, number = number, name = name);
        printer.note_under(2, &said, Tone::Plain);
    }
    let told = |when: Message, migrations: &mut dyn Iterator<Item = &PlannedMigration>| {
        let way = way_back(&standing_then(migrations, losses, terms));
        let said =
            message!("release-preview-way", when = when, class = way.class.as_str(), because = way.because.clone());
        printer.note_under(2, &said, if way.class == RollbackClass::Freeze { Tone::Waiting } else { Tone::Plain });
    };
    let expands = |it: &&PlannedMigration| it.stage() == Stage::Expand;
    told(message!("release-before-stage2"), &mut planned.iter().filter(expands));
    if planned.iter().any(|it| it.stage() == Stage::Contract) {
        told(message!("release-after-stage2"), &mut planned.iter());
    }
}

fn say_end(driven: &Driven, context: &Context<'_>) {
    let (printer, release_id) = (context.printer, driven.release_id);
    match &driven.end {
        JourneyEnd::Completed => printer.say_in(&message!("release-completed", release = release_id), Tone::Good),
        JourneyEnd::Waits { waiting, .. } => {
            for (indent, said, tone) in waits::told(release_id, waiting) {
                printer.say_under(indent, &said, tone);
            }
        }
        JourneyEnd::RolledBack { cause, .. } => {
            let said = message!("release-rolled-back", release = release_id, cause = cause_told(*cause));
            printer.say_in(&said, Tone::Bad);
            printer.say_under(2, &message!("release-rolled-back-next"), Tone::Quiet);
        }
        JourneyEnd::Frozen { cause, .. } => {
            let cause_said = cause.map_or_else(|| message!("release-cause-unknown"), cause_told);
            printer.say_in(&message!("release-frozen", release = release_id, cause = cause_said), Tone::Bad);
            printer.say_under(2, &message!("release-frozen-next"), Tone::Quiet);
        }
    }
}

/// The answer in JSON mode, and the exit code.
fn answer_end(driven: &Driven, context: &Context<'_>) -> u8 {
    let answer = |end: &str, more: Value| {
        let mut answer = json!({ "release": driven.release_id, "end": end });
        if let (Some(answer), Some(more)) = (answer.as_object_mut(), more.as_object()) {
            answer.extend(more.clone());
        }
        context.printer.answer(&answer);
    };
    match &driven.end {
        JourneyEnd::Completed => {
            answer("completed", Value::Null);
            0
        }
        JourneyEnd::Waits { waiting, did_something } => {
            answer("waits", waits::to_json(waiting, context));
            if *did_something { 0 } else { ExitClass::Refused.code() }
        }
        JourneyEnd::RolledBack { cause, class, evidence } => {
            answer("rolled_back", json!({ "cause": cause.as_str(), "class": class.as_str(), "evidence": evidence }));
            ROLLED_BACK
        }
        JourneyEnd::Frozen { cause, evidence } => {
            answer("frozen", json!({ "cause": cause.map(Cause::as_str), "evidence": evidence }));
            match cause {
                Some(Cause::RollbackFailed) | None => ExitClass::MigrationFailed.code(),
                Some(_) => ExitClass::Refused.code(),
            }
        }
    }
}

/// A cause, as people read it.
pub fn cause_told(cause: Cause) -> Message {
    match cause {
        Cause::MigrationFailed => message!("release-cause-migration"),
        Cause::DeployFailed => message!("release-cause-deploy"),
        Cause::Unhealthy => message!("release-cause-unhealthy"),
        Cause::Aborted => message!("release-cause-aborted"),
        Cause::NotApproved => message!("release-cause-not-approved"),
        Cause::RollbackFailed => message!("release-cause-rollback"),
    }
}

async fn abort(args: &Args, context: &Context<'_>) -> Answer<u8> {
    let printer = context.printer;
    let reason = args.reason.as_deref().unwrap_or_default().trim();
    if reason.is_empty() {
        return Err(Problem::usage(message!("release-abort-reason")).hint(message!("release-abort-reason-hint")));
    }
    check_hooks(&context.settings.release.hooks)?;
    let session = context.session(args.waiting).await?;
    match ask_abort(&session.connection, &context.settings.actor, reason).await? {
        Aborted::Asked { release_id, holder, host, pid } => {
            printer.say_in(
                &message!("release-abort-asked", release = release_id, holder = holder, host = host, pid = pid),
                Tone::Waiting,
            );
            printer.answer(&json!({ "release": release_id, "end": "asked" }));
            Ok(0)
        }
        // Nobody drives it, so this process takes it back.
        Aborted::Recorded { .. } => {
            let kit = Kit::gather(&session.connection, args, context).await?;
            let driven = Box::pin(drive(session, Begin::Resume, &kit, context, &mut |_| {})).await?;
            Ok(answer_end(&driven, context))
        }
    }
}
