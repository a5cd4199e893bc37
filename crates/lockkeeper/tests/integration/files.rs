//! What a migration's file can be, do and get wrong.

use std::fmt::Write;
use std::time::{Duration, Instant};

use crate::shop::Shop;

const DOWN: &str = "-- nothing to undo\n";

/// Nothing of the migration stands and nothing is recorded as applied.
#[track_caller]
fn left_alone(shop: &Shop, before: &str) {
    assert_eq!(shop.database.dump(), before);
    assert_eq!(shop.applied(), Vec::<i64>::new());
}

/// One migration with this text fails in the database, and its place is `line:column` of the file.
#[track_caller]
fn fails_at(up: &str, sqlstate: &str, at: &str) {
    let shop = Shop::open();
    let before = shop.database.dump();
    shop.pair("01_change", up, DOWN);
    let run = shop.run("stage1").refused(3, "migration-failed").sqlstate(sqlstate);
    run.at(&format!("migrations/01_change_up.sql:{at}"));
    left_alone(&shop, &before);
    assert_eq!(shop.count("lockkeeper.events WHERE kind = 'migration_failed'"), 1);
}

/// One migration with this text is refused before anything runs.
#[track_caller]
fn refused_at(up: &str, id: &str, at: &str) {
    let shop = Shop::open();
    shop.pair("01_change", up, DOWN);
    for command in ["plan", "stage1"] {
        shop.run(command).refused(1, id).at(&format!("migrations/01_change_up.sql{at}"));
    }
    assert!(!shop.has_ledger());
}

// ── places ─────────────────────────────────────────────────────────────────────────────────────

#[test]
fn a_syntax_error_shows_its_line_and_a_caret() {
    let shop = Shop::open();
    shop.pair(
        "01_create_boats",
        "CREATE TABLE boats (id int);\nALTER TABLE boats ADD COLUMN name text,, ADD sail text;\n",
        DOWN,
    );
    let run = shop.say("stage1").expect(1).says(&[
        "error: syntax error",
        "--> migrations/01_create_boats_up.sql:2:40",
        " 2 | ALTER TABLE boats ADD COLUMN name text,, ADD sail text;",
        "   |                                        ^",
    ]);
    assert_eq!(run.stdout, "", "errors are no data");
    shop.run("stage1").refused(1, "syntax-error").at("migrations/01_create_boats_up.sql:2:40");
    assert!(!shop.has_ledger() && !shop.exists("boats"));
}

#[test]
fn every_broken_file_is_told_at_once() {
    let shop = Shop::open();
    shop.pair("01_a", "CREATE TABEL a ();", DOWN).pair("02_b", "SELECT 1", DOWN).pair(
        "03_c",
        "SELEC 1",
        "DROP TABEL c",
    );
    let run = shop.run("stage1").refused(1, "syntax-error");
    let others = run.error()["others"].as_array().unwrap().clone();
    let paths: Vec<_> = others.iter().map(|other| other["place"]["path"].as_str().unwrap()).collect();
    assert_eq!(paths, ["migrations/03_c_up.sql", "migrations/03_c_down.sql"]);
}

#[test]
fn a_server_error_is_placed_in_the_middle_of_a_file() {
    let up = "CREATE TABLE a (id int);\nCREATE TABLE b (id int);\n\n-- why\nALTER TABLE a\n  ADD COLUMN x int,\n  ADD COLUMN y no_such_type;\nCREATE TABLE c (id int);\n";
    fails_at(up, "42704", "7:16");
}

#[test]
fn a_server_error_without_a_position_is_placed_at_its_statement() {
    fails_at("CREATE TABLE a (id int);\n\n  CREATE TABLE a (id int);", "42P07", "3:3");
}

#[test]
fn characters_count_and_not_bytes() {
    fails_at("-- 고객 이름\nCREATE TABLE a (이름 text);\nSELECT '가나다', 이름, 없다 FROM a;", "42703", "3:19");
    fails_at("SELECT '🚢', 'é', missing;", "42703", "1:18");
}

#[test]
fn carriage_returns_move_nothing() {
    fails_at("CREATE TABLE a (id int);\r\n\r\nSELECT 1,\r\n  missing FROM a;\r\n", "42703", "4:3");
    refused_at("CREATE TABLE a (id int);\r\nSELEC 1;\r\n", "syntax-error", ":2:1");
}

