//! `rollback`: back to a rollback point.

use lockkeeper_core::message;
use lockkeeper_core::model::{Answer, Problem};
use lockkeeper_core::release::Drive;
use lockkeeper_engine::driver::{PreparedUndo, RollbackRequest, Unsettled, preview_rollback, run_rollback};
use lockkeeper_engine::ledger::SalvageRecord;

use super::stage::{UnsettledWord, parse_point};
use crate::cli::context::{Context, WaitArgs, first_line};
use crate::printer::Tone;

/// Go back to a rollback point: down scripts as they were when applied, the last migration first
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  lockkeeper rollback before_schema_add --reason \"errors on checkout\"\n\n\
Points: before_schema_add and before_field_remove are taken at the start of stage 1 and stage 2;\n\
`lockkeeper status` lists those that lead somewhere. What a down script destroys is kept in the ledger's schema and put back\n\
when its migration is applied again.")]
pub struct Args {
    /// The rollback point
    point: String,
    /// Why; kept in the ledger
    #[arg(long, default_value = "")]
    reason: String,
    /// Do not ask on the terminal
    #[arg(long)]
    yes: bool,
    /// Undo stage-2 migrations too. Their down scripts bring tables and columns back, not what was in them
    #[arg(long)]
    past_stage2: bool,
    /// Go back even where a down script destroys values that cannot be kept
    #[arg(long)]
    accept_loss: bool,
    /// Run the down files of this checkout instead of those kept when the migrations were applied
    #[arg(long)]
    down_from_files: bool,
    /// What became of a step that was interrupted and cannot be asked about: done, or again to run it
    #[arg(long, value_name = "WORD", value_enum)]
    unsettled: Option<UnsettledWord>,
    #[command(flatten)]
    waiting: WaitArgs,
}

pub async fn run(args: &Args, context: &Context<'_>) -> Answer<u8> {
    let point = parse_point(&args.point)?;
    let pairs = if args.down_from_files { Some(context.pairs()?) } else { None };
    let session = context.session(args.waiting).await?;
    let request = RollbackRequest {
        point,
        reason: args.reason.trim().to_owned(),
        past_stage2: args.past_stage2,
        down_from_files: pairs.as_deref(),
        accepts_loss: args.accept_loss,
        unsettled: args.unsettled.map(Unsettled::from),
        drift_ignored: &context.settings.drift_ignored,
        drive: Drive::ByHand,
    };
    let prepared = preview_rollback(&session.connection, &request, &session.limits).await?;
    let printer = context.printer;
    if !prepared.is_empty() {
        show(&prepared, context);
        confirm(args, context)?;
    }
    let outcome = run_rollback(&session, &request, &mut |progress| context.report(progress)).await?;
    if outcome.undone.is_empty() {
        printer.say(&message!("rollback-nothing", point = args.point.as_str()));
    } else {
        let done = message!("rollback-done", point = args.point.as_str(), count = outcome.undone.len());
        printer.say_in(&done, Tone::Good);
    }
    printer.answer(&serde_json::json!({
        "point": args.point,
        "undone": outcome.undone.iter().map(|number| number.get()).collect::<Vec<_>>(),
        "salvaged": outcome.salvaged.iter().map(SalvageRecord::to_json).collect::<Vec<_>>(),
        "release": outcome.release.map(|(id, state)| serde_json::json!({ "id": id, "state": state.as_str() })),
    }));
    Ok(0)
}

/// What will be undone, and with which statements.
fn show(prepared: &[PreparedUndo], context: &Context<'_>) {
    let printer = context.printer;
    printer.note_in(&message!("rollback-heading", count = prepared.len()), Tone::Strong);
    for one in prepared {
        let migration = &one.undo.migration;
        let (number, name) = (migration.number.to_string(), migration.name.as_str());
        printer.note_under(2, &message!("rollback-migration", number = number, name = name), Tone::Plain);
        if one.steps.is_empty() {
            printer.note_under(4, &message!("rollback-empty-down"), Tone::Waiting);
        }
        for salvage in &one.salvage {
            let table = salvage.table.to_string();
            let said = if salvage.is_whole {
                message!("rollback-keeps-table", table = table)
            } else {
                message!("rollback-keeps", table = table, columns = salvage.values())
            };
            if !salvage.seems_empty {
                printer.note_under(4, &said, Tone::Good);
            }
        }
        if let Some(why) = &one.lost {
            printer.note_under(4, &message!("rollback-loses", why = why.clone()), Tone::Bad);
        }
        for step in &one.steps {
            printer.note_text(4, &first_line(&step.sql));
        }
    }
}

fn confirm(args: &Args, context: &Context<'_>) -> Answer<()> {
    if args.yes {
        return Ok(());
    }
    let unchanged = |problem: Box<Problem>| Err(problem.note(message!("nothing-changed")));
    match context.printer.ask(&message!("rollback-question")) {
        Some(true) => Ok(()),
        Some(false) => unchanged(Problem::refused(message!("rollback-declined"))),
        None => unchanged(Problem::usage(message!("rollback-needs-yes"))),
    }
}
