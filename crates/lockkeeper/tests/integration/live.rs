//! Migrations under an application's load, with a reader that keeps its transaction open: nobody fails, nobody
//! waits longer than the lock timeout, and not a row is lost.
//!
//! `LOCKKEEPER_LONG=1` runs every operation on a million rows with a reader of twenty seconds, on the way up and on
//! the way back; otherwise a selection runs on a small table, with a reader of two seconds on the way up.
//! `cargo bench -p lockkeeper --bench live` prints the figures.

use std::time::Duration;

use lockkeeper_engine::postgres::{PrivateServer, PrivateServerOptions};
use lockkeeper_testkit::live::{Live, Measured, OPERATIONS, Operation, Runner, Setting};
use lockkeeper_testkit::{Cluster, Divergence};

/// What a lock may be waited for, and so how long anybody may wait behind us.
const LOCK_TIMEOUT: Duration = Duration::from_millis(500);

/// What may come on top of that: the server's and the machine's own delays.
const SLACK: Duration = Duration::from_millis(100);

/// SET NOT NULL, CHECK and FOREIGN KEY write next to nothing to the log.
const WAL_BYTES_MAX: i64 = 1_000_000;

/// A shared machine stalls by itself now and then; a migration that stalls others does so every time.
const ATTEMPTS: usize = 3;

fn is_long() -> bool {
    std::env::var_os("LOCKKEEPER_LONG").is_some_and(|value| value == "1")
}

/// What an ordinary run tries: each of the ways in which an operation becomes steps.
const SELECTION: [&str; 5] =
    ["SET NOT NULL", "ADD FOREIGN KEY", "ADD UNIQUE", "CREATE INDEX", "ADD COLUMN DEFAULT volatile"];

/// One after the other, because they would disturb each other: on a server of their own, because its log is
/// measured.
#[test]
fn nobody_notices_a_migration() {
    // The first change of a page after a checkpoint would be written in full, at random for load and migration.
    let config = ["max_connections = 100", "full_page_writes = off", "max_wal_size = '8GB'", "autovacuum = off"];
    let options = PrivateServerOptions {
        binaries: Cluster::binaries_wanted(),
        config: config.map(str::to_owned).to_vec(),
        ..PrivateServerOptions::default()
    };
    let server = PrivateServer::start(&options).unwrap_or_else(|problem| panic!("{problem}"));
    let rows = if is_long() { 1_000_000 } else { 50_000 };
    let live = Live::new(&server, rows, env!("CARGO_BIN_EXE_lockkeeper"));
    for operation in OPERATIONS.iter().filter(|operation| is_long() || SELECTION.contains(&operation.name)) {
        nobody_notices(&live, operation);
    }
    // The bar is one that can be missed: the same SQL without us makes everybody wait for the reader.
    let plain = live.measure(&OPERATIONS[0], Runner::Psql, &setting());
    assert!(plain.up.longest > bar(&plain), "psql: {:?}, alone {:?}", plain.up.longest, plain.control);
    assert!(SELECTION.iter().all(|name| OPERATIONS.iter().any(|operation| operation.name == *name)));
}

fn setting() -> Setting {
    Setting {
        rate: if is_long() { 300 } else { 200 },
        alone: if is_long() { Duration::from_secs(5) } else { Duration::from_millis(800) },
        reader: Some(Duration::from_secs(if is_long() { 20 } else { 2 })),
        reader_at_rollback: is_long(),
        toml: format!("[limits]\nlock_timeout = \"{}ms\"\nlock_attempts = 60\n", LOCK_TIMEOUT.as_millis()),
        seed: 1,
    }
}

/// The longest that anybody may wait.
fn bar(measured: &Measured) -> Duration {
    measured.control + LOCK_TIMEOUT + SLACK
}

#[track_caller]
fn nobody_notices(live: &Live, operation: &Operation) {
    let name = operation.name;
    for attempt in 1..=ATTEMPTS {
        let measured = live.measure(operation, Runner::Lockkeeper, &setting());
        correct(operation, &measured);
        let longest = measured.up.longest.max(measured.down.longest);
        if longest <= bar(&measured) {
            return;
        }
        assert!(attempt < ATTEMPTS, "{name}: a request waited {longest:?}, and alone {:?}", measured.control);
    }
}

/// What holds every time, on any machine.
#[track_caller]
fn correct(operation: &Operation, measured: &Measured) {
    let name = operation.name;
    for part in [&measured.up, &measured.down] {
        assert_eq!(part.code, Some(0), "{name}: {}", part.said);
    }
    assert_eq!(measured.errors, [], "{name}");
    assert_eq!(measured.divergence, Divergence::default(), "{name}");
    assert!(measured.requests > 100, "{name}: {} requests are no load", measured.requests);
    if operation.is_light {
        assert!(!measured.rewritten, "{name}: the table was rewritten");
        let written = measured.up.wal_bytes;
        assert!(written < WAL_BYTES_MAX, "{name}: {written} bytes were written to the log");
    }
}
