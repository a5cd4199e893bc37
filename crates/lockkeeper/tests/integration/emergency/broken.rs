//! What still goes when the ledger is damaged, the configuration is broken, or the database is away.

use lockkeeper_engine::postgres::{PrivateServer, PrivateServerOptions, Shutdown};
use lockkeeper_testkit::Cluster;

use super::terminal::{ASKED, talk};
use super::{begun, emergency, frozen, frozen_on, report, settled};

#[test]
fn a_ledger_without_one_of_its_tables_leaves_the_schema_to_a_person() {
    let release = frozen();
    release.shop.database.execute("DROP TABLE lockkeeper.approvals CASCADE");
    let stopped = emergency(&release, "").refused(1, "emergency-left-to-you");
    assert_eq!(release.version(), "stopped", "the application needs no ledger: {stopped}");
    let by_hand = release.shop.say("emergency --yes --skip backup");
    assert!(by_hand.stderr.contains("psql -X -v ON_ERROR_STOP=1 --single-transaction"), "{by_hand}");
    assert!(by_hand.stderr.contains("01_add_full_name_down.sql"), "{by_hand}");
    let told = report(&release);
    assert!(told.contains("psql -X") && told.contains("42P01"), "{told}");
    // Somebody does as told, and the rest goes by itself.
    let line = by_hand.stderr.lines().find(|line| line.trim_start().starts_with("psql ")).unwrap().trim().to_owned();
    assert!(line.contains(release.shop.database.name()), "{line}");
    release.shop.database.execute("ALTER TABLE customers DROP COLUMN full_name");
    let answer = emergency(&release, "--previous 1 --skip backup --skip migrations").expect(0).json();
    assert!(settled(&answer).contains(&"app"));
    assert_eq!(release.version(), "1");
}

/// Nobody can say what is applied: what there is to run is named, and nothing of it is run.
#[test]
fn a_ledger_that_is_gone_leaves_the_files() {
    let release = frozen();
    release.shop.database.execute("DROP SCHEMA lockkeeper CASCADE");
    let run = emergency(&release, "--skip backup").refused(1, "emergency-left-to-you");
    let first = run.stderr.find("02_remove_name_down.sql").expect("the last migration is named");
    assert!(run.stderr[first..].contains("01_add_full_name_down.sql"), "the last one first: {run}");
    emergency(&release, "--previous 1 --skip backup --skip migrations").expect(0);
    assert_eq!((release.version().as_str(), release.columns().as_str()), ("1", "full_name id name"));
    assert!(!release.shop.has_ledger(), "none is made in passing");
}

/// The log tells what it was told, and that it was altered; the way back needs neither.
#[test]
fn a_broken_chain_keeps_nobody_from_going_back() {
    let release = frozen();
    release.shop.database.execute(
        "ALTER TABLE lockkeeper.events DISABLE TRIGGER ALL; UPDATE lockkeeper.events SET actor = 'nobody' WHERE seq = 2; \
         ALTER TABLE lockkeeper.events ENABLE TRIGGER ALL",
    );
    let run = release.shop.say("emergency --yes").expect(0);
    assert!(run.stderr.contains("the event log was altered"), "{run}");
    assert_eq!((release.state().as_str(), release.version().as_str()), ("rolled_back", "1"));
    assert!(report(&release).contains("altered"));
}

#[test]
fn a_newer_ledger_is_not_touched() {
    let release = frozen();
    release.shop.database.execute("INSERT INTO lockkeeper.ledger_versions (version, program) VALUES (999, '9.9')");
    emergency(&release, "--skip stop-app").refused(1, "emergency-left-to-you");
    let events = release.shop.count("lockkeeper.events WHERE kind LIKE 'emergency%'");
    emergency(&release, "--skip stop-app --skip backup --skip migrations --previous 1").expect(0);
    assert_eq!((release.version().as_str(), release.state().as_str()), ("1", "frozen"));
    assert!(report(&release).contains("999"));
    // What could be appended was; nothing else was changed.
    assert!(release.shop.count("lockkeeper.events WHERE kind LIKE 'emergency%'") >= events);
}

