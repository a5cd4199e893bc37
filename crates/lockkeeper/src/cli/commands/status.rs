//! `status`: where every migration and release stands. Reads, and writes nothing.

use lockkeeper_core::message;
use lockkeeper_core::model::{
    Answer, ExitClass, Gate, GateReport, GateVerdict, Message, ObjectDifference, Problem, Stage,
};
use lockkeeper_core::parse::MigrationPair;
use lockkeeper_core::plan::{FileState, PlannedMigration, Survey, plan_migration, survey};
use lockkeeper_core::release::age;
use lockkeeper_engine::driver::{ask_stage1, ask_stage2, drift_refusal, schema_drift, stopped_in_stage2};
use lockkeeper_engine::ledger::{
    AppliedRecord, LedgerSnapshot, SalvageRecord, VerifiedFiles, read, read_salvages, read_undelivered,
    read_verifications,
};
use lockkeeper_engine::postgres::Connection;

use super::notify::GIVEN_UP_SHOWN_FOR;
use crate::cli::context::{Context, moment};
use crate::cli::salvages;
use crate::printer::{Cell, Table, Tone};

/// Show where every migration and release stands; exit 1 when files and ledger do not fit
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  lockkeeper status\n  lockkeeper status --json | jq '.migrations[] | select(.state == \"pending\")'"
)]
pub struct Args {}

/// A pending migration, or why it cannot be read.
type Pending<'p> = (&'p MigrationPair, Result<PlannedMigration, Box<Problem>>);

pub async fn run(_: &Args, context: &Context<'_>) -> Answer<u8> {
    let folder = context.folder()?;
    let connection = context.connect().await?;
    let snapshot = read(&connection).await?;
    let applied = snapshot.as_ref().map(LedgerSnapshot::applied_migrations).unwrap_or_default();
    let survey = survey(&folder.pairs, &applied);
    let pending: Vec<Pending<'_>> = survey.pending.iter().map(|pair| (*pair, plan_migration(pair))).collect();
    let readable: Vec<_> = pending.iter().filter_map(|(_, planned)| planned.as_ref().ok().cloned()).collect();
    let gates = Gates::ask(&connection, snapshot.as_ref(), &folder.pairs, &readable, &survey, context).await?;
    // While somebody holds the lease the schema is being changed, and by us.
    let settled = snapshot.as_ref().is_some_and(|snapshot| !snapshot.lease.is_held);
    let drift = if settled {
        match schema_drift(&connection, &folder.pairs, &context.settings.drift_ignored).await {
            // All the rest can be told all the same.
            Err(problem) if problem.exit == ExitClass::Busy => {
                context.printer.note_in(&problem.message, Tone::Waiting);
                None
            }
            drift => Some(drift?),
        }
    } else {
        None
    };
    let mut problems = folder.problems;
    problems.extend(pending.iter().filter_map(|(_, planned)| planned.as_ref().err().cloned()));
    problems.extend(survey.problems.iter().cloned());
    problems.extend(drift.as_deref().and_then(drift_refusal));
    tell(&connection, snapshot.as_ref(), &survey, &pending, &gates, context);
    let waiting = snapshot.as_ref().map_or(0, |snapshot| context.tell_waiting(&snapshot.ledger_id));
    let mut answer = to_json(snapshot.as_ref(), &survey, &pending, &gates, drift.as_deref(), &problems);
    answer["events_waiting"] = waiting.into();
    let salvages = read_salvages(&connection).await?;
    tell_salvages(&salvages, context);
    answer["salvages"] = salvages.iter().map(SalvageRecord::to_json).collect();
    answer["alerts"] = alerts(&connection, context).await?;
    let verified = read_verifications(&connection, &folder.pairs).await?;
    answer["verified"] = verified_json(&verified, &folder.pairs);
    context.printer.answer(&answer);
    match Problem::all(problems) {
        Some(problem) if !context.printer.is_json() => Err(problem),
        Some(problem) => Ok(problem.exit.code()),
        None => Ok(0),
    }
}

/// What rollbacks have kept, as long as it is kept.
fn tell_salvages(salvages: &[SalvageRecord], context: &Context<'_>) {
    let printer = context.printer;
    if salvages.is_empty() {
        return;
    }
    printer.line("");
    printer.say_in(&message!("status-salvages"), Tone::Strong);
    for record in salvages {
        for (said, tone) in salvages::told(record, context) {
            printer.say_under(2, &said, tone);
        }
        if record.returned.is_some() {
            let kept_in = record.kept.kept_in.to_string();
            printer.say_under(4, &message!("salvage-drop-hint", kept_in = kept_in), Tone::Quiet);
        }
    }
}

