//! Who is told of what.

use std::time::Duration;

use lockkeeper_core::message;
use lockkeeper_core::model::{Alert, AlertEffect, AlertKind, Message, Severity};
use serde_json::{Value, json};

use crate::ledger::{
    NewAlert, Reminders, arg_to_json, message_to_json, open_abouts, open_alert, put_alert, resolve_alert,
};
use crate::postgres::{Connection, SqlError};

/// A receiver's name, and what it wants to hear.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    pub name: String,
    /// Nothing that is less urgent.
    pub severity_min: Severity,
    /// Only these; `None` for all.
    pub kinds: Option<Vec<AlertKind>>,
}

impl Route {
    /// Whether it is told of this. A trial is for whoever it is addressed to, and is not routed.
    pub fn takes(&self, kind: AlertKind) -> bool {
        let is_named = self.kinds.as_ref().is_none_or(|kinds| kinds.contains(&kind));
        kind != AlertKind::Test && is_named && kind.severity() >= self.severity_min
    }
}

/// Where an alert comes from, in words that programs know.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Origin {
    pub environment: String,
    pub database: String,
    /// The machine that noticed.
    pub host: String,
}

/// Everything that the settings say of who is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Routes {
    pub origin: Origin,
    pub receivers: Vec<Route>,
    /// What stands is told of again after this time.
    pub remind: Reminders,
}

impl Default for Routes {
    /// Nobody is told.
    fn default() -> Self {
        Self { origin: Origin::default(), receivers: Vec::new(), remind: Self::REMIND_EVERY.into() }
    }
}

impl Routes {
    /// Often enough that nobody goes home without a word, seldom enough that nobody silences it.
    pub const REMIND_EVERY: Duration = Duration::from_hours(4);

    /// Puts an alert down in the transaction that is open, for whoever is told of its kind.
    ///
    /// What is known already is not put down again before it is time for a reminder, and an end only where there was
    /// a beginning. What resolves goes to all who heard of it, whatever they want to hear.
    ///
    /// # Errors
    /// When the ledger cannot be written: what the alert tells of is not recorded either.
    pub async fn put(&self, connection: &Connection, alert: &Alert) -> Result<(), SqlError> {
        let takes = |route: &&Route| route.takes(alert.kind);
        let sinks: Vec<String> = self.receivers.iter().filter(takes).map(|route| route.name.clone()).collect();
        let new = NewAlert { about: alert.about.clone(), kind: alert.kind, payload: self.payload(alert) };
        match alert.kind.effect() {
            AlertEffect::Opens if sinks.is_empty() => {}
            AlertEffect::Opens => {
                open_alert(connection, &new, &sinks, self.remind.of(alert.kind)).await?;
            }
            AlertEffect::Resolves => {
                let sinks = if alert.kind.stands_alone() { sinks } else { Vec::new() };
                resolve_alert(connection, &new, &sinks).await?;
            }
            AlertEffect::Tells if sinks.is_empty() => {}
            AlertEffect::Tells => {
                put_alert(connection, &new, &sinks).await?;
            }
        }
        Ok(())
    }

    /// Ends everything that stands and is about what begins so, in the transaction that is open, in these words.
    ///
    /// # Errors
    /// When the ledger cannot be written.
    pub async fn resolve_below(&self, connection: &Connection, below: &str, said: &Message) -> Result<(), SqlError> {
        for about in open_abouts(connection, below).await? {
            let summary = message!("alert-over-summary");
            self.put(connection, &Alert::new(AlertKind::Recovered, about, said.clone(), summary)).await?;
        }
        Ok(())
    }

    /// As it is kept in the ledger: without secrets, and in no language.
    pub(super) fn payload(&self, alert: &Alert) -> Value {
        let facts = alert.facts.iter().map(|(name, value)| {
            json!({ "name": name.as_str(), "label": message_to_json(&name.label()), "value": arg_to_json(value) })
        });
        json!({
            "subject": message_to_json(&alert.subject),
            "summary": message_to_json(&alert.summary),
            "facts": facts.collect::<Vec<_>>(),
            "environment": self.origin.environment,
            "database": self.origin.database,
            "host": self.origin.host,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route(severity_min: Severity, kinds: Option<&[AlertKind]>) -> Route {
        Route { name: "one".to_owned(), severity_min, kinds: kinds.map(<[_]>::to_vec) }
    }

    #[test]
    fn a_route_goes_by_urgency_and_by_what_it_names() {
        let critical = route(Severity::Critical, None);
        assert!(critical.takes(AlertKind::Breach));
        assert!(!critical.takes(AlertKind::ApprovalWaiting));
        let approvals = route(Severity::Info, Some(&[AlertKind::ApprovalWaiting]));
        assert!(approvals.takes(AlertKind::ApprovalWaiting));
        assert!(!approvals.takes(AlertKind::Breach));
        assert!(!route(Severity::Warning, Some(&[AlertKind::RollbackFinished])).takes(AlertKind::RollbackFinished));
        assert!(!route(Severity::Info, None).takes(AlertKind::Test), "a trial is addressed to somebody");
    }
}
