//! The way back to a rollback point: down scripts in reverse order, each with its ledger row.

use lockkeeper_core::classify::Fresh;
use lockkeeper_core::message;
use lockkeeper_core::model::{
    About, Alert, AlertKind, Answer, Checksum, ExitClass, FactName, Message, MigrationNumber, PointName, Problem,
};
use lockkeeper_core::parse::{MigrationFile, MigrationPair, Script};
use lockkeeper_core::plan::{
    AppliedMigration, RollbackPlan, Salvage, Step, TakeBack, Undo, plan_rollback, read_down_script,
};
use lockkeeper_core::release::{Drive, Event, ReleaseState, next};

use super::apply::Work;
use super::drift::Watch;
use super::failure::{self, in_the_middle};
use super::journey::{busy, write_turn};
use super::pooled;
use super::progress::{Progress, Reporter};
use super::resume::resume;
use super::salvage::{self, Prepared, would_lose};
use super::session::{Limits, Session, stopped};
use super::stage::{failure_payload, reason};
use super::standalone::{Run, Unsettled};
use super::steps::plan_steps;
use super::take_back::{Remains, take_back};
use crate::ledger::{
    JourneyTerm, Lease, LedgerSnapshot, PointRecord, SalvageRecord, Standing, StepsOf, StoredStep, begin_undo, ensure,
    is_current, mark_unsettled, problem as ledger_problem, query, read, read_down, read_problem, record_event,
    salvages_of, set_state, take_journey, undone, void_points_after,
};
use crate::postgres::Connection;
use crate::seams::instant;

/// Where to go back to, and why.
#[derive(Debug, Clone)]
pub struct RollbackRequest<'a> {
    pub point: PointName,
    pub reason: String,
    /// Whether stage-2 migrations may be undone; what they removed does not come back.
    pub past_stage2: bool,
    /// Down scripts from the files instead of the ledger's, when the one of back then is wrong.
    pub down_from_files: Option<&'a [MigrationPair]>,
    /// Whether values may be lost that cannot be kept.
    pub accepts_loss: bool,
    pub unsettled: Option<Unsettled>,
    /// Patterns of objects whose changes behind our back are nobody's business.
    pub drift_ignored: &'a [String],
    /// Who moves the release: one that drives itself does it when all of its way back is done.
    pub drive: Drive,
}

/// One migration on the way back, with the script that undoes it.
#[derive(Debug, Clone)]
pub struct PreparedUndo {
    pub undo: Undo,
    pub file: MigrationFile,
    pub steps: Vec<Step>,
    /// What is kept before the script destroys it.
    pub salvage: Vec<Salvage>,
    /// Why some of what it destroys is lost, where that was accepted.
    pub lost: Option<Message>,
}

/// What a rollback came to.
#[derive(Debug, Clone)]
pub struct RollbackOutcome {
    pub undone: Vec<MigrationNumber>,
    /// What was kept of what they destroyed.
    pub salvaged: Vec<SalvageRecord>,
    pub release: Option<(i64, ReleaseState)>,
}

/// What a rollback would do. Writes nothing.
///
/// # Errors
/// An unknown point, a stage-2 migration in the way, a down script that cannot be read or would destroy what cannot
/// be kept.
pub async fn preview_rollback(
    connection: &Connection,
    request: &RollbackRequest<'_>,
    limits: &Limits,
) -> Answer<Vec<PreparedUndo>> {
    let Some(snapshot) = read(connection).await? else {
        return Err(Problem::refused(message!("rollback-no-ledger")));
    };
    let point = find_point(&snapshot, &request.point)?;
    prepare(connection, &snapshot, point, request, limits).await
}

/// Goes back to the point.
///
/// # Errors
/// As [`preview_rollback`], a busy lease, a down script that fails. What was undone before the failure is
/// recorded and stays undone; the failing script leaves nothing.
pub async fn run_rollback(
    session: &Session,
    request: &RollbackRequest<'_>,
    report: &mut Reporter<'_>,
) -> Answer<RollbackOutcome> {
    // An older ledger has no place for what is kept.
    if !is_current(&session.connection).await? && read(&session.connection).await?.is_some() {
        ensure(&session.connection).await?;
    }
    let journey = match request.drive {
        Drive::ByHand => hold_release(session).await?,
        Drive::Driven => None,
    };
    let lease = session.lease("rollback", report).await?;
    let watch = Watch::default();
    let outcome = under_lease(session, &lease, &watch, request, report).await;
    watch.settle(session, &lease).await;
    lease.release(&session.connection).await;
    if let Some(journey) = journey {
        journey.leave(&session.connection).await;
    }
    outcome
}

