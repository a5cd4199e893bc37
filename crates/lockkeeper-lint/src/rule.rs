//! How a rule is declared.

use std::sync::Arc;

use lockkeeper_core::classify::Effect;
use lockkeeper_core::model::{Place, Span};
use lockkeeper_core::parse::{MigrationFile, Script};

use crate::report::Finding;

/// What a rule looks at: one migration.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'m> {
    pub up: &'m MigrationFile,
    pub effects: &'m [Effect],
    pub down: &'m MigrationFile,
    pub down_script: &'m Script,
}

impl Subject<'_> {
    pub fn in_up(&self, span: Span) -> Place {
        Place::span(Arc::clone(&self.up.path), &self.up.text, span)
    }
}

/// A rule: its name, an example it finds and one it passes, and its check.
#[derive(Debug)]
pub struct Rule {
    /// States the pattern, so that it reads well after "allow".
    pub name: &'static str,
    /// Up and down scripts that the rule finds fault with.
    pub bad: (&'static str, &'static str),
    /// The same change made so that the rule is silent.
    pub good: (&'static str, &'static str),
    pub check: fn(&Subject<'_>) -> Vec<Finding>,
}
