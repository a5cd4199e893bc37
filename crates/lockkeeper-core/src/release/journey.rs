//! What a driven release does next, and what follows from how it went. Total and pure: the driver performs one task at
//! a time and decides nothing.

use super::state::{Event, Release, ReleaseState};
use super::task::Task;

/// All that the next task depends on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Journey {
    pub release: Release,
    /// The tasks that are done, in any order.
    pub done: Vec<Task>,
    /// The tasks of the way back, as they were decided when it began. `None` when nobody decided one: then somebody
    /// takes its schema back by hand.
    pub way_back: Option<Vec<Task>>,
    /// Whether anything is left to remove.
    pub stage2_waits: bool,
    /// Whether migrations of this release are still applied.
    pub remains: bool,
}

/// What comes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Todo {
    Perform(Task),
    /// All of a state's tasks are done.
    Move(Event),
    /// Somebody takes it back by hand, and has to finish that.
    ByHand,
    /// Nothing that a machine may do.
    Over,
}

/// What a release does next.
pub fn todo(journey: &Journey) -> Todo {
    use ReleaseState as S;
    let state = journey.release.state;
    let tasks = match (state, &journey.way_back) {
        (S::RollingBack, None) => return Todo::ByHand,
        (S::RollingBack, Some(tasks)) => tasks.as_slice(),
        (state, _) => Task::forward(state),
    };
    if let Some(task) = tasks.iter().find(|task| !journey.done.contains(task)) {
        return Todo::Perform(*task);
    }
    let stage2_waits = journey.stage2_waits;
    match state {
        S::Planned | S::Expanding => Todo::Move(Event::Stage1Finished),
        S::Expanded => Todo::Move(Event::DeployStarted),
        S::Deploying => Todo::Move(Event::Deployed { stage2_waits }),
        S::Watching => Todo::Move(Event::WatchPassed { stage2_waits }),
        S::AwaitingApproval | S::Contracting => Todo::Move(Event::Stage2Finished),
        S::Settling => Todo::Move(Event::Settled),
        S::RollingBack => Todo::Move(Event::RollbackFinished { remains: journey.remains }),
        S::Completed | S::RolledBack | S::Frozen => Todo::Over,
    }
}

/// How a task went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    Done,
    /// A gate is closed, or it cannot be begun as things are: nothing was done.
    Refused,
    /// It was begun and did not succeed.
    Failed,
    /// The watch saw that the release is not well.
    Unhealthy,
    /// The watch could not judge.
    Inconclusive,
    /// A lock or a lease was not to be had, or a stop was asked for: it goes on later.
    Interrupted,
}

impl Outcome {
    pub const ALL: [Self; 6] =
        [Self::Done, Self::Refused, Self::Failed, Self::Unhealthy, Self::Inconclusive, Self::Interrupted];

    /// The name in the ledger and in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Refused => "refused",
            Self::Failed => "failed",
            Self::Unhealthy => "unhealthy",
            Self::Inconclusive => "inconclusive",
            Self::Interrupted => "interrupted",
        }
    }

    pub fn from_ledger(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|outcome| outcome.as_str() == text)
    }
}

/// Why a release goes back, or cannot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Cause {
    MigrationFailed,
    DeployFailed,
    Unhealthy,
    Aborted,
    /// Nobody approved stage 2 in time, and the settings say that it goes back then.
    NotApproved,
    /// The way back failed itself.
    RollbackFailed,
}

impl Cause {
    pub const ALL: [Self; 6] = [
        Self::MigrationFailed,
        Self::DeployFailed,
        Self::Unhealthy,
        Self::Aborted,
        Self::NotApproved,
        Self::RollbackFailed,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::MigrationFailed => "migration_failed",
            Self::DeployFailed => "deploy_failed",
            Self::Unhealthy => "unhealthy",
            Self::Aborted => "aborted",
            Self::NotApproved => "not_approved",
            Self::RollbackFailed => "rollback_failed",
        }
    }

    pub fn from_ledger(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|cause| cause.as_str() == text)
    }
}

/// What follows from how a task went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Decision {
    GoOn,
    /// The process ends and the state stays: the same task is begun again by `release resume`.
    Stay,
    RollBack(Cause),
    Freeze(Cause),
}

