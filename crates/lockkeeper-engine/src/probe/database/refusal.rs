//! Whose fault it is when the database does not let us in, or does not answer.

use lockkeeper_core::message;
use lockkeeper_core::model::{Message, Problem, ServerReport, Verdict};

use crate::postgres::{SqlError, sqlstate};

/// A take that brought nothing.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) verdict: Verdict,
    pub(super) said: Message,
}

/// What the application would run into as well. Everything else is about how we ourselves are let in: a password, a
/// certificate, a name.
const THEIRS: [&str; 11] = [
    "connect-refused",
    "connect-timeout",
    "connect-timeout-system",
    "connect-unreachable",
    "connect-closed-early",
    "connect-host-unknown",
    "connect-socket-missing",
    "connect-too-many",
    "connect-server-not-ready",
    "connection-lost",
    "connect-protocol",
];

pub(super) fn of_connect(problem: &Problem) -> Refusal {
    let is_theirs = THEIRS.contains(&problem.message.id) || problem.server.as_ref().is_some_and(is_in_distress);
    let verdict = if is_theirs { Verdict::Fail } else { Verdict::ProbeError };
    Refusal { verdict, said: message!("probe-database-refused", why = problem.message.clone()) }
}

pub(super) fn of_statement(error: &SqlError) -> Refusal {
    let (verdict, reason) = match error {
        SqlError::Lost { reason } => (Verdict::Fail, reason.clone()),
        SqlError::Server { report, .. } => {
            let is_theirs = report.sqlstate == sqlstate::QUERY_CANCELED || is_in_distress(report);
            (if is_theirs { Verdict::Fail } else { Verdict::ProbeError }, report.message.clone())
        }
    };
    Refusal { verdict, said: message!("probe-database-failed", reason = reason) }
}

/// Whether the server ended the connection, or nobody knows: it is closed, a transaction was idle for too long
/// (25P03), the server stops or somebody sent us away (57P).
pub(super) fn ends_the_connection(error: &SqlError) -> bool {
    matches!(error, SqlError::Lost { .. }) || ["25P03", "57P"].iter().any(|class| error.sqlstate().starts_with(class))
}

/// Out of resources (53), stopped by an operator (57P), a failure of the system (58), broken (XX).
fn is_in_distress(report: &ServerReport) -> bool {
    ["53", "57P", "58", "XX"].iter().any(|class| report.sqlstate.starts_with(class))
}
