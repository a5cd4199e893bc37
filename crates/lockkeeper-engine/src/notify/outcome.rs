//! What became of one sending, and when to try again.

use std::time::Duration;

use lockkeeper_core::message;
use lockkeeper_core::model::Message;

use crate::http::{Exchange, Failure, Stopwatch};
use crate::postgres::Secret;

/// What a receiver did with an alert.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// It has it.
    Delivered(Message),
    /// It does not have it, and may later: not before this time, where it said so.
    Later { why: Message, after: Option<Duration> },
    /// It does not want it, and never will.
    Never(Message),
}

/// What of a receiver's answer is told.
const ANSWER_CHARS_MAX: usize = 200;

/// A path that is shorter guards nothing, and may be a part of any word.
const SECRET_PATH_BYTES_MIN: usize = 8;

/// Nobody is left alone longer than this, whatever they ask for.
pub const RETRY_AFTER_MAX: Duration = Duration::from_hours(6);

/// After this time an alert that nobody took is given up: what it tells of is three days old.
pub const GIVE_UP_AFTER: Duration = Duration::from_hours(72);

const FIRST_RETRY: Duration = Duration::from_secs(5);
const RETRY_MAX: Duration = Duration::from_mins(10);

/// How long to wait after this many tries: each time three times as long, up to ten minutes; before jitter.
pub fn backoff(attempts: u32) -> Duration {
    FIRST_RETRY.saturating_mul(3_u32.saturating_pow(attempts.saturating_sub(1).min(10))).min(RETRY_MAX)
}

/// When to try again, with the receiver's own wish heeded; never, once the alert is too old.
pub fn retry_in(attempts: u32, asked: Option<Duration>, age: Duration, jittered: Duration) -> Option<Duration> {
    debug_assert!(jittered <= backoff(attempts) * 2, "jitter moves a time by a quarter");
    let wait = jittered.max(asked.unwrap_or_default().min(RETRY_AFTER_MAX));
    (age + wait <= GIVE_UP_AFTER).then_some(wait)
}

/// By the answer to a request, as HTTP means it: 2xx is success, 408, 429 and 5xx pass, what else is 4xx stays.
/// A redirect is not followed and may be gone later.
pub(super) fn of_exchange(exchange: &Exchange, secrets: &[&Secret]) -> Outcome {
    let said = scrubbed(&String::from_utf8_lossy(&exchange.body), secrets);
    let status = exchange.status;
    match status {
        200..=299 => Outcome::Delivered(message!("notify-answered", status = status, said = said)),
        408 | 425 | 429 => Outcome::Later {
            why: message!("notify-not-now", status = status, said = said),
            after: exchange.retry_after,
        },
        400..=499 => Outcome::Never(message!("notify-refused", status = status, said = said)),
        _ => {
            Outcome::Later { why: message!("notify-failed", status = status, said = said), after: exchange.retry_after }
        }
    }
}

/// By why there was no answer: that may be mended.
pub(super) fn of_failure(failure: &Failure, watch: &Stopwatch) -> Outcome {
    // The address says which of a name's servers it was; the URL may be a secret and is never told.
    Outcome::Later { why: failure.message(watch, ""), after: None }
}

/// The beginning of a text of others, on one line, without any secret of ours that it repeats.
pub(super) fn scrubbed(text: &str, secrets: &[&Secret]) -> String {
    let mut text = text.to_owned();
    for secret in secrets.iter().map(|secret| secret.reveal()).filter(|secret| !secret.is_empty()) {
        text = text.replace(secret, "***");
        // Of an address, what follows the host is the secret, and is what a service repeats.
        if let Some((_, path)) = secret.split_once("://").and_then(|(_, rest)| rest.split_once('/'))
            && path.len() >= SECRET_PATH_BYTES_MIN
        {
            text = text.replace(path, "***");
        }
    }
    super::letter::cut(super::letter::one_line(&text).trim(), ANSWER_CHARS_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tries_grow_apart_and_end_after_three_days() {
        let waits: Vec<u64> = (1..=7).map(|attempt| backoff(attempt).as_secs()).collect();
        assert_eq!(waits, [5, 15, 45, 135, 405, 600, 600]);
        assert_eq!(backoff(u32::MAX), RETRY_MAX);
        assert_eq!(retry_in(1, None, Duration::ZERO, FIRST_RETRY), Some(FIRST_RETRY));
        assert_eq!(retry_in(1, None, GIVE_UP_AFTER, FIRST_RETRY), None);
    }

    #[test]
    fn a_receiver_is_left_alone_as_long_as_it_asks_within_reason() {
        let asked = |seconds| retry_in(1, Some(Duration::from_secs(seconds)), Duration::ZERO, FIRST_RETRY);
        assert_eq!(asked(30), Some(Duration::from_secs(30)));
        assert_eq!(asked(1), Some(FIRST_RETRY));
        assert_eq!(asked(1_000_000), Some(RETRY_AFTER_MAX));
    }

    #[test]
    fn an_answer_repeats_no_secret() {
        let secret = Secret::new("https://hooks.example/services/T0/B0/hunter2");
        let said = scrubbed("no such hook: /services/T0/B0/hunter2\nsorry", &[&secret]);
        assert_eq!(said, "no such hook: /*** sorry");
    }
}