/// How many alerts did not arrive, and a word to the person when there are any.
async fn alerts(connection: &Connection, context: &Context<'_>) -> Answer<serde_json::Value> {
    let undelivered = read_undelivered(connection, GIVEN_UP_SHOWN_FOR).await?;
    let given_up = undelivered.iter().filter(|one| one.gave_up_at.is_some()).count();
    let waiting = undelivered.len() - given_up;
    if !undelivered.is_empty() {
        context.printer.note_in(&message!("status-alerts", waiting = waiting, given_up = given_up), Tone::Waiting);
    }
    Ok(serde_json::json!({ "undelivered": waiting, "given_up": given_up }))
}

/// The gates before each stage that has something to run.
struct Gates {
    stage1: Vec<GateReport>,
    stage2: Vec<GateReport>,
}

impl Gates {
    async fn ask(
        connection: &Connection,
        snapshot: Option<&LedgerSnapshot>,
        pairs: &[MigrationPair],
        pending: &[PlannedMigration],
        survey: &Survey<'_>,
        context: &Context<'_>,
    ) -> Answer<Self> {
        let of = |stage: Stage| pending.iter().filter(move |it| it.stage() == stage);
        let asked = context.gate_context(&survey.pending)?;
        let stage1 = if of(Stage::Expand).next().is_some() {
            ask_stage1(connection, snapshot, pairs, of(Stage::Expand), &asked).await?
        } else {
            Vec::new()
        };
        let Some(snapshot) = snapshot else { return Ok(Self { stage1, stage2: Vec::new() }) };
        // A file that cannot be planned is told of among the migrations.
        let stopped = stopped_in_stage2(snapshot, pairs).unwrap_or_default();
        let stage2 = if stopped.is_empty() && of(Stage::Contract).next().is_none() {
            Vec::new()
        } else {
            ask_stage2(connection, snapshot, pairs, &stopped, pending, &asked, None).await?
        };
        Ok(Self { stage1, stage2 })
    }
}

