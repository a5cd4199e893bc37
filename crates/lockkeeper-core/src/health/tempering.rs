//! Errors come in bursts: how much less a number of them says than as many independent ones would.

use super::counts::Counts;

/// By how much the evidence of each slice is divided. At least [`Tempering::MARGIN`].
///
/// Retries, one broken client or one slow disk make errors arrive together. A detector that takes
/// them for independent raises false alarms almost surely (measured: 97 to 100 % an hour at a
/// correlation of 0.05). The variance of the errors in a slice of n requests is then
/// n·p·(1−p)·(1+(n−1)·ρ), and so the evidence is divided by 1+(n−1)·ρ, with a margin.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tempering(f64);

impl Tempering {
    /// For what the estimate does not see.
    pub const MARGIN: f64 = 1.5;

    /// The correlation that is assumed where nothing is known of it.
    pub const CORRELATION_UNKNOWN: f64 = 0.05;

    /// So many errors at least, before a correlation is read out of them.
    const ERRORS_MIN: u64 = 10;

    /// What slices of a time without a release show.
    ///
    /// With too few errors to see how they cluster, [`Self::CORRELATION_UNKNOWN`] is assumed: slower
    /// to alarm, and never wrong to be so.
    pub fn learned_from(slices: &[Counts]) -> Self {
        let total = slices.iter().fold(Counts::NONE, |sum, slice| sum.plus(*slice));
        let correlation =
            if total.errors() < Self::ERRORS_MIN { Self::CORRELATION_UNKNOWN } else { correlation(slices, total) };
        Self::of(correlation, mean_requests(slices, total))
    }

    /// `correlation` of errors within a slice, between 0 and 1, and the requests of a slice.
    pub fn of(correlation: f64, requests_per_slice: f64) -> Self {
        let inflation = (requests_per_slice - 1.0).max(0.0) * correlation.clamp(0.0, 1.0);
        Self(Self::MARGIN * (1.0 + inflation))
    }

    /// As an earlier process had it. Never below the margin.
    pub fn of_divisor(divisor: f64) -> Self {
        Self(if divisor.is_finite() { divisor.max(Self::MARGIN) } else { Self::MARGIN })
    }

    pub const fn divisor(self) -> f64 {
        self.0
    }
}

fn mean_requests(slices: &[Counts], total: Counts) -> f64 {
    let with_requests = slices.iter().filter(|slice| !slice.is_empty()).count();
    #[expect(clippy::cast_precision_loss, reason = "a watch has thousands of slices, not 2^53")]
    let with_requests = with_requests.max(1) as f64;
    total.as_numbers().0 / with_requests
}

/// The moment estimate of the correlation within a slice, from
/// Σ(errorsᵢ − nᵢ·p)² = p·(1−p)·Σ nᵢ·(1+(nᵢ−1)·ρ).
fn correlation(slices: &[Counts], total: Counts) -> f64 {
    let (requests, errors) = total.as_numbers();
    let rate = errors / requests;
    let variance = rate * (1.0 - rate);
    let (mut spread, mut pairs) = (0.0, 0.0);
    for slice in slices {
        let (n, failed) = slice.as_numbers();
        spread += (failed - n * rate).powi(2);
        pairs += n * (n - 1.0);
    }
    if variance <= 0.0 || pairs <= 0.0 {
        return Tempering::CORRELATION_UNKNOWN;
    }
    ((spread / variance - requests) / pairs).clamp(0.0, 1.0)
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

    #[test]
    fn errors_that_are_spread_evenly_leave_only_the_margin() {
        let even = Tempering::learned_from(&slices(&[(50, 1)], 60));
        assert!((even.divisor() - Tempering::MARGIN).abs() < 1e-9);
    }

    #[test]
    fn errors_that_come_together_divide_the_evidence_by_much() {
        let bursts = Tempering::learned_from(&slices(&[(50, 0), (50, 0), (50, 0), (50, 4)], 15));
        assert!(bursts.divisor() > 4.0, "{bursts:?}");
    }

    #[test]
    fn a_clean_past_says_nothing_about_bursts() {
        let clean = Tempering::learned_from(&slices(&[(50, 0)], 60));
        assert_eq!(clean, Tempering::of(Tempering::CORRELATION_UNKNOWN, 50.0));
        assert_eq!(Tempering::learned_from(&[]).divisor().to_bits(), Tempering::MARGIN.to_bits());
    }

    #[test]
    fn it_never_amplifies() {
        assert_eq!(Tempering::of(-1.0, 0.0), Tempering::of_divisor(0.0));
        assert_eq!(Tempering::of_divisor(f64::NAN), Tempering::of_divisor(0.1));
    }
}
