//! Who stands in the way of a statement that waits for a lock.

use lockkeeper_core::message;
use lockkeeper_core::model::Message;
use tokio_postgres::types::Type;

use super::Connection;

/// A session that a waiting one waits for (`pg_blocking_pids`, manual, section 9.27).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blocker {
    pub pid: i32,
    pub application: String,
    pub user: String,
    /// `active`, `idle in transaction` …
    pub state: String,
    /// Autovacuum gives way by itself when it is not run to prevent wraparound.
    pub is_autovacuum: bool,
    /// Seconds since its transaction began.
    pub age_s: i64,
    /// What it runs, or ran last; empty without the right to see it.
    pub query: String,
}

impl Blocker {
    /// As people are told.
    pub fn told(&self) -> Message {
        if self.is_autovacuum {
            return message!("blocked-by-autovacuum", pid = self.pid, seconds = self.age_s);
        }
        message!(
            "blocked-by",
            pid = self.pid,
            application = self.application.as_str(),
            user = self.user.as_str(),
            state = self.state.as_str(),
            seconds = self.age_s,
            query = self.query.split_whitespace().collect::<Vec<_>>().join(" ")
        )
    }
}

const QUERY: &str = "\
    SELECT a.pid, coalesce(a.application_name, ''), coalesce(a.usename::text, ''), coalesce(a.state, ''), \
           coalesce(a.backend_type = 'autovacuum worker', false), \
           coalesce(extract(epoch FROM pg_catalog.clock_timestamp() - coalesce(a.xact_start, a.query_start)), 0)::bigint, \
           coalesce(a.query, '') \
    FROM pg_catalog.unnest(pg_catalog.pg_blocking_pids($1)) AS b (pid) \
    JOIN pg_catalog.pg_stat_activity a ON a.pid = b.pid ORDER BY a.pid";

/// The sessions that `pid` waits for, seen from another connection. Empty when it waits for nobody, or when
/// that cannot be found out: this is for telling, and nothing is decided on it.
pub async fn blockers_of(observer: &Connection, pid: i32) -> Vec<Blocker> {
    let rows = observer.client().query_typed(QUERY, &[(&pid, Type::INT4)]).await.unwrap_or_default();
    rows.iter()
        .map(|row| Blocker {
            pid: row.get(0),
            application: row.get(1),
            user: row.get(2),
            state: row.get(3),
            is_autovacuum: row.get(4),
            age_s: row.get(5),
            query: row.get(6),
        })
        .collect()
}

/// The process that runs a statement, seen from another connection. The server may show only its beginning.
pub async fn pid_running(observer: &Connection, sql: &str) -> Option<i32> {
    const RUNNING: &str = "SELECT pid FROM pg_catalog.pg_stat_activity WHERE datname = pg_catalog.current_database() \
                           AND state = 'active' AND query <> '' AND pg_catalog.starts_with($1, query) LIMIT 1";
    let rows = observer.client().query_typed(RUNNING, &[(&sql, Type::TEXT)]).await.ok()?;
    rows.first().map(|row| row.get(0))
}
