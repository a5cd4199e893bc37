//! Errors come in bursts: how much less a number of them says than as many independent ones would.

use super::counts::Counts;

/// How strongly the errors within one slice hang together: 0 when each is independent of the others,
/// 1 when they come all at once.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Correlation(f64);

impl Correlation {
    /// What is assumed where nothing is known of it: slower to alarm, and never wrong to be so.
    pub const UNKNOWN: Self = Self(0.05);

    /// So many errors at least, before a correlation is read out of them.
    const ERRORS_MIN: u64 = 10;

    /// Clamped to what a correlation can be. What is no number is unknown.
    pub fn of(value: f64) -> Self {
        if value.is_nan() { Self::UNKNOWN } else { Self(value.clamp(0.0, 1.0)) }
    }

    /// So many slices make a baseline that has seen its bursts: an hour of them.
    const SLICES_FULL: f64 = 720.0;

    /// What slices of a time without a release show.
    ///
    /// The moment estimate, from Σ(errorsᵢ − nᵢ·p)² = p·(1−p)·Σ nᵢ·(1+(nᵢ−1)·ρ), and its standard error
    /// on top: bursts are rare, so most baselines have seen fewer of them than there will be. The
    /// shorter the baseline, the more is added. `None` with too few errors to see how they cluster.
    pub fn learned_from(slices: &[Counts]) -> Option<Self> {
        let total = slices.iter().fold(Counts::NONE, |sum, slice| sum.plus(*slice));
        let (requests, errors) = total.as_numbers();
        let rate = errors / requests.max(1.0);
        let variance = rate * (1.0 - rate);
        let (mut spread, mut pairs, mut with_requests) = (0.0, 0.0, 0.0);
        for slice in slices.iter().filter(|slice| !slice.is_empty()) {
            let (n, failed) = slice.as_numbers();
            spread += (failed - n * rate).powi(2);
            pairs += n * (n - 1.0);
            with_requests += 1.0;
        }
        if total.errors() < Self::ERRORS_MIN || variance <= 0.0 || pairs <= 0.0 {
            return None;
        }
        let estimate = ((spread / variance - requests) / pairs).max(0.0);
        let residuals: f64 = slices
            .iter()
            .map(|slice| {
                let (n, failed) = slice.as_numbers();
                let expected = variance * n * (1.0 + (n - 1.0) * estimate);
                ((failed - n * rate).powi(2) - expected).powi(2)
            })
            .sum();
        let standard_error = residuals.sqrt() / (variance * pairs);
        let standard_errors = (Self::SLICES_FULL / with_requests).sqrt().clamp(1.0, 3.0);
        Some(Self::of(estimate + standard_errors * standard_error))
    }

    pub const fn value(self) -> f64 {
        self.0
    }
}

/// By how much the evidence of one slice is divided. Never below [`Tempering::MARGIN`].
///
/// Retries, one broken client or one slow disk make errors arrive together. A detector that takes
/// them for independent raises false alarms almost surely (measured: 97 to 100 % an hour at a
/// correlation of 0.05). The variance of the errors in a slice of n requests is n·p·(1−p)·(1+(n−1)·ρ),
/// and so the evidence is divided by 1+(n−1)·ρ, with a margin.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tempering(f64);

impl Tempering {
    /// For what the estimate of the correlation does not see.
    pub const MARGIN: f64 = 1.5;

    pub fn of(correlation: Correlation, slice: Counts) -> Self {
        let (requests, _) = slice.as_numbers();
        Self(Self::MARGIN * (1.0 + (requests - 1.0).max(0.0) * correlation.0))
    }

    pub const fn divisor(self) -> f64 {
        self.0
    }

    /// So many independent requests tell as much of the rate as these of a window, whose slices this is of.
    pub fn worth(self, window: Counts) -> u64 {
        let (requests, _) = window.as_numbers();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "at most the requests")]
        let worth = (requests / self.0) as u64;
        worth
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slices(pairs: &[(u64, u64)], times: usize) -> Vec<Counts> {
        pairs
            .iter()
            .map(|(requests, errors)| Counts::new(*requests, *errors).expect("errors are requests"))
            .cycle()
            .take(pairs.len() * times)
            .collect()
    }

    fn learned(slices: &[Counts]) -> Correlation {
        Correlation::learned_from(slices).expect("errors enough")
    }

    #[test]
    fn errors_that_are_spread_evenly_hardly_hang_together() {
        let even = learned(&slices(&[(50, 1)], 720));
        assert!(even < Correlation::of(0.001), "{even:?}");
    }

    #[test]
    fn a_short_past_is_taken_as_worse_than_it_looks() {
        let of = |times| learned(&slices(&[(50, 0), (50, 1), (50, 0), (50, 2)], times));
        assert!(of(15) > of(180), "{:?} {:?}", of(15), of(180));
    }

    #[test]
    fn errors_that_come_together_divide_the_evidence_by_much() {
        let bursts = learned(&slices(&[(50, 0), (50, 0), (50, 0), (50, 4)], 15));
        let slice = Counts::new(50, 4).expect("errors are requests");
        assert!(Tempering::of(bursts, slice).divisor() > 4.0, "{bursts:?}");
    }

    #[test]
    fn a_clean_past_says_nothing_about_bursts() {
        assert_eq!(Correlation::learned_from(&slices(&[(50, 0)], 60)), None);
        assert_eq!(Correlation::learned_from(&[]), None);
    }

    #[test]
    fn a_window_of_bursts_is_worth_fewer_requests() {
        let window = Counts::new(300, 20).expect("errors are requests");
        let slice = Counts::new(50, 0).expect("errors are requests");
        assert_eq!(Tempering::of(Correlation::of(0.05), slice).worth(window), 57);
        assert_eq!(Tempering::of(Correlation::of(0.0), slice).worth(window), 200);
    }

    #[test]
    fn it_never_amplifies() {
        for requests in [0, 1, 2, 1000] {
            let slice = Counts::new(requests, 0).expect("errors are requests");
            assert!(Tempering::of(Correlation::of(-1.0), slice).divisor() >= Tempering::MARGIN);
        }
        assert_eq!(Correlation::of(f64::NAN), Correlation::UNKNOWN);
    }
}
