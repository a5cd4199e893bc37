//! Migrations under an application's load, with a reader that keeps its transaction open: nobody fails, nobody
//! waits longer than the lock timeout, and not a row is lost.
//!
//! `LOCKKEEPER_LONG=1` runs every operation on a million rows with a reader of twenty seconds; otherwise the table
//! is small and the reader is not so patient. `cargo bench --bench live` prints the figures.

use std::sync::{Mutex, OnceLock, PoisonError};
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

/// A server of its own, because its log is measured, and one test at a time.
fn with_live<T>(work: impl FnOnce(&Live) -> T) -> T {
    static LIVE: OnceLock<(PrivateServer, Mutex<Live>)> = OnceLock::new();
    let (_, live) = LIVE.get_or_init(|| {
        // The first change of a page after a checkpoint would be written in full, at random for load and migration.
        let config = ["max_connections = 100", "full_page_writes = off", "max_wal_size = '8GB'", "autovacuum = off"];
        let options = PrivateServerOptions {
            binaries: Cluster::binaries_wanted(),
            config: config.map(str::to_owned).to_vec(),
            ..PrivateServerOptions::default()
        };
        let server = PrivateServer::start(&options).unwrap_or_else(|problem| panic!("{problem}"));
        let live = Live::new(&server, if is_long() { 1_000_000 } else { 50_000 }, env!("CARGO_BIN_EXE_lockkeeper"));
        (server, Mutex::new(live))
    });
    work(&live.lock().unwrap_or_else(PoisonError::into_inner))
}

#[track_caller]
fn nobody_notices(name: &str) {
    let operation = OPERATIONS.iter().find(|one| one.name == name).expect("an operation of that name");
    let setting = Setting {
        rate: if is_long() { 300 } else { 200 },
        alone: Duration::from_secs(if is_long() { 5 } else { 1 }),
        reader: Some(Duration::from_secs(if is_long() { 20 } else { 2 })),
        reader_at_rollback: is_long(),
        toml: format!("[limits]\nlock_timeout = \"{}ms\"\nlock_attempts = 40\n", LOCK_TIMEOUT.as_millis()),
        seed: 1,
    };
    with_live(|live| {
        for attempt in 1..=ATTEMPTS {
            let measured = live.measure(operation, Runner::Lockkeeper, &setting);
            correct(operation, &measured);
            let bar = measured.control + LOCK_TIMEOUT + SLACK;
            let longest = measured.up.longest.max(measured.down.longest);
            if longest <= bar {
                return;
            }
            assert!(attempt < ATTEMPTS, "{name}: a request waited {longest:?}, alone {:?}", measured.control);
        }
    });
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

#[test]
fn create_index_concurrently() {
    nobody_notices("CREATE INDEX CONCURRENTLY");
}
