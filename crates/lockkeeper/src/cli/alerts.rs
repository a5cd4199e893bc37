//! Alerts at the end of a command: what the settings say of receivers, and a moment for what is due.

use std::time::Duration;

use lockkeeper_core::message;
use lockkeeper_core::model::{Answer, Message};
use lockkeeper_engine::notify::{Deliverer, Drained, News, Origin, Receiver, Routes};
use lockkeeper_engine::postgres::{Connection, connect};
use serde_json::Value;

use super::context::Context;
use crate::printer::{Catalogue, Language, Printer, Tone};

/// A command that put an alert down stays so much longer at most; the rest is for the next command, or the watcher.
const BUDGET: Duration = Duration::from_secs(5);

impl Context<'_> {
    /// Who is told of what.
    pub fn routes(&self) -> Routes {
        let notify = &self.settings.notify;
        Routes {
            origin: Origin {
                environment: self.settings.environment.as_str().to_owned(),
                database: self.settings.target().map(|target| target.database.clone()).unwrap_or_default(),
                host: self.holder().host,
            },
            receivers: notify.receivers.iter().map(|receiver| receiver.route.clone()).collect(),
            remind: notify.remind,
        }
    }

    pub fn receivers(&self) -> &[Receiver] {
        &self.settings.notify.receivers
    }

    /// Delivers what is due, for a moment. Whatever comes of it, the command's own outcome stands.
    pub async fn deliver_alerts(&self) {
        if self.receivers().is_empty() {
            return;
        }
        let delivered = async {
            let connection = connect(self.settings.target()?).await?;
            self.deliver(&connection, BUDGET).await
        };
        // Connecting may take long as well, and a server that has gone away answers nothing.
        match tokio::time::timeout(BUDGET * 2, delivered).await {
            Ok(Ok(_)) => {}
            Ok(Err(problem)) => self.printer.note_in(&unread(self.printer.text(&problem.message)), Tone::Waiting),
            Err(_) => self.printer.note_in(&unread(self.printer.text(&message!("notify-cut-off"))), Tone::Waiting),
        }
    }

    /// Delivers what is due within this time, and tells what could not be.
    pub async fn deliver(&self, connection: &Connection, budget: Duration) -> Answer<Drained> {
        let texts = Texts::new(self.printer.language());
        let render = |lang: Option<&str>, value: &Value| texts.say(lang, value);
        let mut deliverer = Deliverer::new(self.receivers().to_vec(), self.settings.notify.remind, &render);
        deliverer.drain(connection, budget, &mut |news| tell_news(self.printer, &news)).await
    }
}

fn unread(reason: String) -> Message {
    message!("notify-later", reason = reason)
}

/// Both catalogues: a receiver may read another language than whoever sends.
pub struct Texts {
    usual: Language,
    catalogues: [(Language, Catalogue); 2],
}

impl Texts {
    pub fn new(usual: Language) -> Self {
        Self { usual, catalogues: Language::ALL.map(|language| (language, Catalogue::new(language))) }
    }

    /// A stored message in the language that is named, or in the usual one.
    pub fn say(&self, lang: Option<&str>, value: &Value) -> String {
        let wanted = lang.map_or(self.usual, |lang| Language::from_locale(Some(lang)));
        let found = self.catalogues.iter().find(|(language, _)| *language == wanted);
        found.map_or_else(|| value.to_string(), |(_, catalogue)| catalogue.stored(value))
    }
}

/// What could not be delivered, to the person who runs the command.
pub fn tell_news(printer: &Printer, news: &News<'_>) {
    match news {
        News::Delivered { delivery } => {
            let said = message!("notify-delivered", kind = delivery.kind.as_str(), name = delivery.sink.as_str());
            printer.note_in(&said, Tone::Quiet);
        }
        News::Failed { delivery, why, retry_in } => {
            let (kind, name) = (delivery.kind.as_str(), delivery.sink.as_str());
            let why = (*why).clone();
            let said = match retry_in {
                Some(wait) => {
                    message!("notify-delayed", kind = kind, name = name, why = why, seconds = wait.as_secs())
                }
                None => message!("notify-given-up", kind = kind, name = name, why = why),
            };
            printer.note_in(&said, if retry_in.is_some() { Tone::Waiting } else { Tone::Bad });
        }
        News::LedgerUnreachable(problem) => {
            printer.note_in(&unread(printer.text(&problem.message)), Tone::Waiting);
        }
    }
}
