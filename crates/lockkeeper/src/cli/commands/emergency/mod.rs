//! `emergency`: the manual procedure, one confirmed step after the other, ending in an incident report.

mod markdown;
mod overview;
mod report;
mod sections;

use std::path::{Path, PathBuf};
use std::pin::Pin;

use lockkeeper_core::message;
use lockkeeper_core::model::{Answer, ExitClass, Message, Problem};
use lockkeeper_core::release::{EmergencyKnown, EmergencyStep, Fit, ReleaseState, SchemaWay, emergency_steps};
use lockkeeper_engine::driver::{
    Asked, Checks, Emergency, EmergencyMeans, EmergencyRecord, EmergencyTerms, Journal, Secrets, Session, Situation,
    folder_of, journals_of, newest,
};
use lockkeeper_engine::ledger::ensure;
use lockkeeper_engine::postgres::Activity;
use lockkeeper_engine::probe::WitnessProbe;
use lockkeeper_engine::seams::Stop;
use serde_json::{Value, json};

use super::backup;
use super::health;
use super::stage::parse_point;
use crate::cli::context::Context;
use crate::printer::Tone;
use crate::settings;
use overview::Overview;
use report::Story;

/// Go through the manual way back, one confirmed step after the other, and write an incident report
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  lockkeeper emergency --reason \"checkout fails since 02:10\"\n  \
lockkeeper emergency --from migrations --skip health\n  lockkeeper emergency --report-only\n\n\
Steps: stop-app, backup, migrations, app, health. What was done is kept; the same command goes on after a crash.\n\
Exit codes: 0 done; 1 declined, not well, or a step is left to you; 2 usage, or nobody to ask; 3 a step failed;\n\
4 somebody else is at work; 130/143 interrupted. The report is written in each of them, once a step was begun.")]
pub struct Args {
    /// Begin at this step; those before it are left out
    #[arg(long, value_name = "STEP", value_enum)]
    from: Option<StepWord>,
    /// Leave this step out; may be given several times
    #[arg(long, value_name = "STEP", value_enum)]
    skip: Vec<StepWord>,
    /// The rollback point to go back to [default: the one that was taken when the release began]
    #[arg(long, value_name = "POINT")]
    to: Option<String>,
    /// Undo stage-2 migrations too. Their down scripts bring tables and columns back, not what was in them
    #[arg(long)]
    past_stage2: bool,
    /// Let values be lost that cannot be kept
    #[arg(long)]
    accept_loss: bool,
    /// The version that the application goes back to [default: what the ledger knows]
    #[arg(long, value_name = "VERSION")]
    previous: Option<String>,
    /// Why; kept in the ledger and in the report
    #[arg(long, value_name = "TEXT", default_value = "")]
    reason: String,
    /// Do not ask. A step that is left to a person ends it, unless it is skipped
    #[arg(long)]
    yes: bool,
    /// Go on with an emergency that was begun, or refuse; without it, one that is not over is gone on with as well
    #[arg(long)]
    resume: bool,
    /// Begin from the first step although an earlier emergency of this release is not over
    #[arg(long, conflicts_with = "resume")]
    anew: bool,
    /// Where the report goes; a file that is there is never overwritten [default: incident-RELEASE-TIME.md]
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// Write the report and do nothing else. Reads only
    #[arg(long)]
    report_only: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum StepWord {
    StopApp,
    Backup,
    Migrations,
    App,
    Health,
}

impl StepWord {
    const fn step(self) -> EmergencyStep {
        match self {
            Self::StopApp => EmergencyStep::StopApp,
            Self::Backup => EmergencyStep::Backup,
            Self::Migrations => EmergencyStep::Migrations,
            Self::App => EmergencyStep::App,
            Self::Health => EmergencyStep::Health,
        }
    }
}

/// What an operator says to a step.
enum Word {
    Yes,
    Skip,
    No,
}

/// Why the procedure ended before its end.
struct Halt {
    problem: Box<Problem>,
    activity: Option<Activity>,
}

impl From<Box<Problem>> for Halt {
    fn from(problem: Box<Problem>) -> Self {
        Self { problem, activity: None }
    }
}

pub async fn run(args: &Args, context: &Context<'_>) -> Answer<u8> {
    let printer = context.printer;
    let point = args.to.as_deref().map(parse_point).transpose()?;
    if let Some(path) = args.report.as_deref().filter(|path| path.exists()) {
        let path = path.display().to_string();
        return Err(Problem::usage(message!("emergency-report-exists", path = path)));
    }
    for problem in &context.settings.problems {
        printer.problem_beside(problem);
    }
    if !context.settings.problems.is_empty() {
        printer.note_in(&message!("emergency-settings", count = context.settings.problems.len()), Tone::Waiting);
    }
    let stop = Stop::on_signals()
        .map_err(|error| Problem::new(ExitClass::Usage, message!("runtime-failed", reason = error.to_string())))?;
    let asked = Asked { point, limits: context.limits(), drift_ignored: &context.settings.drift_ignored };
    let (session, situation) = Box::pin(see(args, &asked, &stop, context)).await;
    let folder = journal_folder(context);
    let record = newest(&folder, &situation.events).filter(|record| goes_on(record, &situation, args));
    if args.resume && record.is_none() {
        return Err(Problem::refused(message!("emergency-nothing-to-resume")).hint(message!("next-emergency")));
    }
    let known = known(args, &situation, record.as_ref(), context);
    let overview = Overview { situation: &situation, known: &known, record: record.as_ref(), context };
    overview.tell();
    if args.report_only {
        let story = Story { overview: &overview, now: &situation, failure: None, activity: None };
        let path = story.write(args.report.as_deref(), context)?;
        printer.answer(&json!({ "report": path.display().to_string() }));
        return Ok(0);
    }
    check_unasked(args, &situation, record.as_ref())?;
    if !args.yes && !printer.can_ask() {
        return Err(Problem::usage(message!("emergency-needs-yes")).note(message!("nothing-changed")));
    }
    let journal = match record.clone() {
        Some(record) => Journal::resume(&folder, record),
        None => Journal::begin(&folder),
    };
    Box::pin(go_through(args, &overview, &asked, journal, session, stop)).await
}

/// Looks at everything, and keeps the connection for what follows.
async fn see(args: &Args, asked: &Asked<'_>, stop: &Stop, context: &Context<'_>) -> (Option<Session>, Situation) {
    let connection = match context.connect().await {
        Ok(connection) => connection,
        Err(problem) => return (None, Situation::dark(problem)),
    };
    let mut situation = Box::pin(Situation::look(&connection, asked)).await;
    // What every command does that writes: a ledger of an older program is moved on.
    let is_older = situation.problems.iter().any(|problem| problem.message.id == "ledger-older");
    if is_older && !args.report_only && ensure(&connection).await.is_ok() {
        situation = Box::pin(Situation::look(&connection, asked)).await;
    }
    let mut session = Session::new(connection, context.holder(), context.limits(), stop.clone(), true);
    session.routes = context.routes();
    (Some(session), situation)
}

/// Where this database's journals are on this machine.
fn journal_folder(context: &Context<'_>) -> PathBuf {
    let target = context.settings.target();
    let (server, database) = target
        .map_or_else(|_| ("unknown".to_owned(), String::new()), |target| (target.server(), target.database.clone()));
    folder_of(&journals_of(&context.settings.spool), &server, &database)
}

/// Whether an emergency that was begun is gone on with.
fn goes_on(record: &EmergencyRecord, situation: &Situation, args: &Args) -> bool {
    let release = situation.release().map(|release| release.id);
    let is_of_it = release.is_none() || record.release_id().is_none() || record.release_id() == release;
    !args.anew && !record.is_over() && is_of_it
}

fn known(
    args: &Args,
    situation: &Situation,
    record: Option<&EmergencyRecord>,
    context: &Context<'_>,
) -> EmergencyKnown {
    let settings = &context.settings;
    let hooks = &settings.release.hooks;
    EmergencyKnown {
        settled: record.map(EmergencyRecord::settled).unwrap_or_default(),
        from: args.from.map(StepWord::step),
        skip: args.skip.iter().map(|word| word.step()).collect(),
        has_stop_hook: hooks.stop_app.is_some(),
        has_rollback_hook: hooks.rollback_app.is_some(),
        has_previous_version: previous_version(args, situation, record).is_some(),
        app_touched: situation.app_touched(),
        has_backup: settings.backup.directory.is_some() || settings.backup.command.is_some(),
        has_checks: !settings.health.checks.is_empty(),
        database: situation.database,
        ledger: situation.ledger,
        schema: situation.schema.clone(),
    }
}

fn previous_version(args: &Args, situation: &Situation, record: Option<&EmergencyRecord>) -> Option<String> {
    let said = args.previous.as_deref().map(str::trim).filter(|version| !version.is_empty()).map(str::to_owned);
    said.or_else(|| situation.previous_version.clone()).or_else(|| record?.known("previous_version"))
}

/// A script that nobody watches takes nothing back that is not plainly on its way.
fn check_unasked(args: &Args, situation: &Situation, record: Option<&EmergencyRecord>) -> Answer<()> {
    let (Some(release), true, None) = (situation.release(), args.yes, record) else { return Ok(()) };
    match release.state {
        ReleaseState::Completed if args.to.is_none() => {
            Err(Problem::usage(message!("emergency-completed", release = release.id))
                .note(message!("nothing-changed"))
                .hint(message!("emergency-completed-hint")))
        }
        ReleaseState::RolledBack if args.to.is_none() && args.from.is_none() => {
            Err(Problem::refused(message!("emergency-back-already", release = release.id))
                .note(message!("nothing-changed"))
                .hint(message!("emergency-back-already-hint")))
        }
        _ => Ok(()),
    }
}

/// Takes the emergency, goes through its steps, and tells in a file what came of it.
async fn go_through(
    args: &Args,
    overview: &Overview<'_>,
    asked: &Asked<'_>,
    journal: Journal,
    session: Option<Session>,
    stop: Stop,
) -> Answer<u8> {
    let (context, situation) = (overview.context, overview.situation);
    let settings = &context.settings;
    let secrets = Secrets::new(settings::secret_values(settings));
    let checks = || -> Answer<Checks> {
        let sources = health::sources(&settings.health, context)?;
        let sources = sources.into_iter().map(|(check, source)| (check.check, source)).collect();
        Ok((sources, settings.health.witness.clone().map(WitnessProbe::new)))
    };
    let make_backup = || -> Pin<Box<dyn Future<Output = Answer<Value>> + '_>> {
        Box::pin(async {
            let made = backup::make(&backup::CreateArgs::usual(), context).await?;
            Ok(json!({ "backup": made.id, "location": made.location, "size_bytes": made.bytes }))
        })
    };
    let means = EmergencyMeans {
        hooks: &settings.release.hooks,
        folder: &settings.project_dir,
        secrets: &secrets,
        rules: &settings.health.rules,
        answers_within: settings.release.terms.answers_within,
        drift_ignored: &settings.drift_ignored,
        checks: &checks,
        backup: &make_backup,
    };
    let version = situation.journey.as_ref().map(|journey| journey.version.clone());
    let version = version.or_else(|| situation.release().and_then(|release| release.deployed_version.clone()));
    let terms = EmergencyTerms {
        actor: settings.actor.clone(),
        reason: args.reason.trim().to_owned(),
        version: version.or_else(|| overview.record?.known("version")).unwrap_or_default(),
        previous_version: previous_version(args, situation, overview.record),
        point: situation.point.clone(),
        past_stage2: args.past_stage2,
        accepts_loss: args.accept_loss,
    };
    let mut emergency = Emergency::open(journal, &means, terms, session, stop.clone(), situation).await?;
    context
        .printer
        .note_in(&message!("emergency-begun", emergency = emergency.journal.record.id.as_str()), Tone::Quiet);
    let steps = Steps { args, overview, stop: &stop };
    let ended = steps.all(&mut emergency).await;
    // What is true now, which is what whoever reads the report wants to know.
    let now = match context.connect().await {
        Ok(connection) => Box::pin(Situation::look(&connection, asked)).await,
        Err(problem) => Situation::dark(problem),
    };
    let (failure, activity) = match &ended {
        Ok(()) => (None, None),
        Err(halt) => (Some(halt.problem.as_ref()), halt.activity.as_ref()),
    };
    let told = Overview { record: Some(&emergency.journal.record), ..*overview };
    let story = Story { overview: &told, now: &now, failure, activity };
    let path = story.write(args.report.as_deref(), context)?;
    let why = failure.map_or("", |problem| problem.message.id);
    let record = emergency.close(ended.is_ok(), why, &path).await?;
    match ended {
        Ok(()) => {
            context.printer.say_in(&message!("emergency-over"), Tone::Good);
            context.printer.say_in(&message!("emergency-over-next"), Tone::Quiet);
            context.printer.answer(&answer(&record, &now, &path));
            Ok(0)
        }
        Err(halt) => Err(halt.problem.note(message!("emergency-kept")).hint(message!("next-emergency"))),
    }
}

