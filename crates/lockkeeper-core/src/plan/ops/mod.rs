//! Plain SQL in, safe steps out: one file for each kind of operation.
//!
//! A statement that would hold a strong lock while it reads or writes a table becomes several, none of which
//! does; what stands in the catalog afterwards is the same. A table that is new in the release, or empty, needs
//! none of it. What cannot be made safe is refused with the way out.

mod add_column;
mod add_constraint;
mod add_key;
mod alter_table;
mod create_index;
mod drop_index;
mod hazards;
mod names;
mod refresh;
mod set_not_null;
mod take_back;

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;

pub use take_back::take_back;

use super::step::{Backfill, Settled, TakeBack};
use crate::classify::{Facts, Fresh, Relation};
use crate::message;
use crate::model::{LockMode, Message, MigrationNumber};
use crate::parse::{AlterTableAction, Ident, ObjectKind, ObjectName, ReindexTarget, Script, Sql, Statement};

/// What an operation is decided by.
pub struct Context<'a> {
    pub facts: &'a Facts,
    /// What earlier migrations of the release and earlier statements of the file have created.
    pub fresh: &'a Fresh,
    /// Whether the time zone is UTC where the statement runs.
    pub zone_is_utc: bool,
    pub migration: MigrationNumber,
    /// The file's text, which the statement's spans count in.
    pub text: &'a str,
    /// Names that this file has given away already.
    pub given: &'a RefCell<BTreeSet<(String, String)>>,
    /// Helper constraints that this file has made already.
    pub helpers: &'a Cell<u32>,
}

impl Context<'_> {
    /// The relation, or that of an index, unless care would be wasted on it: new in the release, empty, or not there
    /// at all.
    fn in_use(&self, name: Option<&ObjectName>) -> Option<&Relation> {
        self.facts.held_by(name).filter(|relation| !relation.is_empty() && !self.fresh.table(name))
    }

    /// The name that the server would give to something without one.
    fn name_for(&self, relation: &Relation, columns: &[Ident], kind: &str) -> Ident {
        self.name_of(&relation.schema, &relation.name, columns, kind)
    }

    fn name_of(&self, schema: &Ident, table: &Ident, columns: &[Ident], kind: &str) -> Ident {
        let key = |name: &str| (schema.as_str().to_owned(), name.to_owned());
        let name = names::choose(table, columns, kind, |name| {
            self.facts.taken.contains(&key(name)) || self.given.borrow().contains(&key(name))
        });
        self.given.borrow_mut().insert(key(name.as_str()));
        name
    }

    /// A name for a constraint that is gone when the migration is done.
    fn helper(&self) -> Ident {
        self.helpers.set(self.helpers.get() + 1);
        Ident::exact(format!("lockkeeper_{}_{}", self.migration.get(), self.helpers.get()))
    }
}

/// What becomes of one statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expansion {
    AsWritten,
    Steps(Vec<Draft>),
    Refused(Refusal),
}

/// Why a statement cannot be made safe, and the way out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    pub because: Message,
    pub way_out: Message,
}

/// A step before it is numbered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    pub sql: String,
    /// `None` where the statement's own effects tell.
    pub what: Option<Message>,
    pub lock: Option<(LockMode, String)>,
    /// Whether it reads the table from end to end, under a lock that lets everybody work.
    pub scans: bool,
    pub run: DraftRun,
    pub take_back: TakeBack,
    pub safe_because: Message,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DraftRun {
    /// Begins a transaction.
    Begins,
    /// In the transaction of the draft before it.
    Joins,
    Alone(Settled),
    Fills(Backfill),
}

/// Decides what becomes of a statement.
pub fn expand(statement: &Statement, context: &Context<'_>) -> Expansion {
    let expanded = match &statement.sql {
        Sql::AlterTable(alter) => alter_table::expand(statement, alter, context),
        Sql::CreateIndex(index) => Ok(create_index::expand(statement, index, context)),
        Sql::Drop(drop) if drop.object == ObjectKind::Index => Ok(drop_index::expand(drop, context)),
        Sql::Refresh { view, concurrently: false, empties: false, after_view } => {
            refresh::expand(statement, view.as_ref(), *after_view, context)
        }
        other => hazards::of_statement(other, context).map_or(Ok(None), Err),
    };
    match expanded {
        Ok(Some(drafts)) if !drafts.is_empty() => Expansion::Steps(drafts),
        Ok(_) => Expansion::AsWritten,
        Err(refusal) => Expansion::Refused(refusal),
    }
}

