//! The life of a release: `(state, event) → state or refusal`, and the gates before stage 2.

mod approval;
mod backup;
mod gates;
mod state;

pub use approval::ApprovalDocument;
pub use backup::{BackupInputs, BackupRule, BackupStanding, age};
pub use gates::{ApprovalStanding, GateInputs, stage2_gates};
pub use state::{Event, ReleaseState, next};
