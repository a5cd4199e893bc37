//! Development only: a private PostgreSQL for the tests, fresh databases, throw-away projects.

pub mod certificates;
mod cluster;
mod database;
mod dump;
mod faulty_http;
pub mod live;
mod load;
mod long_reader;
mod open_session;
mod pooler;
mod project;
mod proxy;
mod random;
pub mod receivers;
mod smtp_server;
mod storefront;

pub use cluster::Cluster;
pub use database::{Database, execute};
pub use faulty_http::{FaultyHttp, HttpAnswer, HttpReply, Service};
pub use load::{Divergence, Load, LoadError, LoadOptions, LoadReport, LoadTables, Phase};
pub use long_reader::LongReader;
pub use open_session::OpenSession;
pub use pooler::Pooler;
pub use project::{Finished, Project};
pub use proxy::{Fault, Proxy};
pub use random::Random;
pub use smtp_server::{ReceivedMail, SmtpManners, SmtpServer};
pub use storefront::{Code, Seen, Storefront, Traffic};
