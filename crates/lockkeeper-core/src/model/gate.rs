//! A gate: a yes, no or not-yet that stands before a step.

use std::time::Duration;

use super::Message;

/// The gates, in the order in which they are asked. Before stage 1 stands `Verify` alone, before stage 2 all of them.
/// Evidence joins them later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Gate {
    /// Every stage-1 migration of the release is applied.
    StageOneComplete,
    /// The new code is out.
    DeployConfirmed,
    /// What would run was tried in a shadow, as its files are now, and was sound. Asked only where the settings say so.
    Verify,
    /// The last watch of this release ended healthy, not too long ago. Asked only where the settings say so.
    Health,
    /// There is a backup as fresh and as well verified as the settings ask for. Asked only where they ask for one.
    Backup,
    /// Somebody allowed to has signed exactly this plan.
    Approval,
}

impl Gate {
    pub const ALL: [Self; 6] =
        [Self::StageOneComplete, Self::DeployConfirmed, Self::Verify, Self::Health, Self::Backup, Self::Approval];

    /// The name in JSON and in the ledger.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::StageOneComplete => "stage1_complete",
            Self::DeployConfirmed => "deploy_confirmed",
            Self::Verify => "verify",
            Self::Health => "health",
            Self::Backup => "backup",
            Self::Approval => "approval",
        }
    }

    /// Whether whoever approves stage 2 may open it without what it asks for. What the plan needs to be true, and the
    /// approval itself, nobody can.
    pub const fn is_waivable(self) -> bool {
        match self {
            Self::Verify | Self::Health | Self::Backup => true,
            Self::StageOneComplete | Self::DeployConfirmed | Self::Approval => false,
        }
    }

    /// By its name.
    pub fn from_name(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|gate| gate.as_str() == text)
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
    /// It says no or not yet, and whoever approved the plan opened it all the same.
    Waived,
}

impl GateVerdict {
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Yes | Self::Waived)
    }

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Yes => "yes",
            Self::NotYet => "not_yet",
            Self::No => "no",
            Self::Waived => "waived",
        }
    }
}

/// Who answers for a gate that was opened without what it asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiver {
    pub by: String,
    pub reason: String,
}

/// One gate's answer with what it rests on and what would open it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GateReport {
    pub gate: Gate,
    pub verdict: GateVerdict,
    pub evidence: Message,
    /// Since the evidence was recorded; `None` where it is of now.
    pub age: Option<Duration>,
    /// Who opened it without what it asks for, and why.
    pub waiver: Option<Waiver>,
    /// The command that opens it, when it is not open.
    pub way_out: Option<Message>,
}
