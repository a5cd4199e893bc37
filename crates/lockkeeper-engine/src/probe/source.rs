//! Any source of measurements, behind one way to ask it.

use super::command::CommandProbe;
use super::counters::CountersProbe;
use super::database::DatabaseProbe;
use super::host::HostProbe;
use super::http::{CertificateProbe, HttpProbe};
use super::promql::PromqlProbe;
use super::reading::Taken;

/// A source as a watch holds it.
#[derive(Debug)]
pub enum Source {
    Http(Box<HttpProbe>),
    Certificate(Box<CertificateProbe>),
    Counters(Box<CountersProbe>),
    Promql(Box<PromqlProbe>),
    Database(Box<DatabaseProbe>),
    Host(Box<HostProbe>),
    Command(Box<CommandProbe>),
}

impl Source {
    pub async fn take(&mut self) -> Taken {
        match self {
            Self::Http(probe) => probe.take().await,
            Self::Certificate(probe) => probe.take().await,
            Self::Counters(probe) => probe.take().await,
            Self::Promql(probe) => probe.take().await,
            Self::Database(probe) => probe.take().await,
            Self::Host(probe) => probe.take().await,
            Self::Command(probe) => probe.take().await,
        }
    }

    /// Whether its first take is only what the next one is compared with, at least in part.
    pub const fn compares(&self) -> bool {
        match self {
            Self::Counters(_) | Self::Database(_) | Self::Host(_) => true,
            Self::Http(_) | Self::Certificate(_) | Self::Promql(_) | Self::Command(_) => false,
        }
    }
}