/// The right to drive the release that goes back: nothing is undone under whoever drives it, and nobody drives it on
/// while it is undone.
async fn hold_release(session: &Session) -> Answer<Option<JourneyTerm>> {
    let snapshot = read(&session.connection).await?;
    let release = snapshot.and_then(|snapshot| snapshot.release).filter(|release| release.drive == Drive::Driven);
    let Some(release) = release else { return Ok(None) };
    let taken =
        write_turn(&session.connection, async |connection| take_journey(connection, release.id, &session.holder).await);
    match taken.await? {
        Some(term) => Ok(Some(term)),
        None => Err(busy(session, release.id).await.hint(message!("next-release-abort"))),
    }
}

fn find_point<'s>(snapshot: &'s LedgerSnapshot, name: &PointName) -> Answer<&'s PointRecord> {
    snapshot.point(name).ok_or_else(|| {
        let mut known: Vec<_> = snapshot.points.iter().map(|point| point.name.to_string()).collect();
        known.dedup();
        let problem = Problem::refused(message!("rollback-point-unknown", point = name.as_str()));
        if known.is_empty() {
            problem.hint(message!("rollback-no-points-hint"))
        } else {
            problem.hint(message!("rollback-points-hint", points = known.join(", ")))
        }
    })
}

async fn prepare(
    connection: &Connection,
    snapshot: &LedgerSnapshot,
    point: &PointRecord,
    request: &RollbackRequest<'_>,
    limits: &Limits,
) -> Answer<Vec<PreparedUndo>> {
    let applied = snapshot.applied_migrations();
    let RollbackPlan { undo } = plan_rollback(&point.name, point.after, &applied, request.past_stage2)?;
    let mut prepared = Vec::new();
    for undo in undo {
        let is_begun = snapshot.applied.iter().any(|row| row.migration.seq == undo.migration.seq && row.undoing);
        if !undo.migration.complete && !is_begun && request.down_from_files.is_none() {
            check_half_applied(connection, &undo.migration, &request.point).await?;
        }
        let file = down_file(connection, &undo, request).await?;
        let script = read_down_script(&file)?;
        let number = undo.migration.number;
        // One that stopped half-way is taken back step by step, and nothing used what it had made.
        let is_whole = undo.migration.complete && !is_begun || request.down_from_files.is_some();
        if is_whole {
            let (steps, salvage, lost) = with_salvage(connection, number, &file, &script, request, limits).await?;
            prepared.push(PreparedUndo { undo, file, steps, salvage, lost });
        } else {
            let steps = plan_steps(connection, number, &file, &script, &Fresh::default(), limits).await?;
            prepared.push(PreparedUndo { undo, file, steps, salvage: Vec::new(), lost: None });
        }
    }
    pooled::check(connection, prepared.iter().map(|undo| (&undo.file, undo.steps.as_slice())))?;
    Ok(prepared)
}

/// The steps of a down script, and what is kept before it destroys it; or why that cannot be kept, where whoever asks
/// accepts the loss.
async fn with_salvage(
    connection: &Connection,
    number: MigrationNumber,
    file: &MigrationFile,
    script: &Script,
    request: &RollbackRequest<'_>,
    limits: &Limits,
) -> Answer<(Vec<Step>, Vec<Salvage>, Option<Message>)> {
    let Prepared { steps, salvage } = salvage::prepare(connection, number, file, script, limits).await?;
    match salvage {
        Ok(salvage) => Ok((steps, salvage, None)),
        Err(why) if request.accepts_loss => Ok((steps, Vec::new(), Some(why))),
        Err(why) => Err(would_lose(number, &why, request.point.as_str()).note(message!("nothing-changed"))),
    }
}

/// A migration that stopped half-way can go back when each of its steps can; else nothing of the way back begins.
async fn check_half_applied(connection: &Connection, migration: &AppliedMigration, point: &PointName) -> Answer<()> {
    let of = StepsOf { seq: migration.seq, is_up: true, actor: "" };
    let stored = of.read(connection).await.map_err(unreadable)?;
    let total = stored.len();
    let stands = |step: &StoredStep| step.standing == Standing::Done && step.take_back == TakeBack::Impossible;
    let Some(last) = stored.iter().rposition(stands) else { return Ok(()) };
    let standing: Vec<_> = stored.into_iter().take(last + 1).collect();
    Err(failure::standing(half_applied(migration, point), &standing, total).note(message!("nothing-changed")))
}

fn half_applied(migration: &AppliedMigration, point: &PointName) -> Box<Problem> {
    Problem::refused(message!("undo-half-applied", number = migration.number.to_string()))
        .hint(message!("undo-half-applied-finish-hint"))
        .hint(message!("undo-half-applied-files-hint", point = point.as_str()))
}

