//! Which migrations a stage runs, in which order, and what stands after a failure.

use crate::shop::{DEV, Run, Shop};

/// The numbers that a stage says it applied.
#[track_caller]
fn applied(run: &Run) -> Vec<i64> {
    run.json()["applied"].as_array().unwrap().iter().map(|number| number.as_i64().unwrap()).collect()
}

/// The numbers that a stage says are waiting.
#[track_caller]
fn waiting(run: &Run) -> Vec<i64> {
    run.json()["waiting"].as_array().unwrap().iter().map(|it| it["number"].as_i64().unwrap()).collect()
}

fn three_tables() -> Shop {
    let shop = Shop::open();
    for (number, table) in [(1, "a"), (2, "b"), (3, "c")] {
        shop.pair(
            &format!("0{number}_create_{table}"),
            &format!("CREATE TABLE {table} (id int)"),
            &format!("DROP TABLE {table}"),
        );
    }
    shop
}

// ── which and in which order ───────────────────────────────────────────────────────────────────

#[test]
fn a_waiting_stage_2_holds_up_no_later_stage_1() {
    let shop = Shop::open();
    shop.customers();
    shop.pair("03_add_customers_phone", "ALTER TABLE customers ADD phone text", "ALTER TABLE customers DROP phone");
    let run = shop.run("stage1").expect(0);
    assert_eq!((applied(&run), waiting(&run)), (vec![1, 3], vec![2]));
    assert_eq!(shop.applied(), [1, 3]);
    let status = shop.run("status").expect(0).json();
    assert_eq!(status["migrations"][1]["state"], "pending");
    assert_eq!(status["migrations"][1]["stage"], 2);
    assert_eq!(status["gates"][1]["verdict"], "not_yet");
    shop.say("status").expect(0).says(&["waits for stage 2", "lockkeeper deployed"]);
    // And one that comes even later.
    shop.pair("04_add_customers_fax", "ALTER TABLE customers ADD fax text", "ALTER TABLE customers DROP fax");
    assert_eq!(applied(&shop.run("stage1").expect(0)), [4]);
    assert_eq!(shop.database.value("SELECT name FROM customers LIMIT 0; SELECT 1"), "1");
}

#[test]
fn a_migration_and_its_row_carry_who_when_and_what() {
    let shop = Shop::open();
    shop.customers();
    shop.run("stage1").expect(0);
    let row = shop.database.query(
        "SELECT number, name, kind, stage, up_path, applied_by, state, down_sql, applied_at IS NOT NULL, duration_ms >= 0,
                encode(up_checksum, 'hex') = encode(sha256(convert_to($$CREATE TABLE customers (id bigint PRIMARY KEY, name text, email text);
$$, 'UTF8')), 'hex') FROM lockkeeper.migrations",
    );
    let expected = [
        "1",
        "create_customers",
        "schema_add",
        "1",
        "migrations/01_create_customers_up.sql",
        DEV,
        "applied",
        "DROP TABLE customers;\n",
        "t",
        "t",
        "t",
    ];
    assert_eq!(row, [expected]);
    assert_eq!(
        shop.events(),
        ["release_state", "point_taken", "migration_applied", "release_state", "schema_recorded"]
    );
}

#[test]
fn name_and_effects_must_agree() {
    let shop = Shop::open();
    shop.pair("01_create_a", "CREATE TABLE a (id int, old int)", "DROP TABLE a");
    shop.run("stage1").expect(0);
    let before = shop.database.dump();
    shop.pair("02_add_b", "ALTER TABLE a ADD b int;\nALTER TABLE a\n  DROP COLUMN old;", "ALTER TABLE a ADD old int");
    for command in ["plan", "stage1", "stage2"] {
        let run = shop.run(command).refused(1, "stage-disagreement").at("migrations/02_add_b_up.sql:3:3");
        assert_eq!(run.notes(), ["why-dropped"]);
        assert_eq!(run.hints(), ["stage-disagreement-split-hint", "stage-disagreement-directive-hint"]);
    }
    shop.say("stage1").expect(1).says(&["stage 1", "stage 2", "add_b", "drops column a.old"]);
    shop.remove("02_add_b");
    shop.pair("02_remove_b", "ALTER TABLE a ADD b int", "SELECT 1");
    shop.run("stage1").refused(1, "stage-disagreement").at("migrations/02_remove_b_up.sql:1:15");
    assert_eq!(shop.database.dump(), before);
    assert_eq!(shop.run("status").expect(1).json()["problems"][0]["id"], "stage-disagreement");
}

