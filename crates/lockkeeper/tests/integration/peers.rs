//! What broke when the nearest tools were run: each defect that this design could have, as a test of its own name.
//!
//! Covered elsewhere, by what the defect was:
//!
//! * writes of the old or new code fail during start or complete (pgroll #905, #906; reshape): `live`
//! * an unrelated open transaction fails every index, or leaves an invalid one (pgroll, reshape): `rewrites`,
//!   `standalone::an_invalid_index_is_not_taken_for_the_wanted_one`
//! * killed anywhere, it cannot go on, goes on from the start, or skips what is left (pgroll, reshape): `crash`
//! * a backfill fires the application's triggers (pgroll): `rewrites::a_backfill_fires_no_trigger_and_leaves_no_row_out`
//! * partitioned tables fail half-way (pgroll): `rewrites`
//! * two runners and one index deadlock or leave it invalid; a pool keeps the lock of a runner that is gone (six
//!   and four of the runners): `pooler`, `lease`
//! * an applied file is edited and nobody notices (half of the runners): `drift`
//! * a dry run or a look writes (sqlx, node-pg-migrate): `ledger::reading_needs_no_more_than_select_and_writes_nothing`
//! * nothing tells whether old code still runs (all): `gates`, by the confirmed deploy

use std::time::{Duration, Instant};

use crate::shop::{Shop, wait_until};

fn expire_lease(shop: &Shop) {
    shop.database.execute("UPDATE lockkeeper.lease SET expires_at = '-infinity'");
}

/// pgroll created and dropped its triggers on a connection without a `lock_timeout`: every read of the table
/// stood still for as long as one reader stayed.
#[test]
fn nobody_waits_long_behind_the_ddl_of_a_trigger() {
    let shop = Shop::open();
    shop.database.execute(
        "CREATE TABLE busy (id int); CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END';
         CREATE TRIGGER old BEFORE INSERT ON busy FOR EACH ROW EXECUTE FUNCTION f()",
    );
    shop.project.write("lockkeeper.toml", "[limits]\nlock_timeout = \"300ms\"\nlock_attempts = 4\n");
    shop.pair(
        "01_modify_triggers",
        "-- lockkeeper: stage=1 reason=\"f does nothing\"\nDROP TRIGGER old ON busy;\n",
        "SELECT 1",
    );
    let reader = shop.database.session();
    reader.execute("BEGIN; SELECT * FROM busy");
    let mut running = shop.start("stage1");
    let other = shop.database.session();
    let mut longest = Duration::ZERO;
    while running.is_running() {
        let began = Instant::now();
        other.execute("SELECT * FROM busy");
        longest = longest.max(began.elapsed());
    }
    running.wait().expect(4);
    // The machine may be slow; without the limit it would be as long as the reader stays.
    assert!(longest < Duration::from_secs(3), "{longest:?}");
}

/// pgroll dropped the old column although its backfill had been killed half-way: 264,000 of 300,000 values were gone.
#[test]
fn stage_2_does_not_begin_while_a_backfill_is_not_complete() {
    let shop = Shop::open();
    shop.database.execute("CREATE TABLE people (id int, old text); INSERT INTO people SELECT i, 'x' FROM generate_series(1, 5000) i; ANALYZE people");
    shop.admin();
    shop.pair(
        "01_add_people_key",
        "ALTER TABLE people ADD key uuid DEFAULT gen_random_uuid();\n",
        "ALTER TABLE people DROP key;\n",
    );
    shop.pair("02_remove_people_old", "ALTER TABLE people DROP COLUMN old;\n", "ALTER TABLE people ADD old text;\n");
    let holder = shop.database.session();
    // A row that somebody holds is passed over again and again, so that the backfill does not end.
    let column = "pg_attribute WHERE attrelid = 'people'::regclass AND attname = 'key'";
    let running = shop.start("stage1");
    wait_until("the column is there", || shop.count(column) == 1);
    holder.execute("BEGIN; SELECT * FROM people WHERE id = 4999 FOR UPDATE");
    running.signal("KILL");
    running.wait();
    expire_lease(&shop);
    if shop.count("people WHERE key IS NULL") == 0 {
        // It was faster than the kill; the crash tests stop it at every point.
        return;
    }
    for command in ["deployed --version 2", "stage2"] {
        shop.run(command).expect(1);
    }
    assert_eq!(shop.count("people WHERE old = 'x'"), 5000);
    holder.execute("COMMIT");
    shop.run("stage1").expect(0);
    assert_eq!((shop.applied(), shop.count("people WHERE key IS NULL")), (vec![1], 0));
}

