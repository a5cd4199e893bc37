//! Receivers of alerts that hold a sender to what the real services demand, by their documentation: what they refuse,
//! these refuse.

use std::collections::BTreeSet;
use std::sync::Mutex;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac};
use serde_json::Value;
use sha2::Sha256;

use crate::faulty_http::{HttpReply, Service};

/// What is wrong with a request, as the service words it.
type Fault = String;

/// A header's value.
pub fn header<'r>(request: &'r str, name: &str) -> Option<&'r str> {
    let head = request.split("\r\n\r\n").next()?;
    head.lines().skip(1).find_map(|line| {
        let (found, value) = line.split_once(':')?;
        found.eq_ignore_ascii_case(name).then(|| value.trim())
    })
}

/// What follows the head.
pub fn body(request: &str) -> &str {
    request.split_once("\r\n\r\n").map_or("", |(_, body)| body)
}

/// The body as JSON; null, when it is none.
pub fn json(request: &str) -> Value {
    serde_json::from_str(body(request)).unwrap_or(Value::Null)
}

fn service(
    refusal: u16,
    accepted: HttpReply,
    check: impl Fn(&str) -> Result<(), Fault> + Send + Sync + 'static,
) -> Service {
    Service::new(move |request| match check(request) {
        Ok(()) => accepted.clone(),
        Err(fault) => HttpReply::new(refusal, fault),
    })
}

fn posted(request: &str, path: &str) -> Result<Value, Fault> {
    let line = request.lines().next().unwrap_or_default();
    if line != format!("POST {path} HTTP/1.1") {
        return Err(format!("not posted to {path}: {line}"));
    }
    if header(request, "content-type") != Some("application/json") {
        return Err("content-type is not JSON".to_owned());
    }
    serde_json::from_str(body(request)).map_err(|error| format!("no JSON: {error}"))
}

fn text<'v>(value: &'v Value, at: &str, chars: std::ops::RangeInclusive<usize>) -> Result<&'v str, Fault> {
    let text = value.pointer(at).and_then(Value::as_str).ok_or_else(|| format!("{at} is missing"))?;
    let length = text.chars().count();
    if chars.contains(&length) { Ok(text) } else { Err(format!("{at} has {length} characters")) }
}

/// Slack's incoming webhooks: 50 blocks, 150 characters in a header, 3000 in a text, ten fields of 2000; `&`, `<` and
/// `>` only as entities.
pub fn slack(path: &'static str) -> Service {
    service(400, HttpReply::new(200, "ok"), move |request| {
        let message = posted(request, path)?;
        entities(text(&message, "/text", 1..=40_000)?)?;
        let blocks = message["blocks"].as_array().ok_or("invalid_blocks")?;
        if blocks.is_empty() || blocks.len() > 50 {
            return Err(format!("invalid_blocks: {}", blocks.len()));
        }
        for block in blocks {
            slack_block(block)?;
        }
        Ok(())
    })
}

fn slack_block(block: &Value) -> Result<(), Fault> {
    let mrkdwn = |element: &Value, max| {
        if element["type"] != "mrkdwn" {
            return Err(format!("invalid_blocks: {element}"));
        }
        entities(text(element, "/text", 1..=max)?)
    };
    match block["type"].as_str() {
        Some("header") if block["text"]["type"] == "plain_text" => entities(text(block, "/text/text", 1..=150)?),
        Some("section") => match (block.get("text"), block["fields"].as_array()) {
            (Some(text), None) => mrkdwn(text, 3_000),
            (None, Some(fields)) if (1..=10).contains(&fields.len()) => {
                fields.iter().try_for_each(|field| mrkdwn(field, 2_000))
            }
            _ => Err("invalid_blocks: a section".to_owned()),
        },
        Some("context") => match block["elements"].as_array() {
            Some(elements) if (1..=10).contains(&elements.len()) => {
                elements.iter().try_for_each(|element| mrkdwn(element, 3_000))
            }
            _ => Err("invalid_blocks: a context".to_owned()),
        },
        _ => Err(format!("invalid_blocks: {block}")),
    }
}

/// What Slack would read as a mention or a link.
fn entities(text: &str) -> Result<(), Fault> {
    let is_raw = text.contains(['<', '>'])
        || text.split('&').skip(1).any(|rest| !["amp;", "lt;", "gt;"].iter().any(|entity| rest.starts_with(entity)));
    if is_raw { Err(format!("not escaped: {text}")) } else { Ok(()) }
}

