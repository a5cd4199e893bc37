//! The life of a release: `(release, event) → state or refusal`, what a driven release does next, what going back
//! would mean, and the gates.

mod approval;
mod backup;
mod by_hand;
mod checklist;
mod emergency;
mod expiry;
mod gates;
mod github_approval;
mod health_gate;
mod journey;
mod state;
mod task;
mod verify_gate;
mod way_back;

pub use approval::ApprovalDocument;
pub use backup::{BackupInputs, BackupRule, BackupStanding, age};
pub use by_hand::{ByHandScript, ByHandTarget, quoted, runs_in_a_transaction};
pub use checklist::{ChecklistInputs, Item, Logs, Performance, Phase, Protection, Ticked, WatchSeen, checklist};
pub use emergency::{
    DatabaseStanding, EmergencyKnown, EmergencyStep, Fit, LedgerStanding, SchemaWay, emergency_steps, ended_back,
    turned_back,
};
pub use expiry::{OnExpiry, Patience, patience};
pub use gates::{ApprovalStanding, GateInputs, OnGithub, stage1_gates, stage2_gates};
pub use github_approval::{GithubReview, GithubRule, GithubVerdict, ReviewState, judge_reviews};
pub use health_gate::{HealthInputs, HealthRule, WatchStanding};
pub use journey::{Cause, Decision, Journey, Outcome, Todo, decide, todo};
pub use state::{Drive, Event, Release, ReleaseState, next};
pub use task::Task;
pub use verify_gate::{Tried, VerifyInputs};
pub use way_back::{OnBreach, Standing, Undoable, WayBack, way_back};
