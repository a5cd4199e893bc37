//! A database that restarts under a watch, with the ledger in it: rows of failures go on, samples wait and arrive, and
//! our own connection to the ledger breaches nothing.

use lockkeeper_engine::postgres::{PrivateServer, PrivateServerOptions, Shutdown};
use lockkeeper_testkit::{Cluster, Database, FaultyHttp, HttpAnswer};
use nix::sys::signal::Signal;

use crate::health_bench::{Watcher, http, project_on};

fn own_server() -> PrivateServer {
    let options = PrivateServerOptions { binaries: Cluster::binaries_wanted(), ..PrivateServerOptions::default() };
    PrivateServer::start(&options).unwrap()
}

/// Windows in which a restart fits.
const SETTINGS: &str = "[health]\nrules = [\"floor\", \"threshold\"]\ninterval = \"4s\"\nmin_samples = 3\n\
                        [health.database]\nevery = \"250ms\"\nfails = { connections_share = \"> 0.99\" }\n";

#[test]
fn a_restart_of_the_database_breaches_nothing_and_loses_nothing() {
    let (mut server, target) = (own_server(), FaultyHttp::start(HttpAnswer::status(500)));
    let database = Database::create_on(&server);
    let project = project_on(&database, &(SETTINGS.to_owned() + &http("shop", &target.url("/"), "")));
    let mut watcher = Watcher::start(&project, &[]);
    watcher.judgement("shop", "floor", |judgement| judgement["failures"] == 1);
    server.restart().unwrap();
    // The row goes on over the restart.
    let second = watcher.judgement("shop", "floor", |_| true);
    assert_eq!((second["verdict"].as_str(), second["failures"].as_u64()), (Some("fail"), Some(2)), "{second}");
    target.answer(HttpAnswer::status(200));
    watcher.judgement("shop", "floor", |judgement| judgement["failures"] == 0);
    // Down for longer than a window: the database itself fails, and what cannot be written waits.
    server.stop(Shutdown::Fast).unwrap();
    let failed = watcher.judgement("database", "threshold", |judgement| judgement["verdict"] == "fail");
    assert_eq!(failed["failures"], 1, "{failed}");
    let began = jiff::Timestamp::now();
    watcher.judgement("shop", "floor", |judgement| judgement["verdict"] == "pass");
    let ended = jiff::Timestamp::now();
    server.restart().unwrap();
    // Twice, so that a row of the database's, if there was one, is over.
    for _ in 0..3 {
        let passed = watcher.judgement("shop", "floor", |_| true);
        assert_eq!(passed["verdict"], "pass", "{passed}");
    }
    watcher.signal(Signal::SIGTERM);
    assert_eq!(watcher.code(), Some(143), "{}", watcher.seen());
    assert_eq!(database.value("SELECT count(*) FROM lockkeeper.events WHERE kind = 'health_breach'"), "0");
    // What was measured while the ledger was away has arrived, and once.
    let during = |count: &str| {
        database.value(&format!(
            "SELECT {count} FROM lockkeeper.health_samples \
             WHERE check_name = 'shop' AND at BETWEEN '{began}'::timestamptz - interval '5 s' AND '{ended}'"
        ))
    };
    assert_ne!(during("count(*)"), "0", "no sample of that time");
    assert_eq!(during("count(*) - count(DISTINCT at)"), "0", "one of them twice");
    // Another process goes on where this one stopped.
    target.answer(HttpAnswer::status(500));
    let mut next = Watcher::start(&project, &["--for", "120s"]);
    next.judgement("shop", "floor", |judgement| judgement["breaches"] == true && judgement["failures"] == 3);
    assert_eq!(next.code(), Some(1), "{}", next.seen());
    assert_eq!(database.value("SELECT count(*) FROM lockkeeper.events WHERE kind = 'health_breach'"), "1");
}
