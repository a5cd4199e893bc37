//! Two at once, signals, and holders that died or slept.

use std::time::Duration;

use crate::shop::{DEV, Running, Shop, wait_until};

/// A migration that sleeps, between two that do not.
fn slow(seconds: u32) -> Shop {
    let shop = Shop::open();
    shop.pair("01_create_a", "CREATE TABLE a (id int)", "DROP TABLE a");
    shop.pair("02_create_b", &format!("CREATE TABLE b (id int);\nSELECT pg_sleep({seconds});"), "DROP TABLE b");
    shop.pair("03_create_c", "CREATE TABLE c (id int)", "DROP TABLE c");
    shop
}

/// Whether the migration sleeps in the server.
fn asleep(shop: &Shop) -> bool {
    shop.count("pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'") == 1
}

#[track_caller]
fn start(shop: &Shop) -> Running {
    let running = shop.start("stage1");
    wait_until("the migration sleeps", || asleep(shop));
    running
}

fn expire_lease(shop: &Shop) {
    shop.database.execute("UPDATE lockkeeper.lease SET expires_at = '-infinity'");
}

/// Whether the server has ended the session of a client that is gone.
fn server_is_done(shop: &Shop) -> bool {
    shop.count("pg_stat_activity WHERE datname = current_database() AND application_name = 'lockkeeper' AND pid <> pg_backend_pid()") == 0
}

// ── two at once ────────────────────────────────────────────────────────────────────────────────

#[test]
fn whoever_comes_second_is_told_who_is_at_work_and_changes_nothing() {
    let shop = slow(60);
    let first = start(&shop);
    let host = shop.database.value("SELECT host FROM lockkeeper.lease");
    let before = shop.events();
    for command in ["stage1", "rollback before_schema_add --yes", "deployed"] {
        let run = shop.run(command).refused(4, "lease-busy");
        let text = run.error()["text"].as_str().unwrap().to_owned();
        for part in [DEV, &host, &first.pid().to_string(), "stage1"] {
            assert!(text.contains(part), "{part:?} is not in {text:?}");
        }
        assert_eq!(
            (run.notes(), run.hints()),
            (vec!["nothing-changed".to_owned()], vec!["lease-busy-hint".to_owned()])
        );
    }
    assert_eq!(shop.events(), before);
    // Reading is always possible, and says the same.
    let lease = shop.run("status").expect(0).json()["lease"].clone();
    assert_eq!((lease["pid"].as_u64(), lease["holder"].as_str()), (Some(u64::from(first.pid())), Some(DEV)));
    first.signal("TERM");
    first.wait().refused(143, "stopped");
    shop.pair("02_create_b", "CREATE TABLE b (id int)", "DROP TABLE b");
    shop.run("stage1").expect(0);
    assert_eq!(shop.applied(), [1, 2, 3]);
    assert!(shop.run("status").expect(0).json()["lease"].is_null());
}

#[test]
fn whoever_waits_goes_on_when_the_first_is_done_and_does_nothing_twice() {
    let shop = slow(4);
    let first = start(&shop);
    let second = shop.start("stage1 --wait");
    let third = shop.start("deployed --wait --version 2.0");
    first.wait().expect(0);
    second.wait().expect(0).says(&["waiting: another process changes this database"]);
    third.wait().expect(0);
    assert_eq!(shop.applied(), [1, 2, 3]);
    assert_eq!(shop.events().iter().filter(|kind| *kind == "migration_applied").count(), 3);
}

#[test]
fn a_signal_ends_the_wait_for_the_lease() {
    let shop = slow(60);
    let first = start(&shop);
    let mut second = shop.start("rollback before_schema_add --yes --wait");
    // What it asked last is who holds the lease.
    let asked = "pg_stat_activity WHERE datname = current_database() AND query LIKE '-- Which ledger%'";
    wait_until("the second asks for the lease", || shop.count(asked) >= 1);
    assert!(second.is_running());
    second.signal("TERM");
    second.wait_for(Duration::from_secs(5)).refused(143, "stopped");
    first.signal("TERM");
    first.wait().refused(143, "stopped");
}

