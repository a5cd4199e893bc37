//! Backups: made, recorded, and proven by restoring them.

mod contents;
mod dump;
mod folder;
mod hook;
mod manifest;
mod restore;
mod supervised;
mod verify;

use std::path::PathBuf;
use std::time::Duration;

use lockkeeper_core::message;
use lockkeeper_core::model::{Answer, Problem};

use crate::ledger::{
    BackupKind, BackupRecord, NewBackup, NewBackupVerification, batch, ensure, insert_backup,
    insert_backup_verification, problem,
};
use crate::postgres::{Access, Connection, SqlError};

pub use dump::{DumpRequest, MadeBackup, make_dump};
pub use hook::{Hook, HookVerdict, make_hook, verify_hook};
pub use manifest::{FileFault, Manifest};
pub use restore::RestorePlace;
pub use verify::{BackupCheck, Difference, VerifyRequest, verify_dump};

/// What is told while a backup is made or verified.
#[derive(Debug, Clone)]
pub enum BackupProgress {
    /// Half-made folders of those who were killed are gone.
    Removed {
        count: usize,
    },
    /// There is less room than the database takes; a dump is smaller as a rule.
    LittleRoom {
        free: u64,
        database: u64,
    },
    Began {
        path: PathBuf,
        program: String,
    },
    Dumping {
        tables_begun: usize,
        tables: usize,
        bytes: u64,
        elapsed: Duration,
    },
    /// Every file is read for its checksum.
    Hashing {
        bytes: u64,
    },
    /// It is restored there.
    Restoring {
        place: String,
        jobs: u16,
    },
    Restored {
        elapsed: Duration,
    },
    Comparing {
        table: usize,
        tables: usize,
    },
}

/// Is told. It must not block.
pub type BackupReporter<'a> = dyn FnMut(BackupProgress) + 'a;

/// Makes sure that a backup can be recorded, before hours are spent on it.
///
/// # Errors
/// A server that takes no writes, a pooler, no right to write, a ledger newer than the program.
pub async fn prepare(connection: &Connection) -> Answer<()> {
    if connection.is_standby() {
        return Err(Problem::usage(message!("connection-standby")).hint(message!("connection-standby-hint")));
    }
    if connection.is_pooled() {
        return Err(Problem::usage(message!("backup-pooled")).hint(message!("backup-pooled-hint")));
    }
    ensure(connection).await
}

/// What can be seen of a backup from here without reading it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Presence {
    Present,
    /// Its folder is not where it was made.
    Gone,
    /// Files are missing, added, of another size, or the manifest is another one.
    Altered(Vec<FileFault>),
    /// It was made on another machine, or by the user's command.
    Unknown,
}

impl Presence {
    /// Looks at a folder: its manifest, and its files' names and sizes.
    pub fn of(record: &BackupRecord, host: &str) -> Self {
        let BackupKind::Dump { manifest } = record.kind else { return Self::Unknown };
        let folder = PathBuf::from(&record.location);
        if !folder.is_dir() {
            return if record.host == host { Self::Gone } else { Self::Unknown };
        }
        let faults = match Manifest::read(&folder, Some(manifest)) {
            Ok((manifest, _)) => manifest.look(&folder),
            Err(fault) => vec![fault],
        };
        if faults.is_empty() { Self::Present } else { Self::Altered(faults) }
    }

    /// The word in JSON.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Present => "present",
            Self::Gone => "gone",
            Self::Altered(_) => "altered",
            Self::Unknown => "unknown",
        }
    }
}

/// Records a backup that stands.
async fn record(connection: &Connection, new: &NewBackup<'_>) -> Answer<i64> {
    written(connection, async |connection| insert_backup(connection, new).await).await
}

/// Records what verifying a backup came to.
///
/// # Errors
/// A database that cannot be written to.
pub async fn record_backup_verification(connection: &Connection, new: &NewBackupVerification<'_>) -> Answer<()> {
    prepare(connection).await?;
    written(connection, async |connection| insert_backup_verification(connection, new).await).await
}

async fn written<T>(connection: &Connection, write: impl AsyncFnOnce(&Connection) -> Result<T, SqlError>) -> Answer<T> {
    let written = async {
        batch(connection, &connection.begin(Access::Write)).await?;
        let value = write(connection).await?;
        batch(connection, "COMMIT").await?;
        Ok(value)
    }
    .await;
    match written {
        Ok(value) => Ok(value),
        Err(error) => {
            // The transaction is dead either way; a failing ROLLBACK means the connection is gone too.
            let _ = batch(connection, "ROLLBACK").await;
            Err(problem(&error, message!("ledger-not-written")))
        }
    }
}
