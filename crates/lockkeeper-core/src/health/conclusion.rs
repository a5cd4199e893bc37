//! What a watch says when it ends.

use std::time::Duration;

use super::check::CheckName;
use super::judgement::Judgement;
use crate::message;
use crate::model::{Message, WatchVerdict};

/// The end of a watch, with its reasons.
#[derive(Debug, Clone, PartialEq)]
pub enum Conclusion {
    Healthy,
    /// The breach that binds.
    Unhealthy(Box<Judgement>),
    /// All that is in the way, never empty.
    Inconclusive(Vec<Doubt>),
}

/// Why a watch cannot be called healthy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Doubt {
    TooShort {
        watched: Duration,
        need: Duration,
    },
    /// No check that binds has an error rate.
    NothingCountsRequests,
    TooFewRequests {
        check: CheckName,
        have: u64,
        need: u64,
    },
    /// No data, or none for too long.
    Silent {
        check: CheckName,
    },
    /// In the middle of a row of failures.
    Failing {
        check: CheckName,
    },
}

impl Conclusion {
    pub const fn verdict(&self) -> WatchVerdict {
        match self {
            Self::Healthy => WatchVerdict::Healthy,
            Self::Unhealthy(_) => WatchVerdict::Unhealthy,
            Self::Inconclusive(_) => WatchVerdict::Inconclusive,
        }
    }
}

impl Doubt {
    pub fn message(&self) -> Message {
        match self {
            Self::TooShort { watched, need } => {
                message!("health-doubt-short", watched = watched.as_secs(), need = need.as_secs())
            }
            Self::NothingCountsRequests => message!("health-doubt-no-requests"),
            Self::TooFewRequests { check, have, need } => {
                message!("health-doubt-thin", check = check.as_str(), have = *have, need = *need)
            }
            Self::Silent { check } => message!("health-doubt-silent", check = check.as_str()),
            Self::Failing { check } => message!("health-doubt-failing", check = check.as_str()),
        }
    }
}
