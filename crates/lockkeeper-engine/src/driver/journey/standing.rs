//! What stands of a release, and so how it would go back.

use std::collections::BTreeMap;

use lockkeeper_core::message;
use lockkeeper_core::model::{Answer, Checksum, MigrationNumber};
use lockkeeper_core::parse::{MigrationFile, MigrationPair};
use lockkeeper_core::plan::{Loss, PlannedMigration, plan_up};
use lockkeeper_core::release::{Standing, Task, Undoable};

use super::ReleaseTerms;
use super::patience::is_lost;
use crate::driver::salvage::losses;
use crate::driver::session::Session;
use crate::ledger::{JourneyRecord, LedgerSnapshot, read_down, read_problem};

/// What stands of this release, and what of it could be kept as its tables are now.
///
/// # Errors
/// A database that cannot be asked.
pub async fn standing(
    session: &Session,
    snapshot: &LedgerSnapshot,
    journey: &JourneyRecord,
    pairs: &[MigrationPair],
    terms: &ReleaseTerms,
) -> Answer<Standing> {
    let connection = &session.connection;
    let mut applied = Vec::new();
    for row in snapshot.applied.iter().filter(|row| row.release_id == journey.release_id) {
        let migration = &row.migration;
        // A file that is gone or was altered cannot say what it did.
        let pair =
            pairs.iter().find(|pair| pair.number == migration.number && pair.up.checksum == migration.up_checksum);
        let planned = pair.and_then(|pair| plan_up(pair).ok());
        let down = read_down(connection, migration.seq).await.map_err(|error| read_problem(&error, connection))?;
        let down =
            down.map(|(path, text)| MigrationFile { path: path.into(), checksum: Checksum::of(text.as_bytes()), text });
        let loss = match planned.as_ref().zip(down.as_ref()) {
            Some(known) => match losses(connection, std::iter::once(known), &session.limits).await {
                Ok(losses) => losses.into_values().next(),
                Err(problem) if is_lost(&problem, session) => return Err(problem),
                // The application goes back all the same.
                Err(problem) => Some(Loss::Final(message!("loss-unknown", why = problem.message.clone()))),
            },
            None => None,
        };
        let loss = loss.unwrap_or_else(|| Loss::Final(message!("loss-file-unknown")));
        applied.push(Undoable { number: migration.number, stage: migration.stage, loss });
    }
    Ok(Standing {
        applied,
        app_touched: journey.task(Task::Deploy).is_some(),
        on_breach: terms.on_breach,
        stops_app: terms.stops_app,
    })
}

/// What stands once these migrations are applied and the new code is out: for the preview. `losses` is what undoing
/// each of them would lose.
pub fn standing_then<'p>(
    migrations: impl Iterator<Item = &'p PlannedMigration>,
    losses: &BTreeMap<MigrationNumber, Loss>,
    terms: &ReleaseTerms,
) -> Standing {
    let undoable = |planned: &PlannedMigration| Undoable {
        number: planned.number,
        stage: planned.stage(),
        loss: losses.get(&planned.number).cloned().unwrap_or_else(|| Loss::Final(message!("loss-file-unknown"))),
    };
    Standing {
        applied: migrations.map(undoable).collect(),
        app_touched: true,
        on_breach: terms.on_breach,
        stops_app: terms.stops_app,
    }
}
