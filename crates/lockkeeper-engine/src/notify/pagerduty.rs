//! PagerDuty's Events API v2: an incident is triggered, and resolved by the same key.

use lockkeeper_core::model::AlertEffect;
use serde_json::{Map, Value, json};

use super::letter::{Letter, cut, one_line};
use crate::postgres::Secret;

/// Where events go.
pub const ADDRESS: &str = "https://events.pagerduty.com/v2/enqueue";

const SUMMARY_CHARS_MAX: usize = 1_024;
const DEDUP_KEY_CHARS_MAX: usize = 255;

/// The event.
pub fn body(letter: &Letter, routing_key: &Secret) -> Value {
    let resolves = letter.effect() == AlertEffect::Resolves;
    event(letter, routing_key, if resolves { "resolve" } else { "trigger" })
}

/// What ends the trial that [`body`] began.
pub fn end_of_test(letter: &Letter, routing_key: &Secret) -> Value {
    event(letter, routing_key, "resolve")
}

fn event(letter: &Letter, routing_key: &Secret, action: &str) -> Value {
    let mut details: Map<String, Value> =
        letter.facts.iter().map(|fact| (fact.name.clone(), json!(fact.value))).collect();
    details.insert("summary".to_owned(), json!(letter.summary));
    details.insert("about".to_owned(), json!(letter.about.as_str()));
    let source = if letter.database.is_empty() { "lockkeeper" } else { letter.database.as_str() };
    json!({
        "routing_key": routing_key.reveal(),
        "event_action": action,
        "dedup_key": cut(&letter.dedup_key, DEDUP_KEY_CHARS_MAX),
        "client": "Lockkeeper",
        "payload": {
            "summary": cut(&one_line(&letter.title), SUMMARY_CHARS_MAX),
            "source": source,
            "severity": letter.severity().as_str(),
            "timestamp": letter.at.to_string(),
            "component": letter.database,
            "group": letter.environment,
            "class": letter.kind.as_str(),
            "custom_details": details,
        },
    })
}
