//! What cannot run in a transaction, and what is left when it fails or is killed.

use lockkeeper_testkit::OpenSession;

use crate::shop::{Running, Shop, wait_until};

const CIC: &str = "CREATE INDEX CONCURRENTLY customers_by_email ON customers (email);\n";
const DOWN: &str = "DROP INDEX CONCURRENTLY customers_by_email;\n";

/// Customers, and an index that is to be built without holding up writes.
fn with_index() -> Shop {
    let shop = Shop::open();
    shop.database
        .execute("CREATE TABLE customers (id int, email text); INSERT INTO customers VALUES (1, 'a'), (2, 'b')");
    shop.pair("01_add_email_index", CIC, DOWN);
    shop
}

/// `valid`, `invalid` or `none`.
fn index(shop: &Shop) -> String {
    let sql = "SELECT coalesce((SELECT CASE WHEN indisvalid THEN 'valid' ELSE 'invalid' END FROM pg_index
               WHERE indexrelid = to_regclass('customers_by_email')), 'none')";
    shop.database.value(sql)
}

/// How the step stands in the ledger.
fn step(shop: &Shop) -> Vec<Vec<String>> {
    shop.database.query(
        "SELECT s.ordinal, coalesce(s.outcome, 'begun') FROM lockkeeper.steps s
         JOIN lockkeeper.migrations m ON m.seq = s.migration_seq WHERE m.state <> 'rolled_back'",
    )
}

/// Starts stage 1 while another session's transaction holds the index up, and waits until it is held up.
fn held_up(shop: &Shop) -> (Running, OpenSession) {
    let blocker = shop.database.session();
    blocker.execute("BEGIN; UPDATE customers SET email = email");
    let running = shop.start("stage1");
    wait_until("the index waits", || building(shop) && index(shop) == "invalid");
    (running, blocker)
}

/// Whether a server process is at the index, whoever started it.
fn building(shop: &Shop) -> bool {
    let sql = "pg_stat_activity WHERE datname = current_database() AND state = 'active'
               AND query LIKE 'CREATE INDEX CONCURRENTLY%' AND wait_event_type = 'Lock'";
    shop.count(sql) == 1
}

fn expire_lease(shop: &Shop) {
    shop.database.execute("UPDATE lockkeeper.lease SET expires_at = '-infinity'");
}

#[test]
fn an_index_is_built_concurrently_and_recorded() {
    let shop = with_index();
    shop.run("stage1").expect(0);
    assert_eq!(
        (index(&shop), shop.applied(), step(&shop)),
        ("valid".to_owned(), vec![1], vec![vec!["1".to_owned(), "done".to_owned()]])
    );
    assert_eq!(shop.events().iter().filter(|kind| *kind == "migration_applied").count(), 1);
    shop.run("rollback before_schema_add --yes").expect(0);
    assert_eq!((index(&shop), shop.applied()), ("none".to_owned(), vec![]));
    shop.run("stage1").expect(0);
    assert_eq!(index(&shop), "valid");
}

#[test]
fn it_does_not_mix_with_what_a_transaction_holds() {
    let shop = with_index();
    shop.pair("01_add_email_index", &format!("ALTER TABLE customers ADD phone text;\n{CIC}"), DOWN);
    let run = shop.run("stage1").refused(1, "statement-not-in-transaction");
    let run = run.at("migrations/01_add_email_index_up.sql:2:1");
    assert_eq!(run.hints(), ["statement-not-in-transaction-split-hint", "statement-not-in-transaction-directive-hint"]);
    assert!(!shop.has_ledger());
    shop.pair("01_add_email_index", &format!("BEGIN;\n{CIC}COMMIT;"), DOWN);
    // One statement that cannot, in a transaction of its own making: it runs alone all the same.
    shop.run("stage1").expect(0);
    assert_eq!(index(&shop), "valid");
}

