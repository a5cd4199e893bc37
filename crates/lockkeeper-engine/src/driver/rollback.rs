//! The way back to a rollback point: down scripts in reverse order, each with its ledger row.

use lockkeeper_core::message;
use lockkeeper_core::model::{Answer, Checksum, MigrationNumber, PointName, Problem};
use lockkeeper_core::parse::{MigrationFile, MigrationPair};
use lockkeeper_core::plan::{RollbackPlan, Step, Undo, down_steps, plan_rollback};
use lockkeeper_core::release::{Event, ReleaseState, next};

use super::apply::Work;
use super::drift::Watch;
use super::pooled;
use super::progress::{Progress, Reporter};
use super::session::{Session, stopped};
use super::stage::{failure_payload, unfinished};
use super::standalone::{Run, Unsettled};
use crate::ledger::{
    Lease, LedgerSnapshot, PointRecord, begin_undo, mark_unsettled, query, read, read_down, read_problem, record_event,
    set_state, undone, void_points_after,
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
    pub unsettled: Option<Unsettled>,
    /// Patterns of objects whose changes behind our back are nobody's business.
    pub drift_ignored: &'a [String],
}

/// One migration on the way back, with the script that undoes it.
#[derive(Debug, Clone)]
pub struct PreparedUndo {
    pub undo: Undo,
    pub file: MigrationFile,
    pub steps: Vec<Step>,
}

/// What a rollback came to.
#[derive(Debug, Clone)]
pub struct RollbackOutcome {
    pub undone: Vec<MigrationNumber>,
    pub release: Option<(i64, ReleaseState)>,
}

/// What a rollback would do. Writes nothing.
///
/// # Errors
/// An unknown point, a stage-2 migration in the way, a down script that cannot be read.
pub async fn preview_rollback(connection: &Connection, request: &RollbackRequest<'_>) -> Answer<Vec<PreparedUndo>> {
    let Some(snapshot) = read(connection).await? else {
        return Err(Problem::refused(message!("rollback-no-ledger")));
    };
    let point = find_point(&snapshot, &request.point)?;
    prepare(connection, &snapshot, point, request).await
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
    let lease = session.lease("rollback", report).await?;
    let watch = Watch::default();
    let outcome = under_lease(session, &lease, &watch, request, report).await;
    watch.settle(session, &lease).await;
    lease.release(&session.connection).await;
    outcome
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
) -> Answer<Vec<PreparedUndo>> {
    let applied = snapshot.applied_migrations();
    let RollbackPlan { undo } = plan_rollback(&point.name, point.after, &applied, request.past_stage2)?;
    let mut prepared = Vec::new();
    for undo in undo {
        let file = down_file(connection, &undo, request).await?;
        let steps = down_steps(undo.migration.number, &file)?;
        prepared.push(PreparedUndo { undo, file, steps });
    }
    pooled::check(connection, prepared.iter().map(|undo| (&undo.file, undo.steps.as_slice())))?;
    Ok(prepared)
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
    let prepared = prepare(&session.connection, &snapshot, point, request).await?;
    let release = snapshot.release.clone();
    let going_back = release.as_ref().is_some_and(|release| release.state == ReleaseState::RollingBack);
    if prepared.is_empty() && !going_back {
        return Ok(RollbackOutcome { undone: Vec::new(), release: release.map(|it| (it.id, it.state)) });
    }
    let drift = watch.note(session, request.down_from_files.unwrap_or_default(), request.drift_ignored).await?;
    if !drift.is_empty() {
        report(Progress::Drifted(drift));
    }
    start(session, lease, &snapshot, request).await?;
    watch.begun();
    let total = prepared.len();
    let mut undone = Vec::new();
    for prepared in &prepared {
        let number = prepared.undo.migration.number;
        if let Some(cause) = session.stop.cause() {
            return Err(stopped(cause).note(message!("rollback-progress", undone = undone.len(), total = total)));
        }
        let began = instant();
        if let Err(problem) = undo_one(session, lease, &snapshot, prepared, request, report).await {
            let release_id = release.as_ref().map(|release| release.id);
            session.observe(lease, "undo_failed", release_id, failure_payload(number, &problem)).await;
            return Err(problem
                .note(message!("rollback-progress", undone = undone.len(), total = total))
                .hint(message!("rollback-failed-hint", point = request.point.as_str())));
        }
        let name = prepared.undo.migration.name.clone();
        report(Progress::MigrationUndone { number, name, took: began.elapsed() });
        undone.push(number);
    }
    let release = finish(session, lease, point, request).await?;
    Ok(RollbackOutcome { undone, release })
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
        state => Some(next(state, Event::RollbackStarted)?),
    };
    session
        .record(lease, async |connection, _| {
            mark_unsettled(connection).await?;
            record_event(connection, actor, "rollback_started", Some(release.id), &payload).await?;
            if let Some(to) = to {
                set_state(connection, release.id, release.state, to, actor, &[]).await?;
            }
            Ok(())
        })
        .await
}

async fn undo_one(
    session: &Session,
    lease: &Lease,
    snapshot: &LedgerSnapshot,
    prepared: &PreparedUndo,
    request: &RollbackRequest<'_>,
    report: &mut Reporter<'_>,
) -> Answer<()> {
    let migration = &prepared.undo.migration;
    let actor = session.holder.actor.as_str();
    let doing = message!("undo-failed", number = migration.number.to_string(), name = migration.name.as_str());
    let row = async |connection: &Connection, transaction: &str| {
        let written = undone(connection, migration.seq, actor, &request.reason, transaction).await?;
        Ok(written.then_some(()))
    };
    let work =
        Work { session, lease, number: migration.number, file: &prepared.file, steps: &prepared.steps, doing: &doing };
    if !Run::is_needed(&prepared.steps) {
        return work.in_one_transaction(row, report).await;
    }
    session.record(lease, async |connection, _| begin_undo(connection, migration.seq).await).await?;
    let run = Run { work, seq: migration.seq, is_up: false, actor, unsettled: request.unsettled };
    run.all(&unfinished(snapshot, migration.seq, false), report).await?;
    session.record(lease, row).await.map(|_| ())
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
        ReleaseState::RollingBack => next(release.state, Event::RollbackFinished { remains })?,
        state => state,
    };
    let actor = session.holder.actor.as_str();
    let payload = serde_json::json!({ "point": request.point.as_str() });
    session
        .record(lease, async |connection, _| {
            void_points_after(connection, point.after).await?;
            query(connection, include_str!("close_emptied_releases.sql"), &[]).await?;
            record_event(connection, actor, "rollback_finished", Some(release.id), &payload).await?;
            if to != release.state {
                set_state(connection, release.id, release.state, to, actor, &[]).await?;
            }
            Ok(())
        })
        .await?;
    Ok(Some((release.id, to)))
}
