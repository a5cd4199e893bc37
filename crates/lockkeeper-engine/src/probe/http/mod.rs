//! The HTTP probe: one request over one new connection, and whether its answer is as expected.

mod body;
mod certificate;
mod status;

use std::time::Duration;

use lockkeeper_core::health::{Counts, Measurement};
use lockkeeper_core::message;
use lockkeeper_core::model::{Message, Verdict};

use super::reading::{Reading, Taken, milliseconds, shown};
use crate::http::{Client, Exchange, HttpRequest, Phase, Stopwatch};
use crate::seams;
pub use body::{BodyCondition, JsonPointer};
pub(super) use body::{found, shortened};
pub use certificate::CertificateProbe;
pub use status::ExpectedStatus;

/// What has to be true of an answer.
#[derive(Debug, Clone, Default)]
pub struct HttpExpectation {
    pub status: ExpectedStatus,
    pub body: Vec<BodyCondition>,
    /// From the first step to the last byte.
    pub took_max: Option<Duration>,
}

/// A probe of one HTTP service.
#[derive(Debug)]
pub struct HttpProbe {
    client: Client,
    expected: HttpExpectation,
}

/// The reading of days until the server's certificate ends.
pub const CERTIFICATE_DAYS: &str = "certificate_days";

impl HttpProbe {
    pub fn new(request: HttpRequest, expected: HttpExpectation) -> Self {
        Self { client: Client::new(request), expected }
    }

    /// One request. Whatever is wrong with the target fails; what is wrong with ourselves is a probe error.
    pub async fn take(&mut self) -> Taken {
        let mut watch = Stopwatch::start();
        let outcome = self.client.exchange(&mut watch).await;
        let at = seams::wall_clock();
        let total = watch.total();
        let phase = |(phase, took): &(Phase, Duration)| Reading::new(phase.as_str(), milliseconds(*took), None);
        let mut readings: Vec<Reading> = watch.ended().iter().map(phase).collect();
        readings.push(Reading::new("total_ms", milliseconds(total), None));
        let from = self.client.address().map_or_else(String::new, |address| address.to_string());
        let (verdict, answered, said) = match outcome {
            Ok(exchange) => {
                readings.push(Reading::new("status", f64::from(exchange.status), None));
                if let Some(ends) = exchange.certificate_ends {
                    readings.push(Reading::new(CERTIFICATE_DAYS, days_until(ends, at), None));
                }
                let took = shown(milliseconds(total));
                match self.unmet(&exchange, total) {
                    None => {
                        let said =
                            message!("probe-http-passed", status = exchange.status, took_ms = took, address = from);
                        (Verdict::Pass, true, said)
                    }
                    Some(why) => {
                        (Verdict::Fail, true, message!("probe-http-unmet", why = why, took_ms = took, address = from))
                    }
                }
            }
            Err(failure) => {
                let said = failure.message(&watch, &from);
                (failure.verdict(), failure.lasted(), said)
            }
        };
        let counts = match verdict {
            Verdict::Pass => Counts::one(false),
            Verdict::Fail => Counts::one(true),
            Verdict::NoData | Verdict::ProbeError => Counts::NONE,
        };
        // How fast a server refuses says nothing of how long its requests take.
        let took = if answered { vec![total] } else { Vec::new() };
        Taken { measurement: Measurement { at, verdict, counts, took, said }, readings }
    }

    /// The first condition that does not hold.
    fn unmet(&self, exchange: &Exchange, total: Duration) -> Option<Message> {
        if !self.expected.status.accepts(exchange.status) {
            let expected = self.expected.status.to_string();
            return Some(message!("probe-http-status", status = exchange.status, expected = expected));
        }
        if let Some(unmet) = self.expected.body.iter().find_map(|condition| condition.unmet(&exchange.body)) {
            return Some(unmet);
        }
        let max = self.expected.took_max.filter(|max| total > *max)?;
        Some(message!("probe-http-slow", max_ms = shown(milliseconds(max))))
    }
}

/// Days from now to a time in seconds since 1970, with their fraction. Negative once it has passed.
#[expect(clippy::cast_precision_loss, reason = "dates are far below 2^53 seconds")]
fn days_until(ends: i64, now: jiff::Timestamp) -> f64 {
    const SECONDS_PER_DAY: f64 = 86_400.0;
    (ends - now.as_second()) as f64 / SECONDS_PER_DAY
}