#[test]
fn no_transaction_commits_each_statement_and_goes_on_behind_the_last() {
    let shop = with_index();
    let up = format!(
        "-- lockkeeper: no-transaction\nALTER TABLE customers ADD phone text;\n{CIC}ALTER TABLE customers ADD fax no_such_type;\n"
    );
    shop.pair("01_add_email_index", &up, DOWN);
    let run = shop.run("stage1").refused(3, "migration-failed").at("migrations/01_add_email_index_up.sql:4:31");
    assert!(run.notes().contains(&"steps-standing".to_owned()), "{run}");
    assert_eq!((index(&shop), shop.applied()), ("valid".to_owned(), vec![]));
    assert_eq!(shop.run("status").expect(0).json()["migrations"][0]["state"], "incomplete");
    shop.pair("01_add_email_index", &up.replace("no_such_type", "text"), DOWN);
    shop.run("stage1").expect(0);
    assert_eq!(shop.applied(), [1]);
    assert_eq!(shop.count("pg_attribute WHERE attrelid = 'customers'::regclass AND attname IN ('phone', 'fax')"), 2);
    // What ran is what is recorded: nothing has drifted since.
    shop.run("stage1").expect(0);
    shop.run("status").expect(0);
}

#[test]
fn steps_that_are_done_may_not_change_places() {
    let shop = with_index();
    let up = format!("-- lockkeeper: no-transaction\n{CIC}ALTER TABLE customers ADD fax no_such_type;\n");
    shop.pair("01_add_email_index", &up, DOWN);
    shop.run("stage1").refused(3, "migration-failed");
    let before = shop.database.dump();
    let first = "-- lockkeeper: no-transaction\nALTER TABLE customers ADD fax text;\n";
    shop.pair("01_add_email_index", &format!("{first}{CIC}"), DOWN);
    shop.run("stage1").refused(1, "steps-changed").at("migrations/01_add_email_index_up.sql");
    shop.pair("01_add_email_index", "-- lockkeeper: no-transaction\nVACUUM customers;\n", DOWN);
    shop.run("stage1").refused(1, "steps-changed");
    assert_eq!(shop.database.dump(), before);
    shop.pair("01_add_email_index", &up.replace("no_such_type", "text"), DOWN);
    shop.run("stage1").expect(0);
    assert_eq!(shop.applied(), [1]);
}

#[test]
fn a_kill_between_the_steps_runs_none_of_them_twice() {
    let shop = with_index();
    let up = "-- lockkeeper: no-transaction\nCREATE TABLE once (id int);\nCREATE TABLE b (id int);\nSELECT pg_sleep(60);\nCREATE TABLE c (id int);\n";
    shop.pair("01_add_email_index", up, "DROP TABLE once, b, c");
    let running = shop.start("stage1");
    let asleep = "pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'";
    wait_until("it sleeps", || shop.count(asleep) == 1);
    running.signal("KILL");
    running.wait();
    let end = format!("SELECT pg_terminate_backend(pid) FROM {asleep}");
    shop.database.execute(&end);
    wait_until("the server has ended it", || shop.count(asleep) == 0);
    expire_lease(&shop);
    assert!(shop.exists("b") && !shop.exists("c"));
    shop.pair("01_add_email_index", &up.replace("(60)", "(0)"), "DROP TABLE once, b, c");
    shop.run("stage1").expect(0);
    assert_eq!((shop.applied(), shop.exists("c")), (vec![1], true));
    shop.run("status").expect(0);
}

#[test]
fn begin_has_no_place_in_a_file_without_transaction() {
    let shop = with_index();
    shop.pair("01_add_email_index", &format!("-- lockkeeper: no-transaction\nBEGIN;\n{CIC}COMMIT;"), DOWN);
    shop.run("stage1").refused(1, "statement-begin-in-no-transaction").at("migrations/01_add_email_index_up.sql:2:1");
}

#[test]
fn a_unique_index_that_meets_duplicates_leaves_nothing_and_can_run_again() {
    let shop = with_index();
    shop.database.execute("INSERT INTO customers VALUES (3, 'b')");
    let up = format!("-- lockkeeper: stage=1 reason=\"the code checks it\"\n{}", CIC.replace("INDEX", "UNIQUE INDEX"));
    shop.pair("01_add_email_index", &up, DOWN);
    let before = shop.database.dump();
    let run = shop.run("stage1").refused(3, "migration-failed").sqlstate("23505");
    assert!(run.notes().contains(&"migration-left-nothing".to_owned()), "{run}");
    assert_eq!((index(&shop), shop.database.dump(), shop.applied()), ("none".to_owned(), before, vec![]));
    shop.database.execute("DELETE FROM customers WHERE id = 3");
    shop.run("stage1").expect(0);
    assert_eq!((index(&shop), shop.applied()), ("valid".to_owned(), vec![1]));
}

