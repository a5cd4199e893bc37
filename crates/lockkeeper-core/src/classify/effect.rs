//! What one statement, or one action of an ALTER TABLE, does.

use crate::model::{LockMode, Message, Span};
use crate::parse::ObjectName;

/// What an effect means for code that runs now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reading {
    /// The running code does not notice: stage 1.
    Expands,
    /// The running code may need what goes, or may break what is newly demanded: stage 2.
    Contracts,
    /// Neither: it goes where the rest of its file goes.
    Neutral,
    /// The SQL is built while it runs and cannot be read beforehand.
    Unreadable,
}

/// A table-level lock on a table that exists before the statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableLock {
    pub table: ObjectName,
    pub mode: LockMode,
}

/// One thing that a statement does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Effect {
    pub span: Span,
    pub reading: Reading,
    /// What it does, for people: "drops column users.name".
    pub what: Message,
    /// Why the running code would notice; only for [`Reading::Contracts`] and [`Reading::Unreadable`].
    pub why: Option<Message>,
    pub locks: Vec<TableLock>,
    /// Whether PostgreSQL runs it inside a transaction block.
    pub in_transaction: bool,
    /// Whether the table is written anew.
    pub rewrites: bool,
    /// Whether the table is read from end to end while the lock is held.
    pub scans: bool,
    /// Whether rows or values are gone afterwards.
    pub destroys_data: bool,
}

impl Effect {
    pub fn new(span: Span, reading: Reading, what: Message) -> Self {
        Self {
            span,
            reading,
            what,
            why: None,
            locks: Vec::new(),
            in_transaction: true,
            rewrites: false,
            scans: false,
            destroys_data: false,
        }
    }

    pub fn contracts(span: Span, what: Message, why: Message) -> Self {
        Self { why: Some(why), ..Self::new(span, Reading::Contracts, what) }
    }

    #[must_use]
    pub fn lock(mut self, table: Option<&ObjectName>, mode: LockMode) -> Self {
        self.locks.extend(table.map(|table| TableLock { table: table.clone(), mode }));
        self
    }

    #[must_use]
    pub fn standalone(mut self) -> Self {
        self.in_transaction = false;
        self
    }

    #[must_use]
    pub fn rewrites(mut self) -> Self {
        self.rewrites = true;
        self
    }

    #[must_use]
    pub fn scans(mut self) -> Self {
        self.scans = true;
        self
    }

    #[must_use]
    pub fn destroys(mut self) -> Self {
        self.destroys_data = true;
        self
    }
}

/// A name for a message; a statement that did not parse well enough has none.
pub fn text(name: Option<&ObjectName>) -> String {
    name.map_or_else(|| "?".to_owned(), ToString::to_string)
}
