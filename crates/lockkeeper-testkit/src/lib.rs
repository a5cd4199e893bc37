//! Development only: a private PostgreSQL for the tests, fresh databases, throw-away projects.

mod cluster;
mod database;
mod dump;
mod project;

pub use cluster::Cluster;
pub use database::{Database, execute};
pub use project::{Finished, Project};