#[test]
fn a_byte_order_mark_moves_nothing() {
    fails_at("\u{feff}SELECT missing;\n", "42703", "1:8");
    refused_at("\u{feff}SELEC 1;\n", "syntax-error", ":1:1");
    let shop = Shop::open();
    shop.pair("01_create_a", "\u{feff}CREATE TABLE a (id int);\n", "\u{feff}DROP TABLE a;\n");
    shop.run("stage1").expect(0);
    shop.run("rollback before_schema_add --yes").expect(0);
    assert!(!shop.exists("a"));
}

#[test]
fn an_error_in_a_do_block_is_placed_inside_it() {
    // Found when the block is compiled: the server knows the place.
    fails_at("SELECT 1;\nDO $$\nBEGIN\n  RAISE NOTICE 'x';\n  missing := 1;\nEND\n$$;", "42601", "5:3");
    // Found while it runs: the server places it in the inner statement.
    fails_at(
        "SELECT 1;\nDO $$\nBEGIN\n  PERFORM 1;\n  ALTER TABLE\n    no_such_table ADD x int;\nEND\n$$;",
        "42P01",
        "5:3",
    );
    fails_at("SELECT 1;\nDO $$\nDECLARE n int;\nBEGIN\n  n := (SELECT 1 + missing);\nEND\n$$;", "42703", "5:20");
    // Only a line is known.
    fails_at("SELECT 1;\nDO $$\nBEGIN\n  PERFORM 1;\n  RAISE EXCEPTION 'no';\nEND\n$$;", "P0001", "5:3");
}

#[test]
fn the_servers_own_words_are_all_there() {
    let shop = Shop::open();
    shop.pair(
        "01_a",
        "DO $$ BEGIN RAISE EXCEPTION 'no' USING DETAIL = 'because', HINT = 'try', ERRCODE = 'AB123'; END $$",
        DOWN,
    );
    shop.say("stage1 --lang en").expect(3).says(&[
        "PostgreSQL: ERROR no (SQLSTATE AB123)",
        "PostgreSQL: DETAIL because",
        "PostgreSQL: HINT try",
        "PostgreSQL: CONTEXT PL/pgSQL function inline_code_block line 1 at RAISE",
        "hint: mend it, then run lockkeeper stage1 again",
    ]);
}

// ── the folder ─────────────────────────────────────────────────────────────────────────────────

#[test]
fn the_folder_itself_may_be_missing_or_empty() {
    let shop = Shop::open();
    shop.run("stage1").expect(0);
    shop.run("plan --migrations nowhere").refused(2, "folder-missing");
    assert!(!shop.has_ledger());
}

#[test]
fn an_empty_file_is_refused_and_named() {
    for empty in ["", " \n\t\n", "\u{feff}", "\u{feff}\r\n"] {
        refused_at(empty, "file-empty", "");
    }
    refused_at("-- only words\n", "file-without-statement", "");
    let shop = Shop::open();
    shop.pair("01_a", "SELECT 1", "");
    shop.run("stage1").refused(1, "file-empty").at("migrations/01_a_down.sql");
}

#[test]
fn half_a_pair_is_refused_and_the_other_half_named() {
    let shop = Shop::open();
    shop.file("007_add_a_up.sql", "SELECT 1");
    shop.run("stage1").refused(1, "file-pair-incomplete").at("migrations/007_add_a_up.sql");
    shop.say("stage1").expect(1).says(&["007_add_a_down.sql"]);
    let shop = Shop::open();
    shop.file("7_add_a.down.sql", "SELECT 1");
    shop.say("stage1").expect(1).says(&["7_add_a.up.sql"]);
}

#[test]
fn a_number_stands_once() {
    let shop = Shop::open();
    shop.pair("07_add_a", "SELECT 1", DOWN).pair("007_add_b", "SELECT 1", DOWN);
    shop.run("stage1").refused(1, "file-number-twice");
    shop.say("stage1").expect(1).says(&["07_add_a_up.sql", "007_add_b_up.sql"]);
    let shop = Shop::open();
    shop.pair("07_add_a", "SELECT 1", DOWN).file("07_add_a.up.sql", "SELECT 1").file("07_add_a.down.sql", "SELECT 1");
    shop.run("stage1").refused(1, "file-number-twice");
    let shop = Shop::open();
    shop.file("07_add_a_up.sql", "SELECT 1").file("07_add_aa_down.sql", "SELECT 1");
    shop.say("stage1").expect(0).says(&["07_add_a_up.sql", "07_add_aa_down.sql"]);
}