async fn down_file(connection: &Connection, undo: &Undo, request: &RollbackRequest<'_>) -> Answer<MigrationFile> {
    let migration = &undo.migration;
    if let Some(pairs) = request.down_from_files {
        let pair = pairs.iter().find(|pair| pair.number == migration.number);
        return pair
            .map(|pair| pair.down.clone())
            .ok_or_else(|| Problem::refused(message!("rollback-file-missing", number = migration.number.to_string())));
    }
    let kept = read_down(connection, migration.seq).await.map_err(|error| read_problem(&error, connection))?;
    let (path, text) = kept.ok_or_else(|| Problem::refused(message!("rollback-no-ledger")))?;
    Ok(MigrationFile { path: path.into(), checksum: Checksum::of(text.as_bytes()), text })
}

async fn under_lease(
    session: &Session,
    lease: &Lease,
    watch: &Watch,
    request: &RollbackRequest<'_>,
    report: &mut Reporter<'_>,
) -> Answer<RollbackOutcome> {
    let snapshot = read(&session.connection).await?.ok_or_else(Lease::lost)?;
    let point = find_point(&snapshot, &request.point)?;
    let prepared = prepare(&session.connection, &snapshot, point, request, &session.limits).await?;
    let release = snapshot.release.clone();
    let going_back = release.as_ref().is_some_and(|release| release.state == ReleaseState::RollingBack);
    if prepared.is_empty() && !going_back {
        let release = release.map(|it| (it.id, it.state));
        return Ok(RollbackOutcome { undone: Vec::new(), salvaged: Vec::new(), release });
    }
    let drift = watch.note(session, request.down_from_files.unwrap_or_default(), request.drift_ignored).await?;
    if !drift.is_empty() {
        report(Progress::Drifted(drift));
    }
    start(session, lease, &snapshot, request).await?;
    watch.begun();
    let total = prepared.len();
    let (mut undone, mut salvaged) = (Vec::new(), Vec::new());
    for prepared in &prepared {
        let number = prepared.undo.migration.number;
        if let Some(cause) = session.stop.cause() {
            return Err(stopped(cause).note(message!("rollback-progress", undone = undone.len(), total = total)));
        }
        let began = instant();
        let is_begun =
            snapshot.applied.iter().any(|row| row.migration.seq == prepared.undo.migration.seq && row.undoing);
        // Planned under the lease a moment ago, and nothing has been undone since.
        let planned = undone.is_empty().then(|| (prepared.steps.clone(), prepared.salvage.clone()));
        let undoing = Undoing { session, lease, prepared, planned, request };
        if let Err(problem) = undoing.run(is_begun, report).await {
            let release_id = release.as_ref().map(|release| release.id);
            session.observe(lease, "undo_failed", release_id, failure_payload(number, &problem)).await;
            if let Some(release_id) = release_id.filter(|_| problem.exit == ExitClass::MigrationFailed) {
                session.alert(lease, &failed_alert(release_id, number, request, &problem)).await;
            }
            return Err(problem
                .note(message!("rollback-progress", undone = undone.len(), total = total))
                .hint(message!("rollback-failed-hint", point = request.point.as_str())));
        }
        let name = prepared.undo.migration.name.clone();
        report(Progress::MigrationUndone { number, name, took: began.elapsed() });
        let kept = salvages_of(&session.connection, prepared.undo.migration.seq).await.map_err(|problem| {
            in_the_middle(problem)
                .note(message!("rollback-progress", undone = undone.len() + 1, total = total))
                .hint(message!("rollback-failed-hint", point = request.point.as_str()))
        })?;
        for kept in kept {
            report(Progress::Salvaged(Box::new(kept.clone())));
            salvaged.push(kept);
        }
        undone.push(number);
    }
    let release = finish(session, lease, point, request).await.map_err(|problem| {
        // Everything is undone; what is left is to say so, which the same command does.
        in_the_middle(problem)
            .note(message!("rollback-progress", undone = undone.len(), total = total))
            .hint(message!("rollback-failed-hint", point = request.point.as_str()))
    })?;
    Ok(RollbackOutcome { undone, salvaged, release })
}

