//! Acts. Everything that touches a server, a clock or the network; decisions come from core.

pub mod seams;
pub mod process;
pub mod postgres;
pub mod http;
pub mod signature;
pub mod github;
pub mod ledger;
pub mod probe;
pub mod notify;
pub mod metrics;
pub mod driver;
