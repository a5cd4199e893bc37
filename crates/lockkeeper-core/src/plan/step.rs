//! One unit of work, as data.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::sync::Arc;

use super::facts::{Facts, Traffic};
use super::ops::{Context, Draft, DraftRun, Expansion, Refusal, expand, keep_together, statement_table, take_back};
use crate::classify::{Effect, Fresh, effects_by_statement};
use crate::message;
use crate::model::{LockMode, Message, MigrationNumber, Place, Problem, Span};
use crate::parse::{
    CreateIndex, Drop, Ident, MigrationFile, ObjectKind, ObjectName, ReindexTarget, Script, Sql, Statement,
    TransactionControl, parse,
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
    /// The statement of the file that it comes from, counted from 1, and that statement's text.
    pub statement: u32,
    pub source: String,
    /// Where that stands in its file.
    pub span: Span,
    /// What it does, for people.
    pub what: Vec<Message>,
    /// The strongest lock it takes on a table that exists, and on which.
    pub lock: Option<(LockMode, String)>,
    pub rewrites: bool,
    pub scans: bool,
    /// The table that its statement works on, where that is known and in use.
    pub in_use: Option<InUse>,
    /// SET or RESET: it holds for every later statement of the file, in whichever transaction that one runs.
    pub sets_session: bool,
    /// SET ROLE and its kin, or code that can run it: the role must be put back before the row is written.
    pub may_change_role: bool,
    pub run: RunMode,
    pub take_back: TakeBack,
    pub safe_because: Message,
}

impl Step {
    /// A step as the ledger kept it: what it locks and why it is safe was told when it was planned.
    pub fn recorded(migration: MigrationNumber, id: StepId, statement: u32, source: String, sql: String) -> Self {
        Self {
            id,
            migration,
            statement,
            span: Span::new(0, 0),
            what: Vec::new(),
            lock: None,
            rewrites: false,
            scans: false,
            in_use: None,
            sets_session: begins_with_set(&source),
            may_change_role: true,
            run: RunMode::InTransaction { joins: false },
            take_back: TakeBack::Impossible,
            safe_because: message!("safe-own-transaction"),
            source,
            sql,
        }
    }

    /// The table that others wait for while the step holds its lock.
    pub fn strong_lock(&self) -> Option<&str> {
        self.lock.as_ref().filter(|(mode, _)| mode.blocks_writes()).map(|(_, table)| table.as_str())
    }

    /// Whether the statement runs as the file has it.
    pub fn is_as_written(&self) -> bool {
        self.sql == self.source
    }
}

/// How much a table holds, and how busy it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InUse {
    pub table: String,
    pub bytes: u64,
    pub traffic: Traffic,
}

/// How a step meets the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RunMode {
    /// In the migration's one transaction, which also writes its row: both or neither.
    InMigration,
    /// In a transaction that also writes the step's outcome: one of its own, or that of the step before it.
    InTransaction { joins: bool },
    /// Outside any transaction: intent first, outcome after, and `settled` tells which after a crash.
    Standalone { settled: Settled },
    /// Many short transactions, as often as it takes.
    Backfill(Backfill),
}

/// A column's default for the rows that came before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backfill {
    pub table: ObjectName,
    pub column: Ident,
    /// The user's triggers must not fire: the server's own way of filling a column fires none.
    pub silences_triggers: bool,
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

impl Settled {
    /// An index that is there and valid.
    pub fn index_stands(index: &ObjectName) -> Self {
        let literal = index.to_string().replace('\'', "''");
        Self::Ask {
            query: format!(
                "SELECT CASE WHEN i.indexrelid IS NULL THEN 'none' WHEN i.indisvalid THEN 'done' \
                 WHEN EXISTS (SELECT FROM pg_catalog.pg_stat_progress_create_index p \
                 WHERE p.datname = pg_catalog.current_database() AND p.index_relid = i.indexrelid) THEN 'busy' \
                 ELSE 'half' END \
                 FROM (SELECT to_regclass('{literal}') AS oid) c LEFT JOIN pg_catalog.pg_index i ON i.indexrelid = c.oid"
            ),
            undo: format!("DROP INDEX CONCURRENTLY IF EXISTS {index}"),
        }
    }

    /// An index that is no more.
    pub fn index_is_gone(index: &ObjectName) -> Self {
        let literal = index.to_string().replace('\'', "''");
        Self::Ask {
            query: format!("SELECT CASE WHEN to_regclass('{literal}') IS NULL THEN 'done' ELSE 'none' END"),
            undo: String::new(),
        }
    }
}

/// What becomes of a step that has committed when a later one of its migration fails.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TakeBack {
    /// This leads back to where it was.
    Run(String),
    /// The same, outside any transaction.
    RunAlone(String),
    /// It leaves nothing, or goes with what an earlier step is taken back by.
    NotNeeded,
    /// It stands.
    Impossible,
}

fn begins_with_set(sql: &str) -> bool {
    let word = sql.split(|c: char| !c.is_alphabetic()).next().unwrap_or("");
    ["set", "reset"].iter().any(|known| word.eq_ignore_ascii_case(known))
}

