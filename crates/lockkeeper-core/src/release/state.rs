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

/// Who moves a release from state to state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Drive {
    /// People and scripts, command by command: `stage1`, `deployed`, `stage2`.
    ByHand,
    /// `release start`: it deploys, watches and goes back by itself.
    Driven,
}

impl Drive {
    pub const ALL: [Self; 2] = [Self::ByHand, Self::Driven];
}

/// What decides where a release may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Release {
    pub state: ReleaseState,
    pub drive: Drive,
}

/// What can happen to a release.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Event {
    Stage1Started,
    Stage1Finished,
    DeployStarted,
    /// The new code is out. `stage2_waits` tells whether anything is left to remove.
    Deployed {
        stage2_waits: bool,
    },
    /// The watch ended healthy.
    WatchPassed {
        stage2_waits: bool,
    },
    Stage2Started,
    Stage2Finished,
    /// The watch after stage 2 ended healthy.
    Settled,
    RollbackStarted,
    /// `remains` tells whether migrations of the release are still applied.
    RollbackFinished {
        remains: bool,
    },
    /// Going further, either way, would destroy something, or going back failed.
    Froze,
}

impl Event {
    pub const ALL: [Self; 14] = [
        Self::Stage1Started,
        Self::Stage1Finished,
        Self::DeployStarted,
        Self::Deployed { stage2_waits: true },
        Self::Deployed { stage2_waits: false },
        Self::WatchPassed { stage2_waits: true },
        Self::WatchPassed { stage2_waits: false },
        Self::Stage2Started,
        Self::Stage2Finished,
        Self::Settled,
        Self::RollbackStarted,
        Self::RollbackFinished { remains: true },
        Self::RollbackFinished { remains: false },
        Self::Froze,
    ];

    const fn as_str(self) -> &'static str {
        match self {
            Self::Stage1Started => "stage1",
            Self::Stage1Finished => "stage1 finished",
            Self::DeployStarted => "deploy",
            Self::Deployed { .. } => "deployed",
            Self::WatchPassed { .. } => "watch passed",
            Self::Stage2Started => "stage2",
            Self::Stage2Finished => "stage2 finished",
            Self::Settled => "settled",
            Self::RollbackStarted => "rollback",
            Self::RollbackFinished { .. } => "rollback finished",
            Self::Froze => "freeze",
        }
    }
}

/// Total: every state answers every event, and each refusal names the operator's next command.
pub fn next(release: Release, event: Event) -> Result<ReleaseState, Box<Problem>> {
    let to = match release.drive {
        Drive::ByHand => by_hand(release.state, event),
        Drive::Driven => driven(release.state, event),
    };
    to.ok_or_else(|| refusal(release, event))
}

const fn by_hand(state: ReleaseState, event: Event) -> Option<ReleaseState> {
    use ReleaseState as S;
    match event {
        // Further stage-1 migrations join a release until it is over; they ask for a deploy of their own.
        Event::Stage1Started => match state {
            S::Planned | S::Expanding | S::Expanded | S::AwaitingApproval => Some(S::Expanding),
            _ => None,
        },
        Event::Deployed { stage2_waits } => match state {
            S::Expanded | S::AwaitingApproval if stage2_waits => Some(S::AwaitingApproval),
            S::Expanded | S::AwaitingApproval => Some(S::Completed),
            _ => None,
        },
        Event::Stage2Finished => match state {
            S::Contracting => Some(S::Completed),
            _ => None,
        },
        Event::RollbackFinished { remains: true } => match state {
            S::RollingBack => Some(S::Expanded),
            _ => None,
        },
        Event::DeployStarted | Event::WatchPassed { .. } | Event::Settled | Event::Froze => None,
        Event::Stage1Finished
        | Event::Stage2Started
        | Event::RollbackStarted
        | Event::RollbackFinished { remains: false } => either_way(state, event),
    }
}