#[test]
fn a_lease_is_renewed_for_as_long_as_a_migration_takes() {
    let shop = slow(12);
    let first = start(&shop);
    let until = || shop.database.value("SELECT expires_at FROM lockkeeper.lease");
    let at_first = until();
    wait_until("the lease is renewed", || until() != at_first);
    first.wait().expect(0);
    assert_eq!(shop.applied(), [1, 2, 3]);
}

// ── signals ────────────────────────────────────────────────────────────────────────────────────

#[test]
fn a_signal_in_a_long_statement_ends_it_at_a_safe_point() {
    for (signal, code) in [("INT", 130), ("TERM", 143)] {
        let shop = slow(60);
        let running = start(&shop);
        running.signal(signal);
        let run = running.wait_for(Duration::from_secs(5)).refused(code, "stopped");
        assert_eq!(run.notes(), ["stopped-safe", "stage-progress"]);
        assert_eq!(shop.applied(), [1]);
        assert!(!shop.exists("b") && !shop.exists("c"));
        wait_until("the server is free", || !asleep(&shop));
        assert_eq!(shop.count("lockkeeper.lease WHERE expires_at > now()"), 0, "the lease is given back");
        shop.pair("02_create_b", "CREATE TABLE b (id int)", "DROP TABLE b");
        shop.run("stage1").expect(0);
        assert_eq!(shop.applied(), [1, 2, 3]);
        shop.run("log --verify").expect(0);
    }
}

#[test]
fn ctrl_c_on_the_terminal_reaches_the_whole_group_and_ends_the_same() {
    let shop = slow(60);
    let running = start(&shop);
    running.signal_group("INT");
    running.signal_group("INT");
    running.wait_for(Duration::from_secs(5)).refused(130, "stopped");
    assert_eq!(shop.applied(), [1]);
}

#[test]
fn a_signal_while_waiting_for_a_lock_ends_the_wait() {
    let shop = Shop::open();
    shop.database.execute("CREATE TABLE busy (id int)");
    shop.project.write("lockkeeper.toml", "[limits]\nlock_timeout = \"30s\"\n");
    shop.pair("01_add_note", "ALTER TABLE busy ADD note text", "SELECT 1");
    let reader = shop.database.session();
    reader.execute("BEGIN; SELECT * FROM busy");
    let waits = "pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    let running = shop.start("stage1");
    wait_until("it waits", || shop.count(waits) == 1);
    running.signal("TERM");
    running.wait_for(Duration::from_secs(5)).refused(143, "stopped");
    assert_eq!((shop.applied(), shop.count(waits)), (vec![], 0));
}

#[test]
fn a_signal_between_attempts_ends_the_wait() {
    let shop = Shop::open();
    shop.database.execute("CREATE TABLE busy (id int)");
    shop.project.write("lockkeeper.toml", "[limits]\nlock_timeout = \"1ms\"\nlock_attempts = 1000\n");
    shop.pair("01_add_note", "ALTER TABLE busy ADD note text", "SELECT 1");
    let reader = shop.database.session();
    reader.execute("BEGIN; SELECT * FROM busy");
    let running = shop.start("stage1");
    wait_until("it has begun", || shop.has_ledger() && shop.count("lockkeeper.rollback_points") == 1);
    // By now it waits a second or more between its attempts.
    std::thread::sleep(Duration::from_secs(3));
    running.signal("INT");
    running.wait_for(Duration::from_secs(2)).refused(130, "stopped");
    assert_eq!(shop.applied(), Vec::<i64>::new());
}

#[test]
fn a_signal_in_a_rollback_keeps_what_is_undone_and_goes_on() {
    let shop = slow(0);
    shop.file("02_create_b_down.sql", "DROP TABLE b;\nSELECT pg_sleep(60);");
    shop.run("stage1").expect(0);
    let running = shop.start("rollback before_schema_add --yes");
    wait_until("the down script sleeps", || asleep(&shop));
    running.signal("INT");
    running.wait_for(Duration::from_secs(5)).refused(130, "stopped");
    assert_eq!(shop.applied(), [1, 2]);
    assert!(shop.exists("b") && !shop.exists("c"));
    shop.file("02_create_b_down.sql", "DROP TABLE b");
    shop.run("rollback before_schema_add --yes --down-from-files").expect(0);
    assert_eq!(shop.applied(), Vec::<i64>::new());
}

