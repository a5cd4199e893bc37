//! What an approval names.

use super::applied::AppliedMigration;
use super::migration::PlannedMigration;
use crate::model::{Checksum, MigrationName, MigrationNumber, PlanDigest};

/// One migration as a plan names it. Its files' checksums decide every statement, so they stand for them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct PlanEntry {
    pub number: MigrationNumber,
    pub name: MigrationName,
    pub up: Checksum,
    pub down: Checksum,
}

impl From<&PlannedMigration> for PlanEntry {
    fn from(planned: &PlannedMigration) -> Self {
        Self {
            number: planned.number,
            name: planned.name.clone(),
            up: planned.up.checksum,
            down: planned.down.checksum,
        }
    }
}

impl From<&AppliedMigration> for PlanEntry {
    fn from(applied: &AppliedMigration) -> Self {
        Self {
            number: applied.number,
            name: applied.name.clone(),
            up: applied.up_checksum,
            down: applied.down_checksum,
        }
    }
}

/// The digest of a stage-2 plan on one database: same files, same order, same ledger.
pub fn stage2_digest(ledger_id: &str, entries: impl IntoIterator<Item = PlanEntry>) -> PlanDigest {
    let mut entries: Vec<_> = entries.into_iter().collect();
    entries.sort();
    let line = |entry: &PlanEntry| format!("{} {} up={} down={}", entry.number.get(), entry.name, entry.up, entry.down);
    let lines: Vec<_> = entries.iter().map(line).collect();
    PlanDigest::of(&format!("lockkeeper plan v1\nstage 2\nledger {ledger_id}\n{}\n", lines.join("\n")))
}
