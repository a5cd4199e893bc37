//! A reading: one value by its name, beside its bound. And what a take brings altogether.

use jiff::Timestamp;
use lockkeeper_core::health::{Counts, Measurement};
use lockkeeper_core::message;
use lockkeeper_core::model::{Message, Verdict};

use super::bound::Bound;

/// One value that was read, or why it could not be.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    /// What it is called in the settings, in JSON and in metrics; the unit stands at its end.
    pub name: &'static str,
    pub value: Result<f64, Message>,
    pub bound: Option<Bound>,
}

impl Reading {
    /// What is not a finite number is none.
    pub fn new(name: &'static str, value: f64, bound: Option<Bound>) -> Self {
        let value = if value.is_finite() { Ok(value) } else { Err(not_a_number(value)) };
        Self { name, value, bound }
    }

    pub const fn missing(name: &'static str, why: Message, bound: Option<Bound>) -> Self {
        Self { name, value: Err(why), bound }
    }

    /// Without a bound a value passes by being there, and by not being there it says nothing.
    pub fn verdict(&self) -> Verdict {
        match (&self.value, self.bound) {
            (Ok(value), Some(bound)) if bound.is_breached_by(*value) => Verdict::Fail,
            (Ok(_), _) => Verdict::Pass,
            (Err(_), _) => Verdict::NoData,
        }
    }

    /// The value beside its bound.
    pub fn said(&self) -> Message {
        match (&self.value, self.bound) {
            (Ok(value), None) => message!("probe-value", name = self.name, value = shown(*value)),
            (Ok(value), Some(bound)) if bound.is_breached_by(*value) => {
                message!("probe-value-fails", name = self.name, value = shown(*value), bound = bound.to_string())
            }
            (Ok(value), Some(bound)) => {
                message!("probe-value-passes", name = self.name, value = shown(*value), bound = bound.to_string())
            }
            (Err(why), _) => message!("probe-value-missing", name = self.name, why = why.clone()),
        }
    }

    /// This value as a check of its own.
    pub fn measurement(&self, at: Timestamp) -> Measurement {
        plain(at, self.verdict(), self.said())
    }
}

/// What one take of a source brought: its measurement, and the values behind it.
#[derive(Debug, Clone, PartialEq)]
pub struct Taken {
    pub measurement: Measurement,
    pub readings: Vec<Reading>,
}

impl Taken {
    /// Of values alone: one that fails decides, then one with a bound that is missing.
    pub fn of(at: Timestamp, readings: Vec<Reading>) -> Self {
        let of_verdict = |verdict| {
            let bounded = readings.iter().filter(move |one| one.bound.is_some());
            bounded.filter(|one| one.verdict() == verdict).map(Reading::said).collect::<Vec<_>>()
        };
        let all = || readings.iter().filter(|one| one.value.is_ok()).map(Reading::said).collect::<Vec<_>>();
        let (verdict, said) = match (of_verdict(Verdict::Fail), of_verdict(Verdict::NoData), of_verdict(Verdict::Pass))
        {
            (failed, _, _) if !failed.is_empty() => (Verdict::Fail, failed),
            (_, missing, _) if !missing.is_empty() => (Verdict::NoData, missing),
            (_, _, passed) if !passed.is_empty() => (Verdict::Pass, passed),
            _ if readings.iter().any(|one| one.value.is_ok()) => (Verdict::Pass, all()),
            _ => (Verdict::NoData, readings.iter().map(Reading::said).collect()),
        };
        Self { measurement: plain(at, verdict, message!("probe-values", values = said)), readings }
    }

    /// A verdict without values.
    pub fn bare(at: Timestamp, verdict: Verdict, said: Message) -> Self {
        Self { measurement: plain(at, verdict, said), readings: Vec::new() }
    }
}

/// A measurement that counted no requests.
fn plain(at: Timestamp, verdict: Verdict, said: Message) -> Measurement {
    Measurement { at, verdict, counts: Counts::NONE, took: Vec::new(), said }
}

/// Why a number is none: NaN or an infinity.
pub(super) fn not_a_number(value: f64) -> Message {
    message!("probe-not-a-number", value = value.to_string())
}

/// Three decimals at most: what is beyond them is noise of the measurement.
pub(super) fn shown(value: f64) -> String {
    if value != 0.0 && value.abs() < 0.001 {
        return value.to_string();
    }
    let text = format!("{value:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// A duration in milliseconds, for a reading.
pub(super) fn milliseconds(duration: std::time::Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(readings: Vec<Reading>) -> Taken {
        Taken::of(Timestamp::UNIX_EPOCH, readings)
    }

    #[test]
    fn one_value_that_fails_decides_and_then_one_that_is_missing() {
        let bound = Bound::parse("> 5");
        let fine = Reading::new("a", 1.0, bound);
        let high = Reading::new("b", 6.0, bound);
        let gone = Reading::missing("c", message!("probe-not-a-number", value = "NaN"), bound);
        assert_eq!(taken(vec![fine.clone(), high, gone.clone()]).measurement.verdict, Verdict::Fail);
        assert_eq!(taken(vec![fine.clone(), gone]).measurement.verdict, Verdict::NoData);
        assert_eq!(taken(vec![fine]).measurement.verdict, Verdict::Pass);
        assert_eq!(taken(Vec::new()).measurement.verdict, Verdict::NoData);
    }

    #[test]
    fn a_missing_value_without_a_bound_takes_nothing_from_the_others() {
        let gone = Reading::missing("c", message!("probe-not-a-number", value = "NaN"), None);
        assert_eq!(taken(vec![Reading::new("a", 1.0, Bound::parse("> 5")), gone]).measurement.verdict, Verdict::Pass);
    }

    #[test]
    fn what_is_not_a_number_is_no_data() {
        for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert_eq!(Reading::new("a", value, Bound::parse("> 5")).verdict(), Verdict::NoData, "{value}");
        }
    }

    #[test]
    fn values_are_shown_short() {
        for (value, text) in [(0.0, "0"), (1.5, "1.5"), (100.0, "100"), (0.123_456, "0.123"), (0.000_05, "0.00005")] {
            assert_eq!(shown(value), text);
        }
    }
}
