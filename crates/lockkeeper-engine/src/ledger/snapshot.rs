//! All that a command needs to know, read at one instant.

use jiff::Timestamp;
use lockkeeper_core::message;
use lockkeeper_core::model::{
    Answer, Checksum, ExitClass, Kind, MigrationName, MigrationNumber, PlanDigest, PointName, Problem, Stage,
};
use lockkeeper_core::plan::{AppliedMigration, AppliedSeq};
use lockkeeper_core::release::{BackupStanding, Drive, Release, ReleaseState, WatchStanding};
use tokio_postgres::Row;

use super::backups;
use super::github_approvals::{GithubApprovalRecord, github_approval};
use super::install::{read_problem, version};
use super::lease::LeaseRecord;
use super::sql::{batch, broken, optional_timestamp, query, timestamp};
use super::watches;
use crate::postgres::{Access, Connection, SqlError};

/// The ledger at one instant.
#[derive(Debug, Clone)]
pub struct LedgerSnapshot {
    pub ledger_id: String,
    /// The database's clock, which alone judges expiry.
    pub now: Timestamp,
    /// Applied and not rolled back, in the order in which they were applied.
    pub applied: Vec<AppliedRecord>,
    /// The highest count ever given to a migration, rolled back or not.
    pub last_seq: AppliedSeq,
    /// The release that is not over; else the last one.
    pub release: Option<ReleaseRecord>,
    /// Rollback points that still lead somewhere, newest first.
    pub points: Vec<PointRecord>,
    /// The newest approval of the open release.
    pub approval: Option<ApprovalRecord>,
    /// The newest review on GitHub that approved it.
    pub github_approval: Option<GithubApprovalRecord>,
    /// Backups of this database, newest first.
    pub backups: Vec<BackupStanding>,
    /// The watch of the open release that the health gate goes by.
    pub watch: Option<WatchStanding>,
    /// Steps that began and whose outcome is not recorded.
    pub unfinished: Vec<StepRecord>,
    pub lease: LeaseRecord,
}

#[derive(Debug, Clone)]
pub struct AppliedRecord {
    pub migration: AppliedMigration,
    pub up_path: String,
    pub applied_at: Option<Timestamp>,
    pub applied_by: String,
    pub duration_ms: Option<i64>,
    pub release_id: i64,
    /// Its down script began and did not end.
    pub undoing: bool,
}

#[derive(Debug, Clone)]
pub struct ReleaseRecord {
    pub id: i64,
    pub state: ReleaseState,
    pub drive: Drive,
    pub authors: Vec<String>,
    pub started_at: Timestamp,
    pub started_by: String,
    pub deployed_version: Option<String>,
    pub deployed_at: Option<Timestamp>,
    pub deployed_by: Option<String>,
    pub finished_at: Option<Timestamp>,
}

impl ReleaseRecord {
    /// What decides where it may go.
    pub const fn release(&self) -> Release {
        Release { state: self.state, drive: self.drive }
    }
}

#[derive(Debug, Clone)]
pub struct PointRecord {
    pub name: PointName,
    pub release_id: i64,
    pub after: AppliedSeq,
    pub taken_at: Timestamp,
    pub taken_by: String,
}

#[derive(Debug, Clone)]
pub struct ApprovalRecord {
    pub id: i64,
    /// Whether a stage 2 began under it: it opens no other.
    pub is_used: bool,
    pub release_id: i64,
    pub plan: Option<PlanDigest>,
    pub principal: String,
    pub document: String,
    pub signature: String,
    pub reason: String,
    pub approved_at: Timestamp,
    pub expires_at: Timestamp,
}

#[derive(Debug, Clone)]
pub struct StepRecord {
    pub seq: AppliedSeq,
    pub is_up: bool,
    pub ordinal: i32,
    pub sql: String,
    pub started_at: Timestamp,
    pub started_by: String,
}

