//! What a rule said about a check at one moment, with what it rests on.

use std::time::Duration;

use jiff::Timestamp;

use super::bounds::{share_high, share_low};
use super::check::CheckName;
use super::counts::{Counts, Share};
use super::detector::Evidence;
use super::rules::RuleName;
use super::witness::Impediment;
use crate::message;
use crate::model::{Message, Verdict};

/// One rule's word on one check.
#[derive(Debug, Clone, PartialEq)]
pub struct Judgement {
    pub at: Timestamp,
    pub check: CheckName,
    pub rule: RuleName,
    /// Whether a breach of it rolls back.
    pub binds: bool,
    pub verdict: Verdict,
    pub seen: Seen,
    /// How many in a row have failed, for the rules that count.
    pub streak: Option<Row>,
    pub breaches: bool,
}

/// A place in a row of failures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    pub failures: u32,
    pub of: u32,
}

/// What a judgement rests on.
#[derive(Debug, Clone, PartialEq)]
pub enum Seen {
    /// Errors among the requests of a window.
    Errors { counts: Counts, threshold: Share },
    /// Probes of a look.
    Probes { made: u64, failed: u64 },
    /// The detector's evidence after a slice.
    Evidence { slice: Counts, evidence: Evidence, alarm_at: f64 },
    /// Errors of the new version beside those of the old, and how often that would be chance: one
    /// time in so many.
    Beside { new: Counts, old: Counts, ln_evidence: f64 },
    /// A percentile of a window, and its bound.
    Latency { percentile: f64, took: Duration, bound: Duration },
    /// A value beside its bound, in words.
    Value(Message),
    /// Nothing that could be judged.
    Nothing(WhyNothing),
}

/// Why there is nothing to judge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhyNothing {
    /// No request, no probe, no value in all that time.
    NoMeasurement,
    /// Fewer requests than can be judged.
    TooFewRequests { have: u64, need: u64 },
    /// Requests enough, but their errors come in bursts, so that they tell as much as fewer would.
    TooBursty { have: u64, worth: u64, need: u64 },
    /// No baseline to compare with, or one that is too thin.
    NoBaseline,
    /// The monitor is itself not well.
    Impeded(Impediment),
}

impl WhyNothing {
    pub fn message(self) -> Message {
        Seen::Nothing(self).message()
    }

    /// The reason code in JSON and in the ledger.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NoMeasurement => "no_measurement",
            Self::TooFewRequests { .. } => "too_few_requests",
            Self::TooBursty { .. } => "too_bursty",
            Self::NoBaseline => "no_baseline",
            Self::Impeded(impediment) => impediment.as_str(),
        }
    }
}

impl Judgement {
    /// What was seen, in one sentence.
    pub fn evidence(&self) -> Message {
        self.seen.message()
    }
}

impl Seen {
    pub fn message(&self) -> Message {
        match self {
            Self::Errors { counts, threshold } => message!(
                "health-seen-errors",
                errors = counts.errors(),
                requests = counts.requests(),
                share = counts.share().map_or_else(String::new, |share| share.rounded().to_string()),
                low = percent(share_low(*counts, TAIL)),
                high = percent(share_high(*counts, TAIL)),
                threshold = threshold.to_string()
            ),
            Self::Probes { made, failed } => message!("health-seen-probes", made = *made, failed = *failed),
            Self::Evidence { slice, evidence, alarm_at } => message!(
                "health-seen-evidence",
                errors = slice.errors(),
                requests = slice.requests(),
                evidence = amount(evidence.value()),
                alarm = amount(*alarm_at)
            ),
            Self::Beside { new, old, ln_evidence } => message!(
                "health-seen-beside",
                errors = new.errors(),
                requests = new.requests(),
                old_errors = old.errors(),
                old_requests = old.requests(),
                chance = amount(ln_evidence.exp())
            ),
            Self::Latency { percentile, took, bound } => message!(
                "health-seen-latency",
                percentile = format!("{percentile}"),
                took = milliseconds(*took),
                bound = milliseconds(*bound)
            ),
            Self::Value(said) => said.clone(),
            Self::Nothing(WhyNothing::NoMeasurement) => message!("health-nothing-measured"),
            Self::Nothing(WhyNothing::TooFewRequests { have, need }) => {
                message!("health-nothing-thin", have = *have, need = *need)
            }
            Self::Nothing(WhyNothing::TooBursty { have, worth, need }) => {
                message!("health-nothing-bursty", have = *have, worth = *worth, need = *need)
            }
            Self::Nothing(WhyNothing::NoBaseline) => message!("health-nothing-baseline"),
            Self::Nothing(WhyNothing::Impeded(Impediment::OwnNetwork)) => message!("health-nothing-own-network"),
            Self::Nothing(WhyNothing::Impeded(Impediment::OwnCpu)) => message!("health-nothing-own-cpu"),
            Self::Nothing(WhyNothing::Impeded(Impediment::WitnessSilent)) => {
                message!("health-nothing-witness-silent")
            }
        }
    }
}

/// On either side of the interval that the true share is in with 95 % confidence.
const TAIL: f64 = 0.025;

/// A share between 0 and 1, to a tenth of a percent.
fn percent(ratio: f64) -> String {
    let text = format!("{:.1}", ratio * 100.0);
    text.strip_suffix(".0").unwrap_or(&text).to_owned()
}

/// Two digits below a hundred, none above, and powers of ten where digits would only be noise.
fn amount(value: f64) -> String {
    if value >= 1e7 {
        format!("{value:.0e}")
    } else if value >= 100.0 {
        format!("{value:.0}")
    } else {
        format!("{value:.2}")
    }
}

fn milliseconds(time: Duration) -> String {
    format!("{:.1}", time.as_secs_f64() * 1000.0)
}
