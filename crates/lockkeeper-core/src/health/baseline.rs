//! What a check measured before the deploy.

use super::counts::Counts;
use super::latency::Latencies;
use super::rules::Rules;
use super::tempering::Correlation;
use crate::model::Verdict;

/// A check's past: what is normal for it, and how its errors cluster.
#[derive(Debug, Clone, PartialEq)]
pub struct Baseline {
    pub total: Counts,
    /// How its errors cluster; `None` where there were too few of them to tell.
    pub correlation: Option<Correlation>,
    pub latencies: Latencies,
}

impl Baseline {
    /// Of the slices that were measured, and how long their requests took.
    pub fn of(slices: &[Counts], latencies: Latencies) -> Self {
        Self {
            total: slices.iter().fold(Counts::NONE, |sum, slice| sum.plus(*slice)),
            correlation: Correlation::learned_from(slices),
            latencies,
        }
    }

    /// Whether the system is well enough for a release to start: a release that starts on one that is
    /// not would be rolled back for what it did not do.
    pub fn preflight(&self, rules: &Rules) -> Verdict {
        if self.total.requests() < rules.samples_min() {
            Verdict::NoData
        } else if self.total.reach(rules.error_share()) {
            Verdict::Fail
        } else {
            Verdict::Pass
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn preflight(slices: &[(u64, u64)]) -> Verdict {
        let slices: Vec<Counts> = slices
            .iter()
            .map(|(requests, errors)| Counts::new(*requests, *errors).expect("errors are requests"))
            .collect();
        Baseline::of(&slices, Latencies::default()).preflight(&Rules::usual())
    }

    #[test]
    fn a_release_does_not_start_on_a_system_that_already_fails() {
        assert_eq!(preflight(&[(50, 0), (50, 4)]), Verdict::Pass);
        assert_eq!(preflight(&[(50, 1), (50, 4)]), Verdict::Fail);
        assert_eq!(preflight(&[(50, 50)]), Verdict::NoData);
        assert_eq!(preflight(&[]), Verdict::NoData);
    }
}
