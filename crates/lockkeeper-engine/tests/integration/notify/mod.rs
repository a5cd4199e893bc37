//! Alerts on their way: what is put down, and what arrives at receivers that behave like the real ones.

mod delivery;
mod faults;
mod mail;
mod outbox;
mod payloads;

use std::collections::BTreeMap;
use std::time::Duration;

use lockkeeper_core::message;
use lockkeeper_core::model::{About, Alert, AlertKind, Arg, FactName, Message, Severity};
use lockkeeper_engine::notify::{
    ALERTMANAGER_PATH, Channel, Endpoint, Origin, Outcome, Receiver, Route, Routes, SigningKey, send_test,
};
use lockkeeper_engine::postgres::{RootCert, Secret};
use serde_json::Value;

/// Nobody translates here: the identifier, and the arguments that are texts.
pub fn render(_: Option<&str>, value: &Value) -> String {
    match value {
        Value::Object(message) => {
            let args: Vec<String> =
                message["args"].as_object().into_iter().flatten().map(|(_, arg)| render(None, arg)).collect();
            format!("{} {}", message["id"].as_str().unwrap_or_default(), args.join(" "))
        }
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

pub fn endpoint(url: &str) -> Endpoint {
    Endpoint::new(Secret::new(url), RootCert::System).unwrap()
}

pub fn receiver(name: &str, channel: Channel) -> Receiver {
    let route = Route { name: name.to_owned(), severity_min: Severity::Info, kinds: None };
    Receiver { route, lang: None, limit: Duration::from_secs(5), channel: Ok(channel) }
}

pub const WEBHOOK_SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
pub const ROUTING_KEY: &str = "0123456789abcdef0123456789abcdef";

pub fn webhook(url: &str, secrets: &[&str]) -> Channel {
    let keys = secrets.iter().map(|secret| SigningKey::parse(&Secret::new(*secret)).unwrap()).collect();
    Channel::Webhook { endpoint: endpoint(url), keys }
}

pub fn pagerduty(url: &str) -> Channel {
    Channel::PagerDuty { endpoint: endpoint(url), routing_key: Secret::new(ROUTING_KEY) }
}

pub fn alertmanager(url: &str) -> Channel {
    Channel::Alertmanager {
        endpoint: endpoint(url).below(ALERTMANAGER_PATH).unwrap(),
        labels: BTreeMap::from([("team".to_owned(), "shop".to_owned())]),
        stands: Duration::from_hours(8),
    }
}

pub fn routes(receivers: &[Receiver]) -> Routes {
    Routes {
        origin: Origin { environment: "test".to_owned(), database: "shop".to_owned(), host: "here".to_owned() },
        receivers: receivers.iter().map(|receiver| receiver.route.clone()).collect(),
        ..Routes::default()
    }
}

pub fn alert(kind: AlertKind) -> Alert {
    let subject = message!("alert-breach", check = "shop", rule = "floor");
    Alert::new(kind, About::breach(7), subject, message!("alert-breach-summary")).fact(FactName::Check, "shop")
}

/// Everything that is at its limit or beyond, and all that a service would obey.
pub fn monstrous(kind: AlertKind) -> Alert {
    let nasty = "<!channel> & <https://evil.example|click> \r\nBcc: all@example.com \u{1b}[31m 검사 ".repeat(300);
    let subject = message!("alert-breach", check = nasty.as_str(), rule = nasty.as_str());
    let summary = message!("alert-migration-failed", number = nasty.as_str());
    let about = About::no_data(i64::MAX, &nasty);
    FactName::ALL
        .into_iter()
        .fold(Alert::new(kind, about, subject, summary), |alert, name| alert.fact(name, nasty.as_str()))
}

/// Past the outbox, to one receiver.
pub async fn send(channel: Channel, alert: &Alert) -> Outcome {
    let receiver = receiver("one", channel);
    send_test(&receiver, &routes(std::slice::from_ref(&receiver)), alert, &render).await
}

#[track_caller]
pub fn delivered(outcome: &Outcome) {
    assert!(matches!(outcome, Outcome::Delivered(_)), "{outcome:?}");
}

/// The identifiers of a message and of those inside of it.
pub fn ids(message: &Message) -> Vec<&'static str> {
    let mut ids = vec![message.id];
    for (_, arg) in &message.args {
        match arg {
            Arg::Message(inner) => ids.extend(self::ids(inner)),
            Arg::List(list) => ids.extend(list.iter().flat_map(self::ids)),
            Arg::Text(_) | Arg::Number(_) => {}
        }
    }
    ids
}
