//! Doing one task. How it went comes back as data; nothing here decides what follows.

use std::path::Path;
use std::time::Duration;

use lockkeeper_core::health::Measures;
use lockkeeper_core::message;
use lockkeeper_core::model::{
    Answer, ExitClass, Gate, GateReport, GateVerdict, Message, PlanDigest, PointName, Problem, Stage, Verdict,
    WatchVerdict,
};
use lockkeeper_core::release::{Drive, Outcome, Task};
use serde_json::{Value, json};

use super::hooks::{AppHooks, Ran, Secrets, Told, run_hook};
use super::patience::is_lost;
use super::{Driver, JourneyNews, Reading, Teller, pending};
use crate::driver::baseline::{BaselineCheck, save_baseline, take_baseline};
use crate::driver::gates::{Stage2Plan, ask_stage2, health_inputs, stopped_in_stage2};
use crate::driver::github_approval::ask_stage2_and_reviews;
use crate::driver::health_check::{Looked, look_at_all};
use crate::driver::rollback::{RollbackRequest, run_rollback};
use crate::driver::session::stopped;
use crate::driver::stage::{StageRequest, run_stage};
use crate::driver::watching::{WatchEnd, WatchNews, watch};
use crate::ledger::{JourneyTerm, LedgerSnapshot, SalvageRecord, read, read_verifications, read_watch};
use crate::seams::{Stop, instant, sleep};

/// How a task went.
#[derive(Debug)]
pub struct Did {
    pub outcome: Outcome,
    pub evidence: Value,
    pub problem: Option<Box<Problem>>,
    /// The gates, when one of them waits for a person.
    pub closed: Option<Vec<GateReport>>,
}

impl Did {
    pub(in crate::driver) const fn done(evidence: Value) -> Self {
        Self { outcome: Outcome::Done, evidence, problem: None, closed: None }
    }

    pub(in crate::driver) fn refused(problem: Box<Problem>) -> Self {
        Self { outcome: outcome_of(problem.exit), ..Self::failed(problem) }
    }

    pub(in crate::driver) fn failed(problem: Box<Problem>) -> Self {
        let evidence = json!({ "problem": problem.message.id, "message": problem.to_string() });
        Self { outcome: Outcome::Failed, evidence, problem: Some(problem), closed: None }
    }

    pub(in crate::driver) fn of(answer: Answer<Value>) -> Self {
        match answer {
            Ok(evidence) => Self::done(evidence),
            Err(problem) => Self::refused(problem),
        }
    }
}

/// What an exit class says of how a task went.
const fn outcome_of(exit: ExitClass) -> Outcome {
    match exit {
        ExitClass::MigrationFailed => Outcome::Failed,
        ExitClass::Busy | ExitClass::Interrupted | ExitClass::Terminated => Outcome::Interrupted,
        ExitClass::Inconclusive => Outcome::Inconclusive,
        ExitClass::Refused | ExitClass::Usage => Outcome::Refused,
    }
}

/// How often an application is asked whether it answers.
const ANSWERS_EVERY: Duration = Duration::from_secs(1);

