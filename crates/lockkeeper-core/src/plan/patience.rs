//! How often a lock is asked for, how long each time, and how long everybody is let pass in between.
//!
//! Short attempts first and long ones rarely, after GitLab's lock retries: a short wait queues few behind it,
//! and the rare long one gets through where traffic never pauses. It always ends: nothing is ever tried
//! without a limit.

use std::time::Duration;

/// One attempt at a transaction that needs locks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attempt {
    /// How long a statement may wait, and others behind it.
    pub lock_timeout: Duration,
    /// How long everybody is let pass before the next attempt, before jitter.
    pub pause: Duration,
}

/// Thousandths of the longest wait, and milliseconds of pause behind it. The table repeats when more attempts
/// are allowed than it has.
const SCHEDULE: [(u32, u64); 20] = [
    (50, 50),
    (50, 50),
    (100, 50),
    (150, 100),
    (200, 150),
    (250, 500),
    (250, 1_000),
    (250, 2_000),
    (500, 2_000),
    (1_000, 5_000),
    (50, 50),
    (50, 50),
    (100, 100),
    (250, 1_000),
    (500, 2_000),
    (1_000, 5_000),
    (250, 1_000),
    (500, 2_000),
    (500, 5_000),
    (1_000, 5_000),
];

/// No attempt is shorter: below this a busy server's own delays would use it up.
const LOCK_TIMEOUT_MIN: Duration = Duration::from_millis(10);

/// What is left to wait for a further table while others wait for one that the transaction has locked already:
/// all of its waits together last no longer than one would.
pub fn rest_of(lock_timeout: Duration, since_first: Duration) -> Duration {
    lock_timeout.saturating_sub(since_first).max(FURTHER_LOCK_MIN)
}

/// A busy table's lock is hardly to be had in less.
const FURTHER_LOCK_MIN: Duration = Duration::from_millis(50);

/// The attempts, in order. `lock_timeout` is the longest that any of them waits; the last one always waits
/// that long, so that a budget of one attempt is one honest attempt.
pub fn attempts(lock_timeout: Duration, count: u32) -> Vec<Attempt> {
    let count = usize::try_from(count.max(1)).unwrap_or(usize::MAX);
    let mut attempts: Vec<_> = SCHEDULE
        .iter()
        .cycle()
        .take(count)
        .map(|(thousandths, pause_ms)| Attempt {
            lock_timeout: (lock_timeout * *thousandths / 1_000).max(LOCK_TIMEOUT_MIN.min(lock_timeout)),
            pause: Duration::from_millis(*pause_ms),
        })
        .collect();
    if let Some(last) = attempts.last_mut() {
        last.lock_timeout = lock_timeout;
    }
    attempts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn never_longer_than_asked_and_the_last_is_the_longest() {
        for (longest_ms, count) in [(2_000, 20), (300, 4), (5, 3), (60_000, 1), (2_000, 45)] {
            let longest = Duration::from_millis(longest_ms);
            let attempts = attempts(longest, count);
            assert_eq!(attempts.len(), usize::try_from(count).unwrap());
            assert!(attempts.iter().all(|it| it.lock_timeout <= longest && !it.lock_timeout.is_zero()));
            assert_eq!(attempts.last().unwrap().lock_timeout, longest);
        }
        assert_eq!(attempts(Duration::from_secs(2), 0).len(), 1);
    }

    #[test]
    fn twenty_attempts_take_about_a_minute() {
        let attempts = attempts(Duration::from_secs(2), 20);
        let total: Duration = attempts.iter().map(|it| it.lock_timeout + it.pause).sum();
        assert!((30..90).contains(&total.as_secs()), "{total:?}");
    }
}
