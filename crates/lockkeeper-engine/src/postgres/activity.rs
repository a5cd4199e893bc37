//! Who is at work on the database at one moment, and who waits for whom: for telling afterwards.
//!
//! Invariant: a value that stands in somebody's statement does not get past this file.

use lockkeeper_core::parse::masked_sql;
use tokio_postgres::types::Type;

use super::{Connection, SqlError};

/// Sessions and locks, seen at the same moment as nearly as the server lets itself be seen.
#[derive(Debug, Clone, Default)]
pub struct Activity {
    /// Those that are waited for and those that wait come first, then the oldest transactions.
    pub sessions: Vec<SeenSession>,
    /// Locks that somebody waits for, and those that stand in the way.
    pub locks: Vec<SeenLock>,
}

/// One session of this database.
#[derive(Debug, Clone)]
pub struct SeenSession {
    pub pid: i32,
    pub application: String,
    pub user: String,
    /// `client backend`, `autovacuum worker` …
    pub kind: String,
    pub state: String,
    /// What it waits for: `Lock/relation`.
    pub waits_for: String,
    /// Seconds since its transaction began.
    pub transaction_s: Option<i64>,
    pub blocked_by: Vec<i32>,
    /// What it runs, or ran last, without its values; empty without the right to see it.
    pub query: String,
}

/// One lock on a relation.
#[derive(Debug, Clone)]
pub struct SeenLock {
    pub pid: i32,
    pub mode: String,
    pub relation: String,
    pub is_granted: bool,
}

/// More of either tell no more.
const ROWS_MAX: i64 = 60;

/// Of a statement so much is told.
const QUERY_CHARS_MAX: usize = 240;

const SESSIONS: &str = "\
    WITH seen AS MATERIALIZED ( \
        SELECT a.pid, coalesce(a.application_name, '') AS application, coalesce(a.usename::text, '') AS usename, \
               coalesce(a.backend_type, '') AS kind, coalesce(a.state, '') AS state, \
               coalesce(a.wait_event_type || '/' || a.wait_event, '') AS waits_for, a.xact_start, \
               pg_catalog.pg_blocking_pids(a.pid) AS blocked_by, coalesce(a.query, '') AS query \
        FROM pg_catalog.pg_stat_activity a \
        WHERE a.datname = pg_catalog.current_database() AND a.pid <> pg_catalog.pg_backend_pid()) \
    SELECT s.pid, s.application, s.usename, s.kind, s.state, s.waits_for, \
           extract(epoch FROM pg_catalog.clock_timestamp() - s.xact_start)::bigint AS transaction_s, s.blocked_by, s.query \
    FROM seen s \
    ORDER BY EXISTS (SELECT FROM seen w WHERE s.pid = ANY (w.blocked_by)) DESC, \
             pg_catalog.cardinality(s.blocked_by) DESC, s.xact_start NULLS LAST, s.pid LIMIT $1";

const LOCKS: &str = "\
    SELECT l.pid, l.mode, l.relation::regclass::text AS relation, l.granted \
    FROM pg_catalog.pg_locks l \
    WHERE l.relation IS NOT NULL \
      AND l.database = (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database()) \
      AND (NOT l.granted OR EXISTS (SELECT FROM pg_catalog.pg_locks w WHERE NOT w.granted \
           AND w.relation = l.relation AND w.database = l.database)) \
    ORDER BY l.relation, l.granted, l.pid LIMIT $1";

/// What is going on now, seen from this connection.
///
/// # Errors
/// When the server cannot be asked.
pub async fn activity(observer: &Connection) -> Result<Activity, SqlError> {
    let failed = |error: &tokio_postgres::Error| SqlError::new(error, observer);
    let limit = [(&ROWS_MAX as &(dyn tokio_postgres::types::ToSql + Sync), Type::INT8)];
    let sessions = observer.client().query_typed(SESSIONS, &limit).await.map_err(|error| failed(&error))?;
    let locks = observer.client().query_typed(LOCKS, &limit).await.map_err(|error| failed(&error))?;
    Ok(Activity {
        sessions: sessions
            .iter()
            .map(|row| SeenSession {
                pid: row.get(0),
                application: row.get(1),
                user: row.get(2),
                kind: row.get(3),
                state: row.get(4),
                waits_for: row.get(5),
                transaction_s: row.get(6),
                blocked_by: row.get(7),
                query: masked_sql(row.get(8), QUERY_CHARS_MAX),
            })
            .collect(),
        locks: locks
            .iter()
            .map(|row| SeenLock { pid: row.get(0), mode: row.get(1), relation: row.get(2), is_granted: row.get(3) })
            .collect(),
    })
}
