//! Rows of migrations: written in the transaction that does the work.

use lockkeeper_core::model::{Checksum, MigrationName, MigrationNumber, Stage};
use lockkeeper_core::plan::AppliedSeq;
use tokio_postgres::types::Type;

use super::sql::{query, query_alone};
use crate::postgres::{Connection, SqlError};

/// What the ledger keeps of a migration.
#[derive(Debug, Clone)]
pub struct NewMigration<'a> {
    pub number: MigrationNumber,
    pub name: &'a MigrationName,
    pub stage: Stage,
    pub stage_because: String,
    pub up_path: &'a str,
    pub up_checksum: Checksum,
    pub down_path: &'a str,
    pub down_checksum: Checksum,
    pub down_sql: &'a str,
    pub release_id: i64,
    pub actor: &'a str,
}

/// Records a migration as applied, with its event, in the transaction that applied it. `transaction` is
/// the id that BEGIN answered: should the migration have ended that transaction behind our back, nothing
/// is written and the answer is `None`.
pub async fn insert_applied(
    connection: &Connection,
    new: &NewMigration<'_>,
    transaction: &str,
) -> Result<Option<AppliedSeq>, SqlError> {
    insert(connection, new, true, transaction).await
}

/// Records that a migration has begun whose steps commit one by one.
pub async fn insert_applying(
    connection: &Connection,
    new: &NewMigration<'_>,
    transaction: &str,
) -> Result<Option<AppliedSeq>, SqlError> {
    insert(connection, new, false, transaction).await
}

async fn insert(
    connection: &Connection,
    new: &NewMigration<'_>,
    is_done: bool,
    transaction: &str,
) -> Result<Option<AppliedSeq>, SqlError> {
    let rows = query(
        connection,
        include_str!("sql/insert_migration.sql"),
        &[
            (&transaction, Type::TEXT),
            (&new.number.get(), Type::INT8),
            (&new.name.as_str(), Type::TEXT),
            (&new.name.kind().as_str(), Type::TEXT),
            (&new.stage.number(), Type::INT2),
            (&new.stage_because, Type::TEXT),
            (&new.up_path, Type::TEXT),
            (&new.up_checksum.as_bytes().as_slice(), Type::BYTEA),
            (&new.down_path, Type::TEXT),
            (&new.down_checksum.as_bytes().as_slice(), Type::BYTEA),
            (&new.down_sql, Type::TEXT),
            (&new.release_id, Type::INT8),
            (&new.actor, Type::TEXT),
            (&is_done, Type::BOOL),
        ],
    )
    .await?;
    let seq: Option<i64> = rows.first().and_then(|row| row.get(0));
    Ok(seq.map(AppliedSeq))
}

/// Records that a migration which had begun goes on with its files as they are now.
pub async fn renew_begun(connection: &Connection, seq: AppliedSeq, new: &NewMigration<'_>) -> Result<(), SqlError> {
    query(
        connection,
        "UPDATE lockkeeper.migrations SET stage_because = $2, up_path = $3, up_checksum = $4, down_path = $5, \
         down_checksum = $6, down_sql = $7 WHERE seq = $1 AND state = 'applying'",
        &[
            (&seq.0, Type::INT8),
            (&new.stage_because, Type::TEXT),
            (&new.up_path, Type::TEXT),
            (&new.up_checksum.as_bytes().as_slice(), Type::BYTEA),
            (&new.down_path, Type::TEXT),
            (&new.down_checksum.as_bytes().as_slice(), Type::BYTEA),
            (&new.down_sql, Type::TEXT),
        ],
    )
    .await
    .map(|_| ())
}

/// Records that every step of a migration is done.
pub async fn finish_migration(
    connection: &Connection,
    seq: AppliedSeq,
    duration_ms: i64,
    actor: &str,
) -> Result<bool, SqlError> {
    let rows = query(
        connection,
        include_str!("sql/finish_migration.sql"),
        &[(&seq.0, Type::INT8), (&duration_ms, Type::INT8), (&actor, Type::TEXT)],
    )
    .await?;
    Ok(!rows.is_empty())
}

/// The down script as it was when the migration was applied, and its file's path.
pub async fn read_down(connection: &Connection, seq: AppliedSeq) -> Result<Option<(String, String)>, SqlError> {
    let sql = "SELECT down_path, down_sql FROM lockkeeper.migrations WHERE seq = $1";
    let rows = query_alone(connection, sql, &[(&seq.0, Type::INT8)]).await?;
    Ok(rows.first().map(|row| (row.get(0), row.get(1))))
}

/// Records that a down script has begun whose steps commit one by one.
pub async fn begin_undo(connection: &Connection, seq: AppliedSeq) -> Result<bool, SqlError> {
    let sql = "UPDATE lockkeeper.migrations SET state = 'undoing' \
               WHERE seq = $1 AND state <> 'rolled_back' RETURNING seq";
    Ok(!query(connection, sql, &[(&seq.0, Type::INT8)]).await?.is_empty())
}

/// Records a migration as rolled back, with its event, in the transaction that undid it.
pub async fn undone(
    connection: &Connection,
    seq: AppliedSeq,
    actor: &str,
    reason: &str,
    transaction: &str,
) -> Result<bool, SqlError> {
    let rows = query(
        connection,
        include_str!("sql/undo_migration.sql"),
        &[(&seq.0, Type::INT8), (&actor, Type::TEXT), (&reason, Type::TEXT), (&transaction, Type::TEXT)],
    )
    .await?;
    Ok(!rows.is_empty())
}

/// A migration that stands, and the script that would undo it.
#[derive(Debug, Clone)]
pub struct StandingDown {
    pub number: i64,
    pub name: String,
    pub stage: i16,
    pub release_id: i64,
    pub path: String,
    pub sql: String,
}

/// What stands, the last applied first, from its own table alone: for when the rest of the ledger cannot be read.
///
/// # Errors
/// When even that table cannot be read.
pub async fn standing_downs(connection: &Connection) -> Result<Vec<StandingDown>, SqlError> {
    let sql = "SELECT m.number, m.name, m.stage, m.release_id, m.down_path, m.down_sql FROM lockkeeper.migrations m \
               WHERE m.state <> 'rolled_back' ORDER BY m.seq DESC";
    let rows = query_alone(connection, sql, &[]).await?;
    let standing = |row: &tokio_postgres::Row| StandingDown {
        number: row.get(0),
        name: row.get(1),
        stage: row.get(2),
        release_id: row.get(3),
        path: row.get(4),
        sql: row.get(5),
    };
    Ok(rows.iter().map(standing).collect())
}
