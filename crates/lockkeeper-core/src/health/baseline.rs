//! What a check measured before the deploy.

use std::time::Duration;

use super::counts::Counts;
use super::floor::Floor;
use super::latency::Latencies;
use super::rules::Rules;
use super::tempering::Correlation;
use crate::message;
use crate::model::{ExitClass, Message, Problem, Verdict};

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
    pub fn preflight(&self, rules: &Rules) -> (Verdict, Message) {
        let floor = Floor { error_share: rules.error_share(), min_samples: rules.samples_min(), ..Floor::default() };
        let (verdict, seen) = floor.look(self.total);
        (verdict, seen.message())
    }
}

/// Whether a release may start, by what was measured before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Preflight {
    /// The system was well.
    Well { age: Duration },
    /// It was unwell already: a rollback could not help.
    Unwell { age: Duration },
    /// There was too little to judge.
    Thin,
    /// What was measured is older than [`Preflight::AGE_MAX`].
    Old { age: Duration },
    /// Nobody has measured.
    Missing,
}

impl Preflight {
    /// A day: what is normal changes with the hour, and with what else was deployed.
    pub const AGE_MAX: Duration = Duration::from_hours(24);

    /// Of the newest baseline's verdict and age.
    pub fn of(newest: Option<(Verdict, Duration)>) -> Self {
        match newest {
            None => Self::Missing,
            Some((_, age)) if age > Self::AGE_MAX => Self::Old { age },
            Some((Verdict::Pass, age)) => Self::Well { age },
            Some((Verdict::Fail, age)) => Self::Unwell { age },
            Some((Verdict::NoData | Verdict::ProbeError, _)) => Self::Thin,
        }
    }

    /// Why a release does not start, with the command that changes it. `None` when it may.
    pub fn refusal(self) -> Option<Box<Problem>> {
        let why = match self {
            Self::Well { .. } => return None,
            Self::Unwell { age } => message!("preflight-unwell", minutes = age.as_secs() / 60),
            Self::Thin => message!("preflight-thin"),
            Self::Old { age } => message!("preflight-old", hours = age.as_secs() / 3600),
            Self::Missing => message!("preflight-missing"),
        };
        let exit = if matches!(self, Self::Unwell { .. }) { ExitClass::Refused } else { ExitClass::Inconclusive };
        Some(Problem::new(exit, why).hint(message!("preflight-hint")))
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
        Baseline::of(&slices, Latencies::default()).preflight(&Rules::usual()).0
    }

    #[test]
    fn a_release_does_not_start_on_a_system_that_already_fails() {
        assert_eq!(preflight(&[(50, 0), (50, 4)]), Verdict::Pass);
        assert_eq!(preflight(&[(50, 1), (50, 4)]), Verdict::Fail);
        assert_eq!(preflight(&[(50, 50)]), Verdict::NoData);
        assert_eq!(preflight(&[]), Verdict::NoData);
    }

    #[test]
    fn it_starts_on_what_is_fresh_and_well_alone() {
        let minute = Duration::from_mins(1);
        let exit = |newest| Preflight::of(newest).refusal().map(|problem| problem.exit);
        assert_eq!(exit(Some((Verdict::Pass, minute))), None);
        assert_eq!(exit(Some((Verdict::Fail, minute))), Some(ExitClass::Refused));
        assert_eq!(exit(Some((Verdict::NoData, minute))), Some(ExitClass::Inconclusive));
        assert_eq!(exit(Some((Verdict::Pass, Preflight::AGE_MAX + minute))), Some(ExitClass::Inconclusive));
        assert_eq!(exit(None), Some(ExitClass::Inconclusive));
    }
}
