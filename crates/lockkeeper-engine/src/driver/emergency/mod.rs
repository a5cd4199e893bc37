//! The manual procedure: each step is written down before it is begun and after it has ended, on this machine's disk
//! and, as far as it can be had, in the ledger; so it is gone on with after anything.
//!
//! It performs its steps by the same functions as a release that goes back by itself.

mod journal;
mod situation;

use std::path::{Path, PathBuf};
use std::time::Duration;

use lockkeeper_core::health::Measures;
use lockkeeper_core::message;
use lockkeeper_core::model::{About, Alert, AlertKind, Answer, ExitClass, FactName, PointName, Problem, Verdict};
use lockkeeper_core::plan::RollbackClass;
use lockkeeper_core::release::{
    Cause, DatabaseStanding, Drive, EmergencyStep, LedgerStanding, Outcome, ReleaseState, Task, WayBack, ended_back,
    turned_back,
};
use serde_json::{Value, json};

pub use journal::{EmergencyRecord, Entry, Journal, folder_of, newest};
pub use situation::{Asked, Chain, ServerSeen, Situation, shown_sql};

use super::health_check::{Looked, look_at_all};
use super::journey::{
    AppHooks, Checks, Did, Secrets, Told, looks_to_json, perform_hook, record_turn, wait_for_answers, write_turn,
};
use super::progress::Progress;
use super::rollback::{RollbackRequest, run_rollback};
use super::session::{Session, stopped};
use crate::ledger::{
    JourneyTerm, begin_task, end_task, ensure, query, query_alone, read, record_event, renew_way_back, set_state,
    set_way_back, take_journey,
};
use crate::postgres::{Activity, Connection, SqlError};
use crate::seams::{Stop, random_id, sleep};
use tokio_postgres::types::Type;

/// Held by the session of whoever goes through an emergency: "emergenc" in ASCII.
const EMERGENCY_LOCK: i64 = 0x656d_6572_6765_6e63;

/// So often it is looked whether the application is well, and so far apart.
const LOOKS_MAX: u32 = 5;
const LOOKED_EVERY: Duration = Duration::from_secs(1);

/// What an emergency is gone through with. What is composed of several rooms comes in as a function.
pub struct EmergencyMeans<'a> {
    pub hooks: &'a AppHooks,
    /// Where hooks run: the project's folder.
    pub folder: &'a Path,
    pub secrets: &'a Secrets,
    pub rules: &'a lockkeeper_core::health::Rules,
    pub answers_within: Duration,
    pub drift_ignored: &'a [String],
    /// Everything that a watch would measure, to be looked at once.
    pub checks: &'a dyn Fn() -> Answer<Checks>,
    /// Makes a backup by whatever is configured, and tells what it made.
    pub backup: &'a dyn Fn() -> std::pin::Pin<Box<dyn Future<Output = Answer<Value>> + 'a>>,
}

/// What the operator decided before the first step.
#[derive(Debug, Clone)]
pub struct EmergencyTerms {
    pub actor: String,
    pub reason: String,
    pub version: String,
    pub previous_version: Option<String>,
    pub point: Option<PointName>,
    /// Stage 2 may be undone: what it removed does not come back.
    pub past_stage2: bool,
    /// Values may be lost that cannot be kept.
    pub accepts_loss: bool,
}

/// An emergency that is being gone through.
pub struct Emergency<'a> {
    pub journal: Journal,
    means: &'a EmergencyMeans<'a>,
    terms: EmergencyTerms,
    /// `None` while the database cannot be reached.
    session: Option<Session>,
    /// The right to drive the release, when it drives itself.
    term: Option<JourneyTerm>,
    stop: Stop,
    release_id: Option<i64>,
    /// Whether all that is needed of the ledger can be read and written.
    has_ledger: bool,
    keeps_tasks: bool,
    /// What the migrations step would do is what a driver would do that goes on with the release.
    undoes_by_itself: bool,
}

