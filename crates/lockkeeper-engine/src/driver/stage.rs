//! The two gates: stage 1 and stage 2.

use std::collections::BTreeMap;

use lockkeeper_core::classify::Fresh;
use lockkeeper_core::message;
use lockkeeper_core::model::{
    About, Alert, AlertKind, Answer, Arg, ExitClass, FactName, Message, MigrationNumber, PointName, Problem, Stage,
};
use lockkeeper_core::parse::MigrationPair;
use lockkeeper_core::plan::{
    PlanEntry, PlannedMigration, out_of_order, plan_migration, plan_up, stage2_digest, survey,
};
use lockkeeper_core::release::{Drive, Event, Release, ReleaseState, next};

use super::applying::{Applying, Due};
use super::drift::{DriftRules, Watch};
use super::failure::in_the_middle;
use super::gates::{GateContext, ask_stage1, refuse_closed, signed_plan};
use super::github_approval::{ask_stage2_and_reviews, reviewed_plan};
use super::pooled;
use super::progress::{Progress, Reporter};
use super::salvage::put_back;
use super::session::{Session, stopped};
use super::standalone::Unsettled;
use super::steps::plan_steps;
use crate::ledger::{
    Lease, LedgerSnapshot, ReleaseRecord, SalvageRecord, ensure, mark_approval_used, mark_github_approvals_used,
    mark_unsettled, open_release, query_alone, read, read_problem, set_state, take_point,
};
use crate::postgres::Connection;
use crate::seams::instant;

/// What to run.
#[derive(Debug, Clone)]
pub struct StageRequest<'a> {
    pub stage: Stage,
    /// Every pair of the folder.
    pub pairs: &'a [MigrationPair],
    /// Both stages in the order of the files, on a database that nothing runs on yet.
    pub file_order: bool,
    /// Up to and including this number.
    pub to: Option<MigrationNumber>,
    /// A rollback point of the user's own, taken beside the automatic one.
    pub point: Option<PointName>,
    /// Whether a stage-1 migration numbered below an applied one may run.
    pub out_of_order: bool,
    pub unsettled: Option<Unsettled>,
    pub gates: &'a GateContext,
    pub drift: &'a DriftRules,
    /// Who moves the release: a stage by hand does not meddle with a release that drives itself.
    pub drive: Drive,
}

/// What became of it.
#[derive(Debug, Clone)]
pub struct StageOutcome {
    pub applied: Vec<MigrationNumber>,
    /// What earlier rollbacks had kept of them, with what became of it now.
    pub put_back: Vec<SalvageRecord>,
    /// Pending migrations that were not this stage's to run.
    pub waiting: Vec<PlannedMigration>,
    pub notices: Vec<Message>,
    pub release: Option<(i64, ReleaseState)>,
}

/// What is to be done, decided from the files and one reading of the ledger.
struct Decision {
    /// Migrations to run, in order; a started one first when it stopped between its steps.
    due: Vec<Due>,
    waiting: Vec<PlannedMigration>,
    notices: Vec<Message>,
    /// Whether a release has to be opened or its state to be moved on.
    finishes_release: bool,
    drive: Drive,
}

/// A release that this stage 1 would open.
const NEW: Release = Release { state: ReleaseState::Planned, drive: Drive::ByHand };

/// Migrations that were read and planned already: the files do not change while a command runs.
type Known = BTreeMap<MigrationNumber, PlannedMigration>;

impl Decision {
    fn into_known(self) -> Known {
        let due = self.due.into_iter().map(|due| due.migration);
        due.chain(self.waiting).map(|migration| (migration.number, migration)).collect()
    }
}

