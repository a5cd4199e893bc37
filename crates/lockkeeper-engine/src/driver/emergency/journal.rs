//! What an emergency has done, in two places: on this machine's disk, always and first, and in the ledger as soon as
//! that can be written. Either is enough to go on by.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use lockkeeper_core::message;
use lockkeeper_core::model::{Answer, ExitClass, Problem};
use lockkeeper_core::release::EmergencyStep;
use serde_json::Value;

use super::super::journey::write_turn;
use crate::ledger::{EventRecord, Observation, Spool, record_once};
use crate::postgres::Connection;
use crate::seams::random_id;

pub const STARTED: &str = "emergency_started";
pub const STEP_BEGAN: &str = "emergency_step_began";
pub const STEP_ENDED: &str = "emergency_step_ended";
pub const STOPPED: &str = "emergency_stopped";
pub const ENDED: &str = "emergency_ended";

/// One thing that was done, wherever it was found.
#[derive(Debug, Clone)]
pub struct Entry {
    pub at: Timestamp,
    pub actor: String,
    pub kind: String,
    pub release_id: Option<i64>,
    pub payload: Value,
}

/// One emergency, as both places together have it.
#[derive(Debug, Clone)]
pub struct EmergencyRecord {
    pub id: String,
    /// By their number, which counts from one.
    pub entries: BTreeMap<u64, Entry>,
}

impl EmergencyRecord {
    fn new(id: String) -> Self {
        Self { id, entries: BTreeMap::new() }
    }

    pub fn began_at(&self) -> Option<Timestamp> {
        self.entries.values().next().map(|entry| entry.at)
    }

    pub fn release_id(&self) -> Option<i64> {
        self.entries.values().find_map(|entry| entry.release_id)
    }

    pub fn is_over(&self) -> bool {
        self.entries.values().any(|entry| entry.kind == ENDED)
    }

    /// The steps that are settled: done, done by hand, or left out by somebody.
    pub fn settled(&self) -> Vec<EmergencyStep> {
        self.ended_as(&["done", "by_hand", "skipped"])
    }

    /// Whether the schema or the application went back, by whoever's hand.
    pub fn has_gone_back(&self) -> bool {
        self.has_done(EmergencyStep::Migrations) || self.has_done(EmergencyStep::App)
    }

    /// Whether a step was done, by whoever's hand.
    pub fn has_done(&self, step: EmergencyStep) -> bool {
        self.ended_as(&["done", "by_hand"]).contains(&step)
    }

    /// The steps whose last end was one of these.
    fn ended_as(&self, outcomes: &[&str]) -> Vec<EmergencyStep> {
        let mut settled = Vec::new();
        for entry in self.entries.values().filter(|entry| entry.kind == STEP_ENDED) {
            let Some(step) = step_of(&entry.payload) else { continue };
            settled.retain(|known| *known != step);
            if entry.payload["outcome"].as_str().is_some_and(|outcome| outcomes.contains(&outcome)) {
                settled.push(step);
            }
        }
        settled
    }

    /// The key under which a step was begun: a hook that is run again is run under the same.
    pub fn key(&self, step: EmergencyStep) -> Option<String> {
        let began = |entry: &&Entry| entry.kind == STEP_BEGAN && step_of(&entry.payload) == Some(step);
        self.entries.values().rfind(began).and_then(|entry| entry.payload["key"].as_str().map(str::to_owned))
    }

    /// How often a step was begun.
    pub fn attempts(&self, step: EmergencyStep) -> i32 {
        let began = |entry: &&Entry| entry.kind == STEP_BEGAN && step_of(&entry.payload) == Some(step);
        i32::try_from(self.entries.values().filter(began).count()).unwrap_or(i32::MAX)
    }

    /// What was known when it began, for when the database cannot tell any more.
    pub fn known(&self, key: &str) -> Option<String> {
        self.entries.values().find_map(|entry| entry.payload[key].as_str().map(str::to_owned))
    }

    fn next_number(&self) -> u64 {
        self.entries.keys().next_back().map_or(1, |last| last + 1)
    }
}

fn step_of(payload: &Value) -> Option<EmergencyStep> {
    payload["step"].as_str().and_then(EmergencyStep::from_ledger)
}

/// The emergency that is going on, on disk.
#[derive(Debug)]
pub struct Journal {
    spool: Spool,
    pub record: EmergencyRecord,
    /// Written down here and not known to be in the ledger.
    unlogged: Vec<Observation>,
}

impl Journal {
    /// A new emergency. `folder` is the one of this database.
    pub fn begin(folder: &Path) -> Self {
        let spool = Spool::new(folder.to_owned());
        Self { spool, record: EmergencyRecord::new(random_id()), unlogged: Vec::new() }
    }

    /// Goes on with one that is not over.
    pub fn resume(folder: &Path, record: EmergencyRecord) -> Self {
        let spool = Spool::new(folder.to_owned());
        // Whether the ledger has them is found out by giving them to it again.
        let unlogged = spool.waiting(&record.id).iter().filter_map(|path| Spool::read(path)).collect();
        Self { spool, record, unlogged }
    }

    /// Writes down what happened, on disk.
    ///
    /// # Errors
    /// When the disk takes nothing: then nothing may be done that could not be told of later.
    pub fn write(&mut self, actor: &str, kind: &str, release_id: Option<i64>, mut payload: Value) -> Answer<()> {
        let number = self.record.next_number();
        payload["emergency"] = self.record.id.clone().into();
        payload["n"] = number.into();
        let seen = Observation::now(actor, kind, release_id, payload);
        self.spool.put(&self.record.id, &seen).map_err(|error| {
            let path = self.spool.path().display().to_string();
            Problem::new(ExitClass::Usage, message!("emergency-journal", path = path, reason = error.to_string()))
                .hint(message!("emergency-journal-hint"))
        })?;
        self.record.entries.insert(number, entry(&seen));
        self.unlogged.push(seen);
        Ok(())
    }

