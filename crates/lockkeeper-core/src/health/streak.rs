//! Failures in a row.

use std::num::NonZeroU32;

use crate::model::Verdict;

/// What a check that has nothing to say does to a streak.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum NoDataPolicy {
    /// The streak stays as it is: nothing was learned.
    #[default]
    Hold,
    /// As if it had passed. For a service that is idle by design.
    Pass,
    /// As if it had failed. For a service that always has traffic.
    Fail,
}

impl NoDataPolicy {
    pub const ALL: [Self; 3] = [Self::Hold, Self::Pass, Self::Fail];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hold => "hold",
            Self::Pass => "pass",
            Self::Fail => "fail",
        }
    }
}

/// How many checks in a row have failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Streak {
    failures: u32,
}

impl Streak {
    /// As it was left by an earlier process.
    pub const fn of(failures: u32) -> Self {
        Self { failures }
    }

    pub const fn failures(self) -> u32 {
        self.failures
    }

    /// The streak after one more check. A check that could not be made at all says nothing about the
    /// system, whatever the policy for missing data is.
    #[must_use]
    pub const fn after(self, verdict: Verdict, no_data: NoDataPolicy) -> Self {
        match (verdict, no_data) {
            (Verdict::Pass, _) | (Verdict::NoData, NoDataPolicy::Pass) => Self { failures: 0 },
            (Verdict::Fail, _) | (Verdict::NoData, NoDataPolicy::Fail) => {
                Self { failures: self.failures.saturating_add(1) }
            }
            (Verdict::NoData, NoDataPolicy::Hold) | (Verdict::ProbeError, _) => self,
        }
    }

    pub const fn reached(self, consecutive: NonZeroU32) -> bool {
        self.failures >= consecutive.get()
    }
}

#[cfg(test)]
mod tests {
    use Verdict::{Fail, NoData, Pass, ProbeError};

    use super::*;

    fn failures(verdicts: &[Verdict], policy: NoDataPolicy) -> u32 {
        verdicts.iter().fold(Streak::default(), |streak, verdict| streak.after(*verdict, policy)).failures()
    }

    #[test]
    fn the_third_failure_in_a_row_reaches_three_and_a_success_starts_over() {
        let three = NonZeroU32::new(3).expect("three is not zero");
        assert!(!Streak::of(failures(&[Fail, Fail], NoDataPolicy::Hold)).reached(three));
        assert!(Streak::of(failures(&[Fail, Fail, Fail], NoDataPolicy::Hold)).reached(three));
        assert_eq!(failures(&[Fail, Fail, Pass, Fail, Fail], NoDataPolicy::Hold), 2);
    }

    #[test]
    fn missing_data_does_what_its_policy_says() {
        let verdicts = [Fail, NoData, Fail];
        assert_eq!(failures(&verdicts, NoDataPolicy::Hold), 2);
        assert_eq!(failures(&verdicts, NoDataPolicy::Pass), 1);
        assert_eq!(failures(&verdicts, NoDataPolicy::Fail), 3);
    }

    #[test]
    fn a_check_that_could_not_be_made_changes_nothing_under_any_policy() {
        for policy in NoDataPolicy::ALL {
            assert_eq!(failures(&[Fail, ProbeError, Fail], policy), 2);
        }
    }
}