impl Driver<'_> {
    pub(super) async fn perform(
        &mut self,
        reading: &Reading,
        task: Task,
        key: &str,
        attempt: i32,
        tell: &mut Teller<'_>,
    ) -> Did {
        let did = match task {
            Task::Verify => self.verify().await,
            Task::Baseline => self.baseline().await,
            Task::Stage1 => self.stage(Stage::Expand, tell).await,
            Task::Gates => self.gates(reading, tell).await,
            Task::Stage2 => self.stage(Stage::Contract, tell).await,
            Task::Watch => self.watched(reading, task, self.terms.watch, tell).await,
            Task::Settle => self.watched(reading, task, self.terms.settle, tell).await,
            Task::Deploy | Task::RollbackApp | Task::StopApp | Task::StartApp => {
                self.hook(reading, task, key, attempt).await
            }
            Task::WaitDeployed | Task::WaitRolledBack => {
                if self.means.hooks.of(task).is_some() {
                    self.hook(reading, task, key, attempt).await
                } else {
                    self.answers().await
                }
            }
            Task::UndoStage2 => self.undo(PointName::BEFORE_STAGE2, reading, tell).await,
            Task::UndoStage1 => self.undo(PointName::BEFORE_STAGE1, reading, tell).await,
        };
        // A server that restarts ends what ran on it; whether that took effect the next attempt finds out.
        match &did.problem {
            Some(problem) if is_lost(problem, &self.session) && did.outcome != Outcome::Interrupted => {
                Did { outcome: Outcome::Interrupted, ..did }
            }
            _ => did,
        }
    }

    // ── the migrations ─────────────────────────────────────────────────────────────────────────

    async fn verify(&self) -> Did {
        if !self.terms.verifies {
            return Did::done(json!({ "verifies": false }));
        }
        let sound = async |driver: &Self| -> Answer<bool> {
            let files = read_verifications(&driver.session.connection, driver.means.pairs).await?;
            Ok(files.are_all_sound(driver.means.pairs))
        };
        match sound(self).await {
            Ok(true) => return Did::done(json!({ "verified": "before" })),
            Ok(false) => {}
            Err(problem) => return Did::refused(problem),
        }
        match (self.means.verify)().await {
            Ok(true) => Did::done(json!({ "verified": "now" })),
            Ok(false) => Did::refused(Problem::refused(message!("journey-not-verified")).hint(message!("next-verify"))),
            Err(problem) => Did::refused(problem),
        }
    }

    async fn stage(&mut self, stage: Stage, tell: &mut Teller<'_>) -> Did {
        let request = StageRequest {
            stage,
            pairs: self.means.pairs,
            file_order: false,
            to: None,
            point: None,
            out_of_order: false,
            unsettled: None,
            gates: &self.gates,
            drift: self.means.drift,
            drive: Drive::Driven,
        };
        let outcome = run_stage(&self.session, &request, &mut |progress| tell(JourneyNews::Driver(progress))).await;
        Did::of(outcome.map(|outcome| {
            json!({
                "applied": outcome.applied.iter().map(|number| number.get()).collect::<Vec<_>>(),
                "put_back": outcome.put_back.iter().map(SalvageRecord::to_json).collect::<Vec<_>>(),
            })
        }))
    }

    async fn gates(&mut self, reading: &Reading, tell: &mut Teller<'_>) -> Did {
        match (self.means.gates)() {
            Ok(gates) => self.gates = gates,
            Err(problem) => return Did::refused(problem),
        }
        let mut reports = self.ask_gates_and_reviews(&reading.snapshot).await;
        // What a release can do by itself it does last, when nobody else is waited for: a backup is to be of this
        // moment, and what was healthy when it was watched may be ill by now.
        if waits_only_for(&reports, &[Gate::Backup, Gate::Health])
            && waits_for(&reports, Gate::Backup)
            && let Some(backup) = self.means.backup
        {
            tell(JourneyNews::BacksUp);
            if let Err(problem) = backup().await {
                return Did::refused(problem);
            }
            reports = self.ask_gates_anew().await.map(|(_, reports)| reports);
        }
        if !self.terms.watch.is_zero() && waits_only_for(&reports, &[Gate::Health]) {
            let asked = self.ask_gates_anew().await;
            let is_stale = |snapshot| health_inputs(snapshot, &self.gates).is_some_and(|it| it.is_stale());
            if asked.as_ref().is_ok_and(|(snapshot, _)| is_stale(snapshot)) {
                let did = self.watch_anew(reading.release.id, self.terms.watch, tell).await;
                if did.outcome != Outcome::Done {
                    return did;
                }
                reports = self.ask_gates_anew().await.map(|(_, reports)| reports);
            }
        }
        let reports = match reports {
            Ok(reports) => reports,
            Err(problem) => return Did::refused(problem),
        };
        let told: Vec<Value> = reports
            .iter()
            .map(|report| json!({ "gate": report.gate.as_str(), "verdict": report.verdict.as_str() }))
            .collect();
        if reports.iter().all(|report| report.verdict.is_open()) {
            return Did::done(json!({ "gates": told }));
        }
        Did { outcome: Outcome::Refused, evidence: json!({ "gates": told }), problem: None, closed: Some(reports) }
    }

    /// The gates as they are now, and what they were asked of.
    async fn ask_gates_anew(&self) -> Answer<(LedgerSnapshot, Vec<GateReport>)> {
        let snapshot = read(&self.session.connection).await?.ok_or_else(JourneyTerm::lost)?;
        let reports = self.ask_gates(&snapshot).await?;
        Ok((snapshot, reports))
    }

    /// Whether every gate is open, but for what the release does by itself before stage 2: a backup, and another watch
    /// when the last one is too long ago.
    pub(super) fn opens(&self, reading: &Reading, reports: &[GateReport]) -> bool {
        let is_stale = health_inputs(&reading.snapshot, &self.gates).is_some_and(|it| it.is_stale());
        let watches = is_stale && !self.terms.watch.is_zero();
        reports.iter().all(|report| match report.gate {
            Gate::Health if watches => true,
            Gate::Backup if self.means.backup.is_some() => true,
            _ => report.verdict.is_open(),
        })
    }

    pub(super) async fn ask_gates(&self, snapshot: &LedgerSnapshot) -> Answer<Vec<GateReport>> {
        let pending = pending(snapshot, self.means.pairs)?;
        let stopped = stopped_in_stage2(snapshot, self.means.pairs)?;
        ask_stage2(&self.session.connection, snapshot, self.means.pairs, &stopped, &pending, &self.gates, None).await
    }

    /// The same, with GitHub asked first for a review, where the settings say so.
    async fn ask_gates_and_reviews(&self, snapshot: &LedgerSnapshot) -> Answer<Vec<GateReport>> {
        let pending = pending(snapshot, self.means.pairs)?;
        let stopped = stopped_in_stage2(snapshot, self.means.pairs)?;
        ask_stage2_and_reviews(&self.session, snapshot, self.means.pairs, &stopped, &pending, &self.gates).await
    }

    async fn undo(&self, point: &str, reading: &Reading, tell: &mut Teller<'_>) -> Did {
        let Some(point) = PointName::new(point) else {
            return Did::failed(Problem::refused(message!("rollback-point-unknown", point = point)));
        };
        let cause = reading.journey.back.as_ref().map_or("", |back| back.cause.as_str());
        let request = RollbackRequest {
            point,
            reason: cause.to_owned(),
            // Whether stage 2 may be undone was decided with the way back.
            past_stage2: true,
            down_from_files: None,
            // Whether it can all be kept was decided with the way back.
            accepts_loss: false,
            unsettled: None,
            drift_ignored: &self.means.drift.ignore,
            drive: Drive::Driven,
        };
        let outcome = run_rollback(&self.session, &request, &mut |progress| tell(JourneyNews::Driver(progress))).await;
        Did::of(outcome.map(|outcome| {
            json!({
                "undone": outcome.undone.iter().map(|number| number.get()).collect::<Vec<_>>(),
                "salvaged": outcome.salvaged.iter().map(SalvageRecord::to_json).collect::<Vec<_>>(),
            })
        }))
    }

    // ── the application ────────────────────────────────────────────────────────────────────────

    async fn hook(&self, reading: &Reading, task: Task, key: &str, attempt: i32) -> Did {
        let journey = &reading.journey;
        let is_back = journey.back.is_some();
        let previous = journey.previous_version.as_deref();
        let plan = self.plan(reading).map(|plan| plan.to_string()).unwrap_or_default();
        let evidence = journey.back.as_ref().map(|back| back.evidence.clone()).unwrap_or_default();
        let told = Told {
            release_id: journey.release_id,
            task,
            version: if is_back { previous.unwrap_or_default() } else { &journey.version },
            previous_version: if is_back { Some(&journey.version) } else { previous },
            state: reading.release.state.as_str(),
            plan: &plan,
            key,
            attempt,
            evidence: &evidence,
        };
        perform_hook(self.means.hooks, &told, self.means.folder, self.means.secrets, &self.session.stop).await
    }

    /// The digest of what stage 2 would run, for whoever wants to hold it against an approval.
    pub(super) fn plan(&self, reading: &Reading) -> Option<PlanDigest> {
        let pending = pending(&reading.snapshot, self.means.pairs).ok()?;
        let stopped = stopped_in_stage2(&reading.snapshot, self.means.pairs).ok()?;
        Some(Stage2Plan::new(&reading.snapshot.ledger_id, &stopped, &pending).digest)
    }

    /// Waits until whatever is probed answers. Where nothing is, the hook's word has to do.
    async fn answers(&self) -> Did {
        let look = async || self.look(|measures| measures == Measures::Probes).await;
        wait_for_answers(look, self.terms.answers_within, &self.session.stop).await
    }

    // ── the gate ───────────────────────────────────────────────────────────────────────────────

    /// Nothing is deployed onto a system that is not well already. What is measured is what the watch compares with.
    async fn baseline(&self) -> Did {
        if self.terms.baseline.is_zero() {
            return Did::done(json!({ "measured": false }));
        }
        let request = match (self.means.baseline)(self.terms.baseline) {
            Ok(request) => request,
            Err(problem) => return Did::refused(problem),
        };
        let taken = match take_baseline(request, &self.session.stop).await {
            Ok(taken) => taken,
            Err(cause) => return Did::refused(stopped(cause)),
        };
        let saved = save_baseline(&self.session.connection, &taken, &self.session.holder).await;
        let check = |one: &BaselineCheck| {
            json!({
                "check": one.check.name.as_str(),
                "verdict": one.verdict.as_str(),
                "requests": one.total.requests(),
                "errors": one.total.errors(),
            })
        };
        let checks: Vec<Value> = taken.checks.iter().map(check).collect();
        let evidence = json!({ "verdict": taken.baseline.verdict.as_str(), "checks": checks });
        if let Err(problem) = saved {
            return Did { evidence, ..Did::refused(problem) };
        }
        // Too little to judge by stops nobody: there may be no traffic at night.
        if taken.baseline.verdict != Verdict::Fail || self.terms.despite_baseline {
            return Did::done(evidence);
        }
        let failed = || taken.checks.iter().filter(|one| one.verdict == Verdict::Fail);
        let names: Vec<&str> = failed().map(|one| one.check.name.as_str()).collect();
        let mut problem = Problem::refused(message!("journey-not-well", checks = names.join(", ")));
        problem.notes.extend(failed().map(|one| one.said.clone()));
        let problem = problem.note(message!("nothing-changed")).hint(message!("journey-not-well-hint"));
        Did { evidence, ..Did::refused(problem) }
    }

    async fn look(&self, is_asked: impl Fn(Measures) -> bool) -> Answer<Vec<Looked>> {
        let (mut checks, witness) = (self.means.checks)()?;
        checks.retain(|(check, _)| is_asked(check.measures));
        Ok(look_at_all(checks, witness, self.means.rules).await.0)
    }

    async fn watched(&self, reading: &Reading, task: Task, lasts: Duration, tell: &mut Teller<'_>) -> Did {
        if lasts.is_zero() {
            return Did::done(json!({ "watched": false }));
        }
        let id = reading.release.id;
        // A driver that was killed between the end of the watch and its record need not watch again.
        let since = reading.journey.task(task).map(|it| it.first_at);
        let before = read_watch(&self.session.connection).await.ok().flatten();
        let before = before.filter(|it| it.release_id == Some(id) && since.is_some_and(|since| it.began_at >= since));
        if let Some((_, verdict)) =
            before.as_ref().and_then(|it| it.ended).filter(|(_, it)| *it != WatchVerdict::Inconclusive)
        {
            let breach = before.and_then(|it| it.breach).unwrap_or_default();
            return judged(verdict, &breach, Vec::new());
        }
        self.watch_anew(id, lasts, tell).await
    }

    async fn watch_anew(&self, release_id: i64, lasts: Duration, tell: &mut Teller<'_>) -> Did {
        let request = match (self.means.watch)(release_id, lasts) {
            Ok(request) => request,
            Err(problem) => return Did::refused(problem),
        };
        let mut breach = Value::Null;
        let mut heard = |news: WatchNews<'_>| {
            if let WatchNews::Breached { evidence, .. } = &news {
                breach = (*evidence).clone();
            }
            tell(JourneyNews::Watch(news));
        };
        match Box::pin(watch(request, &self.session.stop, &mut heard)).await {
            Ok(WatchEnd::Concluded { verdict, doubts }) => {
                judged(verdict, &breach, doubts.iter().map(lockkeeper_core::health::Doubt::message).collect())
            }
            Ok(WatchEnd::Stopped(cause)) => Did::refused(stopped(cause)),
            Err(problem) => Did::refused(problem),
        }
    }
}

