//! A gate: a yes, no or not-yet that stands before a step.

use super::Message;

/// The gates before stage 2. Health, verify and evidence join as they are built.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Gate {
    /// Every stage-1 migration of the release is applied.
    StageOneComplete,
    /// The new code is out.
    DeployConfirmed,
    /// There is a backup as fresh and as well verified as the settings ask for. Asked only where they ask for one.
    Backup,
    /// Somebody allowed to has signed exactly this plan.
    Approval,
}

impl Gate {
    pub const ALL: [Self; 4] = [Self::StageOneComplete, Self::DeployConfirmed, Self::Backup, Self::Approval];

    /// The name in JSON and in the ledger.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::StageOneComplete => "stage1_complete",
            Self::DeployConfirmed => "deploy_confirmed",
            Self::Backup => "backup",
            Self::Approval => "approval",
        }
    }
}

/// What a gate says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum GateVerdict {
    Yes,
    /// Something is missing that somebody can still supply.
    NotYet,
    /// What was supplied does not hold.
    No,
}

impl GateVerdict {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Yes => "yes",
            Self::NotYet => "not_yet",
            Self::No => "no",
        }
    }
}

/// One gate's answer with what it rests on and what would open it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GateReport {
    pub gate: Gate,
    pub verdict: GateVerdict,
    pub evidence: Message,
    /// The command that opens it, when it is not open.
    pub way_out: Option<Message>,
}
