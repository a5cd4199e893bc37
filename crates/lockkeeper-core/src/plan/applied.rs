//! What the ledger says of a migration that is applied.

use crate::model::{Checksum, Kind, MigrationName, MigrationNumber, Stage};

/// The order in which migrations were applied: the ledger's own count, never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AppliedSeq(pub i64);

/// A migration that is applied and not rolled back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppliedMigration {
    pub seq: AppliedSeq,
    pub number: MigrationNumber,
    pub name: MigrationName,
    pub kind: Kind,
    pub stage: Stage,
    pub up_checksum: Checksum,
    pub down_checksum: Checksum,
    /// Whether all of its steps are done. `false` after a crash between the steps of a migration
    /// that runs outside a transaction.
    pub complete: bool,
}
