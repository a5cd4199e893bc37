//! What going back would mean, known before anything runs.

use super::migration::PlannedMigration;
use super::step::read_down_script;
use crate::classify::{Effect, effects};
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

    /// Whether undoing a migration brings everything back and loses nothing of what it made room for. What the up
    /// script destroyed nothing brings back; what the down script destroys is lost.
    pub fn undoing_loses_nothing(migration: &PlannedMigration) -> bool {
        let destroys = |effects: &[Effect]| effects.iter().any(|effect| effect.destroys_data);
        migration.can_be_undone
            && !destroys(&migration.effects)
            && match migration.stage() {
                Stage::Contract => true,
                Stage::Expand => read_down_script(&migration.down).is_ok_and(|script| !destroys(&effects(&script))),
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