async fn start(
    session: &Session,
    lease: &Lease,
    snapshot: &LedgerSnapshot,
    request: &RollbackRequest<'_>,
) -> Answer<()> {
    let Some(release) = &snapshot.release else { return Ok(()) };
    let actor = session.holder.actor.as_str();
    let payload = serde_json::json!({
        "point": request.point.as_str(),
        "reason": request.reason,
        "past_stage2": request.past_stage2,
        "down_from_files": request.down_from_files.is_some(),
    });
    let to = match release.state {
        // A release that is back already: an older one is being undone now.
        ReleaseState::RolledBack => None,
        ReleaseState::RollingBack if request.drive == Drive::Driven => None,
        _ => Some(next(release.release(), Event::RollbackStarted)?),
    };
    session
        .record(lease, async |connection, _| {
            mark_unsettled(connection).await?;
            record_event(connection, actor, "rollback_started", Some(release.id), &payload).await?;
            if let Some(to) = to {
                set_state(connection, release.id, release.state, to, actor, &[]).await?;
            }
            // Who drives a release has told of its way back already.
            match request.drive {
                Drive::ByHand => session.routes.put(connection, &started_alert(release.id, request, actor)).await,
                Drive::Driven => Ok(()),
            }
        })
        .await
}

/// One migration on its way out of the database.
struct Undoing<'a> {
    session: &'a Session,
    lease: &'a Lease,
    prepared: &'a PreparedUndo,
    /// Its steps and what is kept, where they were planned on the tables as they are now.
    planned: Option<(Vec<Step>, Vec<Salvage>)>,
    request: &'a RollbackRequest<'a>,
}

impl Undoing<'_> {
    async fn run(&self, is_begun: bool, report: &mut Reporter<'_>) -> Answer<()> {
        let (session, migration) = (self.session, &self.prepared.undo.migration);
        let doing = message!("undo-failed", number = migration.number.to_string(), name = migration.name.as_str());
        // The facts are read for the preview, because what cannot be undone is refused before a lease is taken; under
        // the lease, because another process may have changed the tables until then; and here for all but the
        // first, because what was undone before has changed them again.
        let file = &self.prepared.file;
        let half_applied = !migration.complete && !is_begun;
        let is_taken_back = half_applied && self.request.down_from_files.is_none();
        let (own, salvage) = if let Some(planned) = &self.planned {
            planned.clone()
        } else {
            let (connection, script) = (&session.connection, read_down_script(file)?);
            if is_begun || is_taken_back {
                let fresh = Fresh::default();
                let steps = plan_steps(connection, migration.number, file, &script, &fresh, &session.limits).await?;
                (steps, Vec::new())
            } else {
                let (number, limits) = (migration.number, &session.limits);
                let (steps, salvage, _) = with_salvage(connection, number, file, &script, self.request, limits).await?;
                (steps, salvage)
            }
        };
        // What is kept is kept in the transaction that destroys it.
        let actor = session.holder.actor.as_str();
        let each = (1..).zip(&salvage);
        let mut steps: Vec<Step> =
            each.flat_map(|(place, it)| it.steps(migration.number, migration.seq, place, actor, file)).collect();
        steps.extend(own);
        let work = Work {
            session,
            lease: self.lease,
            number: migration.number,
            file,
            steps: &steps,
            is_whole: true,
            doing: &doing,
        };
        if is_taken_back {
            return self.take_back(work, report).await;
        }
        if !is_begun && !Run::is_needed(&steps) {
            let row = async |connection: &Connection, transaction: &str| {
                Ok(self.row(connection, transaction).await?.then_some(()))
            };
            return work.in_one_transaction(row, report).await;
        }
        let of = StepsOf { seq: migration.seq, is_up: false, actor };
        let stored = of.read(&session.connection).await.map_err(unreadable)?;
        let resumed = resume(steps.clone(), &stored, file)?;
        let begin = async |connection: &Connection, _: &str| {
            begin_undo(connection, migration.seq).await?;
            of.plan(connection, resumed.behind, &resumed.steps).await
        };
        session.record(self.lease, begin).await?;
        let run = Run { work: Work { steps: &resumed.steps, ..work }, of, unsettled: self.request.unsettled };
        if let Err(problem) = run.all(&stored, report).await {
            let Ok(now) = of.read(&session.connection).await else { return Err(problem) };
            return Err(match Remains::of(now) {
                Remains::Nothing => problem,
                Remains::Steps(steps) => failure::standing(problem, &steps, resumed.steps.len()),
            });
        }
        self.record_undone().await
    }

    /// A migration that stopped between its steps: the steps that stand are taken back. Its down script undoes
    /// all of it, and would destroy what was there before.
    async fn take_back(&self, work: Work<'_>, report: &mut Reporter<'_>) -> Answer<()> {
        let (session, migration) = (self.session, &self.prepared.undo.migration);
        let of = StepsOf { seq: migration.seq, is_up: true, actor: session.holder.actor.as_str() };
        let stored = of.read(&session.connection).await.map_err(unreadable)?;
        let steps: Vec<Step> = stored.iter().map(|step| step.as_step(migration.number)).collect();
        let run = Run { work: Work { steps: &steps, ..work }, of, unsettled: self.request.unsettled };
        run.settle_begun(&stored, report).await?;
        match take_back(&run, report).await.map_err(unreadable)? {
            Remains::Nothing => self.record_undone().await,
            Remains::Steps(standing) => {
                Err(failure::standing(half_applied(migration, &self.request.point), &standing, steps.len()))
            }
        }
    }

    async fn row(&self, connection: &Connection, transaction: &str) -> Result<bool, crate::postgres::SqlError> {
        let (seq, actor) = (self.prepared.undo.migration.seq, self.session.holder.actor.as_str());
        undone(connection, seq, actor, &self.request.reason, transaction).await
    }

    async fn record_undone(&self) -> Answer<()> {
        let row = async |connection: &Connection, transaction: &str| self.row(connection, transaction).await;
        self.session.record(self.lease, row).await.map(|_| ())
    }
}

