//! A connection that stays open: for what another session holds while the program runs.

use lockkeeper_engine::postgres::{Connection, Target, connect};
use tokio::runtime::Runtime;
use tokio_postgres::SimpleQueryMessage;

/// Somebody else's session. What it holds (a transaction, a lock, a snapshot) it holds until it is told
/// otherwise or dropped.
///
/// The methods block; use them outside of async code.
#[derive(Debug)]
pub struct OpenSession {
    // Before the runtime, on which it depends.
    connection: Connection,
    runtime: Runtime,
}

impl OpenSession {
    #[track_caller]
    pub(crate) fn open(target: &Target) -> Self {
        Self::connect(target).unwrap_or_else(|problem| panic!("{problem}"))
    }

    /// `None` when the server does not let it in, as when it is full.
    pub fn try_open(target: &Target) -> Option<Self> {
        Self::connect(target).ok()
    }

    fn connect(target: &Target) -> Result<Self, String> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.unwrap_or_else(|error| panic!("no runtime: {error}"));
        let connection = runtime.block_on(connect(target)).map_err(|problem| problem.to_string())?;
        Ok(Self { connection, runtime })
    }

    /// Whether the server took it.
    pub fn try_execute(&self, sql: &str) -> bool {
        self.runtime.block_on(self.connection.client().batch_execute(sql)).is_ok()
    }

    /// Runs one or many statements.
    ///
    /// # Panics
    /// When the server refuses one.
    #[track_caller]
    pub fn execute(&self, sql: &str) {
        let done = self.runtime.block_on(self.connection.client().batch_execute(sql));
        done.unwrap_or_else(|error| panic!("{}\n{sql}", said(&error)));
    }

    /// The first value of the first row, NULL as `NULL`.
    #[track_caller]
    pub fn value(&self, sql: &str) -> String {
        let answers = self.runtime.block_on(self.connection.client().simple_query(sql));
        let answers = answers.unwrap_or_else(|error| panic!("{}\n{sql}", said(&error)));
        let row = answers.iter().find_map(|answer| match answer {
            SimpleQueryMessage::Row(row) => Some(row),
            _ => None,
        });
        let row = row.unwrap_or_else(|| panic!("no row: {sql}"));
        row.get(0).unwrap_or("NULL").to_owned()
    }
}

/// The server's own words, where it said any.
fn said(error: &tokio_postgres::Error) -> String {
    error.as_db_error().map_or_else(|| error.to_string(), |error| format!("{} {error}", error.code().code()))
}
