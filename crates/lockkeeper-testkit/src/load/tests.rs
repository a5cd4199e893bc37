//! That the load sees what an application would see.

use std::time::Duration;

use super::*;
use crate::{Database, LongReader};

fn start(options: LoadOptions) -> (Database, Load) {
    let database = Database::create();
    LoadTables::default().create(&database.target(), 500);
    let load = Load::start(&database.target(), options);
    (database, load)
}

#[test]
fn an_undisturbed_load_fails_nowhere_and_keeps_the_twins_equal() {
    let (database, load) = start(LoadOptions { rate: 400, ..LoadOptions::default() });
    load.run_for(Duration::from_millis(600));
    load.mark("during");
    load.run_for(Duration::from_millis(600));
    let report = load.stop();
    assert_eq!((&report.errors, &report.divergence), (&vec![], &Divergence::default()));
    let [before, during] = &report.phases[..] else { panic!("{report:?}") };
    // The rate is kept: half of the requests fall to each phase.
    assert!(before.requests.abs_diff(240) < 40 && during.requests.abs_diff(240) < 40, "{report:?}");
    assert!(before.statements > before.requests && before.failed + during.failed == 0);
    assert!(before.percentile(50.0) <= before.percentile(99.0));
    assert!(before.percentile(100.0) <= before.longest + Duration::from_millis(1));
    assert_ne!(database.value("SELECT count(*) FROM orders WHERE note <> 'note ' || id"), "0", "it writes");
}

#[test]
fn a_table_locked_for_a_while_shows_as_late_requests() {
    let (database, load) = start(LoadOptions { rate: 200, workers: 8, ..LoadOptions::default() });
    load.run_for(Duration::from_millis(300));
    load.mark("locked");
    let locker = database.session();
    locker.execute("BEGIN; LOCK TABLE orders; SELECT pg_sleep(0.4); COMMIT");
    load.mark("after");
    load.run_for(Duration::from_millis(200));
    let report = load.stop();
    assert_eq!(report.errors, []);
    let locked = report.phase("locked");
    assert!(locked.longest >= Duration::from_millis(380), "{locked:?}");
    // 80 requests were due in these 400 ms, far more than there are connections. All of them are late, each
    // by what was left of the lock: half of them by more than 200 ms.
    assert!(locked.slower_than(Duration::from_millis(20)) >= 60, "{locked:?}");
    let slow = locked.slower_than(Duration::from_millis(200));
    assert!((30..=60).contains(&slow), "{slow} in {locked:?}");
    // One that was due before the lock and got stuck in it counts to the lock, and not to what came before.
    assert!(report.phase("before").longest_within < Duration::from_millis(380), "{report:?}");
}

#[test]
fn a_dropped_column_shows_as_errors() {
    let (database, load) = start(LoadOptions::default());
    load.run_for(Duration::from_millis(200));
    load.mark("dropped");
    database.execute("ALTER TABLE orders RENAME COLUMN note TO remark");
    load.run_for(Duration::from_millis(200));
    database.execute("ALTER TABLE orders RENAME COLUMN remark TO note");
    let report = load.stop();
    assert!(report.errors.len() > 10, "{report:?}");
    assert!(report.errors.iter().all(|error| error.sqlstate == "42703" && error.phase == "dropped"), "{report:?}");
    assert!(report.errors.iter().any(|error| error.statement.starts_with("SELECT id,")), "{report:?}");
    assert!(report.divergence.is_empty(), "what failed left no half: {report:?}");
    assert_eq!(report.phase("dropped").failed, report.errors.len() as u64);
}

#[test]
fn a_broken_connection_is_an_error() {
    let (database, load) = start(LoadOptions { rate: 100, workers: 4, ..LoadOptions::default() });
    load.run_for(Duration::from_millis(100));
    database.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'application'
         AND datname = current_database()",
    );
    load.run_for(Duration::from_millis(300));
    let report = load.stop();
    assert_eq!(report.errors.len(), 4, "each connection breaks once and is opened again: {report:?}");
    assert!(report.errors.iter().all(|error| ["57P01", "lost"].contains(&error.sqlstate.as_str())), "{report:?}");
    assert!(report.divergence.is_empty(), "{report:?}");
}

#[test]
fn a_lost_write_is_found_in_either_twin() {
    let (database, load) = start(LoadOptions::default());
    load.run_for(Duration::from_millis(100));
    database.execute("UPDATE orders SET amount = -1 WHERE id = (SELECT min(id) FROM orders)");
    database.execute("DELETE FROM orders_twin WHERE id = (SELECT max(id) FROM orders_twin WHERE id <= 500)");
    let report = load.stop();
    let Divergence { only_in_table, only_in_twin } = report.divergence;
    assert_eq!((only_in_table.len(), only_in_twin.len()), (2, 1), "{only_in_table:?} {only_in_twin:?}");
    assert!(only_in_table.iter().any(|row| row.contains(r#""amount":-"#)), "{only_in_table:?}");
}

#[test]
fn a_long_reader_holds_its_lock_until_its_time_is_over() {
    let database = Database::create();
    database.execute("CREATE TABLE boats (id int)");
    let reader = LongReader::hold(&database.target(), "SELECT count(*) FROM boats", Duration::from_millis(300));
    let holds = "SELECT count(*) FROM pg_locks WHERE relation = 'boats'::regclass AND mode = 'AccessShareLock'";
    assert_eq!(database.value(holds), "1");
    assert!(reader.is_holding());
    reader.wait();
    assert_eq!(database.value(holds), "0");
}
