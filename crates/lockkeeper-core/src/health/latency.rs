//! How long requests take: histograms that can be merged, and the rule on their percentiles.

use std::time::Duration;

use hdrhistogram::Histogram;
use hdrhistogram::serialization::{Deserializer, Serializer, V2Serializer};

use super::judgement::WhyNothing;

/// Durations, counted in buckets of 1 % (G. Tene's HDR histogram), from 1 µs to an hour.
///
/// Percentiles of windows cannot be averaged; histograms can be added.
#[derive(Debug, Clone, PartialEq)]
pub struct Latencies(Histogram<u64>);

const MICROS_MAX: u64 = 3_600_000_000;

impl Default for Latencies {
    fn default() -> Self {
        Self(Histogram::new_with_bounds(1, MICROS_MAX, 2).expect("the bounds are constants"))
    }
}

impl Latencies {
    /// What is longer than an hour counts as an hour.
    pub fn record(&mut self, took: Duration) {
        self.0.saturating_record(u64::try_from(took.as_micros()).unwrap_or(MICROS_MAX).clamp(1, MICROS_MAX));
    }

    pub fn add(&mut self, other: &Self) {
        self.0.add(&other.0).expect("all of them have the same bounds");
    }

    /// In the format that HDR histograms have in every language, version 2, uncompressed.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        V2Serializer::new().serialize(&self.0, &mut bytes).expect("a vector takes everything");
        bytes
    }

    /// `None` for what is no histogram of durations that these could be.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let read: Histogram<u64> = Deserializer::new().deserialize(&mut &*bytes).ok()?;
        let mut latencies = Self::default();
        latencies.0.add(&read).ok()?;
        Some(latencies)
    }

    pub fn len(&self) -> u64 {
        self.0.len()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The time within which so many percent of them were done. `None` without any.
    pub fn percentile(&self, percent: f64) -> Option<Duration> {
        (!self.is_empty()).then(|| Duration::from_micros(self.0.value_at_percentile(percent)))
    }
}

/// Percentiles must stay below a multiple of what they were before.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LatencyRule {
    /// In percent: 95, 99.
    pub percentile: f64,
    /// So many times the baseline is still well.
    pub factor: f64,
    /// What is faster than this is well whatever the baseline was: 2 ms for 1 ms hurts nobody.
    pub fast_enough: Duration,
}

impl LatencyRule {
    /// So many durations are needed that ten of them lie above the percentile: 200 for the 95th,
    /// 1,000 for the 99th.
    pub fn samples_min(&self) -> u64 {
        let above = (100.0 - self.percentile).max(0.001);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 10 and a million")]
        let samples = (1_000.0 / above).ceil() as u64;
        samples
    }

    /// The longest that is still well, after such a baseline. `None` when the baseline is too thin.
    pub fn bound(&self, baseline: &Latencies) -> Option<Duration> {
        if baseline.len() < self.samples_min() {
            return None;
        }
        baseline.percentile(self.percentile).map(|before| before.mul_f64(self.factor).max(self.fast_enough))
    }

    /// The window's percentile beside its bound, or why they cannot be compared.
    pub fn compare(&self, window: &Latencies, baseline: &Latencies) -> Result<(Duration, Duration), WhyNothing> {
        let bound = self.bound(baseline).ok_or(WhyNothing::NoBaseline)?;
        let (have, need) = (window.len(), self.samples_min());
        let took = window.percentile(self.percentile).filter(|_| have >= need);
        took.map(|took| (took, bound)).ok_or(WhyNothing::TooFewRequests { have, need })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Verdict;

    const RULE: LatencyRule = LatencyRule { percentile: 95.0, factor: 2.0, fast_enough: Duration::from_millis(5) };

    fn judge(rule: LatencyRule, window: &Latencies, baseline: &Latencies) -> Verdict {
        match rule.compare(window, baseline) {
            Ok((took, bound)) if took > bound => Verdict::Fail,
            Ok(_) => Verdict::Pass,
            Err(_) => Verdict::NoData,
        }
    }

    fn latencies(slow: u64, of: u64, slow_ms: u64) -> Latencies {
        let mut all = Latencies::default();
        for index in 0..of {
            all.record(Duration::from_millis(if index < slow { slow_ms } else { 10 }));
        }
        all
    }

    #[test]
    fn merged_histograms_are_the_histogram_of_both() {
        let mut merged = latencies(0, 100, 0);
        merged.add(&latencies(100, 100, 500));
        assert_eq!(merged, latencies(100, 200, 500));
    }

    #[test]
    fn they_come_back_from_their_bytes() {
        for latencies in [Latencies::default(), latencies(30, 1000, 9000)] {
            assert_eq!(Latencies::from_bytes(&latencies.to_bytes()), Some(latencies));
        }
        let bytes = latencies(1, 2, 100).to_bytes();
        for end in 0..bytes.len() {
            // Whatever is cut off: nothing panics.
            let _ = Latencies::from_bytes(&bytes[..end]);
        }
        assert_eq!(Latencies::from_bytes(b"no histogram"), None);
    }

    #[test]
    fn the_percentile_decides_not_the_mean() {
        let baseline = latencies(0, 1000, 0);
        assert_eq!(judge(RULE, &latencies(30, 1000, 9000), &baseline), Verdict::Pass);
        assert_eq!(judge(RULE, &latencies(60, 1000, 100), &baseline), Verdict::Fail);
        assert_eq!(judge(RULE, &latencies(1000, 1000, 15), &baseline), Verdict::Pass, "within twice the baseline");
    }

    #[test]
    fn too_few_durations_judge_nothing_on_either_side() {
        assert_eq!(RULE.samples_min(), 200);
        assert_eq!(judge(RULE, &latencies(199, 199, 9000), &latencies(0, 1000, 0)), Verdict::NoData);
        assert_eq!(judge(RULE, &latencies(200, 200, 9000), &latencies(0, 199, 0)), Verdict::NoData);
    }

    #[test]
    fn what_is_fast_is_fast_enough() {
        let rule = LatencyRule { fast_enough: Duration::from_millis(200), ..RULE };
        assert_eq!(judge(rule, &latencies(1000, 1000, 150), &latencies(0, 1000, 0)), Verdict::Pass);
    }
}