fn answer(record: &EmergencyRecord, now: &Situation, report: &Path) -> Value {
    json!({
        "emergency": record.id,
        "release": record.release_id(),
        "state": now.release().map(|release| release.state.as_str()),
        "settled": record.settled().iter().map(|step| step.as_str()).collect::<Vec<_>>(),
        "report": report.display().to_string(),
    })
}

/// The steps, with the operator's word for each.
struct Steps<'a> {
    args: &'a Args,
    overview: &'a Overview<'a>,
    stop: &'a Stop,
}

impl Steps<'_> {
    async fn all(&self, emergency: &mut Emergency<'_>) -> Result<(), Halt> {
        for (at, step) in EmergencyStep::ALL.into_iter().enumerate() {
            // What an earlier step settled may have changed what this one is.
            let known = EmergencyKnown { settled: emergency.journal.record.settled(), ..self.overview.known.clone() };
            let Some((_, fit)) = emergency_steps(&known).into_iter().find(|(one, _)| *one == step) else { continue };
            if step == EmergencyStep::Health {
                self.end_release(emergency).await?;
            }
            self.overview.heading(at + 1, step, &fit);
            match &fit {
                Fit::Settled | Fit::Unneeded(_) => {}
                Fit::Skipped => emergency.settle(step, "skipped", "--skip").await?,
                Fit::Due | Fit::ByHand(_) => self.one(step, &fit, emergency).await?,
            }
        }
        let open: Vec<&str> = self.open(emergency).into_iter().map(EmergencyStep::as_str).collect();
        if open.is_empty() {
            return Ok(());
        }
        Err(Problem::refused(message!("emergency-open", steps = open.join(", "))).into())
    }

    /// The steps that somebody still has to decide about.
    fn open(&self, emergency: &Emergency<'_>) -> Vec<EmergencyStep> {
        let known = EmergencyKnown {
            settled: emergency.journal.record.settled(),
            // Where this run began and ends says nothing of what is left.
            from: None,
            ..self.overview.known.clone()
        };
        let passed = |step: EmergencyStep| self.overview.known.from.is_some_and(|from| step < from);
        let steps = emergency_steps(&known).into_iter();
        steps.filter(|(step, fit)| fit.is_open() && !passed(*step)).map(|(step, _)| step).collect()
    }

    async fn one(&self, step: EmergencyStep, fit: &Fit, emergency: &mut Emergency<'_>) -> Result<(), Halt> {
        self.overview.details(step, fit);
        let by_hand = matches!(fit, Fit::ByHand(_));
        let confirmed = if self.args.yes { "--yes" } else { "terminal" };
        if by_hand && self.args.yes {
            // There is nothing to look at, which is no reason to call the rest undone.
            if step == EmergencyStep::Health {
                emergency.settle(step, "skipped", confirmed).await?;
                return Ok(());
            }
            return Err(Problem::refused(message!("emergency-left-to-you", step = step.as_str()))
                .hint(message!("emergency-left-to-you-hint", step = step.as_str()))
                .into());
        }
        let question = if by_hand { message!("emergency-ask-done") } else { message!("emergency-ask") };
        match self.ask(&question).await? {
            Word::No => return Err(Problem::refused(message!("emergency-declined", step = step.as_str())).into()),
            // What only the database keeps from being done is asked for again when it is there.
            Word::Skip if by_hand && matches!(step, EmergencyStep::Backup | EmergencyStep::Migrations) => {
                emergency.settle(step, "left_open", confirmed).await?;
                return Ok(());
            }
            Word::Skip => {
                emergency.settle(step, "skipped", confirmed).await?;
                return Ok(());
            }
            Word::Yes if by_hand => {
                emergency.settle(step, "by_hand", confirmed).await?;
                return Ok(());
            }
            Word::Yes => {}
        }
        if step == EmergencyStep::Migrations && !emergency.journal.record.settled().contains(&EmergencyStep::App) {
            self.warn_of_running(emergency);
        }
        if step == EmergencyStep::Migrations && self.overview.situation.passes_stage2 && !self.args.past_stage2 {
            self.past_stage2(emergency).await?;
        }
        if step == EmergencyStep::Migrations && self.overview.situation.loses && !self.args.accept_loss {
            self.accept_loss(emergency).await?;
        }
        let context = self.overview.context;
        let performed = emergency.perform(step, confirmed, &mut |progress| context.report(progress)).await;
        match performed {
            Ok(_) => {
                context.printer.note_in(&message!("emergency-done", step = self.overview.name(step)), Tone::Good);
                Ok(())
            }
            Err(mut problem) => {
                // Whatever it is that failed, something was begun by then.
                if problem.exit == ExitClass::Usage {
                    problem.exit = ExitClass::MigrationFailed;
                }
                Err(Halt { problem, activity: emergency.activity().await })
            }
        }
    }

    /// New code that runs while its schema goes fails until the old code is out.
    fn warn_of_running(&self, emergency: &Emergency<'_>) {
        let is_stopped = emergency.journal.record.has_done(EmergencyStep::StopApp);
        if !is_stopped && self.overview.situation.app_touched() {
            self.overview.context.printer.note_in(&message!("emergency-app-runs"), Tone::Bad);
        }
    }

    /// What stage 2 removed does not come back: somebody has to say that this is meant.
    async fn past_stage2(&self, emergency: &mut Emergency<'_>) -> Result<(), Halt> {
        let refused = Problem::refused(message!("emergency-past-stage2"))
            .note(message!("rollback-past-stage2-why"))
            .hint(message!("emergency-past-stage2-hint"));
        self.meant(&message!("emergency-ask-past-stage2"), refused).await?;
        emergency.pass_stage2();
        Ok(())
    }

    /// So it is with values that nothing keeps.
    async fn accept_loss(&self, emergency: &mut Emergency<'_>) -> Result<(), Halt> {
        let refused = Problem::refused(message!("emergency-would-lose"))
            .note(message!("rollback-would-lose-why"))
            .hint(message!("emergency-would-lose-hint"));
        self.meant(&message!("emergency-ask-accept-loss"), refused).await?;
        emergency.accept_loss();
        Ok(())
    }

    async fn meant(&self, question: &Message, refused: Box<Problem>) -> Result<(), Halt> {
        if self.args.yes {
            return Err(refused.into());
        }
        match self.ask(question).await? {
            Word::Yes => Ok(()),
            Word::Skip | Word::No => Err(refused.into()),
        }
    }

    /// The release is over once its schema and its application are back.
    async fn end_release(&self, emergency: &mut Emergency<'_>) -> Result<(), Halt> {
        let known = EmergencyKnown { settled: emergency.journal.record.settled(), ..self.overview.known.clone() };
        let is_unneeded = |(step, fit): &(EmergencyStep, Fit)| step.turns_back() && matches!(fit, Fit::Unneeded(_));
        let nothing_was_to_do = emergency_steps(&known).iter().filter(|one| is_unneeded(one)).count() == 3;
        if nothing_was_to_do && release_is_open(self.overview.situation) {
            emergency.turn_back().await?;
        } else if !emergency.journal.record.has_gone_back() || self.open(emergency).contains(&EmergencyStep::Migrations)
        {
            return Ok(());
        }
        let (printer, release) = (self.overview.context.printer, self.overview.situation.release());
        match emergency.end_release().await? {
            Some(state) if state.is_over() => {
                let id = release.map_or(0, |release| release.id);
                printer.note_in(&message!("emergency-release-over", release = id, state = state.as_str()), Tone::Good);
            }
            Some(state) => {
                printer.note_in(&message!("emergency-release-open", state = state.as_str()), Tone::Waiting);
            }
            None => printer.note_in(&message!("emergency-release-unknown"), Tone::Waiting),
        }
        Ok(())
    }

    async fn ask(&self, question: &Message) -> Answer<Word> {
        if self.args.yes {
            return Ok(Word::Yes);
        }
        let typed = self.overview.context.printer.ask_for(question);
        tokio::select! {
            typed = typed => Ok(match typed.as_deref() {
                Ok("y" | "yes" | "예" | "네") => Word::Yes,
                Ok("s" | "skip" | "건너뛰기") => Word::Skip,
                // Whatever else was typed, nobody has said yes; nor has a terminal that is gone.
                Ok(_) | Err(_) => Word::No,
            }),
            cause = self.stop.asked() => Err(lockkeeper_engine::driver::stopped(cause)),
        }
    }
}

fn release_is_open(situation: &Situation) -> bool {
    situation.release().is_some_and(|release| !release.state.is_over())
}

/// How many migrations would be undone.
const fn count(schema: &SchemaWay) -> usize {
    match schema {
        SchemaWay::Undo(count) => *count,
        SchemaWay::Nothing | SchemaWay::Closed(_) => 0,
    }
}
