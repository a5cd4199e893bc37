//! An application's load on a table while a migration runs: who had to wait, who failed, and what was lost.
//!
//! The client is open-loop: requests come at a fixed rate whatever the server does, and a latency counts from
//! the moment at which its request was due. A server that stands still for half a second so shows as half a
//! second of late requests, where a client that waits for its answers would have seen one slow request.
//!
//! Every write goes, in the same transaction, to a twin table as well, which the migration does not touch. At
//! the end both must hold the same rows.

/// The statements of the application.
mod request;
/// What was seen.
mod report;
/// The connections, and what they do when one breaks.
mod worker;

#[cfg(test)]
mod tests;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use lockkeeper_engine::postgres::Target;
use tokio::runtime::Runtime;
use tokio::sync::watch;
use tokio::task::JoinHandle;

pub use report::{Divergence, LoadError, LoadReport, Phase};

use crate::database::{execute, simple};
use report::Record;
use request::Requests;

/// What the application does, and how fast.
#[derive(Debug, Clone)]
pub struct LoadOptions {
    /// Requests a second. A request is one transaction of one to five statements.
    pub rate: u32,
    /// Connections. While all of them are stuck, requests queue up and are late.
    pub workers: u32,
    /// The same seed makes the same requests.
    pub seed: u64,
    /// A table made by [`LoadTables::create`].
    pub tables: LoadTables,
    /// More reads, one in ten of all requests each; `$1` is the number of a row.
    pub reads: Vec<String>,
}

impl Default for LoadOptions {
    fn default() -> Self {
        Self { rate: 300, workers: 16, seed: 1, tables: LoadTables::default(), reads: Vec::new() }
    }
}

/// The application's table and its twin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoadTables {
    pub table: String,
    pub twin: String,
}

impl Default for LoadTables {
    fn default() -> Self {
        Self { table: "orders".to_owned(), twin: "orders_twin".to_owned() }
    }
}

/// The columns that the application names, in the table and in its twin.
const COLUMNS: &str = "id, customer_id, code, amount, note";

impl LoadTables {
    /// How many customers `customer_id` points at.
    pub const CUSTOMERS: u32 = 1_000;

    /// Makes the table, its twin, and the customers it points at. The table has no constraint at all, and holds
    /// to every one that a migration may want to add: `id` and `code` are unique and not null, `note` is not
    /// null, `amount` is never negative, `customer_id` always points at a customer.
    pub fn create(&self, target: &Target, rows: u32) {
        let (Self { table, twin }, customers) = (self, Self::CUSTOMERS);
        execute(
            target,
            &format!(
                "CREATE TABLE customers (id bigint PRIMARY KEY, name text NOT NULL);
                 INSERT INTO customers SELECT n, 'customer ' || n FROM generate_series(1, {customers}) n;
                 CREATE TABLE {table} (id bigint, customer_id bigint, code text, amount bigint, note text);
                 INSERT INTO {table} SELECT n, n % {customers} + 1, 'code ' || n, 1000000, 'note ' || n
                 FROM generate_series(1, {rows}) n;
                 CREATE TABLE {twin} AS SELECT {COLUMNS} FROM {table};
                 CREATE INDEX {table}_by_id ON {table} (id);
                 ALTER TABLE {twin} ADD PRIMARY KEY (id)"
            ),
        );
        // A table that an application uses has statistics and visible pages.
        for name in [table, twin] {
            execute(target, &format!("VACUUM ANALYZE {name}"));
        }
    }

    /// The rows that stand in one of both tables only.
    pub fn divergence(&self, target: &Target) -> Divergence {
        let Self { table, twin } = self;
        let minus = |left: &str, right: &str| {
            let sql = format!(
                "SELECT row_to_json(d) FROM (SELECT {COLUMNS} FROM {left} EXCEPT ALL SELECT {COLUMNS} FROM {right}) d"
            );
            simple(target, &sql).into_iter().map(|row| row.concat()).collect()
        };
        Divergence { only_in_table: minus(table, twin), only_in_twin: minus(twin, table) }
    }
}

/// A load that runs until it is stopped.
#[derive(Debug)]
pub struct Load {
    shared: Arc<Shared>,
    workers: Vec<JoinHandle<()>>,
    stop: watch::Sender<bool>,
    target: Target,
    // Last, because the workers depend on it.
    runtime: Runtime,
}

/// What all workers share.
#[derive(Debug)]
struct Shared {
    target: Target,
    requests: Requests,
    interval: Duration,
    began: Instant,
    next: AtomicU64,
    record: Mutex<Record>,
}

impl Shared {
    fn record(&self) -> std::sync::MutexGuard<'_, Record> {
        // A worker that panicked has shown why already.
        self.record.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Load {
    /// Opens all connections and starts; the first phase is called `before`.
    ///
    /// # Panics
    /// When a connection cannot be opened, or a statement does not fit the tables.
    #[track_caller]
    pub fn start(target: &Target, options: LoadOptions) -> Self {
        let newest = simple(target, &format!("SELECT coalesce(max(id), 0) FROM {}", options.tables.table));
        let rows = newest.concat().concat().parse().unwrap_or(0);
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
        let runtime = runtime.unwrap_or_else(|error| panic!("no runtime: {error}"));
        let target = Target { application_name: "application".to_owned(), ..target.clone() };
        let (interval, workers) = (Duration::from_secs(1) / options.rate.max(1), options.workers.max(1));
        let requests = Requests::new(options, rows);
        let opened: Vec<_> = (0..workers)
            .map(|_| runtime.block_on(worker::Open::new(&target, &requests)).unwrap_or_else(|error| panic!("{error}")))
            .collect();
        let shared = Arc::new(Shared {
            target: target.clone(),
            requests,
            interval,
            began: Instant::now(),
            next: AtomicU64::new(0),
            record: Mutex::new(Record::new()),
        });
        let (stop, stopped) = watch::channel(false);
        let start = |open| runtime.spawn(worker::work(Arc::clone(&shared), open, stopped.clone()));
        let workers = opened.into_iter().map(start).collect();
        Self { shared, workers, stop, target, runtime }
    }

    /// Begins a phase: what is due from now on counts to it.
    pub fn mark(&self, name: &str) {
        self.shared.record().mark(name, Instant::now());
    }

    /// Lets some load pass.
    pub fn run_for(&self, time: Duration) {
        std::thread::sleep(time);
    }

    /// Ends the load and compares the twins. What was due already is still done and counted.
    #[track_caller]
    pub fn stop(self) -> LoadReport {
        self.stop.send_replace(true);
        for worker in self.workers {
            self.runtime.block_on(worker).unwrap_or_else(|error| panic!("a worker of the load: {error}"));
        }
        let seconds = self.shared.began.elapsed();
        let divergence = self.shared.requests.options.tables.divergence(&self.target);
        let record = std::mem::take(&mut *self.shared.record());
        record.finish(seconds, divergence)
    }
}

impl Shared {
    /// The number of the next request and when it is due.
    fn take(&self) -> (u64, Instant) {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let due = self.interval.saturating_mul(u32::try_from(number).unwrap_or(u32::MAX));
        (number, self.began + due)
    }
}
