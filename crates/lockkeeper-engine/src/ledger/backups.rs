//! Rows of backups, and of what verifying them came to.

use std::time::Duration;

use jiff::Timestamp;
use lockkeeper_core::model::{Answer, Checksum, ServerVersion, Verdict};
use lockkeeper_core::release::BackupStanding;
use tokio_postgres::Row;
use tokio_postgres::types::Type;

use super::install::{LEDGER_VERSION, read_problem, version};
use super::sql::{broken, optional_timestamp, query, query_alone, timestamp};
use crate::postgres::{Connection, SqlError};

/// What a backup is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BackupKind {
    /// Of `pg_dump`, in a folder, with the digest of its manifest.
    Dump { manifest: Checksum },
    /// Of the user's command, with the name that it gives it.
    Hook { id: String },
}

impl BackupKind {
    /// The name in JSON and in the ledger.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Dump { .. } => "pg_dump",
            Self::Hook { .. } => "hook",
        }
    }
}

/// A backup that is whole.
#[derive(Debug, Clone)]
pub struct NewBackup<'a> {
    pub kind: BackupKind,
    /// The moment that it shows.
    pub began_at: Timestamp,
    pub duration: Duration,
    pub actor: &'a str,
    pub host: &'a str,
    pub location: &'a str,
    pub size_bytes: Option<u64>,
    pub wal_position: &'a str,
    pub server_version: i32,
    /// What the user's command said, without secrets.
    pub output: Option<&'a str>,
}

/// How far a verification went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VerifiedHow {
    /// Its files were compared with their checksums, and no more could be done.
    Files,
    /// Restored, and rows counted.
    Counts,
    /// Restored, and rows compared.
    Rows,
    /// By the user's command.
    Hook,
}

impl VerifiedHow {
    const ALL: [Self; 4] = [Self::Files, Self::Counts, Self::Rows, Self::Hook];

    /// The name in JSON and in the ledger.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Files => "files",
            Self::Counts => "counts",
            Self::Rows => "rows",
            Self::Hook => "hook",
        }
    }

    fn from_ledger(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|how| how.as_str() == text)
    }
}

/// What a verification came to.
#[derive(Debug, Clone)]
pub struct NewBackupVerification<'a> {
    pub backup: i64,
    pub actor: &'a str,
    pub duration: Duration,
    pub verdict: Verdict,
    pub how: VerifiedHow,
    pub findings: serde_json::Value,
}

/// A backup as the ledger knows it.
#[derive(Debug, Clone)]
pub struct BackupRecord {
    pub id: i64,
    pub kind: BackupKind,
    pub began_at: Timestamp,
    /// By the database's clock.
    pub age: Duration,
    pub duration: Duration,
    pub taken_by: String,
    pub program: String,
    pub host: String,
    /// Whether it is of this database, and not of one that this is a copy of.
    pub is_of_here: bool,
    pub release_id: Option<i64>,
    pub location: String,
    pub size_bytes: Option<u64>,
    pub wal_position: String,
    pub server_version: ServerVersion,
    pub verified: Option<LastVerification>,
}

/// The last verification of a backup.
#[derive(Debug, Clone)]
pub struct LastVerification {
    pub at: Timestamp,
    pub by: String,
    pub verdict: Verdict,
    pub how: VerifiedHow,
}

/// Records a backup with its event, in the transaction that is open; its number.
pub async fn insert_backup(connection: &Connection, new: &NewBackup<'_>) -> Result<i64, SqlError> {
    let (manifest, hook_id) = match &new.kind {
        BackupKind::Dump { manifest } => (Some(manifest.as_bytes().to_vec()), None),
        BackupKind::Hook { id } => (None, Some(id.as_str())),
    };
    let rows = query(
        connection,
        include_str!("sql/insert_backup.sql"),
        &[
            (&new.kind.as_str(), Type::TEXT),
            (&new.began_at.as_microsecond(), Type::INT8),
            (&milliseconds(new.duration), Type::INT8),
            (&new.actor, Type::TEXT),
            (&env!("CARGO_PKG_VERSION"), Type::TEXT),
            (&new.host, Type::TEXT),
            (&new.location, Type::TEXT),
            (&hook_id, Type::TEXT),
            (&new.size_bytes.map(|bytes| i64::try_from(bytes).unwrap_or(i64::MAX)), Type::INT8),
            (&new.wal_position, Type::TEXT),
            (&new.server_version, Type::INT4),
            (&manifest, Type::BYTEA),
            (&new.output, Type::TEXT),
        ],
    )
    .await?;
    Ok(rows.first().map_or(0, |row| row.get(0)))
}