fn tell(
    connection: &Connection,
    snapshot: Option<&LedgerSnapshot>,
    survey: &Survey<'_>,
    pending: &[Pending<'_>],
    gates: &Gates,
    context: &Context<'_>,
) {
    let printer = context.printer;
    let target = connection.target();
    printer.say_in(
        &message!(
            "status-database",
            database = target.database.as_str(),
            server = target.server(),
            version = connection.version().to_string()
        ),
        Tone::Strong,
    );
    tell_release(snapshot, context);
    if survey.applied.is_empty() && pending.is_empty() {
        printer.say(&message!("status-empty"));
        return;
    }
    printer.line("");
    printer.table(&migrations(snapshot, survey, pending, context));
    for notice in &survey.notices {
        printer.say_in(notice, Tone::Waiting);
    }
    for (heading, gates) in [(message!("status-gates1"), &gates.stage1), (message!("status-gates"), &gates.stage2)] {
        if !gates.is_empty() {
            printer.line("");
            printer.say_in(&heading, Tone::Strong);
        }
        for gate in gates {
            tell_gate(gate, context);
        }
    }
    let Some(snapshot) = snapshot.filter(|snapshot| !snapshot.points.is_empty()) else { return };
    printer.line("");
    printer.say_in(&message!("status-points"), Tone::Strong);
    let mut seen = Vec::new();
    for point in &snapshot.points {
        // An older point of the same name is hidden by the newer one.
        if !seen.contains(&&point.name) {
            seen.push(&point.name);
            let at = moment(point.taken_at);
            let said = message!("status-point", point = point.name.as_str(), at = at, by = point.taken_by.as_str());
            printer.say_under(2, &said, Tone::Plain);
        }
    }
}

fn tell_release(snapshot: Option<&LedgerSnapshot>, context: &Context<'_>) {
    let printer = context.printer;
    let Some(snapshot) = snapshot else {
        printer.say(&message!("status-no-ledger"));
        return;
    };
    if let Some(release) = &snapshot.release {
        let said = message!(
            "status-release",
            release = release.id,
            state = release.state.as_str(),
            at = moment(release.started_at),
            by = release.started_by.as_str()
        );
        printer.say(&said);
        if let (Some(version), Some(at)) = (&release.deployed_version, release.deployed_at) {
            printer.say(&message!("status-deployed", version = version.as_str(), at = moment(at)));
        }
    }
    if snapshot.lease.is_held {
        let lease = &snapshot.lease;
        printer.say_in(
            &message!(
                "status-lease",
                holder = lease.holder.as_str(),
                host = lease.host.as_str(),
                pid = lease.pid,
                doing = lease.doing.as_str(),
                since = moment(lease.acquired_at)
            ),
            Tone::Waiting,
        );
    }
}

fn tell_gate(gate: &GateReport, context: &Context<'_>) {
    let (mark, tone) = match gate.verdict {
        GateVerdict::Yes => ("[x]", Tone::Good),
        GateVerdict::NotYet => ("[ ]", Tone::Waiting),
        GateVerdict::No => ("[!]", Tone::Bad),
        GateVerdict::Waived => ("[~]", Tone::Waiting),
    };
    let printer = context.printer;
    // What is said of a backup names its age already.
    let evidence = match gate.age.filter(|_| gate.gate != Gate::Backup) {
        Some(since) => message!("checklist-aged", evidence = gate.evidence.clone(), age = age(since)),
        None => gate.evidence.clone(),
    };
    printer.say_under(2, &message!("status-gate", mark = mark, evidence = evidence), tone);
    if let Some(waiver) = &gate.waiver {
        let said = message!("gate-waived", by = waiver.by.as_str(), reason = waiver.reason.as_str());
        printer.say_under(6, &said, Tone::Waiting);
    }
    if let Some(way_out) = &gate.way_out {
        printer.say_under(6, &message!("status-way-out", command = way_out.clone()), Tone::Quiet);
    }
}

fn migrations(
    snapshot: Option<&LedgerSnapshot>,
    survey: &Survey<'_>,
    pending: &[Pending<'_>],
    context: &Context<'_>,
) -> Table {
    let printer = context.printer;
    let headings = [
        message!("status-number"),
        message!("status-name"),
        message!("status-kind"),
        message!("status-stage"),
        message!("status-state"),
    ];
    let mut table = Table::new(headings.iter().map(|heading| printer.text(heading)).collect());
    let mut rows: Vec<_> = Vec::new();
    for (migration, file) in &survey.applied {
        let record = snapshot.and_then(|it| it.applied.iter().find(|row| row.migration.seq == migration.seq));
        let (state, tone) = applied_state(record, *file);
        rows.push((
            migration.number,
            vec![
                Cell::new(migration.number.to_string()),
                Cell::new(migration.name.as_str()),
                Cell::toned(migration.kind.as_str(), Tone::Quiet),
                Cell::new(migration.stage.number().to_string()),
                Cell::toned(printer.text(&state), tone),
            ],
        ));
    }
    for (pair, planned) in pending {
        let (stage, state, tone) = pending_state(planned);
        rows.push((
            pair.number,
            vec![
                Cell::new(pair.number.to_string()),
                Cell::new(pair.name.as_str()),
                Cell::toned(pair.name.kind().as_str(), Tone::Quiet),
                Cell::new(stage),
                Cell::toned(printer.text(&state), tone),
            ],
        ));
    }
    rows.sort_by_key(|(number, _)| *number);
    for (_, cells) in rows {
        table.row(cells);
    }
    table
}

fn applied_state(record: Option<&AppliedRecord>, file: FileState) -> (Message, Tone) {
    let applied = || {
        let at = record.and_then(|record| record.applied_at).map(moment).unwrap_or_default();
        let by = record.map(|record| record.applied_by.clone()).unwrap_or_default();
        message!("state-applied", at = at, by = by)
    };
    match file {
        _ if record.is_some_and(|record| record.undoing) => (message!("state-undoing"), Tone::Bad),
        _ if record.is_some_and(|record| !record.migration.complete) => (message!("state-applying"), Tone::Bad),
        FileState::Same | FileState::DownChanged => (applied(), Tone::Good),
        FileState::Changed => (message!("state-changed"), Tone::Bad),
        FileState::Renamed => (message!("state-renamed"), Tone::Bad),
        FileState::Renumbered => (message!("state-renumbered"), Tone::Bad),
        FileState::Missing => (message!("state-missing"), Tone::Bad),
    }
}

fn pending_state(planned: &Result<PlannedMigration, Box<Problem>>) -> (&'static str, Message, Tone) {
    match planned {
        Ok(migration) if migration.stage() == Stage::Expand => ("1", message!("state-pending"), Tone::Waiting),
        Ok(_) => ("2", message!("state-waiting"), Tone::Waiting),
        Err(_) => ("?", message!("state-unreadable"), Tone::Bad),
    }
}

fn to_json(
    snapshot: Option<&LedgerSnapshot>,
    survey: &Survey<'_>,
    pending: &[Pending<'_>],
    gates: &Gates,
    drift: Option<&[ObjectDifference]>,
    problems: &[Box<Problem>],
) -> serde_json::Value {
    use serde_json::json;
    let applied = survey.applied.iter().map(|(migration, file)| {
        let record = snapshot.and_then(|it| it.applied.iter().find(|row| row.migration.seq == migration.seq));
        json!({
            "number": migration.number.get(),
            "name": migration.name.as_str(),
            "kind": migration.kind.as_str(),
            "stage": migration.stage.number(),
            "state": if migration.complete { "applied" } else { "incomplete" },
            "file": file.as_str(),
            "applied_at": record.and_then(|record| record.applied_at).map(|at| at.to_string()),
            "applied_by": record.map(|record| record.applied_by.as_str()),
            "duration_ms": record.and_then(|record| record.duration_ms),
            "release": record.map(|record| record.release_id),
        })
    });
    let waiting = pending.iter().map(|(pair, planned)| {
        json!({
            "number": pair.number.get(),
            "name": pair.name.as_str(),
            "kind": pair.name.kind().as_str(),
            "stage": planned.as_ref().ok().map(|migration| migration.stage().number()),
            "state": if planned.is_ok() { "pending" } else { "unreadable" },
        })
    });
    let mut migrations: Vec<_> = applied.chain(waiting).collect();
    migrations.sort_by_key(|migration| migration["number"].as_i64());
    json!({
        "ledger": snapshot.map(|it| it.ledger_id.as_str()),
        "release": snapshot.and_then(|it| it.release.as_ref()).map(|release| json!({
            "id": release.id,
            "state": release.state.as_str(),
            "deployed_version": release.deployed_version,
        })),
        "lease": snapshot.map(|it| &it.lease).filter(|lease| lease.is_held).map(|lease| json!({
            "holder": lease.holder, "host": lease.host, "pid": lease.pid, "doing": lease.doing,
        })),
        "migrations": migrations,
        "stage1_gates": gates_json(&gates.stage1),
        "gates": gates_json(&gates.stage2),
        "points": snapshot.map(|it| it.points.iter().map(|point| json!({
            "name": point.name.as_str(),
            "taken_at": point.taken_at.to_string(),
        })).collect::<Vec<_>>()),
        "drift": drift.map(|drift| drift.iter().map(|it| json!({
            "kind": it.kind,
            "object": it.identity,
            "change": it.change().as_str(),
            "added": it.added(),
            "removed": it.removed(),
        })).collect::<Vec<_>>()),
        "problems": problems.iter().map(|problem| json!({
            "id": problem.message.id,
            "path": problem.place.as_ref().map(|place| place.path.as_ref()),
        })).collect::<Vec<_>>(),
    })
}

fn gates_json(gates: &[GateReport]) -> Vec<serde_json::Value> {
    let gate = |gate: &GateReport| {
        serde_json::json!({
            "gate": gate.gate.as_str(),
            "verdict": gate.verdict.as_str(),
            "evidence": gate.evidence.id,
            "age_s": gate.age.map(|age| age.as_secs()),
            "waived": gate.waiver.as_ref().map(|it| serde_json::json!({ "by": it.by, "reason": it.reason })),
            "way_out": gate.way_out.as_ref().map(|way_out| way_out.id),
        })
    };
    gates.iter().map(gate).collect()
}

/// What `verify` found of the files as they are now.
fn verified_json(verified: &VerifiedFiles, pairs: &[MigrationPair]) -> serde_json::Value {
    let each = pairs.iter().map(|pair| {
        let record = verified.known.get(&pair.number);
        serde_json::json!({
            "number": pair.number.get(),
            "verdict": record.map(|it| it.verdict.as_str()),
            "not_verified": record.map(|it| it.not_verified.as_slice()),
            "verified_at": record.map(|it| it.verified_at.to_string()),
            "verified_by": record.map(|it| it.verified_by.as_str()),
            "server_major": record.map(|it| it.server_major),
        })
    });
    serde_json::json!({ "all_sound": verified.are_all_sound(pairs), "migrations": each.collect::<Vec<_>>() })
}
