//! What the incident report tells, and what it must never tell.

use super::{emergency, frozen, frozen_on, report, reports};
use crate::shop::{Shop, wait_until};

/// Names, reasons and what programs say can hold anything.
const HOSTILE: &str = "x|y `z` <img src=x onerror=alert(1)> [a](http://b) ```";

#[test]
fn nothing_in_it_becomes_markup() {
    let release = frozen();
    let settings = release.shop.project.read("lockkeeper.toml");
    release.shop.project.write("hostile", HOSTILE);
    release.shop.project.write("lockkeeper.toml", &settings.replace(super::MENDED, "cat hostile >&2; exit 9"));
    let mut command = release.shop.command("--json emergency --yes --reason");
    command.arg(HOSTILE).env("LOCKKEEPER_ACTOR", "<script>|`o`");
    Shop::finish(command).expect(3);
    let told = report(&release);
    let bare = told.replace("\\\\", "").replace("\\<", "").replace("\\]", "").replace("\\`", "");
    for part in ["<img", "<script", "](http", "`z`", "`o`"] {
        assert!(!bare.contains(part), "{part} stands in the report:\n{told}");
    }
    assert!(told.contains("\\<img src=x onerror=alert\\(1\\)\\>"), "{told}");
    // A row of a table has as many cells as its heading, whatever stands in it.
    let mut cells = 0;
    for line in told.lines() {
        let bars = line.replace("\\|", "").matches('|').count();
        match (line.starts_with('|'), cells) {
            (true, 0) => cells = bars,
            (true, cells) => assert_eq!(bars, cells, "{line}\n{told}"),
            (false, _) => cells = 0,
        }
    }
}

/// Passwords, tokens, and the values that stand in other people's statements.
#[test]
fn no_secret_and_no_value_is_in_it() {
    let release = frozen();
    let settings = release.shop.project.read("lockkeeper.toml");
    let leaks = "echo $SHOP_TOKEN >&2; echo token=$SHOP_TOKEN; exit 9";
    release.shop.project.write("lockkeeper.toml", &settings.replace(super::MENDED, leaks));
    let held = release.shop.database.session();
    held.execute("BEGIN; UPDATE customers SET name = 'Kim Minji 555-0199' WHERE id = 7");
    let mut command = release.shop.command("--json emergency --yes --skip migrations");
    command.env("SHOP_TOKEN", "hunter2-hunter2").env("DB_PASSWORD", "s3cr3t-s3cr3t");
    let run = Shop::finish(command).expect(3);
    let told = report(&release);
    for secret in ["hunter2", "s3cr3t", "Minji", "0199"] {
        assert!(!told.contains(secret) && !run.stderr.contains(secret), "{secret} is told:\n{told}\n{run}");
    }
    assert!(told.contains("UPDATE customers SET name = ? WHERE id = ?"), "{told}");
    assert!(told.contains("\\*\\*\\*"), "{told}");
}

/// Who holds the lock that the way back waits for is in the report of its failure.
#[test]
fn who_stands_in_the_way_is_told() {
    let release = frozen_on(None, "[limits]\nlock_timeout = \"300ms\"\nlock_attempts = 2\n");
    let held = release.shop.database.session();
    held.execute("BEGIN; SELECT count(*) FROM customers");
    let failed = emergency(&release, "--skip stop-app --skip backup").expect(4);
    assert_eq!(failed.error()["server"]["sqlstate"], "55P03", "{failed}");
    let told = report(&release);
    for part in ["55P03", "01_add_full_name_down.sql:1", "idle in transaction", "SELECT count(*) FROM customers"] {
        assert!(told.contains(part), "{part} is not in it:\n{told}");
    }
    drop(held);
    emergency(&release, "--skip stop-app --skip backup").expect(0);
    assert_eq!(release.columns(), "id name");
}

/// The file, the line, the SQLSTATE and the words of what failed before anybody was called.
#[test]
fn the_sql_that_failed_is_told_with_its_place() {
    let release = crate::release::Release::unwatched(None, super::HOOKS);
    release.shop.pair(
        "03_add_age",
        "-- The age of a customer.\nALTER TABLE customers ADD COLUMN age int;\nSELECT 'Kim 42'::int;\n",
        "ALTER TABLE customers DROP COLUMN age;\n",
    );
    release.start("2").expect(5);
    release.shop.run("emergency --report-only").expect(0);
    let told = report(&release);
    assert!(told.contains("`migrations/03_add_age_up.sql:3:8`") && told.contains("`22P02`"), "{told}");
    assert!(told.contains("invalid input syntax for type integer: ?") && !told.contains("Kim"), "{told}");
}

/// Looking changes nothing, and needs no more than the right to read.
#[test]
fn the_report_alone_only_reads() {
    let release = frozen();
    release.shop.database.execute(
        "CREATE ROLE incident_reader LOGIN; GRANT USAGE ON SCHEMA lockkeeper TO incident_reader; \
         GRANT SELECT ON ALL TABLES IN SCHEMA lockkeeper TO incident_reader",
    );
    let before = (release.shop.count("lockkeeper.events"), release.state());
    let mut command = release.shop.command("--json emergency --report-only --report night.md");
    command.env("DB_USER", "incident_reader");
    let answer = Shop::finish(command);
    release.shop.database.execute("DROP OWNED BY incident_reader; DROP ROLE incident_reader");
    let path = answer.expect(0).json()["report"].as_str().unwrap().to_owned();
    assert_eq!((release.shop.count("lockkeeper.events"), release.state()), before);
    assert!(release.calls().is_empty() && reports(&release).is_empty());
    let told = release.shop.project.read(&path);
    for part in ["frozen", "deploy", "dev\\@shop.example", "release\\_frozen", "Recovery", "lockkeeper verify"] {
        assert!(told.contains(part), "{part} is not in it:\n{told}");
    }
    release.shop.run("emergency --report-only --report night.md").refused(2, "emergency-report-exists");
}

#[test]
fn it_is_written_in_the_readers_language_and_read_by_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let release = frozen();
    release.shop.say("emergency --report-only --lang ko").expect(0);
    let told = report(&release);
    assert!(told.contains("사고 보고서") && told.contains("복구"), "{told}");
    let path = release.shop.project.path().join(&reports(&release)[0]);
    assert_eq!(std::fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600);
}

/// What was measured stands beside its bound.
#[test]
fn what_was_measured_is_in_it() {
    let release = crate::release::Release::open().patient();
    let settings = release.shop.project.read("lockkeeper.toml");
    release.shop.project.write("lockkeeper.toml", &settings.replace(super::MENDED, super::BROKEN));
    release.start("bad").expect(3);
    wait_until("it is frozen", || release.state() == "frozen");
    release.shop.project.write("lockkeeper.toml", &settings);
    release.shop.run("emergency --report-only").expect(0);
    let told = report(&release);
    assert!(told.contains("\"threshold\": \"5 %\""), "the bound is not in it:\n{told}");
    assert!(told.contains("\"errors\"") || told.contains("errors"), "{told}");
    assert!(told.contains("unhealthy") || told.contains("not well"), "{told}");
}
