//! The one that acts: read → decide → record → act → record. Nobody else performs effects on the target.

mod approval;
mod apply;
mod applying;
mod backfill;
mod backup;
mod baseline;
mod deploy;
mod drift;
mod emergency;
mod failure;
mod gates;
mod github_approval;
mod health_check;
mod journey;
mod keeper;
mod pooled;
mod progress;
mod resume;
mod rollback;
mod salvage;
mod session;
mod stage;
mod standalone;
mod steps;
mod take_back;
mod verification;
mod verify;
mod watching;
mod write;

pub use approval::{ApprovalRequest, prepare_approval, record_approval};
pub use backup::{
    BackupCheck, BackupProgress, Difference, DumpRequest, FileFault, Hook, HookVerdict, MadeBackup, Manifest, Presence,
    RestorePlace, VerifyRequest, make_dump, make_hook, prepare as prepare_backup, record_backup_verification,
    verify_dump, verify_hook,
};
pub use baseline::{BaselineCheck, BaselineRequest, BaselineTaken, preflight, save_baseline, take_baseline};
pub use deploy::{Deployed, record_deploy};
pub use drift::{DriftRules, refusal as drift_refusal, schema_drift};
pub use emergency::{
    Asked, Chain, Emergency, EmergencyMeans, EmergencyRecord, EmergencyTerms, Entry, Journal, ServerSeen, Situation,
    folder_of, journals_of, newest, shown_sql,
};
pub use gates::{GateContext, Stage2Plan, approval_standing, ask_stage1, ask_stage2, stopped_in_stage2};
pub use github_approval::{GithubGate, ask_stage2_and_reviews};
pub use health_check::{Looked, look_at_all};
pub use journey::{
    Aborted, AppHook, AppHooks, Approvers, Checks, Driver, Eventually, JourneyEnd, JourneyNews, Means, ReleaseTerms,
    Secrets, StayFor, Waiting, ask_abort, resume_journey, standing_then, start_journey,
};
pub use keeper::judgement_to_json;
pub use progress::{Progress, Reporter};
pub use rollback::{PreparedUndo, RollbackOutcome, RollbackRequest, preview_rollback, run_rollback};
pub use salvage::{BYTES_MAX as SALVAGE_BYTES_MAX, losses};
pub use session::{Limits, Session, exit_of, stopped};

pub use stage::{StageOutcome, StageRequest, run_stage};
pub use standalone::Unsettled;
pub use steps::{plan_steps, plan_to_show};
pub use verification::record_verification;
pub use verify::{Fate, GivenReport, GivenRows, LockFinding, Outcome, RowsTrial, Shadow, Trial, Verification, verify};
pub use watching::{Reload, Terms, WatchEnd, WatchNews, WatchRequest, Watched, watch};
