//! What going back would mean, known before anything runs.

use super::migration::PlannedMigration;
use crate::model::Stage;

/// How far a rollback has to go, the least first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RollbackClass {
    /// The schema may stay: the old code runs on it.
    AppOnly,
    /// The down script leads back, and nothing is lost on the way.
    AppAndSchema,
    /// Something is gone that no script brings back: a person decides.
    Freeze,
}

impl RollbackClass {
    /// The class of one migration.
    pub fn of(migration: &PlannedMigration) -> Self {
        match migration.stage() {
            Stage::Expand => Self::AppOnly,
            Stage::Contract => {
                let destroys = migration.effects.iter().any(|effect| effect.destroys_data);
                if destroys || !migration.can_be_undone { Self::Freeze } else { Self::AppAndSchema }
            }
        }
    }

    /// The words of the release's own plan.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AppOnly => "app only",
            Self::AppAndSchema => "app + schema",
            Self::Freeze => "freeze",
        }
    }

    pub fn from_ledger(text: &str) -> Option<Self> {
        [Self::AppOnly, Self::AppAndSchema, Self::Freeze].into_iter().find(|class| class.as_str() == text)
    }
}