#[test]
fn files_that_are_no_text_are_refused_at_the_byte() {
    let shop = Shop::open();
    shop.pair("01_a", "SELECT 1", DOWN).bytes("01_a_up.sql", b"SELECT 1;\nSELECT 'caf\xe9';\n");
    shop.run("stage1").refused(1, "file-not-utf8").at("migrations/01_a_up.sql:2:12");
    shop.bytes("01_a_up.sql", b"SELECT 1;\nSELECT\0 2;\n");
    shop.run("stage1").refused(1, "file-zero-byte").at("migrations/01_a_up.sql:2:7");
    shop.bytes("01_a_up.sql", b"\xff\xfeS\0E\0L\0");
    shop.run("stage1").refused(1, "file-not-utf8").at("migrations/01_a_up.sql:1:1");
    assert!(!shop.has_ledger());
}

#[test]
fn a_folder_named_like_a_file_is_refused() {
    let shop = Shop::open();
    shop.file("01_a_down.sql", DOWN);
    std::fs::create_dir(shop.project.path().join("migrations/01_a_up.sql")).unwrap();
    shop.run("stage1").refused(1, "file-unreadable").at("migrations/01_a_up.sql");
}

#[test]
fn files_that_are_not_named_like_migrations_are_not_passed_over_in_silence() {
    for name in
        ["01_seed.sql", "01-add-a_up.sql", "add_a_up.sql", "01_add\"a_up.sql", "_up.sql", "01_up.sql", "x1_a_up.sql"]
    {
        let shop = Shop::open();
        shop.file(name, "SELECT 1");
        shop.run("stage1").refused(1, "file-name-unknown").at(&format!("migrations/{name}"));
    }
    let shop = Shop::open();
    shop.file("README.md", "about").file(".01_a_up.sql.swp", "x").file("01_a_up.sql~", "x");
    shop.run("stage1").expect(0);
}

#[test]
fn names_may_hold_spaces_quotes_and_any_script() {
    let shop = Shop::open();
    shop.pair("01_add it's a boat", "CREATE TABLE a (id int)", "DROP TABLE a");
    shop.pair("02_add_고객_이름", "CREATE TABLE b (id int)", "DROP TABLE b");
    shop.pair("03_add_$(touch x);--", "CREATE TABLE c (id int)", "DROP TABLE c");
    shop.run("stage1").expect(0);
    assert_eq!(shop.applied(), [1, 2, 3]);
    let names = shop.database.query("SELECT name FROM lockkeeper.migrations ORDER BY seq");
    assert_eq!(names, [["add it's a boat"], ["add_고객_이름"], ["add_$(touch x);--"]]);
    shop.say("status").expect(0).says(&["add it's a boat", "add_고객_이름"]);
    shop.run("rollback before_schema_add --yes").expect(0);
    assert_eq!(shop.applied(), Vec::<i64>::new());
}

#[test]
fn numbers_compare_as_numbers_whatever_their_width() {
    let shop = Shop::open();
    shop.pair("10_add_c", "ALTER TABLE b ADD c int", "ALTER TABLE b DROP c");
    shop.pair("9_create_b", "CREATE TABLE b (id int)", "DROP TABLE b");
    shop.pair("0008_create_a", "CREATE TABLE a (id int)", "DROP TABLE a");
    shop.pair("20261122093000_add_d", "ALTER TABLE b ADD d int", "ALTER TABLE b DROP d");
    shop.run("stage1").expect(0);
    assert_eq!(shop.applied(), [8, 9, 10, 20_261_122_093_000]);
}

#[test]
fn the_layout_with_dots_is_read_as_it_is() {
    let shop = Shop::open();
    shop.file("000001_create_a.up.sql", "CREATE TABLE a (id int)").file("000001_create_a.down.sql", "DROP TABLE a");
    shop.run("stage1").expect(0);
    assert!(shop.exists("a"));
    shop.run("rollback before_schema_add --yes").expect(0);
    assert!(!shop.exists("a"));
}

// ── what is no SQL for a server ────────────────────────────────────────────────────────────────

