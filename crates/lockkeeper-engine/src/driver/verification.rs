//! Keeping what `verify` found, so that a gate can ask for it.

use lockkeeper_core::message;
use lockkeeper_core::model::{Answer, Problem};
use lockkeeper_core::parse::MigrationPair;

use super::verify::Verification;
use crate::ledger::{NewVerification, TriedMigration, batch, ensure, insert_verification, problem};
use crate::postgres::{Access, Connection};

/// Records what was found, with the checksums of the files that were tried. Nothing of the schema changes, so this
/// needs no lease: whoever migrates meanwhile is not disturbed.
///
/// # Errors
/// A database that may not be written to, a ledger newer than the program.
pub async fn record_verification(
    connection: &Connection,
    pairs: &[MigrationPair],
    found: &Verification,
    actor: &str,
) -> Answer<()> {
    if connection.is_standby() {
        return Err(Problem::usage(message!("connection-standby")));
    }
    ensure(connection).await?;
    let tried = pairs.iter().filter_map(|pair| {
        let trial = found.trials.iter().find(|trial| trial.number == pair.number)?;
        Some(TriedMigration {
            number: pair.number,
            up: pair.up.checksum,
            down: pair.down.checksum,
            verdict: trial.verdict(),
            not_verified: trial.not_verified(),
        })
    });
    let orders_agree = found.orders.as_ref().map(|orders| orders.as_ref().is_ok_and(Vec::is_empty));
    let new = NewVerification { actor, server_major: found.server_major, orders_agree, tried: tried.collect() };
    let written = async {
        batch(connection, &connection.begin(Access::Write)).await?;
        insert_verification(connection, &new).await?;
        batch(connection, "COMMIT").await
    }
    .await;
    if let Err(error) = written {
        // The transaction is dead either way; a failing ROLLBACK means the connection is gone too.
        let _ = batch(connection, "ROLLBACK").await;
        return Err(problem(&error, message!("ledger-not-written")));
    }
    Ok(())
}
