//! A release that drives itself: stage 1, deploy, watch, approval, stage 2, watch; and back, when it must.
//!
//! One loop. Each turn proves that the release is still ours, writes down what begins, does it, and writes down how it
//! went together with what follows from that. What follows is decided in core; a driver that is killed between any two
//! of these begins the same task again.

mod abort;
mod alerts;
mod end;
mod hooks;
mod patience;
mod perform;
mod standing;
mod terms;
mod turn;
mod waiting;

use std::path::Path;
use std::pin::Pin;
use std::time::Duration;

use lockkeeper_core::message;
use lockkeeper_core::model::{About, Alert, Answer, ExitClass, Message, Problem, Stage};
use lockkeeper_core::parse::MigrationPair;
use lockkeeper_core::plan::{PlannedMigration, RollbackClass, plan_up, survey};
use lockkeeper_core::release::{
    Cause, Decision, Drive, Event, Journey, Outcome, ReleaseState, Task, Todo, WayBack, decide, next, todo, way_back,
};
use serde_json::{Value, json};

pub use abort::{Aborted, ask_abort};
pub use end::JourneyEnd;
pub use hooks::{AppHook, AppHooks, Secrets};
pub use standing::standing_then;
pub use terms::ReleaseTerms;
pub use waiting::{Approvers, StayFor, Waiting};

pub(super) use self::hooks::Told;
pub(super) use self::perform::{looks_to_json, perform_hook, wait_for_answers};
pub(super) use self::turn::{record as record_turn, write as write_turn};

use self::alerts::{frozen_alert, move_alert, way_alert};
use self::end::end_of;
use self::patience::is_lost;
pub use self::perform::Did;
use self::standing::standing;
use super::baseline::BaselineRequest;
use super::drift::DriftRules;
use super::gates::GateContext;
use super::progress::Progress;
use super::session::{Session, stopped};
use super::watching::{WatchNews, WatchRequest};
use crate::ledger::{
    JourneyRecord, JourneyTerm, LedgerSnapshot, NewJourney, ReleaseRecord, begin_task, end_task, ensure, open_journey,
    open_release, read, read_journey, record_event, set_deployed, set_state, set_way_back, take_journey,
};
use crate::postgres::{Connection, SqlError};
use crate::probe::{Source, WitnessProbe};
use crate::seams::{Stop, StopCause, instant, sleep};

/// The checks of a release, to be looked at once.
pub type Checks = (Vec<(lockkeeper_core::health::Check, Source)>, Option<WitnessProbe>);

/// What a function of [`Means`] comes back with.
pub type Eventually<'a, T> = Pin<Box<dyn Future<Output = Answer<T>> + 'a>>;

/// What a release is driven with. What is composed of several rooms comes in as a function.
pub struct Means<'a> {
    pub pairs: &'a [MigrationPair],
    /// What the gates go by. It is asked again before stage 2: who may approve can change while a release waits.
    pub gates: &'a dyn Fn() -> Answer<GateContext>,
    pub drift: &'a DriftRules,
    pub hooks: &'a AppHooks,
    /// Where hooks run: the project's folder, wherever the command was given.
    pub folder: &'a Path,
    pub secrets: &'a Secrets,
    pub rules: &'a lockkeeper_core::health::Rules,
    /// A watch of this release for so long.
    pub watch: &'a dyn Fn(i64, Duration) -> Answer<WatchRequest<'a>>,
    /// Everything that a watch would measure, to be looked at once.
    pub checks: &'a dyn Fn() -> Answer<Checks>,
    /// What is normal, to be measured for so long.
    pub baseline: &'a dyn Fn(Duration) -> Answer<BaselineRequest>,
    /// Tries the migrations that are pending in a shadow, and records what came of it.
    pub verify: &'a dyn Fn() -> Eventually<'a, bool>,
    /// Makes the backup that stage 2 waits for, where it is known how.
    pub backup: Option<&'a dyn Fn() -> Eventually<'a, ()>>,
}

