//! The states of a release and the only way from one to another.

use crate::message;
use crate::model::Problem;

/// Where a release stands. Persisted before it is acted on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ReleaseState {
    /// Named, nothing done yet. A crash leaves nothing behind.
    Planned,
    /// Stage 1 runs, or stopped half way: `stage1` goes on with what is pending.
    Expanding,
    /// Stage 1 is complete; old code runs on the wider schema. `deployed` moves it on.
    Expanded,
    /// The new code goes out (a release that drives its own deploy).
    Deploying,
    /// The health gate measures (a release that drives its own watch).
    Watching,
    /// The new code is out; an admin's approval opens stage 2.
    AwaitingApproval,
    /// Stage 2 runs, or stopped half way: `stage2` goes on with what is pending.
    Contracting,
    /// Stage 2 is complete and is being watched.
    Settling,
    /// Done. A rollback is still possible until the next release starts.
    Completed,
    /// On the way back, or stopped half way: `rollback` goes on.
    RollingBack,
    /// Back where it started.
    RolledBack,
    /// A person is needed.
    Frozen,
}

impl ReleaseState {
    pub const ALL: [Self; 12] = [
        Self::Planned,
        Self::Expanding,
        Self::Expanded,
        Self::Deploying,
        Self::Watching,
        Self::AwaitingApproval,
        Self::Contracting,
        Self::Settling,
        Self::Completed,
        Self::RollingBack,
        Self::RolledBack,
        Self::Frozen,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::Expanding => "expanding",
            Self::Expanded => "expanded",
            Self::Deploying => "deploying",
            Self::Watching => "watching",
            Self::AwaitingApproval => "awaiting_approval",
            Self::Contracting => "contracting",
            Self::Settling => "settling",
            Self::Completed => "completed",
            Self::RollingBack => "rolling_back",
            Self::RolledBack => "rolled_back",
            Self::Frozen => "frozen",
        }
    }

    pub fn from_ledger(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }

    /// Whether the release is over, so that the next stage 1 opens a new one.
    pub const fn is_over(self) -> bool {
        matches!(self, Self::Completed | Self::RolledBack)
    }
}

/// What can happen to a release.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Event {
    Stage1Started,
    Stage1Finished,
    /// The new code is out. `stage2_waits` tells whether anything is left to remove.
    Deployed {
        stage2_waits: bool,
    },
    Stage2Started,
    Stage2Finished,
    RollbackStarted,
    /// `remains` tells whether migrations of the release are still applied.
    RollbackFinished {
        remains: bool,
    },
}

impl Event {
    pub const ALL: [Self; 9] = [
        Self::Stage1Started,
        Self::Stage1Finished,
        Self::Deployed { stage2_waits: true },
        Self::Deployed { stage2_waits: false },
        Self::Stage2Started,
        Self::Stage2Finished,
        Self::RollbackStarted,
        Self::RollbackFinished { remains: true },
        Self::RollbackFinished { remains: false },
    ];

    const fn as_str(self) -> &'static str {
        match self {
            Self::Stage1Started => "stage1",
            Self::Stage1Finished => "stage1 finished",
            Self::Deployed { .. } => "deployed",
            Self::Stage2Started => "stage2",
            Self::Stage2Finished => "stage2 finished",
            Self::RollbackStarted => "rollback",
            Self::RollbackFinished { .. } => "rollback finished",
        }
    }
}

/// Total: every state answers every event, and each refusal names the operator's next command.
pub fn next(state: ReleaseState, event: Event) -> Result<ReleaseState, Box<Problem>> {
    use Event as E;
    use ReleaseState as S;
    match (state, event) {
        // Further stage-1 migrations join a release until it is over; they ask for a deploy of their own.
        (S::Planned | S::Expanding | S::Expanded | S::AwaitingApproval, E::Stage1Started) => Ok(S::Expanding),
        (S::Expanding, E::Stage1Finished) => Ok(S::Expanded),
        (S::Expanded | S::Deploying | S::Watching | S::AwaitingApproval, E::Deployed { stage2_waits: true }) => {
            Ok(S::AwaitingApproval)
        }
        (S::Expanded | S::Deploying | S::Watching | S::AwaitingApproval, E::Deployed { stage2_waits: false }) => {
            Ok(S::Completed)
        }
        (S::AwaitingApproval | S::Contracting, E::Stage2Started) => Ok(S::Contracting),
        (S::Contracting, E::Stage2Finished) => Ok(S::Completed),
        (
            S::Expanding
            | S::Expanded
            | S::Deploying
            | S::Watching
            | S::AwaitingApproval
            | S::Contracting
            | S::Settling
            | S::Completed
            | S::RollingBack
            | S::Frozen,
            E::RollbackStarted,
        ) => Ok(S::RollingBack),
        (S::RollingBack, E::RollbackFinished { remains: true }) => Ok(S::Expanded),
        (S::RollingBack, E::RollbackFinished { remains: false }) => Ok(S::RolledBack),
        (
            S::Planned
            | S::Expanding
            | S::Expanded
            | S::Deploying
            | S::Watching
            | S::AwaitingApproval
            | S::Contracting
            | S::Settling
            | S::Completed
            | S::RollingBack
            | S::RolledBack
            | S::Frozen,
            E::Stage1Started
            | E::Stage1Finished
            | E::Deployed { .. }
            | E::Stage2Started
            | E::Stage2Finished
            | E::RollbackStarted
            | E::RollbackFinished { .. },
        ) => Err(refusal(state, event)),
    }
}

fn refusal(state: ReleaseState, event: Event) -> Box<Problem> {
    use ReleaseState as S;
    let problem = Problem::refused(message!("release-not-now", event = event.as_str(), state = state.as_str()));
    problem.hint(match state {
        S::Planned | S::Expanding | S::RolledBack | S::Completed => message!("next-stage1"),
        S::Expanded | S::Deploying => message!("next-deployed"),
        S::AwaitingApproval => message!("next-approve"),
        S::Contracting => message!("next-stage2"),
        S::RollingBack | S::Frozen => message!("next-rollback"),
        S::Watching | S::Settling => message!("next-status"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_answers_every_event() {
        let mut table = Vec::new();
        for state in ReleaseState::ALL {
            for event in Event::ALL {
                let answer = match next(state, event) {
                    Ok(to) => to.as_str().to_owned(),
                    Err(refusal) => format!("refused, {}", refusal.hints[0].id),
                };
                table.push(format!("{} + {event:?} -> {answer}", state.as_str()));
            }
        }
        insta::assert_snapshot!(table.join("\n"));
    }

    #[test]
    fn every_state_reads_back_from_its_name() {
        for state in ReleaseState::ALL {
            assert_eq!(ReleaseState::from_ledger(state.as_str()), Some(state));
        }
    }
}