impl<'a> Emergency<'a> {
    /// Takes the emergency, and with it a release that nobody drives.
    ///
    /// # Errors
    /// Exit class 4 while another process drives the release, or goes through an emergency of its own; a disk that takes no
    /// journal.
    pub async fn open(
        journal: Journal,
        means: &'a EmergencyMeans<'a>,
        terms: EmergencyTerms,
        session: Option<Session>,
        stop: Stop,
        situation: &Situation,
    ) -> Answer<Self> {
        let writable = situation.database == DatabaseStanding::Writable;
        let has_ledger = writable && situation.ledger == LedgerStanding::Readable;
        let release = situation.release();
        let driven = has_ledger && release.is_some_and(|it| it.drive == Drive::Driven);
        let to_point = terms.point.as_ref().is_some_and(|point| point.as_str() != PointName::BEFORE_STAGE1);
        let mut emergency = Self {
            release_id: release.map(|it| it.id).or_else(|| journal.record.release_id()),
            journal,
            means,
            session,
            term: None,
            stop,
            has_ledger,
            keeps_tasks: driven && situation.journey.is_some(),
            undoes_by_itself: !to_point && (!situation.passes_stage2 || terms.past_stage2) && !situation.loses,
            terms,
        };
        emergency.lock().await?;
        if driven && release.is_some_and(|it| !it.state.is_over()) {
            emergency.take_release().await?;
        }
        let kind = if emergency.journal.record.entries.is_empty() { journal::STARTED } else { "emergency_resumed" };
        let terms = &emergency.terms;
        let payload = json!({
            "reason": terms.reason,
            "version": terms.version,
            "previous_version": terms.previous_version,
            "point": terms.point.as_ref().map(PointName::as_str),
            "database": format!("{:?}", situation.database).to_lowercase(),
            "ledger": format!("{:?}", situation.ledger).to_lowercase(),
            "state": release.map(|it| it.state.as_str()),
        });
        emergency.write(kind, payload).await?;
        Ok(emergency)
    }

    /// One emergency at a time. Behind a pooler a session's locks are not its own, so nothing is held there.
    async fn lock(&self) -> Answer<()> {
        let Some(session) = self.session.as_ref().filter(|session| !session.connection.is_pooled()) else {
            return Ok(());
        };
        let sql = "SELECT pg_catalog.pg_try_advisory_lock($1)";
        match query_alone(&session.connection, sql, &[(&EMERGENCY_LOCK, Type::INT8)]).await {
            Ok(rows) if rows.first().is_some_and(|row| !row.get::<_, bool>(0)) => {
                Err(Problem::new(ExitClass::Busy, message!("emergency-busy")).note(message!("nothing-changed")))
            }
            Ok(_) | Err(_) => Ok(()),
        }
    }

    /// The right to drive it, so that no `release resume` does meanwhile.
    async fn take_release(&mut self) -> Answer<()> {
        let (Some(session), Some(id)) = (&self.session, self.release_id) else { return Ok(()) };
        ensure(&session.connection).await?;
        let taken =
            write_turn(&session.connection, async |connection| take_journey(connection, id, &session.holder).await)
                .await?;
        self.term = taken;
        if self.term.is_none() {
            return Err(Problem::new(ExitClass::Busy, message!("emergency-driven", release = id))
                .note(message!("nothing-changed"))
                .hint(message!("emergency-driven-hint")));
        }
        Ok(())
    }

    /// Writes down what happened: on disk, and in the ledger when it takes it.
    ///
    /// # Errors
    /// When the disk takes nothing.
    pub async fn write(&mut self, kind: &str, payload: Value) -> Answer<()> {
        self.journal.write(&self.terms.actor, kind, self.release_id, payload)?;
        if let Some(session) = &self.session {
            self.journal.log(&session.connection).await;
        }
        Ok(())
    }

    /// The session, on a connection that stands.
    async fn connected(&mut self) -> Option<&Session> {
        let session = self.session.as_mut()?;
        if session.connection.is_closed() && session.reconnect().await.is_err() {
            return None;
        }
        Some(session)
    }

    /// What goes on in the database now, for the report of what went wrong.
    pub async fn activity(&mut self) -> Option<Activity> {
        let session = self.connected().await?;
        crate::postgres::activity(&session.connection).await.ok()
    }

    /// Somebody has said that what stage 2 removed may stay gone.
    pub const fn pass_stage2(&mut self) {
        self.terms.past_stage2 = true;
    }

    /// Somebody has said that values may be lost.
    pub const fn accept_loss(&mut self) {
        self.terms.accepts_loss = true;
    }

    /// That somebody leaves a step out, or has done it.
    ///
    /// # Errors
    /// When the disk takes nothing.
    pub async fn settle(&mut self, step: EmergencyStep, outcome: &'static str, confirmed: &str) -> Answer<()> {
        if outcome == "by_hand" && step.turns_back() {
            self.turn_back().await?;
        }
        let payload = json!({ "step": step.as_str(), "outcome": outcome, "confirmed": confirmed });
        self.write(journal::STEP_ENDED, payload).await
    }