/// The statements of a file as steps, safe ones where `facts` tell that a table is in use. Refuses a file whose
/// statements cannot share a transaction, and a statement that cannot be made safe.
pub fn steps(
    migration: MigrationNumber,
    file: &MigrationFile,
    script: &Script,
    facts: &Facts,
    fresh: &Fresh,
) -> Result<Vec<Step>, Box<Problem>> {
    let place = |span| Place::span(Arc::clone(&file.path), &file.text, span);
    check_transaction_control(script, &place)?;
    let parts = parts(migration, file, script, facts, fresh)?;
    let stands_alone = |part: &Part<'_>| part.drafts.is_none() && part.stands_alone();
    let first_alone = parts.iter().find(|part| stands_alone(part));
    let all_alone = parts.iter().all(stands_alone);
    if let (Some(alone), false, false) = (first_alone, all_alone, script.no_transaction()) {
        return Err(Problem::refused(message!("statement-not-in-transaction"))
            .at(place(alone.statement.span))
            .hint(message!("statement-not-in-transaction-split-hint"))
            .hint(message!("statement-not-in-transaction-directive-hint")));
    }
    let in_one = !script.no_transaction() && parts.iter().all(|part| part.drafts.is_none() && !part.stands_alone());
    let mut steps: Vec<Step> = Vec::new();
    for part in parts {
        let before = steps.last().map(|step| step.run.clone());
        let drafts = part.drafts.clone().unwrap_or_else(|| vec![part.as_written(in_one, facts)]);
        for (place, draft) in drafts.into_iter().enumerate() {
            let id = StepId(u32::try_from(steps.len()).unwrap_or(u32::MAX).saturating_add(1));
            // A statement as it is written shares the transaction of the one before it, as in psql's
            // single transaction: what can be one, is.
            let follows = matches!(before, Some(RunMode::InTransaction { .. })) && !script.no_transaction();
            let joins = place == 0 && part.drafts.is_none() && follows;
            let mut step = part.step(id, migration, file, draft, joins);
            if in_one {
                step.run = RunMode::InMigration;
            }
            steps.push(step);
        }
    }
    Ok(steps)
}

/// One statement of a file and what becomes of it.
struct Part<'a> {
    ordinal: u32,
    statement: &'a Statement,
    effects: Vec<Effect>,
    /// `None` where it runs as it is written.
    drafts: Option<Vec<Draft>>,
    in_use: Option<InUse>,
    text: &'a str,
}

fn parts<'a>(
    migration: MigrationNumber,
    file: &'a MigrationFile,
    script: &'a Script,
    facts: &Facts,
    fresh: &Fresh,
) -> Result<Vec<Part<'a>>, Box<Problem>> {
    let (given, helpers) = (RefCell::new(BTreeSet::new()), Cell::new(0));
    let mut fresh = fresh.clone();
    let in_one = script.statements.iter().any(|statement| needs_one_transaction(&statement.sql));
    let mut parts = Vec::new();
    let mut problems = Vec::new();
    let runnable =
        script.statements.iter().zip(effects_by_statement(script)).filter(|(statement, _)| !is_bracket(&statement.sql));
    for (ordinal, (statement, effects)) in (1..).zip(runnable) {
        let context = Context { facts, fresh: &fresh, migration, text: &file.text, given: &given, helpers: &helpers };
        let expansion = match script.as_written(statement) {
            Some(_) => Expansion::AsWritten,
            None if in_one => keep_together(statement, expand(statement, &context), &context),
            None => expand(statement, &context),
        };
        let drafts = match expansion {
            Expansion::AsWritten => None,
            Expansion::Steps(drafts) => Some(drafts),
            Expansion::Refused(refusal) => {
                problems.push(not_safe(file, statement, &effects, refusal));
                None
            }
        };
        let in_use = in_use(&statement.sql, facts, &fresh);
        fresh.learn(&statement.sql);
        parts.push(Part { ordinal, statement, effects, drafts, in_use, text: statement.span.of(&file.text) });
    }
    match Problem::all(problems) {
        Some(problem) => Err(problem),
        None => Ok(parts),
    }
}

fn in_use(sql: &Sql, facts: &Facts, fresh: &Fresh) -> Option<InUse> {
    let name = statement_table(sql).filter(|name| !fresh.table(Some(name)))?;
    let relation = facts.relation(Some(name)).filter(|relation| !relation.is_empty())?;
    Some(InUse { table: relation.full_name().to_string(), bytes: relation.bytes, traffic: relation.traffic })
}

/// Whether a statement means nothing to a later one in another transaction.
fn needs_one_transaction(sql: &Sql) -> bool {
    match sql {
        Sql::Transaction(TransactionControl::Savepoint | TransactionControl::Settings) | Sql::Lock { .. } => true,
        Sql::CreateTable(table) => table.temporary,
        _ => false,
    }
}

