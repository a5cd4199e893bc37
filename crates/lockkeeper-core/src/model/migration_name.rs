//! A migration's name and the kind it claims to be.

use super::Stage;

/// What stands between the number and `_up.sql`: `add_users_full_name`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MigrationName(String);

impl MigrationName {
    /// `None` when empty or with a character that cannot stand in a file's name on every system.
    pub fn new(name: impl Into<String>) -> Option<Self> {
        let name = name.into();
        let fits = |c: char| !c.is_control() && !matches!(c, '/' | '\\' | ':' | '"' | '*' | '?' | '<' | '>' | '|');
        (!name.is_empty() && name.chars().all(fits)).then_some(Self(name))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub fn kind(&self) -> Kind {
        let starts = |prefixes: &[&str]| prefixes.iter().any(|prefix| self.0.starts_with(prefix));
        if starts(&["add_", "create_"]) {
            Kind::SchemaAdd
        } else if starts(&["remove_", "drop_"]) {
            Kind::FieldRemove
        } else {
            Kind::SchemaModify
        }
    }
}

impl std::fmt::Display for MigrationName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a migration's name says it does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// `add_*`, `create_*`
    SchemaAdd,
    /// `remove_*`, `drop_*`
    FieldRemove,
    /// Every other name.
    SchemaModify,
}

impl Kind {
    pub const ALL: [Self; 3] = [Self::SchemaAdd, Self::FieldRemove, Self::SchemaModify];

    /// The stage the name promises. `schema_modify` promises none: its effects decide alone.
    pub const fn promises(self) -> Option<Stage> {
        match self {
            Self::SchemaAdd => Some(Stage::Expand),
            Self::FieldRemove => Some(Stage::Contract),
            Self::SchemaModify => None,
        }
    }

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SchemaAdd => "schema_add",
            Self::FieldRemove => "field_remove",
            Self::SchemaModify => "schema_modify",
        }
    }

    pub fn from_ledger(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}
