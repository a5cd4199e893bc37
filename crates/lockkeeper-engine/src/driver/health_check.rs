//! One look at everything that a watch would measure.

use std::time::Duration;

use lockkeeper_core::health::{Check, Counts, Measurement, Measures, Rules, glance};
use lockkeeper_core::model::{Message, Verdict};
use tokio::task::JoinSet;

use crate::probe::{Reading, Source, WitnessProbe, Word};
use crate::seams::{instant, sleep};

/// What one check said.
#[derive(Debug, Clone, PartialEq)]
pub struct Looked {
    pub check: Check,
    pub verdict: Verdict,
    pub said: Message,
    pub readings: Vec<Reading>,
    pub counts: Counts,
    pub took: Duration,
}

/// How often counters are read while they are waited for.
const COUNTERS_EVERY: Duration = Duration::from_secs(1);

/// What is compared with its own past, as CPU time is, is taken twice, so far apart.
const APART: Duration = Duration::from_secs(1);

/// Makes every check once, all at the same time; in their order.
///
/// Counters tell nothing by themselves: they are read until there were enough requests in between, at most for one
/// window of the floor. The witness is asked after everything else, when anything has failed.
pub async fn look_at_all(
    checks: Vec<(Check, Source)>,
    witness: Option<WitnessProbe>,
    rules: &Rules,
) -> (Vec<Looked>, Option<Word>) {
    let enough = rules.samples_min();
    let window = rules.interval;
    let mut running = JoinSet::new();
    for (place, (check, mut source)) in checks.into_iter().enumerate() {
        running.spawn(async move {
            let began = instant();
            let (measurement, readings) = match check.measures {
                Measures::Requests => counted(&mut source, enough, window).await,
                Measures::Probes | Measures::Values => {
                    let mut taken = source.take().await;
                    if source.compares() {
                        sleep(APART).await;
                        taken = source.take().await;
                    }
                    (taken.measurement, taken.readings)
                }
            };
            (place, check, measurement, readings, began.elapsed())
        });
    }
    let mut taken = Vec::new();
    while let Some(one) = running.join_next().await {
        // A source that panics is our bug, and is not to be taken for a check that passed.
        taken.push(one.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic())));
    }
    taken.sort_by_key(|(place, ..)| *place);
    let unsure = |(_, check, measurement, ..): &(usize, Check, Measurement, Vec<Reading>, Duration)| {
        glance(rules, check.measures, measurement, None).0 != Verdict::Pass
    };
    let word = match witness {
        Some(mut witness) if taken.iter().any(unsure) => Some(witness.take().await),
        Some(_) | None => None,
    };
    let reached = word.as_ref().map(|word| word.reached);
    let looked = taken
        .into_iter()
        .map(|(_, check, measurement, readings, took)| {
            let (verdict, said) = glance(rules, check.measures, &measurement, reached);
            Looked { check, verdict, said, readings, counts: measurement.counts, took }
        })
        .collect();
    (looked, word)
}

/// What an application counts until there is enough of it to be judged, or the time is over.
async fn counted(source: &mut Source, enough: u64, window: Duration) -> (Measurement, Vec<Reading>) {
    let began = instant();
    let mut total = Counts::NONE;
    // The first one is what the others are compared with.
    let mut taken = source.take().await;
    while taken.measurement.verdict != Verdict::ProbeError && total.requests() < enough && began.elapsed() < window {
        sleep(COUNTERS_EVERY.min(window.saturating_sub(began.elapsed()))).await;
        taken = source.take().await;
        total = total.plus(taken.measurement.counts);
    }
    if !total.is_empty() && taken.measurement.verdict == Verdict::NoData {
        taken.measurement.verdict = Verdict::Pass;
    }
    taken.measurement.counts = total;
    (taken.measurement, taken.readings)
}
