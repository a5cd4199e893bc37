//! One look at a check, without a watch: what its measurement says by itself.

use super::check::{Measurement, Measures};
use super::judgement::{Seen, WhyNothing};
use super::rules::Rules;
use super::witness::Impediment;
use crate::model::{Message, Verdict};

/// The verdict on one measurement of a check.
///
/// Requests that the application counted are judged by their share of errors, as a window of the floor is; a failure
/// says nothing while the witness cannot be reached either.
pub fn glance(
    rules: &Rules,
    measures: Measures,
    measurement: &Measurement,
    witness_reached: Option<bool>,
) -> (Verdict, Message) {
    let (verdict, seen) = match (measures, measurement.verdict) {
        (Measures::Requests, Verdict::Pass) => {
            rules.floor.numbers().copied().unwrap_or_default().look(measurement.counts)
        }
        (Measures::Probes | Measures::Requests | Measures::Values, verdict) => {
            (verdict, Seen::Value(measurement.said.clone()))
        }
    };
    if verdict == Verdict::Fail && witness_reached == Some(false) {
        let why = WhyNothing::Impeded(Impediment::OwnNetwork);
        return (Verdict::NoData, Seen::Nothing(why).message());
    }
    (verdict, seen.message())
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::health::Counts;
    use crate::message;

    fn of(measures: Measures, verdict: Verdict, counts: (u64, u64), witness: Option<bool>) -> Verdict {
        let measurement = Measurement {
            at: Timestamp::UNIX_EPOCH,
            verdict,
            counts: Counts::new(counts.0, counts.1).expect("errors are requests"),
            took: Vec::new(),
            said: message!("health-nothing-measured"),
        };
        glance(&Rules::usual(), measures, &measurement, witness).0
    }

    #[test]
    fn counted_requests_are_judged_as_a_window_is() {
        assert_eq!(of(Measures::Requests, Verdict::Pass, (1000, 49), None), Verdict::Pass);
        assert_eq!(of(Measures::Requests, Verdict::Pass, (1000, 50), None), Verdict::Fail);
        assert_eq!(of(Measures::Requests, Verdict::Pass, (58, 58), None), Verdict::NoData);
        assert_eq!(of(Measures::Requests, Verdict::ProbeError, (0, 0), None), Verdict::ProbeError);
    }

    #[test]
    fn a_failure_says_nothing_when_the_network_is_our_own() {
        assert_eq!(of(Measures::Probes, Verdict::Fail, (1, 1), Some(true)), Verdict::Fail);
        assert_eq!(of(Measures::Probes, Verdict::Fail, (1, 1), Some(false)), Verdict::NoData);
        assert_eq!(of(Measures::Requests, Verdict::Pass, (100, 100), Some(false)), Verdict::NoData);
        assert_eq!(of(Measures::Values, Verdict::Pass, (0, 0), Some(false)), Verdict::Pass, "what passes was reached");
    }
}
