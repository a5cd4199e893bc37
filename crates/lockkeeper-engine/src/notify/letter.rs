//! An alert as it is about to be sent: every sentence in the language of whoever gets it.

use jiff::Timestamp;
use lockkeeper_core::message;
use lockkeeper_core::model::{About, AlertEffect, AlertKind, Message, Severity};
use serde_json::{Value, json};

use crate::ledger::{Delivery, message_to_json};

/// Says a message that is stored as JSON, in the language that is named or in the usual one. The engine has no words.
pub type Render<'a> = dyn Fn(Option<&str>, &Value) -> String + 'a;

/// What a receiver is sent.
#[derive(Debug, Clone, PartialEq)]
pub struct Letter {
    /// The same each time that this alert is sent to this receiver, so that it can tell a repetition.
    pub id: String,
    pub kind: AlertKind,
    pub about: About,
    /// What it is about, in a key that no other ledger uses.
    pub dedup_key: String,
    /// 1 for the first alert, more for reminders.
    pub told: u32,
    /// When it was put down.
    pub at: Timestamp,
    /// One line that says where and what.
    pub title: String,
    /// What happened, without where.
    pub subject: String,
    pub summary: String,
    pub facts: Vec<Fact>,
    pub environment: String,
    pub database: String,
    /// The machine that noticed.
    pub host: String,
}

/// One thing that is known beside the sentences.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact {
    /// For programs.
    pub name: String,
    /// For people.
    pub label: String,
    pub value: String,
}

/// What is longer is cut, in bytes: evidence is a sentence, and a webhook should stay below 20 kB in every script.
const VALUE_BYTES_MAX: usize = 700;
const SUBJECT_BYTES_MAX: usize = 400;
const SUMMARY_BYTES_MAX: usize = 2_000;

impl Letter {
    pub fn new(delivery: &Delivery, ledger_id: &str, lang: Option<&str>, render: &Render<'_>) -> Self {
        let payload = &delivery.payload;
        let text = |key: &str| payload[key].as_str().unwrap_or_default().to_owned();
        let environment = text("environment");
        let subject = cut_bytes(&one_line(&said(&payload["subject"], lang, render)), SUBJECT_BYTES_MAX);
        let title = title(delivery.kind, delivery.told, &environment, &subject);
        let fact = |fact: &Value| Fact {
            name: fact["name"].as_str().unwrap_or_default().to_owned(),
            label: said(&fact["label"], lang, render),
            value: cut_bytes(&one_line(&said(&fact["value"], lang, render)), VALUE_BYTES_MAX),
        };
        Self {
            id: delivery.id.clone(),
            kind: delivery.kind,
            about: delivery.about.clone(),
            dedup_key: format!("lockkeeper/{ledger_id}/{}", delivery.about.as_str()),
            told: delivery.told,
            at: delivery.created_at,
            title: render(lang, &message_to_json(&title)),
            subject,
            summary: cut_bytes(&one_line(&said(&payload["summary"], lang, render)), SUMMARY_BYTES_MAX),
            facts: payload["facts"].as_array().into_iter().flatten().map(fact).collect(),
            environment,
            database: text("database"),
            host: text("host"),
        }
    }

    pub const fn severity(&self) -> Severity {
        self.kind.severity()
    }

    pub const fn effect(&self) -> AlertEffect {
        self.kind.effect()
    }

    /// Whether it only says again what was said.
    pub const fn is_reminder(&self) -> bool {
        self.told > 1
    }

    /// The whole of it, for a receiver that takes JSON.
    pub fn to_json(&self) -> Value {
        let effect = match (self.effect(), self.is_reminder()) {
            (AlertEffect::Opens, true) => "reminds",
            (AlertEffect::Opens, false) => "opens",
            (AlertEffect::Resolves, _) => "resolves",
            (AlertEffect::Tells, _) => "tells",
        };
        let facts: serde_json::Map<String, Value> =
            self.facts.iter().map(|fact| (fact.name.clone(), json!(fact.value))).collect();
        json!({
            "id": self.id,
            "kind": self.kind.as_str(),
            "severity": self.severity().as_str(),
            "effect": effect,
            "about": self.about.as_str(),
            "dedup_key": self.dedup_key,
            "told": self.told,
            "at": self.at.to_string(),
            "environment": self.environment,
            "database": self.database,
            "host": self.host,
            "title": self.title,
            "subject": self.subject,
            "summary": self.summary,
            "facts": facts,
        })
    }

    /// Everything as plain text, a fact to a line.
    pub fn text(&self) -> String {
        let facts = self.facts.iter().map(|fact| format!("{}: {}\n", fact.label, fact.value));
        format!("{}\n\n{}", self.summary, facts.collect::<String>())
    }
}

fn title(kind: AlertKind, told: u32, environment: &str, subject: &str) -> Message {
    match kind.effect() {
        AlertEffect::Opens if told > 1 => {
            message!("alert-title-reminds", environment = environment, subject = subject, told = told)
        }
        AlertEffect::Opens => message!("alert-title-opens", environment = environment, subject = subject),
        AlertEffect::Resolves => message!("alert-title-resolves", environment = environment, subject = subject),
        AlertEffect::Tells => message!("alert-title-tells", environment = environment, subject = subject),
    }
}

/// A stored argument: a text, a number, a message, or several.
fn said(value: &Value, lang: Option<&str>, render: &Render<'_>) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Array(values) => values.iter().map(|value| said(value, lang, render)).collect::<Vec<_>>().join(", "),
        Value::Object(_) => render(lang, value),
        Value::Null | Value::Bool(_) => String::new(),
    }
}

/// At most so many characters, the last of which says that there were more.
pub(super) fn cut(text: &str, chars_max: usize) -> String {
    if text.chars().count() <= chars_max {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(chars_max.saturating_sub(1)).collect();
    short.push('…');
    short
}

/// The same in bytes.
fn cut_bytes(text: &str, bytes_max: usize) -> String {
    if text.len() <= bytes_max {
        return text.to_owned();
    }
    let end = text.floor_char_boundary(bytes_max - '…'.len_utf8());
    format!("{}…", &text[..end])
}

/// What breaks a line, or does things to a terminal, is a space: no text of others begins a header of ours.
pub(super) fn one_line(text: &str) -> String {
    text.chars().map(|char| if char.is_control() { ' ' } else { char }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_is_cut_between_characters() {
        assert_eq!(cut("가나다", 3), "가나다");
        assert_eq!(cut("가나다라", 3), "가나…");
        assert_eq!(cut_bytes("가나다", 9), "가나다");
        assert_eq!(cut_bytes("가나다라", 10), "가나…");
        assert_eq!(one_line("a\r\nBcc: b\tc\u{1b}[31m"), "a  Bcc: b c [31m");
    }
}