#[test]
fn commands_of_psql_are_named_for_what_they_are() {
    refused_at("CREATE TABLE a (id int);\n\\i other.sql\n", "syntax-psql-command", ":2:1");
    refused_at("\\set ON_ERROR_STOP on\nSELECT 1;\n", "syntax-psql-command", ":1:1");
    refused_at(
        "CREATE TABLE a (id int);\nCOPY a FROM STDIN;\n1\n2\n\\.\nSELEC 1;\n",
        "statement-copy-from-stdin",
        ":2:1",
    );
    refused_at("CREATE TABLE a (id int);\nCOPY a FROM STDIN;\n", "statement-copy-from-stdin", ":2:1");
    refused_at("ALTER TABLE {{ .Schema }}.a ADD b int;\n", "syntax-template", ":1:13");
}

#[test]
fn directives_that_mean_nothing_are_refused_at_their_word() {
    refused_at("-- lockkeeper: stag=2 reason=\"x\"\nSELECT 1;", "directive-unknown", ":1:16");
    refused_at("-- lockkeeper: stage=2\nSELECT 1;", "directive-reason-missing", ":1:16");
    refused_at("-- lockkeeper: stage=3 reason=\"x\"\nSELECT 1;", "directive-stage-value", ":1:16");
    refused_at("-- lockkeeper: stage=2 reason=\"x\" by=\"me\"\nSELECT 1;", "directive-key-unknown", ":1:35");
    refused_at("SELECT 1;\n-- lockkeeper: no-transaction\nSELECT 2;", "directive-too-late", ":2:1");
    refused_at("-- lockkeeper no-transaction\nSELECT 1;", "directive-without-colon", ":1:1");
}

// ── size ───────────────────────────────────────────────────────────────────────────────────────

#[test]
fn a_thousand_statements_in_one_file() {
    let shop = Shop::open();
    let mut up = String::new();
    for n in 1..=1_000 {
        writeln!(up, "CREATE TABLE t{n} (id bigint PRIMARY KEY);").unwrap();
    }
    shop.pair("01_create_many", &format!("{up}SELECT missing;\n"), DOWN);
    shop.run("stage1").refused(3, "migration-failed").at("migrations/01_create_many_up.sql:1001:8");
    assert!(!shop.exists("t1"));
    shop.pair("01_create_many", &up, DOWN);
    shop.run("stage1").expect(0);
    assert_eq!(shop.count("pg_class WHERE relname ~ '^t[0-9]+$'"), 1_000);
}

#[test]
fn a_seed_file_of_twenty_megabytes() {
    let shop = Shop::open();
    let mut up = "CREATE TABLE seed (id bigint, text text);\n".to_owned();
    let words = "lorem ipsum dolor sit amet ".repeat(34);
    let mut rows = 0;
    while up.len() < 20_000_000 {
        up.push_str("INSERT INTO seed VALUES\n");
        for _ in 0..100 {
            rows += 1;
            let end = if rows % 100 == 0 { ';' } else { ',' };
            writeln!(up, "  ({rows}, '{words}'){end}").unwrap();
        }
    }
    shop.pair("01_create_seed", &format!("{up}SELECT missing;\n"), "DROP TABLE seed;\n");
    let lines = up.lines().count();
    let began = Instant::now();
    shop.run("stage1").refused(3, "migration-failed").at(&format!("migrations/01_create_seed_up.sql:{}:8", lines + 1));
    assert!(!shop.exists("seed"));
    shop.pair("01_create_seed", &up, "DROP TABLE seed;\n");
    shop.run("stage1").expect(0);
    assert_eq!(shop.count("seed"), rows);
    assert!(began.elapsed() < Duration::from_mins(5), "{:?}", began.elapsed());
}

#[test]
fn five_thousand_pairs_are_read_in_one_pass() {
    let shop = Shop::open();
    for n in 1..=5_000 {
        shop.pair(
            &format!("{n:05}_create_t{n}"),
            &format!("CREATE TABLE t{n} (id int);\n"),
            &format!("DROP TABLE t{n};\n"),
        );
    }
    let plan = shop.run("plan").expect(0).json();
    assert_eq!(plan["migrations"].as_array().unwrap().len(), 5_000);
    assert_eq!(plan["migrations"][4_999]["number"], 5_000);
}