#[test]
fn a_configuration_that_is_half_broken_is_gone_on_with() {
    let release = frozen();
    let settings = release.shop.project.read("lockkeeper.toml");
    let broken =
        settings.replace("interval = \"1s\"", "intervall = \"1s\"").replace("[release]", "[release]\nwatch = [\n");
    release.shop.project.write("lockkeeper.toml", &format!("{broken}\n[helth]\nurl = \"http://user:hunter2@x/\"\n"));
    release.shop.run("status").expect(2);
    let run = emergency(&release, "").expect(0);
    assert_eq!((release.state().as_str(), release.version().as_str()), ("rolled_back", "1"), "{run}");
    assert!(run.stderr.contains("intervall") && !run.stderr.contains("hunter2"), "{run}");
    let told = report(&release);
    assert!(told.contains("intervall") && !told.contains("hunter2"), "{told}");
}

/// Without hooks nothing is done that nobody knows how to do.
#[test]
fn hooks_that_cannot_be_read_are_not_run() {
    let release = frozen();
    let settings = release.shop.project.read("lockkeeper.toml");
    let broken = settings.replace("[hooks.stop_app]\nrun = \"", "[hooks.stop_app]\nrun = ");
    release.shop.project.write("lockkeeper.toml", &broken);
    emergency(&release, "").refused(1, "emergency-left-to-you");
    assert!(release.calls().is_empty());
    assert_eq!(release.version(), "2");
}

/// The folder of migrations is gone: the scripts are those that were kept when they were applied.
#[test]
fn no_checkout_is_needed_for_the_way_back() {
    let release = frozen();
    std::fs::remove_dir_all(release.shop.project.path().join("migrations")).unwrap();
    emergency(&release, "").expect(0);
    assert_eq!((release.state().as_str(), release.columns().as_str()), ("rolled_back", "id name"));
}

/// The application goes back while the database is away; the schema follows when it answers again.
#[test]
fn a_database_that_is_away_is_come_back_to() {
    let options = PrivateServerOptions { binaries: Cluster::binaries_wanted(), ..PrivateServerOptions::default() };
    let mut server = PrivateServer::start(&options).unwrap();
    let release = frozen_on(Some(&server), "");
    server.stop(Shutdown::Fast).unwrap();
    let stopped = release.shop.run("emergency --yes --previous 1").refused(1, "emergency-left-to-you");
    assert!(stopped.stderr.contains("psql -X"), "{stopped}");
    assert_eq!(release.version(), "stopped");
    let dark = super::report(&release);
    assert!(dark.contains("emergency\\_step\\_ended") && dark.contains("psql "), "{dark}");
    server.restart().unwrap();
    release.expire();
    let answer = emergency(&release, "").expect(0).json();
    assert_eq!(settled(&answer), ["stop-app", "backup", "migrations", "app", "health"]);
    assert_eq!((release.state().as_str(), release.version().as_str()), ("rolled_back", "1"));
    assert_eq!(release.calls(), ["stop stop_app", "backup made", "rollback 1"], "it is stopped once");
    // What waited on disk is in the log now, once.
    assert_eq!(begun(&release, "stop-app"), 1);
    release.shop.run("log --verify").expect(0);
}

/// Whoever leaves the schema out because the database is away is asked for it again when it is there.
#[test]
fn what_the_database_kept_from_being_done_is_asked_for_again() {
    let options = PrivateServerOptions { binaries: Cluster::binaries_wanted(), ..PrivateServerOptions::default() };
    let mut server = PrivateServer::start(&options).unwrap();
    let release = frozen_on(Some(&server), "");
    server.stop(Shutdown::Fast).unwrap();
    let mut talk = talk(&release, "emergency --previous 1 --skip health");
    talk.answer(ASKED, 1, "y");
    talk.answer("done? [y = yes", 1, "s");
    talk.answer("done? [y = yes", 2, "s");
    talk.answer(ASKED, 2, "y");
    let (code, said) = talk.end();
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("still to be done: backup, migrations"), "{said}");
    assert_eq!((release.version().as_str(), release.calls().len()), ("1", 2));
    server.restart().unwrap();
    release.expire();
    assert_eq!((release.state().as_str(), release.columns().as_str()), ("frozen", "full_name id name"));
    emergency(&release, "").expect(0);
    assert_eq!((release.state().as_str(), release.columns().as_str()), ("rolled_back", "id name"));
    assert_eq!(release.calls(), ["stop stop_app", "rollback 1", "backup made"]);
}
