//! Files that differ from what was applied, and databases older than the files.

use crate::shop::Shop;

/// Two applied migrations.
fn applied() -> Shop {
    let shop = Shop::open();
    shop.pair("01_create_a", "CREATE TABLE a (id int)", "DROP TABLE a");
    shop.pair("02_create_b", "CREATE TABLE b (id int)", "DROP TABLE b");
    shop.run("stage1").expect(0);
    shop
}

/// Every command that could act on the files refuses, names the file, and changes nothing.
#[track_caller]
fn refused(shop: &Shop, id: &str, path: Option<&str>, state: &str) {
    shop.pair("03_create_c", "CREATE TABLE c (id int)", "DROP TABLE c");
    let before = (shop.database.dump(), shop.events().len());
    for command in ["plan", "stage1", "stage1 --file-order", "stage1 --out-of-order", "stage2"] {
        let run = shop.run(command).refused(1, id);
        if let Some(path) = path {
            run.at(path);
        }
    }
    let status = shop.run("status").expect(1).json();
    assert_eq!(status["problems"][0]["id"], id);
    assert_eq!(status["problems"][0]["path"].as_str(), path);
    let files: Vec<_> = status["migrations"].as_array().unwrap().iter().filter_map(|it| it["file"].as_str()).collect();
    assert!(files.contains(&state), "{status:#}");
    let said = shop.say("status").expect(1);
    if let Some(path) = path {
        said.says(&[path]);
    }
    assert_eq!((shop.database.dump(), shop.events().len()), before);
}

#[test]
fn a_changed_file() {
    let shop = applied();
    shop.file("01_create_a_up.sql", "CREATE TABLE a (id int, more int)");
    refused(&shop, "drift-changed", Some("migrations/01_create_a_up.sql"), "changed");
    // One blank is a change: a checksum is of bytes.
    shop.file("01_create_a_up.sql", "CREATE TABLE a (id int) ");
    shop.run("stage1").refused(1, "drift-changed");
    shop.file("01_create_a_up.sql", "CREATE TABLE a (id int)");
    shop.run("stage1").expect(0);
}

#[test]
fn a_file_that_got_other_line_ends_on_checkout() {
    let shop = Shop::open();
    shop.pair("01_create_a", "CREATE TABLE a (\n  id int\n);\n", "DROP TABLE a");
    shop.run("stage1").expect(0);
    shop.file("01_create_a_up.sql", "CREATE TABLE a (\r\n  id int\r\n);\r\n");
    shop.run("stage1").refused(1, "drift-changed").at("migrations/01_create_a_up.sql");
}

#[test]
fn a_renamed_pair() {
    let shop = applied();
    shop.rename("01_create_a_up.sql", "01_create_aa_up.sql").rename("01_create_a_down.sql", "01_create_aa_down.sql");
    refused(&shop, "drift-renamed", Some("migrations/01_create_aa_up.sql"), "renamed");
}

#[test]
fn a_renumbered_pair() {
    let shop = applied();
    shop.rename("02_create_b_up.sql", "05_create_b_up.sql").rename("02_create_b_down.sql", "05_create_b_down.sql");
    refused(&shop, "drift-renumbered", Some("migrations/05_create_b_up.sql"), "renumbered");
    assert_eq!(shop.applied(), [1, 2]);
}

#[test]
fn two_pairs_that_changed_places() {
    let shop = applied();
    for direction in ["up", "down"] {
        shop.rename(&format!("01_create_a_{direction}.sql"), "kept.txt");
        shop.rename(&format!("02_create_b_{direction}.sql"), &format!("01_create_b_{direction}.sql"));
        shop.rename("kept.txt", &format!("02_create_a_{direction}.sql"));
    }
    shop.run("stage1").expect(1);
    assert_eq!(shop.applied(), [1, 2]);
}

#[test]
fn a_missing_pair() {
    let shop = applied();
    shop.remove("01_create_a");
    refused(&shop, "drift-missing", None, "missing");
    shop.say("stage1").expect(1).says(&["01 create_a"]);
}

#[test]
fn a_changed_down_is_told_and_stops_nothing() {
    let shop = applied();
    shop.file("02_create_b_down.sql", "DROP TABLE b CASCADE");
    shop.pair("03_create_c", "CREATE TABLE c (id int)", "DROP TABLE c");
    shop.say("stage1").expect(0).says(&["migrations/02_create_b_down.sql differs"]);
    let status = shop.run("status").expect(0).json();
    assert_eq!(status["migrations"][1]["file"], "down_changed");
    assert_eq!(shop.applied(), [1, 2, 3]);
}

#[test]
fn every_drift_is_told_at_once() {
    let shop = applied();
    shop.file("01_create_a_up.sql", "CREATE TABLE a (other int)")
        .file("02_create_b_up.sql", "CREATE TABLE b (other int)");
    let run = shop.run("stage1").refused(1, "drift-changed");
    assert_eq!(run.error()["others"][0]["place"]["path"], "migrations/02_create_b_up.sql");
}

#[test]
fn a_database_restored_from_an_older_backup_catches_up() {
    let shop = Shop::open();
    shop.pair("01_create_a", "CREATE TABLE a (id int)", "DROP TABLE a");
    shop.run("stage1").expect(0);
    shop.run("deployed --version 1").expect(0);
    let backup = shop.database.copy();
    shop.pair("02_create_b", "CREATE TABLE b (id int)", "DROP TABLE b");
    shop.pair("03_create_c", "CREATE TABLE c (id int)", "DROP TABLE c");
    shop.run("stage1").expect(0);
    let ahead = shop.database.dump();

    let restored = Shop::on(backup);
    restored.pair("01_create_a", "CREATE TABLE a (id int)", "DROP TABLE a");
    restored.pair("02_create_b", "CREATE TABLE b (id int)", "DROP TABLE b");
    restored.pair("03_create_c", "CREATE TABLE c (id int)", "DROP TABLE c");
    let status = restored.run("status").expect(0).json();
    let states: Vec<_> =
        status["migrations"].as_array().unwrap().iter().map(|it| it["state"].as_str().unwrap()).collect();
    assert_eq!(states, ["applied", "pending", "pending"]);
    restored.run("log --verify").expect(0);
    restored.run("stage1").expect(0);
    assert_eq!(restored.database.dump(), ahead);
}

#[test]
fn a_checkout_older_than_the_database_is_refused_and_can_still_roll_back() {
    let shop = applied();
    shop.remove("02_create_b");
    shop.run("stage1").refused(1, "drift-missing");
    shop.run("rollback before_schema_add --yes").expect(0);
    assert!(!shop.exists("a") && !shop.exists("b"));
    shop.run("status").expect(0);
}