#[expect(clippy::needless_pass_by_value, reason = "it stands behind map_err")]
fn unreadable(error: crate::postgres::SqlError) -> Box<Problem> {
    ledger_problem(&error, message!("ledger-unreadable"))
}

async fn finish(
    session: &Session,
    lease: &Lease,
    point: &PointRecord,
    request: &RollbackRequest<'_>,
) -> Answer<Option<(i64, ReleaseState)>> {
    let snapshot = read(&session.connection).await?.ok_or_else(Lease::lost)?;
    let Some(release) = snapshot.release.clone() else { return Ok(None) };
    let remains = snapshot.applied.iter().any(|row| row.release_id == release.id);
    let to = match release.state {
        ReleaseState::RollingBack if request.drive == Drive::Driven => release.state,
        ReleaseState::RollingBack => next(release.release(), Event::RollbackFinished { remains })?,
        state => state,
    };
    let actor = session.holder.actor.as_str();
    let payload = serde_json::json!({ "point": request.point.as_str() });
    session
        .record(lease, async |connection, _| {
            void_points_after(connection, point.after).await?;
            if request.drive == Drive::ByHand {
                query(connection, include_str!("close_emptied_releases.sql"), &[]).await?;
            }
            record_event(connection, actor, "rollback_finished", Some(release.id), &payload).await?;
            if to != release.state {
                set_state(connection, release.id, release.state, to, actor, &[]).await?;
            }
            if request.drive == Drive::Driven {
                return Ok(());
            }
            session.routes.put(connection, &finished_alert(release.id, request, to)).await?;
            // Whatever stood of the release went with it.
            let said = message!("alert-rolled-back");
            session.routes.resolve_below(connection, &About::all_of_release(release.id), &said).await
        })
        .await?;
    Ok(Some((release.id, to)))
}

// ── telling ────────────────────────────────────────────────────────────────────────────────────

fn started_alert(release_id: i64, request: &RollbackRequest<'_>, actor: &str) -> Alert {
    let subject = message!("alert-rollback-started", point = request.point.as_str());
    let summary = message!("alert-rollback-started-summary");
    let alert = Alert::new(AlertKind::RollbackStarted, About::rollback(release_id), subject, summary)
        .fact(FactName::Release, release_id)
        .fact(FactName::Point, request.point.as_str());
    let alert = if request.reason.is_empty() { alert } else { alert.fact(FactName::Reason, request.reason.as_str()) };
    alert.fact(FactName::Actor, actor)
}

fn failed_alert(release_id: i64, number: MigrationNumber, request: &RollbackRequest<'_>, problem: &Problem) -> Alert {
    let subject = message!("alert-rollback-failed", number = number.to_string());
    let summary = message!("alert-rollback-failed-summary");
    Alert::new(AlertKind::RollbackFailed, About::rollback(release_id), subject, summary)
        .fact(FactName::Release, release_id)
        .fact(FactName::Point, request.point.as_str())
        .fact(FactName::Migration, number.to_string())
        .fact(FactName::Reason, reason(problem))
        .fact(FactName::Next, format!("lockkeeper rollback {}", request.point.as_str()))
}

fn finished_alert(release_id: i64, request: &RollbackRequest<'_>, state: ReleaseState) -> Alert {
    let subject = message!("alert-rollback-finished", point = request.point.as_str());
    let summary = message!("alert-rollback-finished-summary");
    Alert::new(AlertKind::RollbackFinished, About::rollback(release_id), subject, summary)
        .fact(FactName::Release, release_id)
        .fact(FactName::Point, request.point.as_str())
        .fact(FactName::State, state.as_str())
}
