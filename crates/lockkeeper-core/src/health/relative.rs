//! The relative rule: whether the new version fails more often than the old one.

use super::bounds::share_high;
use super::counts::Counts;
use super::mixture::ln_evidence;
use super::tempering::{Correlation, Tempering};

/// The probability that a release which is no worse than the old version is called worse.
pub const FALSE_ALARMS: f64 = 0.01;

/// How many times the old rate the new one may be, in the mixture of alternatives.
const RATE_RATIOS: [f64; 7] = [1.5, 2.0, 3.0, 5.0, 10.0, 20.0, 50.0];

/// Old and new version side by side, as in a canary or a blue-green deploy.
///
/// Given that a request failed, it was the new version's with the share that it has of the traffic,
/// if both fail equally often. So an outage that both share says nothing, however long it lasts. The
/// evidence is the likelihood ratio of the errors of each slice, mixed over [`RATE_RATIOS`]: a
/// supermartingale while the new version is no worse, whatever the traffic's share does from slice
/// to slice (Lindon, Malek, "Anytime-valid inference for multinomial count data", 2022).
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct SideBySide {
    /// The logarithm of each ratio's evidence.
    ln_by_ratio: [f64; RATE_RATIOS.len()],
}

impl SideBySide {
    /// As an earlier process left it.
    pub const fn of(ln_by_ratio: [f64; RATE_RATIOS.len()]) -> Self {
        Self { ln_by_ratio }
    }

    pub const fn state(&self) -> &[f64; RATE_RATIOS.len()] {
        &self.ln_by_ratio
    }

    /// The evidence after one more slice, of the new version and the old one at the same time. One
    /// alone teaches nothing.
    #[must_use]
    pub fn after(mut self, new: Counts, old: Counts, correlation: Correlation) -> Self {
        if new.is_empty() || old.is_empty() {
            return self;
        }
        let ((new_requests, new_errors), (old_requests, old_errors)) = (new.as_numbers(), old.as_numbers());
        let tempering = Tempering::of(correlation, new.plus(old));
        let share = new_requests / (new_requests + old_requests);
        for (ln_evidence, ratio) in self.ln_by_ratio.iter_mut().zip(RATE_RATIOS) {
            let whole = share * ratio + 1.0 - share;
            let ln_likelier = new_errors * (ratio / whole).ln() - old_errors * whole.ln();
            *ln_evidence += ln_likelier / tempering.divisor();
        }
        self
    }

    /// The logarithm of the evidence that the new version fails more often.
    pub fn ln_evidence(&self) -> f64 {
        let highest = self.ln_by_ratio.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let sum: f64 = self.ln_by_ratio.iter().map(|ln_evidence| (ln_evidence - highest).exp()).sum();
        #[expect(clippy::cast_precision_loss, reason = "seven")]
        let ratios = RATE_RATIOS.len() as f64;
        highest + (sum / ratios).ln()
    }

    pub fn alarms(&self) -> bool {
        self.ln_evidence() >= -FALSE_ALARMS.ln()
    }
}

/// The logarithm of the evidence that `new` fails more often than the same service did before the
/// deploy.
///
/// Half of the false alarms are spent on the bound of the earlier rate, half on the test against that
/// bound. `None` without an earlier request.
///
/// `slice` is what a usual slice has, and so tells how much of the errors is bursts.
pub fn ln_evidence_against_earlier(
    new: Counts,
    slice: Counts,
    earlier: Counts,
    correlation: Correlation,
) -> Option<f64> {
    if earlier.is_empty() {
        return None;
    }
    let (requests, errors) = new.as_numbers();
    let tempering = Tempering::of(correlation, slice);
    let bound = share_high(earlier, FALSE_ALARMS / 2.0);
    ln_evidence(errors / tempering.divisor(), requests / tempering.divisor(), bound)
}

/// Where [`ln_evidence_against_earlier`] is an alarm.
pub fn alarms_against_earlier(ln_evidence: f64) -> bool {
    ln_evidence >= -(FALSE_ALARMS / 2.0).ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    const INDEPENDENT: fn() -> Correlation = || Correlation::of(0.0);

    fn counts(requests: u64, errors: u64) -> Counts {
        Counts::new(requests, errors).expect("errors are requests")
    }

    fn slices_until_alarm(new: Counts, old: Counts) -> Option<u32> {
        let mut both = SideBySide::default();
        for slice in 1..=5000 {
            both = both.after(new, old, INDEPENDENT());
            if both.alarms() {
                return Some(slice);
            }
        }
        None
    }

    #[test]
    fn an_outage_that_both_versions_share_is_nobodys_fault() {
        assert_eq!(slices_until_alarm(counts(50, 50), counts(50, 50)), None);
        assert_eq!(slices_until_alarm(counts(10, 5), counts(90, 45)), None);
    }

    #[test]
    fn a_version_that_fails_ten_times_as_often_is_found_within_few_errors() {
        let slices = slices_until_alarm(counts(100, 10), counts(100, 1)).expect("an alarm");
        assert!(slices <= 3, "{slices}");
        assert!(slices_until_alarm(counts(100, 2), counts(100, 2)).is_none());
        assert!(slices_until_alarm(counts(100, 1), counts(100, 10)).is_none(), "better is not worse");
    }

    #[test]
    fn one_version_alone_teaches_nothing() {
        let before = SideBySide::default();
        assert_eq!(before.after(counts(50, 50), Counts::NONE, INDEPENDENT()), before);
    }

    #[test]
    fn an_earlier_baseline_is_taken_at_its_upper_bound() {
        let earlier = counts(3000, 30);
        let alarms = |new| {
            ln_evidence_against_earlier(new, Counts::one(false), earlier, INDEPENDENT())
                .is_some_and(alarms_against_earlier)
        };
        assert!(!alarms(counts(3000, 30)));
        assert!(!alarms(counts(3000, 45)));
        assert!(alarms(counts(300, 30)));
        assert_eq!(ln_evidence_against_earlier(counts(1, 1), counts(1, 1), Counts::NONE, INDEPENDENT()), None);
    }
}
