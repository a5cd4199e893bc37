//! `verify`: tries every migration in a throw-away database.

use lockkeeper_core::message;
use lockkeeper_core::model::{Answer, ExitClass, LockMode, Message, ObjectDifference, Problem, Verdict};
use lockkeeper_core::parse::MigrationPair;
use lockkeeper_core::sample::Loss;
use lockkeeper_engine::driver::{
    Fate, GivenRows, LockFinding, Outcome, RowsTrial, Shadow, Trial, Verification, record_verification, verify,
};

use lockkeeper_engine::seams::Stop;

use crate::cli::context::Context;
use crate::printer::Tone;
use crate::settings;

/// Try every migration in a throw-away database: up, down, up again, and stage by stage
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  lockkeeper verify\n  lockkeeper verify --shadow-url postgres://ci@localhost/postgres\n  pg_dump --data-only --column-inserts shop >rows.sql && lockkeeper verify --data rows.sql"
)]
pub struct Args {
    /// Make the throw-away databases on this server, instead of starting a private one
    #[arg(long, value_name = "URL")]
    pub shadow_url: Option<String>,
    /// Try the migrations on the rows of this dump instead of on rows that are made up: a plain one of `pg_dump`
    /// (COPY or INSERT), or an archive where `pg_restore` is here. Its rows are put into a table when a migration
    /// reaches it, it has exactly the dump's columns and no rows, in the order of the foreign keys; triggers run. What
    /// is not about rows is left out. Tables that could not be filled are named as not verified. No value is told
    #[arg(long, value_name = "FILE")]
    pub data: Option<std::path::PathBuf>,
    /// Do not record in the database what was found
    #[arg(long)]
    pub no_record: bool,
}

pub async fn run(args: &Args, context: &Context<'_>) -> Answer<u8> {
    let printer = context.printer;
    let pairs = context.pairs()?;
    let shadow = shadow(args, context).await?;
    let told = match shadow.programs() {
        Some(programs) => message!("verify-private", path = programs.display().to_string()),
        None => message!("verify-named", server = shadow.place()),
    };
    printer.note_in(&told, Tone::Quiet);
    let given = match &args.data {
        Some(path) => Some(GivenRows::read(path, shadow.programs()).await?),
        None => None,
    };
    let stop = Stop::on_signals()
        .map_err(|error| Problem::new(ExitClass::Usage, message!("runtime-failed", reason = error.to_string())))?;
    let verification = verify(&shadow, &pairs, given, &stop).await?;
    for trial in &verification.trials {
        tell(trial, context);
    }
    tell_orders(&verification, context);
    tell_given(&verification, context);
    let left = pairs.len().saturating_sub(verification.trials.len());
    if left > 0 {
        printer.say_in(&message!("verify-not-tried", count = left), Tone::Waiting);
    }
    for role in &verification.roles_left {
        printer.note_in(&message!("verify-role-left", role = role.as_str()), Tone::Waiting);
    }
    let verdict = verification.verdict();
    let count = |verdict| verification.trials.iter().filter(|trial| trial.verdict() == verdict).count();
    match verdict {
        Verdict::Pass => printer.say_in(&message!("verify-sound", count = pairs.len()), Tone::Good),
        Verdict::Fail => printer.say_in(&message!("verify-unsound", count = count(Verdict::Fail)), Tone::Bad),
        Verdict::NoData | Verdict::ProbeError => {
            printer.say_in(&message!("verify-inconclusive", count = count(Verdict::NoData)), Tone::Waiting);
        }
    }
    let recorded = record(args, &pairs, &verification, context).await;
    printer.answer(&serde_json::json!({
        "recorded": recorded,
        "shadow": {
            "kind": if shadow.programs().is_some() { "private" } else { "named" },
            "programs": shadow.programs().map(|path| path.display().to_string()),
            "server": shadow.programs().is_none().then(|| shadow.place()),
        },
        "sound": verdict == Verdict::Pass,
        "verdict": verdict.as_str(),
        "roles_left": verification.roles_left,
        "migrations": verification.trials.iter().map(|trial| to_json(trial, context)).collect::<Vec<_>>(),
        "not_tried": left,
        "data": given_json(&verification),
        "stage_order": orders_json(&verification, context),
    }));
    Ok(match verdict {
        Verdict::Pass => 0,
        Verdict::Fail => ExitClass::Refused.code(),
        Verdict::NoData | Verdict::ProbeError => ExitClass::Inconclusive.code(),
    })
}