/// Runs a stage. With nothing to do it writes nothing, takes no lease and creates no ledger.
///
/// # Errors
/// Files that do not fit the ledger, closed gates, a busy lease, a migration that failed. Whatever was
/// applied before the failure is recorded and stays.
pub async fn run_stage(
    session: &Session,
    request: &StageRequest<'_>,
    report: &mut Reporter<'_>,
) -> Answer<StageOutcome> {
    let snapshot = read(&session.connection).await?;
    let decision = decide(session, snapshot.as_ref(), request, Known::new()).await?;
    if decision.due.is_empty() && !decision.finishes_release && request.drift.accept.is_empty() {
        let release = snapshot.as_ref().and_then(LedgerSnapshot::open_release).map(|it| (it.id, it.state));
        return Ok(nothing(decision, release));
    }
    check_steps(session, &decision.due).await?;
    ensure(&session.connection).await?;
    let doing = match request.stage {
        Stage::Expand => "stage1",
        Stage::Contract => "stage2",
    };
    let lease = session.lease(doing, report).await?;
    let watch = Watch::default();
    let outcome = under_lease(session, &lease, &watch, request, decision.into_known(), report).await;
    watch.settle(session, &lease).await;
    lease.release(&session.connection).await;
    outcome
}

async fn under_lease(
    session: &Session,
    lease: &Lease,
    watch: &Watch,
    request: &StageRequest<'_>,
    known: Known,
    report: &mut Reporter<'_>,
) -> Answer<StageOutcome> {
    // Another process may have written between the first look and the lease.
    let snapshot = read(&session.connection).await?.ok_or_else(Lease::lost)?;
    let decision = decide(session, Some(&snapshot), request, known).await?;
    watch.guard(session, lease, request.pairs, request.drift).await?;
    if decision.due.is_empty() && !decision.finishes_release {
        let release = snapshot.open_release().map(|it| (it.id, it.state));
        return Ok(nothing(decision, release));
    }
    let release_id = start(session, lease, &snapshot, request, report).await?;
    watch.begun();
    let total = decision.due.len();
    let mut applied: Vec<MigrationNumber> = Vec::new();
    let mut fresh = Fresh::default();
    for (place, due) in (1..).zip(&decision.due) {
        if let Some(cause) = session.stop.cause() {
            return Err(progress_note(stopped(cause), &applied, total));
        }
        let (number, name) = (due.migration.number, due.migration.name.clone());
        report(Progress::MigrationStarted { number, name: name.clone(), place, total });
        let began = instant();
        let applying = Applying { session, lease, release_id, due, unsettled: request.unsettled, fresh: &fresh };
        if let Err(problem) = applying.run(report).await {
            note_failure(session, lease, release_id, number, &problem).await;
            return Err(progress_note(after_failure(problem, request.stage), &applied, total));
        }
        report(Progress::MigrationApplied { number, name, took: began.elapsed() });
        applied.push(number);
        fresh.learn_all(&due.migration.script.statements);
    }
    // All migrations are applied; the same command goes on with what is kept.
    let put_back = put_back(session, lease, report)
        .await
        .map_err(|problem| progress_note(in_the_middle(problem), &applied, total))?;
    let state = finish(session, lease, release_id, request, &decision).await?;
    Ok(StageOutcome {
        applied,
        put_back,
        waiting: decision.waiting,
        notices: decision.notices,
        release: Some((release_id, state)),
    })
}

fn nothing(decision: Decision, release: Option<(i64, ReleaseState)>) -> StageOutcome {
    let Decision { waiting, notices, .. } = decision;
    StageOutcome { applied: Vec::new(), put_back: Vec::new(), waiting, notices, release }
}

// ── deciding ───────────────────────────────────────────────────────────────────────────────────