#[test]
fn a_directive_overrules_name_and_effects_and_its_reason_is_kept() {
    let shop = Shop::open();
    shop.pair("01_create_a", "CREATE TABLE a (id int, old int)", "DROP TABLE a");
    shop.pair(
        "02_add_b",
        "-- lockkeeper: stage=1 reason=\"nobody ever read it\"\nALTER TABLE a DROP COLUMN old;",
        "ALTER TABLE a ADD old int",
    );
    shop.pair(
        "03_add_c",
        "-- lockkeeper: stage=2 reason=\"after the deploy\"\nCREATE TABLE c (id int);",
        "DROP TABLE c",
    );
    let run = shop.run("stage1").expect(0);
    assert_eq!((applied(&run), waiting(&run)), (vec![1, 2], vec![3]));
    let why = shop.database.value("SELECT stage_because FROM lockkeeper.migrations WHERE number = 2");
    assert!(why.contains("nobody ever read it"), "{why}");
    assert!(!shop.exists("c"));
}

#[test]
fn what_cannot_be_read_waits_for_stage_2() {
    let shop = Shop::open();
    shop.pair("01_sweep", "DO $$ BEGIN EXECUTE 'DROP TABLE ' || 'x'; END $$", "SELECT 1");
    assert_eq!(waiting(&shop.run("stage1").expect(0)), [1]);
}

#[test]
fn a_late_migration_is_refused_and_let_in_by_a_flag() {
    let shop = three_tables();
    shop.remove("02_create_b");
    shop.run("stage1").expect(0);
    shop.pair("02_create_b", "CREATE TABLE b (id int)", "DROP TABLE b");
    let before = shop.database.dump();
    let run = shop.run("stage1").refused(1, "stage-out-of-order");
    assert_eq!(run.notes(), ["nothing-changed"]);
    assert_eq!(run.hints(), ["stage-out-of-order-renumber-hint", "stage-out-of-order-flag-hint"]);
    assert_eq!(shop.database.dump(), before);
    assert_eq!(applied(&shop.run("stage1 --out-of-order").expect(0)), [2]);
    assert_eq!(shop.applied(), [1, 3, 2]);
    // A rollback follows the order of application, not of the numbers.
    let undone = shop.run("rollback before_schema_add --yes").expect(0).json()["undone"].clone();
    assert_eq!(undone, serde_json::json!([2, 3, 1]));
}

#[test]
fn a_stage_1_can_stop_early_and_go_on() {
    let shop = three_tables();
    let run = shop.run("stage1 --to 2").expect(0);
    assert_eq!((applied(&run), waiting(&run)), (vec![1, 2], vec![3]));
    assert_eq!(run.json()["release"]["state"], "expanding");
    shop.run("deployed --version 1").refused(1, "release-not-now");
    assert_eq!(applied(&shop.run("stage1 --to 02").expect(0)), Vec::<i64>::new());
    assert_eq!(applied(&shop.run("stage1").expect(0)), [3]);
    shop.run("stage1 --to 9").refused(2, "stage-to-unknown");
    shop.run("stage1 --to two").refused(2, "number-unreadable");
    // One release, one automatic point, wherever it was stopped.
    assert_eq!(shop.count("lockkeeper.rollback_points"), 1);
    assert_eq!(shop.count("lockkeeper.releases"), 1);
}

