//! Alerts: who is told of what, and the way from the outbox to whoever is told.
//!
//! An alert is put down in the transaction of what it tells of and delivered later, by whoever comes first: nothing
//! that is watched or changed ever waits for a receiver.

mod routes;

pub use routes::{Origin, Route, Routes};