/// What is told while a release is driven.
#[derive(Debug)]
pub enum JourneyNews<'a> {
    Moved {
        from: ReleaseState,
        to: ReleaseState,
    },
    Began {
        task: Task,
        attempt: i32,
    },
    Ended {
        task: Task,
        outcome: Outcome,
        took: Duration,
        why: Option<&'a Message>,
    },
    /// It goes back, or cannot.
    GoesBack {
        cause: Cause,
        way: &'a WayBack,
    },
    /// The database is gone for a while.
    Unreachable {
        problem: &'a Problem,
    },
    /// It waits for a person, and this process stays; for so long by now.
    Waits {
        waiting: &'a Waiting,
        stayed: Duration,
    },
    Driver(Progress),
    /// Only a backup is missing, and is made.
    BacksUp,
    Watch(WatchNews<'a>),
}

/// Is told what happens. It must not block.
pub type Teller<'t> = dyn FnMut(JourneyNews<'_>) + 't;

/// A release on its way, and this process with the right to drive it.
pub struct Driver<'a> {
    session: Session,
    /// What the process is asked to end by. The session's own stop is asked by an abort as well.
    signals: Stop,
    means: &'a Means<'a>,
    term: JourneyTerm,
    terms: ReleaseTerms,
    gates: GateContext,
    /// Whether this process stays while an approval is missing.
    pub stays: Option<StayFor>,
    /// How many this process has begun.
    tasks: usize,
}

/// Begins a release.
///
/// # Errors
/// Another release is on its way, or one was rolled back a moment ago.
pub async fn start_journey<'a>(
    session: Session,
    means: &'a Means<'a>,
    terms: ReleaseTerms,
    despite_cool_down: bool,
) -> Answer<Driver<'a>> {
    ensure(&session.connection).await?;
    let snapshot = read(&session.connection).await?.ok_or_else(JourneyTerm::lost)?;
    if let Some(open) = snapshot.open_release() {
        return Err(already_open(open));
    }
    if !despite_cool_down {
        check_cool_down(&snapshot, terms.cool_down)?;
    }
    check_files(&snapshot, means.pairs)?;
    let actor = session.holder.actor.clone();
    let gates = (means.gates)()?;
    let mut authors = gates.authors.clone();
    authors.push(actor.clone());
    let described = terms.to_json();
    let payload = json!({ "version": terms.version, "previous_version": terms.previous_version, "terms": described });
    let term = turn::write(&session.connection, async |connection| {
        let release_id = open_release(connection, &actor, &authors).await?;
        record_event(connection, &actor, "release_started", Some(release_id), &payload).await?;
        let journey = NewJourney {
            release_id,
            version: &terms.version,
            previous_version: terms.previous_version.as_deref(),
            terms: &described,
        };
        open_journey(connection, &journey, &session.holder).await
    })
    .await?;
    Ok(Driver::new(session, means, term, terms, gates))
}

/// Goes on with the release that is on its way.
///
/// # Errors
/// Exit class 4 while another process drives it; a refusal when there is none, or it is driven by hand.
pub async fn resume_journey<'a>(session: Session, means: &'a Means<'a>) -> Answer<Driver<'a>> {
    let nothing = || Problem::refused(message!("journey-nothing")).hint(message!("next-release-start"));
    let snapshot = read(&session.connection).await?.ok_or_else(nothing)?;
    let release = snapshot.open_release().ok_or_else(nothing)?;
    let journey = read_journey(&session.connection, release.id).await?;
    let journey = journey.ok_or_else(|| {
        Problem::refused(message!("journey-by-hand", release = release.id)).hint(message!("next-status"))
    })?;
    let gates = (means.gates)()?;
    let term = loop {
        let taken = turn::write(&session.connection, async |connection| {
            take_journey(connection, release.id, &session.holder).await
        })
        .await?;
        if let Some(term) = taken {
            break term;
        }
        if !session.waits_for_lease {
            return Err(busy(&session, release.id).await);
        }
        tokio::select! {
            () = sleep(ASKED_EVERY) => {}
            cause = session.stop.asked() => return Err(stopped(cause)),
        }
    };
    let terms = ReleaseTerms::from_json(&journey.version, journey.previous_version.as_deref(), &journey.terms);
    Ok(Driver::new(session, means, term, terms, gates))
}

