//! How a rule is declared, and what it looks at.

mod history;
mod passed;
mod seen;

pub use history::{History, Table};
pub use passed::Passed;
pub use seen::{Hit, Hits, Migration, NewColumn, Policy, Seen, Side, Subject, cut, keyword_end, shown, words};

use crate::report::Severity;

/// A rule: its name, examples that it finds and that it passes, and its check.
#[derive(Debug)]
pub struct Rule {
    /// States the pattern, so that it reads well after "allow".
    pub name: &'static str,
    /// `None` is off until a project switches it on.
    pub severity: Option<Severity>,
    /// Whether Lockkeeper makes safe steps of it at run time, so that the finding is a note where it does.
    pub mended: bool,
    /// The rule's own file, whose first comment is its documentation.
    pub source: &'static str,
    pub bad: &'static [Example],
    /// The same changes made so that the rule is silent.
    pub good: &'static [Example],
    pub check: Check,
}

/// What a rule is asked about.
#[derive(Debug)]
pub enum Check {
    /// Each statement of the up script, bodies of DO included.
    Up(fn(&Seen<'_>, &mut Hits)),
    /// Each statement of both scripts: what disturbs on the way forth disturbs on the way back.
    Both(fn(&Seen<'_>, &mut Hits)),
    /// A migration as a whole, with those before it.
    Migration(fn(&Subject<'_>, &mut Hits)),
}

/// A migration that a rule is tried on, as little of it as matters.
#[derive(Debug, Clone, Copy)]
pub struct Example {
    /// Migrations before it: names, up and down scripts.
    pub before: &'static [(&'static str, &'static str, &'static str)],
    pub name: &'static str,
    pub up: &'static str,
    /// `None` where there is no down script at all.
    pub down: Option<&'static str>,
    /// `server_version_num`.
    pub version: i32,
}

impl Example {
    pub const fn up(sql: &'static str) -> Self {
        Self { before: &[], name: "example", up: sql, down: None, version: 140_099 }
    }

    #[must_use]
    pub const fn down(self, sql: &'static str) -> Self {
        Self { down: Some(sql), ..self }
    }

    #[must_use]
    pub const fn named(self, name: &'static str) -> Self {
        Self { name, ..self }
    }

    #[must_use]
    pub const fn on(self, version: i32) -> Self {
        Self { version, ..self }
    }

    #[must_use]
    pub const fn after(self, before: &'static [(&'static str, &'static str, &'static str)]) -> Self {
        Self { before, ..self }
    }
}

impl Rule {
    /// The documentation: the comment at the beginning of the rule's file, without its marks.
    pub fn documentation(&self) -> String {
        let lines = self.source.lines().map_while(|line| line.strip_prefix("//!"));
        lines.map(|line| line.strip_prefix(' ').unwrap_or(line)).collect::<Vec<_>>().join("\n")
    }

    /// The first sentence of the documentation.
    pub fn summary(&self) -> &'static str {
        let first = self.source.lines().next().unwrap_or_default();
        first.trim_start_matches("//!").trim()
    }
}
