//! Development only: a private PostgreSQL for the tests, fresh databases, throw-away projects.

mod cluster;
mod database;
mod dump;
mod open_session;
mod pooler;
mod project;

pub use cluster::Cluster;
pub use database::{Database, execute};
pub use open_session::OpenSession;
pub use pooler::Pooler;
pub use project::{Finished, Project};
