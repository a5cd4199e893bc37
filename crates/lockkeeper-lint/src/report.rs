//! What rules find.

use lockkeeper_core::model::{LineColumn, Message, Place};

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
    /// Right behind its last character; `None` where the whole file is meant.
    pub end: Option<LineColumn>,
    /// The effect on the running system.
    pub message: Message,
    /// The way out.
    pub help: Message,
}
