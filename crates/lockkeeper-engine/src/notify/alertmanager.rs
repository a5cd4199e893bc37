//! Prometheus' Alertmanager, API v2: what stands is sent again and again, with an end in the future that moves on.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use lockkeeper_core::model::{AlertEffect, AlertKind};
use serde_json::{Value, json};

use super::letter::Letter;

/// Below the server's address.
pub const PATH: &str = "/api/v2/alerts";

/// Alertmanager keeps alerts in its memory alone: while a watcher runs, what stands is sent again this often.
pub const SEND_AGAIN_EVERY: Duration = Duration::from_mins(1);

/// How long a trial stands.
const TEST_STANDS: Duration = Duration::from_mins(5);

/// The alerts: the labels are what Alertmanager knows one by, so what changes stands in annotations.
///
/// A matter that took another turn ends under its earlier name, and a resolved one under each that it may have had.
pub fn body(letters: &[Letter], own: &BTreeMap<String, String>, now: Timestamp, stands: Duration) -> Value {
    letters.iter().flat_map(|letter| alerts(letter, own, now, stands)).collect()
}

fn alerts(letter: &Letter, own: &BTreeMap<String, String>, now: Timestamp, stands: Duration) -> Vec<Value> {
    let until = |after: Duration| now.checked_add(after).unwrap_or(Timestamp::MAX);
    let begun = |kind, ends| alert(letter, own, kind, letter.at.min(ends), ends);
    let ended = |kind: &AlertKind| alert(letter, own, *kind, letter.at, letter.at.min(now));
    let names = letter.about.opened_by();
    match letter.effect() {
        AlertEffect::Opens => {
            let earlier = names.iter().filter(|kind| **kind != letter.kind).map(ended);
            std::iter::once(begun(letter.kind, until(stands))).chain(earlier).collect()
        }
        AlertEffect::Resolves => names.iter().map(ended).collect(),
        AlertEffect::Tells => vec![begun(letter.kind, until(TEST_STANDS))],
    }
}

fn alert(
    letter: &Letter,
    own: &BTreeMap<String, String>,
    kind: AlertKind,
    starts: Timestamp,
    ends: Timestamp,
) -> Value {
    let mut labels: BTreeMap<&str, &str> = own.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let name = name(kind);
    labels.extend([
        ("alertname", name.as_str()),
        ("severity", kind.severity().as_str()),
        ("environment", letter.environment.as_str()),
        ("database", letter.database.as_str()),
        ("about", letter.dedup_key.as_str()),
    ]);
    // An empty label is no label.
    labels.retain(|_, value| !value.is_empty());
    let mut annotations: BTreeMap<&str, &str> =
        letter.facts.iter().map(|fact| (fact.name.as_str(), fact.value.as_str())).collect();
    annotations.extend([("summary", letter.title.as_str()), ("description", letter.summary.as_str())]);
    annotations.retain(|_, value| !value.is_empty());
    json!({
        "labels": labels,
        "annotations": annotations,
        "startsAt": starts.to_string(),
        "endsAt": ends.to_string(),
    })
}

/// `LockkeeperMigrationFailed`, as alerts are named there.
fn name(kind: AlertKind) -> String {
    let mut name = "Lockkeeper".to_owned();
    for word in kind.as_str().split('_') {
        let (first, rest) = word.split_at(1);
        name.push_str(&first.to_uppercase());
        name.push_str(rest);
    }
    name
}
