//! Fetching from a source of measurements, behind which the target stands: its failures are not the target's.

use lockkeeper_core::message;
use lockkeeper_core::model::Message;

use crate::http::{Client, Exchange, HttpRequest, Stopwatch};

/// Fetches the same document again and again.
#[derive(Debug)]
pub(super) struct Fetcher(Client);

impl Fetcher {
    pub(super) const fn new(request: HttpRequest) -> Self {
        Self(Client::new(request))
    }

    /// The answer, whatever its status.
    pub(super) async fn answer(&mut self) -> Result<Exchange, Message> {
        let mut watch = Stopwatch::start();
        let outcome = self.0.exchange(&mut watch).await;
        outcome.map_err(|failure| {
            let from = self.0.address().map_or_else(String::new, |address| address.to_string());
            message!("probe-source-failed", why = failure.message(&watch, &from))
        })
    }

    /// The body of an answer with status 200.
    pub(super) async fn document(&mut self) -> Result<bytes::Bytes, Message> {
        let answer = self.answer().await?;
        if answer.status == 200 { Ok(answer.body) } else { Err(status(answer.status)) }
    }
}

/// A source that answers, but not with what it was asked for.
pub(super) fn status(status: u16) -> Message {
    message!("probe-source-status", status = status)
}
