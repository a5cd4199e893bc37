//! The table-level locks that a session holds or waits for.

use std::collections::BTreeMap;

use lockkeeper_core::model::LockMode;
use tokio_postgres::types::{Oid, Type};

use super::{Connection, SqlError};

/// The relations and modes of the session whose process is `$1`, in this database.
pub const LOCKS_OF: &str = include_str!("locks_of.sql");

/// The tables, views and materialized views that are there, by their oid, with the names as SQL writes them.
///
/// # Errors
/// A connection that broke.
pub async fn relations_here(connection: &Connection) -> Result<BTreeMap<Oid, String>, SqlError> {
    const RELATIONS: &str = "SELECT c.oid, pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.relname) \
         FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
         WHERE c.oid >= 16384 AND c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname !~ '^pg_'";
    let rows = ask(connection, RELATIONS, &[]).await?;
    Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
}

/// The strongest lock that our own session holds on each of these relations. ACCESS SHARE, which every reader takes,
/// is left out.
///
/// # Errors
/// A connection that broke.
pub async fn own_locks(
    connection: &Connection,
    relations: &BTreeMap<Oid, String>,
) -> Result<BTreeMap<String, LockMode>, SqlError> {
    let rows = ask(connection, LOCKS_OF, &[(&connection.backend_pid(), Type::INT4)]).await?;
    let mut held = BTreeMap::new();
    for row in &rows {
        let (relation, mode): (Oid, &str) = (row.get(0), row.get(1));
        let mode = LockMode::ALL.into_iter().find(|it| it.pg_locks_name() == mode);
        let (Some(name), Some(mode)) = (relations.get(&relation), mode) else { continue };
        if mode > LockMode::AccessShare {
            let strongest = held.entry(name.clone()).or_insert(mode);
            *strongest = mode.max(*strongest);
        }
    }
    Ok(held)
}

async fn ask(
    connection: &Connection,
    sql: &str,
    params: &[(&(dyn tokio_postgres::types::ToSql + Sync), Type)],
) -> Result<Vec<tokio_postgres::Row>, SqlError> {
    connection.client().query_typed(sql, params).await.map_err(|error| SqlError::new(&error, connection))
}