/// Tries the migrations as they are and records what was found, with a word on those that are not sound: for a release
/// that found them untried. Whether all are sound.
///
/// # Errors
/// There is nothing to try them on.
pub async fn try_and_record(context: &Context<'_>) -> Answer<bool> {
    let args = Args { shadow_url: None, data: None, no_record: false };
    let pairs = context.pairs()?;
    let shadow = shadow(&args, context).await?;
    let stop = Stop::on_signals()
        .map_err(|error| Problem::new(ExitClass::Usage, message!("runtime-failed", reason = error.to_string())))?;
    let verification = verify(&shadow, &pairs, None, &stop).await;
    shadow.end().await;
    let verification = verification?;
    for trial in verification.trials.iter().filter(|trial| trial.verdict() != Verdict::Pass) {
        let (number, name) = (trial.number.to_string(), trial.name.as_str());
        context.printer.note_in(&message!("verify-not-sound", number = number, name = name), Tone::Waiting);
    }
    record(&args, &pairs, &verification, context).await;
    Ok(verification.verdict() == Verdict::Pass)
}

/// Records what was found, where that is possible; whether it was. What was found stands either way.
async fn record(args: &Args, pairs: &[MigrationPair], verification: &Verification, context: &Context<'_>) -> bool {
    let printer = context.printer;
    if args.no_record || !context.settings.target_is_named {
        printer.note_in(&message!("verify-not-recorded"), Tone::Quiet);
        return false;
    }
    let written = async {
        let connection = context.connect().await?;
        let written = record_verification(&connection, pairs, verification, &context.settings.actor).await;
        connection.close().await;
        written
    }
    .await;
    match written {
        Ok(()) => {
            printer.note_in(&message!("verify-recorded"), Tone::Quiet);
            true
        }
        Err(problem) => {
            printer.note_in(&message!("verify-cannot-record", reason = problem.message.clone()), Tone::Waiting);
            false
        }
    }
}

/// A private server of the target's major version; where the target cannot be asked, of any.
async fn shadow(args: &Args, context: &Context<'_>) -> Answer<Shadow> {
    if let Some(url) = &args.shadow_url {
        return Ok(Shadow::on(settings::shadow_target(url)?));
    }
    let Ok(connection) = context.connect().await else {
        context.printer.note_in(&message!("verify-major-unknown"), Tone::Waiting);
        return Shadow::private(None).await;
    };
    let major = connection.version().major();
    connection.close().await;
    Shadow::private(Some(major)).await
}

fn tell(trial: &Trial, context: &Context<'_>) {
    let printer = context.printer;
    let (number, name) = (trial.number.to_string(), trial.name.as_str());
    let (said, tone) = match &trial.outcome {
        Outcome::Sound => (message!("verify-migration-sound", number = number, name = name), Tone::Good),
        Outcome::NoWayBack => (message!("verify-no-way-back", number = number, name = name), Tone::Quiet),
        Outcome::LacksExtensions(names) => {
            let names = names.iter().cloned().collect::<Vec<_>>().join(", ");
            (message!("verify-lacks-extensions", number = number, name = name, extensions = names), Tone::Waiting)
        }
        Outcome::UpFails(_) => (message!("verify-up-fails", number = number, name = name), Tone::Bad),
        Outcome::DownFails(_) => (message!("verify-down-fails", number = number, name = name), Tone::Bad),
        Outcome::UpAgainFails(_) => (message!("verify-up-again-fails", number = number, name = name), Tone::Bad),
        Outcome::Differs { undone, .. } if undone.is_empty() => {
            (message!("verify-again-differs", number = number, name = name), Tone::Bad)
        }
        Outcome::Differs { .. } => (message!("verify-down-differs", number = number, name = name), Tone::Bad),
    };
    printer.say_in(&said, tone);
    match &trial.outcome {
        Outcome::Sound | Outcome::NoWayBack | Outcome::LacksExtensions(_) => {}
        Outcome::UpFails(problem) | Outcome::DownFails(problem) | Outcome::UpAgainFails(problem) => {
            tell_problem(problem, context);
        }
        Outcome::Differs { undone, again } => {
            tell_differences(if undone.is_empty() { again } else { undone }, context);
        }
    }
    match &trial.rewritten {
        Some(Err(problem)) => {
            printer.say_under(2, &message!("verify-safe-fails"), Tone::Bad);
            tell_problem(problem, context);
        }
        Some(Ok(found)) if !found.is_empty() => {
            printer.say_under(2, &message!("verify-safe-differs"), Tone::Bad);
            tell_differences(found, context);
        }
        Some(Ok(_)) | None => {}
    }
    for finding in &trial.locks {
        let tone = if finding.lock.breaks_promise() { Tone::Bad } else { Tone::Waiting };
        printer.say_under(2, &lock_told(finding), tone);
    }
    if let Some(rows) = &trial.rows {
        tell_rows(trial, rows, context);
    }
}

