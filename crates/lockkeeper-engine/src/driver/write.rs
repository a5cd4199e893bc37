//! A transaction of our own beside the lease, for what concurs with nothing that runs under it.

use lockkeeper_core::message;
use lockkeeper_core::model::Answer;

use crate::ledger::{batch, problem};
use crate::postgres::{Access, Connection, SqlError};

/// Our own statements wait no longer than this for one another.
const LOCK_TIMEOUT_MS: u32 = 5_000;

/// Writes in one transaction: all of it or nothing.
///
/// # Errors
/// What could not be written.
pub async fn write<T>(
    connection: &Connection,
    write: impl AsyncFnOnce(&Connection) -> Result<T, SqlError>,
) -> Answer<T> {
    let failed = |error: SqlError| problem(&error, message!("ledger-not-written"));
    let begin = format!("{}; SET LOCAL lock_timeout = '{LOCK_TIMEOUT_MS}ms'", connection.begin(Access::Write));
    batch(connection, &begin).await.map_err(failed)?;
    let written = write(connection).await;
    let ended = batch(connection, if written.is_ok() { "COMMIT" } else { "ROLLBACK" }).await;
    let value = written.map_err(failed)?;
    ended.map_err(failed)?;
    Ok(value)
}
