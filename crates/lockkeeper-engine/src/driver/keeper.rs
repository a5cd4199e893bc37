//! What of a watch has to outlive its process: written down every few seconds, and later where that cannot be.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use lockkeeper_core::health::{
    Baseline, CheckName, Counts, Incidents, Judgement, Matter, Memory, Turn, Watch, WhyNothing,
};
use lockkeeper_core::message;
use lockkeeper_core::model::{About, Alert, AlertKind, Answer, ExitClass, FactName, Message, Problem, WatchVerdict};
use serde_json::{Value, json};

use super::watching::WatchNews;
use crate::ledger::{
    HealthSample, Holder, Observation, StoredCheck, VerdictCounts, Vitals, WatchTerm, add_samples, batch, change_terms,
    end_watch, message_to_json, read_vitals, record_event, record_once, release_watch, save_watch, thin_samples,
};
use crate::notify::Routes;
use crate::postgres::{Access, Connection, SqlError, Target, connect};
use crate::probe::Taken;
use crate::seams::{instant, wall_clock};

/// The ledger is written this often, and so the term is renewed.
pub(super) const SAVE_EVERY: Duration = Duration::from_secs(5);

/// Samples of this length are kept.
pub(super) const SAMPLE: Duration = Duration::from_secs(5);

/// Samples are merged this often: they thin within hours, and each time all of them are looked at.
const THIN_EVERY: Duration = Duration::from_mins(10);

/// While the ledger cannot be reached, so many samples wait: a day of five checks.
const SAMPLES_WAITING_MAX: usize = 5 * 24 * 720;

/// A ledger that was away for less than this was restarted, and is not worth a word in it.
const AWAY_MIN: Duration = Duration::from_mins(1);

/// What is written later than this says when it was seen.
const LATE: Duration = Duration::from_secs(30);

/// Something to be logged, and whom it is told to.
struct Notice {
    observation: Observation,
    at: Instant,
    alerts: Vec<Alert>,
}

/// Keeps in the ledger what has to outlive the process; what cannot be written now is written later.
pub(super) struct Keeper {
    pub(super) connection: Option<Connection>,
    target: Target,
    holder: Holder,
    release_id: Option<i64>,
    pub(super) term: WatchTerm,
    pub(super) routes: Routes,
    pub(super) baselines: BTreeMap<CheckName, Baseline>,
    /// Whether the baselines stand in the ledger: they do not change, and are not written every time.
    are_baselines_saved: bool,
    incidents: Incidents,
    notices: Vec<Notice>,
    /// The terms that the watch goes by since they were changed, until they are written down.
    terms: Option<Value>,
    /// Since when the ledger cannot be written.
    away: Option<(Instant, Timestamp)>,
    /// The samples that are being gathered, by check.
    samples: BTreeMap<CheckName, HealthSample>,
    /// Those that are whole.
    waiting: Vec<HealthSample>,
    /// What each rule last said of each check.
    judgements: BTreeMap<CheckName, BTreeMap<&'static str, Value>>,
    pub(super) breach: Option<Value>,
    /// What is told of it.
    breach_alert: Option<Alert>,
    /// Whether the breach is known to stand in the ledger.
    is_recorded: bool,
    /// Whether this process has told of the breach.
    pub(super) told: bool,
    /// When samples were last merged.
    thinned: Option<Instant>,
    tells_vitals: bool,
    vitals: Option<Vitals>,
}

/// Where a keeper writes, and in whose name.
pub(super) struct Desk {
    pub(super) connection: Connection,
    pub(super) target: Target,
    pub(super) holder: Holder,
    pub(super) release_id: Option<i64>,
    pub(super) term: WatchTerm,
    pub(super) routes: Routes,
    pub(super) tells_vitals: bool,
}

