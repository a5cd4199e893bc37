//! A check: its name, what it measures, and what its alarm means. And one measurement of it.

use std::fmt;
use std::time::Duration;

use jiff::Timestamp;

use super::counts::Counts;
use super::streak::NoDataPolicy;
use crate::model::{Message, Verdict};

/// The name of a check: lower-case letters, digits, `-`, `_` and `.`, so that it is a label of a
/// metric, a key of JSON and an argument of a command.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CheckName(String);

impl CheckName {
    pub const LENGTH_MAX: usize = 63;

    pub fn new(text: &str) -> Option<Self> {
        let fits = (1..=Self::LENGTH_MAX).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_.".contains(&byte));
        fits.then(|| Self(text.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for CheckName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a check measures, and so which rules look at it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Measures {
    /// Requests of our own, one at a time: floor, hard down, detector, relative, latency.
    Probes,
    /// The application's requests, as it counts them: floor, detector, relative, latency.
    Requests,
    /// Values with bounds: threshold.
    Values,
}

impl Measures {
    /// Whether it has an error rate.
    pub const fn requests(self) -> bool {
        match self {
            Self::Probes | Self::Requests => true,
            Self::Values => false,
        }
    }
}

/// What follows from a check.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Role {
    /// Binding rules bind.
    #[default]
    Judged,
    /// Every rule only advises.
    Advisory,
    /// The old version, beside the new one: what others are compared with, and not judged itself.
    Baseline,
}

/// A check as a watch knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    pub name: CheckName,
    pub measures: Measures,
    pub role: Role,
    pub no_data: NoDataPolicy,
    /// The check of the old version that serves at the same time.
    pub beside: Option<CheckName>,
}

/// What one measurement of a check brought.
#[derive(Debug, Clone, PartialEq)]
pub struct Measurement {
    pub at: Timestamp,
    /// Of this measurement by itself. A probe's, and a value's against its bounds; requests that were
    /// counted pass by having been counted, and their share of errors is for the rules.
    pub verdict: Verdict,
    /// Since the measurement before.
    pub counts: Counts,
    /// How long the requests took, where that is known.
    pub took: Vec<Duration>,
    /// The value beside its bound, or the reason for there being none.
    pub said: Message,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_a_label() {
        for good in ["shop", "shop-2.api_v1", "0"] {
            assert!(CheckName::new(good).is_some(), "{good}");
        }
        for bad in ["", "Shop", "a b", "a/b", "é", "a\n", &"x".repeat(64)] {
            assert_eq!(CheckName::new(bad), None, "{bad:?}");
        }
    }
}
