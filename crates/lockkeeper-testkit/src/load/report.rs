//! What a load saw: phases with their latencies, failures, and rows that went astray.

use std::time::{Duration, Instant};

use hdrhistogram::Histogram;

/// Two figures of microseconds are told apart up to ten minutes.
const LATENCY_US_MAX: u64 = 600_000_000;

/// What a load saw from its start to its end.
#[derive(Debug)]
pub struct LoadReport {
    /// In the order in which they were marked.
    pub phases: Vec<Phase>,
    /// Every statement that failed and every connection that broke.
    pub errors: Vec<LoadError>,
    pub divergence: Divergence,
    pub took: Duration,
}

/// The requests that were due between two marks.
#[derive(Clone)]
pub struct Phase {
    pub name: String,
    /// Requests that came to an end, well or not.
    pub requests: u64,
    /// Statements sent for them, BEGIN and COMMIT not counted.
    pub statements: u64,
    pub failed: u64,
    /// The longest time from the moment when a request was due to its answer, of all requests that were waiting
    /// at some time of the phase: one that was due before it and got stuck counts as well.
    pub longest: Duration,
    /// The same of requests that were due and answered within the phase: what is nobody else's doing.
    pub longest_within: Duration,
    began: Instant,
    latencies_us: Histogram<u64>,
}

/// One failure, as an application would log it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoadError {
    pub phase: String,
    /// Since the load began.
    pub at: Duration,
    /// Five characters of the server's, or `lost` when the connection broke.
    pub sqlstate: String,
    pub message: String,
    pub statement: String,
}

/// Rows, as JSON, that stand in one of the twins only. Both lists are empty when nothing was lost.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Divergence {
    pub only_in_table: Vec<String>,
    pub only_in_twin: Vec<String>,
}

impl Divergence {
    pub const fn is_empty(&self) -> bool {
        self.only_in_table.is_empty() && self.only_in_twin.is_empty()
    }
}

impl LoadReport {
    /// # Panics
    /// When no phase of that name was marked.
    #[track_caller]
    pub fn phase(&self, name: &str) -> &Phase {
        self.phases.iter().find(|phase| phase.name == name).unwrap_or_else(|| panic!("no phase {name}"))
    }

    pub fn longest(&self) -> Duration {
        self.phases.iter().map(|phase| phase.longest).max().unwrap_or_default()
    }

    pub fn requests(&self) -> u64 {
        self.phases.iter().map(|phase| phase.requests).sum()
    }
}

impl Phase {
    fn new(name: &str, began: Instant) -> Self {
        let latencies_us = Histogram::new_with_max(LATENCY_US_MAX, 3).unwrap_or_else(|error| panic!("{error:?}"));
        let (requests, statements, failed, longest, longest_within) = (0, 0, 0, Duration::ZERO, Duration::ZERO);
        Self { name: name.to_owned(), requests, statements, failed, longest, longest_within, began, latencies_us }
    }

    /// The latency that so many per cent of the requests did not exceed: `percentile(99.0)`.
    pub fn percentile(&self, percent: f64) -> Duration {
        Duration::from_micros(self.latencies_us.value_at_percentile(percent))
    }

    /// How many requests took at least that long.
    pub fn slower_than(&self, latency: Duration) -> u64 {
        self.latencies_us.count_between(micros(latency), LATENCY_US_MAX)
    }
}

impl std::fmt::Debug for Phase {
    /// Without the thousands of counters of the histogram.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { name, requests, failed, longest, .. } = self;
        let (median, p99) = (self.percentile(50.0), self.percentile(99.0));
        write!(f, "{name}: {requests} requests, {failed} failed, median {median:?}, p99 {p99:?}, longest {longest:?}")
    }
}

fn micros(latency: Duration) -> u64 {
    u64::try_from(latency.as_micros()).unwrap_or(LATENCY_US_MAX).min(LATENCY_US_MAX)
}

/// What is put down while the load runs.
#[derive(Debug)]
pub(super) struct Record {
    began: Instant,
    phases: Vec<Phase>,
    errors: Vec<LoadError>,
}

impl Default for Record {
    fn default() -> Self {
        Self::new()
    }
}

/// A failure that has not got its place in time yet.
pub(super) struct Failure {
    pub sqlstate: String,
    pub message: String,
    pub statement: String,
}

impl Record {
    pub fn new() -> Self {
        let began = Instant::now();
        Self { began, phases: vec![Phase::new("before", began)], errors: Vec::new() }
    }

    pub fn mark(&mut self, name: &str, at: Instant) {
        self.phases.push(Phase::new(name, at));
    }

    /// A request that was due then has come to its end now.
    pub fn ended(&mut self, due: Instant, statements: u64, failure: Option<Failure>) {
        let now = Instant::now();
        let latency = now.saturating_duration_since(due);
        // By when it was due, so that a request which a migration delays counts to the migration.
        let place = self.phases.iter().rposition(|phase| phase.began <= due).unwrap_or(0);
        for phase in self.phases.iter_mut().skip(place).take_while(|phase| phase.began <= now) {
            phase.longest = phase.longest.max(latency);
        }
        let is_within = self.phases.get(place + 1).is_none_or(|next| next.began > now);
        let phase = &mut self.phases[place];
        phase.requests += 1;
        phase.statements += statements;
        if is_within {
            phase.longest_within = phase.longest_within.max(latency);
        }
        phase.latencies_us.saturating_record(micros(latency));
        if let Some(Failure { sqlstate, message, statement }) = failure {
            phase.failed += 1;
            let (phase, at) = (phase.name.clone(), now.saturating_duration_since(self.began));
            self.errors.push(LoadError { phase, at, sqlstate, message, statement });
        }
    }

    pub fn finish(self, took: Duration, divergence: Divergence) -> LoadReport {
        LoadReport { phases: self.phases, errors: self.errors, divergence, took }
    }
}