/// What follows from how a task went.
///
/// A stage 2 that fails leaves both the old and the new schema's needs met and the new code healthy, so nothing goes
/// back by itself: a person mends the migration, or aborts the release.
pub const fn decide(task: Task, outcome: Outcome) -> Decision {
    match (task, outcome) {
        (_, Outcome::Done) => Decision::GoOn,
        (_, Outcome::Interrupted) => Decision::Stay,
        (
            Task::StopApp
            | Task::UndoStage2
            | Task::RollbackApp
            | Task::WaitRolledBack
            | Task::UndoStage1
            | Task::StartApp,
            Outcome::Failed | Outcome::Refused | Outcome::Unhealthy | Outcome::Inconclusive,
        ) => Decision::Freeze(Cause::RollbackFailed),
        (
            Task::Verify
            | Task::Baseline
            | Task::Stage1
            | Task::Deploy
            | Task::WaitDeployed
            | Task::Watch
            | Task::Gates
            | Task::Stage2
            | Task::Settle,
            Outcome::Refused | Outcome::Inconclusive,
        )
        | (Task::Verify | Task::Baseline | Task::Gates, Outcome::Failed | Outcome::Unhealthy)
        | (Task::Watch | Task::Settle | Task::Stage2, Outcome::Failed) => Decision::Stay,
        (Task::Stage1, Outcome::Failed) => Decision::RollBack(Cause::MigrationFailed),
        (Task::Deploy | Task::WaitDeployed, Outcome::Failed) => Decision::RollBack(Cause::DeployFailed),
        (
            Task::Stage1 | Task::Deploy | Task::WaitDeployed | Task::Watch | Task::Stage2 | Task::Settle,
            Outcome::Unhealthy,
        ) => Decision::RollBack(Cause::Unhealthy),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::release::{Drive, next};

    fn journey(state: ReleaseState) -> Journey {
        let release = Release { state, drive: Drive::Driven };
        Journey { release, done: Vec::new(), way_back: None, stage2_waits: true, remains: false }
    }

    #[test]
    fn every_outcome_of_every_task_is_decided() {
        let mut table = Vec::new();
        for task in Task::ALL {
            for outcome in Outcome::ALL {
                table.push(format!("{} {} -> {:?}", task.as_str(), outcome.as_str(), decide(task, outcome)));
            }
        }
        insta::assert_snapshot!(table.join("\n"));
    }

    /// Goes all the way with every task done, and tells what was done.
    fn walk(mut journey: Journey) -> Vec<String> {
        let mut told = Vec::new();
        for _ in 0..40 {
            match todo(&journey) {
                Todo::Perform(task) => {
                    told.push(task.as_str().to_owned());
                    journey.done.push(task);
                }
                Todo::Move(event) => {
                    // Stage 1 and stage 2 move the release by themselves when they begin.
                    let state = match journey.release.state {
                        ReleaseState::Planned => ReleaseState::Expanding,
                        ReleaseState::AwaitingApproval => ReleaseState::Contracting,
                        state => state,
                    };
                    journey.release.state = next(Release { state, ..journey.release }, event).unwrap();
                    told.push(format!("-> {}", journey.release.state.as_str()));
                }
                Todo::ByHand | Todo::Over => return told,
            }
        }
        panic!("it does not end: {told:?}");
    }

    #[test]
    fn a_release_that_nothing_happens_to_gets_to_its_end() {
        let all = walk(journey(ReleaseState::Planned)).join(" ");
        assert_eq!(
            all,
            "verify baseline stage1 -> expanded -> deploying deploy wait_deployed -> watching watch -> awaiting_approval \
             gates stage2 -> settling settle -> completed"
        );
        let adds = Journey { stage2_waits: false, ..journey(ReleaseState::Planned) };
        assert!(walk(adds).join(" ").ends_with("-> watching watch -> completed"));
    }

    #[test]
    fn the_way_back_is_the_one_that_was_decided() {
        let way_back = vec![Task::RollbackApp, Task::WaitRolledBack, Task::UndoStage1];
        assert_eq!(todo(&journey(ReleaseState::RollingBack)), Todo::ByHand);
        let back = Journey { way_back: Some(way_back), ..journey(ReleaseState::RollingBack) };
        assert_eq!(walk(back).join(" "), "rollback_app wait_rolled_back undo_stage1 -> rolled_back");
        assert_eq!(todo(&journey(ReleaseState::Frozen)), Todo::Over);
    }

    /// A driver that is killed before a task was recorded as done performs that task again, and no other.
    #[test]
    fn what_is_done_is_not_done_again() {
        let half = Journey { done: vec![Task::Deploy], ..journey(ReleaseState::Deploying) };
        assert_eq!(todo(&half), Todo::Perform(Task::WaitDeployed));
    }
}