#[test]
fn an_index_of_that_name_made_by_somebody_else_is_not_dropped() {
    for state in ["valid", "invalid"] {
        let shop = with_index();
        shop.database.execute("CREATE INDEX customers_by_email ON customers (id)");
        if state == "invalid" {
            somebody_elses_is_invalid(&shop);
        }
        shop.run("stage1").refused(3, "migration-failed").sqlstate("42P07");
        assert_eq!((index(&shop).as_str(), shop.applied()), (state, vec![]));
    }
}

#[test]
fn an_invalid_index_is_not_taken_for_the_wanted_one() {
    let shop = with_index();
    shop.database.execute("CREATE INDEX customers_by_email ON customers (email)");
    somebody_elses_is_invalid(&shop);
    shop.pair("01_add_email_index", &CIC.replace("CONCURRENTLY", "CONCURRENTLY IF NOT EXISTS"), DOWN);
    let run = shop.run("stage1").refused(3, "migration-failed");
    assert!(run.notes().contains(&"step-found-half".to_owned()), "{run}");
    assert_eq!((index(&shop).as_str(), shop.applied()), ("invalid", vec![]));
    shop.database.execute(DOWN);
    shop.run("stage1").expect(0);
    assert_eq!((index(&shop).as_str(), shop.applied()), ("valid", vec![1]));
}

fn somebody_elses_is_invalid(shop: &Shop) {
    shop.database.execute("UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'customers_by_email'::regclass");
}

#[test]
fn what_a_file_without_transaction_sets_holds_for_all_of_it() {
    let shop = with_index();
    let role = format!("{}_owner", shop.database.name());
    shop.database.execute(&format!("CREATE ROLE {role}; CREATE SCHEMA sales AUTHORIZATION {role}"));
    let up = format!(
        "-- lockkeeper: no-transaction\nSET search_path = sales;\nset ROLE {role};\nCREATE TABLE orders (id int);\n\
         CREATE INDEX CONCURRENTLY orders_by_id ON orders (id);\nRESET ROLE;\n\
         CREATE TABLE seen AS SELECT current_user::text AS who;\n"
    );
    shop.pair("01_add_email_index", &up, "DROP TABLE sales.seen, sales.orders");
    shop.pair("02_create_here", "CREATE TABLE here AS SELECT current_user::text AS who", "DROP TABLE here");
    shop.run("stage1").expect(0);
    assert!(shop.exists("sales.orders_by_id") && shop.exists("public.here"));
    assert_eq!(shop.database.value("SELECT relowner::regrole FROM pg_class WHERE relname = 'orders'"), role);
    assert_eq!(shop.database.value("SELECT who FROM sales.seen"), "postgres");
    assert_eq!(shop.database.value("SELECT who FROM here"), "postgres");
    shop.database.execute(&format!("DROP OWNED BY {role} CASCADE; DROP ROLE {role}"));
}

#[test]
fn a_kill_in_the_middle_is_found_out_when_the_index_came_to_its_end() {
    let shop = with_index();
    let (running, blocker) = held_up(&shop);
    running.signal("KILL");
    assert_eq!(running.wait().code, None);
    assert_eq!(step(&shop), [["1", "begun"]]);
    // Who comes now is told that somebody is at work, and changes nothing.
    shop.run("stage1").refused(4, "lease-busy");
    // The server does not know that its client is dead, and ends the work.
    blocker.execute("COMMIT");
    wait_until("the server ends the index", || index(&shop) == "valid");
    expire_lease(&shop);
    shop.run("stage1").expect(0);
    assert_eq!(
        (index(&shop), shop.applied(), step(&shop)),
        ("valid".to_owned(), vec![1], vec![vec!["1".to_owned(), "done".to_owned()]])
    );
}

#[test]
fn a_kill_in_the_middle_is_cleared_away_when_the_index_is_half_done() {
    let shop = with_index();
    let (running, blocker) = held_up(&shop);
    running.signal("KILL");
    running.wait();
    shop.database.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE datname = current_database() AND query LIKE 'CREATE INDEX CONCURRENTLY%'",
    );
    wait_until("the server process is gone", || !building(&shop));
    blocker.execute("COMMIT");
    assert_eq!((index(&shop), step(&shop)), ("invalid".to_owned(), vec![vec!["1".to_owned(), "begun".to_owned()]]));
    expire_lease(&shop);
    let run = shop.say("stage1").expect(0);
    run.says(&["cleared away what step 1 of 01 had left half done"]);
    assert_eq!(
        (index(&shop), shop.applied(), step(&shop)),
        ("valid".to_owned(), vec![1], vec![vec!["1".to_owned(), "done".to_owned()]])
    );
    assert_eq!(shop.count("lockkeeper.migrations"), 1);
}

