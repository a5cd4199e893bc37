//! Any source of measurements, behind one way to ask it.

use super::command::CommandProbe;
use super::counters::CountersProbe;
use super::database::DatabaseProbe;
use super::http::HttpProbe;
use super::promql::PromqlProbe;
use super::reading::Taken;

/// A source as a watch holds it.
#[derive(Debug)]
pub enum Source {
    Http(Box<HttpProbe>),
    Counters(Box<CountersProbe>),
    Promql(Box<PromqlProbe>),
    Database(Box<DatabaseProbe>),
    Command(Box<CommandProbe>),
}

impl Source {
    pub async fn take(&mut self) -> Taken {
        match self {
            Self::Http(probe) => probe.take().await,
            Self::Counters(probe) => probe.take().await,
            Self::Promql(probe) => probe.take().await,
            Self::Database(probe) => probe.take().await,
            Self::Command(probe) => probe.take().await,
        }
    }
}