/// What became of rows and values, and on what it could not be tried.
fn tell_rows(trial: &Trial, rows: &RowsTrial, context: &Context<'_>) {
    let printer = context.printer;
    let number = || trial.number.to_string();
    let each = |losses: &[Loss], tone: Tone, told: &dyn Fn(&Loss, String) -> Message| {
        for loss in losses {
            let what = match &loss.column {
                Some(column) => format!("{}.{column}", loss.table),
                None => loss.table.clone(),
            };
            printer.say_under(2, &told(loss, what), tone);
        }
    };
    let up = if rows.breaks_promise(trial.stage) { Tone::Bad } else { Tone::Waiting };
    each(&rows.by_up, up, &|loss, what| match loss.column {
        Some(_) => message!("verify-up-destroys-values", number = number(), count = loss.count, column = what),
        None => message!("verify-up-destroys-rows", number = number(), count = loss.count, table = what),
    });
    each(&rows.lost, Tone::Bad, &|loss, what| match loss.column {
        Some(_) => message!("verify-down-loses-values", number = number(), count = loss.count, column = what),
        None => message!("verify-down-loses-rows", number = number(), count = loss.count, table = what),
    });
    each(&rows.by_down, Tone::Waiting, &|loss, what| match loss.column {
        Some(_) => message!("verify-down-destroys-values", number = number(), count = loss.count, column = what),
        None => message!("verify-down-destroys-rows", number = number(), count = loss.count, table = what),
    });
    if let Some(problem) = &rows.failed {
        let said = if rows.are_given { message!("verify-fails-on-given") } else { message!("verify-rows-not-tried") };
        printer.say_under(2, &said, if rows.are_given { Tone::Bad } else { Tone::Waiting });
        tell_problem(problem, context);
    }
    for table in &rows.not_filled {
        let said = if rows.are_given {
            message!("verify-not-given", table = table.as_str())
        } else {
            message!("verify-not-filled", table = table.as_str())
        };
        printer.say_under(2, &said, Tone::Waiting);
    }
}

/// What was told of a lock and what was taken.
fn lock_told(finding: &LockFinding) -> Message {
    let mode = |mode: Option<LockMode>| mode.map_or("-", LockMode::as_str);
    message!(
        "verify-lock-differs",
        place = finding.place.to_string(),
        table = finding.lock.table.as_str(),
        told = mode(finding.lock.told),
        taken = mode(finding.lock.taken)
    )
}

fn tell_problem(problem: &Problem, context: &Context<'_>) {
    if !context.printer.is_json() {
        context.printer.problem(problem);
    }
}

fn tell_differences(found: &[ObjectDifference], context: &Context<'_>) {
    let told: Vec<Message> = found.iter().flat_map(ObjectDifference::told).collect();
    for said in told {
        context.printer.say_under(4, &said, Tone::Waiting);
    }
}

fn tell_orders(verification: &Verification, context: &Context<'_>) {
    let printer = context.printer;
    match &verification.orders {
        None => {}
        Some(Ok(found)) if found.is_empty() => printer.say_in(&message!("verify-orders-agree"), Tone::Good),
        Some(Ok(found)) => {
            printer.say_in(&message!("verify-orders-differ"), Tone::Bad);
            tell_differences(found, context);
        }
        Some(Err(problem)) => {
            printer.say_in(&message!("verify-stage-order-fails"), Tone::Bad);
            tell_problem(problem, context);
        }
    }
}

/// What became of the dump: every table of it that no migration was tried on is named.
fn tell_given(verification: &Verification, context: &Context<'_>) {
    let Some(given) = &verification.given else { return };
    let printer = context.printer;
    let loaded = given.tables.values().filter(|fate| **fate == Fate::Loaded).count();
    printer.note_in(&message!("verify-given", loaded = loaded, count = given.tables.len()), Tone::Quiet);
    if given.left_out > 0 {
        printer.note_in(&message!("verify-given-left-out", count = given.left_out), Tone::Quiet);
    }
    for (table, fate) in &given.tables {
        let table = table.as_str();
        let said = match fate {
            Fate::Loaded => continue,
            Fate::NoTable => message!("verify-given-no-table", table = table),
            Fate::OtherColumns => message!("verify-given-other-columns", table = table),
            Fate::Refused(sqlstate) => message!("verify-given-refused", table = table, sqlstate = sqlstate.as_str()),
        };
        printer.say_in(&said, Tone::Waiting);
    }
}

