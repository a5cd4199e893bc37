//! The watch: every source on its own beat, the rules on theirs, and what has to outlive the process in the ledger.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;

use jiff::Timestamp;
use lockkeeper_core::health::{
    Baseline, Check, CheckName, Conclusion, Counts, Doubt, Judgement, Latencies, Preflight, Rules, Turn, Watch,
};
use lockkeeper_core::message;
use lockkeeper_core::model::{Answer, ExitClass, Message, Problem, WatchVerdict};
use serde_json::Value;
use tokio::task::JoinSet;

use super::keeper::{Desk, Keeper, SAMPLE, SAVE_EVERY};
use crate::ledger::{Holder, TakenWatch, Vitals, batch, ensure, read_baseline, read_slices, take_watch};
use crate::notify::Routes;
use crate::postgres::{Access, Connection, SqlError, Target, connect};
use crate::probe::{Lateness, Source, Taken, WitnessProbe, Word};
use crate::seams::{Hangup, Stop, StopCause, instant, sleep, wall_clock};

/// A source with its check, and how often it is asked.
#[derive(Debug)]
pub struct Watched {
    pub check: Check,
    pub every: Duration,
    pub source: Source,
    /// What the source is, as the settings say it: one that says the same after they were read again is the same.
    pub identity: String,
}

/// What a watch goes by, and may go by anew.
#[derive(Debug)]
pub struct Terms {
    pub rules: Rules,
    /// The rules and checks as JSON, to be kept with the watch.
    pub described: Value,
    pub watched: Vec<Watched>,
    pub witness: Option<WitnessProbe>,
    pub routes: Routes,
}

/// How a watch is told to go by other terms, and what gives them.
pub struct Reload<'a> {
    pub hangup: Hangup,
    /// Reads the settings again, or says what is wrong with them.
    pub terms: Box<dyn FnMut() -> Answer<Terms> + 'a>,
}

impl fmt::Debug for Reload<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reload").field("hangup", &self.hangup).finish_non_exhaustive()
    }
}