/// `PagerDuty`'s Events API v2.
pub fn pagerduty(path: &'static str, routing_key: &'static str) -> Service {
    service(400, HttpReply::new(202, "{\"status\":\"success\"}"), move |request| {
        if body(request).len() > 512 * 1024 {
            return Err("too large".to_owned());
        }
        let event = posted(request, path)?;
        if text(&event, "/routing_key", 32..=32)? != routing_key {
            return Err("Invalid routing key".to_owned());
        }
        text(&event, "/dedup_key", 1..=255)?;
        match text(&event, "/event_action", 1..=20)? {
            "trigger" => {
                text(&event, "/payload/summary", 1..=1_024)?;
                text(&event, "/payload/source", 1..=255)?;
                let severity = text(&event, "/payload/severity", 1..=20)?;
                if !["critical", "error", "warning", "info"].contains(&severity) {
                    return Err(format!("severity {severity}"));
                }
                timestamp(text(&event, "/payload/timestamp", 1..=40)?)
            }
            "resolve" | "acknowledge" => Ok(()),
            other => Err(format!("event_action {other}")),
        }
    })
}

fn timestamp(text: &str) -> Result<(), Fault> {
    let at: Result<jiff::Timestamp, _> = text.parse();
    at.map(|_| ()).map_err(|error| format!("{text}: {error}"))
}

/// Alertmanager's API v2.
pub fn alertmanager() -> Service {
    service(400, HttpReply::new(200, ""), |request| {
        let alerts = posted(request, "/api/v2/alerts")?;
        let alerts = alerts.as_array().ok_or("no array")?;
        for alert in alerts {
            for part in ["labels", "annotations"] {
                for (name, value) in alert[part].as_object().ok_or_else(|| format!("{part} are missing"))? {
                    let mut chars = name.chars();
                    let begins = chars.next().is_some_and(|first| first == '_' || first.is_ascii_alphabetic());
                    if !begins || !chars.all(|char| char == '_' || char.is_ascii_alphanumeric()) {
                        return Err(format!("invalid label name {name}"));
                    }
                    if value.as_str().is_none_or(str::is_empty) {
                        return Err(format!("{name} is empty"));
                    }
                }
            }
            text(alert, "/labels/alertname", 1..=200)?;
            let at = |name: &str| {
                let at: Option<jiff::Timestamp> = alert[name].as_str().and_then(|text| text.parse().ok());
                at.ok_or_else(|| format!("{name} is no time"))
            };
            if at("endsAt")? < at("startsAt")? {
                return Err("start time must be before end time".to_owned());
            }
        }
        Ok(())
    })
}

/// A receiver of Standard Webhooks: it holds the signature against its own key, is strict about the time, and takes
/// what it has seen already without doing it again.
#[derive(Debug)]
pub struct WebhookReceiver {
    key: Vec<u8>,
    seen: Mutex<BTreeSet<String>>,
}

impl WebhookReceiver {
    /// # Panics
    /// When the secret is none.
    pub fn new(secret: &str) -> Self {
        let key = STANDARD.decode(secret.trim_start_matches("whsec_"));
        let key = key.unwrap_or_else(|error| panic!("{secret}: {error}"));
        Self { key, seen: Mutex::default() }
    }

    /// How many different alerts there were.
    pub fn different(&self) -> usize {
        self.seen.lock().unwrap_or_else(std::sync::PoisonError::into_inner).len()
    }

    /// # Errors
    /// What is wrong with it.
    pub fn take(&self, request: &str) -> Result<(), String> {
        let required = |name: &str| header(request, name).ok_or_else(|| format!("{name} is missing"));
        let (id, at) = (required("webhook-id")?, required("webhook-timestamp")?);
        let age_s = at.parse::<i64>().map(|at| (jiff::Timestamp::now().as_second() - at).abs());
        if age_s.is_err() || age_s.is_ok_and(|age_s| age_s > 300) {
            return Err(format!("webhook-timestamp is {at}"));
        }
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.key).map_err(|error| error.to_string())?;
        mac.update(format!("{id}.{at}.{}", body(request)).as_bytes());
        let expected = format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()));
        if !required("webhook-signature")?.split(' ').any(|signature| signature == expected) {
            return Err("no matching signature".to_owned());
        }
        if body(request).len() > 20 * 1024 {
            return Err("larger than 20 kB".to_owned());
        }
        let event = json(request);
        text(&event, "/type", 1..=100)?;
        timestamp(text(&event, "/timestamp", 1..=40)?)?;
        if !event["data"].is_object() {
            return Err("data is missing".to_owned());
        }
        self.seen.lock().unwrap_or_else(std::sync::PoisonError::into_inner).insert(id.to_owned());
        Ok(())
    }
}

/// A service around such a receiver.
pub fn webhook(receiver: std::sync::Arc<WebhookReceiver>) -> Service {
    service(401, HttpReply::new(204, ""), move |request| receiver.take(request))
}