#[test]
fn a_named_point_is_taken_beside_the_automatic_one() {
    let shop = three_tables();
    shop.run("stage1 --point before_schema_add").refused(2, "point-name-automatic");
    shop.run("stage1 --point \"my point\"").refused(2, "point-name-unfit");
    assert!(!shop.has_ledger());
    shop.run("stage1 --to 1").expect(0);
    shop.run("stage1 --point with_a").expect(0);
    let points = shop.database.query("SELECT name, after_seq FROM lockkeeper.rollback_points ORDER BY id");
    assert_eq!(points, [["before_schema_add", "0"], ["with_a", "1"]]);
    shop.run("rollback with_a --yes").expect(0);
    assert_eq!(shop.applied(), [1]);
}

// ── file order ─────────────────────────────────────────────────────────────────────────────────

#[test]
fn file_order_builds_an_unused_database_through_both_stages() {
    let shop = Shop::open();
    shop.customers();
    shop.pair("03_add_name_again", "ALTER TABLE customers ADD name text", "ALTER TABLE customers DROP name");
    assert_eq!(applied(&shop.run("stage1 --file-order").expect(0)), [1, 2, 3]);
    // Still unused: more of it.
    shop.pair("04_remove_email", "ALTER TABLE customers DROP email", "ALTER TABLE customers ADD email text");
    assert_eq!(applied(&shop.run("stage1 --file-order").expect(0)), [4]);
    shop.run("deployed --version 1").expect(0);
    // Something runs on it now.
    shop.pair("05_remove_name", "ALTER TABLE customers DROP name", "ALTER TABLE customers ADD name text");
    let before = shop.database.dump();
    let run = shop.run("stage1 --file-order").refused(1, "file-order-in-use");
    assert_eq!(run.notes(), ["nothing-changed"]);
    assert_eq!((shop.database.dump(), shop.applied()), (before, vec![1, 2, 3, 4]));
}

#[test]
fn file_order_is_refused_where_others_have_tables() {
    for foreign in
        ["CREATE TABLE theirs ()", "CREATE VIEW theirs AS SELECT 1", "CREATE SCHEMA s; CREATE TABLE s.theirs ()"]
    {
        let shop = Shop::open();
        shop.database.execute(foreign);
        shop.customers();
        shop.run("stage1 --file-order").refused(1, "file-order-in-use");
        assert!(!shop.has_ledger(), "{foreign}");
        // Without a stage 2 there are no gates to skip.
        shop.remove("02_remove_customers_name");
        shop.run("stage1 --file-order").expect(0);
    }
}

// ── nothing to do ──────────────────────────────────────────────────────────────────────────────

#[test]
fn with_nothing_to_do_nothing_is_written() {
    let shop = Shop::open();
    for command in ["stage1", "stage2", "status", "plan", "log", "log --verify", "deployed", "stage1 --file-order"] {
        shop.run(command).expect(0);
        assert!(!shop.has_ledger(), "{command}");
    }
    shop.run("rollback before_schema_add --yes").refused(1, "rollback-no-ledger");
    shop.run("approve stage2 --reason x --as a@b --key k --yes").expect(2);
    assert!(!shop.has_ledger());

    let shop = three_tables();
    shop.run("stage1").expect(0);
    let ledger =
        "SELECT (SELECT count(*) FROM lockkeeper.events), (SELECT term FROM lockkeeper.lease), pg_current_wal_lsn()";
    shop.database.execute("CHECKPOINT");
    let before = shop.database.query(ledger)[0][..2].to_vec();
    for command in ["stage1", "stage1 --to 3", "status", "plan", "log --verify"] {
        shop.run(command).expect(0);
        assert_eq!(shop.database.query(ledger)[0][..2], before, "{command}");
    }
    shop.say("stage1").expect(0).says(&["stage 1: nothing to do"]);
}

// ── transactions inside files ──────────────────────────────────────────────────────────────────