/// What a watch needs.
#[derive(Debug)]
pub struct WatchRequest<'a> {
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
    /// `None` goes by the same terms to the end.
    pub reload: Option<Reload<'a>>,
    /// Whether it tells [`WatchNews::Vitals`] each time it has written.
    pub tells_vitals: bool,
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
    /// A source was asked.
    Took {
        check: &'a CheckName,
        taken: &'a Taken,
        took: Duration,
    },
    Judged(&'a Judgement),
    /// Something began that people are told of, or is over.
    Turned {
        turn: &'a Turn,
        evidence: &'a Message,
    },
    /// What the ledger says of releases and alerts.
    Vitals(Vitals),
    /// The settings were read again: the watch goes by them from now on, and has these checks.
    Reloaded(&'a [CheckName]),
    /// The settings were read again and are broken: the watch goes by what it had.
    ReloadRefused(&'a Problem),
    /// The first breach that binds, with its evidence. Told again by a process that goes on with the watch: the one
    /// before it may have died before it was heard. By the watch's identifier both are the same.
    Breached {
        watch: i64,
        evidence: &'a Value,
    },
    /// The ledger cannot be written; the watch goes on and writes later.
    LedgerUnreachable(&'a Problem),
}

/// What was normal is read from this long before.
const BASELINE: Duration = Duration::from_hours(1);

/// Watches until it is over.
///
/// # Errors
/// Another process watches, or took the watch over while this one slept; the ledger cannot be made.
pub async fn watch(request: WatchRequest<'_>, stop: &Stop, tell: &mut dyn FnMut(WatchNews<'_>)) -> Answer<WatchEnd> {
    let connection = connect(&request.target).await?;
    ensure(&connection).await?;
    let taken = begin(&connection, &request).await?;
    tell(WatchNews::Began { at: taken.began_at, resumed: taken.is_resumed });
    let mut baselines = baselines(&connection, &request.watched).await?;
    baselines.extend(taken.baselines);
    let checks: Vec<Check> = request.watched.iter().map(|watched| watched.check.clone()).collect();
    let has_witness = request.witness.is_some();
    let watch =
        Watch::resume(request.rules, checks, &baselines, taken.memories, has_witness, taken.began_at, wall_clock());
    let deadline = request.lasts.map(|lasts| taken.began_at.checked_add(lasts).unwrap_or(Timestamp::MAX));
    let desk = Desk {
        connection,
        target: request.target,
        holder: request.holder,
        release_id: request.release_id,
        term: taken.term,
        routes: request.routes,
        tells_vitals: request.tells_vitals,
    };
    let keeper = Keeper::new(desk, baselines, taken.incidents, taken.breach);
    let mut sources = Sources { plans: Vec::new(), running: JoinSet::new() };
    for watched in request.watched {
        sources.add(watched);
    }
    Loop { watch, keeper, deadline, sources, reload: request.reload }.run(request.witness, stop, tell).await
}

async fn begin(connection: &Connection, request: &WatchRequest<'_>) -> Answer<TakenWatch> {
    let failed = |error: SqlError| error.problem(ExitClass::Usage, message!("watch-not-taken"));
    batch(connection, &connection.begin(Access::Write)).await.map_err(failed)?;
    let taken = take_watch(connection, request.release_id, &request.described, &request.holder).await;
    batch(connection, if taken.is_ok() { "COMMIT" } else { "ROLLBACK" }).await.map_err(failed)?;
    taken
}

/// What was normal for each check: what was measured on purpose before the deploy, or what the hour before shows, as
/// far as it was watched.
async fn baselines(connection: &Connection, watched: &[Watched]) -> Answer<BTreeMap<CheckName, Baseline>> {
    let since = wall_clock().checked_sub(BASELINE).unwrap_or(Timestamp::UNIX_EPOCH);
    let mut seen: BTreeMap<CheckName, (Vec<Counts>, Latencies)> = BTreeMap::new();
    for slice in read_slices(connection, since, SAMPLE).await? {
        let (counts, latencies) = seen.entry(slice.check).or_default();
        counts.push(slice.counts);
        if let Some(more) = &slice.latencies {
            latencies.add(more);
        }
    }
    let mut baselines: BTreeMap<CheckName, Baseline> =
        seen.into_iter().map(|(name, (slices, latencies))| (name, Baseline::of(&slices, latencies))).collect();
    let saved = read_baseline(connection).await?.filter(|record| record.age <= Preflight::AGE_MAX);
    baselines.extend(saved.into_iter().flat_map(|record| record.checks));
    baselines.retain(|name, _| watched.iter().any(|one| one.check.name == *name));
    Ok(baselines)
}

/// What is running beside the loop.
enum Done {
    Took { place: usize, source: Source, taken: Taken, took: Duration },
    Witness { witness: WitnessProbe, word: Word },
    Late { late: Duration },
}

/// The sources of a watch. Each has a place for as long as the watch lasts; one that was taken out keeps its place and
/// is not asked again.
struct Sources {
    plans: Vec<Plan>,
    running: JoinSet<Done>,
}

struct Plan {
    name: CheckName,
    identity: String,
    every: Duration,
    is_gone: bool,
}

impl Sources {
    fn add(&mut self, watched: Watched) {
        let place = self.plans.len();
        let Watched { check, every, source, identity } = watched;
        self.plans.push(Plan { name: check.name, identity, every, is_gone: false });
        self.running.spawn(take(place, source, Duration::ZERO));
    }

    /// Takes these instead of those it has. The names of those that go on as they were.
    fn replace(&mut self, watched: Vec<Watched>) -> BTreeSet<CheckName> {
        let before: Vec<usize> = (0..self.plans.len()).filter(|place| !self.plans[*place].is_gone).collect();
        for place in &before {
            self.plans[*place].is_gone = true;
        }
        let mut kept = BTreeSet::new();
        for one in watched {
            let is_same = |plan: &Plan| plan.name == one.check.name && plan.identity == one.identity;
            match before.iter().find(|place| is_same(&self.plans[**place])) {
                Some(place) => {
                    let plan = &mut self.plans[*place];
                    (plan.is_gone, plan.every) = (false, one.every);
                    kept.insert(one.check.name);
                }
                None => self.add(one),
            }
        }
        kept
    }
}

struct Loop<'a> {
    watch: Watch,
    keeper: Keeper,
    deadline: Option<Timestamp>,
    sources: Sources,
    reload: Option<Reload<'a>>,
}

/// The witness: at home, or being asked. A new one takes its place when the old one is back.
struct Asked {
    at_home: Option<WitnessProbe>,
    is_out: bool,
    /// Whether the one that is out is none any more, and which one is instead.
    is_replaced: bool,
    next: Option<WitnessProbe>,
}

impl Asked {
    fn back(&mut self, witness: WitnessProbe) {
        self.is_out = false;
        self.at_home = if self.is_replaced { self.next.take() } else { Some(witness) };
        self.is_replaced = false;
    }

    fn replace(&mut self, witness: Option<WitnessProbe>) {
        if self.is_out {
            (self.is_replaced, self.next) = (true, witness);
        } else {
            self.at_home = witness;
        }
    }
}

impl Loop<'_> {
    async fn run(
        mut self,
        witness: Option<WitnessProbe>,
        stop: &Stop,
        tell: &mut dyn FnMut(WatchNews<'_>),
    ) -> Answer<WatchEnd> {
        let lateness = Lateness::USUAL;
        self.sources.running.spawn(async move { Done::Late { late: lateness.take().await } });
        let mut witness = Asked { at_home: witness, is_out: false, is_replaced: false, next: None };
        let mut saved = instant();
        loop {
            // Errors wait for the witness: it is asked as soon as there are some.
            if self.watch.wants_witness()
                && let Some(mut asked) = witness.at_home.take()
            {
                witness.is_out = true;
                self.sources.running.spawn(async move {
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
                () = hung_up(self.reload.as_mut()) => {
                    self.reload(&mut witness, tell).await?;
                    saved = instant();
                }
                Some(done) = self.sources.running.join_next() => {
                    // A source that panics is our bug, and must not look like a service that is well.
                    let done = done.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()));
                    match done {
                        Done::Took { place, source, taken, took } => self.took(place, source, &taken, took, tell),
                        Done::Witness { witness: asked, word } => {
                            self.watch.witness_asked(word.asked_at, word.reached);
                            witness.back(asked);
                        }
                        Done::Late { late } => {
                            if lateness.is_starved(late) {
                                self.watch.starved(wall_clock());
                            }
                            self.sources.running.spawn(async move { Done::Late { late: lateness.take().await } });
                        }
                    }
                }
                () = sleep(pause) => {}
            }
            // While the witness is being asked, nothing is judged that waits for its word.
            if !(witness.is_out && self.watch.wants_witness()) {
                let judgements = self.watch.advance(wall_clock());
                self.judged(&judgements, tell);
            }
            if let Some(breach) = self.watch.breach() {
                self.keeper.breached(breach);
            }
            if let Some(evidence) = self.keeper.breach.clone().filter(|_| !self.keeper.told) {
                self.keeper.told = true;
                // Written down first: what follows from a breach must be found in the ledger.
                self.keeper.save(&self.watch, tell).await?;
                saved = instant();
                tell(WatchNews::Breached { watch: self.keeper.term.id, evidence: &evidence });
            }
            if saved.elapsed() >= SAVE_EVERY {
                self.keeper.look_for_silence(&self.watch, tell);
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

    fn took(
        &mut self,
        place: usize,
        source: Source,
        taken: &Taken,
        took: Duration,
        tell: &mut dyn FnMut(WatchNews<'_>),
    ) {
        let plan = &self.sources.plans[place];
        if plan.is_gone {
            return;
        }
        let (name, every) = (plan.name.clone(), plan.every);
        let judgements = self.watch.observe(&name, &taken.measurement);
        self.keeper.sample(&name, taken);
        tell(WatchNews::Took { check: &name, taken, took });
        self.judged(&judgements, tell);
        self.sources.running.spawn(take(place, source, self.watch.next_probe_in(&name, every)));
    }

    /// The terms are read again; broken ones change nothing.
    async fn reload(&mut self, witness: &mut Asked, tell: &mut dyn FnMut(WatchNews<'_>)) -> Answer<()> {
        let Some(reload) = &mut self.reload else { return Ok(()) };
        let terms = match (reload.terms)() {
            Ok(terms) => terms,
            Err(problem) => {
                tell(WatchNews::ReloadRefused(&problem));
                return Ok(());
            }
        };
        // Of checks that are new. Without a ledger they have no baseline, and the watch goes on.
        let found = match &self.keeper.connection {
            Some(connection) => baselines(connection, &terms.watched).await.unwrap_or_default(),
            None => BTreeMap::new(),
        };
        let checks: Vec<Check> = terms.watched.iter().map(|watched| watched.check.clone()).collect();
        let kept = self.sources.replace(terms.watched);
        self.watch.reload(terms.rules, checks, &kept, &found, terms.witness.is_some(), wall_clock());
        witness.replace(terms.witness);
        self.keeper.reloaded(&self.watch, found, terms.described, terms.routes);
        let names: Vec<CheckName> = self.watch.memories().map(|(name, _)| name.clone()).collect();
        tell(WatchNews::Reloaded(&names));
        self.keeper.save(&self.watch, tell).await
    }

    fn judged(&mut self, judgements: &[Judgement], tell: &mut dyn FnMut(WatchNews<'_>)) {
        for judgement in judgements {
            self.keeper.judged(&self.watch, judgement, tell);
            tell(WatchNews::Judged(judgement));
        }
    }
}

/// Resolves when the settings are to be read again; never, where they are not.
async fn hung_up(reload: Option<&mut Reload<'_>>) {
    match reload {
        Some(reload) => reload.hangup.asked().await,
        None => std::future::pending().await,
    }
}

fn until(at: Timestamp) -> Duration {
    Duration::try_from(wall_clock().duration_until(at)).unwrap_or_default()
}

async fn take(place: usize, mut source: Source, pause: Duration) -> Done {
    sleep(pause).await;
    let began = instant();
    let taken = source.take().await;
    Done::Took { place, source, taken, took: began.elapsed() }
}
