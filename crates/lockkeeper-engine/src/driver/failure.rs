//! A failed statement, told with its place in the file and what stands recorded.

use std::sync::Arc;

use lockkeeper_core::message;
use lockkeeper_core::model::{ExitClass, Message, Place, Problem, Span};
use lockkeeper_core::parse::MigrationFile;
use lockkeeper_core::plan::Step;

use super::session::{Broken, stopped};
use crate::ledger::Lease;
use crate::postgres::{SqlError, sqlstate};

/// Where a server's position (characters of the statement, from 1) stands in the file.
fn place(file: &MigrationFile, step: &Step, position: Option<u32>) -> Place {
    let offset = position
        .and_then(|position| usize::try_from(position).ok())
        .and_then(|position| step.sql.char_indices().nth(position.saturating_sub(1)))
        .map(|(offset, _)| offset);
    let span = match offset {
        Some(offset) => {
            let start = step.span.start + offset;
            let rest = step.sql.get(offset..).unwrap_or("");
            let word = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len()).max(1);
            Span::new(start, start + word)
        }
        None => step.span,
    };
    Place::span(Arc::clone(&file.path), &file.text, span)
}

/// The problem of a statement that failed. `doing` says what was being done: applying or undoing.
pub fn statement(file: &MigrationFile, step: &Step, error: &SqlError, doing: Message) -> Box<Problem> {
    match error {
        SqlError::Server { report, position } => {
            let problem =
                Problem::new(ExitClass::MigrationFailed, doing).at(place(file, step, *position)).server(report.clone());
            match way_out(&report.sqlstate) {
                Some(hint) => problem.hint(hint),
                None => problem,
            }
        }
        SqlError::Lost { .. } => error.problem(ExitClass::MigrationFailed, doing).at(place(file, step, None)),
    }
}

/// Hints of ours for what the server says most often in a migration.
fn way_out(state: &str) -> Option<Message> {
    match state {
        sqlstate::DUPLICATE_TABLE => Some(message!("sqlstate-duplicate-hint")),
        sqlstate::INSUFFICIENT_PRIVILEGE => Some(message!("sqlstate-privilege-hint")),
        sqlstate::UNSAFE_NEW_ENUM_VALUE_USAGE => Some(message!("sqlstate-enum-hint")),
        sqlstate::UNDEFINED_TABLE => Some(message!("sqlstate-undefined-hint")),
        _ => None,
    }
}

/// The problem of a transaction that broke elsewhere than in a statement of the file.
pub fn transaction(file: &MigrationFile, broken: Broken, doing: Message) -> Box<Problem> {
    match broken {
        Broken::Sql(error) => error.problem(ExitClass::MigrationFailed, doing).at(Place::file(Arc::clone(&file.path))),
        Broken::Stopped(cause) => stopped(cause),
        Broken::Fenced => Lease::lost(),
        Broken::Left => Problem::new(ExitClass::MigrationFailed, message!("transaction-left"))
            .at(Place::file(Arc::clone(&file.path)))
            .hint(message!("transaction-left-hint")),
    }
}
