//! What the driver tells while it works.

use std::time::Duration;

use lockkeeper_core::model::{Message, MigrationName, MigrationNumber, ObjectDifference, PointName, ServerReport};

use crate::postgres::Blocker;

/// Receives progress. It must not block: the driver holds locks while it speaks.
pub type Reporter<'a> = dyn FnMut(Progress) + 'a;

/// One thing that happened.
#[derive(Debug, Clone)]
pub enum Progress {
    /// Another process is at work; this one waits for it.
    Queued {
        behind: Message,
    },
    /// Events that had waited on this machine are in the log now.
    Delivered {
        count: usize,
    },
    PointTaken {
        name: PointName,
    },
    MigrationStarted {
        number: MigrationNumber,
        name: MigrationName,
        place: usize,
        total: usize,
    },
    /// A step outside the migration's transaction; these can take long.
    StepStarted {
        number: MigrationNumber,
        ordinal: u32,
        total: usize,
        sql: String,
    },
    /// A half-done step of an earlier run is cleared away.
    StepCleared {
        number: MigrationNumber,
        ordinal: u32,
    },
    MigrationApplied {
        number: MigrationNumber,
        name: MigrationName,
        took: Duration,
    },
    MigrationUndone {
        number: MigrationNumber,
        name: MigrationName,
        took: Duration,
    },
    /// A lock was not to be had within `lock_timeout`; the whole transaction is tried again.
    Retrying {
        number: MigrationNumber,
        attempt: usize,
        attempts: usize,
        wait: Duration,
        reason: ServerReport,
    },
    /// Somebody stands in the way of the statement that runs.
    Blocked {
        number: MigrationNumber,
        blockers: Vec<Blocker>,
    },
    /// A rollback goes back over a schema that others have changed.
    Drifted(Vec<ObjectDifference>),
    /// The server's own NOTICE or WARNING.
    Notice(ServerReport),
}
