//! The name of a rollback point.

/// A rollback point's name: `before_schema_add`, `before_field_remove`, or one a user gave.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PointName(String);

impl PointName {
    /// Taken by itself at the start of stage 1.
    pub const BEFORE_STAGE1: &'static str = "before_schema_add";
    /// Taken by itself at the start of stage 2.
    pub const BEFORE_STAGE2: &'static str = "before_field_remove";
    /// As long as a PostgreSQL identifier.
    pub const CHARS_MAX: usize = 63;

    /// Letters, digits, `_`, `-` and `.`, at most 63: a name that needs no quoting in a shell.
    pub fn new(name: impl Into<String>) -> Option<Self> {
        let name = name.into();
        let fits = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.');
        let length = name.chars().count();
        (length > 0 && length <= Self::CHARS_MAX && name.chars().all(fits) && !name.starts_with('-'))
            .then_some(Self(name))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether Lockkeeper takes this point itself, so that a user may not give it to another place.
    pub fn is_automatic(&self) -> bool {
        matches!(self.0.as_str(), Self::BEFORE_STAGE1 | Self::BEFORE_STAGE2)
    }
}

impl std::fmt::Display for PointName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}