impl Keeper {
    pub(super) fn new(
        desk: Desk,
        baselines: BTreeMap<CheckName, Baseline>,
        incidents: Vec<Matter>,
        breach: Option<Value>,
    ) -> Self {
        Self {
            connection: Some(desk.connection),
            target: desk.target,
            holder: desk.holder,
            release_id: desk.release_id,
            term: desk.term,
            routes: desk.routes,
            baselines,
            are_baselines_saved: false,
            incidents: Incidents::of(incidents),
            notices: Vec::new(),
            terms: None,
            away: None,
            samples: BTreeMap::new(),
            waiting: Vec::new(),
            judgements: BTreeMap::new(),
            is_recorded: breach.is_some(),
            breach,
            breach_alert: None,
            told: false,
            thinned: None,
            tells_vitals: desk.tells_vitals,
            vitals: None,
        }
    }

    pub(super) fn sample(&mut self, name: &CheckName, taken: &Taken) {
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
            latencies: None,
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
        for took in &measurement.took {
            sample.latencies.get_or_insert_default().record(*took);
        }
    }

    /// What a rule last said. What that begins or ends is told, and logged with the next writing.
    pub(super) fn judged(&mut self, watch: &Watch, judgement: &Judgement, tell: &mut dyn FnMut(WatchNews<'_>)) {
        let said = self.judgements.entry(judgement.check.clone()).or_default();
        said.insert(judgement.rule.as_str(), judgement_to_json(judgement));
        let turns = self.incidents.judged(judgement, watch.rules().duration_min);
        self.turned(watch, &turns, &judgement.evidence(), Some(judgement), tell);
    }

    /// The first breach that binds: what stands in the ledger already stays.
    pub(super) fn breached(&mut self, breach: &Judgement) {
        self.breach.get_or_insert_with(|| judgement_to_json(breach));
        let (watch, release_id) = (self.term.id, self.release_id);
        self.breach_alert.get_or_insert_with(|| breach_alert(watch, release_id, breach));
    }

    /// Looks which checks have no data, and for how long.
    pub(super) fn look_for_silence(&mut self, watch: &Watch, tell: &mut dyn FnMut(WatchNews<'_>)) {
        let now = wall_clock();
        let silent = watch.silent(now);
        let turns = self.incidents.silent(&silent);
        let patience = watch.rules().no_data_max.as_secs();
        self.turned(watch, &turns, &message!("watch-no-data-for", seconds = patience), None, tell);
    }

    fn turned(
        &mut self,
        watch: &Watch,
        turns: &[Turn],
        evidence: &Message,
        judgement: Option<&Judgement>,
        tell: &mut dyn FnMut(WatchNews<'_>),
    ) {
        for turn in turns {
            tell(WatchNews::Turned { turn, evidence });
            // The first breach that binds is recorded with the watch itself.
            let is_the_breach = matches!(turn, Turn::Begun(Matter::Breach(_)))
                && watch.breach().is_some_and(|breach| Some(breach) == judgement);
            if is_the_breach {
                continue;
            }
            let (kind, matter) = match turn {
                Turn::Begun(matter @ Matter::Breach(_)) => ("health_breach", matter),
                Turn::Begun(matter @ Matter::NoData(_)) => ("health_no_data", matter),
                Turn::Begun(matter @ Matter::Watcher(_)) => ("health_watcher_trouble", matter),
                Turn::Over(matter) => ("health_recovered", matter),
            };
            let payload = match (turn, judgement) {
                (Turn::Begun(Matter::Breach(_)), Some(judgement)) => judgement_to_json(judgement),
                _ => json!({ "watch": self.term.id, "matter": matter.key(), "evidence": message_to_json(evidence) }),
            };
            let alerts = self.alerts(turn, evidence, judgement.is_some_and(|judgement| judgement.binds));
            self.note(kind, payload, alerts);
        }
    }

    fn note(&mut self, kind: &str, payload: Value, alerts: Vec<Alert>) {
        let observation = Observation::now(&self.holder.actor, kind, self.release_id, payload);
        self.notices.push(Notice { observation, at: instant(), alerts });
    }

    /// What people hear of it.
    fn alerts(&self, turn: &Turn, evidence: &Message, binds: bool) -> Vec<Alert> {
        let alerts = match turn {
            Turn::Begun(matter) => vec![self.beginning(matter, binds)],
            Turn::Over(matter) => self.endings(matter),
        };
        let (Turn::Begun(matter) | Turn::Over(matter)) = turn;
        let complete = |alert: Alert| {
            let alert = match matter {
                Matter::Breach(check) | Matter::NoData(check) => alert.fact(FactName::Check, check.as_str()),
                Matter::Watcher(_) => alert,
            };
            self.of_release(alert).fact(FactName::Evidence, evidence.clone())
        };
        alerts.into_iter().map(complete).collect()
    }

    fn beginning(&self, matter: &Matter, binds: bool) -> Alert {
        let watch = self.term.id;
        match matter {
            Matter::Breach(check) => {
                let (kind, about) = if binds {
                    (AlertKind::Breach, About::breach(watch))
                } else {
                    (AlertKind::Advice, About::advice(watch, check.as_str()))
                };
                let subject = message!("alert-check-failing", check = check.as_str());
                Alert::new(kind, about, subject, message!("alert-check-failing-summary"))
            }
            Matter::NoData(check) => Alert::new(
                AlertKind::NoData,
                About::no_data(watch, check.as_str()),
                message!("alert-no-data", check = check.as_str()),
                message!("alert-no-data-summary"),
            ),
            Matter::Watcher(impediment) => Alert::new(
                AlertKind::WatcherTrouble,
                About::watcher(watch),
                message!("alert-watcher", trouble = WhyNothing::Impeded(*impediment).message()),
                message!("alert-watcher-summary"),
            ),
        }
    }

    /// What was told under one name is over when nothing of it is left. An end without a beginning is not put down.
    fn endings(&self, matter: &Matter) -> Vec<Alert> {
        let watch = self.term.id;
        let is_left = |is: fn(&Matter) -> bool| self.incidents.open().any(is);
        let well =
            |about, subject| Alert::new(AlertKind::Recovered, about, subject, message!("alert-recovered-summary"));
        match matter {
            Matter::Breach(check) => {
                let recovered = || message!("alert-recovered", check = check.as_str());
                let mut alerts = vec![well(About::advice(watch, check.as_str()), recovered())];
                if !is_left(|open| matches!(open, Matter::Breach(_))) {
                    alerts.push(well(About::breach(watch), recovered()));
                }
                alerts
            }
            Matter::NoData(check) => {
                vec![well(About::no_data(watch, check.as_str()), message!("alert-data-again", check = check.as_str()))]
            }
            Matter::Watcher(_) if is_left(|open| matches!(open, Matter::Watcher(_))) => Vec::new(),
            Matter::Watcher(_) => vec![well(About::watcher(watch), message!("alert-watcher-well"))],
        }
    }

    fn of_release(&self, alert: Alert) -> Alert {
        match self.release_id {
            Some(release) => alert.fact(FactName::Release, release),
            None => alert,
        }
    }

    /// The watch goes by other terms: what was said of checks that are none any more is forgotten.
    pub(super) fn reloaded(
        &mut self,
        watch: &Watch,
        baselines: BTreeMap<CheckName, Baseline>,
        described: Value,
        routes: Routes,
    ) {
        self.routes = routes;
        for (name, baseline) in baselines {
            self.baselines.entry(name).or_insert(baseline);
        }
        self.are_baselines_saved = false;
        let is_kept = |name: &CheckName| watch.memories().any(|(kept, _)| kept == name);
        self.judgements.retain(|name, _| is_kept(name));
        self.samples.retain(|name, _| is_kept(name));
        self.note("health_terms", json!({ "watch": self.term.id, "terms": described.clone() }), Vec::new());
        self.terms = Some(described);
    }

    /// Renews the term, and writes what is waiting. That the database cannot be reached ends no watch.
    pub(super) async fn save(&mut self, watch: &Watch, tell: &mut dyn FnMut(WatchNews<'_>)) -> Answer<()> {
        match self.write(watch).await {
            Ok(true) => {
                if let Some(vitals) = self.vitals.take() {
                    tell(WatchNews::Vitals(vitals));
                }
                Ok(())
            }
            Ok(false) => Err(Problem::new(ExitClass::Busy, message!("watch-lost")).hint(message!("watch-lost-hint"))),
            Err(problem) => {
                self.connection = None;
                self.away.get_or_insert_with(|| (instant(), wall_clock()));
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
        self.note_that_it_was_away();
        let failed = |error: SqlError| error.problem(ExitClass::Usage, message!("watch-not-saved"));
        batch(&connection, &connection.begin(Access::Write)).await.map_err(failed)?;
        let is_thinning = self.thinned.is_none_or(|at| at.elapsed() >= THIN_EVERY);
        let written = self.write_in_transaction(&connection, watch, is_thinning).await;
        if self.tells_vitals && matches!(written, Ok(true)) {
            self.vitals = Some(read_vitals(&connection).await.map_err(failed)?);
        }
        let holds = matches!(written, Ok(true));
        batch(&connection, if holds { "COMMIT" } else { "ROLLBACK" }).await.map_err(failed)?;
        if holds {
            self.waiting.clear();
            self.notices.clear();
            self.terms = None;
            self.are_baselines_saved = true;
            self.is_recorded = self.breach.is_some();
            if is_thinning {
                self.thinned = Some(instant());
            }
        }
        self.connection = Some(connection);
        written.map_err(failed)
    }

    /// Once it is back: as long as it is away, nothing can be written of it, and nobody be told.
    fn note_that_it_was_away(&mut self) {
        let Some((since, at)) = self.away.take() else { return };
        if since.elapsed() < AWAY_MIN {
            return;
        }
        let seconds = since.elapsed().as_secs();
        let evidence = message!("watch-ledger-was-away", seconds = seconds, since = at.to_string());
        let about = || About::watcher(self.term.id);
        let alerts = vec![
            Alert::new(
                AlertKind::WatcherTrouble,
                about(),
                message!("alert-watcher", trouble = evidence.clone()),
                message!("alert-ledger-away-summary"),
            ),
            Alert::new(
                AlertKind::Recovered,
                about(),
                message!("alert-watcher-well"),
                message!("alert-recovered-summary"),
            ),
        ];
        // What else is wrong with the watcher is told under the same name, and still stands.
        let is_well = !self.incidents.open().any(|open| matches!(open, Matter::Watcher(_)));
        let alerts = alerts.into_iter().take(if is_well { 2 } else { 1 }).map(|alert| self.of_release(alert)).collect();
        let payload = json!({
            "watch": self.term.id, "matter": "watcher/ledger_unreachable", "since": at.to_string(),
            "seconds": seconds, "evidence": message_to_json(&evidence),
        });
        self.note("health_watcher_trouble", payload, alerts);
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
        let open: Vec<String> = self.incidents.open().map(Matter::key).collect();
        let next_due = watch.next_due();
        if !save_watch(connection, self.term, next_due, self.breach.as_ref(), &open, &checks).await? {
            return Ok(false);
        }
        if let Some(terms) = &self.terms {
            let names: Vec<&str> = checks.iter().map(|check| check.name.as_str()).collect();
            change_terms(connection, self.term, terms, &names).await?;
        }
        if let Some(breach) = self.breach.as_ref().filter(|_| is_first) {
            // Recorded, and to be told, in one transaction: neither without the other, and once.
            record_event(connection, &self.holder.actor, "health_breach", self.release_id, breach).await?;
            if let Some(alert) = &self.breach_alert {
                self.routes.put(connection, alert).await?;
            }
        }
        for notice in &self.notices {
            record_once(connection, &notice.observation, notice.at.elapsed() > LATE).await?;
            for alert in &notice.alerts {
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
            baseline: self.baselines.get(name).filter(|_| !self.are_baselines_saved).cloned(),
            judgements: json!(self.judgements.get(name)),
        }
    }

    /// So that the next process need not wait for the term to run out. A failure is no harm.
    pub(super) async fn leave(&self) {
        if let Some(connection) = &self.connection {
            let _ = release_watch(connection, self.term).await;
        }
    }

    pub(super) async fn end(&self, verdict: WatchVerdict) -> Answer<()> {
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
