//! The Shiryaev–Roberts detector: finds a change of the error rate as soon as the evidence allows,
//! with a bound on how often it is wrong.

use super::counts::{Counts, Share};
use super::tempering::{Correlation, Tempering};

/// What the detector tells apart, and how often it may be wrong.
///
/// It is fed slices of a few seconds. After each, M ← (1+M)·L, where L is how much likelier the
/// slice is at `unacceptable` than at `acceptable`; it alarms at M ≥ c. While the rate is at most
/// `acceptable`, the expected M after k slices is at most k, so by Markov's inequality the
/// probability of an alarm within k slices is at most k/c: c = k/α bounds it by α
/// (A. N. Shiryaev, "On optimum methods in quickest detection problems", 1963; S. W. Roberts,
/// "A comparison of some control chart procedures", 1966; as an e-detector: Shin, Ramdas, Rinaldo,
/// arXiv 2203.03532).
///
/// The bound holds for rates up to `acceptable`, and for no other. So that is the ceiling of what is
/// acceptable, not the rate that is hoped for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Detector {
    ln_error: f64,
    ln_success: f64,
    alarm_at: f64,
}

/// Why no detector can be made of these numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DetectorFault {
    /// `acceptable` must be above 0 and below `unacceptable`, and that below 100 %.
    Rates,
    /// The probability of a false alarm must be above 0 and below 1.
    FalseAlarms,
    /// A watch has at least one slice.
    Slices,
}

impl Detector {
    /// 2 % against 10 %: the two are told apart at 5.03 %, which is the floor's 5 %.
    pub const ACCEPTABLE: Share = Share::percent(2);
    pub const UNACCEPTABLE: Share = Share::percent(10);
    /// One false alarm in a hundred watches.
    pub const FALSE_ALARMS: f64 = 0.01;

    /// `false_alarms` is the probability of an alarm within `slices`, while the rate is at most
    /// `acceptable`.
    pub fn new(acceptable: Share, unacceptable: Share, false_alarms: f64, slices: u64) -> Result<Self, DetectorFault> {
        let (p0, p1) = (acceptable.as_ratio(), unacceptable.as_ratio());
        if p0 <= 0.0 || p1 <= p0 || p1 >= 1.0 {
            return Err(DetectorFault::Rates);
        }
        if !(false_alarms > 0.0 && false_alarms < 1.0) {
            return Err(DetectorFault::FalseAlarms);
        }
        if slices == 0 {
            return Err(DetectorFault::Slices);
        }
        #[expect(clippy::cast_precision_loss, reason = "a watch has thousands of slices, not 2^53")]
        let alarm_at = slices as f64 / false_alarms;
        Ok(Self { ln_error: (p1 / p0).ln(), ln_success: ((1.0 - p1) / (1.0 - p0)).ln(), alarm_at })
    }

    /// The evidence after one more slice. A slice without requests teaches nothing.
    #[must_use]
    pub fn after(&self, evidence: Evidence, slice: Counts, correlation: Correlation) -> Evidence {
        if slice.is_empty() {
            return evidence;
        }
        let tempering = Tempering::of(correlation, slice);
        let (requests, errors) = slice.as_numbers();
        let ln_likelier = errors * self.ln_error + (requests - errors) * self.ln_success;
        Evidence::of((1.0 + evidence.0) * (ln_likelier / tempering.divisor()).exp())
    }

    pub fn alarms(&self, evidence: Evidence) -> bool {
        evidence.0 >= self.alarm_at
    }

    /// The evidence from which on it alarms.
    pub const fn alarm_at(&self) -> f64 {
        self.alarm_at
    }

    /// The share of errors at which the evidence neither grows nor shrinks.
    pub fn slope(&self) -> f64 {
        self.ln_success / (self.ln_success - self.ln_error)
    }
}

/// What the detector has gathered: 0 at the beginning.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Evidence(f64);

impl Evidence {
    /// Finite and not negative, so that it can be stored and compared: far beyond any alarm one more
    /// digit says nothing.
    const MAX: f64 = 1e300;

    pub fn of(value: f64) -> Self {
        if value.is_nan() { Self(0.0) } else { Self(value.clamp(0.0, Self::MAX)) }
    }

    pub const fn value(self) -> f64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn detector() -> Detector {
        Detector::new(Detector::ACCEPTABLE, Detector::UNACCEPTABLE, Detector::FALSE_ALARMS, 720)
            .expect("the defaults are a detector")
    }

    #[test]
    fn two_against_ten_percent_are_told_apart_at_five() {
        assert!((detector().slope() - 0.0503).abs() < 0.0001);
    }

    #[test]
    fn the_steps_are_the_logarithms_of_the_likelihoods() {
        let one_in_ten = Detector::new(Share::percent(1), Share::percent(10), 0.01, 720).expect("a detector");
        assert!((one_in_ten.ln_error - 10.0_f64.ln()).abs() < 1e-12);
        assert!((one_in_ten.ln_success + 0.0953).abs() < 0.0001);
    }

    #[test]
    fn it_alarms_at_the_slices_over_the_probability() {
        assert!((detector().alarm_at() - 72_000.0).abs() < 1e-6);
        assert!(!detector().alarms(Evidence::of(71_999.0)));
        assert!(detector().alarms(Evidence::of(72_000.0)));
    }

    #[test]
    fn nothing_but_errors_alarms_within_seconds_and_nothing_but_success_never() {
        let independent = Correlation::of(0.0);
        let slice = |errors| Counts::new(50, errors).expect("errors are requests");
        assert!(detector().alarms(detector().after(Evidence::default(), slice(50), independent)));
        let clean =
            (0..10_000).fold(Evidence::default(), |evidence, _| detector().after(evidence, slice(0), independent));
        assert!(clean.value() < 1.0);
    }

    #[test]
    fn a_slice_without_requests_leaves_the_evidence_alone() {
        let evidence = Evidence::of(12.5);
        assert_eq!(detector().after(evidence, Counts::NONE, Correlation::UNKNOWN), evidence);
    }

    #[test]
    fn it_cannot_be_made_of_rates_that_are_none() {
        let made = |p0, p1, alpha, slices| Detector::new(Share::percent(p0), Share::percent(p1), alpha, slices).err();
        assert_eq!(made(0, 10, 0.01, 720), Some(DetectorFault::Rates));
        assert_eq!(made(10, 10, 0.01, 720), Some(DetectorFault::Rates));
        assert_eq!(made(2, 100, 0.01, 720), Some(DetectorFault::Rates));
        assert_eq!(made(2, 10, f64::NAN, 720), Some(DetectorFault::FalseAlarms));
        assert_eq!(made(2, 10, 0.01, 0), Some(DetectorFault::Slices));
    }

    #[test]
    fn evidence_is_always_a_number_that_can_be_stored() {
        assert_eq!(Evidence::of(f64::NAN), Evidence::default());
        assert!(Evidence::of(f64::INFINITY).value().is_finite());
    }
}
