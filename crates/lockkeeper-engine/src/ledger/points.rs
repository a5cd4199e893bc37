//! Rollback points.

use lockkeeper_core::model::PointName;
use lockkeeper_core::plan::AppliedSeq;
use tokio_postgres::types::Type;

use super::sql::query;
use crate::postgres::{Connection, SqlError};

/// Takes a rollback point, with its event, in the transaction that is open.
pub async fn take_point(
    connection: &Connection,
    name: &PointName,
    release_id: i64,
    after: AppliedSeq,
    actor: &str,
) -> Result<(), SqlError> {
    query(
        connection,
        include_str!("sql/take_point.sql"),
        &[(&name.as_str(), Type::TEXT), (&release_id, Type::INT8), (&after.0, Type::INT8), (&actor, Type::TEXT)],
    )
    .await
    .map(|_| ())
}

/// After a rollback, points taken later than where it ended lead nowhere.
pub async fn void_points_after(connection: &Connection, after: AppliedSeq) -> Result<(), SqlError> {
    let sql = "UPDATE lockkeeper.rollback_points SET voided_at = pg_catalog.clock_timestamp() \
               WHERE voided_at IS NULL AND after_seq > $1";
    query(connection, sql, &[(&after.0, Type::INT8)]).await.map(|_| ())
}