/// How often somebody who waits asks whether the release is free.
const ASKED_EVERY: Duration = Duration::from_millis(500);

/// A task under which the server goes away is begun again so often.
const LOST_MAX: i32 = 10;

fn back_by_hand(release_id: i64) -> Box<Problem> {
    Problem::refused(message!("journey-back-by-hand", release = release_id)).hint(message!("journey-back-by-hand-hint"))
}

/// What whoever wants a release is told while another process drives it.
pub async fn busy(session: &Session, release_id: i64) -> Box<Problem> {
    let Ok(Some(journey)) = read_journey(&session.connection, release_id).await else { return JourneyTerm::lost() };
    Problem::new(
        ExitClass::Busy,
        message!(
            "journey-busy",
            release = release_id,
            holder = journey.holder.as_str(),
            host = journey.host.as_str(),
            pid = journey.pid,
            seen = journey.seen_at.to_string()
        ),
    )
    .note(message!("nothing-changed"))
    .hint(message!("journey-busy-hint", seconds = crate::ledger::JOURNEY_TTL.as_secs()))
}

fn already_open(release: &ReleaseRecord) -> Box<Problem> {
    let state = release.state.as_str();
    let problem = Problem::refused(message!("journey-open", release = release.id, state = state));
    problem.note(message!("nothing-changed")).hint(match (release.drive, release.state) {
        (Drive::Driven, ReleaseState::Frozen) | (Drive::ByHand, _) => message!("next-status"),
        (Drive::Driven, _) => message!("next-resume"),
    })
}

/// A release that was rolled back a moment ago is looked into before the next one begins.
fn check_cool_down(snapshot: &LedgerSnapshot, cool_down: Duration) -> Answer<()> {
    let last = snapshot.release.as_ref().filter(|release| release.state == ReleaseState::RolledBack);
    let Some((release, at)) = last.and_then(|release| Some((release, release.finished_at?))) else { return Ok(()) };
    let since = Duration::try_from(snapshot.now.duration_since(at)).unwrap_or_default();
    if release.drive == Drive::ByHand || since >= cool_down {
        return Ok(());
    }
    let left = cool_down.saturating_sub(since).as_secs();
    Err(Problem::refused(message!("journey-cool-down", release = release.id, seconds = left))
        .note(message!("nothing-changed"))
        .hint(message!("journey-cool-down-hint")))
}

fn check_files(snapshot: &LedgerSnapshot, pairs: &[MigrationPair]) -> Answer<()> {
    Problem::all(survey(pairs, &snapshot.applied_migrations()).problems).map_or(Ok(()), Err)
}

/// The migrations of the folder that are not applied.
pub(super) fn pending(snapshot: &LedgerSnapshot, pairs: &[MigrationPair]) -> Answer<Vec<PlannedMigration>> {
    survey(pairs, &snapshot.applied_migrations()).pending.into_iter().map(plan_up).collect()
}

/// All that one turn goes by, read at its beginning.
struct Reading {
    snapshot: LedgerSnapshot,
    release: ReleaseRecord,
    journey: JourneyRecord,
    stage2_waits: bool,
}

/// What is written down when a release goes back, or freezes.
struct TurnBack<'t> {
    to: ReleaseState,
    /// The task that made it, and how that went.
    ended: Option<(Task, Outcome, &'t Value)>,
    event: &'static str,
    payload: &'t Value,
    alert: &'t Alert,
}

