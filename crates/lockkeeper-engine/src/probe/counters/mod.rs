//! Counters: how many requests there were since the take before, and how many of them were errors.
//!
//! They come from the application's own `/metrics`, or from a JSON document with two numbers.

mod exposition;
mod increase;
mod scan;
mod selector;

use lockkeeper_core::health::{Counts, Measurement};
use lockkeeper_core::message;
use lockkeeper_core::model::{Message, Verdict};
use serde_json::Value;

use super::fetch::Fetcher;
use super::http::{JsonPointer, found};
use super::reading::{Reading, Taken, not_a_number};
use crate::http::HttpRequest;
use crate::seams;
use increase::Totals;
pub use selector::Selector;

/// Where the two counters are.
#[derive(Debug, Clone)]
pub enum CountersPlace {
    /// Prometheus' text format, or `OpenMetrics`: the series that each selector selects, summed up.
    Exposition { requests: Selector, errors: Selector },
    /// A JSON document with a number at each place.
    Json { requests: JsonPointer, errors: JsonPointer },
}

/// Counters that an application keeps of its own requests.
#[derive(Debug)]
pub struct CountersProbe {
    fetcher: Fetcher,
    place: CountersPlace,
    before: Option<Reckoning>,
}

/// The counters as one take saw them.
#[derive(Debug, Clone, Default)]
struct Reckoning {
    requests: Totals,
    errors: Totals,
    /// When the process began that answered, in seconds since 1970, where it says so.
    process_began: Option<f64>,
}

impl CountersProbe {
    pub const fn new(request: HttpRequest, place: CountersPlace) -> Self {
        Self { fetcher: Fetcher::new(request), place, before: None }
    }

    /// What was counted since the take before. The first take has nothing to compare with.
    pub async fn take(&mut self) -> Taken {
        let document = self.fetcher.document().await;
        let at = seams::wall_clock();
        let now = match document.map(|body| self.read(&body)) {
            Err(why) | Ok(Err(Unread::Broken(why))) => return Taken::bare(at, Verdict::ProbeError, why),
            Ok(Err(Unread::Missing(why))) => return Taken::bare(at, Verdict::NoData, why),
            Ok(Ok(now)) => now,
        };
        let counts = match &mut self.before {
            None => {
                self.before = Some(now);
                return Taken::bare(at, Verdict::NoData, message!("probe-counters-first"));
            }
            Some(before) => match before.advance(now) {
                Ok(counts) => counts,
                Err(why) => return Taken::bare(at, Verdict::NoData, why),
            },
        };
        let said = message!("probe-counters", errors = counts.errors(), requests = counts.requests());
        let number = |count: u64| f64::from(u32::try_from(count).unwrap_or(u32::MAX));
        let readings = vec![
            Reading::new("requests", number(counts.requests()), None),
            Reading::new("errors", number(counts.errors()), None),
        ];
        Taken { measurement: Measurement { at, verdict: Verdict::Pass, counts, took: Vec::new(), said }, readings }
    }

    fn read(&self, body: &[u8]) -> Result<Reckoning, Unread> {
        match &self.place {
            CountersPlace::Exposition { requests, errors } => read_exposition(body, requests, errors),
            CountersPlace::Json { requests, errors } => {
                let one = |at: &JsonPointer| {
                    let value = found(body, at).map_err(Unread::Missing)?;
                    let number = number(&value).ok_or_else(|| {
                        message!("probe-counters-not-counter", at = at.as_str(), value = value.to_string())
                    });
                    Ok(Totals::single(number.map_err(Unread::Missing)?))
                };
                Ok(Reckoning { requests: one(requests)?, errors: one(errors)?, process_began: None })
            }
        }
    }
}

/// Why a document brought no counters.
enum Unread {
    /// Nobody can read it.
    Broken(Message),
    /// It can be read, and they are not in it or are no counters.
    Missing(Message),
}

/// The metric by which every Prometheus client library says when its process began.
const PROCESS_BEGAN: &str = "process_start_time_seconds";

fn read_exposition(body: &[u8], requests: &Selector, errors: &Selector) -> Result<Reckoning, Unread> {
    let text = std::str::from_utf8(body)
        .map_err(|_| Unread::Broken(message!("probe-counters-unreadable", line = 0, reason = "UTF-8")))?;
    let mut now = Reckoning::default();
    let mut knows_errors = false;
    for line in exposition::lines(text) {
        let line = line.map_err(|fault| {
            Unread::Broken(message!("probe-counters-unreadable", line = fault.line, reason = fault.text))
        })?;
        let sample = match line {
            exposition::Line::Family(name) => {
                knows_errors |= name == errors.name() || format!("{name}_total") == errors.name();
                continue;
            }
            exposition::Line::Sample(sample) => sample,
        };
        knows_errors |= sample.name == errors.name();
        if sample.name == PROCESS_BEGAN && sample.labels.is_empty() {
            now.process_began = Some(sample.value).filter(|began| began.is_finite());
        }
        for (selector, totals) in [(requests, &mut now.requests), (errors, &mut now.errors)] {
            if selector.selects(&sample) {
                totals.add(sample.key(), sample.value).map_err(Unread::Missing)?;
            }
        }
    }
    if now.requests.is_empty() {
        return Err(Unread::Missing(message!("probe-counters-no-series", selector = requests.to_string())));
    }
    if !knows_errors {
        // A misspelt name would otherwise be a service without errors.
        return Err(Unread::Missing(message!("probe-counters-no-errors", name = errors.name())));
    }
    Ok(now)
}

impl Reckoning {
    /// What was counted since, and `now` in place of this one. When what was counted cannot be, this one stays, so
    /// that the next take is compared with the last one that could.
    fn advance(&mut self, now: Self) -> Result<Counts, Message> {
        if let (Some(before), Some(after)) = (self.process_began, now.process_began)
            && after < before
        {
            return Err(message!("probe-counters-several"));
        }
        let (requests, errors) = (now.requests.since(&self.requests), now.errors.since(&self.errors));
        let counts = counted(requests, errors)
            .ok_or_else(|| message!("probe-counters-nonsense", errors = errors, requests = requests))?;
        self.requests.become_now(now.requests);
        self.errors.become_now(now.errors);
        self.process_began = now.process_began;
        Ok(counts)
    }
}

/// An application that counts a request when it begins and its error when it ends brings more errors than requests
/// when more were under way at the take before. Those are at most as many as were under way then, however long it
/// goes on, so that they become few beside the requests since; errors that are not counted together with the requests
/// keep their share.
const SURPLUS_SHARE: u64 = 10;

/// What so many requests and errors come to, or `None` when the errors cannot be those of the requests. A surplus that
/// is at most a tenth of the requests belongs to requests that were counted before.
fn counted(requests: u64, errors: u64) -> Option<Counts> {
    let surplus = errors.saturating_sub(requests);
    if surplus > requests / SURPLUS_SHARE {
        return None;
    }
    Counts::new(requests, errors.min(requests))
}

/// A number that a counter can have.
fn number(value: &Value) -> Option<f64> {
    value.as_f64().filter(|number| number.is_finite() && *number >= 0.0)
}

/// What is no value of a counter, or `None` when it is one.
fn not_a_counter(name: &str, value: f64) -> Option<Message> {
    if !value.is_finite() {
        return Some(message!("probe-value-missing", name = name, why = not_a_number(value)));
    }
    (value < 0.0).then(|| message!("probe-counters-not-counter", at = name, value = value.to_string()))
}

#[cfg(test)]
mod tests;
