//! One unit of work, as data.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::sync::Arc;

use super::ops::{Context, Draft, DraftRun, Expansion, Refusal, expand, keep_together, statement_table, take_back};
use super::work::{Volume, Work, work};
use crate::classify::{Effect, Facts, Fresh, Learn, Relation, Traffic, effects_on};
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
    /// The locks it takes on tables that exist, the strongest first and one for each table.
    pub locks: Vec<StepLock>,
    pub rewrites: bool,
    pub scans: bool,
    pub work: Work,
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
            locks: Vec::new(),
            rewrites: false,
            scans: false,
            work: Work::Unknown,
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

    /// The strongest lock.
    pub fn lock(&self) -> Option<&StepLock> {
        self.locks.first()
    }

    /// The tables that others wait for while the step holds its locks.
    pub fn strong_locks(&self) -> impl Iterator<Item = &str> {
        self.locks.iter().filter(|lock| lock.mode.blocks_writes()).map(|lock| lock.table.as_str())
    }

    /// Whether the statement runs as the file has it.
    pub fn is_as_written(&self) -> bool {
        self.sql == self.source
    }
}

/// A lock on a table that exists, which others wait behind or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepLock {
    pub mode: LockMode,
    pub table: String,
    /// The table, where it is known.
    pub on: Option<InUse>,
}

/// How much a table holds, and how busy it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InUse {
    pub table: String,
    pub bytes: u64,
    pub traffic: Traffic,
    /// How many indexes it has, keys included, and what they hold.
    pub indexes: usize,
    pub index_bytes: u64,
}

impl InUse {
    fn of(relation: &Relation) -> Self {
        Self {
            table: relation.full_name().to_string(),
            bytes: relation.bytes,
            traffic: relation.traffic,
            indexes: relation.index_count,
            index_bytes: relation.index_bytes,
        }
    }
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
    steps_of(migration, file, script, facts, fresh, true)
}

/// The statements of a file as steps, each as it is written; `facts` only tell what it locks.
pub fn steps_as_written(
    migration: MigrationNumber,
    file: &MigrationFile,
    script: &Script,
    facts: &Facts,
    fresh: &Fresh,
) -> Result<Vec<Step>, Box<Problem>> {
    steps_of(migration, file, script, facts, fresh, false)
}

fn steps_of(
    migration: MigrationNumber,
    file: &MigrationFile,
    script: &Script,
    facts: &Facts,
    fresh: &Fresh,
    safely: bool,
) -> Result<Vec<Step>, Box<Problem>> {
    let place = |span| Place::span(Arc::clone(&file.path), &file.text, span);
    check_transaction_control(script, &place)?;
    let parts = parts(migration, file, script, facts, fresh, safely)?;
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
        for (place, (draft, locks)) in drafts.into_iter().zip(part.locks.clone()).enumerate() {
            let id = StepId(u32::try_from(steps.len()).unwrap_or(u32::MAX).saturating_add(1));
            // A statement as it is written shares the transaction of the one before it, as in psql's
            // single transaction: what can be one, is.
            let follows = matches!(before, Some(RunMode::InTransaction { .. })) && !script.no_transaction();
            let joins = place == 0 && part.drafts.is_none() && follows;
            let mut step = part.step(id, migration, file, draft, locks, joins);
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
    /// Of each draft, or of the statement as it is written.
    locks: Vec<Vec<StepLock>>,
    text: &'a str,
}

fn parts<'a>(
    migration: MigrationNumber,
    file: &'a MigrationFile,
    script: &'a Script,
    facts: &Facts,
    fresh: &Fresh,
    safely: bool,
) -> Result<Vec<Part<'a>>, Box<Problem>> {
    let (given, helpers) = (RefCell::new(BTreeSet::new()), Cell::new(0));
    let mut fresh = fresh.clone();
    let mut known = Cow::Borrowed(facts);
    let in_one = script.statements.iter().any(|statement| needs_one_transaction(&statement.sql));
    let mut parts = Vec::new();
    let mut problems = Vec::new();
    let each = script.statements.iter().zip(effects_on(script, facts)).zip(script.zones_are_utc(facts.zone_is_utc()));
    let runnable = each.filter(|((statement, _), _)| !is_bracket(&statement.sql));
    for (ordinal, ((statement, effects), zone_is_utc)) in (1..).zip(runnable) {
        let facts = &*known;
        let context = Context {
            facts,
            fresh: &fresh,
            zone_is_utc,
            migration,
            text: &file.text,
            given: &given,
            helpers: &helpers,
        };
        let expansion = match script.as_written(statement) {
            _ if !safely => Expansion::AsWritten,
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
        let locks = match &drafts {
            None => vec![locks(None, &effects, facts, &fresh)],
            // What a step locks that is not the statement itself, its own SQL tells.
            Some(drafts) => drafts.iter().map(|draft| locks_of_draft(draft, facts, &fresh)).collect(),
        };
        fresh.learn(&statement.sql);
        known.learn(&statement.sql);
        parts.push(Part { ordinal, statement, effects, drafts, in_use, locks, text: statement.span.of(&file.text) });
    }
    match Problem::all(problems) {
        Some(problem) => Err(problem),
        None => Ok(parts),
    }
}