// ── holders that died ──────────────────────────────────────────────────────────────────────────

#[test]
fn a_killed_holder_keeps_others_out_until_its_lease_and_its_transaction_are_over() {
    let shop = slow(4);
    let running = start(&shop);
    let pid = running.pid().to_string();
    running.signal("KILL");
    assert_eq!(running.wait().code, None);
    // Its lease stands, and says whose it is.
    let run = shop.run("stage1").refused(4, "lease-busy");
    assert!(run.error()["text"].as_str().unwrap().contains(&pid), "{run}");
    // The lease is over and the server still runs its transaction: nobody may write yet.
    expire_lease(&shop);
    assert!(asleep(&shop), "the test is too slow to say anything");
    shop.run("stage1").refused(4, "lease-busy");
    assert_eq!(shop.applied(), [1]);
    wait_until("the server has found out", || server_is_done(&shop));
    assert!(!shop.exists("b"), "nobody committed it");
    shop.pair("02_create_b", "CREATE TABLE b (id int)", "DROP TABLE b");
    shop.run("stage1").expect(0);
    assert_eq!(shop.applied(), [1, 2, 3]);
    shop.run("log --verify").expect(0);
}

#[test]
fn a_server_process_that_is_ended_is_told_and_nothing_stands() {
    let shop = slow(60);
    let running = start(&shop);
    shop.database.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'",
    );
    let run = running.wait_for(Duration::from_secs(5)).expect(3);
    assert_eq!(shop.applied(), [1], "{run}");
    assert!(!shop.exists("b"));
    expire_lease(&shop);
    shop.pair("02_create_b", "CREATE TABLE b (id int)", "DROP TABLE b");
    shop.run("stage1").expect(0);
    assert_eq!(shop.applied(), [1, 2, 3]);
}

// ── holders that slept ─────────────────────────────────────────────────────────────────────────

#[test]
fn a_holder_whose_lease_was_taken_over_writes_nothing_more() {
    let shop = slow(2);
    let running = start(&shop);
    // The machine sleeps, the lease runs out, and somebody else has it by now. The migration's own
    // transaction locked its term, and may end; the next one may not begin.
    running.signal("STOP");
    expire_lease(&shop);
    running.signal("CONT");
    let run = running.wait().refused(4, "lease-lost");
    assert_eq!(run.hints()[0], "lease-lost-hint", "{run}");
    assert_eq!(shop.applied(), [1, 2]);
    assert!(!shop.exists("c"));
    shop.run("stage1").expect(0);
    assert_eq!(shop.applied(), [1, 2, 3]);
}

#[test]
fn between_the_steps_of_a_migration_too_the_old_holder_is_fenced() {
    let shop = Shop::open();
    shop.database.execute("CREATE TABLE customers (email text)");
    shop.pair(
        "01_add_index",
        "-- lockkeeper: no-transaction\nCREATE INDEX CONCURRENTLY by_email ON customers (email);\nCREATE TABLE a (id int);\n",
        "DROP INDEX by_email; DROP TABLE a",
    );
    let blocker = shop.database.session();
    blocker.execute("BEGIN; INSERT INTO customers VALUES ('a')");
    let running = shop.start("stage1");
    let waits = "pg_stat_activity WHERE datname = current_database() AND query LIKE 'CREATE INDEX%' AND wait_event_type = 'Lock'";
    wait_until("the index waits", || shop.count(waits) == 1);
    shop.database.execute(
        "UPDATE lockkeeper.lease SET term = term + 1, holder = 'other', expires_at = now() + interval '1 hour'",
    );
    let before = shop.events();
    blocker.execute("COMMIT");
    running.wait().refused(4, "lease-lost");
    assert_eq!((shop.events(), shop.exists("a")), (before, false));
    assert_eq!(shop.database.value("SELECT holder FROM lockkeeper.lease WHERE expires_at > now()"), "other");
    expire_lease(&shop);
    shop.run("stage1").expect(0);
    assert_eq!(shop.applied(), [1]);
    assert!(shop.exists("a") && shop.exists("by_email"));
}