#[test]
fn begin_and_commit_in_a_file_do_not_split_it() {
    for bracketed in [
        "BEGIN;\nCREATE TABLE a (id int);\nCREATE TABLE b (id int);\nSELECT 1/0;\nCOMMIT;\n",
        "BEGIN;\nCREATE TABLE a (id int);\nCOMMIT;\nBEGIN TRANSACTION;\nCREATE TABLE b (id int);\nEND;\nSTART TRANSACTION;\nSELECT 1/0;\nCOMMIT WORK;",
        "CREATE TABLE a (id int);\nCOMMIT;\nSELECT 1/0;",
    ] {
        let shop = Shop::open();
        let before = shop.database.dump();
        shop.pair("01_change", bracketed, "SELECT 1");
        shop.run("stage1").refused(3, "migration-failed").sqlstate("22012");
        assert_eq!(shop.database.dump(), before, "{bracketed}");
        assert_eq!(shop.applied(), Vec::<i64>::new());
        shop.pair("01_change", &bracketed.replace("1/0", "1"), "SELECT 1");
        shop.run("stage1").expect(0);
        assert!(shop.exists("a"));
        assert_eq!(shop.applied(), [1]);
    }
}

#[test]
fn transaction_control_that_would_tear_the_record_off_is_refused() {
    for (sql, id) in [
        ("BEGIN;\nCREATE TABLE a (id int);", "statement-begin-without-commit"),
        ("CREATE TABLE a (id int);\nROLLBACK;", "statement-rollback"),
        ("CREATE TABLE a (id int);\nABORT;", "statement-rollback"),
        ("BEGIN ISOLATION LEVEL SERIALIZABLE;\nCREATE TABLE a (id int);\nCOMMIT;", "statement-transaction-modes"),
        ("CREATE TABLE a (id int);\nPREPARE TRANSACTION 'x';", "statement-transaction-modes"),
        ("CREATE TABLE a (id int);\nCOMMIT AND CHAIN;", "statement-transaction-modes"),
        ("CREATE TABLE a (id int);\nROLLBACK AND CHAIN;", "statement-rollback"),
    ] {
        let shop = Shop::open();
        shop.pair("01_change", sql, "SELECT 1");
        shop.run("stage1").refused(1, id);
        assert!(!shop.has_ledger() && !shop.exists("a"), "{sql}");
    }
}

#[test]
fn a_procedure_cannot_commit_behind_our_back() {
    let shop = Shop::open();
    shop.database.execute("CREATE PROCEDURE ends() LANGUAGE plpgsql AS 'BEGIN CREATE TABLE a (); COMMIT; END'");
    for sql in ["CALL ends();", "DO $$ BEGIN CREATE TABLE a (); COMMIT; END $$;"] {
        shop.pair("01_add_a", sql, "SELECT 1");
        shop.run("stage1").refused(3, "migration-failed").sqlstate("2D000");
        assert!(!shop.exists("a"), "{sql}");
        assert_eq!(shop.applied(), Vec::<i64>::new());
    }
}

#[test]
fn savepoints_may_be_used() {
    let shop = Shop::open();
    shop.pair(
        "01_create_a",
        "CREATE TABLE a (); SAVEPOINT s; CREATE TABLE b (); ROLLBACK TO s; RELEASE s",
        "DROP TABLE a",
    );
    shop.run("stage1").expect(0);
    assert!(shop.exists("a") && !shop.exists("b"));
}

#[test]
fn a_constraint_that_fails_only_at_commit_fails_the_migration() {
    let shop = Shop::open();
    let up = "CREATE TABLE a (id int PRIMARY KEY, b int REFERENCES a DEFERRABLE INITIALLY DEFERRED);\nINSERT INTO a VALUES (1, 2);";
    let before = shop.database.dump();
    shop.pair("01_create_a", up, "DROP TABLE a");
    shop.run("stage1").refused(3, "migration-failed").sqlstate("23503").at("migrations/01_create_a_up.sql");
    assert_eq!((shop.database.dump(), shop.applied()), (before, vec![]));
    shop.pair("01_create_a", &up.replace("(1, 2)", "(1, 1)"), "DROP TABLE a");
    shop.run("stage1").expect(0);
}

// ── what a migration sets for itself ───────────────────────────────────────────────────────────

