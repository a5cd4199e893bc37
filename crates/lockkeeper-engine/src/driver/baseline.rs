//! What is normal, measured before a deploy: so that a release does not start on a system that is unwell already, and
//! a watch has something to compare with.

use std::time::Duration;

use lockkeeper_core::health::{Baseline, Check, CheckName, Counts, Latencies, Measures, Preflight, Role, Rules};
use lockkeeper_core::message;
use lockkeeper_core::model::{Answer, ExitClass, Message, Verdict};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::watching::Watched;
use crate::ledger::{Holder, NewBaseline, batch, ensure, insert_baseline, read_baseline, record_event};
use crate::postgres::{Access, Connection, SqlError};
use crate::probe::{Source, WitnessProbe, Word};
use crate::seams::{Stop, StopCause, instant, sleep};

/// What is measured, for how long, and by what it is judged.
#[derive(Debug)]
pub struct BaselineRequest {
    pub watched: Vec<Watched>,
    pub rules: Rules,
    pub witness: Option<WitnessProbe>,
    pub lasts: Duration,
}

/// What was measured.
#[derive(Debug, Clone, PartialEq)]
pub struct BaselineTaken {
    pub baseline: NewBaseline,
    /// In the order in which they were asked for.
    pub checks: Vec<BaselineCheck>,
    /// What the witness said, where it had to be asked.
    pub word: Option<Word>,
}

/// What was measured of one check.
#[derive(Debug, Clone, PartialEq)]
pub struct BaselineCheck {
    pub check: Check,
    pub verdict: Verdict,
    pub total: Counts,
    pub said: Message,
}

/// Measures everything as a watch would, for as long as is asked for. Writes nothing.
///
/// # Errors
/// The cause of the stop, when it was asked for before the time was over.
pub async fn take_baseline(request: BaselineRequest, stop: &Stop) -> Result<BaselineTaken, StopCause> {
    let began = instant();
    let (rules, lasts) = (request.rules, request.lasts);
    let mut running = JoinSet::new();
    for (place, one) in request.watched.into_iter().enumerate() {
        running.spawn(async move { (place, one.check, gather(one.source, one.every, lasts, rules.slice).await) });
    }
    let mut gathered = Vec::new();
    loop {
        tokio::select! {
            biased;
            // What is still running ends with its set.
            cause = stop.asked() => return Err(cause),
            done = running.join_next() => match done {
                Some(done) => gathered.push(done.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()))),
                None => break,
            },
        }
    }
    gathered.sort_by_key(|(place, ..)| *place);
    let has_errors = gathered.iter().any(|(_, _, one)| one.has_failed);
    let word = match request.witness {
        Some(mut witness) if has_errors => Some(witness.take().await),
        Some(_) | None => None,
    };
    let is_cut_off = word.as_ref().is_some_and(|word| !word.reached);
    let mut checks = Vec::new();
    let mut baselines = std::collections::BTreeMap::<CheckName, Baseline>::new();
    for (_, check, one) in gathered {
        let baseline = Baseline::of(&one.slices, one.latencies);
        let (verdict, said) = match check.measures {
            Measures::Probes | Measures::Requests => baseline.preflight(&rules),
            Measures::Values => one.last.unwrap_or((Verdict::NoData, message!("health-nothing-measured"))),
        };
        let (verdict, said) = if is_cut_off && one.has_failed {
            (Verdict::NoData, message!("health-nothing-own-network"))
        } else {
            (verdict, said)
        };
        if check.measures.requests() && !is_cut_off && !baseline.total.is_empty() {
            baselines.insert(check.name.clone(), baseline.clone());
        }
        checks.push(BaselineCheck { check, verdict, total: baseline.total, said });
    }
    let judged = || checks.iter().filter(|one| one.check.role == Role::Judged).map(|one| one.verdict);
    let verdict = if judged().any(|verdict| verdict == Verdict::Fail) {
        Verdict::Fail
    } else if judged().count() > 0 && judged().all(|verdict| verdict == Verdict::Pass) {
        Verdict::Pass
    } else {
        Verdict::NoData
    };
    Ok(BaselineTaken { baseline: NewBaseline { took: began.elapsed(), verdict, checks: baselines }, checks, word })
}

/// What one check brought in all that time.
#[derive(Default)]
struct Gathered {
    slices: Vec<Counts>,
    latencies: Latencies,
    last: Option<(Verdict, Message)>,
    has_failed: bool,
}

async fn gather(mut source: Source, every: Duration, lasts: Duration, slice: Duration) -> Gathered {
    let began = instant();
    let mut gathered = Gathered::default();
    let mut place = 0;
    loop {
        let taken = source.take().await.measurement;
        let now = began.elapsed();
        let reached = now.as_millis() / slice.as_millis().max(1);
        if gathered.slices.is_empty() || reached != place {
            gathered.slices.push(Counts::NONE);
            place = reached;
        }
        if let Some(last) = gathered.slices.last_mut() {
            *last = last.plus(taken.counts);
        }
        for took in &taken.took {
            gathered.latencies.record(*took);
        }
        gathered.has_failed |= taken.verdict == Verdict::Fail || taken.counts.errors() > 0;
        gathered.last = Some((taken.verdict, taken.said));
        if now + every >= lasts {
            return gathered;
        }
        sleep(every).await;
    }
}

/// Writes a baseline down, with its event. Its number.
///
/// # Errors
/// When the ledger cannot be written.
pub async fn save_baseline(connection: &Connection, taken: &BaselineTaken, holder: &Holder) -> Answer<i64> {
    ensure(connection).await?;
    let failed = |error: SqlError| error.problem(ExitClass::Usage, message!("baseline-not-saved"));
    batch(connection, &connection.begin(Access::Write)).await.map_err(failed)?;
    let written = async {
        let id = insert_baseline(connection, &taken.baseline, &holder.actor).await?;
        record_event(connection, &holder.actor, "health_baseline", None, &event(id, taken)).await?;
        Ok(id)
    }
    .await;
    batch(connection, if written.is_ok() { "COMMIT" } else { "ROLLBACK" }).await.map_err(failed)?;
    written.map_err(failed)
}

fn event(id: i64, taken: &BaselineTaken) -> Value {
    let check = |one: &BaselineCheck| {
        let said = json!({
            "verdict": one.verdict.as_str(), "requests": one.total.requests(), "errors": one.total.errors(),
        });
        (one.check.name.as_str().to_owned(), said)
    };
    json!({
        "baseline": id,
        "took_s": taken.baseline.took.as_secs_f64(),
        "verdict": taken.baseline.verdict.as_str(),
        "checks": taken.checks.iter().map(check).collect::<serde_json::Map<_, _>>(),
    })
}

/// Whether a release may start: what the newest baseline says. What follows from it, and whether somebody has said to
/// start anyway, is the release's business; [`Preflight::refusal`] says it to a person.
///
/// # Errors
/// When the ledger cannot be read.
pub async fn preflight(connection: &Connection) -> Answer<Preflight> {
    Ok(Preflight::of(read_baseline(connection).await?.map(|record| (record.verdict, record.age))))
}
