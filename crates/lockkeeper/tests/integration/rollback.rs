//! The way back to a rollback point.

use crate::shop::{Run, Shop};

const YES: &str = "rollback before_schema_add --yes";

/// The numbers that a rollback says it undid, in that order.
#[track_caller]
fn undone(run: &Run) -> Vec<i64> {
    run.json()["undone"].as_array().unwrap().iter().map(|number| number.as_i64().unwrap()).collect()
}

/// Three tables, each referring to the one before, so that only the reverse order takes them down.
fn chain() -> Shop {
    let shop = Shop::open();
    shop.pair("01_create_a", "CREATE TABLE a (id int PRIMARY KEY)", "DROP TABLE a");
    shop.pair("02_create_b", "CREATE TABLE b (id int PRIMARY KEY REFERENCES a)", "DROP TABLE b");
    shop.pair("03_create_c", "CREATE TABLE c (id int PRIMARY KEY REFERENCES b)", "DROP TABLE c");
    shop
}

#[test]
fn it_goes_back_in_reverse_and_leaves_the_schema_as_it_was() {
    let shop = chain();
    let before = shop.database.dump();
    shop.run("stage1").expect(0);
    let run = shop.run(&format!("{YES} --reason \"checkout fails\"")).expect(0);
    assert_eq!(undone(&run), [3, 2, 1]);
    assert_eq!(run.json()["release"]["state"], "rolled_back");
    assert_eq!((shop.database.dump(), shop.applied()), (before, vec![]));
    // Nothing is forgotten: rows, events, who and why.
    assert_eq!(shop.count("lockkeeper.migrations WHERE state = 'rolled_back'"), 3);
    let started = shop.database.value("SELECT payload FROM lockkeeper.events WHERE kind = 'rollback_started'");
    assert!(started.contains("checkout fails") && started.contains("before_schema_add"), "{started}");
    shop.say("log").expect(0).says(&["migration_rolled_back", "checkout fails"]);
    shop.run("log --verify").expect(0);
    // A second one has nothing to do.
    assert_eq!(undone(&shop.run(YES).expect(0)), Vec::<i64>::new());
}

#[test]
fn stage_1_runs_again_after_a_rollback() {
    let shop = chain();
    shop.run("stage1").expect(0);
    let up = shop.database.dump();
    shop.run(YES).expect(0);
    // Mended in between: nothing is applied, so nothing drifts.
    shop.pair("03_create_c", "CREATE TABLE c (id int PRIMARY KEY REFERENCES b)\n;", "DROP TABLE c");
    shop.run("stage1").expect(0);
    assert_eq!((shop.database.dump(), shop.applied()), (up, vec![1, 2, 3]));
    assert_eq!(shop.count("lockkeeper.releases"), 2);
    assert_eq!(undone(&shop.run(YES).expect(0)), [3, 2, 1]);
}

#[test]
fn a_named_point_is_gone_back_to_and_later_ones_lead_nowhere() {
    let shop = chain();
    shop.run("stage1 --to 1 --point empty").expect(0);
    shop.run("stage1 --to 2 --point with_a").expect(0);
    shop.run("stage1 --point with_b").expect(0);
    assert_eq!(undone(&shop.run("rollback with_a --yes").expect(0)), [3, 2]);
    let run = shop.run("rollback with_b --yes").refused(1, "rollback-point-unknown");
    assert!(run.to_string().contains("with_a") && run.to_string().contains("empty"), "{run}");
    assert_eq!(shop.applied(), [1]);
    assert_eq!(undone(&shop.run("rollback empty --yes").expect(0)), [1]);
}

#[test]
fn each_release_has_its_own_point_of_the_name() {
    let shop = chain();
    shop.remove("03_create_c");
    shop.run("stage1").expect(0);
    shop.run("deployed").expect(0);
    shop.pair("03_create_c", "CREATE TABLE c (id int PRIMARY KEY REFERENCES b)", "DROP TABLE c");
    shop.run("stage1").expect(0);
    assert_eq!(undone(&shop.run(YES).expect(0)), [3]);
    assert_eq!(shop.applied(), [1, 2]);
}

