//! What was seen and could not be written down: it waits on this machine's disk for the next command that can.
//!
//! One file for each observation, named so that their order is the order of their names. An observation has an
//! identifier that the ledger keeps: whether a delivery was cut off before or after it was committed, it is
//! delivered once.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tokio_postgres::types::Type;

use super::sql::query;
use crate::postgres::{Connection, SqlError};
use crate::seams::{random_id, wall_clock};

/// Something that happened, to be logged when it can be.
#[derive(Debug, Clone, PartialEq)]
pub struct Observation {
    /// 32 hexadecimal digits.
    id: String,
    /// By this machine's clock, because the database's could not be asked.
    at: jiff::Timestamp,
    pub actor: String,
    pub kind: String,
    pub release_id: Option<i64>,
    pub payload: Value,
}

impl Observation {
    pub fn now(actor: &str, kind: &str, release_id: Option<i64>, payload: Value) -> Self {
        let (actor, kind) = (actor.to_owned(), kind.to_owned());
        Self { id: random_id(), at: wall_clock(), actor, kind, release_id, payload }
    }

    pub const fn at(&self) -> jiff::Timestamp {
        self.at
    }

    /// As it is logged when it comes late: with the time at which it was seen.
    fn late(&self) -> Value {
        let mut payload = self.payload.clone();
        if let Some(fields) = payload.as_object_mut() {
            fields.insert("observed_at".to_owned(), Value::String(self.at.to_string()));
        }
        payload
    }

    fn to_json(&self) -> Value {
        json!({
            "id": self.id, "at": self.at.to_string(), "actor": self.actor, "kind": self.kind,
            "release": self.release_id, "payload": self.payload,
        })
    }

    fn from_json(value: &Value) -> Option<Self> {
        let text = |key: &str| value[key].as_str().map(ToOwned::to_owned);
        Some(Self {
            id: text("id").filter(|id| id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit()))?,
            at: text("at")?.parse().ok()?,
            actor: text("actor")?,
            kind: text("kind")?,
            release_id: value["release"].as_i64(),
            payload: value["payload"].clone(),
        })
    }
}

/// Logs an observation unless it is logged already, in the transaction that is open.
pub async fn record_once(connection: &Connection, observation: &Observation, is_late: bool) -> Result<(), SqlError> {
    let payload = if is_late { observation.late() } else { observation.payload.clone() };
    query(
        connection,
        include_str!("sql/record_once.sql"),
        &[
            (&observation.id, Type::TEXT),
            (&observation.actor, Type::TEXT),
            (&observation.kind, Type::TEXT),
            (&observation.release_id, Type::INT8),
            (&payload.to_string(), Type::TEXT),
        ],
    )
    .await
    .map(|_| ())
}

/// The folder in which observations wait, those of each ledger in a folder of its own. Only its owner can look
/// into it: what the server says of a failure may quote data.
#[derive(Debug, Clone)]
pub struct Spool {
    root: PathBuf,
}

impl Spool {
    pub const fn new(root: PathBuf) -> Self {
        Self { root }
    }

    pub fn path(&self) -> &Path {
        &self.root
    }

    /// Puts an observation aside. It is there for good when this returns.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn put(&self, ledger_id: &str, observation: &Observation) -> io::Result<()> {
        let folder = self.folder(ledger_id);
        DirBuilder::new().recursive(true).mode(0o700).create(&folder)?;
        let name = format!("{:020}-{}", observation.at.as_microsecond(), observation.id);
        let unfinished = folder.join(format!("{name}.part"));
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&unfinished)?;
        file.write_all(observation.to_json().to_string().as_bytes())?;
        file.sync_all()?;
        std::fs::rename(&unfinished, folder.join(format!("{name}.json")))?;
        File::open(&folder)?.sync_all()
    }

    /// The files that wait for this ledger, oldest first.
    pub fn waiting(&self, ledger_id: &str) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(self.folder(ledger_id)).into_iter().flatten().flatten();
        let mut files: Vec<_> = entries.map(|entry| entry.path()).filter(|path| has_extension(path, "json")).collect();
        files.sort();
        files
    }

    /// What a file holds; nothing, when somebody has spoiled it.
    pub fn read(path: &Path) -> Option<Observation> {
        let text = std::fs::read_to_string(path).ok()?;
        Observation::from_json(&serde_json::from_str(&text).ok()?)
    }

    fn folder(&self, ledger_id: &str) -> PathBuf {
        // A ledger's identifier is a UUID; nothing else may choose a folder.
        let plain: String = ledger_id.chars().filter(|c| c.is_ascii_hexdigit() || *c == '-').collect();
        self.root.join(plain)
    }
}

fn has_extension(path: &Path, extension: &str) -> bool {
    path.extension().is_some_and(|found| found == extension)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn what_is_put_aside_comes_back_in_order_and_is_nobody_elses() {
        let folder = tempfile::tempdir().unwrap();
        let spool = Spool::new(folder.path().join("state/spool"));
        let ledger = "0f3b9c2e-0000-4000-8000-000000000001";
        assert!(spool.waiting(ledger).is_empty());
        let seen: Vec<_> = (1..=3)
            .map(|number| Observation::now("dev", "migration_failed", Some(number), json!({ "number": number })))
            .collect();
        for observation in &seen {
            spool.put(ledger, observation).unwrap();
        }
        let files = spool.waiting(ledger);
        let found: Vec<_> = files.iter().filter_map(|path| Spool::read(path)).collect();
        assert_eq!(found, seen);
        assert!(spool.waiting("0f3b9c2e-0000-4000-8000-000000000002").is_empty());
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&files[0]), mode(files[0].parent().unwrap())), (0o600, 0o700));
        // Half a file, or another's, is none.
        std::fs::write(&files[1], "{").unwrap();
        assert_eq!(Spool::read(&files[1]), None);
        std::fs::write(files[1].with_extension("part"), "{}").unwrap();
        assert_eq!(spool.waiting(ledger).len(), 3);
    }

    #[test]
    fn what_comes_late_says_when_it_was_seen() {
        let observation = Observation::now("dev", "migration_failed", None, json!({ "number": 1 }));
        assert_eq!(observation.late()["observed_at"], observation.at.to_string());
        assert_eq!(observation.late()["number"], 1);
    }
}