const fn driven(state: ReleaseState, event: Event) -> Option<ReleaseState> {
    use ReleaseState as S;
    match event {
        Event::Stage1Started => match state {
            S::Planned | S::Expanding => Some(S::Expanding),
            _ => None,
        },
        Event::DeployStarted => match state {
            S::Expanded => Some(S::Deploying),
            _ => None,
        },
        Event::Deployed { .. } => match state {
            S::Deploying => Some(S::Watching),
            _ => None,
        },
        Event::WatchPassed { stage2_waits } => match state {
            S::Watching if stage2_waits => Some(S::AwaitingApproval),
            S::Watching => Some(S::Completed),
            _ => None,
        },
        Event::Stage2Finished => match state {
            S::Contracting => Some(S::Settling),
            _ => None,
        },
        Event::Settled => match state {
            S::Settling => Some(S::Completed),
            _ => None,
        },
        // A release that went back with its application alone is over as well: what it added waits for the next one.
        Event::RollbackFinished { .. } => either_way(state, Event::RollbackFinished { remains: false }),
        Event::Froze => match state {
            S::Planned | S::Completed | S::RolledBack => None,
            _ => Some(S::Frozen),
        },
        // Nothing has been done yet, and a release that is given up is over.
        Event::RollbackStarted => match state {
            S::Planned => Some(S::RollingBack),
            _ => either_way(state, event),
        },
        Event::Stage1Finished | Event::Stage2Started => either_way(state, event),
    }
}

/// What is the same whoever drives.
const fn either_way(state: ReleaseState, event: Event) -> Option<ReleaseState> {
    use ReleaseState as S;
    match event {
        Event::Stage1Finished => match state {
            S::Expanding => Some(S::Expanded),
            _ => None,
        },
        Event::Stage2Started => match state {
            S::AwaitingApproval | S::Contracting => Some(S::Contracting),
            _ => None,
        },
        // Nothing has been done yet, or it has been undone: there is no rollback of a rollback.
        Event::RollbackStarted => match state {
            S::Planned | S::RolledBack => None,
            _ => Some(S::RollingBack),
        },
        Event::RollbackFinished { remains: false } => match state {
            S::RollingBack => Some(S::RolledBack),
            _ => None,
        },
        Event::RollbackFinished { remains: true }
        | Event::Stage1Started
        | Event::DeployStarted
        | Event::Deployed { .. }
        | Event::WatchPassed { .. }
        | Event::Stage2Finished
        | Event::Settled
        | Event::Froze => None,
    }
}

fn refusal(release: Release, event: Event) -> Box<Problem> {
    use ReleaseState as S;
    let state = release.state;
    let problem = Problem::refused(message!("release-not-now", event = event.as_str(), state = state.as_str()));
    let is_driven = release.drive == Drive::Driven;
    problem.hint(match state {
        S::RolledBack | S::Completed => message!("next-stage1"),
        S::RollingBack | S::Frozen => message!("next-rollback"),
        S::Planned
        | S::Expanding
        | S::Expanded
        | S::Deploying
        | S::Watching
        | S::AwaitingApproval
        | S::Contracting
        | S::Settling
            if is_driven =>
        {
            message!("next-resume")
        }
        S::Planned | S::Expanding => message!("next-stage1"),
        S::Expanded | S::Deploying => message!("next-deployed"),
        S::AwaitingApproval => message!("next-approve"),
        S::Contracting => message!("next-stage2"),
        S::Watching | S::Settling => message!("next-status"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_answers_every_event() {
        let mut table = Vec::new();
        for drive in Drive::ALL {
            for state in ReleaseState::ALL {
                for event in Event::ALL {
                    let answer = match next(Release { state, drive }, event) {
                        Ok(to) => to.as_str().to_owned(),
                        Err(refusal) => format!("refused, {}", refusal.hints[0].id),
                    };
                    table.push(format!("{drive:?}: {} + {event:?} -> {answer}", state.as_str()));
                }
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