#[test]
fn an_unknown_point_lists_those_there_are() {
    let shop = chain();
    shop.run("rollback nowhere --yes").refused(1, "rollback-no-ledger");
    shop.run("stage1 --point mine").expect(0);
    let run = shop.run("rollback nowhere --yes").refused(1, "rollback-point-unknown");
    assert_eq!(run.hints(), ["rollback-points-hint"]);
    assert!(run.to_string().contains("mine") && run.to_string().contains("before_schema_add"), "{run}");
    shop.run("rollback \"no where\" --yes").refused(2, "point-name-unfit");
    shop.run("rollback before_field_remove --yes").refused(1, "rollback-point-unknown");
}

#[test]
fn without_a_terminal_it_wants_a_yes() {
    let shop = chain();
    shop.run("stage1").expect(0);
    let before = (shop.database.dump(), shop.events());
    let run = shop.run("rollback before_schema_add").refused(2, "rollback-needs-yes");
    assert_eq!(run.notes(), ["nothing-changed"]);
    let run = shop.say("rollback before_schema_add").expect(2);
    // What would be undone was shown all the same.
    run.says(&["03 create_c", "DROP TABLE c", "DROP TABLE a"]);
    assert_eq!((shop.database.dump(), shop.events()), before);
}

// ── whose down script ──────────────────────────────────────────────────────────────────────────

#[test]
fn the_down_of_back_then_runs_whatever_the_checkout_holds() {
    let shop = chain();
    let before = shop.database.dump();
    shop.run("stage1").expect(0);
    shop.file("03_create_c_down.sql", "SELECT no_such_column");
    shop.remove("02_create_b");
    std::fs::remove_dir_all(shop.project.path().join("migrations")).unwrap();
    assert_eq!(undone(&shop.run(YES).expect(0)), [3, 2, 1]);
    assert_eq!(shop.database.dump(), before);
}

#[test]
fn a_down_that_fails_half_way_keeps_its_migration_and_those_undone_before() {
    let shop = chain();
    let broken = "ALTER TABLE b DROP COLUMN id;\nSELECT no_such_column;\nDROP TABLE b;\n";
    shop.file("02_create_b_down.sql", broken);
    shop.run("stage1").expect(0);
    let run = shop.run(YES).refused(3, "undo-failed").sqlstate("42703").at("migrations/02_create_b_down.sql:2:8");
    assert_eq!(run.notes(), ["transaction-rolled-back", "rollback-progress"]);
    assert_eq!(run.hints(), ["rollback-failed-hint"]);
    assert_eq!(shop.applied(), [1, 2]);
    assert!(!shop.exists("c"));
    assert_eq!(shop.count("pg_attribute WHERE attrelid = 'b'::regclass AND attname = 'id'"), 1, "the column is back");
    assert_eq!(shop.run("status").expect(0).json()["release"]["state"], "rolling_back");
    // Neither stage may run in the middle of a way back.
    for command in ["stage1", "stage1 --file-order"] {
        assert_eq!(shop.run(command).refused(1, "release-not-now").hints(), ["next-rollback"]);
    }
    assert_eq!(shop.applied(), [1, 2]);
    // The ledger's copy is still the broken one.
    shop.file("02_create_b_down.sql", "DROP TABLE b");
    shop.run(YES).refused(3, "undo-failed");
    assert_eq!(undone(&shop.run(&format!("{YES} --down-from-files")).expect(0)), [2, 1]);
    assert!(!shop.exists("a"));
    assert_eq!(shop.run("status").expect(0).json()["release"]["state"], "rolled_back");
}

#[test]
fn down_from_files_wants_the_files() {
    let shop = chain();
    shop.run("stage1").expect(0);
    shop.remove("02_create_b");
    shop.run(&format!("{YES} --down-from-files")).refused(1, "rollback-file-missing");
    assert_eq!(shop.applied(), [1, 2, 3], "nothing was begun");
}

#[test]
fn a_broken_down_script_is_found_before_the_first_statement() {
    let shop = chain();
    shop.run("stage1").expect(0);
    shop.file("01_create_a_down.sql", "DROP TABEL a");
    shop.run(&format!("{YES} --down-from-files")).expect(1);
    assert_eq!(shop.applied(), [1, 2, 3]);
}

