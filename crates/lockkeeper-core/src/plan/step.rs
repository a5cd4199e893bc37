//! One unit of work, as data.

use std::sync::Arc;

use crate::classify::{Effect, effects_by_statement};
use crate::message;
use crate::model::{LockMode, Message, MigrationNumber, Place, Problem, Span};
use crate::parse::{
    CreateIndex, Drop, MigrationFile, ObjectKind, ReindexTarget, Script, Sql, Statement, TransactionControl, parse,
};

/// A step's place in its migration: 1, 2, 3 …
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StepId(pub u32);

/// One statement, how it runs and why that is safe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    pub id: StepId,
    pub migration: MigrationNumber,
    /// The statement as it is sent.
    pub sql: String,
    /// Where it stands in its file.
    pub span: Span,
    /// What it does, for people.
    pub what: Vec<Message>,
    /// The strongest lock it takes on a table that exists, and on which.
    pub lock: Option<(LockMode, String)>,
    pub rewrites: bool,
    pub scans: bool,
    /// SET or RESET: it holds for every later statement of the file, in whichever transaction that one runs.
    pub sets_session: bool,
    /// SET ROLE and its kin, or code that can run it: the role must be put back before the row is written.
    pub may_change_role: bool,
    pub run: RunMode,
    pub safe_because: Message,
}

/// How a step meets the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RunMode {
    /// In the migration's one transaction, which also writes its row: both or neither.
    InMigration,
    /// In a transaction of its own, which also writes the step's outcome.
    OwnTransaction,
    /// Outside any transaction: intent first, outcome after, and `settled` tells which after a crash.
    Standalone { settled: Settled },
}

/// How to find out whether a standalone step happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Settled {
    /// `query` returns one text: `done`, `half`, `none`, or `busy` while the server still works on it for a
    /// client that is gone. `undo` clears away a half-done step.
    Ask { query: String, undo: String },
    /// Running it again does no harm, whether it happened or not.
    Again,
    /// Nothing can tell: after a crash a person must look.
    Unknown,
}

fn begins_with_set(sql: &str) -> bool {
    let word = sql.split(|c: char| !c.is_alphabetic()).next().unwrap_or("");
    ["set", "reset"].iter().any(|known| word.eq_ignore_ascii_case(known))
}

/// The statements of a file as steps. Refuses a file whose statements cannot share a transaction.
pub fn steps(migration: MigrationNumber, file: &MigrationFile, script: &Script) -> Result<Vec<Step>, Box<Problem>> {
    let place = |span| Place::span(Arc::clone(&file.path), &file.text, span);
    check_transaction_control(script, &place)?;
    let runnable: Vec<(&Statement, Vec<Effect>)> = script
        .statements
        .iter()
        .zip(effects_by_statement(script))
        .filter(|(statement, _)| !is_bracket(&statement.sql))
        .collect();
    let stands_alone = |effects: &[Effect]| effects.iter().any(|effect| !effect.in_transaction);
    let first_alone = runnable.iter().find(|(_, effects)| stands_alone(effects));
    let all_alone = runnable.iter().all(|(_, effects)| stands_alone(effects));
    if let (Some((alone, _)), false, false) = (first_alone, all_alone, script.no_transaction()) {
        return Err(Problem::refused(message!("statement-not-in-transaction"))
            .at(place(alone.span))
            .hint(message!("statement-not-in-transaction-split-hint"))
            .hint(message!("statement-not-in-transaction-directive-hint")));
    }
    let numbered = (1..).map(StepId).zip(runnable);
    Ok(numbered
        .map(|(id, (statement, effects))| {
            let run = if stands_alone(&effects) {
                RunMode::Standalone { settled: settled(&statement.sql) }
            } else if script.no_transaction() {
                RunMode::OwnTransaction
            } else {
                RunMode::InMigration
            };
            let strongest = effects.iter().flat_map(|effect| &effect.locks).max_by_key(|lock| lock.mode);
            Step {
                id,
                migration,
                sql: statement.span.of(&file.text).to_owned(),
                span: statement.span,
                what: effects.iter().map(|effect| effect.what.clone()).collect(),
                lock: strongest.map(|lock| (lock.mode, lock.table.to_string())),
                rewrites: effects.iter().any(|effect| effect.rewrites),
                scans: effects.iter().any(|effect| effect.scans),
                sets_session: statement.sql == Sql::Session && begins_with_set(statement.span.of(&file.text)),
                may_change_role: matches!(
                    statement.sql,
                    Sql::Session | Sql::Call | Sql::Do { .. } | Sql::Query { .. } | Sql::Transaction(_)
                ),
                safe_because: safe_because(&run, &effects),
                run,
            }
        })
        .collect())
}

