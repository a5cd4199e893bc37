//! Why something was not done, as data: what happened, where, and what to do next.

use super::{Message, Place};

/// The result of everything that can be refused or can fail.
pub type Answer<T> = Result<T, Box<Problem>>;

/// What the exit code will say. The numbers are part of the interface (see `--help`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExitClass {
    /// 1: a gate or a rule said no.
    Refused,
    /// 2: the command line, the configuration or the connection settings.
    Usage,
    /// 3: a migration failed.
    MigrationFailed,
    /// 4: another process holds the lease, or the lock budget is spent.
    Busy,
    /// 6: there was not enough to judge by.
    Inconclusive,
    /// 130: interrupted at a safe point by SIGINT.
    Interrupted,
    /// 143: interrupted at a safe point by SIGTERM.
    Terminated,
}

impl ExitClass {
    pub const fn code(self) -> u8 {
        match self {
            Self::Refused => 1,
            Self::Usage => 2,
            Self::MigrationFailed => 3,
            Self::Busy => 4,
            Self::Inconclusive => 6,
            Self::Interrupted => 130,
            Self::Terminated => 143,
        }
    }
}

/// One refusal or failure. Everything a person needs at night is a field of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    pub exit: ExitClass,
    pub message: Message,
    pub place: Option<Place>,
    /// What PostgreSQL said, word for word.
    pub server: Option<ServerReport>,
    /// What stands and what does not: "2 of 5 migrations are recorded".
    pub notes: Vec<Message>,
    /// The way out, the next command first.
    pub hints: Vec<Message>,
    /// Further problems of the same run, so that ten broken files are mended in one go.
    pub others: Vec<Problem>,
}

/// PostgreSQL's own words (manual, section 55.8, Error and Notice Message Fields).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ServerReport {
    pub severity: String,
    pub sqlstate: String,
    pub message: String,
    pub detail: Option<String>,
    pub hint: Option<String>,
    /// The call stack inside functions: `PL/pgSQL function f() line 3 at RAISE`.
    pub context: Option<String>,
}

impl Problem {
    pub fn new(exit: ExitClass, message: Message) -> Box<Self> {
        Box::new(Self {
            exit,
            message,
            place: None,
            server: None,
            notes: Vec::new(),
            hints: Vec::new(),
            others: Vec::new(),
        })
    }

    pub fn refused(message: Message) -> Box<Self> {
        Self::new(ExitClass::Refused, message)
    }

    pub fn usage(message: Message) -> Box<Self> {
        Self::new(ExitClass::Usage, message)
    }

    pub fn at(mut self: Box<Self>, place: Place) -> Box<Self> {
        self.place = Some(place);
        self
    }

    pub fn hint(mut self: Box<Self>, hint: Message) -> Box<Self> {
        self.hints.push(hint);
        self
    }

    pub fn note(mut self: Box<Self>, note: Message) -> Box<Self> {
        self.notes.push(note);
        self
    }

    pub fn server(mut self: Box<Self>, report: ServerReport) -> Box<Self> {
        self.server = Some(report);
        self
    }

    /// Several problems as one: the first leads, the others follow, theirs too, in one flat list. `None` when there
    /// are none.
    pub fn all(problems: impl IntoIterator<Item = Box<Self>>) -> Option<Box<Self>> {
        let mut problems = problems.into_iter();
        let mut first = problems.next()?;
        for mut problem in problems {
            let others = std::mem::take(&mut problem.others);
            first.others.push(*problem);
            first.others.extend(others);
        }
        Some(first)
    }
}

/// For logs and test failures. People read the catalogue's text.
impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(place) = &self.place {
            write!(f, "{place}: ")?;
        }
        write!(f, "{}", self.message)?;
        if let Some(server) = &self.server {
            write!(f, " [{} {}]", server.sqlstate, server.message)?;
        }
        Ok(())
    }
}

impl std::error::Error for Problem {}
