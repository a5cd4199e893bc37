//! What rules find.

use lockkeeper_core::model::{Message, Place};

/// One hazard in one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The rule's name, which reads well after "allow".
    pub rule: &'static str,
    pub place: Place,
    /// The effect on the running system.
    pub message: Message,
    /// The way out.
    pub help: Message,
}
