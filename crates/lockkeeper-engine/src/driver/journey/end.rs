//! Where a drive ended.

use lockkeeper_core::plan::RollbackClass;
use lockkeeper_core::release::{Cause, Outcome, ReleaseState};
use serde_json::{Value, json};

use super::{Reading, Waiting};
use crate::ledger::TaskRecord;

/// Where a drive ended.
#[derive(Debug)]
pub enum JourneyEnd {
    Completed,
    /// It waits for what only a person can give.
    Waits {
        waiting: Box<Waiting>,
        /// Whether this process got it there, and did not stay for the approval in vain.
        did_something: bool,
    },
    RolledBack {
        cause: Cause,
        class: RollbackClass,
        evidence: Value,
    },
    Frozen {
        cause: Option<Cause>,
        evidence: Value,
    },
}

pub(super) fn end_of(reading: &Reading) -> JourneyEnd {
    let back = reading.journey.back.as_ref();
    match (reading.release.state, back) {
        (ReleaseState::Completed, _) => JourneyEnd::Completed,
        (ReleaseState::RolledBack, Some(back)) => {
            JourneyEnd::RolledBack { cause: back.cause, class: back.class, evidence: back.evidence.clone() }
        }
        // Rolled back by hand, past this driver.
        (ReleaseState::RolledBack, None) => {
            JourneyEnd::RolledBack { cause: Cause::Aborted, class: RollbackClass::AppAndSchema, evidence: Value::Null }
        }
        // It was to go back, and could not.
        (_, Some(back)) if back.class != RollbackClass::Freeze => {
            let is_failed = |it: &&TaskRecord| it.ended.is_some_and(|(_, outcome)| outcome != Outcome::Done);
            let failed = reading.journey.tasks.iter().rfind(is_failed);
            let evidence = failed.map(|it| json!({ "task": it.task.as_str(), "evidence": it.evidence }));
            JourneyEnd::Frozen { cause: Some(Cause::RollbackFailed), evidence: evidence.unwrap_or_default() }
        }
        (_, back) => JourneyEnd::Frozen {
            cause: back.map(|back| back.cause),
            evidence: back.map(|back| back.evidence.clone()).unwrap_or_default(),
        },
    }
}
