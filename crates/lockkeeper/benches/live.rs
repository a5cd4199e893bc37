//! What an application notices of a migration, beside the same SQL run plainly by psql.
//!
//! `cargo bench -p lockkeeper --bench live` starts its own server with fsync on, and runs each operation and its way
//! back under load: first with nobody else about, then with a reader that has opened a transaction right before.
//! It measures and judges nothing; `tests/integration/live.rs` does.
//!
//! | variable | | default |
//! | --- | --- | --- |
//! | `LIVE_ROWS` | rows of the table | 1000000 |
//! | `LIVE_RATE` | requests of the load each second | 300 |
//! | `LIVE_READER_S` | how long the reader keeps its transaction open | 20 |
//! | `LIVE_ONLY` | operations whose name contains this | all |
//! | `LIVE_BY` | `lockkeeper` or `psql` | both |

#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

use std::time::Duration;

use lockkeeper_engine::postgres::{PrivateServer, PrivateServerOptions};
use lockkeeper_testkit::live::{Live, Measured, OPERATIONS, Operation, Part, Runner, Setting};

fn main() {
    let (rows, rate, reader) = (number("LIVE_ROWS", 1_000_000), number("LIVE_RATE", 300), number("LIVE_READER_S", 20));
    let (only, by) = (text("LIVE_ONLY"), text("LIVE_BY"));
    let server = server();
    println!("{rows} rows, {rate} requests a second, a reader of {reader} s; PostgreSQL with fsync on");
    println!(
        "stall: the longest wait of a request meanwhile, before or behind it too if it got stuck there; alone: without it"
    );
    println!("WAL: what the load writes by itself in that time is taken off\n");
    let live = Live::new(&server, rows, env!("CARGO_BIN_EXE_lockkeeper"));
    println!("{HEAD}");
    for reader in [None, Some(Duration::from_secs(u64::from(reader)))] {
        for operation in OPERATIONS.iter().filter(|operation| operation.name.contains(&only)) {
            for (runner, name) in [(Runner::Psql, "psql"), (Runner::Lockkeeper, "lockkeeper")] {
                if name.contains(&by) {
                    let setting = setting(rate, reader);
                    print(operation, name, reader.is_some(), &live.measure(operation, runner, &setting));
                }
            }
        }
    }
}

fn server() -> PrivateServer {
    // Without full pages what is written does not depend on when the last checkpoint was, and neither
    // a checkpoint nor a vacuum comes in between by chance.
    let config = ["full_page_writes = off", "max_wal_size = '16GB'", "checkpoint_timeout = '1h'", "autovacuum = off"];
    let options = PrivateServerOptions {
        is_durable: true,
        config: config.map(str::to_owned).to_vec(),
        ..PrivateServerOptions::default()
    };
    PrivateServer::start(&options).unwrap_or_else(|problem| panic!("{problem}"))
}

fn setting(rate: u32, reader: Option<Duration>) -> Setting {
    Setting {
        rate,
        alone: Duration::from_secs(5),
        reader,
        reader_at_rollback: true,
        toml: "[limits]\nlock_attempts = 60\n".to_owned(),
        seed: 1,
    }
}

const HEAD: &str = "\
operation                  way  by         reader  seconds  stall ms  alone ms  p99 ratio  failed  astray   WAL MB  ended\n\
-------------------------  ---  ---------  ------  -------  --------  --------  ---------  ------  ------  -------  -----";

fn print(operation: &Operation, by: &str, with_reader: bool, measured: &Measured) {
    let astray = measured.divergence.only_in_table.len() + measured.divergence.only_in_twin.len();
    for (way, part) in [("up", &measured.up), ("down", &measured.down)] {
        let reader = if with_reader { "yes" } else { "no" };
        println!(
            "{:<25}  {way:<4} {by:<10} {reader:<6}  {:>7.2}  {:>8.0}  {:>8.0}  {:>9.1}  {:>6}  {astray:>6}  {:>7.2}  {}",
            operation.name,
            part.took.as_secs_f64(),
            part.longest.as_secs_f64() * 1_000.0,
            measured.control.as_secs_f64() * 1_000.0,
            part.p99_ratio(),
            part.failed,
            megabytes(part.wal_bytes),
            ended(part)
        );
    }
    if let Some(error) = measured.errors.first() {
        println!("    the first failure: {} {} ({})", error.sqlstate, error.message, error.statement);
    }
}

/// The exit code, and why when it is not 0.
fn ended(part: &Part) -> String {
    match part.code {
        Some(0) => "0".to_owned(),
        code => {
            let said = part.said.lines().next().unwrap_or_default();
            format!("{} {said}", code.map_or("killed".to_owned(), |code| code.to_string()))
        }
    }
}

fn megabytes(bytes: i64) -> f64 {
    // Kilobytes are exact enough, and fit.
    f64::from(i32::try_from(bytes / 1_000).unwrap_or(i32::MAX)) / 1_000.0
}

fn text(name: &str) -> String {
    std::env::var(name).unwrap_or_default()
}

fn number(name: &str, default: u32) -> u32 {
    match text(name).as_str() {
        "" => default,
        given => given.parse().unwrap_or_else(|_| panic!("{name}={given} is not a number")),
    }
}