async fn decide(
    session: &Session,
    snapshot: Option<&LedgerSnapshot>,
    request: &StageRequest<'_>,
    known: Known,
) -> Answer<Decision> {
    let release = snapshot.and_then(LedgerSnapshot::open_release);
    let drive = release.map_or(Drive::ByHand, |release| release.drive);
    if drive != request.drive {
        return Err(Problem::refused(message!("release-is-driven")).hint(message!("next-resume")));
    }
    let applied = snapshot.map(LedgerSnapshot::applied_migrations).unwrap_or_default();
    let survey = survey(request.pairs, &applied);
    if let Some(problem) = Problem::all(survey.problems) {
        return Err(problem);
    }
    let pending = plan_all(survey.pending.iter().copied(), request.file_order, known)?;
    let begun = begun(request, &applied)?;
    let is_due = |migration: &PlannedMigration| request.file_order || migration.stage() == request.stage;
    let within = |number: MigrationNumber| request.to.is_none_or(|to| number <= to);
    if let Some(to) = request.to.filter(|to| !request.pairs.iter().any(|pair| pair.number == *to)) {
        return Err(Problem::usage(message!("stage-to-unknown", number = to.to_string())));
    }
    if request.file_order {
        check_file_order(session, snapshot, &pending).await?;
    } else if request.stage == Stage::Expand && !request.out_of_order {
        let due: Vec<_> = pending.iter().map(|it| (it.number, it.stage())).collect();
        check_order(&out_of_order(&due, &applied))?;
    }
    let stage2_pending = pending.iter().any(|migration| migration.stage() == Stage::Contract);
    if request.stage == Stage::Contract && (stage2_pending || !begun.is_empty()) {
        check_gates(session, snapshot, &pending, &begun, request).await?;
    }
    let mut notices = survey.notices;
    notices.extend(pending.iter().filter_map(down_notice));
    let (mut due, mut waiting) = (begun, Vec::new());
    for migration in pending {
        if is_due(&migration) && within(migration.number) {
            due.push(Due { migration, begun: None });
        } else {
            waiting.push(migration);
        }
    }
    if request.stage == Stage::Expand && !request.file_order {
        let running = due.iter().map(|due| &due.migration);
        let reports = ask_stage1(&session.connection, snapshot, request.pairs, running, request.gates).await?;
        refuse_closed(Stage::Expand, &reports)?;
    }
    let finishes_release = match (request.stage, release.map(|release| release.state)) {
        // A release that only removes still passes stage 1: the code that stops using it must be deployed.
        (Stage::Expand, None) => stage2_pending && due.is_empty() && !request.file_order,
        // A release of the journey's own is there before its stage 1 begins.
        (Stage::Expand, Some(state)) => matches!(state, ReleaseState::Planned | ReleaseState::Expanding),
        (Stage::Contract, state) => state == Some(ReleaseState::Contracting),
    };
    Ok(Decision { due, waiting, notices, finishes_release, drive })
}

/// An adopted history is as it is: in file order a down script that cannot work is told, not refused.
fn plan_all<'p>(
    pairs: impl Iterator<Item = &'p MigrationPair>,
    adopts: bool,
    mut known: Known,
) -> Answer<Vec<PlannedMigration>> {
    let mut planned = Vec::new();
    let mut problems = Vec::new();
    for pair in pairs {
        let plan = || if adopts { plan_up(pair) } else { plan_migration(pair) };
        match known.remove(&pair.number).map_or_else(plan, Ok) {
            Ok(migration) => planned.push(migration),
            Err(problem) => problems.push(problem),
        }
    }
    match Problem::all(problems) {
        Some(problem) => Err(problem),
        None => Ok(planned),
    }
}

fn down_notice(migration: &PlannedMigration) -> Option<Message> {
    let problem = migration.down_problem.as_ref()?;
    let place = problem.place.as_ref().map_or_else(|| migration.down.path.to_string(), ToString::to_string);
    Some(message!("file-order-down-broken", place = place, what = problem.message.clone()))
}

