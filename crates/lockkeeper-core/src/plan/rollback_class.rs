//! What going back would mean, known before anything runs.

use super::migration::PlannedMigration;
use super::salvage::{Ruin, ruins};
use super::step::read_down_script;
use crate::message;
use crate::model::{Message, Stage};
use crate::parse::MigrationFile;

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

/// What is lost when a migration is undone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Loss {
    Nothing,
    /// What the down script destroys is kept, and put back when the migration is applied again.
    Salvaged,
    /// Values are gone for good, and this is why.
    Final(Message),
}

/// What undoing a migration does, as far as its files tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Undoing {
    LosesNothing,
    /// The down script destroys these; whether they can be kept, their tables tell.
    Destroys(Vec<Ruin>),
    Loses(Message),
}

impl Undoing {
    /// What the up script destroyed nothing brings back. `down` is the script that would run, which may be another one
    /// than the file's of today.
    pub fn of(migration: &PlannedMigration, down: &MigrationFile) -> Self {
        if let Some(effect) = migration.effects.iter().find(|effect| effect.destroys_data) {
            return Self::Loses(message!("loss-of-up", what = effect.what.clone()));
        }
        match read_down_script(down) {
            Ok(script) if !script.statements.is_empty() => match (migration.stage(), ruins(&script)) {
                (Stage::Contract, _) => Self::LosesNothing,
                (Stage::Expand, Ok(ruins)) if ruins.is_empty() => Self::LosesNothing,
                (Stage::Expand, Ok(ruins)) => Self::Destroys(ruins),
                (Stage::Expand, Err(why)) => Self::Loses(why),
            },
            _ => Self::Loses(message!("loss-no-way-back")),
        }
    }
}
