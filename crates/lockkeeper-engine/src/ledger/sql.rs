//! One way to send a statement of the ledger and to read its rows. Typed parameters in the unnamed statement,
//! in one round trip, which a pooler in transaction mode passes on unharmed.

use jiff::Timestamp;
use lockkeeper_core::message;
use lockkeeper_core::model::{Answer, ExitClass, Message, Problem};
use tokio_postgres::Row;
use tokio_postgres::types::{ToSql, Type};

use crate::postgres::{Access, Connection, SqlError};

/// A parameter with its type, so that the server need not be asked for it.
pub type Param<'a> = (&'a (dyn ToSql + Sync), Type);

pub async fn query(connection: &Connection, sql: &str, params: &[Param<'_>]) -> Result<Vec<Row>, SqlError> {
    connection.client().query_typed(sql, params).await.map_err(|error| SqlError::new(&error, connection))
}

/// A query outside of any transaction of ours. Behind a pooler it gets one, so that what other clients have set
/// in the session does not reach it.
pub async fn query_alone(connection: &Connection, sql: &str, params: &[Param<'_>]) -> Result<Vec<Row>, SqlError> {
    query_by_itself(connection, Access::Read, sql, params).await
}

/// A write with parameters outside of any transaction of ours, likewise.
pub async fn write_alone(connection: &Connection, sql: &str, params: &[Param<'_>]) -> Result<Vec<Row>, SqlError> {
    query_by_itself(connection, Access::Write, sql, params).await
}

async fn query_by_itself(
    connection: &Connection,
    access: Access,
    sql: &str,
    params: &[Param<'_>],
) -> Result<Vec<Row>, SqlError> {
    if !connection.is_pooled() {
        return query(connection, sql, params).await;
    }
    let begin = connection.begin(access);
    let (began, rows, ended) =
        tokio::join!(biased; batch(connection, &begin), query(connection, sql, params), batch(connection, "COMMIT"));
    began?;
    let rows = rows?;
    ended?;
    Ok(rows)
}

/// A write outside of any transaction of ours, likewise.
pub async fn batch_alone(connection: &Connection, sql: &str) -> Result<(), SqlError> {
    if !connection.is_pooled() {
        return batch(connection, sql).await;
    }
    let written = batch(connection, &format!("{}; {sql}; COMMIT", connection.begin(Access::Write))).await;
    if written.is_err() {
        // Else the pool would keep the failed transaction open for us.
        let _ = batch(connection, "ROLLBACK").await;
    }
    written
}

/// Runs statements without parameters; several may be joined by semicolons.
pub async fn batch(connection: &Connection, sql: &str) -> Result<(), SqlError> {
    connection.client().batch_execute(sql).await.map_err(|error| SqlError::new(&error, connection))
}

/// A failure of the ledger's own statements: neither the user's SQL nor a refusal.
pub fn problem(error: &SqlError, doing: Message) -> Box<Problem> {
    error.problem(ExitClass::MigrationFailed, doing)
}

/// A row that the ledger's own CHECKs should have made impossible.
pub fn broken(what: &str) -> Box<Problem> {
    Problem::new(ExitClass::Usage, message!("ledger-broken", what = what)).hint(message!("ledger-broken-hint"))
}

/// A timestamp column that was read as microseconds since 1970.
pub fn timestamp(row: &Row, column: &str) -> Answer<Timestamp> {
    Timestamp::from_microsecond(row.get(column)).map_err(|_| broken(column))
}

pub fn optional_timestamp(row: &Row, column: &str) -> Answer<Option<Timestamp>> {
    let micros: Option<i64> = row.get(column);
    micros.map(|micros| Timestamp::from_microsecond(micros).map_err(|_| broken(column))).transpose()
}