#[test]
fn a_down_that_cannot_run_in_a_transaction_is_done_step_by_step() {
    let shop = Shop::open();
    shop.pair(
        "01_create_a",
        "CREATE TABLE a (id int); CREATE INDEX by_id ON a (id)",
        "-- lockkeeper: no-transaction\nDROP INDEX CONCURRENTLY by_id;\nDROP TABLE a;\n",
    );
    let before = shop.database.dump();
    shop.run("stage1").expect(0);
    let reader = shop.database.session();
    shop.project.write("lockkeeper.toml", "[limits]\nlock_timeout = \"50ms\"\nlock_attempts = 2\n");
    shop.database.execute("CREATE VIEW depends AS SELECT 1");
    reader.execute("CREATE VIEW needs_a AS SELECT id FROM a");
    shop.run(YES).refused(3, "undo-failed").sqlstate("2BP01");
    assert!(!shop.exists("by_id") && shop.exists("a"));
    // The views are none of ours, and said to be so.
    assert_eq!(shop.run("status").expect(1).json()["migrations"][0]["state"], "incomplete");
    reader.execute("DROP VIEW needs_a, depends");
    shop.run(YES).expect(0);
    assert_eq!((shop.database.dump(), shop.applied()), (before, vec![]));
}

#[test]
fn an_empty_down_is_told_and_recorded() {
    let shop = Shop::open();
    shop.pair("01_create_a", "CREATE TABLE a (id int)", "-- cannot be undone\n");
    shop.run("stage1").expect(0);
    shop.say("rollback before_schema_add --yes --lang en").expect(0).says(&["the down script holds no statement"]);
    assert_eq!(shop.applied(), Vec::<i64>::new());
    assert!(shop.exists("a"));
}

// ── stage 2 ────────────────────────────────────────────────────────────────────────────────────

/// Through stage 2, and a stage 1 behind it.
fn past_stage_2() -> Shop {
    let shop = Shop::awaiting_approval();
    shop.admin();
    shop.database.execute("INSERT INTO customers VALUES (1, 'Ada', 'a@b')");
    shop.approve().expect(0);
    shop.run("stage2").expect(0);
    shop
}

#[test]
fn what_stage_2_removed_is_not_brought_back_by_itself() {
    let shop = past_stage_2();
    let before = (shop.database.dump(), shop.events());
    for point in ["before_schema_add", "before_field_remove"] {
        let run = shop.run(&format!("rollback {point} --yes")).refused(1, "rollback-past-stage2");
        assert_eq!(run.notes(), ["rollback-past-stage2-why"]);
        assert_eq!(run.hints().len(), 3, "{run}");
    }
    shop.say("rollback before_schema_add --yes").expect(1).says(&["02 remove_customers_name"]);
    assert_eq!((shop.database.dump(), shop.events()), before);
}

#[test]
fn whoever_accepts_the_loss_may_go_past_stage_2() {
    let shop = past_stage_2();
    let run =
        shop.run("rollback before_field_remove --yes --past-stage2 --reason \"the data is in the backup\"").expect(0);
    assert_eq!(undone(&run), [2]);
    assert_eq!(shop.database.query("SELECT id, name FROM customers"), [["1", "NULL"]]);
    let started = shop.database.value("SELECT payload FROM lockkeeper.events WHERE kind = 'rollback_started'");
    assert!(started.contains("\"past_stage2\":true") && started.contains("the data is in the backup"), "{started}");
    assert_eq!(undone(&shop.run(YES).expect(0)), [1]);
    assert!(!shop.exists("customers"));
}

#[test]
fn a_stage_1_behind_stage_2_is_undone_without_passing_it() {
    let shop = past_stage_2();
    shop.pair("03_add_phone", "ALTER TABLE customers ADD phone text", "ALTER TABLE customers DROP phone");
    shop.run("stage1").expect(0);
    assert_eq!(undone(&shop.run(YES).expect(0)), [3]);
    assert_eq!(shop.applied(), [1, 2]);
}
