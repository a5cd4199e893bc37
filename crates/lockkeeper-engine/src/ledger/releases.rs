//! Rows of releases. A state is only ever set from the state it was decided on.

use lockkeeper_core::model::Answer;
use lockkeeper_core::release::ReleaseState;
use tokio_postgres::types::Type;

use super::install::{read_problem, version};
use super::sql::{query, query_alone};
use crate::postgres::{Connection, SqlError};

/// Opens a release in state `planned`.
pub async fn open_release(connection: &Connection, actor: &str, authors: &[String]) -> Result<i64, SqlError> {
    let rows = query(
        connection,
        "INSERT INTO lockkeeper.releases (state, started_by, authors) VALUES ('planned', $1, $2) RETURNING id",
        &[(&actor, Type::TEXT), (&authors, Type::TEXT_ARRAY)],
    )
    .await?;
    Ok(rows.first().map_or(0, |row| row.get(0)))
}

/// Sets a state, with its event, if the release is still in `from`. `authors` are added to those it has.
pub async fn set_state(
    connection: &Connection,
    release_id: i64,
    from: ReleaseState,
    to: ReleaseState,
    actor: &str,
    authors: &[String],
) -> Result<bool, SqlError> {
    let rows = query(
        connection,
        include_str!("sql/set_release_state.sql"),
        &[
            (&release_id, Type::INT8),
            (&from.as_str(), Type::TEXT),
            (&to.as_str(), Type::TEXT),
            (&to.is_over(), Type::BOOL),
            (&(to == ReleaseState::Expanding), Type::BOOL),
            (&actor, Type::TEXT),
            (&authors, Type::TEXT_ARRAY),
        ],
    )
    .await?;
    Ok(!rows.is_empty())
}

/// The version that was deployed last and stayed.
///
/// # Errors
/// When the ledger cannot be read.
pub async fn last_deployed(connection: &Connection) -> Answer<Option<String>> {
    if version(connection).await?.is_none() {
        return Ok(None);
    }
    let sql = "SELECT r.deployed_version FROM lockkeeper.releases r \
               WHERE r.deployed_version IS NOT NULL AND r.state = 'completed' ORDER BY r.id DESC LIMIT 1";
    let rows = query_alone(connection, sql, &[]).await.map_err(|error| read_problem(&error, connection))?;
    Ok(rows.first().map(|row| row.get(0)))
}

/// Records that the new code is out.
pub async fn set_deployed(
    connection: &Connection,
    release_id: i64,
    version: &str,
    actor: &str,
) -> Result<bool, SqlError> {
    let rows = query(
        connection,
        include_str!("sql/set_deployed.sql"),
        &[(&release_id, Type::INT8), (&version, Type::TEXT), (&actor, Type::TEXT)],
    )
    .await?;
    Ok(!rows.is_empty())
}

/// The version that stayed before this release.
///
/// # Errors
/// When the ledger cannot be read.
pub async fn deployed_before(connection: &Connection, release_id: i64) -> Answer<Option<String>> {
    let sql = "SELECT r.deployed_version FROM lockkeeper.releases r WHERE r.deployed_version IS NOT NULL \
               AND r.state = 'completed' AND r.id < $1 ORDER BY r.id DESC LIMIT 1";
    let rows = query_alone(connection, sql, &[(&release_id, Type::INT8)]).await;
    let rows = rows.map_err(|error| read_problem(&error, connection))?;
    Ok(rows.first().map(|row| row.get(0)))
}
