//! What rules find.

use lockkeeper_core::model::{LineColumn, Message, Place, Span};
use lockkeeper_core::parse::Ident;

/// How loudly a finding speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Worth knowing; nobody notices it in the running system.
    Note,
    /// Somebody may notice.
    Warning,
    /// The exit code is 1.
    Error,
}

impl Severity {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// One hazard in one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The rule's name, which reads well after "allow".
    pub rule: &'static str,
    pub severity: Severity,
    pub place: Place,
    /// What is marked of the file; `None` where the whole of it is meant.
    pub span: Option<Span>,
    /// Right behind its last character; `None` where the whole file is meant.
    pub end: Option<LineColumn>,
    /// The effect on the running system.
    pub message: Message,
    /// The way out.
    pub help: Message,
    /// What a machine could do about it, where there is such a thing. Whether it may is another question.
    pub remedy: Option<Remedy>,
}

/// Another text in place of a part of a script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    pub span: Span,
    pub text: String,
}

impl Edit {
    pub const fn new(span: Span, text: String) -> Self {
        Self { span, text }
    }

    /// Text that is put in at an offset.
    pub fn insert(at: usize, text: &str) -> Self {
        Self { span: Span::new(at, at), text: text.to_owned() }
    }
}

/// What a rule would do about its finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Remedy {
    /// Other text in the same script.
    Edits(Vec<Edit>),
    /// The statement, edited, runs outside of a transaction: by itself in its file, or in a pair of its own.
    Alone(Vec<Edit>),
    /// Other text in the same script, and a statement in a pair of its own that comes after it.
    Followed { edits: Vec<Edit>, constraint: Ident, up: String, down: String },
    /// The migration becomes two, one for each stage.
    Split,
}
