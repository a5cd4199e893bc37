//! Alerts: who is told of what, and the way from the outbox to whoever is told.
//!
//! An alert is put down in the transaction of what it tells of and delivered later, by whoever comes first: nothing
//! that is watched or changed ever waits for a receiver.

mod alertmanager;
mod command;
mod deliver;
mod email;
mod endpoint;
mod letter;
mod outcome;
mod pagerduty;
mod receiver;
mod routes;
mod slack;
mod webhook;

pub use crate::ledger::Reminders;
pub use alertmanager::PATH as ALERTMANAGER_PATH;
pub use command::CommandReceiver;
pub use deliver::{Deliverer, Drained, News, keep_delivering, send_test};
pub use email::{Email, SmtpTls};
pub use endpoint::Endpoint;
pub use letter::{Fact, Letter, Render};
pub use outcome::{GIVE_UP_AFTER, Outcome};
pub use pagerduty::ADDRESS as PAGERDUTY_ADDRESS;
pub use receiver::{Channel, Receiver};
pub use routes::{Origin, Route, Routes};
pub use webhook::SigningKey;