impl<'a> Driver<'a> {
    fn new(
        mut session: Session,
        means: &'a Means<'a>,
        term: JourneyTerm,
        terms: ReleaseTerms,
        gates: GateContext,
    ) -> Self {
        let signals = session.stop.clone();
        let (handle, stop) = Stop::new();
        let (asked, aborted) = (signals.clone(), term.aborted());
        tokio::spawn(async move {
            tokio::select! {
                cause = asked.asked() => handle.ask(cause),
                () = aborted => handle.ask(StopCause::Terminate),
            }
        });
        session.stop = stop;
        // Who holds the lease is at work for a moment, or was us before the server restarted.
        session.waits_for_lease = true;
        Self { session, signals, means, term, terms, gates, stays: None, tasks: 0 }
    }

    pub const fn release_id(&self) -> i64 {
        self.term.release_id
    }

    /// Drives the release until it is over, waits for a person, or is stopped.
    ///
    /// # Errors
    /// What a task was refused for, or failed with, where nothing follows from it by itself.
    pub async fn drive(mut self, tell: &mut Teller<'_>) -> Answer<JourneyEnd> {
        let end = self.turns(tell).await;
        self.term.leave(&self.session.connection).await;
        end
    }

    async fn turns(&mut self, tell: &mut Teller<'_>) -> Answer<JourneyEnd> {
        loop {
            let reading = self.read(tell).await?;
            let journey = Journey {
                release: reading.release.release(),
                done: reading.journey.done(),
                way_back: reading.journey.way_back(),
                stage2_waits: reading.stage2_waits,
                remains: reading.snapshot.applied.iter().any(|row| row.release_id == reading.release.id),
            };
            if let Some(abort) = reading.journey.abort.as_ref().filter(|_| is_on_its_way(&reading)) {
                self.go_back(&reading, Cause::Aborted, abort.clone(), None, tell).await?;
                continue;
            }
            if let Some(evidence) = self.is_overdue(&reading) {
                self.go_back(&reading, Cause::NotApproved, evidence, None, tell).await?;
                continue;
            }
            match todo(&journey) {
                Todo::Over => return Ok(end_of(&reading)),
                Todo::ByHand => return Err(back_by_hand(reading.release.id)),
                Todo::Move(event) => self.move_on(&reading, event, tell).await?,
                Todo::Perform(task) => {
                    let ended = self.perform_and_record(&reading, task, tell).await?;
                    if let Some(end) = self.stay(ended, tell).await? {
                        return Ok(end);
                    }
                }
            }
        }
    }

    /// Reads where the release stands. The database may be restarting: it is asked again for a while.
    async fn read(&mut self, tell: &mut Teller<'_>) -> Answer<Reading> {
        self.patiently(tell, async |driver: &Self| {
            let connection = &driver.session.connection;
            let snapshot = read(connection).await?.ok_or_else(JourneyTerm::lost)?;
            let id = driver.term.release_id;
            let release = snapshot.release.clone().filter(|release| release.id == id).ok_or_else(JourneyTerm::lost)?;
            let journey = read_journey(connection, id).await?.ok_or_else(JourneyTerm::lost)?;
            let pending = pending(&snapshot, driver.means.pairs)?;
            let stage2_waits = pending.iter().any(|migration| migration.stage() == Stage::Contract);
            Ok(Reading { snapshot, release, journey, stage2_waits })
        })
        .await
    }

