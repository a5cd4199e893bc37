//! The floor: an error rate at or above the threshold, so many checks in a row.

use std::num::NonZeroU32;

use super::counts::{Counts, Share};
use super::judgement::{Seen, WhyNothing};
use super::tempering::Tempering;
use crate::model::Verdict;

/// The rule that is fixed: 5 % errors, three checks in a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Floor {
    /// The share of errors from which on a check fails.
    pub error_share: Share,
    /// So many failing checks in a row are a breach.
    pub consecutive: NonZeroU32,
    /// Below so many requests in a window nothing is judged.
    ///
    /// No error among 59 requests is the least that shows, at 95 % confidence, a rate below 5 %:
    /// 0.95^59 < 0.05. With 15 requests in a window a single error would be more than 5 %.
    pub min_samples: u64,
}

impl Default for Floor {
    fn default() -> Self {
        Self { error_share: Share::percent(5), consecutive: THREE, min_samples: 59 }
    }
}

pub(super) const THREE: NonZeroU32 = NonZeroU32::new(3).expect("three is not zero");

impl Floor {
    /// The verdict on the requests of one window.
    pub const fn judge(&self, window: Counts) -> Verdict {
        if window.requests() < self.min_samples || window.is_empty() {
            Verdict::NoData
        } else if window.reach(self.error_share) {
            Verdict::Fail
        } else {
            Verdict::Pass
        }
    }

    /// The verdict on the requests of one window, with what it rests on.
    pub fn look(&self, window: Counts) -> (Verdict, Seen) {
        match self.judge(window) {
            Verdict::NoData | Verdict::ProbeError => {
                let (have, need) = (window.requests(), self.min_samples);
                (Verdict::NoData, Seen::Nothing(WhyNothing::TooFewRequests { have, need }))
            }
            verdict @ (Verdict::Pass | Verdict::Fail) => {
                (verdict, Seen::Errors { counts: window, threshold: self.error_share })
            }
        }
    }
}

impl Floor {
    /// The same, of requests whose errors come in bursts: `min_samples` counts independent ones, and these tell as
    /// much as fewer of them would.
    pub fn look_through(&self, window: Counts, tempering: Tempering) -> (Verdict, Seen) {
        let worth = tempering.worth(window);
        if window.requests() >= self.min_samples && worth < self.min_samples {
            let why = WhyNothing::TooBursty { have: window.requests(), worth, need: self.min_samples };
            return (Verdict::NoData, Seen::Nothing(why));
        }
        self.look(window)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::health::tempering::Correlation;

    fn judge(requests: u64, errors: u64) -> Verdict {
        Floor::default().judge(Counts::new(requests, errors).expect("errors are requests"))
    }

    #[test]
    fn five_percent_fails_and_a_little_less_passes() {
        assert_eq!(judge(1000, 49), Verdict::Pass);
        assert_eq!(judge(1000, 50), Verdict::Fail);
    }

    #[test]
    fn too_few_requests_are_no_data_however_many_fail() {
        assert_eq!(judge(58, 58), Verdict::NoData);
        assert_eq!(judge(59, 59), Verdict::Fail);
        assert_eq!(judge(0, 0), Verdict::NoData);
        let everything = Floor { min_samples: 0, ..Floor::default() };
        assert_eq!(everything.judge(Counts::NONE), Verdict::NoData, "nothing can't be judged");
    }

    #[test]
    fn bursts_make_a_window_too_small_and_never_a_verdict() {
        let through = |requests, errors, correlation| {
            let window = Counts::new(requests, errors).expect("errors are requests");
            let slice = Counts::new(requests / 6, 0).expect("errors are requests");
            Floor::default().look_through(window, Tempering::of(Correlation::of(correlation), slice)).0
        };
        assert_eq!(through(300, 300, 0.05), Verdict::NoData);
        assert_eq!(through(300, 14, 0.0), Verdict::Pass);
        assert_eq!(through(300, 15, 0.0), Verdict::Fail);
        assert_eq!(through(58, 58, 0.0), Verdict::NoData);
    }

    #[test]
    fn fifty_nine_is_the_least_number_of_clean_requests_that_shows_less_than_five_percent() {
        assert!(0.95_f64.powi(58) > 0.05);
        assert!(0.95_f64.powi(59) < 0.05);
    }
}