fn given_json(verification: &Verification) -> serde_json::Value {
    let Some(given) = &verification.given else { return serde_json::Value::Null };
    let of = |wanted: &dyn Fn(&Fate) -> bool| {
        given.tables.iter().filter(|it| wanted(it.1)).map(|it| it.0.as_str()).collect::<Vec<_>>()
    };
    let refused = given.tables.iter().filter_map(|(table, fate)| match fate {
        Fate::Refused(sqlstate) => Some(serde_json::json!({ "table": table, "sqlstate": sqlstate })),
        Fate::NoTable | Fate::OtherColumns | Fate::Loaded => None,
    });
    serde_json::json!({
        "loaded": of(&|fate| *fate == Fate::Loaded),
        "no_table": of(&|fate| *fate == Fate::NoTable),
        "other_columns": of(&|fate| *fate == Fate::OtherColumns),
        "refused": refused.collect::<Vec<_>>(),
        "left_out": given.left_out,
    })
}

fn differences_json(found: &[ObjectDifference]) -> serde_json::Value {
    let each = found.iter().map(|difference| {
        serde_json::json!({
            "kind": difference.kind,
            "identity": difference.identity,
            "change": difference.change().as_str(),
            "added": difference.added(),
            "removed": difference.removed(),
        })
    });
    each.collect()
}

fn problem_json(problem: &Problem, context: &Context<'_>) -> serde_json::Value {
    serde_json::json!({
        "id": problem.message.id,
        "text": context.printer.text(&problem.message),
        "path": problem.place.as_ref().map(|place| place.path.as_ref()),
        "line": problem.place.as_ref().and_then(|place| place.at).map(|at| at.line),
        "sqlstate": problem.server.as_ref().map(|server| server.sqlstate.as_str()),
        "server": problem.server.as_ref().map(|server| server.message.as_str()),
    })
}

fn to_json(trial: &Trial, context: &Context<'_>) -> serde_json::Value {
    let (outcome, problem, undone, again) = match &trial.outcome {
        Outcome::Sound => ("sound", None, None, None),
        Outcome::NoWayBack => ("no_way_back", None, None, None),
        Outcome::LacksExtensions(_) => ("lacks_extensions", None, None, None),
        Outcome::UpFails(problem) => ("up_fails", Some(problem), None, None),
        Outcome::DownFails(problem) => ("down_fails", Some(problem), None, None),
        Outcome::UpAgainFails(problem) => ("up_again_fails", Some(problem), None, None),
        Outcome::Differs { undone, again } => ("differs", None, Some(undone), Some(again)),
    };
    serde_json::json!({
        "number": trial.number.get(),
        "name": trial.name,
        "sound": trial.verdict() == Verdict::Pass,
        "verdict": trial.verdict().as_str(),
        "not_verified": trial.not_verified(),
        "locks": trial.locks.iter().map(|finding| serde_json::json!({
            "path": finding.place.path.as_ref(),
            "line": finding.place.at.map(|at| at.line),
            "table": finding.lock.table,
            "told": finding.lock.told.map(LockMode::as_str),
            "taken": finding.lock.taken.map(LockMode::as_str),
            "breaks_promise": finding.lock.breaks_promise(),
        })).collect::<Vec<_>>(),
        "outcome": outcome,
        "rows": trial.rows.as_ref().map(|rows| rows_json(trial, rows, context)),
        "problem": problem.map(|problem| problem_json(problem, context)),
        "down_leaves": undone.map(|found| differences_json(found)),
        "up_again_leaves": again.map(|found| differences_json(found)),
        "safe_steps": trial.rewritten.as_ref().map(|found| match found {
            Ok(found) => serde_json::json!({ "differences": differences_json(found) }),
            Err(problem) => serde_json::json!({ "problem": problem_json(problem, context) }),
        }),
    })
}

fn rows_json(trial: &Trial, rows: &RowsTrial, context: &Context<'_>) -> serde_json::Value {
    let each = |losses: &[Loss]| {
        let one = |loss: &Loss| serde_json::json!({ "table": loss.table, "column": loss.column, "count": loss.count });
        losses.iter().map(one).collect::<Vec<_>>()
    };
    let changed = rows.changed.iter().map(|(table, column)| serde_json::json!({ "table": table, "column": column }));
    serde_json::json!({
        "survive": !rows.breaks_promise(trial.stage),
        "up_destroys": each(&rows.by_up),
        "up_changes": changed.collect::<Vec<_>>(),
        "down_destroys": each(&rows.by_down),
        "down_loses": each(&rows.lost),
        "failed": rows.failed.as_ref().map(|problem| problem_json(problem, context)),
        "not_filled": rows.not_filled,
        "given": rows.are_given,
    })
}

fn orders_json(verification: &Verification, context: &Context<'_>) -> serde_json::Value {
    match &verification.orders {
        None => serde_json::Value::Null,
        Some(Ok(found)) => serde_json::json!({ "differences": differences_json(found) }),
        Some(Err(problem)) => serde_json::json!({ "problem": problem_json(problem, context) }),
    }
}