/// Migrations of this stage that stopped between their steps in an earlier run.
fn begun(request: &StageRequest<'_>, applied: &[lockkeeper_core::plan::AppliedMigration]) -> Answer<Vec<Due>> {
    let mut begun = Vec::new();
    for row in applied.iter().filter(|row| !row.complete && (request.file_order || row.stage == request.stage)) {
        if let Some(pair) = request.pairs.iter().find(|pair| pair.number == row.number) {
            begun.push(Due { migration: plan_migration(pair)?, begun: Some(row.seq) });
        }
    }
    Ok(begun)
}

fn check_order(late: &[MigrationNumber]) -> Answer<()> {
    if late.is_empty() {
        return Ok(());
    }
    let numbers: Vec<_> = late.iter().map(ToString::to_string).collect();
    Err(Problem::refused(message!("stage-out-of-order", numbers = numbers.join(", "), count = numbers.len()))
        .note(message!("nothing-changed"))
        .hint(message!("stage-out-of-order-renumber-hint"))
        .hint(message!("stage-out-of-order-flag-hint")))
}

/// File order skips the gates of stage 2, so nothing may run on the database yet.
async fn check_file_order(
    session: &Session,
    snapshot: Option<&LedgerSnapshot>,
    pending: &[PlannedMigration],
) -> Answer<()> {
    if !pending.iter().any(|migration| migration.stage() == Stage::Contract) {
        return Ok(());
    }
    let used = match snapshot {
        Some(snapshot) if !snapshot.applied.is_empty() => {
            ask(&session.connection, "SELECT EXISTS (SELECT FROM lockkeeper.events WHERE kind = 'deployed')").await?
        }
        _ => ask(&session.connection, include_str!("user_tables_exist.sql")).await?,
    };
    if used {
        return Err(Problem::refused(message!("file-order-in-use"))
            .note(message!("nothing-changed"))
            .hint(message!("file-order-in-use-hint")));
    }
    Ok(())
}

async fn ask(connection: &Connection, sql: &str) -> Answer<bool> {
    let rows = query_alone(connection, sql, &[]).await.map_err(|error| read_problem(&error, connection))?;
    Ok(rows.first().is_some_and(|row| row.get(0)))
}

async fn check_gates(
    session: &Session,
    snapshot: Option<&LedgerSnapshot>,
    pending: &[PlannedMigration],
    begun: &[Due],
    request: &StageRequest<'_>,
) -> Answer<()> {
    let Some(snapshot) = snapshot.filter(|snapshot| snapshot.open_release().is_some()) else {
        return Err(Problem::refused(message!("stage2-no-release")).hint(message!("next-stage1")));
    };
    let contracting = snapshot.open_release().is_some_and(|release| release.state == ReleaseState::Contracting);
    // A stage 2 that stopped may be approved anew as it stands now; then the gates are asked again.
    let approved_anew = snapshot.approval.as_ref().is_some_and(|approval| !approval.is_used)
        || snapshot.github_approval.as_ref().is_some_and(|approval| !approval.is_used);
    if (contracting || !begun.is_empty()) && !approved_anew {
        return check_resumable(snapshot, pending, begun, request.gates);
    }
    let begun: Vec<_> = begun.iter().map(|due| due.migration.clone()).collect();
    let reports = ask_stage2_and_reviews(session, snapshot, request.pairs, &begun, pending, request.gates).await?;
    refuse_closed(Stage::Contract, &reports)
}

/// A stage 2 that was interrupted goes on under the approval that let it begin, and so only with what that
/// approval named: what is done since, what stopped between its steps and what is still pending must together
/// be that plan.
fn check_resumable(
    snapshot: &LedgerSnapshot,
    pending: &[PlannedMigration],
    begun: &[Due],
    gates: &GateContext,
) -> Answer<()> {
    let began_after = snapshot.points.iter().find(|point| point.name.as_str() == PointName::BEFORE_STAGE2);
    let done = snapshot.applied.iter().map(|row| &row.migration).filter(|migration| {
        let since = began_after.is_some_and(|point| migration.seq > point.after);
        migration.stage == Stage::Contract && migration.complete && since
    });
    // Of one that stopped, the files as they are now count: they are what would run.
    let rest = begun.iter().map(|due| &due.migration).chain(pending).filter(|it| it.stage() == Stage::Contract);
    let plan = stage2_digest(&snapshot.ledger_id, done.map(PlanEntry::from).chain(rest.map(PlanEntry::from)));
    if [signed_plan(snapshot, gates), reviewed_plan(snapshot, gates)].contains(&Some(plan)) {
        return Ok(());
    }
    let release = snapshot.open_release().map_or(0, |release| release.id);
    Err(Problem::refused(message!("stage2-other-plan", release = release)).hint(message!("stage2-other-plan-hint")))
}