    /// All tasks of a state are done.
    async fn move_on(&mut self, reading: &Reading, event: Event, tell: &mut Teller<'_>) -> Answer<()> {
        let (id, from) = (reading.release.id, reading.release.state);
        let to = next(reading.release.release(), event)?;
        let version = (event_deploys(event)).then(|| reading.journey.version.clone());
        let alert = move_alert(reading, to, &self.approvers(reading), self.plan(reading));
        self.patiently(tell, async |driver: &Self| {
            let actor = driver.session.holder.actor.as_str();
            driver
                .record(from, async |connection| {
                    if let Some(version) = &version {
                        set_deployed(connection, id, version, actor).await?;
                    }
                    set_state(connection, id, from, to, actor, &[]).await?;
                    let routes = &driver.session.routes;
                    if let Some(alert) = &alert {
                        routes.put(connection, alert).await?;
                    }
                    if to == ReleaseState::RolledBack {
                        // Whatever stood of the release went with it.
                        let said = message!("alert-rolled-back");
                        routes.resolve_below(connection, &About::all_of_release(id), &said).await?;
                    }
                    Ok(())
                })
                .await
        })
        .await?;
        tell(JourneyNews::Moved { from, to });
        Ok(())
    }

    /// One task: written down, done, and written down with what follows.
    async fn perform_and_record(
        &mut self,
        reading: &Reading,
        task: Task,
        tell: &mut Teller<'_>,
    ) -> Answer<Option<JourneyEnd>> {
        if let Some(cause) = self.signals.cause() {
            return Err(stopped(cause).hint(message!("next-resume")));
        }
        let (id, state) = (reading.release.id, reading.release.state);
        let (key, attempt) = self
            .patiently(tell, async |driver: &Self| {
                let actor = driver.session.holder.actor.as_str();
                driver.record(state, async |connection| begin_task(connection, id, task, actor).await).await
            })
            .await?;
        self.tasks += 1;
        tell(JourneyNews::Began { task, attempt });
        let began = instant();
        let did = self.perform(reading, task, &key, attempt, tell).await;
        let why = did.problem.as_ref().map(|problem| &problem.message);
        tell(JourneyNews::Ended { task, outcome: did.outcome, took: began.elapsed(), why });
        let is_lost = did.problem.as_ref().is_some_and(|problem| is_lost(problem, &self.session));
        let goes_on = is_lost && attempt < LOST_MAX && self.signals.cause().is_none();
        match self.follow(task, did, tell).await {
            // The server went away under it, and is back: it is begun again.
            Err(_) if goes_on => Ok(None),
            followed => followed,
        }
    }

    /// Records how a task went, and what follows from it.
    async fn follow(&mut self, task: Task, did: Did, tell: &mut Teller<'_>) -> Answer<Option<JourneyEnd>> {
        // Stage 1, stage 2 and the ways back have moved the release themselves.
        let reading = self.read(tell).await?;
        let (id, state) = (reading.release.id, reading.release.state);
        let Did { outcome, evidence, problem, closed } = did;
        let decision = match decide(task, outcome) {
            // It was asked for in the middle of the task.
            Decision::Stay if reading.journey.abort.is_some() && is_on_its_way(&reading) => {
                Decision::RollBack(Cause::Aborted)
            }
            decision => decision,
        };
        match decision {
            Decision::GoOn | Decision::Stay => {
                self.patiently(tell, async |driver: &Self| {
                    driver
                        .record(state, async |connection| end_task(connection, id, task, outcome, &evidence).await)
                        .await
                })
                .await?;
            }
            Decision::RollBack(cause) => {
                let ended = Some((task, outcome, &evidence));
                self.go_back(&reading, cause, evidence.clone(), ended, tell).await?;
            }
            Decision::Freeze(cause) => {
                let ended = Some((task, outcome, &evidence));
                self.freeze(&reading, cause, &evidence, ended, problem.as_deref(), tell).await?;
            }
        }
        if decision != Decision::Stay {
            return Ok(None);
        }
        if let Some(closed) = closed {
            let waiting = Box::new(self.waiting(&reading, closed));
            return Ok(Some(JourneyEnd::Waits { waiting, did_something: self.tasks > 1 }));
        }
        let problem = problem.unwrap_or_else(|| Problem::refused(message!("journey-task-stays", task = task.as_str())));
        Err(problem.hint(message!("next-resume")))
    }

