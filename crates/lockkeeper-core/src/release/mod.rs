//! The life of a release: `(state, event) → state or refusal`, and the gates before stage 2.

mod approval;
mod gates;
mod state;

pub use approval::ApprovalDocument;
pub use gates::{ApprovalStanding, GateInputs, stage2_gates};
pub use state::{Event, ReleaseState, next};
