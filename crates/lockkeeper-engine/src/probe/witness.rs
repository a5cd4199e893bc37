//! The witness: an address that has nothing to do with the target, and how late this process is itself.

use std::time::Duration;

use jiff::Timestamp;
use lockkeeper_core::message;
use lockkeeper_core::model::Message;
use tokio::net::TcpStream;

use super::reading::{milliseconds, shown};
use crate::http::{Client, HttpRequest, Method, Stopwatch};
use crate::seams;

/// Whom to ask whether our own network is well.
#[derive(Debug, Clone)]
pub enum WitnessPlace {
    /// A connection is opened and closed.
    Tcp { host: String, port: u16, limit: Duration },
    /// A HEAD request: any answer will do, because any comes from beyond our network.
    Http(Box<HttpRequest>),
}

/// What the witness said.
#[derive(Debug, Clone, PartialEq)]
pub struct Word {
    /// When it was asked, not when it answered.
    pub asked_at: Timestamp,
    pub reached: bool,
    pub said: Message,
}

/// Asks the witness.
#[derive(Debug)]
pub struct WitnessProbe(Way);

#[derive(Debug)]
enum Way {
    Tcp { host: String, port: u16, limit: Duration },
    Http(Box<Client>),
}

impl WitnessProbe {
    pub fn new(place: WitnessPlace) -> Self {
        Self(match place {
            WitnessPlace::Tcp { host, port, limit } => Way::Tcp { host, port, limit },
            WitnessPlace::Http(mut request) => {
                request.method = Method::HEAD;
                Way::Http(Box::new(Client::new(*request)))
            }
        })
    }

    pub async fn take(&mut self) -> Word {
        let asked_at = seams::wall_clock();
        let outcome = match &mut self.0 {
            Way::Tcp { host, port, limit } => match tokio::time::timeout(*limit, open(host, *port)).await {
                Ok(Ok(())) => Ok(()),
                Ok(Err(error)) => Err(message!("probe-fault-unreachable", reason = error.to_string())),
                Err(_) => Err(message!("probe-fault-timed-out", limit_ms = shown(milliseconds(*limit)))),
            },
            Way::Http(client) => {
                let mut watch = Stopwatch::start();
                let outcome = client.exchange(&mut watch).await;
                let from = client.address().map_or_else(String::new, |address| address.to_string());
                outcome.map(|_| ()).map_err(|failure| failure.message(&watch, &from))
            }
        };
        match outcome {
            Ok(()) => Word { asked_at, reached: true, said: message!("probe-witness-reached") },
            Err(why) => Word { asked_at, reached: false, said: message!("probe-witness-missed", why = why) },
        }
    }
}

async fn open(host: &str, port: u16) -> std::io::Result<()> {
    TcpStream::connect((host, port)).await.map(drop)
}

/// Notices that this process does not get the CPU: then what times out is its own fault.
#[derive(Debug, Clone, Copy)]
pub struct Lateness {
    /// How long it sleeps to see how late it wakes.
    pub nap: Duration,
    /// So much later than it wanted to is starved.
    pub late_max: Duration,
}

impl Lateness {
    /// Time-outs are seconds; a process that wakes half of one late cannot tell them.
    pub const USUAL: Self = Self { nap: Duration::from_millis(100), late_max: Duration::from_millis(500) };

    /// How much later than asked for a nap ended.
    pub async fn take(&self) -> Duration {
        let lies_down = seams::instant();
        seams::sleep(self.nap).await;
        lies_down.elapsed().saturating_sub(self.nap)
    }

    pub fn is_starved(&self, late: Duration) -> bool {
        late > self.late_max
    }
}