    /// Gives the ledger what it does not have yet. Answers how many wait still.
    pub async fn log(&mut self, connection: &Connection) -> usize {
        while let Some(first) = self.unlogged.first() {
            let logged = write_turn(connection, async |connection| record_once(connection, first, false).await).await;
            if logged.is_err() {
                break;
            }
            self.unlogged.remove(0);
        }
        self.unlogged.len()
    }

    /// What is over and in the ledger need not stay on disk.
    pub fn forget(&self) {
        if !(self.record.is_over() && self.unlogged.is_empty()) {
            return;
        }
        for path in self.spool.waiting(&self.record.id) {
            // What stays is found over, and is read by nobody.
            let _ = std::fs::remove_file(path);
        }
    }
}

fn entry(seen: &Observation) -> Entry {
    Entry {
        at: seen.at(),
        actor: seen.actor.clone(),
        kind: seen.kind.clone(),
        release_id: seen.release_id,
        payload: seen.payload.clone(),
    }
}

/// The newest emergency of this database, out of both places. Neither needs to be there.
pub fn newest(folder: &Path, events: &[EventRecord]) -> Option<EmergencyRecord> {
    let mut found: BTreeMap<String, EmergencyRecord> = BTreeMap::new();
    let mut take = |entry: Entry| {
        let Some(id) = entry.payload["emergency"].as_str().map(str::to_owned) else { return };
        let Some(number) = entry.payload["n"].as_u64() else { return };
        let record = found.entry(id.clone()).or_insert_with(|| EmergencyRecord::new(id));
        record.entries.entry(number).or_insert(entry);
    };
    let spool = Spool::new(folder.to_owned());
    for id in folders(folder) {
        spool.waiting(&id).iter().filter_map(|path| Spool::read(path)).for_each(|seen| take(entry(&seen)));
    }
    for event in events.iter().filter(|event| event.kind.starts_with("emergency_")) {
        let payload = serde_json::from_str(&event.payload).unwrap_or_default();
        let (actor, kind) = (event.actor.clone(), event.kind.clone());
        take(Entry { at: event.at, actor, kind, release_id: event.release_id, payload });
    }
    found.into_values().max_by_key(EmergencyRecord::began_at)
}

fn folders(root: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(root).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().into_string().ok()).collect()
}

/// The folder of a database's journals, below the one of all.
pub fn folder_of(root: &Path, server: &str, database: &str) -> PathBuf {
    let plain = |text: &str| -> String {
        text.chars().map(|c| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' }).take(80).collect()
    };
    root.join(format!("{}-{}", plain(server), plain(database)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_was_done_is_found_again_in_either_place() {
        let folder = tempfile::tempdir().unwrap();
        let mut journal = Journal::begin(folder.path());
        journal.write("kim", STARTED, Some(3), json!({ "previous_version": "1" })).unwrap();
        journal.write("kim", STEP_BEGAN, Some(3), json!({ "step": "stop-app", "key": "k" })).unwrap();
        journal.write("kim", STEP_ENDED, Some(3), json!({ "step": "stop-app", "outcome": "done" })).unwrap();
        journal.write("kim", STEP_ENDED, Some(3), json!({ "step": "backup", "outcome": "failed" })).unwrap();
        let found = newest(folder.path(), &[]).unwrap();
        assert_eq!((found.settled(), found.is_over()), (vec![EmergencyStep::StopApp], false));
        assert_eq!((found.release_id(), found.known("previous_version").as_deref()), (Some(3), Some("1")));
        assert_eq!(
            (found.key(EmergencyStep::StopApp).as_deref(), found.attempts(EmergencyStep::StopApp)),
            (Some("k"), 1)
        );

        // Another machine knows it from the ledger alone, and both together count each entry once.
        let event = |number: u64, kind: &str, payload: Value| EventRecord {
            seq: 1,
            at: Timestamp::UNIX_EPOCH,
            actor: "kim".into(),
            kind: kind.into(),
            release_id: Some(3),
            payload: {
                let mut payload = payload;
                payload["emergency"] = journal.record.id.clone().into();
                payload["n"] = number.into();
                payload.to_string()
            },
            previous: Vec::new(),
            hash: Vec::new(),
        };
        let events =
            [event(4, STEP_ENDED, json!({ "step": "backup", "outcome": "failed" })), event(5, ENDED, json!({}))];
        let elsewhere = newest(Path::new("/nonexistent"), &events).unwrap();
        assert!(elsewhere.is_over() && elsewhere.settled().is_empty());
        assert_eq!(newest(folder.path(), &events).unwrap().entries.len(), 5);
    }

    #[test]
    fn a_step_that_failed_after_it_was_done_is_open_again() {
        let mut record = EmergencyRecord::new("x".into());
        for (number, outcome) in [(1, "done"), (2, "failed")] {
            let payload = json!({ "step": "app", "outcome": outcome });
            let entry = Entry {
                at: Timestamp::UNIX_EPOCH,
                actor: String::new(),
                kind: STEP_ENDED.into(),
                release_id: None,
                payload,
            };
            record.entries.insert(number, entry);
        }
        assert!(record.settled().is_empty());
        assert_eq!(folder_of(Path::new("/s"), "[::1]:5432", "a/../b"), Path::new("/s/___1__5432-a____b"));
    }
}
