//! The watch: every source on its own beat, the rules on theirs, and what has to outlive the process in the ledger.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use lockkeeper_core::health::{
    Baseline, Check, CheckName, Conclusion, Counts, Doubt, Judgement, Latencies, Memory, Rules, Watch,
};
use lockkeeper_core::message;
use lockkeeper_core::model::{About, Alert, AlertKind, Answer, ExitClass, FactName, Problem, WatchVerdict};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::ledger::{
    HealthSample, Holder, StoredCheck, TakenWatch, VerdictCounts, WatchTerm, add_samples, batch, end_watch, ensure,
    message_to_json, read_health_samples, record_event, release_watch, save_watch, take_watch, thin_samples,
};
use crate::notify::Routes;
use crate::postgres::{Access, Connection, SqlError, Target, connect};
use crate::probe::{Lateness, Source, Taken, WitnessProbe, Word};
use crate::seams::{Stop, StopCause, instant, sleep, wall_clock};

/// A source with its check, and how often it is asked.
#[derive(Debug)]
pub struct Watched {
    pub check: Check,
    pub every: Duration,
    pub source: Source,
}

/// What a watch needs.
#[derive(Debug)]
pub struct WatchRequest {
    pub target: Target,
    pub holder: Holder,
    pub release_id: Option<i64>,
    pub rules: Rules,
    /// The rules and checks as JSON, to be kept with the watch.
    pub described: Value,
    pub watched: Vec<Watched>,
    pub witness: Option<WitnessProbe>,
    /// Who is told of a breach.
    pub routes: Routes,
    /// Ends with a verdict after this time; `None` watches until it is stopped.
    pub lasts: Option<Duration>,
}

/// How a watch ended.
#[derive(Debug, Clone, PartialEq)]
pub enum WatchEnd {
    /// Its time was over, or a breach ended it. What is in the way of `healthy`, when it is inconclusive.
    Concluded { verdict: WatchVerdict, doubts: Vec<Doubt> },
    /// It was asked to stop; another process can go on with it.
    Stopped(StopCause),
}

