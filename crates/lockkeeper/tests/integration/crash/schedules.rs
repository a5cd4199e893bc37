//! Several faults in a row at random, and a server that goes down.
//!
//! A schedule is a scenario and some disturbances, one after the other, each at a random effect of a run of the
//! command; then the command runs until it comes to its end. Everything random comes from the seed of the
//! schedule: `LOCKKEEPER_SEED=17 LOCKKEEPER_SCHEDULES=1` with the test's name replays schedule 17.

use std::sync::{Arc, Mutex, PoisonError};

use lockkeeper_engine::postgres::{PrivateServer, PrivateServerOptions, Shutdown};
use lockkeeper_testkit::{Cluster, Database, Fault, Random};

use super::points::{ALL, is_long, seed, some, told};
use super::scenario::Scenario;
use super::trial::{Kind, Trial, settle};

/// Schedules of a run that tries all, and of one that does not.
const SCHEDULES_LONG: u64 = 200;
const SCHEDULES: u64 = 15;

/// Disturbances in a row, at most.
const DISTURBANCES_MAX: u64 = 4;

/// A server that a test may stop, as the tests' own is not.
type Server = Arc<Mutex<PrivateServer>>;

fn server() -> Server {
    // What was committed must outlive the server's end, if not the machine's.
    let config = ["max_connections = 50", "autovacuum = off", "synchronous_commit = on", "full_page_writes = on"];
    let options = PrivateServerOptions {
        binaries: Cluster::binaries_wanted(),
        config: config.map(str::to_owned).to_vec(),
        ..PrivateServerOptions::default()
    };
    Arc::new(Mutex::new(PrivateServer::start(&options).unwrap_or_else(|problem| panic!("{problem}"))))
}

/// Ends the server without a word to anybody and starts it again, in the middle of a run.
fn restart(server: &Server) -> Fault {
    let server = Arc::clone(server);
    Fault::Call(Box::new(move || {
        let mut server = server.lock().unwrap_or_else(PoisonError::into_inner);
        server.stop(Shutdown::Immediate).unwrap_or_else(|problem| panic!("{problem}"));
        server.restart().unwrap_or_else(|problem| panic!("{problem}"));
    }))
}

/// Waits until a server that was stopped runs again: the program ends as soon as it is gone.
fn runs_again(server: &Server) {
    drop(server.lock().unwrap_or_else(PoisonError::into_inner));
}

fn prepare(scenario: &'static Scenario, server: &Server) -> Trial {
    Trial::prepare(scenario, Some(&server.lock().unwrap_or_else(PoisonError::into_inner)))
}

/// The server goes down at an effect and comes back; the run fails, what stands is what the ledger says, and the
/// same command comes to the same end.
fn a_stopped_server(scenario: &'static Scenario) {
    let server = server();
    let trial = prepare(scenario, &server);
    let points = some((1..=trial.effects.len()).collect(), seed());
    for at in &points {
        let database = trial.copy();
        let (run, proxy) = trial.through_proxy(&database, Some((*at, restart(&server))));
        let effect = proxy.effects().get(at - 1).cloned().unwrap_or_default();
        drop(proxy);
        runs_again(&server);
        assert!(matches!(run.code, Some(0 | 2..=4)), "server stopped at effect {at} ({effect}):\n{run}");
        settle(&database);
        let state = trial.state(&database);
        let done = trial.stands(&database, &state, &run, Kind::Cut).and_then(|()| trial.resume(&database));
        done.unwrap_or_else(|what| panic!("server stopped at effect {at} ({effect}): {what}\n  then: {run}"));
    }
    told(&format!("{}, the server stopped", scenario.name), points.len());
}

#[test]
fn a_server_that_stops_in_a_transaction() {
    a_stopped_server(&super::scenario::STAGE_1);
}

#[test]
fn a_server_that_stops_between_steps() {
    a_stopped_server(&super::scenario::MIXED_STAGE_2);
}

#[test]
fn a_server_that_stops_outside_of_a_transaction() {
    a_stopped_server(&super::scenario::NO_TRANSACTION);
}

#[test]
fn random_schedules() {
    let server = server();
    let count = match std::env::var("LOCKKEEPER_SCHEDULES").ok().and_then(|count| count.parse().ok()) {
        Some(count) => count,
        None if is_long() => SCHEDULES_LONG,
        None => SCHEDULES,
    };
    let mut trials: Vec<Option<Trial>> = ALL.iter().map(|_| None).collect();
    for seed in seed()..seed() + count {
        let mut random = Random::new(seed);
        let place = usize::try_from(random.below(ALL.len() as u64)).unwrap();
        let trial = trials[place].get_or_insert_with(|| prepare(ALL[place], &server));
        schedule(trial, &server, &mut random).unwrap_or_else(|failure| {
            panic!("LOCKKEEPER_SEED={seed} LOCKKEEPER_SCHEDULES=1, {}:\n{failure}", ALL[place].name)
        });
    }
    told("random schedules", usize::try_from(count).unwrap());
}

/// One schedule; the failure tells all that was done.
fn schedule(trial: &Trial, server: &Server, random: &mut Random) -> Result<(), String> {
    let database = trial.copy();
    let mut history = Vec::new();
    for _ in 0..=random.below(DISTURBANCES_MAX) {
        history.push(disturb(trial, server, &database, random));
        settle(&database);
    }
    trial.resume(&database).map_err(|what| format!("{}\n{what}", history.join("\n")))
}

fn disturb(trial: &Trial, server: &Server, database: &Database, random: &mut Random) -> String {
    let at = usize::try_from(1 + random.below(trial.effects.len() as u64)).unwrap();
    let which = usize::try_from(random.below(Kind::ALL.len() as u64 + 1)).unwrap();
    let (name, fault) = match Kind::ALL.get(which) {
        Some(kind) => (kind.name(), kind.fault()),
        None => ("server-stopped", restart(server)),
    };
    let (run, proxy) = trial.through_proxy(database, Some((at, fault)));
    runs_again(server);
    let effect: String = proxy.effects().get(at - 1).map_or("not reached", String::as_str).chars().take(100).collect();
    format!("  {name} {at} at: {effect}\n    {run}")
}
