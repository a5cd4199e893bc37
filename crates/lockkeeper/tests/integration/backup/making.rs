//! A backup of one moment, restored and compared.

use std::sync::atomic::{AtomicBool, Ordering};

use lockkeeper_testkit::execute;
use serde_json::json;

use super::yard::{ODD, Yard};
use crate::shop::Shop;

#[test]
fn a_backup_holds_everything_and_is_proven_by_its_restore() {
    let yard = Yard::open();
    yard.shop.database.execute(ODD);
    let made = yard.create("--jobs 3");
    assert_eq!((&made["id"], &made["kind"]), (&json!(1), &json!("pg_dump")));
    assert!(made["size_bytes"].as_u64().unwrap() > 0 && made["rows"].as_u64().unwrap() > 370, "{made}");
    let proven = yard.verify("").expect(0).json();
    assert_eq!(
        (&proven["verdict"], &proven["how"], &proven["recorded"]),
        (&json!("pass"), &json!("rows"), &json!(true))
    );
    assert_eq!(proven["findings"]["rows"], made["rows"], "{proven}");
    let listed = &yard.list()[0];
    assert_eq!((&listed["state"], &listed["verified"]["verdict"]), (&json!("present"), &json!("pass")), "{listed:#}");
    assert!(listed["wal_position"].as_str().unwrap().contains('/') && listed["age_s"].as_u64().unwrap() < 600);
    let events = yard.shop.events();
    assert!(events.ends_with(&["backup_made".to_owned(), "backup_verified".to_owned()]), "{events:?}");
    yard.shop.run("log --verify").expect(0);
    // Nothing of the restore is left on the server.
    let left = "SELECT count(*) FROM pg_database WHERE datname ~ '^lockkeeper_shadow_.*backup' AND NOT EXISTS ( \
                SELECT FROM pg_locks WHERE locktype = 'advisory' AND objid::text = split_part(datname, '_', 3))";
    assert_eq!(yard.shop.database.value(left), "0");
}

#[test]
fn a_private_server_restores_it_too_and_counting_is_enough_when_asked() {
    let yard = Yard::open();
    yard.shop.database.execute(ODD);
    yard.create("--counts-only");
    let run = yard.shop.run("backup verify 1 --counts-only").expect(0);
    assert_eq!((&run.json()["verdict"], &run.json()["how"]), (&json!("pass"), &json!("counts")), "{run}");
    // For people, in both languages.
    let said = yard.shop.say("backup list").expect(0);
    assert!(said.stdout.contains("present") && said.stdout.contains("counts"), "{said}");
    let said = yard.shop.say("--lang ko backup list").expect(0);
    assert!(said.stdout.contains("있음"), "{said}");
}

#[test]
fn what_is_written_meanwhile_is_in_neither_or_in_both() {
    let yard = Yard::open();
    yard.shop.database.execute(
        "CREATE TABLE ledger_of_boats (id bigserial PRIMARY KEY, pad text); CREATE TABLE second (id bigint);
         INSERT INTO ledger_of_boats (pad) SELECT repeat('x', 400) FROM generate_series(1, 20000);",
    );
    let (target, done) = (yard.shop.database.target(), AtomicBool::new(false));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            // Both tables in one transaction each time: their rows agree at every moment.
            while !done.load(Ordering::Relaxed) {
                execute(
                    &target,
                    "BEGIN; INSERT INTO second SELECT nextval('ledger_of_boats_id_seq'); \
                     UPDATE ledger_of_boats SET pad = pad || 'y' WHERE id % 100 = 7; \
                     INSERT INTO ledger_of_boats (pad) VALUES ('late'); COMMIT",
                );
            }
        });
        let made = yard.create("");
        done.store(true, Ordering::Relaxed);
        assert!(made["rows"].as_u64().unwrap() >= 20_000, "{made}");
    });
    let run = yard.verify("").expect(0);
    assert_eq!(run.json()["how"], "rows", "{run}");
}

#[test]
fn the_newest_is_verified_unless_one_is_named() {
    let yard = Yard::open();
    yard.create("");
    yard.shop.database.execute("CREATE TABLE later (id int)");
    yard.create("");
    assert_eq!(yard.verify("").expect(0).json()["id"], 2);
    assert_eq!(yard.verify("1").expect(0).json()["id"], 1);
    yard.verify("9").refused(2, "backup-unknown");
    let ids: Vec<i64> = yard.list().iter().map(|it| it["id"].as_i64().unwrap()).collect();
    assert_eq!(ids, [2, 1]);
}

#[test]
fn a_folder_is_proven_without_its_database() {
    let yard = Yard::open();
    yard.shop.database.execute(ODD);
    let made = yard.create("");
    let moved = yard.shop.project.path().join("elsewhere");
    std::fs::rename(made["location"].as_str().unwrap(), &moved).unwrap();
    assert_eq!(yard.list()[0]["state"], "gone");
    yard.verify("1").refused(1, "backup-folder-missing");
    // With its number it is held against the ledger and recorded, without one it stands for itself.
    let run = yard.verify(&format!("1 --folder {}", moved.display())).expect(0);
    assert_eq!(run.json()["recorded"], true, "{run}");
    let mut command =
        yard.shop.command(&format!("--json backup verify --folder {} --shadow-url {}", moved.display(), yard.url()));
    for name in ["DB_HOST", "DB_PORT", "DB_NAME", "DB_USER"] {
        command.env_remove(name);
    }
    let run = Shop::finish(command).expect(0);
    assert_eq!((&run.json()["verdict"], &run.json()["recorded"]), (&json!("pass"), &json!(false)), "{run}");
}

#[test]
fn listing_writes_nothing_and_needs_no_ledger() {
    let yard = Yard::open();
    assert_eq!(yard.list().len(), 0);
    assert!(!yard.shop.has_ledger());
    yard.create("");
    yard.shop
        .database
        .execute(&format!("ALTER DATABASE {} SET default_transaction_read_only = on", yard.shop.database.name()));
    assert_eq!(yard.list().len(), 1);
}

#[test]
fn another_encoding_is_restored_as_it_was() {
    let yard = Yard::open();
    for (encoding, bytes) in [("LATIN1", "E'\\xe9'"), ("SQL_ASCII", "E'\\xe9\\xff'")] {
        let name = format!("{}_{}", yard.shop.database.name(), encoding.to_lowercase());
        let kind = format!("ENCODING '{encoding}' LC_COLLATE 'C' LC_CTYPE 'C'");
        yard.shop.database.execute(&format!("CREATE DATABASE {name} TEMPLATE template0 {kind}"));
        execute(
            &yard.shop.database.target().with_database(&name),
            // Converted by nobody on the way: the bytes are made on the server.
            &format!(
                "CREATE TABLE bytes (t text); INSERT INTO bytes VALUES (convert_from({bytes}::bytea, '{encoding}'))"
            ),
        );
        let run = |line: &str| {
            let mut command = yard.shop.command(&format!("--json {line}"));
            command.env("DB_NAME", &name);
            Shop::finish(command)
        };
        run("backup create").expect(0);
        let proven = run(&format!("backup verify --shadow-url {}", yard.url())).expect(0);
        assert_eq!(proven.json()["how"], "rows", "{encoding}\n{proven}");
        yard.shop.database.execute(&format!("DROP DATABASE {name} WITH (FORCE)"));
    }
}
