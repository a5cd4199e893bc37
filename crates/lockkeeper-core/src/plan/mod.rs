//! Migrations → a flat, ordered, printable list of steps; and which of them are due.
//!
//! A step is data: no connection, no closure. Nothing here sees a database, a clock or a file.

mod applied;
mod digest;
mod explained;
mod migration;
mod patience;
mod pending;
mod rollback;
mod step;

pub use applied::{AppliedMigration, AppliedSeq};
pub use digest::{PlanEntry, stage2_digest};
pub use explained::unexplained;
pub use migration::{PlannedMigration, plan_migration, plan_up};
pub use patience::{Attempt, attempts};
pub use pending::{FileState, Survey, out_of_order, survey};
pub use rollback::{RollbackPlan, Undo, plan_rollback};
pub use step::{RunMode, Settled, Step, StepId, down_steps};