/// Records a verification with its event, in the transaction that is open.
pub async fn insert_backup_verification(
    connection: &Connection,
    new: &NewBackupVerification<'_>,
) -> Result<(), SqlError> {
    query(
        connection,
        include_str!("sql/insert_backup_verification.sql"),
        &[
            (&new.backup, Type::INT8),
            (&new.actor, Type::TEXT),
            (&env!("CARGO_PKG_VERSION"), Type::TEXT),
            (&milliseconds(new.duration), Type::INT8),
            (&new.verdict.as_str(), Type::TEXT),
            (&new.how.as_str(), Type::TEXT),
            (&new.findings.to_string(), Type::TEXT),
        ],
    )
    .await
    .map(|_| ())
}

/// All backups, the newest first, or the one of that number. None where there is no ledger yet, or one from before
/// backups were kept.
///
/// # Errors
/// A ledger newer than the program, a role that may not read it.
pub async fn read_backups(connection: &Connection, id: Option<i64>) -> Answer<Vec<BackupRecord>> {
    if version(connection).await? != Some(LEDGER_VERSION) {
        return Ok(Vec::new());
    }
    let rows = query_alone(connection, include_str!("sql/read_backups.sql"), &[(&id, Type::INT8)])
        .await
        .map_err(|error| read_problem(&error, connection))?;
    rows.iter().map(record).collect()
}

/// What the gate sees of a backup.
pub fn standing(row: &Row) -> Answer<BackupStanding> {
    Ok(BackupStanding { id: row.get("id"), age: seconds(row, "age_s"), verdict: verdict(row)? })
}

fn record(row: &Row) -> Answer<BackupRecord> {
    let manifest: Option<&[u8]> = row.get("manifest");
    let hook_id: Option<String> = row.get("hook_id");
    let kind = match (manifest.and_then(Checksum::from_ledger), hook_id) {
        (Some(manifest), None) => BackupKind::Dump { manifest },
        (None, Some(id)) => BackupKind::Hook { id },
        _ => return Err(broken("kind")),
    };
    let verified = match (verdict(row)?, optional_timestamp(row, "verified_at")?) {
        (Some(verdict), Some(at)) => {
            let how = VerifiedHow::from_ledger(row.get("how")).ok_or_else(|| broken("how"))?;
            Some(LastVerification { at, by: row.get("verified_by"), verdict, how })
        }
        _ => None,
    };
    let millis: i64 = row.get("duration_ms");
    let bytes: Option<i64> = row.get("size_bytes");
    Ok(BackupRecord {
        id: row.get("id"),
        kind,
        began_at: timestamp(row, "began_at")?,
        age: seconds(row, "age_s"),
        duration: Duration::from_millis(u64::try_from(millis).unwrap_or(0)),
        taken_by: row.get("taken_by"),
        program: row.get("program"),
        host: row.get("host"),
        is_of_here: row.get("is_of_here"),
        release_id: row.get("release_id"),
        location: row.get("location"),
        size_bytes: bytes.and_then(|bytes| u64::try_from(bytes).ok()),
        wal_position: row.get("wal_position"),
        server_version: ServerVersion::from_num(row.get("server_version")),
        verified,
    })
}

fn verdict(row: &Row) -> Answer<Option<Verdict>> {
    let text: Option<&str> = row.get("verdict");
    text.map(|text| Verdict::from_ledger(text).ok_or_else(|| broken("verdict"))).transpose()
}

fn seconds(row: &Row, column: &str) -> Duration {
    let seconds: i64 = row.get(column);
    Duration::from_secs(u64::try_from(seconds).unwrap_or(0))
}

fn milliseconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
