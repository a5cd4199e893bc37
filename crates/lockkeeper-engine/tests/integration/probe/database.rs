//! The vital signs of a real database, and whose fault it is when there are none.

use std::time::Duration;

use lockkeeper_core::model::{Checksum, MigrationNumber, Verdict};
use lockkeeper_engine::postgres::{Host, PrivateServer, PrivateServerOptions, Shutdown, Target};
use lockkeeper_engine::probe::{
    Bound, DatabaseBounds, DatabaseProbe, ExpectedSchema, KnownMigration, SchemaHead, Taken,
};
use lockkeeper_testkit::{Cluster, Database, OpenSession};

use super::http::{ids, value};

const LIMIT: Duration = Duration::from_secs(20);

/// What does not happen by then does not happen.
const PATIENCE: Duration = Duration::from_mins(1);

fn probe(target: &Target, bounds: DatabaseBounds) -> DatabaseProbe {
    DatabaseProbe::new(target.clone(), bounds, None, LIMIT)
}

fn own_server(config: &[&str]) -> PrivateServer {
    let config = config.iter().map(|line| (*line).to_owned()).collect();
    let options =
        PrivateServerOptions { binaries: Cluster::binaries_wanted(), config, ..PrivateServerOptions::default() };
    PrivateServer::start(&options).unwrap()
}

/// One runtime for all takes of a test, outside of which the test kit's sessions may block.
struct Bench(tokio::runtime::Runtime);

impl Bench {
    fn new() -> Self {
        Self(tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap())
    }

    fn take(&self, probe: &mut DatabaseProbe) -> Taken {
        self.0.block_on(probe.take())
    }

    /// The first take of which this is true.
    #[track_caller]
    fn until(&self, probe: &mut DatabaseProbe, is_wanted: impl Fn(&Taken) -> bool) -> Taken {
        let began = std::time::Instant::now();
        loop {
            let seen = self.take(probe);
            if is_wanted(&seen) {
                return seen;
            }
            assert!(began.elapsed() < PATIENCE, "{}", seen.measurement.said);
        }
    }

    /// The verdict, and the last of the identifiers that were said.
    fn judge(&self, probe: &mut DatabaseProbe) -> (Verdict, &'static str) {
        let said = self.take(probe).measurement;
        (said.verdict, ids(&said.said).last().copied().unwrap_or_default())
    }
}

fn has(taken: &Taken, name: &str) -> bool {
    taken.readings.iter().any(|reading| reading.name == name && reading.value.is_ok())
}

#[test]
fn a_database_at_rest_passes_on_one_kept_connection() {
    let (bench, database) = (Bench::new(), Database::create());
    let bounds = DatabaseBounds { in_recovery: Bound::parse("== 1"), ..DatabaseBounds::default() };
    let mut probe = probe(&database.target(), bounds);
    let first = bench.take(&mut probe);
    assert_eq!(first.measurement.verdict, Verdict::Pass, "{}", first.measurement.said);
    assert!(value(&first, "connect_ms") > 0.0 && value(&first, "select_ms") > 0.0);
    assert!(!has(&first, "deadlocks"), "there is nothing to compare with");
    let second = bench.take(&mut probe);
    assert!(!has(&second, "connect_ms"), "the connection is kept");
    assert!(value(&second, "deadlocks") <= 0.0 && value(&second, "in_recovery") <= 0.0);
    assert!(value(&second, "connections_used") >= 1.0);
    assert!(value(&second, "connections_idle") < value(&second, "connections_used"), "ours is at work");
    assert!((0.0..1.0).contains(&value(&second, "connections_share")));
    assert!(!has(&second, "replication_lag_s"), "there is no standby");
    let name = database.name();
    let open = format!("SELECT count(*) FROM pg_stat_activity WHERE datname = '{name}' AND state LIKE 'idle in%'");
    assert_eq!(database.value(&open), "0", "no transaction is left open");
}

#[test]
fn waiting_and_idle_sessions_are_seen() {
    let (bench, server) = (Bench::new(), own_server(&[]));
    let database = Database::create_on(&server);
    database.execute("CREATE TABLE boat (id int)");
    let bounds = DatabaseBounds {
        lock_waiters: Bound::parse("> 0"),
        idle_in_transaction: Bound::parse("> 5"),
        ..DatabaseBounds::default()
    };
    let mut probe = probe(&database.target(), bounds);
    assert_eq!(bench.take(&mut probe).measurement.verdict, Verdict::Pass);
    let (holder, waiter) = (database.session(), database.session());
    holder.execute("BEGIN; LOCK TABLE boat");
    let waiting = std::thread::spawn(move || waiter.execute("SELECT * FROM boat"));
    let seen = bench.until(&mut probe, |seen| seen.measurement.verdict == Verdict::Fail);
    let sessions = [value(&seen, "lock_waiters"), value(&seen, "idle_in_transaction")];
    assert_eq!(sessions.map(|count| count.to_string()), ["1", "1"]);
    assert!(value(&seen, "longest_transaction_s") > 0.0 && value(&seen, "idle_in_transaction_s") > 0.0);
    assert!(ids(&seen.measurement.said).contains(&"probe-value-fails"), "{}", seen.measurement.said);
    holder.execute("COMMIT");
    waiting.join().unwrap();
    assert_eq!(bench.take(&mut probe).measurement.verdict, Verdict::Pass);
}

