//! What a driven release does: one row for each thing, in the state in which it is done.

use super::state::ReleaseState;

/// One thing that a driven release does. Each is done once, and is safe to do again after a crash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Task {
    /// The migrations have been tried with these checksums, or are tried now.
    Verify,
    /// What is normal is measured: nothing is deployed onto a system that is not well.
    Baseline,
    Stage1,
    Deploy,
    /// The new code answers.
    WaitDeployed,
    Watch,
    /// The gates before stage 2, an admin's approval among them.
    Gates,
    Stage2,
    /// The watch after stage 2.
    Settle,
    StopApp,
    /// Stage 2 is undone first: the old code needs what it removed, and the new code is not disturbed by it.
    UndoStage2,
    RollbackApp,
    /// The old code answers.
    WaitRolledBack,
    UndoStage1,
    StartApp,
}

impl Task {
    pub const ALL: [Self; 15] = [
        Self::Verify,
        Self::Baseline,
        Self::Stage1,
        Self::Deploy,
        Self::WaitDeployed,
        Self::Watch,
        Self::Gates,
        Self::Stage2,
        Self::Settle,
        Self::StopApp,
        Self::UndoStage2,
        Self::RollbackApp,
        Self::WaitRolledBack,
        Self::UndoStage1,
        Self::StartApp,
    ];

    /// The name in JSON, in the ledger and in a hook's environment.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Verify => "verify",
            Self::Baseline => "baseline",
            Self::Stage1 => "stage1",
            Self::Deploy => "deploy",
            Self::WaitDeployed => "wait_deployed",
            Self::Watch => "watch",
            Self::Gates => "gates",
            Self::Stage2 => "stage2",
            Self::Settle => "settle",
            Self::StopApp => "stop_app",
            Self::UndoStage2 => "undo_stage2",
            Self::RollbackApp => "rollback_app",
            Self::WaitRolledBack => "wait_rolled_back",
            Self::UndoStage1 => "undo_stage1",
            Self::StartApp => "start_app",
        }
    }

    pub fn from_ledger(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|task| task.as_str() == text)
    }

    /// What is done on the way forward in a state, in this order. What is done on the way back is decided when it
    /// begins, and kept with the release.
    pub const fn forward(state: ReleaseState) -> &'static [Self] {
        match state {
            ReleaseState::Planned => &[Self::Verify, Self::Baseline, Self::Stage1],
            ReleaseState::Expanding => &[Self::Stage1],
            ReleaseState::Deploying => &[Self::Deploy, Self::WaitDeployed],
            ReleaseState::Watching => &[Self::Watch],
            ReleaseState::AwaitingApproval => &[Self::Gates, Self::Stage2],
            ReleaseState::Contracting => &[Self::Stage2],
            ReleaseState::Settling => &[Self::Settle],
            ReleaseState::Expanded
            | ReleaseState::Completed
            | ReleaseState::RollingBack
            | ReleaseState::RolledBack
            | ReleaseState::Frozen => &[],
        }
    }

    /// Whether it changes the application that runs.
    pub const fn touches_app(self) -> bool {
        match self {
            Self::Deploy | Self::StopApp | Self::RollbackApp | Self::StartApp => true,
            Self::Verify
            | Self::Baseline
            | Self::Stage1
            | Self::WaitDeployed
            | Self::Watch
            | Self::Gates
            | Self::Stage2
            | Self::Settle
            | Self::UndoStage2
            | Self::WaitRolledBack
            | Self::UndoStage1 => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_task_reads_back_from_its_name() {
        for task in Task::ALL {
            assert_eq!(Task::from_ledger(task.as_str()), Some(task));
        }
    }
}
