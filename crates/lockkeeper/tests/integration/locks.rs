//! Locks that others hold: who they are is told, nobody waits long behind us, and it ends.

use std::time::{Duration, Instant};

use lockkeeper_testkit::OpenSession;

use crate::shop::{Running, Shop, wait_until};

/// A reader that keeps its transaction open, so that ALTER TABLE has to wait until it is dropped.
fn reader(shop: &Shop) -> OpenSession {
    let reader = shop.database.session();
    reader.execute("SET application_name = 'nightly report'; BEGIN; SELECT count(*) FROM boats");
    reader
}

/// A table that is applied, a column that is due, and little patience.
fn shop() -> Shop {
    let shop = Shop::open();
    shop.project.write("lockkeeper.toml", "[limits]\nlock_timeout = \"400ms\"\nlock_attempts = 3\n");
    shop.pair("01_create_boats", "CREATE TABLE boats (id int);\n", "DROP TABLE boats;\n");
    shop.run("stage1").expect(0);
    shop.pair(
        "02_add_boats_name",
        "ALTER TABLE boats ADD COLUMN name text;\n",
        "ALTER TABLE boats DROP COLUMN name;\n",
    );
    shop
}

#[test]
fn a_lock_that_is_not_to_be_had_ends_the_run_and_names_its_holder() {
    let shop = shop();
    let before = shop.database.dump();
    let holder = reader(&shop);
    let run = shop
        .run("stage1")
        .refused(4, "migration-failed")
        .sqlstate("55P03")
        .at("migrations/02_add_boats_name_up.sql:1:1");
    assert!(run.notes().contains(&"lock-budget-spent".to_owned()), "{run}");
    let notes = run.error()["notes"].to_string();
    assert!(notes.contains("nightly report") && notes.contains("idle in transaction"), "{run}");
    assert_eq!(run.hints(), ["lock-budget-spent-hint"]);
    let error = run.error();
    let blocker = error["notes"].as_array().unwrap().iter().find(|note| note["id"] == "blocked-by").unwrap();
    assert!(blocker["args"]["pid"].as_i64().is_some_and(|pid| pid > 0), "{run}");
    assert_eq!(blocker["args"]["application"], "nightly report", "{run}");
    assert_eq!(blocker["args"]["state"], "idle in transaction", "{run}");
    assert_eq!((shop.applied(), shop.database.dump()), (vec![1], before));

    drop(holder);
    shop.run("stage1").expect(0);
    assert_eq!(shop.applied(), [1, 2]);
}

#[test]
fn a_lock_that_comes_free_in_time_is_taken() {
    let shop = shop();
    shop.project.write("lockkeeper.toml", "[limits]\nlock_timeout = \"2s\"\nlock_attempts = 20\n");
    let holder = reader(&shop);
    let running = shop.start("stage1");
    wait_until("the migration waits", || shop.count("pg_locks WHERE NOT granted") > 0);
    drop(holder);
    running.wait().expect(0);
    assert_eq!(shop.applied(), [1, 2]);
}

#[test]
fn nobody_waits_behind_us_longer_than_the_lock_timeout() {
    let shop = shop();
    let holder = reader(&shop);
    let running = shop.start("stage1");
    let mut longest = Duration::ZERO;
    let mut reads = 0;
    let mut running = Some(running);
    while running.as_mut().is_some_and(Running::is_running) {
        let began = Instant::now();
        shop.database.value("SELECT count(*) FROM boats");
        longest = longest.max(began.elapsed());
        reads += 1;
    }
    running.take().unwrap().wait().expect(4);
    drop(holder);
    assert!(reads > 3, "{reads} reads");
    // The timeout of 400 ms, and what a busy machine adds to connecting and reading.
    assert!(longest < Duration::from_millis(1_900), "a reader waited {longest:?}");
}

#[test]
fn who_waits_for_a_locked_table_does_not_wait_for_the_others_too() {
    let shop = Shop::open();
    shop.project.write("lockkeeper.toml", "[limits]\nlock_timeout = \"2s\"\nlock_attempts = 1\n");
    shop.database.execute("CREATE TABLE a (id int); CREATE TABLE b (id int); CREATE TABLE c (id int)");
    shop.pair(
        "01_add_names",
        "ALTER TABLE a ADD COLUMN name text; ALTER TABLE b ADD COLUMN name text; ALTER TABLE c ADD COLUMN name text;\n",
        "SELECT 1;\n",
    );
    let (of_b, of_c) = (shop.database.session(), shop.database.session());
    of_b.execute("BEGIN; SELECT FROM b");
    of_c.execute("BEGIN; SELECT FROM c");
    let reader = shop.database.session();
    let mut running = shop.start("stage1");
    wait_until("the migration waits for b", || shop.count("pg_locks WHERE NOT granted") > 0);
    let (waiting, mut of_b, mut longest) = (Instant::now(), Some(of_b), Duration::ZERO);
    while running.is_running() {
        // The second table comes free late: what is left for the third is little.
        if waiting.elapsed() > Duration::from_millis(1_200) {
            drop(of_b.take());
        }
        // On a connection that is open already, so that only the waiting is measured.
        let began = Instant::now();
        reader.execute("SELECT count(*) FROM a");
        longest = longest.max(began.elapsed());
    }
    running.wait().refused(4, "migration-failed");
    drop(of_c);
    // One lock_timeout and what a busy machine adds; without the budget it would be 3.2 s and more.
    assert!(longest < Duration::from_millis(2_900), "a reader of the first table waited {longest:?}");
}
