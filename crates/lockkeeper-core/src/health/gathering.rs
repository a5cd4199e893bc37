//! What a slice, a look or a window gathers until it ends.

use std::time::Duration;

use jiff::Timestamp;

use super::check::Measurement;
use super::counts::Counts;
use super::latency::Latencies;
use crate::model::Verdict;

/// What one slice, look or window has gathered.
#[derive(Debug, Clone)]
pub(super) struct Gathering {
    pub(super) opened: Timestamp,
    lasts: Duration,
    pub(super) counts: Counts,
    /// Made with the first duration: most slices never need one.
    pub(super) latencies: Option<Latencies>,
    pub(super) last_error: Option<Timestamp>,
    pub(super) last: Option<Measurement>,
}

impl Gathering {
    pub(super) fn new(opened: Timestamp, lasts: Duration) -> Self {
        let lasts = lasts.max(Duration::from_millis(1));
        Self { opened, lasts, counts: Counts::NONE, latencies: None, last_error: None, last: None }
    }

    pub(super) fn lasts_for(&self, lasts: Duration) -> bool {
        self.lasts == lasts
    }

    pub(super) fn ends(&self) -> Timestamp {
        self.opened.checked_add(self.lasts).unwrap_or(Timestamp::MAX)
    }

    pub(super) fn add(&mut self, measurement: &Measurement) {
        self.counts = self.counts.plus(measurement.counts);
        for took in &measurement.took {
            self.latencies.get_or_insert_default().record(*took);
        }
        if measurement.counts.errors() > 0 || measurement.verdict == Verdict::Fail {
            self.last_error = Some(measurement.at);
        }
        self.last = Some(measurement.clone());
    }

    /// What was gathered, and a new beginning. A time in which nobody looked is skipped, not filled.
    pub(super) fn close(&mut self, now: Timestamp) -> Self {
        let mut next = self.ends();
        if next.duration_until(now).unsigned_abs() >= self.lasts && now > next {
            next = now;
        }
        std::mem::replace(self, Self::new(next, self.lasts))
    }
}
