//! What the driver tells while it works.

use std::time::{Duration, Instant};

use lockkeeper_core::model::{Message, MigrationName, MigrationNumber, ObjectDifference, PointName, ServerReport};

use crate::ledger::SalvageRecord;
use crate::postgres::Blocker;
use crate::seams::instant;

/// Receives progress. It must not block: the driver holds locks while it speaks.
pub type Reporter<'a> = dyn FnMut(Progress) + 'a;

/// Between two lines that say how far a long step is.
const TOLD_EVERY: Duration = Duration::from_secs(3);

/// Lets a long step tell how far it is, but not at every turn.
#[derive(Debug, Default)]
pub struct Pace {
    last: Option<Instant>,
}

impl Pace {
    /// Whether it is time for another line. The first comes after a while: most steps are over by then.
    pub fn is_due(&mut self) -> bool {
        let last = *self.last.get_or_insert_with(instant);
        let is_due = last.elapsed() >= TOLD_EVERY;
        if is_due {
            self.last = Some(instant());
        }
        is_due
    }
}

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
    /// How far a long step is: rows or blocks, as PostgreSQL counts them.
    StepProgress {
        number: MigrationNumber,
        ordinal: u32,
        phase: String,
        done: i64,
        total: i64,
    },
    /// What was done of a migration that failed is taken back.
    TakingBack {
        number: MigrationNumber,
        ordinal: u32,
        sql: String,
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
    /// What a down script destroyed is kept.
    Salvaged(Box<SalvageRecord>),
    /// What was kept was tried to be put back.
    PutBack(Box<SalvageRecord>),
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