fn in_use(sql: &Sql, facts: &Facts, fresh: &Fresh) -> Option<InUse> {
    let name = statement_table(sql).filter(|name| !fresh.table(Some(name)))?;
    let relation = facts.held_by(Some(name)).filter(|relation| !relation.is_empty())?;
    Some(InUse::of(relation))
}

fn locks_of_draft(draft: &Draft, facts: &Facts, fresh: &Fresh) -> Vec<StepLock> {
    let effects: Vec<Effect> = effects_on(&parse(&draft.sql), facts).into_iter().flatten().collect();
    locks(draft.lock.as_ref(), &effects, facts, fresh)
}

/// The locks of a step, the strongest first. A table that is new in the release nobody waits for.
fn locks(draft: Option<&(LockMode, String)>, effects: &[Effect], facts: &Facts, fresh: &Fresh) -> Vec<StepLock> {
    let told = draft.map(|(mode, table)| (*mode, ObjectName::from_source(table), table.clone()));
    let of_effects = effects.iter().flat_map(|effect| &effect.locks);
    let of_effects = of_effects.map(|lock| (lock.mode, Some(lock.table.clone()), lock.table.to_string()));
    let mut locks: Vec<StepLock> = Vec::new();
    for (mode, name, shown) in told.into_iter().chain(of_effects) {
        if fresh.table(name.as_ref()) {
            continue;
        }
        let relation = facts.relation(name.as_ref());
        let table = relation.map_or(shown, |relation| relation.full_name().to_string());
        match locks.iter_mut().find(|lock| lock.table == table) {
            Some(lock) => lock.mode = lock.mode.max(mode),
            None => locks.push(StepLock { mode, table, on: relation.map(InUse::of) }),
        }
    }
    locks.sort_by_key(|lock| std::cmp::Reverse(lock.mode));
    locks
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

    fn step(
        &self,
        id: StepId,
        migration: MigrationNumber,
        file: &MigrationFile,
        draft: Draft,
        locks: Vec<StepLock>,
        joins: bool,
    ) -> Step {
        let as_written = self.drafts.is_none();
        let what = match draft.what {
            Some(what) => vec![what],
            None => self.effects.iter().map(|effect| effect.what.clone()).collect(),
        };
        let rewrites = as_written && self.effects.iter().any(|effect| effect.rewrites);
        let scans = if as_written { self.effects.iter().any(|effect| effect.scans) } else { draft.scans };
        let run = match draft.run {
            DraftRun::Begins => RunMode::InTransaction { joins },
            DraftRun::Joins => RunMode::InTransaction { joins: true },
            DraftRun::Alone(settled) => RunMode::Standalone { settled },
            DraftRun::Fills(backfill) => RunMode::Backfill(backfill),
        };
        let volume = locks.first().and_then(|lock| lock.on.as_ref()).or(self.in_use.as_ref());
        let volume = volume.map(|on| Volume { bytes: on.bytes, index_bytes: on.index_bytes });
        let work = work(&self.statement.sql, &run, rewrites, scans, !locks.is_empty(), volume);
        Step {
            id,
            migration,
            statement: self.ordinal,
            source: self.text.to_owned(),
            span: self.statement.span,
            what,
            locks,
            rewrites,
            scans,
            work,
            in_use: self.in_use.clone(),
            sets_session: matches!(self.statement.sql, Sql::Session | Sql::Set(_))
                && begins_with_set(self.statement.span.of(&file.text)),
            may_change_role: matches!(
                self.statement.sql,
                Sql::Session | Sql::Set(_) | Sql::Call | Sql::Do(_) | Sql::Query { .. } | Sql::Transaction(_)
            ),
            run,
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