/// Runs the hook of a task.
pub(in crate::driver) async fn perform_hook(
    hooks: &AppHooks,
    told: &Told<'_>,
    folder: &Path,
    secrets: &Secrets,
    stop: &Stop,
) -> Did {
    let task = told.task;
    let Some(hook) = hooks.of(task) else {
        return Did::failed(
            Problem::usage(message!("hook-missing", hook = task.as_str())).hint(message!("hook-missing-hint")),
        );
    };
    let Ran { outcome, evidence, why } = run_hook(hook, told, folder, secrets, stop).await;
    let problem = match (outcome, why) {
        (Outcome::Done, _) => None,
        (Outcome::Interrupted, _) => Some(stop.cause().map_or_else(|| interrupted(task), stopped)),
        (_, why) => {
            let why = why.unwrap_or_else(|| message!("hook-missing", hook = task.as_str()));
            Some(Problem::new(ExitClass::MigrationFailed, why))
        }
    };
    Did { outcome, evidence, problem, closed: None }
}

/// Looks until nothing that is probed fails any more.
pub(in crate::driver) async fn wait_for_answers(
    look: impl AsyncFn() -> Answer<Vec<Looked>>,
    within: Duration,
    stop: &Stop,
) -> Did {
    let began = instant();
    loop {
        let looked = match look().await {
            Ok(looked) => looked,
            Err(problem) => return Did::refused(problem),
        };
        let silent: Vec<&Looked> = looked.iter().filter(|one| one.verdict == Verdict::Fail).collect();
        let evidence = looks_to_json(&looked);
        let Some(first) = silent.first() else { return Did::done(evidence) };
        if began.elapsed() >= within {
            let seconds = within.as_secs();
            let why = message!("journey-no-answer", check = first.check.name.as_str(), seconds = seconds);
            let problem = Problem::new(ExitClass::MigrationFailed, why).note(first.said.clone());
            return Did { evidence, ..Did::failed(problem) };
        }
        tokio::select! {
            () = sleep(ANSWERS_EVERY) => {}
            cause = stop.asked() => {
                return Did::refused(stopped(cause));
            }
        }
    }
}