/// Before anything runs: what cannot be made safe is refused, all of it at once.
async fn check_steps(session: &Session, due: &[Due]) -> Answer<()> {
    let mut fresh = Fresh::default();
    let mut problems = Vec::new();
    for due in due {
        let migration = &due.migration;
        let planned = plan_steps(
            &session.connection,
            migration.number,
            &migration.up,
            &migration.script,
            &fresh,
            &session.limits,
        );
        let checked = match planned.await {
            Ok(steps) => pooled::check(&session.connection, [(&migration.up, steps.as_slice())]),
            // What is half done goes on with the steps on record.
            Err(problem) if due.begun.is_none() => Err(problem),
            Err(_) => Ok(()),
        };
        problems.extend(checked.err());
        fresh.learn_all(&migration.script.statements);
    }
    match Problem::all(problems) {
        Some(problem) => Err(problem),
        None => Ok(()),
    }
}

// ── acting ─────────────────────────────────────────────────────────────────────────────────────

/// Opens the release or moves it on, and takes the rollback points: one transaction.
async fn start(
    session: &Session,
    lease: &Lease,
    snapshot: &LedgerSnapshot,
    request: &StageRequest<'_>,
    report: &mut Reporter<'_>,
) -> Answer<i64> {
    let actor = session.holder.actor.as_str();
    let mut authors = request.gates.authors.clone();
    authors.push(actor.to_owned());
    let (event, automatic) = match request.stage {
        Stage::Expand => (Event::Stage1Started, PointName::BEFORE_STAGE1),
        Stage::Contract => (Event::Stage2Started, PointName::BEFORE_STAGE2),
    };
    let release = snapshot.open_release().map_or(NEW, ReleaseRecord::release);
    let (from, to) = (release.state, next(release, event)?);
    // The point stays where the stage began: neither a second attempt nor a migration that joins before
    // the deploy moves it.
    let goes_on = matches!(
        (request.stage, from),
        (Stage::Expand, ReleaseState::Expanding | ReleaseState::Expanded)
            | (Stage::Contract, ReleaseState::Contracting)
    );
    let mut points: Vec<PointName> = request.point.iter().cloned().collect();
    if !goes_on {
        points.extend(PointName::new(automatic));
    }
    let open = snapshot.open_release().map(|release| release.id);
    let approval = snapshot.approval.as_ref().map(|approval| approval.id).filter(|_| request.stage == Stage::Contract);
    let recorded = session
        .record(lease, async |connection, _| {
            mark_unsettled(connection).await?;
            let id = match open {
                Some(id) => id,
                None => open_release(connection, actor, &authors).await?,
            };
            if from != to {
                set_state(connection, id, from, to, actor, &authors).await?;
            }
            for point in &points {
                take_point(connection, point, id, snapshot.last_seq, actor).await?;
            }
            if request.stage == Stage::Contract {
                let said = message!("alert-approval-used");
                session.routes.resolve_below(connection, About::approval(id).as_str(), &said).await?;
                mark_github_approvals_used(connection, id).await?;
            }
            if let Some(approval) = approval {
                mark_approval_used(connection, approval).await?;
            }
            Ok(id)
        })
        .await?;
    for name in points {
        report(Progress::PointTaken { name });
    }
    Ok(recorded)
}

