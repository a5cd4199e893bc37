//! What went wrong with a statement, and where in the statement.

use lockkeeper_core::message;
use lockkeeper_core::model::{ExitClass, Message, Problem, ServerReport};
use tokio_postgres::error::ErrorPosition;

use super::{Connection, server_report, sqlstate};

/// A statement that did not succeed.
#[derive(Debug, Clone)]
pub enum SqlError {
    /// The server said no. `position` counts characters of the statement from 1; inside a function, `inner`
    /// has the statement there and counts its characters.
    Server { report: ServerReport, position: Option<u32>, inner: Option<InnerPosition> },
    /// The connection broke: whether the statement took effect is not known from here.
    Lost { reason: String },
}

/// A place in a statement that a function or DO block runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InnerPosition {
    pub statement: String,
    pub position: u32,
}

impl SqlError {
    pub fn new(error: &tokio_postgres::Error, connection: &Connection) -> Self {
        match error.as_db_error() {
            Some(db) => {
                let (position, inner) = match db.position() {
                    Some(ErrorPosition::Original(position)) => (Some(*position), None),
                    Some(ErrorPosition::Internal { position, query }) => {
                        (None, Some(InnerPosition { statement: query.clone(), position: *position }))
                    }
                    None => (None, None),
                };
                Self::Server { report: server_report(db), position, inner }
            }
            // The server may have said why before it hung up.
            None => match connection.farewell() {
                Some(report) => Self::Lost { reason: report.message },
                None => Self::Lost { reason: error.to_string() },
            },
        }
    }

    pub fn sqlstate(&self) -> &str {
        match self {
            Self::Server { report, .. } => &report.sqlstate,
            Self::Lost { .. } => "",
        }
    }

    /// Whether the whole transaction may be tried again.
    pub fn is_transient(&self) -> bool {
        sqlstate::is_transient(self.sqlstate())
    }

    /// As a problem about what was being done: "could not read the ledger".
    pub fn problem(&self, exit: ExitClass, doing: Message) -> Box<Problem> {
        match self {
            Self::Server { report, .. } => Problem::new(exit, doing).server(report.clone()),
            Self::Lost { reason } => Problem::new(exit, message!("connection-lost", doing = doing, reason = reason))
                .hint(message!("connection-lost-hint")),
        }
    }
}