/// What a watch tells while it runs.
#[derive(Debug)]
pub enum WatchNews<'a> {
    /// The watch began, or went on from another process.
    Began {
        at: Timestamp,
        resumed: bool,
    },
    Judged(&'a Judgement),
    /// The first breach that binds, with its evidence. Told again by a process that goes on with the watch: the one
    /// before it may have died before it was heard. By the watch's identifier both are the same.
    Breached {
        watch: i64,
        evidence: &'a Value,
    },
    /// The ledger cannot be written; the watch goes on and writes later.
    LedgerUnreachable(&'a Problem),
}

/// The ledger is written this often, and so the term is renewed.
const SAVE_EVERY: Duration = Duration::from_secs(5);

/// Samples of this length are kept.
const SAMPLE: Duration = Duration::from_secs(5);

/// Samples are merged this often: they thin within hours, and each time all of them are looked at.
const THIN_EVERY: Duration = Duration::from_mins(10);

/// While the ledger cannot be reached, so many samples wait: a day of five checks.
const SAMPLES_WAITING_MAX: usize = 5 * 24 * 720;

/// What was normal is read from this long before.
const BASELINE: Duration = Duration::from_hours(1);

/// Watches until it is over.
///
/// # Errors
/// Another process watches, or took the watch over while this one slept; the ledger cannot be made.
pub async fn watch(request: WatchRequest, stop: &Stop, tell: &mut dyn FnMut(WatchNews<'_>)) -> Answer<WatchEnd> {
    let connection = connect(&request.target).await?;
    ensure(&connection).await?;
    let taken = begin(&connection, &request).await?;
    tell(WatchNews::Began { at: taken.began_at, resumed: taken.is_resumed });
    let baselines = if taken.baselines.is_empty() { baselines(&connection, &request).await? } else { taken.baselines };
    let checks: Vec<Check> = request.watched.iter().map(|watched| watched.check.clone()).collect();
    let has_witness = request.witness.is_some();
    let watch =
        Watch::resume(request.rules, checks, &baselines, taken.memories, has_witness, taken.began_at, wall_clock());
    let deadline = request.lasts.map(|lasts| taken.began_at.checked_add(lasts).unwrap_or(Timestamp::MAX));
    let keeper = Keeper {
        connection: Some(connection),
        target: request.target,
        holder: request.holder,
        release_id: request.release_id,
        term: taken.term,
        routes: request.routes,
        baselines,
        samples: BTreeMap::new(),
        waiting: Vec::new(),
        judgements: BTreeMap::new(),
        is_recorded: taken.breach.is_some(),
        breach: taken.breach,
        breach_alert: None,
        told: false,
        thinned: None,
    };
    Loop { watch, keeper, deadline }.run(request.watched, request.witness, stop, tell).await
}

async fn begin(connection: &Connection, request: &WatchRequest) -> Answer<TakenWatch> {
    let failed = |error: SqlError| error.problem(ExitClass::Usage, message!("watch-not-taken"));
    batch(connection, &connection.begin(Access::Write)).await.map_err(failed)?;
    let taken = take_watch(connection, request.release_id, &request.described, &request.holder).await;
    batch(connection, if taken.is_ok() { "COMMIT" } else { "ROLLBACK" }).await.map_err(failed)?;
    taken
}

/// What the hour before shows of each check, as far as it was watched.
async fn baselines(connection: &Connection, request: &WatchRequest) -> Answer<BTreeMap<CheckName, Baseline>> {
    let since = wall_clock().checked_sub(BASELINE).unwrap_or(Timestamp::UNIX_EPOCH);
    let mut slices: BTreeMap<CheckName, Vec<Counts>> = BTreeMap::new();
    for sample in read_health_samples(connection, since, None).await? {
        if sample.span == SAMPLE && !sample.counts.is_empty() {
            slices.entry(sample.check).or_default().push(sample.counts);
        }
    }
    slices.retain(|name, _| request.watched.iter().any(|watched| watched.check.name == *name));
    Ok(slices.into_iter().map(|(name, slices)| (name, Baseline::of(&slices, Latencies::default()))).collect())
}

/// What is running beside the loop.
enum Done {
    Took { place: usize, source: Source, taken: Taken },
    Witness { witness: WitnessProbe, word: Word },
    Late { late: Duration },
}

struct Loop {
    watch: Watch,
    keeper: Keeper,
    deadline: Option<Timestamp>,
}

impl Loop {
    async fn run(
        mut self,
        watched: Vec<Watched>,
        witness: Option<WitnessProbe>,
        stop: &Stop,
        tell: &mut dyn FnMut(WatchNews<'_>),
    ) -> Answer<WatchEnd> {
        let lateness = Lateness::USUAL;
        let mut running: JoinSet<Done> = JoinSet::new();
        let mut plans = Vec::new();
        for (place, one) in watched.into_iter().enumerate() {
            plans.push((one.check.name.clone(), one.every));
            running.spawn(take(place, one.source, Duration::ZERO));
        }
        running.spawn(async move { Done::Late { late: lateness.take().await } });
        let mut witness = witness;
        let has_witness = witness.is_some();
        let mut saved = instant();
        loop {
            // Errors wait for the witness: it is asked as soon as there are some.
            if self.watch.wants_witness()
                && let Some(mut asked) = witness.take()
            {
                running.spawn(async move {
                    let word = asked.take().await;
                    Done::Witness { witness: asked, word }
                });
            }
            let until_due = self.watch.next_due().map_or(SAVE_EVERY, until);
            let until_save = SAVE_EVERY.saturating_sub(saved.elapsed());
            let until_end = self.deadline.map_or(SAVE_EVERY, until);
            let pause = until_due.min(until_save).min(until_end).max(Duration::from_millis(1));
            tokio::select! {
                biased;
                cause = stop.asked() => {
                    self.keeper.save(&self.watch, tell).await?;
                    self.keeper.leave().await;
                    return Ok(WatchEnd::Stopped(cause));
                }
                Some(done) = running.join_next() => {
                    // A source that panics is our bug, and must not look like a service that is well.
                    let done = done.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()));
                    match done {
                        Done::Took { place, source, taken } => {
                            let (name, every) = &plans[place];
                            let judgements = self.watch.observe(name, &taken.measurement);
                            self.keeper.sample(name, &taken);
                            self.judged(&judgements, tell);
                            running.spawn(take(place, source, self.watch.next_probe_in(name, *every)));
                        }
                        Done::Witness { witness: asked, word } => {
                            self.watch.witness_asked(word.asked_at, word.reached);
                            witness = Some(asked);
                        }
                        Done::Late { late } => {
                            if lateness.is_starved(late) {
                                self.watch.starved(wall_clock());
                            }
                            running.spawn(async move { Done::Late { late: lateness.take().await } });
                        }
                    }
                }
                () = sleep(pause) => {}
            }
            // While the witness is being asked, nothing is judged that waits for its word.
            let waits_for_witness = has_witness && witness.is_none() && self.watch.wants_witness();
            if !waits_for_witness {
                let judgements = self.watch.advance(wall_clock());
                self.judged(&judgements, tell);
            }
            if let Some(breach) = self.watch.breach() {
                let keeper = &mut self.keeper;
                keeper.breach.get_or_insert_with(|| judgement_to_json(breach));
                keeper.breach_alert.get_or_insert_with(|| breach_alert(keeper.term.id, keeper.release_id, breach));
            }
            if let Some(evidence) = self.keeper.breach.clone().filter(|_| !self.keeper.told) {
                self.keeper.told = true;
                // Written down first: what follows from a breach must be found in the ledger.
                self.keeper.save(&self.watch, tell).await?;
                saved = instant();
                tell(WatchNews::Breached { watch: self.keeper.term.id, evidence: &evidence });
            }
            if saved.elapsed() >= SAVE_EVERY {
                self.keeper.save(&self.watch, tell).await?;
                saved = instant();
            }
            let is_over = self.deadline.is_some_and(|deadline| wall_clock() >= deadline);
            if is_over || (self.deadline.is_some() && self.keeper.breach.is_some()) {
                self.keeper.save(&self.watch, tell).await?;
                let (verdict, doubts) = match self.watch.conclude(wall_clock()) {
                    _ if self.keeper.breach.is_some() => (WatchVerdict::Unhealthy, Vec::new()),
                    Conclusion::Inconclusive(doubts) => (WatchVerdict::Inconclusive, doubts),
                    conclusion @ (Conclusion::Healthy | Conclusion::Unhealthy(_)) => (conclusion.verdict(), Vec::new()),
                };
                self.keeper.end(verdict).await?;
                return Ok(WatchEnd::Concluded { verdict, doubts });
            }
        }
    }

    fn judged(&mut self, judgements: &[Judgement], tell: &mut dyn FnMut(WatchNews<'_>)) {
        for judgement in judgements {
            self.keeper.remember(judgement);
            tell(WatchNews::Judged(judgement));
        }
    }
}

fn until(at: Timestamp) -> Duration {
    Duration::try_from(wall_clock().duration_until(at)).unwrap_or_default()
}

async fn take(place: usize, mut source: Source, pause: Duration) -> Done {
    sleep(pause).await;
    let taken = source.take().await;
    Done::Took { place, source, taken }
}

/// Keeps in the ledger what has to outlive the process; what cannot be written now is written later.
struct Keeper {
    connection: Option<Connection>,
    target: Target,
    holder: Holder,
    release_id: Option<i64>,
    term: WatchTerm,
    routes: Routes,
    baselines: BTreeMap<CheckName, Baseline>,
    /// The samples that are being gathered, by check.
    samples: BTreeMap<CheckName, HealthSample>,
    /// Those that are whole.
    waiting: Vec<HealthSample>,
    /// What each rule last said of each check.
    judgements: BTreeMap<CheckName, BTreeMap<&'static str, Value>>,
    breach: Option<Value>,
    /// What is told of it.
    breach_alert: Option<Alert>,
    /// Whether the breach is known to stand in the ledger.
    is_recorded: bool,
    /// Whether this process has told of the breach.
    told: bool,
    /// When samples were last merged.
    thinned: Option<Instant>,
}

impl Keeper {
    fn sample(&mut self, name: &CheckName, taken: &Taken) {
        let measurement = &taken.measurement;
        let step = i64::try_from(SAMPLE.as_secs()).unwrap_or(1);
        let second = measurement.at.as_second().div_euclid(step) * step;
        let at = Timestamp::from_second(second).unwrap_or(measurement.at);
        let value = taken.readings.iter().find(|reading| reading.bound.is_some()).and_then(|it| it.value.as_ref().ok());
        let fresh = || HealthSample {
            check: name.clone(),
            at,
            span: SAMPLE,
            counts: Counts::NONE,
            value: None,
            verdicts: VerdictCounts::default(),
        };
        let sample = self.samples.entry(name.clone()).or_insert_with(fresh);
        if sample.at != at {
            let whole = std::mem::replace(sample, fresh());
            if self.waiting.len() < SAMPLES_WAITING_MAX {
                self.waiting.push(whole);
            }
        }
        sample.counts = sample.counts.plus(measurement.counts);
        sample.value = sample.value.into_iter().chain(value.copied()).reduce(f64::max);
        sample.verdicts.add(measurement.verdict);
    }

    fn remember(&mut self, judgement: &Judgement) {
        let said = self.judgements.entry(judgement.check.clone()).or_default();
        said.insert(judgement.rule.as_str(), judgement_to_json(judgement));
    }

    /// Renews the term, and writes what is waiting. That the database cannot be reached ends no watch.
    async fn save(&mut self, watch: &Watch, tell: &mut dyn FnMut(WatchNews<'_>)) -> Answer<()> {
        match self.write(watch).await {
            Ok(true) => Ok(()),
            Ok(false) => Err(Problem::new(ExitClass::Busy, message!("watch-lost")).hint(message!("watch-lost-hint"))),
            Err(problem) => {
                self.connection = None;
                tell(WatchNews::LedgerUnreachable(&problem));
                Ok(())
            }
        }
    }

    async fn write(&mut self, watch: &Watch) -> Answer<bool> {
        let connection = match self.connection.take() {
            Some(connection) => connection,
            None => connect(&self.target).await?,
        };
        let failed = |error: SqlError| error.problem(ExitClass::Usage, message!("watch-not-saved"));
        batch(&connection, &connection.begin(Access::Write)).await.map_err(failed)?;
        let is_thinning = self.thinned.is_none_or(|at| at.elapsed() >= THIN_EVERY);
        let written = self.write_in_transaction(&connection, watch, is_thinning).await;
        let holds = matches!(written, Ok(true));
        batch(&connection, if holds { "COMMIT" } else { "ROLLBACK" }).await.map_err(failed)?;
        if holds {
            self.waiting.clear();
            self.is_recorded = self.breach.is_some();
            if is_thinning {
                self.thinned = Some(instant());
            }
        }
        self.connection = Some(connection);
        written.map_err(failed)
    }

    async fn write_in_transaction(
        &self,
        connection: &Connection,
        watch: &Watch,
        is_thinning: bool,
    ) -> Result<bool, SqlError> {
        let checks: Vec<StoredCheck> = watch.memories().map(|(name, memory)| self.stored(name, memory)).collect();
        // The reply to an earlier COMMIT may have been lost, so that only the ledger knows.
        let is_first = self.breach.is_some() && !self.is_recorded && !self.finds_breach(connection).await?;
        if !save_watch(connection, self.term, watch.next_due(), self.breach.as_ref(), &checks).await? {
            return Ok(false);
        }
        if let Some(breach) = self.breach.as_ref().filter(|_| is_first) {
            // Recorded, and to be told, in one transaction: neither without the other, and once.
            record_event(connection, &self.holder.actor, "health_breach", self.release_id, breach).await?;
            if let Some(alert) = &self.breach_alert {
                self.routes.put(connection, alert).await?;
            }
        }
        add_samples(connection, SAMPLE, &self.waiting).await?;
        if is_thinning {
            thin_samples(connection).await?;
        }
        Ok(true)
    }

    /// Whether a breach of this watch stands in the ledger already.
    async fn finds_breach(&self, connection: &Connection) -> Result<bool, SqlError> {
        let sql = "SELECT w.breach IS NOT NULL FROM lockkeeper.watches w WHERE w.id = $1";
        let rows = crate::ledger::query(connection, sql, &[(&self.term.id, tokio_postgres::types::Type::INT8)]).await?;
        Ok(rows.first().is_some_and(|row| row.get(0)))
    }

    fn stored(&self, name: &CheckName, memory: &Memory) -> StoredCheck {
        StoredCheck {
            name: name.clone(),
            memory: memory.clone(),
            baseline: self.baselines.get(name).cloned(),
            judgements: json!(self.judgements.get(name)),
        }
    }

    /// So that the next process need not wait for the term to run out. A failure is no harm.
    async fn leave(&self) {
        if let Some(connection) = &self.connection {
            let _ = release_watch(connection, self.term).await;
        }
    }

    async fn end(&self, verdict: WatchVerdict) -> Answer<()> {
        let connection = match &self.connection {
            Some(connection) => connection,
            None => &connect(&self.target).await?,
        };
        end_watch(connection, self.term, verdict)
            .await
            .map_err(|error| error.problem(ExitClass::Usage, message!("watch-not-saved")))?;
        Ok(())
    }
}

fn breach_alert(watch: i64, release_id: Option<i64>, breach: &Judgement) -> Alert {
    let subject = message!("alert-breach", check = breach.check.as_str(), rule = breach.rule.as_str());
    let alert = Alert::new(AlertKind::Breach, About::breach(watch), subject, message!("alert-breach-summary"));
    let alert = match release_id {
        Some(release) => alert.fact(FactName::Release, release),
        None => alert,
    };
    alert
        .fact(FactName::Check, breach.check.as_str())
        .fact(FactName::Rule, breach.rule.as_str())
        .fact(FactName::Evidence, breach.evidence())
}

/// A judgement with its evidence, as it is stored, sent and handed over.
pub fn judgement_to_json(judgement: &Judgement) -> Value {
    json!({
        "at": judgement.at.to_string(),
        "check": judgement.check.as_str(),
        "rule": judgement.rule.as_str(),
        "binds": judgement.binds,
        "verdict": judgement.verdict.as_str(),
        "breaches": judgement.breaches,
        "failures": judgement.streak.map(|row| row.failures),
        "consecutive": judgement.streak.map(|row| row.of),
        "evidence": message_to_json(&judgement.evidence()),
    })
}