/// Whether a gate is asked and closed.
fn waits_for(reports: &Answer<Vec<GateReport>>, gate: Gate) -> bool {
    let is_closed = |report: &GateReport| report.gate == gate && report.verdict != GateVerdict::Yes;
    reports.as_ref().is_ok_and(|reports| reports.iter().any(is_closed))
}

/// Whether no other gates than these are closed.
fn waits_only_for(reports: &Answer<Vec<GateReport>>, gates: &[Gate]) -> bool {
    let is_fine = |report: &GateReport| report.verdict.is_open() || gates.contains(&report.gate);
    reports.as_ref().is_ok_and(|reports| reports.iter().all(is_fine))
}

fn interrupted(task: Task) -> Box<Problem> {
    Problem::new(ExitClass::Interrupted, message!("journey-task-stays", task = task.as_str()))
}

fn judged(verdict: WatchVerdict, breach: &Value, doubts: Vec<Message>) -> Did {
    let evidence = json!({ "verdict": verdict.as_str(), "breach": breach });
    match verdict {
        WatchVerdict::Healthy => Did::done(evidence),
        WatchVerdict::Unhealthy => {
            let problem = Problem::refused(message!("journey-unhealthy"));
            Did { outcome: Outcome::Unhealthy, evidence, problem: Some(problem), closed: None }
        }
        WatchVerdict::Inconclusive => {
            let mut problem = Problem::new(ExitClass::Inconclusive, message!("journey-inconclusive"));
            problem.notes = doubts;
            Did { outcome: Outcome::Inconclusive, evidence, problem: Some(problem), closed: None }
        }
    }
}

pub(in crate::driver) fn looks_to_json(looked: &[Looked]) -> Value {
    let one = |one: &Looked| {
        json!({
            "check": one.check.name.as_str(),
            "verdict": one.verdict.as_str(),
            "requests": one.counts.requests(),
            "errors": one.counts.errors(),
        })
    };
    json!({ "checks": looked.iter().map(one).collect::<Vec<_>>() })
}