    /// The release goes back, by the way that is decided now and stays.
    async fn go_back(
        &mut self,
        reading: &Reading,
        cause: Cause,
        evidence: Value,
        ended: Option<(Task, Outcome, &Value)>,
        tell: &mut Teller<'_>,
    ) -> Answer<()> {
        let (id, from) = (reading.release.id, reading.release.state);
        let way = self
            .patiently(tell, async |driver: &Self| {
                let (snapshot, journey) = (&reading.snapshot, &reading.journey);
                standing(&driver.session, snapshot, journey, driver.means.pairs, &driver.terms).await
            })
            .await
            .map(|standing| way_back(&standing))?;
        let is_frozen = way.class == RollbackClass::Freeze;
        let event = if is_frozen { Event::Froze } else { Event::RollbackStarted };
        let to = next(reading.release.release(), event)?;
        tell(JourneyNews::GoesBack { cause, way: &way });
        let alert = way_alert(reading, cause, &way);
        let payload = json!({ "cause": cause.as_str(), "class": way.class.as_str(), "evidence": evidence });
        let turn = TurnBack { to, ended, event: "release_goes_back", payload: &payload, alert: &alert };
        self.turn_back(
            from,
            &turn,
            async |connection| set_way_back(connection, id, cause, &way, &evidence).await,
            tell,
        )
        .await?;
        // An abort has been heard, and must not stop the way back.
        self.session.stop = self.signals.clone();
        Ok(())
    }

    /// Going back failed: nothing more is done, and somebody is called.
    async fn freeze(
        &mut self,
        reading: &Reading,
        cause: Cause,
        evidence: &Value,
        ended: Option<(Task, Outcome, &Value)>,
        problem: Option<&Problem>,
        tell: &mut Teller<'_>,
    ) -> Answer<()> {
        let to = next(reading.release.release(), Event::Froze)?;
        let why = problem.map(|problem| problem.message.clone());
        let alert = frozen_alert(reading, cause, why);
        let payload = json!({ "cause": cause.as_str(), "evidence": evidence });
        let turn = TurnBack { to, ended, event: "release_frozen", payload: &payload, alert: &alert };
        self.turn_back(reading.release.state, &turn, async |_| Ok(()), tell).await
    }

    /// The release leaves the way forward, or the way back: the task that made it, the event, the state and the alert
    /// in one transaction, with what else belongs to it.
    async fn turn_back(
        &mut self,
        from: ReleaseState,
        turn: &TurnBack<'_>,
        more: impl AsyncFn(&Connection) -> Result<(), SqlError>,
        tell: &mut Teller<'_>,
    ) -> Answer<()> {
        let (id, to) = (self.term.release_id, turn.to);
        self.patiently(tell, async |driver: &Self| {
            let actor = driver.session.holder.actor.as_str();
            driver
                .record(from, async |connection| {
                    if let Some((task, outcome, evidence)) = turn.ended {
                        end_task(connection, id, task, outcome, evidence).await?;
                    }
                    more(connection).await?;
                    record_event(connection, actor, turn.event, Some(id), turn.payload).await?;
                    set_state(connection, id, from, to, actor, &[]).await?;
                    driver.session.routes.put(connection, turn.alert).await
                })
                .await
        })
        .await?;
        tell(JourneyNews::Moved { from, to });
        Ok(())
    }

    /// One transaction of ours: the term is proved, the state is the one that was decided on, and then this.
    async fn record<T>(
        &self,
        expected: ReleaseState,
        write: impl AsyncFnOnce(&Connection) -> Result<T, SqlError>,
    ) -> Answer<T> {
        turn::record(&self.session.connection, &self.term, expected, write).await
    }
}

/// Whether it still goes forward.
const fn is_on_its_way(reading: &Reading) -> bool {
    let state = reading.release.state;
    reading.journey.back.is_none()
        && !matches!(state, ReleaseState::Frozen | ReleaseState::RollingBack)
        && !state.is_over()
}

const fn event_deploys(event: Event) -> bool {
    matches!(event, Event::Deployed { .. })
}