/// pgroll's `complete` failed half-way, failed for good when it was run again, and its rollback then left no version
/// of the schema that either code could work with.
#[test]
fn a_stage_2_that_fails_half_way_leaves_the_old_code_its_schema_and_can_run_again() {
    let shop = Shop::awaiting_approval();
    shop.admin();
    shop.database.execute("INSERT INTO customers VALUES (1, 'Ada', 'ada@shop.example')");
    shop.pair(
        "02_remove_customers_name",
        "ALTER TABLE customers DROP COLUMN email;\nALTER TABLE customers DROP COLUMN name;\n",
        "ALTER TABLE customers ADD COLUMN name text, ADD COLUMN email text;\n",
    );
    shop.approve().expect(0);
    shop.database.execute("CREATE VIEW names AS SELECT name FROM customers");
    let accepted = "stage2 --accept-drift public.names --reason \"a report\"";
    shop.run(accepted).refused(3, "migration-failed").sqlstate("2BP01");
    assert_eq!(shop.database.query("SELECT name, email FROM customers"), [["Ada", "ada@shop.example"]]);
    shop.run("stage2").refused(3, "migration-failed").sqlstate("2BP01");
    // A view that depends on what goes is never dropped with it.
    assert_eq!(shop.database.value("SELECT name FROM names"), "Ada");
    shop.database.execute("DROP VIEW names");
    shop.run("stage2 --accept-drift public.names --reason \"not needed\"").expect(0);
    assert_eq!(shop.applied(), [1, 2]);
    shop.run("log --verify").expect(0);
}

/// pgroll ran the `down` of an `up` that had failed, which deleted the row that was there before (#777).
#[test]
fn an_up_that_fails_never_runs_its_down() {
    let shop = Shop::open();
    shop.database
        .execute("CREATE TABLE rates (name text PRIMARY KEY, percent int); INSERT INTO rates VALUES ('vat', 19)");
    shop.pair("01_add_rates", "INSERT INTO rates VALUES ('vat', 20);\n", "DELETE FROM rates WHERE name = 'vat';\n");
    shop.run("stage1").refused(3, "migration-failed").sqlstate("23505");
    assert_eq!(shop.database.value("SELECT percent FROM rates"), "19");
    shop.run("rollback before_schema_add --yes").expect(0);
    assert_eq!(shop.database.value("SELECT percent FROM rates"), "19");
}

/// pgroll found a mistake in `down` when the first new code wrote, and said that its start had succeeded.
#[test]
fn a_mistake_in_a_down_script_is_found_before_its_up_runs() {
    let shop = Shop::open();
    shop.pair("01_create_a", "CREATE TABLE a (id int);\n", "DROP TABEL a;\n");
    shop.run("stage1").expect(1);
    assert!(!shop.has_ledger() && !shop.exists("a"));
}

/// pgroll rewrote the text of a constraint wherever it found the column's name, and `'review'` with it.
#[test]
fn the_text_of_a_constraint_is_taken_word_for_word() {
    let shop = Shop::open();
    shop.database.execute("CREATE TABLE reviews (id int, review text, paid boolean)");
    shop.pair(
        "01_modify_reviews",
        "-- lockkeeper: stage=1 reason=\"nobody writes such a review\"\n\
         ALTER TABLE reviews ADD CONSTRAINT c CHECK (review <> 'review' AND (paid OR id > 0));\n",
        "ALTER TABLE reviews DROP CONSTRAINT c;\n",
    );
    shop.run("stage1").expect(0);
    let text = shop.database.value("SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 'c'");
    assert_eq!(text, "CHECK (((review <> 'review'::text) AND (paid OR (id > 0))))");
}

