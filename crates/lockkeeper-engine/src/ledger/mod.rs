//! Our tables in the target database: row ↔ core, guarded transitions, lease terms, the event chain.
//!
//! Reading never writes: [`read`] runs in a read-only transaction and creates nothing. The ledger is
//! created by [`ensure`], which only commands that write call.

mod approvals;
mod backups;
mod baselines;
mod event;
mod github_approvals;
mod install;
mod journeys;
mod lease;
mod memory;
mod migrations;
mod outbox;
mod points;
mod releases;
mod salvages;
mod samples;
mod schema;
mod snapshot;
mod spool;
mod sql;
mod steps;
mod verifications;
mod vitals;
mod watches;

pub use approvals::{NewApproval, insert_approval, mark_approval_used};
pub use backups::{
    BackupKind, BackupRecord, LastVerification, NewBackup, NewBackupVerification, VerifiedHow, insert_backup,
    insert_backup_verification, read_backups,
};
pub use baselines::{BaselineRecord, NewBaseline, insert_baseline, read_baseline};
pub use event::{ChainFault, EventRecord, read_events, record_event, verify_chain};
pub use github_approvals::{
    GithubApprovalRecord, GithubWait, NewGithubApproval, begin_github_wait, insert_github_approval,
    mark_github_approvals_used, read_github_wait,
};
pub use install::{LEDGER_VERSION, ensure, is_current, ledger_id, read_problem};
pub use journeys::{
    Back, JOURNEY_TTL, JourneyRecord, JourneyTerm, NewJourney, TaskRecord, begin_task, end_task, hold_journey,
    open_journey, read_journey, renew_way_back, set_way_back, take_journey,
};
pub use lease::{Holder, Lease, LeaseRecord, TTL};
pub use migrations::{
    NewMigration, StandingDown, begin_undo, finish_migration, insert_applied, insert_applying, read_down, renew_begun,
    standing_downs, undone,
};
pub use outbox::{
    Delivery, NewAlert, Reminders, Undelivered, arg_to_json, claim_deliveries, give_up_old_deliveries, mark_delivered,
    mark_undelivered, message_to_json, open_abouts, open_alert, put_alert, read_open_alerts, read_undelivered,
    remind_alerts, resolve_alert,
};
pub use points::{take_point, void_points_after};
pub use releases::{deployed_before, last_deployed, open_release, set_deployed, set_state};
pub use salvages::{
    Returned, SalvageRecord, WaitingSalvage, end_salvage, keep_salvage, read_salvages, salvages_of, waiting_salvages,
};
pub use samples::{
    HealthSample, Slice, VerdictCounts, add_samples, export_samples, read_health_samples, read_slices, thin_samples,
};
pub use schema::{SchemaReading, accept_drift, inventory, mark_unsettled, read_schema, record_schema};
pub use snapshot::{AppliedRecord, ApprovalRecord, LedgerSnapshot, PointRecord, ReleaseRecord, StepRecord, read};
pub use spool::{Observation, Spool, record_once};
pub use sql::{Param, batch, problem, query, query_alone};
pub use steps::{Standing, StepsOf, StoredStep, read_samples};
pub use verifications::{
    NewVerification, TriedMigration, VerificationRecord, VerifiedFiles, insert_verification, read_verifications,
};
pub use vitals::{DeliveryVitals, ReleaseVitals, Vitals, read_vitals};
pub use watches::{
    StoredCheck, TakenWatch, WATCH_TTL, WatchRecord, WatchTerm, change_terms, end_watch, read_watch, release_watch,
    save_watch, take_watch,
};
