//! Killed, cut off or failed at the n-th effect, for n = 1, 2, 3 …: what stands must be what the ledger says, and
//! the same command again must come to the same end as a run that nobody disturbed.
//!
//! `LOCKKEEPER_LONG=1` tries every point of every scenario, which takes the better part of an hour. Otherwise a few
//! of each are tried (`LOCKKEEPER_POINTS=40`: so many), others for each `LOCKKEEPER_SEED`. A failure names its point,
//! and `LOCKKEEPER_POINT="cut 7"` with the test's name tries that one alone.

/// What is run: tables, files, commands.
mod scenario;
/// What stands in a database, as lines that can be compared.
mod state;
/// One scenario made ready, and one point of it.
mod trial;

/// Every fault at every effect, one test for each scenario.
pub mod points;
/// Several faults in a row at random, and a server that goes down.
mod schedules;
/// The same with an application at work.
mod under_load;
