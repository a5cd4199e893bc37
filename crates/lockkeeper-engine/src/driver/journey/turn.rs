//! The transactions of a driver. Each proves first that the release is still its own to drive.

use lockkeeper_core::message;
use lockkeeper_core::model::{Answer, Problem};
use lockkeeper_core::release::ReleaseState;
use tokio_postgres::types::Type;

pub use crate::driver::write::write;
use crate::ledger::{JourneyTerm, hold_journey, query};
use crate::postgres::{Connection, SqlError};

/// Why a turn wrote nothing.
enum Refused {
    Lost,
    Moved,
}

/// Writes in one transaction, if the term is still ours and the release where it was when this was decided.
pub async fn record<T>(
    connection: &Connection,
    term: &JourneyTerm,
    expected: ReleaseState,
    then: impl AsyncFnOnce(&Connection) -> Result<T, SqlError>,
) -> Answer<T> {
    let written = write(connection, async |connection| {
        if !hold_journey(connection, term).await? {
            return Ok(Err(Refused::Lost));
        }
        if !is_in(connection, term.release_id, expected).await? {
            return Ok(Err(Refused::Moved));
        }
        then(connection).await.map(Ok)
    });
    match written.await? {
        Ok(value) => Ok(value),
        Err(Refused::Lost) => Err(JourneyTerm::lost()),
        Err(Refused::Moved) => Err(Problem::refused(message!("release-moved")).hint(message!("next-status"))),
    }
}

/// Whether the release is in this state, which nobody changes until the transaction ends.
async fn is_in(connection: &Connection, release_id: i64, state: ReleaseState) -> Result<bool, SqlError> {
    let sql = "SELECT FROM lockkeeper.releases r WHERE r.id = $1 AND r.state = $2 FOR NO KEY UPDATE";
    let rows = query(connection, sql, &[(&release_id, Type::INT8), (&state.as_str(), Type::TEXT)]).await?;
    Ok(!rows.is_empty())
}
