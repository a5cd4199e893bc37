//! Hard down: nothing answers, again and again.

use std::num::NonZeroU32;
use std::time::Duration;

use super::floor::THREE;
use super::streak::{NoDataPolicy, Streak};
use crate::model::Verdict;

/// Looks in a row in which every probe failed.
///
/// A look is all the probes of one `confirm_interval`. So a service that is probed five times a
/// second is not called down after half a second, and one that is probed every 30 s is confirmed
/// within seconds: after a failure the next probe is due one `confirm_interval` later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HardDown {
    pub consecutive: NonZeroU32,
    pub confirm_interval: Duration,
}

impl Default for HardDown {
    fn default() -> Self {
        Self { consecutive: THREE, confirm_interval: Duration::from_secs(5) }
    }
}

impl HardDown {
    /// The verdict on the probes of one look: `failed` of `made`.
    pub const fn judge(made: u64, failed: u64) -> Verdict {
        if made == 0 {
            Verdict::NoData
        } else if failed >= made {
            Verdict::Fail
        } else {
            Verdict::Pass
        }
    }

    /// The streak after one more look. Without a probe it stays as it is.
    #[must_use]
    pub const fn after(streak: Streak, look: Verdict) -> Streak {
        streak.after(look, NoDataPolicy::Hold)
    }

    /// How long to wait before the next probe, of a check that is made every `interval`.
    pub fn next_probe_in(&self, streak: Streak, last_failed: bool, interval: Duration) -> Duration {
        if last_failed || streak.failures() > 0 { interval.min(self.confirm_interval) } else { interval }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_answer_is_enough_to_be_up() {
        assert_eq!(HardDown::judge(25, 24), Verdict::Pass);
        assert_eq!(HardDown::judge(25, 25), Verdict::Fail);
        assert_eq!(HardDown::judge(1, 1), Verdict::Fail);
        assert_eq!(HardDown::judge(0, 0), Verdict::NoData);
    }

    #[test]
    fn a_failure_is_confirmed_soon_and_a_frequent_probe_is_not_slowed_down() {
        let rule = HardDown::default();
        let (often, rarely) = (Duration::from_millis(200), Duration::from_secs(30));
        assert_eq!(rule.next_probe_in(Streak::default(), false, rarely), rarely);
        assert_eq!(rule.next_probe_in(Streak::default(), true, rarely), Duration::from_secs(5));
        assert_eq!(rule.next_probe_in(Streak::of(1), false, rarely), Duration::from_secs(5));
        assert_eq!(rule.next_probe_in(Streak::of(1), true, often), often);
    }
}