#[test]
fn a_role_taken_in_a_migration_ends_with_it() {
    let shop = Shop::open();
    let role = format!("{}_owner", shop.database.name());
    shop.database.execute(&format!("CREATE ROLE {role}; GRANT CREATE ON SCHEMA public TO {role}"));
    for (n, take) in [(1, "SET ROLE"), (3, "SET SESSION AUTHORIZATION"), (5, "SET LOCAL ROLE")] {
        shop.pair(&format!("0{n}_create_a{n}"), &format!("{take} {role};\nCREATE TABLE a{n} ();"), "SELECT 1");
        shop.pair(&format!("0{}_create_b{n}", n + 1), &format!("CREATE TABLE b{n} ();"), "SELECT 1");
    }
    shop.pair("07_create_c", &format!("DO $$ BEGIN SET ROLE {role}; CREATE TABLE c7 (); END $$"), "SELECT 1");
    shop.pair("08_create_d", "CREATE TABLE d7 ();", "SELECT 1");
    shop.pair("09_create_e", &format!("SELECT set_config('role', '{role}', false); CREATE TABLE e7 ();"), "SELECT 1");
    shop.run("stage1").expect(0);
    let owners = shop
        .database
        .query("SELECT relname, relowner::regrole FROM pg_class WHERE relname ~ '^[a-e][0-9]$' ORDER BY relname");
    let theirs = ["a1", "a3", "a5", "c7", "e7"];
    for row in owners {
        let owner = if theirs.contains(&row[0].as_str()) { role.as_str() } else { "postgres" };
        assert_eq!(row[1], owner, "{}", row[0]);
    }
    assert_eq!(shop.applied(), [1, 2, 3, 4, 5, 6, 7, 8, 9]);
    shop.database.execute(&format!("DROP OWNED BY {role}; DROP ROLE {role}"));
}

#[test]
fn settings_of_a_migration_end_with_it() {
    let shop = Shop::open();
    // The only attempt waits as long as the settings say; the first of many is shorter.
    shop.project.write("lockkeeper.toml", "[limits]\nlock_attempts = 1\n");
    shop.pair(
        "01_create_a",
        "CREATE SCHEMA hidden; SET search_path = hidden; SET lock_timeout = 0; SET default_transaction_read_only = on; SET default_transaction_isolation = 'serializable'; CREATE TABLE a ();",
        "DROP SCHEMA hidden CASCADE",
    );
    shop.pair(
        "02_create_b",
        "CREATE TABLE b AS SELECT current_setting('search_path') AS path, current_setting('lock_timeout') AS patience, current_setting('transaction_isolation') AS isolation;",
        "DROP TABLE b",
    );
    shop.pair("03_create_c", "SELECT set_config('search_path', 'hidden', false); CREATE TABLE c ();", "SELECT 1");
    shop.pair("04_create_d", "SET search_path = ''; CREATE TABLE public.d ();", "SELECT 1");
    shop.pair("05_create_e", "CREATE TABLE e ();", "SELECT 1");
    shop.run("stage1").expect(0);
    assert_eq!(shop.database.query("SELECT * FROM b"), [["\"$user\", public", "2s", "read committed"]]);
    for relation in ["hidden.a", "public.b", "hidden.c", "public.d", "public.e"] {
        assert!(shop.exists(relation), "{relation}");
    }
}

#[test]
fn the_limits_hold_inside_a_migration_and_may_be_set_there() {
    let shop = Shop::open();
    shop.project.write(
        "lockkeeper.toml",
        "[limits]\nlock_timeout = \"1500ms\"\nlock_attempts = 1\nstatement_timeout = \"7s\"\n",
    );
    let see =
        "CREATE TABLE seen AS SELECT current_setting('lock_timeout') AS l, current_setting('statement_timeout') AS s;";
    shop.pair("01_create_seen", see, "DROP TABLE seen");
    shop.run("stage1").expect(0);
    assert_eq!(shop.database.query("SELECT * FROM seen"), [["1500ms", "7s"]]);
    shop.pair("02_slow", "SET LOCAL statement_timeout = '100ms'; SELECT pg_sleep(5);", "SELECT 1");
    shop.run("stage1").refused(3, "migration-failed").sqlstate("57014");
}

