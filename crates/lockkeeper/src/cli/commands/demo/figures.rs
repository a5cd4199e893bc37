//! What the demo measured: from what each customer saw, and from when the release moved.

use std::time::Duration;

use serde_json::{Value, json};

/// One request, in time since the first one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sample {
    pub at: Duration,
    pub ended: Duration,
    pub failed: bool,
}

/// When a release did what, in the same time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Moments {
    pub began: Duration,
    pub ended: Duration,
    /// It was decided that it goes back.
    pub turned_back: Option<Duration>,
    /// The old code serves again.
    pub old_code: Option<Duration>,
    /// All of it is back, the schema too.
    pub rolled_back: Option<Duration>,
}

/// What came of one release for its customers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Figures {
    pub took: Duration,
    pub requests: usize,
    pub failures: usize,
    /// From the first failure until it was decided to go back.
    pub detected: Option<Duration>,
    /// From there until the old code served.
    pub old_code: Option<Duration>,
    /// From there until everything was back.
    pub rolled_back: Option<Duration>,
    /// Of those who asked after the old code served again.
    pub failures_after: usize,
}

impl Figures {
    /// Of those who asked between the beginning of a release and its end.
    pub fn of(samples: &[Sample], moments: &Moments) -> Self {
        let asked = || samples.iter().filter(|sample| (moments.began..moments.ended).contains(&sample.at));
        let failed = || asked().filter(|sample| sample.failed);
        let first = failed().map(|sample| sample.ended).min();
        let since = |from: Option<Duration>, to: Option<Duration>| Some(to?.saturating_sub(from?));
        Self {
            took: moments.ended.saturating_sub(moments.began),
            requests: asked().count(),
            failures: failed().count(),
            detected: since(first, moments.turned_back),
            old_code: since(moments.turned_back, moments.old_code),
            rolled_back: since(moments.turned_back, moments.rolled_back),
            failures_after: moments.old_code.map_or(0, |back| failed().filter(|sample| sample.at > back).count()),
        }
    }

    pub fn to_json(&self) -> Value {
        let ms = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        json!({
            "took_ms": ms(self.took),
            "requests": self.requests,
            "failures": self.failures,
            "detected_ms": self.detected.map(ms),
            "old_code_serves_ms": self.old_code.map(ms),
            "rolled_back_ms": self.rolled_back.map(ms),
            "failures_after_old_code": self.failures_after,
        })
    }
}

/// How many of those who asked in each second there were, and how many of them failed.
pub fn by_second(samples: &[Sample], until: Duration) -> Vec<(usize, usize)> {
    let seconds = usize::try_from(until.as_secs()).unwrap_or(usize::MAX).saturating_add(1);
    let mut all = vec![(0, 0); seconds];
    for sample in samples {
        let second = usize::try_from(sample.at.as_secs()).unwrap_or(usize::MAX);
        if let Some(count) = all.get_mut(second) {
            count.0 += 1;
            count.1 += usize::from(sample.failed);
        }
    }
    all
}

const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// A bar for each value, the last `width` of them, against the highest of all; nothing is the lowest bar, and whatever
/// is more than nothing is higher.
pub fn sparkline(values: &[usize], highest: usize, width: usize) -> String {
    let shown = &values[values.len().saturating_sub(width)..];
    let bar = |value: &usize| match (*value).min(highest) {
        0 => BARS[0],
        value => BARS[1 + (value * (BARS.len() - 2)).div_euclid(highest.max(1))],
    };
    shown.iter().map(bar).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    const fn sample(at: u64, failed: bool) -> Sample {
        Sample { at: ms(at), ended: ms(at + 5), failed }
    }

    #[test]
    fn figures_are_those_of_the_release_and_no_other() {
        let moments = Moments {
            began: ms(1_000),
            ended: ms(9_000),
            turned_back: Some(ms(6_005)),
            old_code: Some(ms(6_500)),
            rolled_back: Some(ms(7_005)),
        };
        let samples =
            [sample(999, true), sample(1_000, false), sample(3_000, true), sample(6_400, true), sample(9_000, true)];
        let figures = Figures::of(&samples, &moments);
        assert_eq!((figures.requests, figures.failures, figures.failures_after), (3, 2, 0));
        assert_eq!((figures.detected, figures.old_code), (Some(ms(3_000)), Some(ms(495))));
        assert_eq!((figures.rolled_back, figures.took), (Some(ms(1_000)), ms(8_000)));
        let late = Figures::of(&[sample(6_501, true)], &moments);
        assert_eq!(late.failures_after, 1);
    }

    #[test]
    fn a_release_that_did_not_go_back_detected_nothing() {
        let moments = Moments { ended: ms(10), ..Moments::default() };
        let figures = Figures::of(&[sample(0, false)], &moments);
        assert_eq!((figures.detected, figures.rolled_back, figures.failures), (None, None, 0));
    }

    #[test]
    fn seconds_without_requests_are_there_too() {
        assert_eq!(by_second(&[sample(0, false), sample(2_100, true)], ms(3_000)), [(1, 0), (0, 0), (1, 1), (0, 0)]);
    }

    #[test]
    fn a_sparkline_shows_one_failure_in_a_hundred() {
        assert_eq!(sparkline(&[0, 1, 50, 100], 100, 10), "▁▂▅█");
        assert_eq!(sparkline(&[0, 0], 0, 10), "▁▁");
        assert_eq!(sparkline(&[1, 2, 3], 3, 2), "▆█");
        assert_eq!(sparkline(&[], 5, 10), "");
    }
}