#[test]
fn deadlocks_are_counted_between_takes() {
    let (bench, database) = (Bench::new(), Database::create());
    database.execute("CREATE TABLE boat (id int PRIMARY KEY); INSERT INTO boat VALUES (1), (2)");
    let bounds = DatabaseBounds { deadlocks: Bound::parse("> 0"), ..DatabaseBounds::default() };
    let mut probe = probe(&database.target(), bounds);
    bench.take(&mut probe);
    let (one, other) = (database.session(), database.session());
    one.execute("BEGIN; UPDATE boat SET id = id WHERE id = 1");
    other.execute("BEGIN; UPDATE boat SET id = id WHERE id = 2");
    let crossing = std::thread::spawn(move || one.try_execute("UPDATE boat SET id = id WHERE id = 2"));
    let second = other.try_execute("UPDATE boat SET id = id WHERE id = 1");
    drop(other);
    assert!(crossing.join().unwrap() != second, "one of them is the victim");
    // The server counts when the session is idle or gone, and not at once.
    let seen = bench.until(&mut probe, |seen| value(seen, "deadlocks") > 0.0);
    assert_eq!(seen.measurement.verdict, Verdict::Fail, "{}", seen.measurement.said);
    assert_eq!(bench.take(&mut probe).measurement.verdict, Verdict::Pass, "counted once");
}

#[test]
fn what_a_role_may_not_see_is_no_data() {
    let (bench, server) = (Bench::new(), own_server(&[]));
    let database = Database::create_on(&server);
    database.execute("CREATE ROLE watcher LOGIN");
    let _others = database.session();
    let mut target = database.target();
    target.user = "watcher".to_owned();
    let bounds = DatabaseBounds { longest_transaction_s: Bound::parse("> 60"), ..DatabaseBounds::default() };
    let seen = bench.take(&mut probe(&target, bounds));
    assert_eq!(seen.measurement.verdict, Verdict::NoData, "{}", seen.measurement.said);
    assert!(ids(&seen.measurement.said).contains(&"probe-database-hidden"), "{}", seen.measurement.said);
    assert!(value(&seen, "connections_used") >= 2.0, "how many there are is no secret");
    database.execute("GRANT pg_read_all_stats TO watcher");
    let seen = bench.take(&mut probe(&target, bounds));
    assert_eq!(seen.measurement.verdict, Verdict::Pass, "{}", seen.measurement.said);
}

#[test]
fn what_stops_the_application_fails_and_what_stops_only_us_does_not() {
    let (bench, mut server) =
        (Bench::new(), own_server(&["max_connections = 8", "superuser_reserved_connections = 1"]));
    let database = Database::create_on(&server);
    database.execute("CREATE ROLE app LOGIN");
    let mut target = database.target();
    target.user = "app".to_owned();
    let mut stranger = target.clone();
    stranger.user = "nobody_here".to_owned();
    let mut kept = probe(&target, DatabaseBounds::default());
    assert_eq!(bench.judge(&mut kept).0, Verdict::Pass);
    assert_eq!(bench.judge(&mut probe(&stranger, DatabaseBounds::default())).0, Verdict::ProbeError);
    let crowd: Vec<OpenSession> = (0..8).map_while(|_| OpenSession::try_open(&database.target())).collect();
    let full = bench.judge(&mut probe(&target, DatabaseBounds::default()));
    assert_eq!(full, (Verdict::Fail, "connect-too-many"));
    assert_eq!(bench.judge(&mut kept).0, Verdict::Pass, "who is in stays in");
    drop(crowd);
    server.stop(Shutdown::Immediate).unwrap();
    assert_eq!(bench.judge(&mut kept).0, Verdict::Fail, "the server is gone");
}

#[test]
fn a_connection_that_was_closed_is_made_anew() {
    let (bench, database) = (Bench::new(), Database::create());
    let mut probe = probe(&database.target(), DatabaseBounds::default());
    bench.take(&mut probe);
    let name = database.name();
    database.query(&format!(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}' AND pid <> pg_backend_pid()"
    ));
    let seen = bench.take(&mut probe);
    assert_eq!(seen.measurement.verdict, Verdict::Pass, "{}", seen.measurement.said);
    assert!(has(&seen, "connect_ms"));
}

