//! What an approval names.

use super::migration::PlannedMigration;
use crate::model::PlanDigest;

/// The digest of a stage-2 plan on one database: same files, same order, same ledger.
///
/// The files' checksums decide every statement, so they stand for the statements.
pub fn stage2_digest(ledger_id: &str, migrations: &[PlannedMigration]) -> PlanDigest {
    let mut text = format!("lockkeeper plan v1\nstage 2\nledger {ledger_id}\n");
    for migration in migrations {
        let (number, name) = (migration.number.get(), &migration.name);
        text.push_str(&format!("{number} {name} up={} down={}\n", migration.up.checksum, migration.down.checksum));
    }
    PlanDigest::of(&text)
}
