//! The customers of the demo's shop: requests at a steady rate, each held against what it should have brought.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use lockkeeper_engine::seams::{instant, sleep};

use super::figures::Sample;
use super::wire;

/// Requests in a second.
pub const RATE: u32 = 100;

/// The shop's customers, as the first migration makes them.
const CUSTOMERS: u64 = 10_000;
/// Without a common divisor with their number, so that everybody's turn comes.
const STRIDE: u64 = 7_919;
/// Every so many requests one writes.
const WRITES_EVERY: u64 = 5;

/// A customer waits no longer.
const PATIENCE: Duration = Duration::from_secs(10);

/// Requests that go on until they are told to end, or their runtime does.
#[derive(Debug, Clone)]
pub struct Traffic(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    began: Instant,
    front: SocketAddr,
    is_over: AtomicBool,
    seen: Mutex<Seen>,
}

/// What the customers saw.
#[derive(Debug, Clone, Default)]
pub struct Seen {
    pub samples: Vec<Sample>,
    /// What the first few that failed were told.
    pub reasons: Vec<String>,
    /// Asked, and not answered yet.
    open: usize,
}

const REASONS_MAX: usize = 5;

impl Traffic {
    /// To be called on the runtime that is to do the work.
    pub fn start(front: SocketAddr) -> Self {
        let shared =
            Shared { began: instant(), front, is_over: AtomicBool::new(false), seen: Mutex::new(Seen::default()) };
        let traffic = Self(Arc::new(shared));
        tokio::spawn(traffic.clone().go_on());
        traffic
    }

    /// Since the first request.
    pub fn now(&self) -> Duration {
        self.0.began.elapsed()
    }

    pub fn seen(&self) -> Seen {
        self.0.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Nobody asks any more, and everybody who has asked is answered.
    pub async fn end(&self) -> Seen {
        self.0.is_over.store(true, Ordering::SeqCst);
        let began = instant();
        loop {
            let seen = self.seen();
            if seen.open == 0 || began.elapsed() > PATIENCE * 2 {
                return seen;
            }
            sleep(Duration::from_millis(10)).await;
        }
    }

    async fn go_on(self) {
        let mut due = Duration::ZERO;
        for number in 1.. {
            sleep(due.saturating_sub(self.now())).await;
            if self.0.is_over.load(Ordering::SeqCst) {
                return;
            }
            self.0.seen.lock().unwrap_or_else(PoisonError::into_inner).open += 1;
            // Whoever waits keeps nobody else from asking.
            tokio::spawn(self.clone().one(number));
            due += Duration::from_secs(1) / RATE;
        }
    }

    async fn one(self, number: u64) {
        let at = self.now();
        let request = Request::of(number);
        let answer = tokio::select! {
            answer = wire::ask(self.0.front, request.method, &request.path) => answer.map_err(|error| error.to_string()),
            () = sleep(PATIENCE) => Err("no answer".to_owned()),
        };
        let failure = match answer {
            Ok((200, body)) if request.is_answered_by(&body) => None,
            Ok((status, body)) => Some(format!("{status} {}", body.trim())),
            Err(reason) => Some(reason),
        };
        let mut seen = self.0.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.open -= 1;
        seen.samples.push(Sample { at, ended: self.now(), failed: failure.is_some() });
        if seen.reasons.len() < REASONS_MAX {
            seen.reasons.extend(failure.map(|reason| format!("{} {}: {reason}", request.method, request.path)));
        }
    }
}

/// One request, and the name that its answer begins with.
#[derive(Debug, PartialEq, Eq)]
struct Request {
    method: &'static str,
    path: String,
    name: String,
    /// Whether it is the whole name.
    is_whole: bool,
}

impl Request {
    fn of(number: u64) -> Self {
        let id = number * STRIDE % CUSTOMERS + 1;
        if number.is_multiple_of(WRITES_EVERY) {
            let last = format!("Last{id}-{number}");
            let path = format!("/customers/{id}/First{id}/{last}");
            return Self { method: "PUT", path, name: format!("First{id} {last}"), is_whole: true };
        }
        // Others may have written meanwhile what comes behind.
        Self { method: "GET", path: format!("/customers/{id}"), name: format!("First{id} Last{id}"), is_whole: false }
    }

    /// A page without the name that it should show is a failure, whatever its status is.
    fn is_answered_by(&self, body: &str) -> bool {
        body.strip_prefix(&self.name).is_some_and(|rest| {
            let more = if self.is_whole { [",", ","] } else { [",", "-"] };
            rest.is_empty() || more.iter().any(|start| rest.starts_with(start))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_is_asked_for_and_one_in_ten_has_no_orders() {
        let requests: Vec<Request> = (1..=CUSTOMERS).map(Request::of).collect();
        let ids: std::collections::BTreeSet<&str> =
            requests.iter().filter_map(|request| request.path.split('/').nth(2)).collect();
        assert_eq!(ids.len(), 10_000);
        for hundred in requests.chunks(100) {
            let without = |it: &&Request| it.path.split('/').nth(2).is_some_and(|id| id.ends_with('0'));
            assert_eq!(hundred.iter().filter(without).count(), 10);
        }
    }

    #[test]
    fn a_page_without_the_right_name_is_a_failure() {
        let read = Request::of(1);
        assert_eq!((read.method, read.path.as_str()), ("GET", "/customers/7920"));
        for right in ["First7920 Last7920", "First7920 Last7920-15", "First7920 Last7920, 792000"] {
            assert!(read.is_answered_by(right), "{right}");
        }
        for wrong in ["", "First7920", "First7920 Last79201", "First7921 Last7921"] {
            assert!(!read.is_answered_by(wrong), "{wrong}");
        }
        let write = Request::of(5);
        assert_eq!(write.method, "PUT");
        assert!(write.is_answered_by(&write.name) && !write.is_answered_by(&format!("{}7", write.name)));
    }
}
