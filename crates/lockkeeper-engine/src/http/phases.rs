//! How long each step of a request took.

use std::time::{Duration, Instant};

use crate::seams;

/// A step of a request, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    Resolve,
    Connect,
    Tls,
    FirstByte,
    Transfer,
}

impl Phase {
    /// The name in messages, and of the reading.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Resolve => "resolve_ms",
            Self::Connect => "connect_ms",
            Self::Tls => "tls_ms",
            Self::FirstByte => "first_byte_ms",
            Self::Transfer => "transfer_ms",
        }
    }

    /// What people call it.
    pub fn word(self) -> &'static str {
        self.as_str().trim_end_matches("_ms")
    }
}

/// Measures the steps of one request. It outlives the request, so that one that was cut off still says where.
#[derive(Debug)]
pub struct Stopwatch {
    began: Instant,
    /// The step under way, and when it began.
    current: (Phase, Instant),
    ended: Vec<(Phase, Duration)>,
    stopped: Option<Duration>,
}

impl Stopwatch {
    pub fn start() -> Self {
        let now = seams::instant();
        Self { began: now, current: (Phase::Resolve, now), ended: Vec::new(), stopped: None }
    }

    /// The step under way is over, and this one begins.
    pub fn enter(&mut self, next: Phase) {
        let now = seams::instant();
        let (phase, began) = std::mem::replace(&mut self.current, (next, now));
        self.ended.push((phase, now - began));
    }

    /// All is over.
    pub fn stop(&mut self) {
        if self.stopped.is_none() {
            let now = seams::instant();
            let (phase, began) = self.current;
            self.ended.push((phase, now - began));
            self.stopped = Some(now - self.began);
        }
    }

    /// The step that was under way last.
    pub const fn phase(&self) -> Phase {
        self.current.0
    }

    pub fn total(&self) -> Duration {
        self.stopped.unwrap_or_else(|| seams::instant() - self.began)
    }

    /// How long each step took that is over.
    pub fn ended(&self) -> &[(Phase, Duration)] {
        &self.ended
    }
}

/// Milliseconds with three decimals at most.
pub(super) fn milliseconds_shown(duration: Duration) -> String {
    let text = format!("{:.3}", duration.as_secs_f64() * 1_000.0);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}
