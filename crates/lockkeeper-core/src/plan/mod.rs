//! Migrations → a flat, ordered, printable list of steps; and which of them are due.
//!
//! A step is data: no connection, no closure. Nothing here sees a database, a clock or a file.

mod applied;
mod digest;
mod explained;
mod lock_check;
mod migration;
mod ops;
mod patience;
mod pending;
mod rollback;
mod rollback_class;
mod salvage;
mod step;
mod work;

pub use applied::{AppliedMigration, AppliedSeq};
pub use digest::{PlanEntry, stage2_digest};
pub use explained::unexplained;
pub use lock_check::{LockCheck, LockDifference, Locks};
pub use migration::{PlannedMigration, plan_migration, plan_up};
pub use ops::relations_needed;
pub use patience::{Attempt, attempts, rest_of};
pub use pending::{FileState, Survey, out_of_order, survey};
pub use rollback::{RollbackPlan, Undo, plan_rollback};
pub use rollback_class::{Loss, RollbackClass, Undoing};
pub use salvage::{ColumnShape, Kept, KeptColumn, PutBack, Ruin, Salvage, TableShape, ruins, salvages};
pub use step::{
    Backfill, InUse, RunMode, Settled, Step, StepId, StepLock, TakeBack, read_down_script, steps, steps_as_written,
};
pub use work::{Estimate, EstimateSource, SAMPLE_BYTES_MIN, SAMPLES_MAX, Sample, Work, WorkKind, estimate};
