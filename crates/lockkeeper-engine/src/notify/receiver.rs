//! A receiver: what it wants to hear, how it is reached, and how an alert is sent to it.

use std::collections::BTreeMap;
use std::time::Duration;

use lockkeeper_core::model::{AlertKind, Message};

use super::alertmanager;
use super::command::CommandReceiver;
use super::email::Email;
use super::endpoint::Endpoint;
use super::letter::Letter;
use super::outcome::Outcome;
use super::pagerduty;
use super::routes::Route;
use super::slack;
use super::webhook::{self, SigningKey};
use crate::postgres::Secret;
use crate::seams::wall_clock;

/// One receiver of the settings.
#[derive(Debug, Clone)]
pub struct Receiver {
    pub route: Route,
    /// The language of its texts, `en` or `ko`; without a word that of whoever sends.
    pub lang: Option<String>,
    /// How long one sending may take.
    pub limit: Duration,
    /// What it is reached by; or what is missing for that here, such as a variable that is not set. Alerts for it are
    /// put down all the same, and whoever can reach it delivers them.
    pub channel: Result<Channel, Message>,
}

/// What a receiver is reached by.
#[derive(Debug, Clone)]
pub enum Channel {
    Slack(Endpoint),
    Webhook { endpoint: Endpoint, keys: Vec<SigningKey> },
    PagerDuty { endpoint: Endpoint, routing_key: Secret },
    Alertmanager { endpoint: Endpoint, labels: BTreeMap<String, String>, stands: Duration },
    Email(Box<Email>),
    Command(CommandReceiver),
}

impl Receiver {
    /// How long one sending may take, unless it is said. None may take longer than [`Self::LIMIT_MAX`].
    pub const LIMIT: Duration = Duration::from_secs(10);
    pub const LIMIT_MAX: Duration = Duration::from_secs(20);
}

impl Channel {
    /// What it is called in the settings.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Slack(_) => "slack",
            Self::Webhook { .. } => "webhook",
            Self::PagerDuty { .. } => "pagerduty",
            Self::Alertmanager { .. } => "alertmanager",
            Self::Email(_) => "email",
            Self::Command(_) => "command",
        }
    }

    /// How long to wait between two sendings.
    pub(super) const fn pause(&self) -> Duration {
        match self {
            Self::Slack(_) => slack::PAUSE,
            _ => Duration::ZERO,
        }
    }

    /// Sends one letter and says what became of it, within the limit.
    pub async fn send(&self, letter: &Letter, limit: Duration) -> Outcome {
        match self {
            Self::Slack(endpoint) => endpoint.post(slack::body(letter).to_string(), Vec::new(), &[], limit).await,
            Self::Webhook { endpoint, keys } => {
                let body = webhook::body(letter).to_string();
                let headers = webhook::headers(&letter.id, wall_clock(), &body, keys);
                endpoint.post(body, headers, &[], limit).await
            }
            Self::PagerDuty { endpoint, routing_key } => {
                let secrets = [routing_key];
                let post = |body: serde_json::Value| endpoint.post(body.to_string(), Vec::new(), &secrets, limit);
                let triggered = post(pagerduty::body(letter, routing_key)).await;
                if letter.kind == AlertKind::Test && matches!(triggered, Outcome::Delivered(_)) {
                    // Nobody should have to close the incident of a trial.
                    return post(pagerduty::end_of_test(letter, routing_key)).await;
                }
                triggered
            }
            Self::Alertmanager { .. } => self.send_all(std::slice::from_ref(letter), limit).await,
            Self::Email(email) => email.send(letter, limit).await,
            Self::Command(command) => command.send(letter, limit).await,
        }
    }

    /// To Alertmanager, everything in one request.
    pub(super) async fn send_all(&self, letters: &[Letter], limit: Duration) -> Outcome {
        let Self::Alertmanager { endpoint, labels, stands } = self else {
            unreachable!("only Alertmanager is sent several at once")
        };
        let body = alertmanager::body(letters, labels, wall_clock(), *stands);
        endpoint.post(body.to_string(), Vec::new(), &[], limit).await
    }
}
