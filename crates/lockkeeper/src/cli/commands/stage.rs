//! What `stage1` and `stage2` share.

use lockkeeper_core::message;
use lockkeeper_core::model::{Answer, MigrationNumber, PointName, Problem, Stage};
use lockkeeper_core::plan::PlannedMigration;
use lockkeeper_core::release::Drive;
use lockkeeper_engine::driver::{DriftRules, StageOutcome, StageRequest, Unsettled, run_stage};
use lockkeeper_engine::ledger::SalvageRecord;

use crate::cli::context::{Context, WaitArgs, pending};
use crate::printer::Tone;

/// Flags of both stages.
#[derive(Debug, clap::Args)]
pub struct StageArgs {
    /// Take a rollback point of this name as well
    #[arg(long, value_name = "NAME")]
    pub point: Option<String>,
    /// What became of a step that was interrupted and cannot be asked about: done, or again to run it
    #[arg(long, value_name = "WORD", value_enum)]
    pub unsettled: Option<UnsettledWord>,
    /// Take an object that was changed behind Lockkeeper's back as it is now; needs --reason
    #[arg(long, value_name = "OBJECT", requires = "reason")]
    pub accept_drift: Vec<String>,
    /// Why, for the log
    #[arg(long, value_name = "TEXT", requires = "accept_drift")]
    pub reason: Option<String>,
    #[command(flatten)]
    pub waiting: WaitArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum UnsettledWord {
    Done,
    Again,
}

impl From<UnsettledWord> for Unsettled {
    fn from(word: UnsettledWord) -> Self {
        match word {
            UnsettledWord::Done => Self::Done,
            UnsettledWord::Again => Self::Again,
        }
    }
}

/// Which way a stage is run.
#[derive(Debug, Clone, Copy)]
pub struct Way<'a> {
    pub stage: Stage,
    pub to: Option<&'a str>,
    pub file_order: bool,
    pub out_of_order: bool,
}

pub async fn run(args: &StageArgs, way: Way<'_>, context: &Context<'_>) -> Answer<u8> {
    let to = way.to.map(parse_number).transpose()?;
    let point = args.point.as_deref().map(parse_own_point).transpose()?;
    let reason = args.reason.as_deref().unwrap_or_default().trim();
    if !args.accept_drift.is_empty() && reason.is_empty() {
        return Err(Problem::usage(message!("schema-accept-reason-empty")));
    }
    let pairs = context.pairs()?;
    let session = context.session(args.waiting).await?;
    let gates = context.gate_context(&pending(&session.connection, &pairs).await?)?;
    let drift = DriftRules {
        ignore: context.settings.drift_ignored.clone(),
        accept: args.accept_drift.clone(),
        reason: reason.to_owned(),
    };
    let request = StageRequest {
        stage: way.stage,
        pairs: &pairs,
        file_order: way.file_order,
        to,
        point,
        out_of_order: way.out_of_order,
        unsettled: args.unsettled.map(Unsettled::from),
        gates: &gates,
        drift: &drift,
        drive: Drive::ByHand,
    };
    let outcome = run_stage(&session, &request, &mut |progress| context.report(progress)).await?;
    tell(args, &outcome, way.stage, context);
    Ok(0)
}

fn parse_number(text: &str) -> Answer<MigrationNumber> {
    MigrationNumber::parse(text).ok_or_else(|| Problem::usage(message!("number-unreadable", text = text)))
}

/// A point's name that a user may give.
fn parse_own_point(text: &str) -> Answer<PointName> {
    let name = parse_point(text)?;
    if name.is_automatic() {
        return Err(Problem::usage(message!("point-name-automatic", name = text)));
    }
    Ok(name)
}

pub fn parse_point(text: &str) -> Answer<PointName> {
    PointName::new(text)
        .ok_or_else(|| Problem::usage(message!("point-name-unfit", name = text, max = PointName::CHARS_MAX)))
}

fn tell(args: &StageArgs, outcome: &StageOutcome, stage: Stage, context: &Context<'_>) {
    let printer = context.printer;
    for notice in &outcome.notices {
        printer.note_in(notice, Tone::Waiting);
    }
    let stage_number = i32::from(stage.number());
    if outcome.applied.is_empty() {
        printer.say(&message!("stage-nothing", stage = stage_number));
        if let Some(point) = &args.point {
            printer.note_in(&message!("point-not-taken", point = point.as_str()), Tone::Waiting);
        }
    } else {
        printer.say_in(&message!("stage-done", stage = stage_number, count = outcome.applied.len()), Tone::Good);
    }
    let waiting: Vec<&PlannedMigration> = outcome.waiting.iter().collect();
    if !waiting.is_empty() {
        let names: Vec<_> = waiting.iter().map(|it| format!("{} {}", it.number, it.name)).collect();
        printer.say(&message!("stage-waiting", migrations = names.join(", ")));
    }
    printer.answer(&serde_json::json!({
        "stage": stage.number(),
        "applied": outcome.applied.iter().map(|number| number.get()).collect::<Vec<_>>(),
        "put_back": outcome.put_back.iter().map(SalvageRecord::to_json).collect::<Vec<_>>(),
        "waiting": waiting.iter().map(|migration| serde_json::json!({
            "number": migration.number.get(),
            "name": migration.name.as_str(),
            "stage": migration.stage().number(),
        })).collect::<Vec<_>>(),
        "release": outcome.release.map(|(id, state)| serde_json::json!({ "id": id, "state": state.as_str() })),
    }));
}
