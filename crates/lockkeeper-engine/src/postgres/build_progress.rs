//! How far an index is that is being built.

use tokio_postgres::types::Type;

use super::Connection;

/// A row of `pg_stat_progress_create_index` (manual, section 28.4.4).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuildProgress {
    /// As PostgreSQL calls it: `building index: scanning table`, `waiting for old snapshots`.
    pub phase: String,
    /// Blocks, rows or transactions waited for, whichever the phase counts.
    pub done: i64,
    pub total: i64,
}

const QUERY: &str = "\
    SELECT phase, \
           CASE WHEN lockers_total > 0 THEN lockers_done WHEN blocks_total > 0 THEN blocks_done ELSE tuples_done END, \
           CASE WHEN lockers_total > 0 THEN lockers_total WHEN blocks_total > 0 THEN blocks_total ELSE tuples_total END \
    FROM pg_catalog.pg_stat_progress_create_index WHERE pid = $1";

/// What the process builds, seen from another connection; for telling only.
pub async fn build_progress(observer: &Connection, pid: i32) -> Option<BuildProgress> {
    let rows = observer.client().query_typed(QUERY, &[(&pid, Type::INT4)]).await.ok()?;
    rows.first().map(|row| BuildProgress { phase: row.get(0), done: row.get(1), total: row.get(2) })
}
