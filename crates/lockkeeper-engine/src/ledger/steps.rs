//! Rows of steps that cannot share their migration's transaction: intent before, outcome after.

use lockkeeper_core::plan::{AppliedSeq, StepId};
use tokio_postgres::types::Type;

use super::sql::{query, query_alone};
use crate::postgres::{Connection, SqlError};

/// A step that begins, or that its own transaction has done.
#[derive(Debug, Clone, Copy)]
pub struct NewStep<'a> {
    pub seq: AppliedSeq,
    pub is_up: bool,
    pub id: StepId,
    pub sql: &'a str,
    pub actor: &'a str,
    /// Recorded as done, in the transaction that did it; else only as intended.
    pub is_done: bool,
}

/// Records a step. Starting it again after a crash renews the intent.
pub async fn insert_step(connection: &Connection, step: NewStep<'_>) -> Result<(), SqlError> {
    query(
        connection,
        include_str!("sql/insert_step.sql"),
        &[
            (&step.seq.0, Type::INT8),
            (&direction(step.is_up), Type::TEXT),
            (&ordinal(step.id), Type::INT4),
            (&step.sql, Type::TEXT),
            (&step.actor, Type::TEXT),
            (&step.is_done, Type::BOOL),
        ],
    )
    .await
    .map(|_| ())
}

/// Records how a step ended; `error` is what the server said when it failed.
pub async fn finish_step(
    connection: &Connection,
    seq: AppliedSeq,
    is_up: bool,
    step: StepId,
    error: Option<&str>,
) -> Result<(), SqlError> {
    query(
        connection,
        include_str!("sql/finish_step.sql"),
        &[(&seq.0, Type::INT8), (&direction(is_up), Type::TEXT), (&ordinal(step), Type::INT4), (&error, Type::TEXT)],
    )
    .await
    .map(|_| ())
}

/// The steps of a migration that are recorded as done, each with the SQL that ran.
pub async fn done_steps(
    connection: &Connection,
    seq: AppliedSeq,
    is_up: bool,
) -> Result<Vec<(StepId, String)>, SqlError> {
    let sql = "SELECT ordinal, sql FROM lockkeeper.steps \
               WHERE migration_seq = $1 AND direction = $2 AND outcome = 'done' ORDER BY ordinal";
    let rows = query_alone(connection, sql, &[(&seq.0, Type::INT8), (&direction(is_up), Type::TEXT)]).await?;
    let done = |row: &tokio_postgres::Row| Some((StepId(u32::try_from(row.get::<_, i32>(0)).ok()?), row.get(1)));
    Ok(rows.iter().filter_map(done).collect())
}

const fn direction(is_up: bool) -> &'static str {
    if is_up { "up" } else { "down" }
}

fn ordinal(step: StepId) -> i32 {
    i32::try_from(step.0).unwrap_or(i32::MAX)
}
