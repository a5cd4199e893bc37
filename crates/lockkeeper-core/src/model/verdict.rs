//! What a check says, and what a watch says.

/// What one check says, each time it is made.
///
/// Only `Pass` and `Fail` are about the system that is watched. A value that is missing, not a
/// number, or out of a source that is itself broken is neither.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// Measured, and within its bounds.
    Pass,
    /// Measured, and out of its bounds.
    Fail,
    /// There was nothing to judge: no requests, too few of them, no number, no network of our own.
    NoData,
    /// The check itself could not be made.
    ProbeError,
}

impl Verdict {
    pub const ALL: [Self; 4] = [Self::Pass, Self::Fail, Self::NoData, Self::ProbeError];

    /// The name in JSON, in metrics and in the ledger.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::NoData => "no_data",
            Self::ProbeError => "probe_error",
        }
    }

    pub fn from_ledger(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|verdict| verdict.as_str() == text)
    }

    /// Whether it says something about the system that is watched.
    pub const fn judges(self) -> bool {
        matches!(self, Self::Pass | Self::Fail)
    }
}

/// What a whole watch says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum WatchVerdict {
    Healthy,
    Unhealthy,
    /// Not enough was seen to say either.
    Inconclusive,
}

impl WatchVerdict {
    pub const ALL: [Self; 3] = [Self::Healthy, Self::Unhealthy, Self::Inconclusive];

    /// The name in JSON and in the ledger.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Healthy => "healthy",
            Self::Unhealthy => "unhealthy",
            Self::Inconclusive => "inconclusive",
        }
    }

    pub fn from_ledger(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|verdict| verdict.as_str() == text)
    }
}