/// The steps of a down script that the ledger kept. It was checked when it was recorded.
pub fn down_steps(migration: MigrationNumber, file: &MigrationFile) -> Result<Vec<Step>, Box<Problem>> {
    let script = parse(&file.text);
    if let Some(diagnostic) = script.diagnostics.first() {
        return Err(diagnostic.clone().problem(&file.path, &file.text));
    }
    steps(migration, file, &script)
}

/// BEGIN and COMMIT around a file's statements: the migration's own transaction takes their place,
/// so that its row commits with it.
const fn is_bracket(sql: &Sql) -> bool {
    matches!(sql, Sql::Transaction(TransactionControl::Begin | TransactionControl::Commit))
}

fn check_transaction_control(script: &Script, place: &dyn Fn(Span) -> Place) -> Result<(), Box<Problem>> {
    let mut open = None;
    for statement in &script.statements {
        match &statement.sql {
            Sql::Transaction(TransactionControl::Begin) => open = Some(statement.span),
            Sql::Transaction(TransactionControl::Commit) => open = None,
            _ => continue,
        }
        if script.no_transaction() {
            return Err(Problem::refused(message!("statement-begin-in-no-transaction"))
                .at(place(statement.span))
                .hint(message!("statement-begin-in-no-transaction-hint")));
        }
    }
    match open {
        Some(span) => Err(Problem::refused(message!("statement-begin-without-commit"))
            .at(place(span))
            .hint(message!("statement-begin-without-commit-hint"))),
        None => Ok(()),
    }
}

fn safe_because(run: &RunMode, effects: &[Effect]) -> Message {
    match run {
        RunMode::Standalone { settled: Settled::Ask { .. } } => message!("safe-standalone-settled"),
        RunMode::Standalone { settled: Settled::Again } => message!("safe-standalone-again"),
        RunMode::Standalone { settled: Settled::Unknown } => message!("safe-standalone-unknown"),
        RunMode::OwnTransaction => message!("safe-own-transaction"),
        RunMode::InMigration if effects.iter().all(|effect| effect.locks.is_empty()) => message!("safe-no-lock"),
        RunMode::InMigration => message!("safe-lock-timeout"),
    }
}

/// How to tell whether a statement that runs outside a transaction happened.
fn settled(sql: &Sql) -> Settled {
    match sql {
        Sql::CreateIndex(CreateIndex { name: Some(index), table, .. }) => {
            // CREATE INDEX puts the index into the schema of its table; the name itself bears none.
            let schema = table.as_ref().and_then(|table| table.schema.as_ref());
            let qualified = match schema {
                Some(schema) => format!("{schema}.{}", index.name),
                None => index.name.to_string(),
            };
            let literal = qualified.replace('\'', "''");
            Settled::Ask {
                query: format!(
                    "SELECT CASE WHEN i.indexrelid IS NULL THEN 'none' WHEN i.indisvalid THEN 'done' \
                     WHEN EXISTS (SELECT FROM pg_catalog.pg_stat_progress_create_index p \
                     WHERE p.datname = pg_catalog.current_database() AND p.index_relid = i.indexrelid) THEN 'busy' \
                     ELSE 'half' END \
                     FROM (SELECT to_regclass('{literal}') AS oid) c LEFT JOIN pg_catalog.pg_index i ON i.indexrelid = c.oid"
                ),
                undo: format!("DROP INDEX CONCURRENTLY IF EXISTS {qualified}"),
            }
        }
        Sql::Drop(Drop { object: ObjectKind::Index, names, if_exists, .. }) => match (names.as_slice(), if_exists) {
            (_, true) => Settled::Again,
            ([index], false) => Settled::Ask {
                query: format!(
                    "SELECT CASE WHEN to_regclass('{}') IS NULL THEN 'done' ELSE 'none' END",
                    index.to_string().replace('\'', "''")
                ),
                undo: String::new(),
            },
            _ => Settled::Unknown,
        },
        Sql::Vacuum { .. } | Sql::Alter { object: ObjectKind::System, .. } => Settled::Again,
        Sql::Reindex { target: ReindexTarget::Index(_) | ReindexTarget::Table(_), concurrently: false } => {
            Settled::Again
        }
        _ => Settled::Unknown,
    }
}
