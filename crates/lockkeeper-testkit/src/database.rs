//! A fresh database for one test.

use std::sync::atomic::{AtomicU32, Ordering};

use lockkeeper_engine::postgres::{Host, PrivateServer, Target, connect};
use tokio_postgres::SimpleQueryMessage;

use crate::cluster::{Cluster, TEMPLATE};
use crate::dump;
use crate::open_session::OpenSession;

/// A database of its own for one test, so that tests run in parallel. Dropped with this value.
///
/// The methods block and work inside and outside an async test.
#[derive(Debug)]
pub struct Database {
    target: Target,
    /// Where databases are made and dropped.
    admin: Target,
}

static NEXT: AtomicU32 = AtomicU32::new(1);

impl Database {
    pub fn create() -> Self {
        Self::copy_of(TEMPLATE, Cluster::get().target())
    }

    /// A database on another server than the one the tests share: one that a test may stop.
    #[track_caller]
    pub fn create_on(server: &PrivateServer) -> Self {
        Self::copy_of("template0", server.target())
    }

    /// A copy of this database as it is now: what a backup of this moment would restore. Nobody may be
    /// connected while it is taken.
    #[track_caller]
    #[must_use]
    pub fn copy(&self) -> Self {
        Self::copy_of(self.name(), self.admin.clone())
    }

    #[track_caller]
    fn copy_of(template: &str, admin: Target) -> Self {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("test_{number}");
        execute(&admin, &format!("CREATE DATABASE {name} TEMPLATE {template}"));
        Self { target: admin.with_database(name), admin }
    }

    /// A session that stays open beside whatever the test does.
    #[track_caller]
    pub fn session(&self) -> OpenSession {
        OpenSession::open(&self.target)
    }

    pub fn name(&self) -> &str {
        &self.target.database
    }

    /// As superuser, over the Unix socket.
    pub fn target(&self) -> Target {
        self.target.clone()
    }

    /// The settings by which a child process finds this database.
    pub fn env(&self) -> Vec<(String, String)> {
        let host = match &self.target.host {
            Host::Tcp(host) => host.clone(),
            Host::SocketDir(dir) => dir.display().to_string(),
        };
        [
            ("DB_HOST", host),
            ("DB_PORT", self.target.port.to_string()),
            ("DB_NAME", self.target.database.clone()),
            ("DB_USER", self.target.user.clone()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .to_vec()
    }

    /// Runs one or many statements.
    ///
    /// # Panics
    /// When the server refuses one.
    #[track_caller]
    pub fn execute(&self, sql: &str) {
        execute(&self.target, sql);
    }

    /// The rows of the last statement that returned some, each value as text, NULL as `NULL`.
    #[track_caller]
    pub fn query(&self, sql: &str) -> Vec<Vec<String>> {
        simple(&self.target, sql)
    }

    /// The first value of the first row.
    #[track_caller]
    pub fn value(&self, sql: &str) -> String {
        let rows = self.query(sql);
        rows.first().and_then(|row| row.first()).cloned().unwrap_or_else(|| panic!("no row: {sql}"))
    }

    /// The server's major version.
    #[track_caller]
    pub fn major(&self) -> u32 {
        let number: u32 = self.value("SHOW server_version_num").parse().unwrap_or_else(|error| panic!("{error}"));
        number / 10_000
    }

    /// The schema as `pg_dump` writes it, without comments and settings and without our ledger:
    /// equal texts mean equal schemas.
    #[track_caller]
    pub fn dump(&self) -> String {
        dump::schema(&self.target, Cluster::get().binaries())
    }

    /// What `pg_dump` writes of it with these arguments. `server` is the one that it is on.
    #[track_caller]
    pub fn pg_dump(&self, server: &PrivateServer, arguments: &[&str]) -> Vec<u8> {
        dump::written(&self.target, server.binaries(), arguments)
    }

    /// The schema as lines read from the catalogue, without our ledger. As good as a dump to compare with,
    /// validity of indexes and constraints included, and much faster.
    #[track_caller]
    pub fn catalogue(&self) -> Vec<String> {
        dump::catalogue(&self.target)
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        // A test that failed must show its own panic, so this one stays silent; whatever is left
        // goes with the cluster.
        let sql = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.target.database);
        let target = self.admin.clone();
        let _ = std::thread::spawn(move || block_on(try_simple(target, sql))).join();
    }
}

/// Runs one or many statements anywhere, as [`Database::execute`] does in its database.
#[track_caller]
pub fn execute(target: &Target, sql: &str) {
    simple(target, sql);
}

/// On a thread of its own, because a runtime cannot be entered from within another.
#[track_caller]
pub(crate) fn simple(target: &Target, sql: &str) -> Vec<Vec<String>> {
    let (target, text) = (target.clone(), sql.to_owned());
    let finished = std::thread::spawn(move || block_on(try_simple(target, text))).join();
    match finished {
        Ok(Ok(rows)) => rows,
        Ok(Err(error)) => panic!("{error}\n{sql}"),
        Err(panic) => std::panic::resume_unwind(panic),
    }
}

fn block_on<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.unwrap_or_else(|error| panic!("no runtime: {error}")).block_on(work)
}