/// What becomes of a statement whose file must share one transaction: safe steps would part it.
pub fn keep_together(statement: &Statement, expansion: Expansion, context: &Context<'_>) -> Expansion {
    let Expansion::Steps(_) = expansion else { return expansion };
    match hazards::large(context, statement_table(&statement.sql)) {
        None => Expansion::AsWritten,
        Some(_) => Expansion::Refused(Refusal {
            because: message!("unsafe-one-transaction"),
            way_out: message!("unsafe-one-transaction-way-out"),
        }),
    }
}

/// The relation that a statement works on.
pub fn statement_table(sql: &Sql) -> Option<&ObjectName> {
    match sql {
        Sql::AlterTable(alter) => alter.table.as_ref(),
        Sql::CreateIndex(index) => index.table.as_ref(),
        Sql::Refresh { view, .. } => view.as_ref(),
        Sql::Drop(drop) => drop.names.first(),
        _ => None,
    }
}

/// The relations that a script's steps depend on: what the engine reads before it asks for them.
pub fn relations_needed(script: &Script) -> BTreeSet<ObjectName> {
    let mut names = BTreeSet::new();
    for statement in &script.statements {
        match &statement.sql {
            Sql::AlterTable(alter) if alter.actions.iter().any(matters) => names.extend(alter.table.clone()),
            Sql::CreateIndex(index) => names.extend(index.table.clone()),
            Sql::Drop(drop) if drop.object == ObjectKind::Index => names.extend(drop.names.iter().cloned()),
            Sql::Refresh { view, concurrently: false, empties: false, .. } => names.extend(view.clone()),
            Sql::Cluster { table } => names.extend(table.clone()),
            Sql::Reindex { target: ReindexTarget::Index(name) | ReindexTarget::Table(name), concurrently: false } => {
                names.extend(name.clone());
            }
            Sql::Vacuum { full: true, tables } => names.extend(tables.iter().cloned()),
            _ => {}
        }
    }
    names
}

/// Whether an action can be dear: all others change a few rows of the catalog.
const fn matters(action: &AlterTableAction) -> bool {
    use crate::parse::ColumnChange as C;
    matches!(
        action,
        AlterTableAction::AddColumn(..)
            | AlterTableAction::AddConstraint(..)
            | AlterTableAction::Rewrite(..)
            | AlterTableAction::AlterColumn { change: C::SetNotNull | C::SetType | C::SetExpression, .. }
    )
}

/// A statement of one short transaction of its own.
fn begins(sql: String, lock: (LockMode, &ObjectName), take_back: TakeBack, safe_because: Message) -> Draft {
    let lock = Some((lock.0, lock.1.to_string()));
    Draft { sql, what: None, lock, scans: false, run: DraftRun::Begins, take_back, safe_because }
}

/// VALIDATE CONSTRAINT: it reads the whole table under a lock that lets everybody read and write.
fn validate(on: &str, table: &ObjectName, constraint: &Ident) -> Draft {
    Draft {
        what: Some(message!("step-validates", name = constraint.to_string(), table = table.to_string())),
        scans: true,
        ..begins(
            format!("ALTER TABLE {on} VALIDATE CONSTRAINT {constraint}"),
            (LockMode::ShareUpdateExclusive, table),
            TakeBack::NotNeeded,
            message!("safe-validates"),
        )
    }
}

/// CREATE INDEX CONCURRENTLY.
fn builds_index(sql: String, index: &ObjectName, table: &ObjectName) -> Draft {
    Draft {
        sql,
        what: Some(message!("step-builds-index", name = index.to_string(), table = table.to_string())),
        lock: Some((LockMode::ShareUpdateExclusive, table.to_string())),
        scans: true,
        run: DraftRun::Alone(Settled::index_stands(index)),
        take_back: TakeBack::RunAlone(format!("DROP INDEX CONCURRENTLY IF EXISTS {index}")),
        safe_because: message!("safe-concurrently"),
    }
}

/// The name of a thing in the schema of its table.
fn beside(relation: &Relation, name: &Ident) -> ObjectName {
    ObjectName { schema: Some(relation.schema.clone()), name: name.clone() }
}