async fn finish(
    session: &Session,
    lease: &Lease,
    release_id: i64,
    request: &StageRequest<'_>,
    decision: &Decision,
) -> Answer<ReleaseState> {
    let (from, event) = match request.stage {
        Stage::Expand => (ReleaseState::Expanding, Event::Stage1Finished),
        Stage::Contract => (ReleaseState::Contracting, Event::Stage2Finished),
    };
    // Stopped early on purpose: the stage is not complete.
    let rest = decision.waiting.iter().any(|migration| migration.stage() == request.stage);
    if rest {
        return Ok(from);
    }
    let to = next(Release { state: from, drive: decision.drive }, event)?;
    let actor = session.holder.actor.as_str();
    let set = session
        .record(lease, async |connection, _| {
            let below = About::migrations(release_id);
            session.routes.resolve_below(connection, &below, &message!("alert-migrations-applied")).await?;
            set_state(connection, release_id, from, to, actor, &[]).await
        })
        .await?;
    if set { Ok(to) } else { Err(Problem::refused(message!("release-moved")).hint(message!("next-status"))) }
}

// ── telling ────────────────────────────────────────────────────────────────────────────────────

fn after_failure(problem: Box<Problem>, stage: Stage) -> Box<Problem> {
    // A spent lock budget, a lost lease and a stop have said already what to do.
    if problem.exit != ExitClass::MigrationFailed {
        return problem;
    }
    match stage {
        Stage::Expand => problem.hint(message!("after-failure-stage1-hint")),
        Stage::Contract => problem.hint(message!("after-failure-stage2-hint")),
    }
}

fn progress_note(problem: Box<Problem>, applied: &[MigrationNumber], total: usize) -> Box<Problem> {
    problem.note(message!("stage-progress", applied = applied.len(), total = total))
}

/// Writes the failure into the log, or puts it aside for the next command to do so.
async fn note_failure(session: &Session, lease: &Lease, release_id: i64, number: MigrationNumber, problem: &Problem) {
    session.observe(lease, "migration_failed", Some(release_id), failure_payload(number, problem)).await;
    // A stop, a lost lease and a spent lock budget leave nothing that somebody has to mend.
    if problem.exit == ExitClass::MigrationFailed {
        session.alert(lease, &failure_alert(release_id, number, problem)).await;
    }
}

fn failure_alert(release_id: i64, number: MigrationNumber, problem: &Problem) -> Alert {
    let (about, number) = (About::migration(release_id, number), number.to_string());
    let subject = message!("alert-migration-failed", number = number.as_str());
    let mut alert = Alert::new(AlertKind::MigrationFailed, about, subject, message!("alert-migration-failed-summary"))
        .fact(FactName::Release, release_id)
        .fact(FactName::Migration, number);
    if let Some(place) = &problem.place {
        alert = alert.fact(FactName::File, place.to_string());
    }
    alert.fact(FactName::Reason, reason(problem)).fact(FactName::Next, "lockkeeper status")
}

/// What went wrong, and what the server said. Its detail may hold values of rows, and stays where the command ran.
pub fn reason(problem: &Problem) -> Arg {
    match &problem.server {
        Some(server) => {
            let (state, said) = (server.sqlstate.as_str(), server.message.as_str());
            message!("alert-reason-server", what = problem.message.clone(), sqlstate = state, said = said).into()
        }
        None => problem.message.clone().into(),
    }
}

/// What the log keeps of a failure.
pub fn failure_payload(number: MigrationNumber, problem: &Problem) -> serde_json::Value {
    serde_json::json!({
        "number": number.get(),
        "problem": problem.message.id,
        "place": problem.place.as_ref().map(ToString::to_string),
        "sqlstate": problem.server.as_ref().map(|server| server.sqlstate.as_str()),
        "message": problem.server.as_ref().map(|server| server.message.as_str()),
    })
}