#[test]
fn a_kill_while_the_server_still_builds_is_told_and_nothing_is_built_twice() {
    let shop = with_index();
    let (running, blocker) = held_up(&shop);
    running.signal("KILL");
    running.wait();
    let built = shop.database.value("SELECT 'customers_by_email'::regclass::oid");
    expire_lease(&shop);
    let run = shop.run("stage1").refused(4, "step-still-running");
    assert_eq!(step(&shop), [["1", "begun"]], "{run}");
    blocker.execute("COMMIT");
    wait_until("the server ends the index", || index(&shop) == "valid");
    shop.run("stage1").expect(0);
    assert_eq!((shop.database.value("SELECT 'customers_by_email'::regclass::oid"), shop.applied()), (built, vec![1]));
}

#[test]
fn an_interrupt_waits_for_nobody() {
    let shop = with_index();
    let (running, blocker) = held_up(&shop);
    running.signal("INT");
    // The other transaction stays open, so the index cannot even be dropped.
    running.wait_for(std::time::Duration::from_secs(5)).refused(130, "stopped");
    assert_eq!(shop.applied(), Vec::<i64>::new());
    blocker.execute("COMMIT");
    shop.run("stage1").expect(0);
    assert_eq!((index(&shop), shop.applied()), ("valid".to_owned(), vec![1]));
}

#[test]
fn an_interrupt_in_the_middle_clears_the_index_away() {
    for (signal, code) in [("INT", 130), ("TERM", 143)] {
        let shop = with_index();
        let before = shop.database.dump();
        let (running, blocker) = held_up(&shop);
        running.signal(signal);
        // Dropping what is half done waits for the other transaction too.
        std::thread::sleep(std::time::Duration::from_millis(300));
        blocker.execute("COMMIT");
        let run = running.wait_for(std::time::Duration::from_secs(5));
        run.refused(code, "stopped");
        assert_eq!((index(&shop), shop.database.dump(), shop.applied()), ("none".to_owned(), before, vec![]));
        shop.run("stage1").expect(0);
        assert_eq!((index(&shop), shop.applied()), ("valid".to_owned(), vec![1]));
    }
}

#[test]
fn an_index_in_another_schema_is_found_again() {
    let shop = Shop::open();
    shop.database.execute("CREATE SCHEMA \"Sales\"; CREATE TABLE \"Sales\".customers (email text)");
    shop.database.execute("INSERT INTO \"Sales\".customers VALUES ('a'), ('a')");
    shop.pair(
        "01_add_index",
        "-- lockkeeper: stage=1 reason=\"x\"\nCREATE UNIQUE INDEX CONCURRENTLY \"By Email\" ON \"Sales\".customers (email)",
        "DROP INDEX CONCURRENTLY \"Sales\".\"By Email\"",
    );
    let before = shop.database.dump();
    shop.run("stage1").refused(3, "migration-failed").sqlstate("23505");
    assert_eq!(shop.database.dump(), before);
}

#[test]
fn what_nothing_can_tell_is_asked_of_a_person() {
    let shop = with_index();
    shop.run("stage1").expect(0);
    shop.pair("02_rebuild", "REINDEX INDEX CONCURRENTLY customers_by_email", "SELECT 1");
    let blocker = shop.database.session();
    blocker.execute("BEGIN; UPDATE customers SET email = email");
    let running = shop.start("stage1");
    let waits =
        "pg_stat_activity WHERE datname = current_database() AND query LIKE 'REINDEX%' AND wait_event_type = 'Lock'";
    wait_until("it waits", || shop.count(waits) == 1);
    running.signal("KILL");
    running.wait();
    blocker.execute("COMMIT");
    wait_until("the server ends it", || shop.count(waits) == 0);
    expire_lease(&shop);
    let run = shop.run("stage1").refused(3, "step-unsettled");
    assert!(run.hints().contains(&"step-unsettled-hint".to_owned()), "{run}");
    shop.run("stage1 --unsettled done").expect(0);
    assert_eq!(shop.applied(), [1, 2]);
}