    /// Performs a step: written down, done, and written down.
    ///
    /// # Errors
    /// Why it did not get to its end.
    pub async fn perform(
        &mut self,
        step: EmergencyStep,
        confirmed: &str,
        report: &mut (dyn FnMut(Progress) + '_),
    ) -> Answer<Value> {
        if let Some(cause) = self.stop.cause() {
            return Err(stopped(cause));
        }
        let key = self.journal.record.key(step).unwrap_or_else(random_id);
        self.write(journal::STEP_BEGAN, json!({ "step": step.as_str(), "key": key, "confirmed": confirmed })).await?;
        let did = match self.turn_back_for(step).await {
            Ok(()) => self.act(step, &key, report).await,
            Err(problem) => Did::of(Err(problem)),
        };
        let payload = json!({
            "step": step.as_str(),
            "outcome": did.outcome.as_str(),
            "confirmed": confirmed,
            "problem": did.problem.as_ref().map(|problem| problem_to_json(problem, self.means.secrets)),
            "evidence": did.evidence,
        });
        self.write(journal::STEP_ENDED, payload).await?;
        match did.problem {
            Some(problem) => Err(problem),
            None if did.outcome == Outcome::Done => Ok(did.evidence),
            None => Err(Problem::refused(message!("emergency-unwell"))),
        }
    }

    async fn act(&mut self, step: EmergencyStep, key: &str, report: &mut (dyn FnMut(Progress) + '_)) -> Did {
        match step {
            EmergencyStep::Backup => Did::of((self.means.backup)().await),
            EmergencyStep::Health => self.health().await,
            EmergencyStep::Migrations => {
                self.begin(Task::UndoStage1, key, step).await;
                let did = Did::of(self.undo(report).await);
                self.end(Task::UndoStage1, &did).await;
                did
            }
            EmergencyStep::StopApp | EmergencyStep::App => {
                let mut last = Did::done(Value::Null);
                let mut evidence = serde_json::Map::new();
                for task in step.tasks().iter().copied() {
                    // An application that its rollback starts needs no hook that starts it.
                    if task == Task::StartApp && self.means.hooks.of(task).is_none() {
                        continue;
                    }
                    let (key, attempt) = self.begin(task, key, step).await;
                    last = self.app(task, &key, attempt).await;
                    self.end(task, &last).await;
                    evidence.insert(task.as_str().to_owned(), last.evidence.clone());
                    if last.outcome != Outcome::Done {
                        break;
                    }
                }
                Did { evidence: Value::Object(evidence), ..last }
            }
        }
    }

    // ── the application ────────────────────────────────────────────────────────────────────────

    async fn app(&self, task: Task, key: &str, attempt: i32) -> Did {
        if task == Task::WaitRolledBack && self.means.hooks.of(task).is_none() {
            let look = async || self.look(|measures| measures == Measures::Probes).await;
            return wait_for_answers(look, self.means.answers_within, &self.stop).await;
        }
        let evidence = json!({ "emergency": self.journal.record.id, "reason": self.terms.reason });
        let told = Told {
            release_id: self.release_id.unwrap_or_default(),
            task,
            version: self.terms.previous_version.as_deref().unwrap_or_default(),
            previous_version: Some(&self.terms.version),
            state: ReleaseState::RollingBack.as_str(),
            plan: "",
            key,
            attempt,
            evidence: &evidence,
        };
        Box::pin(perform_hook(self.means.hooks, &told, self.means.folder, self.means.secrets, &self.stop)).await
    }

    async fn look(&self, is_asked: impl Fn(Measures) -> bool) -> Answer<Vec<Looked>> {
        let (mut checks, witness) = (self.means.checks)()?;
        checks.retain(|(check, _)| is_asked(check.measures));
        Ok(look_at_all(checks, witness, self.means.rules).await.0)
    }

    /// Looks until all is well, for a moment: what the new code had begun may still fail when it is gone.
    async fn health(&self) -> Did {
        let mut looks = 1;
        loop {
            let looked = tokio::select! {
                looked = self.look(|_| true) => looked,
                cause = self.stop.asked() => Err(stopped(cause)),
            };
            let looked = match looked {
                Ok(looked) => looked,
                Err(problem) => return Did::of(Err(problem)),
            };
            let evidence = looks_to_json(&looked);
            let unwell: Vec<&Looked> = looked.iter().filter(|one| one.verdict == Verdict::Fail).collect();
            if unwell.is_empty() {
                return Did::done(evidence);
            }
            if looks == LOOKS_MAX {
                let names: Vec<&str> = unwell.iter().map(|one| one.check.name.as_str()).collect();
                let mut problem = Problem::refused(message!("emergency-checks-fail", checks = names.join(", ")));
                problem.notes = unwell.iter().map(|one| one.said.clone()).collect();
                return Did { evidence, outcome: Outcome::Unhealthy, problem: Some(problem), closed: None };
            }
            looks += 1;
            tokio::select! {
                () = sleep(LOOKED_EVERY) => {}
                cause = self.stop.asked() => return Did::of(Err(stopped(cause))),
            }
        }
    }

    // ── the release ────────────────────────────────────────────────────────────────────────────

    async fn undo(&mut self, report: &mut (dyn FnMut(Progress) + '_)) -> Answer<Value> {
        let point = self.terms.point.clone();
        let point = point.ok_or_else(|| Problem::refused(message!("emergency-nothing-applied")))?;
        let request = RollbackRequest {
            point,
            reason: self.terms.reason.clone(),
            past_stage2: self.terms.past_stage2,
            down_from_files: None,
            accepts_loss: self.terms.accepts_loss,
            unsettled: None,
            drift_ignored: self.means.drift_ignored,
            // The release ends when all of it is back, not when its schema is.
            drive: Drive::Driven,
        };
        let session = self.connected().await.ok_or_else(|| Problem::usage(message!("emergency-unreachable")))?;
        let outcome = run_rollback(session, &request, &mut |progress| report(progress)).await?;
        Ok(json!({ "undone": outcome.undone.iter().map(|number| number.get()).collect::<Vec<_>>() }))
    }

    async fn turn_back_for(&mut self, step: EmergencyStep) -> Answer<()> {
        if step.turns_back() { self.turn_back().await } else { Ok(()) }
    }

    /// From now on the release goes back, whoever goes on with it.
    ///
    /// # Errors
    /// When the ledger cannot be written, or the release is not ours any more.
    pub async fn turn_back(&mut self) -> Answer<()> {
        if !self.has_ledger {
            return Ok(());
        }
        let (terms, keeps_tasks) = (self.terms.clone(), self.keeps_tasks);
        let way = self.way_back();
        let emergency = self.journal.record.id.clone();
        if self.connected().await.is_none() {
            return Ok(());
        }
        let Some(session) = &self.session else { return Ok(()) };
        let Some(release) = read(&session.connection).await?.and_then(|snapshot| snapshot.release) else {
            return Ok(());
        };
        let Some(to) = turned_back(release.release()) else { return Ok(()) };
        let (id, actor, evidence) =
            (release.id, terms.actor.as_str(), json!({ "emergency": emergency, "reason": terms.reason }));
        let alert = started_alert(id, &terms);
        self.record(session, release.state, async |connection| {
            if keeps_tasks {
                set_way_back(connection, id, Cause::Aborted, &way, &evidence).await?;
                renew_way_back(connection, id, way.class, &way.tasks).await?;
            }
            let class = way.class.as_str();
            let payload = json!({ "cause": "emergency", "class": class, "evidence": evidence });
            record_event(connection, actor, "release_goes_back", Some(id), &payload).await?;
            set_state(connection, id, release.state, to, actor, &[]).await?;
            session.routes.put(connection, &alert).await
        })
        .await
    }

    /// One transaction of ours, while the release is ours to take back.
    async fn record(
        &self,
        session: &Session,
        expected: ReleaseState,
        write: impl AsyncFnOnce(&Connection) -> Result<(), SqlError>,
    ) -> Answer<()> {
        match &self.term {
            Some(term) => record_turn(&session.connection, term, expected, write).await,
            None => write_turn(&session.connection, write).await,
        }
    }

    /// What a driver would do that went on with the release in our place.
    fn way_back(&self) -> WayBack {
        let has = |task: Task| self.means.hooks.of(task).is_some();
        let tasks = [
            (Task::StopApp, has(Task::StopApp)),
            (Task::UndoStage1, self.undoes_by_itself),
            (Task::RollbackApp, has(Task::RollbackApp)),
            (Task::StartApp, has(Task::StartApp)),
            (Task::WaitRolledBack, has(Task::RollbackApp)),
        ];
        let class = if self.undoes_by_itself { RollbackClass::AppAndSchema } else { RollbackClass::AppOnly };
        let tasks = tasks.into_iter().filter_map(|(task, is_due)| is_due.then_some(task)).collect();
        WayBack { class, tasks, because: message!("emergency-taken-over") }
    }

    /// The release is over: what was to go back is back. Answers the state that it ends in.
    ///
    /// # Errors
    /// When the ledger cannot be written.
    pub async fn end_release(&mut self) -> Answer<Option<ReleaseState>> {
        if !self.has_ledger {
            return Ok(None);
        }
        let actor = self.terms.actor.clone();
        if self.connected().await.is_none() {
            return Ok(None);
        }
        let Some(session) = &self.session else { return Ok(None) };
        let Some(snapshot) = read(&session.connection).await? else { return Ok(None) };
        let Some(release) = snapshot.release.clone().filter(|it| it.state == ReleaseState::RollingBack) else {
            return Ok(snapshot.release.map(|release| release.state));
        };
        let remains = snapshot.applied.iter().any(|row| row.release_id == release.id);
        let Some(to) = ended_back(release.release(), remains) else { return Ok(Some(release.state)) };
        let alert = finished_alert(release.id);
        self.record(session, release.state, async |connection| {
            query(connection, include_str!("../close_emptied_releases.sql"), &[]).await?;
            set_state(connection, release.id, release.state, to, &actor, &[]).await?;
            session.routes.put(connection, &alert).await?;
            let said = message!("alert-rolled-back");
            session.routes.resolve_below(connection, &About::all_of_release(release.id), &said).await
        })
        .await?;
        Ok(Some(to))
    }

    /// Gives everything back. `over` when no step is left.
    ///
    /// # Errors
    /// When the disk takes nothing.
    pub async fn close(mut self, over: bool, why: &str, report: &Path) -> Answer<EmergencyRecord> {
        let kind = if over { journal::ENDED } else { journal::STOPPED };
        let written = self.write(kind, json!({ "why": why, "report": report.display().to_string() })).await;
        if let (Some(term), Some(session)) = (self.term.take(), &self.session) {
            term.leave(&session.connection).await;
        }
        self.journal.forget();
        written.map(|()| self.journal.record)
    }

    // ── tasks, as a driver keeps them ──────────────────────────────────────────────────────────

    /// Its key and which attempt it is: the release's own record of it, where it has one.
    async fn begin(&mut self, task: Task, key: &str, step: EmergencyStep) -> (String, i32) {
        let own = (format!("{key}-{}", task.as_str()), self.journal.record.attempts(step));
        let (Some(id), true) = (self.release_id, self.keeps_tasks) else { return own };
        let actor = self.terms.actor.clone();
        let Some(session) = self.connected().await else { return own };
        write_turn(&session.connection, async |connection| begin_task(connection, id, task, &actor).await)
            .await
            .unwrap_or(own)
    }

    async fn end(&mut self, task: Task, did: &Did) {
        let (Some(id), true) = (self.release_id, self.keeps_tasks) else { return };
        let Some(session) = self.connected().await else { return };
        let ended = write_turn(&session.connection, async |connection| {
            end_task(connection, id, task, did.outcome, &did.evidence).await
        });
        // The journal has it, and a task that is not recorded as done is done again.
        let _ = ended.await;
    }
}

/// What the log keeps of what went wrong: enough for the report, and none of the user's rows.
fn problem_to_json(problem: &Problem, secrets: &Secrets) -> Value {
    json!({
        "id": problem.message.id,
        "place": problem.place.as_ref().map(ToString::to_string),
        "sqlstate": problem.server.as_ref().map(|server| server.sqlstate.as_str()),
        "message": problem.server.as_ref().map(|server| secrets.masked(&server.message)),
        "said": secrets.masked(&problem.message.to_string()),
    })
}

// ── telling ────────────────────────────────────────────────────────────────────────────────────

fn started_alert(release_id: i64, terms: &EmergencyTerms) -> Alert {
    let subject = message!("alert-emergency-subject", release = release_id, actor = terms.actor.as_str());
    let summary = message!("alert-emergency-summary");
    let alert = Alert::new(AlertKind::RollbackStarted, About::rollback(release_id), subject, summary)
        .fact(FactName::Release, release_id)
        .fact(FactName::Actor, terms.actor.as_str());
    if terms.reason.is_empty() { alert } else { alert.fact(FactName::Reason, terms.reason.as_str()) }
}

fn finished_alert(release_id: i64) -> Alert {
    let subject = message!("alert-release-back-subject", release = release_id);
    let summary = message!("alert-emergency-over-summary");
    Alert::new(AlertKind::RollbackFinished, About::rollback(release_id), subject, summary)
        .fact(FactName::Release, release_id)
}

/// Where journals are kept, below the folder of a person's state.
pub fn journals_of(spool: &Path) -> PathBuf {
    spool.with_file_name("emergency")
}