/// reshape built an index over the table's order of the columns instead of the one that was asked for.
#[test]
fn the_columns_of_an_index_keep_their_order() {
    let shop = Shop::open();
    shop.database.execute("CREATE TABLE t (a int, b int, c int)");
    shop.pair("01_add_index", "CREATE INDEX by_c_a ON t (c, a DESC) INCLUDE (b);\n", "DROP INDEX by_c_a;\n");
    shop.run("stage1").expect(0);
    let definition = shop.database.value("SELECT pg_get_indexdef('by_c_a'::regclass)");
    assert_eq!(definition, "CREATE INDEX by_c_a ON public.t USING btree (c, a DESC) INCLUDE (b)");
}

/// pgroll copied the whole table to make a column NOT NULL: 20.9 s and 164 MB of WAL for 300,000 rows.
#[test]
fn a_column_becomes_not_null_without_a_rewrite() {
    let shop = Shop::open();
    shop.database.execute(
        "CREATE TABLE t (a int, b text); INSERT INTO t SELECT i, 'x' FROM generate_series(1, 20000) i; ANALYZE t",
    );
    let file = shop.database.value("SELECT pg_relation_filenode('t')");
    shop.pair(
        "01_modify_t",
        "-- lockkeeper: stage=1 reason=\"the code writes it always\"\nALTER TABLE t ALTER COLUMN b SET NOT NULL;\n",
        "ALTER TABLE t ALTER COLUMN b DROP NOT NULL;\n",
    );
    shop.run("stage1").expect(0);
    assert_eq!(
        shop.database.value("SELECT attnotnull FROM pg_attribute WHERE attrelid = 't'::regclass AND attname = 'b'"),
        "t"
    );
    assert_eq!(shop.database.value("SELECT pg_relation_filenode('t')"), file);
    assert_eq!(
        shop.count("pg_constraint WHERE conrelid = 't'::regclass AND contype = 'c'"),
        0,
        "nothing is left behind"
    );
}

/// The locks of the runners were waited for inside of a transaction, whose snapshot held up the index that the holder
/// of the lock was building: both stood still.
#[test]
fn whoever_waits_for_the_lease_holds_no_snapshot() {
    let shop = Shop::open();
    shop.pair("01_create_a", "CREATE TABLE a (id int);\nSELECT pg_sleep(60);", "DROP TABLE a");
    let first = shop.start("stage1");
    let asleep = "pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'";
    wait_until("the first is at work", || shop.count(asleep) == 1);
    let second = shop.start("stage1 --wait");
    let asked =
        "pg_stat_activity WHERE datname = current_database() AND query LIKE '-- Which ledger%' AND state = 'idle'";
    wait_until("the second waits", || shop.count(asked) == 1);
    for _ in 0..20 {
        // Asking takes a transaction of a moment; one that stays open is what is looked for.
        let held = "pg_stat_activity WHERE datname = current_database() AND application_name = 'lockkeeper' \
                    AND pid <> pg_backend_pid() AND coalesce(wait_event, '') <> 'PgSleep' \
                    AND xact_start < clock_timestamp() - interval '400 ms' \
                    AND (state LIKE 'idle in%' OR wait_event_type = 'Lock')";
        assert_eq!(shop.count(held), 0);
        std::thread::sleep(Duration::from_millis(50));
    }
    for running in [second, first] {
        running.signal("TERM");
        running.wait_for(Duration::from_secs(5)).refused(143, "stopped");
    }
}

/// pgroll deleted the rows of what it had rolled back, and of what had failed nothing was ever kept.
#[test]
fn what_failed_and_what_was_rolled_back_stays_in_the_history() {
    let shop = Shop::open();
    shop.pair("01_create_a", "CREATE TABLE a (id int)", "DROP TABLE a");
    shop.pair("02_create_b", "CREATE TABLE b (id no_such_type)", "DROP TABLE b");
    shop.run("stage1").refused(3, "migration-failed");
    shop.run("rollback before_schema_add --yes --reason \"not today\"").expect(0);
    assert_eq!(shop.database.query("SELECT number, state FROM lockkeeper.migrations"), [["1", "rolled_back"]]);
    let events = shop.events();
    for kind in
        ["migration_applied", "migration_failed", "rollback_started", "migration_rolled_back", "rollback_finished"]
    {
        assert!(events.contains(&kind.to_owned()), "{kind} is not in {events:?}");
    }
    shop.run("log --verify").expect(0);
}
