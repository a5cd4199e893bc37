//! What stands of a release, and so how it would go back.

use lockkeeper_core::parse::MigrationPair;
use lockkeeper_core::plan::{AppliedMigration, PlannedMigration, RollbackClass, plan_up};
use lockkeeper_core::release::{Standing, Task, Undoable};

use super::ReleaseTerms;
use crate::ledger::{JourneyRecord, LedgerSnapshot};

/// What stands of this release.
pub fn standing(
    snapshot: &LedgerSnapshot,
    journey: &JourneyRecord,
    pairs: &[MigrationPair],
    terms: &ReleaseTerms,
) -> Standing {
    let of_it = snapshot.applied.iter().filter(|row| row.release_id == journey.release_id);
    Standing {
        applied: of_it.map(|row| undoable(&row.migration, pairs)).collect(),
        app_touched: journey.task(Task::Deploy).is_some(),
        on_breach: terms.on_breach,
        stops_app: terms.stops_app,
    }
}

/// What stands once these migrations are applied and the new code is out: for the preview.
pub fn standing_then<'p>(migrations: impl Iterator<Item = &'p PlannedMigration>, terms: &ReleaseTerms) -> Standing {
    let undoable = |planned: &PlannedMigration| Undoable {
        number: planned.number,
        stage: planned.stage(),
        loses_nothing: RollbackClass::undoing_loses_nothing(planned),
    };
    Standing {
        applied: migrations.map(undoable).collect(),
        app_touched: true,
        on_breach: terms.on_breach,
        stops_app: terms.stops_app,
    }
}

fn undoable(migration: &AppliedMigration, pairs: &[MigrationPair]) -> Undoable {
    // A file that is gone or was altered cannot say what it did.
    let pair = pairs.iter().find(|pair| pair.number == migration.number && pair.up.checksum == migration.up_checksum);
    let planned = pair.and_then(|pair| plan_up(pair).ok());
    let loses_nothing = planned.is_some_and(|planned| RollbackClass::undoing_loses_nothing(&planned));
    Undoable { number: migration.number, stage: migration.stage, loses_nothing }
}