fn not_safe(file: &MigrationFile, statement: &Statement, effects: &[Effect], refusal: Refusal) -> Box<Problem> {
    let dear = effects.iter().find(|effect| effect.rewrites).or_else(|| effects.first());
    let span = dear.map_or(statement.span, |effect| effect.span);
    Problem::refused(message!("statement-not-safe"))
        .at(Place::span(Arc::clone(&file.path), &file.text, span))
        .note(refusal.because)
        .note(message!("nothing-changed"))
        .hint(refusal.way_out)
        .hint(message!("statement-not-safe-hint"))
}

impl Part<'_> {
    fn stands_alone(&self) -> bool {
        self.effects.iter().any(|effect| !effect.in_transaction)
    }

    /// The statement as its file has it.
    fn as_written(&self, in_one: bool, facts: &Facts) -> Draft {
        let run = if self.stands_alone() { DraftRun::Alone(settled(&self.statement.sql)) } else { DraftRun::Begins };
        let take_back = if in_one { TakeBack::Impossible } else { take_back(&self.statement.sql, facts) };
        let safe_because = safe_because(&run, in_one, &self.effects);
        Draft { sql: self.text.to_owned(), what: None, lock: None, scans: false, run, take_back, safe_because }
    }

    fn step(&self, id: StepId, migration: MigrationNumber, file: &MigrationFile, draft: Draft, joins: bool) -> Step {
        // A draft that brings its own words stands for a part of the statement only.
        let is_whole = draft.what.is_none();
        let as_written = self.drafts.is_none();
        let strongest = self.effects.iter().flat_map(|effect| &effect.locks).max_by_key(|lock| lock.mode);
        let of_effects = strongest.map(|lock| (lock.mode, lock.table.to_string()));
        let what = match draft.what {
            Some(what) => vec![what],
            None => self.effects.iter().map(|effect| effect.what.clone()).collect(),
        };
        Step {
            id,
            migration,
            statement: self.ordinal,
            source: self.text.to_owned(),
            span: self.statement.span,
            what,
            lock: if draft.lock.is_some() || !is_whole { draft.lock } else { of_effects },
            rewrites: as_written && self.effects.iter().any(|effect| effect.rewrites),
            scans: if as_written { self.effects.iter().any(|effect| effect.scans) } else { draft.scans },
            in_use: self.in_use.clone(),
            sets_session: self.statement.sql == Sql::Session && begins_with_set(self.statement.span.of(&file.text)),
            may_change_role: matches!(
                self.statement.sql,
                Sql::Session | Sql::Call | Sql::Do { .. } | Sql::Query { .. } | Sql::Transaction(_)
            ),
            run: match draft.run {
                DraftRun::Begins => RunMode::InTransaction { joins },
                DraftRun::Joins => RunMode::InTransaction { joins: true },
                DraftRun::Alone(settled) => RunMode::Standalone { settled },
                DraftRun::Fills(backfill) => RunMode::Backfill(backfill),
            },
            sql: draft.sql,
            take_back: draft.take_back,
            safe_because: draft.safe_because,
        }
    }
}

/// A down script that the ledger kept. It was checked when it was recorded.
pub fn read_down_script(file: &MigrationFile) -> Result<Script, Box<Problem>> {
    let script = parse(&file.text);
    match script.diagnostics.first() {
        Some(diagnostic) => Err(diagnostic.clone().problem(&file.path, &file.text)),
        None => Ok(script),
    }
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

fn safe_because(run: &DraftRun, in_one: bool, effects: &[Effect]) -> Message {
    match run {
        DraftRun::Alone(Settled::Ask { .. }) => message!("safe-standalone-settled"),
        DraftRun::Alone(Settled::Again) => message!("safe-standalone-again"),
        DraftRun::Alone(Settled::Unknown) => message!("safe-standalone-unknown"),
        DraftRun::Fills(_) => message!("safe-batches"),
        DraftRun::Begins | DraftRun::Joins if !in_one => message!("safe-own-transaction"),
        DraftRun::Begins | DraftRun::Joins if effects.iter().all(|effect| effect.locks.is_empty()) => {
            message!("safe-no-lock")
        }
        DraftRun::Begins | DraftRun::Joins => message!("safe-lock-timeout"),
    }
}

/// How to tell whether a statement that runs outside a transaction happened.
fn settled(sql: &Sql) -> Settled {
    match sql {
        Sql::CreateIndex(CreateIndex { name: Some(index), table, .. }) => {
            // CREATE INDEX puts the index into the schema of its table; the name itself bears none.
            let schema = table.as_ref().and_then(|table| table.schema.as_ref());
            Settled::index_stands(&ObjectName { schema: schema.cloned(), name: index.name.clone() })
        }
        Sql::Drop(Drop { object: ObjectKind::Index, names, if_exists, .. }) => match (names.as_slice(), if_exists) {
            (_, true) => Settled::Again,
            ([index], false) => Settled::index_is_gone(index),
            _ => Settled::Unknown,
        },
        Sql::Vacuum { .. } | Sql::Alter { object: ObjectKind::System, .. } => Settled::Again,
        Sql::Reindex { target: ReindexTarget::Index(_) | ReindexTarget::Table(_), concurrently: false } => {
            Settled::Again
        }
        _ => Settled::Unknown,
    }
}