#[test]
fn the_schema_is_held_against_what_is_known() {
    let (bench, database) = (Bench::new(), Database::create());
    let known = |number, text: &str| KnownMigration {
        number: MigrationNumber::from_ledger(number).unwrap(),
        checksum: Checksum::of(text.as_bytes()),
        is_due: true,
    };
    let expected = ExpectedSchema {
        known: vec![known(1, "one"), known(2, "two")],
        fails: vec![SchemaHead::Behind, SchemaHead::Dirty],
    };
    let mut probe = DatabaseProbe::new(database.target(), DatabaseBounds::default(), Some(expected), LIMIT);
    assert_eq!(bench.judge(&mut probe), (Verdict::Fail, "probe-schema-behind"), "there is no ledger yet");
    database.execute(
        "CREATE SCHEMA lockkeeper; CREATE TABLE lockkeeper.migrations (number bigint, up_checksum bytea, state text); \
         INSERT INTO lockkeeper.migrations VALUES (1, sha256('one'), 'applied'), (2, sha256('old'), 'rolled_back')",
    );
    assert_eq!(bench.judge(&mut probe), (Verdict::Fail, "probe-schema-behind"));
    database.execute("INSERT INTO lockkeeper.migrations VALUES (2, sha256('two'), 'applying')");
    assert_eq!(bench.judge(&mut probe), (Verdict::Fail, "probe-schema-dirty"));
    database.execute("UPDATE lockkeeper.migrations SET state = 'applied' WHERE state = 'applying'");
    assert_eq!(bench.judge(&mut probe), (Verdict::Pass, "probe-schema-at-head"));
    database.execute("INSERT INTO lockkeeper.migrations VALUES (3, sha256('three'), 'applied')");
    assert_eq!(bench.judge(&mut probe), (Verdict::Pass, "probe-schema-ahead"));
}

/// Without a primary to follow, which makes no difference to what is asked.
#[test]
fn a_standby_says_that_it_is_one() {
    let options = PrivateServerOptions {
        binaries: Cluster::binaries_wanted(),
        files: vec![("standby.signal".to_owned(), Vec::new())],
        ..PrivateServerOptions::default()
    };
    let server = PrivateServer::start(&options).unwrap();
    let bounds = DatabaseBounds {
        in_recovery: Bound::parse("== 1"),
        replication_lag_s: Bound::parse("> 10"),
        ..DatabaseBounds::default()
    };
    let seen = Bench::new().take(&mut probe(&server.target(), bounds));
    assert_eq!(seen.measurement.verdict, Verdict::Fail, "{}", seen.measurement.said);
    assert!(value(&seen, "in_recovery") > 0.0);
}

/// A subscription is to its publisher what a standby is: it says how far it has come.
#[test]
fn who_follows_too_far_behind_is_seen() {
    let (bench, server) = (Bench::new(), own_server(&["wal_level = logical", "wal_receiver_status_interval = '1s'"]));
    let (leader, follower) = (Database::create_on(&server), Database::create_on(&server));
    let table = "CREATE TABLE boat (id int PRIMARY KEY, name text)";
    leader.execute(&format!("{table}; CREATE PUBLICATION boats FOR TABLE boat"));
    leader.execute("SELECT pg_create_logical_replication_slot('boats', 'pgoutput')");
    let Host::SocketDir(dir) = server.target().host else { panic!("a private server is reached by its socket") };
    let (dir, port, name) = (dir.display(), server.target().port, leader.name());
    follower.execute(table);
    follower.execute(&format!(
        "CREATE SUBSCRIPTION boats CONNECTION 'host={dir} port={port} dbname={name} user=postgres' \
         PUBLICATION boats WITH (create_slot = false, slot_name = 'boats', copy_data = false)"
    ));
    let bounds = DatabaseBounds { replication_lag_bytes: Bound::parse("> 100000"), ..DatabaseBounds::default() };
    let mut probe = probe(&leader.target(), bounds);
    // Who has nothing to follow reports only now and then, while the server's other databases write on.
    let more = "INSERT INTO boat SELECT coalesce(max(id), 1000000) + 1 FROM boat";
    let mut becomes = |verdict| {
        bench.until(&mut probe, |seen| {
            let is_so = seen.measurement.verdict == verdict;
            if !is_so {
                leader.execute(more);
            }
            is_so
        })
    };
    let seen = becomes(Verdict::Pass);
    assert!(value(&seen, "replication_lag_bytes") <= 100_000.0 && has(&seen, "replication_lag_s"), "{seen:?}");
    let holder = follower.session();
    holder.execute("BEGIN; LOCK TABLE boat");
    leader.execute("INSERT INTO boat SELECT n, repeat('x', 100) FROM generate_series(1, 5000) n");
    let seen = becomes(Verdict::Fail);
    assert!(value(&seen, "replication_lag_bytes") > 100_000.0, "{seen:?}");
    holder.execute("COMMIT");
    becomes(Verdict::Pass);
}

/// A server that accepts and says nothing holds nobody up.
#[tokio::test]
async fn a_server_that_does_not_answer_fails_at_the_limit() {
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut target = Cluster::get().target();
    target.host = Host::Tcp("127.0.0.1".to_owned());
    target.port = silent.local_addr().unwrap().port();
    let limit = Duration::from_millis(300);
    let began = std::time::Instant::now();
    let seen = DatabaseProbe::new(target, DatabaseBounds::default(), None, limit).take().await.measurement;
    assert_eq!((seen.verdict, seen.said.id), (Verdict::Fail, "probe-database-timed-out"));
    assert!(began.elapsed() < Duration::from_secs(5));
}