/// Reads the ledger in one read-only transaction. `None` when this database has no ledger yet.
///
/// # Errors
/// A ledger newer than the program, a role that may not read it, a row that breaks an invariant.
pub async fn read(connection: &Connection) -> Answer<Option<LedgerSnapshot>> {
    match version(connection).await? {
        Some(super::LEDGER_VERSION) => {}
        Some(older) => {
            return Err(Problem::new(ExitClass::Usage, message!("ledger-older", found = older))
                .hint(message!("ledger-older-hint")));
        }
        None => return Ok(None),
    }
    let failed = |error: SqlError| read_problem(&error, connection);
    batch(connection, &connection.begin(Access::Read)).await.map_err(failed)?;
    let rows = tokio::try_join!(
        query(connection, include_str!("sql/read_identity.sql"), &[]),
        query(connection, include_str!("sql/read_migrations.sql"), &[]),
        query(connection, include_str!("sql/read_release.sql"), &[]),
        query(connection, include_str!("sql/read_points.sql"), &[]),
        query(connection, include_str!("sql/read_approval.sql"), &[]),
        query(connection, include_str!("sql/read_github_approval.sql"), &[]),
        query(connection, include_str!("sql/read_unfinished_steps.sql"), &[]),
        query(connection, include_str!("sql/read_backup_standings.sql"), &[]),
        query(connection, include_str!("sql/read_watch_standing.sql"), &[]),
    );
    let ended = batch(connection, if rows.is_ok() { "COMMIT" } else { "ROLLBACK" }).await;
    let (identity, migrations, release, points, approval, reviewed, steps, standings, watch) = rows.map_err(failed)?;
    ended.map_err(failed)?;
    let Some(identity) = identity.first() else { return Err(broken("identity")) };
    Ok(Some(LedgerSnapshot {
        ledger_id: identity.get("ledger_id"),
        now: timestamp(identity, "now")?,
        last_seq: AppliedSeq(identity.get("last_seq")),
        lease: LeaseRecord::from_row(identity)?,
        applied: migrations.iter().map(applied).collect::<Answer<_>>()?,
        release: release.first().map(release_record).transpose()?,
        points: points.iter().map(point).collect::<Answer<_>>()?,
        approval: approval.first().map(approval_record).transpose()?,
        github_approval: reviewed.first().map(github_approval).transpose()?,
        backups: standings.iter().map(backups::standing).collect::<Answer<_>>()?,
        watch: watch.first().map(watches::standing).transpose()?,
        unfinished: steps.iter().map(step).collect::<Answer<_>>()?,
    }))
}

impl LedgerSnapshot {
    pub fn applied_migrations(&self) -> Vec<AppliedMigration> {
        self.applied.iter().map(|record| record.migration.clone()).collect()
    }

    /// The release that is not over.
    pub fn open_release(&self) -> Option<&ReleaseRecord> {
        self.release.as_ref().filter(|release| !release.state.is_over())
    }

    /// The newest point of that name that still leads somewhere.
    pub fn point(&self, name: &PointName) -> Option<&PointRecord> {
        self.points.iter().find(|point| point.name == *name)
    }
}

fn applied(row: &Row) -> Answer<AppliedRecord> {
    let state: &str = row.get("state");
    let checksum = |column: &str| Checksum::from_ledger(row.get(column)).ok_or_else(|| broken(column));
    Ok(AppliedRecord {
        migration: AppliedMigration {
            seq: AppliedSeq(row.get("seq")),
            number: MigrationNumber::from_ledger(row.get("number")).ok_or_else(|| broken("number"))?,
            name: MigrationName::new(row.get::<_, &str>("name")).ok_or_else(|| broken("name"))?,
            kind: Kind::from_ledger(row.get("kind")).ok_or_else(|| broken("kind"))?,
            stage: Stage::from_number(row.get("stage")).ok_or_else(|| broken("stage"))?,
            up_checksum: checksum("up_checksum")?,
            down_checksum: checksum("down_checksum")?,
            complete: state == "applied",
        },
        up_path: row.get("up_path"),
        applied_at: optional_timestamp(row, "applied_at")?,
        applied_by: row.get("applied_by"),
        duration_ms: row.get("duration_ms"),
        release_id: row.get("release_id"),
        undoing: state == "undoing",
    })
}

fn release_record(row: &Row) -> Answer<ReleaseRecord> {
    Ok(ReleaseRecord {
        id: row.get("id"),
        state: ReleaseState::from_ledger(row.get("state")).ok_or_else(|| broken("state"))?,
        drive: if row.get("is_driven") { Drive::Driven } else { Drive::ByHand },
        authors: row.get("authors"),
        started_at: timestamp(row, "started_at")?,
        started_by: row.get("started_by"),
        deployed_version: row.get("deployed_version"),
        deployed_at: optional_timestamp(row, "deployed_at")?,
        deployed_by: row.get("deployed_by"),
        finished_at: optional_timestamp(row, "finished_at")?,
    })
}

fn point(row: &Row) -> Answer<PointRecord> {
    Ok(PointRecord {
        name: PointName::new(row.get::<_, &str>("name")).ok_or_else(|| broken("rollback point"))?,
        release_id: row.get("release_id"),
        after: AppliedSeq(row.get("after_seq")),
        taken_at: timestamp(row, "taken_at")?,
        taken_by: row.get("taken_by"),
    })
}

fn approval_record(row: &Row) -> Answer<ApprovalRecord> {
    Ok(ApprovalRecord {
        id: row.get("id"),
        is_used: row.get("is_used"),
        release_id: row.get("release_id"),
        plan: PlanDigest::parse(row.get("plan_digest")),
        principal: row.get("principal"),
        document: row.get("document"),
        signature: row.get("signature"),
        reason: row.get("reason"),
        approved_at: timestamp(row, "approved_at")?,
        expires_at: timestamp(row, "expires_at")?,
    })
}

fn step(row: &Row) -> Answer<StepRecord> {
    Ok(StepRecord {
        seq: AppliedSeq(row.get("migration_seq")),
        is_up: row.get("is_up"),
        ordinal: row.get("ordinal"),
        sql: row.get("sql"),
        started_at: timestamp(row, "started_at")?,
        started_by: row.get("started_by"),
    })
}
