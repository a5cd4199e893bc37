//! What is known of a database, read in one statement that writes nothing.

use std::time::Duration;

use lockkeeper_core::classify::{Facts, Scope};
use lockkeeper_core::parse::ObjectName;
use tokio_postgres::types::Type;

use super::{Access, Connection, FactsDocument, SqlError};

/// `has_parameter_privilege` is there from this version on.
const PARAMETER_PRIVILEGES: i32 = 150_000;

/// Reads what is known of these relations, in a transaction that writes nothing. `settings` are the SET statements
/// of the migration's file: its search path decides what a name means.
///
/// # Errors
/// A table that somebody holds exclusively for longer than `lock_timeout`; a connection that broke.
pub async fn read_facts(
    connection: &Connection,
    scope: &Scope,
    settings: &[&str],
    lock_timeout: Duration,
) -> Result<Facts, SqlError> {
    within(connection, settings, lock_timeout, async || {
        let document = document(connection, scope).await?;
        let version = document.server_version_num;
        let mut facts = document.facts();
        if facts.relations.values().any(|relation| relation.has_update_triggers) {
            facts.may_silence_triggers = may_set_replication_role(connection, version).await?;
        }
        Ok(facts)
    })
    .await
}

/// Reads everything, to be kept in a file.
///
/// # Errors
/// As [`read_facts`].
pub async fn read_facts_document(connection: &Connection, lock_timeout: Duration) -> Result<FactsDocument, SqlError> {
    within(connection, &[], lock_timeout, async || document(connection, &Scope::All).await).await
}

/// Does `read` in a transaction of its own: what the settings have changed goes with it.
pub(super) async fn within<T>(
    connection: &Connection,
    settings: &[&str],
    lock_timeout: Duration,
    read: impl AsyncFnOnce() -> Result<T, SqlError>,
) -> Result<T, SqlError> {
    let client = connection.client();
    let failed = |error: tokio_postgres::Error| SqlError::new(&error, connection);
    let begin =
        format!("{}; SET LOCAL lock_timeout = '{}ms'", connection.begin(Access::Read), lock_timeout.as_millis());
    let answer = async {
        client.batch_execute(&begin).await.map_err(failed)?;
        for setting in settings {
            client.batch_execute(setting).await.map_err(failed)?;
        }
        read().await
    }
    .await;
    let ended = client.batch_execute("ROLLBACK").await.map_err(failed);
    let answer = answer?;
    ended?;
    Ok(answer)
}

async fn document(connection: &Connection, scope: &Scope) -> Result<FactsDocument, SqlError> {
    let names: Option<Vec<String>> = match scope {
        Scope::Around(names) => Some(names.iter().map(ObjectName::to_string).collect()),
        Scope::All => None,
    };
    let rows = connection
        .client()
        .query_typed(include_str!("facts.sql"), &[(&names, Type::TEXT_ARRAY)])
        .await
        .map_err(|error| SqlError::new(&error, connection))?;
    let text: &str = rows.first().map_or("", |row| row.get(0));
    FactsDocument::from_server(text).map_err(|error| SqlError::Lost { reason: error.to_string() })
}

async fn may_set_replication_role(connection: &Connection, version: i32) -> Result<bool, SqlError> {
    let sql = if version < PARAMETER_PRIVILEGES {
        "SELECT pg_catalog.current_setting('is_superuser') = 'on'"
    } else {
        "SELECT pg_catalog.current_setting('is_superuser') = 'on'
             OR pg_catalog.has_parameter_privilege('session_replication_role', 'SET')"
    };
    let rows = connection.client().query_typed(sql, &[]).await.map_err(|error| SqlError::new(&error, connection))?;
    Ok(rows.first().is_some_and(|row| row.get(0)))
}

/// Whether our role may switch off the triggers of a session.
///
/// # Errors
/// A connection that broke.
pub async fn may_silence_triggers(connection: &Connection) -> Result<bool, SqlError> {
    may_set_replication_role(connection, connection.version().major() * 10_000).await
}