// ── failures ───────────────────────────────────────────────────────────────────────────────────

#[test]
fn a_table_that_exists_already_is_told_as_such() {
    let shop = Shop::open();
    shop.database.execute("CREATE TABLE a (theirs int)");
    let before = shop.database.dump();
    shop.pair("01_create_a", "CREATE TABLE b (id int);\nCREATE TABLE a (id int);", "DROP TABLE a; DROP TABLE b");
    let run = shop.run("stage1").refused(3, "migration-failed").sqlstate("42P07");
    let run = run.at("migrations/01_create_a_up.sql:2:1");
    assert_eq!(run.hints(), ["sqlstate-duplicate-hint", "after-failure-stage1-hint"]);
    assert_eq!((shop.database.dump(), shop.applied()), (before, vec![]));
}

#[test]
fn a_failing_statement_takes_its_whole_migration_with_it() {
    let shop = Shop::open();
    let before = shop.database.dump();
    shop.pair(
        "01_create_a",
        "CREATE TABLE a (id int);\nINSERT INTO a VALUES ('x');\nCREATE TABLE b (id int);",
        "DROP TABLE a",
    );
    shop.run("stage1").refused(3, "migration-failed").sqlstate("22P02").at("migrations/01_create_a_up.sql:2:23");
    assert_eq!((shop.database.dump(), shop.applied()), (before, vec![]));
    assert_eq!(shop.count("lockkeeper.migrations"), 0);
    assert_eq!(shop.run("status").expect(0).json()["release"]["state"], "expanding");
    shop.pair(
        "01_create_a",
        "CREATE TABLE a (id int);\nINSERT INTO a VALUES (1);\nCREATE TABLE b (id int);",
        "DROP TABLE a",
    );
    assert_eq!(applied(&shop.run("stage1").expect(0)), [1]);
    assert_eq!(shop.count("lockkeeper.releases"), 1);
    assert_eq!(shop.count("lockkeeper.rollback_points"), 1);
}

#[test]
fn a_failing_migration_keeps_those_before_it_and_stops_those_behind() {
    let shop = three_tables();
    shop.pair("02_create_b", "CREATE TABLE b (id no_such_type)", "DROP TABLE b");
    let run = shop.run("stage1").refused(3, "migration-failed");
    assert_eq!(run.notes(), ["transaction-rolled-back", "stage-progress"]);
    assert!(run.error()["notes"][1]["text"].as_str().unwrap().contains("1 of 3"), "{run}");
    assert_eq!(shop.applied(), [1]);
    assert!(shop.exists("a") && !shop.exists("c"));
    shop.pair("02_create_b", "CREATE TABLE b (id int)", "DROP TABLE b");
    assert_eq!(applied(&shop.run("stage1").expect(0)), [2, 3]);
    let failed = shop.database.value("SELECT payload FROM lockkeeper.events WHERE kind = 'migration_failed'");
    assert!(failed.contains("42704") && failed.contains("no_such_type"), "{failed}");
}

#[test]
fn a_lock_that_is_not_to_be_had_costs_the_attempts_and_nothing_else() {
    let shop = Shop::open();
    shop.project.write("lockkeeper.toml", "[limits]\nlock_timeout = \"50ms\"\nlock_attempts = 3\n");
    shop.database.execute("CREATE TABLE busy (id int)");
    shop.pair("01_add_note", "CREATE TABLE a ();\nALTER TABLE busy ADD note text;", "SELECT 1");
    let before = shop.database.dump();
    let reader = shop.database.session();
    reader.execute("BEGIN; SELECT * FROM busy");
    let run = shop.run("stage1").refused(4, "migration-failed").sqlstate("55P03");
    assert!(run.notes().contains(&"lock-budget-spent".to_owned()), "{run}");
    assert_eq!(run.stderr.matches("attempt ").count(), 2, "{run}");
    assert_eq!((shop.database.dump(), shop.applied()), (before, vec![]));
    reader.execute("COMMIT");
    shop.run("stage1").expect(0);
}
