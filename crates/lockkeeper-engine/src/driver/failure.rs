//! A failed statement, told with its place in the file and what stands recorded.

use std::sync::Arc;

use lockkeeper_core::message;
use lockkeeper_core::model::{ExitClass, Message, Place, Problem, Span};
use lockkeeper_core::parse::MigrationFile;
use lockkeeper_core::plan::Step;

use super::session::{Broken, stopped};
use crate::ledger::{Lease, Standing, StoredStep};
use crate::postgres::{InnerPosition, SqlError, sqlstate};

/// Where an offset of the statement stands in the file; without one, the whole statement.
fn place(file: &MigrationFile, step: &Step, offset: Option<usize>) -> Place {
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

/// Where in the statement's text the server found fault: by its position, else by what it says of the
/// place in a DO block.
fn offset(sql: &str, position: Option<u32>, inner: Option<&InnerPosition>, context: Option<&str>) -> Option<usize> {
    if let Some(position) = position {
        return char_offset(sql, position);
    }
    let line = inline_block_line(sql, context?)?;
    let Some(inner) = inner else { return Some(line) };
    // The inner statement stands in the block word for word, on that line or below.
    let found = sql.get(line..)?.find(inner.statement.as_str());
    let within = found.and_then(|found| Some(line + found + char_offset(&inner.statement, inner.position)?));
    Some(within.unwrap_or(line))
}

/// The byte offset of a character that the server counts from 1.
fn char_offset(text: &str, position: u32) -> Option<usize> {
    let position = usize::try_from(position).ok()?;
    text.char_indices().nth(position.saturating_sub(1)).map(|(offset, _)| offset)
}

/// The offset of the first word on the line that PL/pgSQL names of a DO block. `None` when the fault lies
/// deeper, in a function that the block calls, or when the server speaks another language.
fn inline_block_line(sql: &str, context: &str) -> Option<usize> {
    const NAMED: &str = "PL/pgSQL function inline_code_block line ";
    let mut calls = context.lines().filter(|line| line.starts_with("PL/pgSQL function "));
    let (Some(call), None) = (calls.next(), calls.next()) else { return None };
    let digits = call.strip_prefix(NAMED)?.split(' ').next()?;
    let line: usize = digits.parse().ok()?;
    // PL/pgSQL counts from where the body is opened: DO $tag$ or DO LANGUAGE plpgsql '.
    let open = sql.find(['$', '\''])?;
    let body = match sql.get(open..)?.strip_prefix('$') {
        Some(rest) => open + 1 + rest.find('$')? + 1,
        None => open + 1,
    };
    let text = sql.get(body..)?;
    let start: usize = text.split_inclusive('\n').take(line.checked_sub(1)?).map(str::len).sum();
    let blank = text.get(start..)?.find(|c: char| !c.is_whitespace())?;
    Some(body + start + blank)
}

/// A problem that came when something had been done already: exit code 2 says that nothing was.
pub fn in_the_middle(mut problem: Box<Problem>) -> Box<Problem> {
    if problem.exit == ExitClass::Usage {
        problem.exit = ExitClass::MigrationFailed;
    }
    problem
}

/// The problem of a statement that failed. `doing` says what was being done: applying or undoing.
pub fn statement(file: &MigrationFile, step: &Step, error: &SqlError, doing: Message) -> Box<Problem> {
    match error {
        SqlError::Server { report, position, inner } => {
            // A position in a statement of ours means nothing in the file.
            let offset = Some(())
                .filter(|()| step.is_as_written())
                .and_then(|()| offset(&step.sql, *position, inner.as_ref(), report.context.as_deref()));
            let mut problem =
                Problem::new(ExitClass::MigrationFailed, doing).at(place(file, step, offset)).server(report.clone());
            if !step.is_as_written() {
                problem = problem.note(message!("step-ran", what = step.what.clone(), sql = step.sql.as_str()));
            }
            match way_out(&report.sqlstate) {
                Some(hint) => problem.hint(hint),
                None => problem,
            }
        }
        SqlError::Lost { .. } => error.problem(ExitClass::MigrationFailed, doing).at(place(file, step, None)),
    }
}

/// Says which steps of a migration stand, and what becomes of them.
pub fn standing(problem: Box<Problem>, steps: &[StoredStep], total: usize) -> Box<Problem> {
    let is_done = |step: &&StoredStep| step.standing == Standing::Done;
    let done = steps.iter().filter(is_done).count();
    let mut problem = problem.note(message!("steps-standing", done = done, total = total));
    for step in steps {
        let sql = step.sql.lines().next().unwrap_or("");
        let told = match step.standing {
            Standing::Done => message!("step-stands", ordinal = step.id.0, sql = sql),
            _ => message!("step-outcome-open", ordinal = step.id.0, sql = sql),
        };
        problem = problem.note(told);
    }
    problem.hint(message!("steps-standing-hint"))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(sql: &str, inner: Option<(&str, u32)>, context: &str, expected: Option<&str>) {
        let inner = inner.map(|(statement, position)| InnerPosition { statement: statement.to_owned(), position });
        let found = offset(sql, None, inner.as_ref(), Some(context)).map(|offset| &sql[offset..]);
        assert_eq!(found.map(|rest| rest.split_whitespace().next().unwrap_or("")), expected, "{sql}");
    }

    #[test]
    fn a_position_counts_characters() {
        assert_eq!(offset("SELECT 'é', x", Some(13), None, None), Some(13));
        assert_eq!(offset("SELECT 1", Some(90), None, None), None);
    }

    #[test]
    fn a_line_of_a_do_block_is_found_behind_any_quote() {
        let context = "PL/pgSQL function inline_code_block line 3 at RAISE";
        for sql in [
            "DO $$\nBEGIN\n  RAISE; END $$",
            "DO LANGUAGE plpgsql $a$\nBEGIN\n\tRAISE; END $a$",
            "DO '\nBEGIN\nRAISE; END'",
        ] {
            check(sql, None, context, Some("RAISE;"));
        }
        check("DO $$ BEGIN x $$", None, "PL/pgSQL function inline_code_block line 1 at x", Some("BEGIN"));
        check("DO $$ BEGIN x $$", None, "PL/pgSQL function inline_code_block line 9 at x", None);
    }

    #[test]
    fn an_inner_statement_is_found_from_its_line_on() {
        let sql = "DO $$ BEGIN\n  n := a + b;\n  n := a + b;\nEND $$";
        let context = "PL/pgSQL assignment \"n := a + b\"\nPL/pgSQL function inline_code_block line 3 at assignment";
        check(sql, Some(("n := a + b", 10)), context, Some("b;"));
        let found =
            offset(sql, None, Some(&InnerPosition { statement: "n := a + b".to_owned(), position: 1 }), Some(context));
        assert_eq!(found, sql.rfind("n :="));
        check(sql, Some(("not there", 1)), context, Some("n"));
    }

    #[test]
    fn what_lies_deeper_is_left_to_the_context() {
        let deeper = "PL/pgSQL function f() line 2 at RAISE\nSQL statement \"SELECT f()\"\nPL/pgSQL function inline_code_block line 1 at PERFORM";
        check("DO $$ BEGIN PERFORM f(); END $$", None, deeper, None);
        check("SELECT f()", None, "PL/pgSQL function f() line 2 at RAISE", None);
        check("DO $$ BEGIN x $$", None, "inline_code_block PL/pgSQL 함수 1번째 줄", None);
    }
}
