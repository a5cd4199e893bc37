//! Rows of approvals: the signed text and its signature, word for word.

use jiff::Timestamp;
use lockkeeper_core::model::PlanDigest;
use tokio_postgres::types::Type;

use super::sql::query;
use crate::postgres::{Connection, SqlError};

/// An approval whose signature was verified.
#[derive(Debug, Clone)]
pub struct NewApproval<'a> {
    pub release_id: i64,
    pub plan: PlanDigest,
    pub principal: &'a str,
    pub key_fingerprint: &'a str,
    pub document: &'a str,
    pub signature: &'a str,
    pub reason: &'a str,
    /// The gates that it waives, by their names.
    pub waives: &'a [&'a str],
    pub expires_at: Timestamp,
    pub actor: &'a str,
}

/// Records an approval, with its event, in the transaction that is open.
pub async fn insert_approval(connection: &Connection, new: &NewApproval<'_>) -> Result<(), SqlError> {
    query(
        connection,
        include_str!("sql/insert_approval.sql"),
        &[
            (&new.release_id, Type::INT8),
            (&new.plan.to_string(), Type::TEXT),
            (&new.principal, Type::TEXT),
            (&new.key_fingerprint, Type::TEXT),
            (&new.document, Type::TEXT),
            (&new.signature, Type::TEXT),
            (&new.reason, Type::TEXT),
            (&new.expires_at.as_microsecond(), Type::INT8),
            (&new.actor, Type::TEXT),
            (&new.waives, Type::TEXT_ARRAY),
        ],
    )
    .await
    .map(|_| ())
}

/// An approval opens one stage 2, once.
pub async fn mark_approval_used(connection: &Connection, id: i64) -> Result<(), SqlError> {
    let sql = "UPDATE lockkeeper.approvals SET used_at = pg_catalog.clock_timestamp() WHERE id = $1";
    query(connection, sql, &[(&id, Type::INT8)]).await.map(|_| ())
}
