//! What a migration's steps are chosen by, read from the catalog.

use std::collections::BTreeSet;
use std::time::Duration;

use lockkeeper_core::parse::{Ident, ObjectName};
use lockkeeper_core::plan::{Column, Facts, Relation, RelationKind, Traffic};
use tokio_postgres::Row;
use tokio_postgres::types::Type;

use super::{Access, Connection, SqlError};

/// `has_parameter_privilege` is there from this version on.
const PARAMETER_PRIVILEGES: i32 = 150_000;

/// Reads the relations of these names, in a transaction that writes nothing. `settings` are the SET statements
/// of the migration's file: its search path decides what a name means.
///
/// # Errors
/// A table that somebody holds exclusively for longer than `lock_timeout`; a connection that broke.
pub async fn read_facts(
    connection: &Connection,
    names: &BTreeSet<ObjectName>,
    settings: &[&str],
    lock_timeout: Duration,
) -> Result<Facts, SqlError> {
    let client = connection.client();
    let failed = |error: tokio_postgres::Error| SqlError::new(&error, connection);
    let begin =
        format!("{}; SET LOCAL lock_timeout = '{}ms'", connection.begin(Access::Read), lock_timeout.as_millis());
    let mut facts = async {
        client.batch_execute(&begin).await.map_err(failed)?;
        for setting in settings {
            client.batch_execute(setting).await.map_err(failed)?;
        }
        facts(connection, names).await
    }
    .await;
    // What the settings have changed goes with the transaction.
    let ended = client.batch_execute("ROLLBACK").await.map_err(failed);
    if facts.is_ok() {
        ended?;
    } else if let Err(error) = ended {
        facts = Err(error);
    }
    facts
}

async fn facts(connection: &Connection, names: &BTreeSet<ObjectName>) -> Result<Facts, SqlError> {
    let failed = |error: tokio_postgres::Error| SqlError::new(&error, connection);
    let client = connection.client();
    let names: Vec<String> = names.iter().map(ToString::to_string).collect();
    let rows = client.query_typed(include_str!("facts.sql"), &[(&names, Type::TEXT_ARRAY)]).await.map_err(failed)?;
    let mut facts = Facts::default();
    let mut fires_always = false;
    for row in &rows {
        fires_always |= row.get::<_, bool>("always");
        if let Some(name) = ObjectName::from_source(row.get("name")) {
            facts.relations.insert(name, relation(row));
        }
    }
    let schemas: BTreeSet<String> = rows.iter().map(|row| row.get("schema")).collect();
    if schemas.is_empty() {
        return Ok(facts);
    }
    let schemas: Vec<String> = schemas.into_iter().collect();
    let taken =
        client.query_typed(include_str!("taken_names.sql"), &[(&schemas, Type::TEXT_ARRAY)]).await.map_err(failed)?;
    facts.taken = taken.iter().map(|row| (row.get(0), row.get(1))).collect();
    // A trigger that is enabled ALWAYS fires whatever the session says.
    if rows.iter().any(|row| row.get::<_, bool>("fires")) {
        facts.may_silence_triggers = !fires_always && may_set_replication_role(connection).await?;
    }
    Ok(facts)
}

async fn may_set_replication_role(connection: &Connection) -> Result<bool, SqlError> {
    let failed = |error: tokio_postgres::Error| SqlError::new(&error, connection);
    let client = connection.client();
    let sql = "SELECT pg_catalog.current_setting('is_superuser') = 'on', \
               pg_catalog.current_setting('server_version_num')::int";
    let rows = client.query_typed(sql, &[]).await.map_err(failed)?;
    let Some(row) = rows.first() else { return Ok(false) };
    if row.get(0) || row.get::<_, i32>(1) < PARAMETER_PRIVILEGES {
        return Ok(row.get(0));
    }
    let sql = "SELECT pg_catalog.has_parameter_privilege('session_replication_role', 'SET')";
    let rows = client.query_typed(sql, &[]).await.map_err(failed)?;
    Ok(rows.first().is_some_and(|row| row.get(0)))
}

fn relation(row: &Row) -> Relation {
    let kind = match row.get::<_, &str>("kind") {
        "r" => RelationKind::Table,
        "p" => RelationKind::Partitioned,
        "m" => RelationKind::MaterializedView {
            is_populated: row.get("is_populated"),
            has_unique_key: row.get("has_unique_key"),
        },
        kind @ ("i" | "I") => RelationKind::Index { is_partitioned: kind == "I", definition: row.get("definition") },
        _ => RelationKind::Other,
    };
    let columns: Vec<(String, String, bool)> = serde_json::from_str(row.get("columns")).unwrap_or_default();
    let leaves: Vec<(String, String)> = serde_json::from_str(row.get("leaves")).unwrap_or_default();
    let column = |(name, type_name, not_null)| Column { name: Ident::exact(name), type_name, not_null };
    let leaf = |(schema, name)| ObjectName { schema: Some(Ident::exact(schema)), name: Ident::exact(name) };
    let count = |column| u64::try_from(row.get::<_, i64>(column)).unwrap_or(0);
    Relation {
        schema: Ident::exact(row.get("schema")),
        name: Ident::exact(row.get("relation")),
        kind,
        bytes: count("bytes"),
        traffic: Traffic {
            rows: count("rows"),
            writes_per_min: count("writes_per_min"),
            reads_per_min: count("reads_per_min"),
        },
        columns: columns.into_iter().map(column).collect(),
        leaves: leaves.into_iter().map(leaf).collect(),
        has_update_triggers: row.get("fires"),
    }
}