async fn try_simple(target: Target, sql: String) -> Result<Vec<Vec<String>>, String> {
    let connection = connect(&target).await.map_err(|problem| problem.to_string())?;
    let messages = connection.client().simple_query(&sql).await.map_err(|error| match error.as_db_error() {
        Some(error) => format!("{} {}", error.code().code(), error),
        None => error.to_string(),
    })?;
    let mut rows = Vec::new();
    for message in messages {
        match message {
            SimpleQueryMessage::RowDescription(_) => rows.clear(),
            SimpleQueryMessage::Row(row) => {
                rows.push((0..row.len()).map(|column| row.get(column).unwrap_or("NULL").to_owned()).collect());
            }
            _ => {}
        }
    }
    connection.close().await;
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn databases_are_apart_and_dumps_compare() {
        let (one, other) = (Database::create(), Database::create());
        one.execute("CREATE TABLE boat (id bigint PRIMARY KEY, name text); INSERT INTO boat VALUES (1, NULL)");
        assert_eq!(one.query("SELECT * FROM boat"), [["1", "NULL"]]);
        assert_eq!(other.value("SELECT count(*) FROM pg_class WHERE relname = 'boat'"), "0");
        assert_ne!(one.dump(), other.dump());
        other.execute("CREATE SCHEMA lockkeeper; CREATE TABLE lockkeeper.ledger (id int)");
        other.execute("CREATE TABLE boat (id bigint PRIMARY KEY, name text)");
        assert_eq!(one.dump(), other.dump());
        assert!(one.dump().contains("boat"), "{}", one.dump());
        for (change, undo) in [
            ("ALTER TABLE boat ALTER name SET NOT NULL", "ALTER TABLE boat ALTER name DROP NOT NULL"),
            ("CREATE INDEX by_name ON boat (name)", "DROP INDEX by_name"),
            ("CREATE VIEW v AS SELECT 1 AS one", "DROP VIEW v"),
            ("CREATE TYPE e AS ENUM ('a', 'b')", "DROP TYPE e"),
            ("CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'", "DROP FUNCTION f"),
            ("ALTER TABLE boat ADD CONSTRAINT c CHECK (id > 0) NOT VALID", "ALTER TABLE boat DROP CONSTRAINT c"),
            ("COMMENT ON TABLE boat IS 'floats'", "COMMENT ON TABLE boat IS NULL"),
        ] {
            let before = other.dump();
            other.execute(change);
            assert_ne!(other.dump(), before, "{change}");
            other.execute(undo);
            assert_eq!(other.dump(), before, "{undo}");
        }
    }

    #[test]
    fn a_dropped_database_is_gone() {
        let database = Database::create();
        let name = database.name().to_owned();
        drop(database);
        let left = Database::create();
        assert_eq!(
            left.query(&format!("SELECT 1 FROM pg_database WHERE datname = '{name}'")),
            Vec::<Vec<String>>::new()
        );
    }
}
