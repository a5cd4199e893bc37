//! Releases that go back by themselves.

use std::time::{Duration, SystemTime};

use super::Release;

#[test]
fn a_version_that_fails_is_rolled_back_by_itself() {
    let mut release = Release::open().patient();
    let end = release.start("bad").expect(5).json();
    assert_eq!((end["end"].as_str(), end["cause"].as_str()), (Some("rolled_back"), Some("unhealthy")));
    assert_eq!((release.state().as_str(), release.version().as_str()), ("rolled_back", "1"));
    assert_eq!(release.calls(), ["deploy bad", "rollback 1"]);
    // Whoever is still being failed is seen.
    std::thread::sleep(Duration::from_secs(1));
    let seen = release.seen();
    let last = seen.failures.iter().map(|(at, _)| *at).max().expect("the code was broken");
    let breach = release.seconds("SELECT at FROM lockkeeper.events WHERE kind = 'health_breach'");
    let last = last.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs_f64();
    assert!(last < breach + 5.0, "clients were failed for {:.1} s after the breach", last - breach);
    let end = release.seconds("SELECT max(at) FROM lockkeeper.events WHERE kind = 'release_state'");
    let hooks: f64 = release
        .shop
        .database
        .value("SELECT sum((evidence::json ->> 'took_ms')::numeric) / 1000 FROM lockkeeper.release_tasks WHERE task IN ('rollback_app', 'wait_rolled_back')")
        .parse()
        .unwrap();
    let own = end - breach - hooks;
    assert!(own < 2.0, "it took {own:.3} s by itself");
    release.shop.run("release resume").refused(1, "journey-nothing");
}

#[test]
fn a_deploy_that_fails_brings_the_old_code_back() {
    let mut release = Release::with("[hooks.wait_deployed]\nrun = \"test $LOCKKEEPER_VERSION = 1\"\n");
    let end = release.start("2").expect(5).json();
    assert_eq!(end["cause"], "deploy_failed");
    assert_eq!((release.state().as_str(), release.version().as_str()), ("rolled_back", "1"));
    let seen = release.seen();
    assert!(seen.failures.is_empty(), "{seen:?}");
}

#[test]
fn a_deploy_that_dies_brings_the_old_code_back() {
    let mut release = Release::open();
    let settings = release.shop.project.read("lockkeeper.toml");
    // It has put half of it in place.
    let dies = settings.replace("mv next version\"\n[hooks.rollback_app]", "kill -9 $$\"\n[hooks.rollback_app]");
    assert_ne!(dies, settings);
    release.shop.project.write("lockkeeper.toml", &dies);
    let end = release.start("2").expect(5).json();
    assert_eq!(end["cause"], "deploy_failed");
    assert!(end["evidence"]["status"].as_str().is_some_and(|status| status.contains('9')), "{end}");
    assert_eq!((release.state().as_str(), release.version().as_str()), ("rolled_back", "1"));
    let seen = release.seen();
    assert!(seen.failures.is_empty(), "{seen:?}");
}

#[test]
fn a_migration_that_fails_leaves_nothing_behind() {
    let release = Release::open();
    release.shop.pair("03_add_orders", "CREATE TABLE orders (id bigint REFERENCES nowhere);\n", "DROP TABLE orders;\n");
    let end = release.start("2").expect(5).json();
    assert_eq!(end["cause"], "migration_failed");
    assert_eq!((release.state().as_str(), release.version().as_str()), ("rolled_back", "1"));
    assert!(release.calls().is_empty());
}

#[test]
fn going_back_that_fails_freezes_and_says_so() {
    let release = Release::open().patient();
    let settings =
        release.shop.project.read("lockkeeper.toml").replace("echo rollback $LOCKKEEPER_VERSION >> calls", "exit 7");
    release.shop.project.write("lockkeeper.toml", &settings);
    let end = release.start("bad").expect(3).json();
    assert_eq!((end["end"].as_str(), release.state().as_str()), (Some("frozen"), "frozen"));
    release.shop.run("release resume").expect(3);
}

#[test]
fn an_abort_takes_it_back_whether_somebody_drives_it_or_not() {
    let release = Release::open();
    release.start("2").expect(0);
    let end = release.shop.run("release abort --reason \"wrong build\"").expect(5).json();
    assert_eq!(end["cause"], "aborted");
    assert_eq!((release.state().as_str(), release.version().as_str()), ("rolled_back", "1"));

    let driven = Release::open();
    let first = driven.begin("2");
    driven.wait_for("watching");
    driven.shop.run("release abort --reason \"wrong build\"").expect(0);
    let end = first.wait().expect(5).json();
    assert_eq!(end["cause"], "aborted");
    assert_eq!((driven.state().as_str(), driven.version().as_str()), ("rolled_back", "1"));
}

/// Whoever was killed in the middle of something is gone; another process, from another folder, goes on.
#[test]
fn killed_in_any_state_it_is_resumed_elsewhere() {
    for state in ["deploying", "watching"] {
        let slow = "[hooks.wait_deployed]\nrun = \"sleep 1\"\n";
        let mut release = Release::with(slow);
        let first = release.begin("2");
        release.wait_for(state);
        first.signal("KILL");
        drop(first);
        release.expire();
        // From wherever it is called, hooks run in the project's folder.
        let config = release.shop.project.path().join("lockkeeper.toml");
        let mut elsewhere = release.shop.command(&format!("--json release resume --config {}", config.display()));
        elsewhere.current_dir("/");
        crate::shop::Shop::finish(elsewhere).expect(0);
        assert_eq!(release.state(), "awaiting_approval", "killed while {state}");
        let seen = release.seen();
        assert!(seen.failures.is_empty(), "killed while {state}: {seen:?}");
    }
}

#[test]
fn a_deploy_that_hangs_is_ended_with_all_that_it_started() {
    let release = Release::open();
    let settings = release.shop.project.read("lockkeeper.toml");
    let hangs = "[hooks.deploy]\ntimeout = \"1s\"\nrun = \"sleep 4242 & sleep 4242; ";
    release.shop.project.write("lockkeeper.toml", &settings.replace("[hooks.deploy]\nrun = \"", hangs));
    let end = release.start("2").expect(5).json();
    assert_eq!((end["cause"].as_str(), release.version().as_str()), (Some("deploy_failed"), "1"));
    assert_eq!(end["evidence"]["timed_out_s"], 1);
    let left = std::process::Command::new("pgrep").args(["-f", "sleep 4242"]).output().unwrap();
    assert!(left.stdout.is_empty(), "{left:?}");
}

/// What stage 2 has removed does not come back: nothing is touched, and a person is called.
#[test]
fn a_breach_after_stage_2_freezes_what_cannot_go_back() {
    let release = Release::open();
    // A breach ends it: it may take its time on a busy machine.
    let settings = release.shop.project.read("lockkeeper.toml").replace("settle = \"8s\"", "settle = \"60s\"");
    release.shop.project.write("lockkeeper.toml", &settings);
    release.start("late").expect(0);
    release.approve();
    let end = release.resume().expect(1).json();
    assert_eq!((end["end"].as_str(), end["cause"].as_str()), (Some("frozen"), Some("unhealthy")));
    assert_eq!((release.state().as_str(), release.version().as_str()), ("frozen", "late"));
    assert_eq!(release.calls(), ["deploy late"], "the old code could not run either");
    assert_eq!(release.status()["journey"]["back"]["class"], "freeze");
}

#[test]
fn by_hand_nothing_is_undone_under_whoever_drives_it() {
    let release = Release::with("[hooks.wait_deployed]\nrun = \"sleep 60\"\n");
    let driven = release.begin("2");
    release.wait_for("deploying");
    release.shop.run("rollback before_schema_add --yes").refused(4, "journey-busy");
    assert_eq!(release.columns(), "full_name id name");
    driven.signal("KILL");
    drop(driven);
    release.expire();
    release.shop.run("rollback before_schema_add --yes").expect(0);
    assert_eq!((release.state().as_str(), release.columns().as_str()), ("rolled_back", "id name"));
}

/// Whoever resumes it does not call it rolled back.
#[test]
fn what_is_half_undone_by_hand_is_finished_by_hand() {
    let release = Release::unwatched(None, "");
    release.shop.pair("00_add_notes", "CREATE TABLE notes (id bigint PRIMARY KEY);\n", "DROP TABLE notes;\n");
    release.start("2").expect(0);
    let held = release.shop.database.session();
    held.execute("BEGIN; SELECT count(*) FROM notes");
    release.expire();
    let settings = release.shop.project.read("lockkeeper.toml");
    let limits = "\n[limits]\nlock_timeout = \"100ms\"\nlock_attempts = 1\n";
    release.shop.project.write("lockkeeper.toml", &format!("{settings}{limits}"));
    release.shop.run("rollback before_schema_add --yes").expect(4);
    assert_eq!((release.state().as_str(), release.columns().as_str()), ("rolling_back", "id name"));
    release.resume().refused(1, "journey-back-by-hand");
    assert_eq!(release.state(), "rolling_back");
    drop(held);
    release.shop.run("rollback before_schema_add --yes").expect(0);
    assert_eq!((release.state().as_str(), release.shop.exists("notes")), ("rolled_back", false));
}

/// What a hook says is kept without the passwords that it says.
#[test]
fn no_password_that_a_hook_says_is_kept() {
    let release = Release::with("[hooks.wait_deployed]\nrun = \"echo $SHOP_TOKEN; echo $SHOP_TOKEN >&2; exit 1\"\n");
    let mut command = release.shop.command("--json release start --version 2 --previous 1");
    command.env("SHOP_TOKEN", "hunter2-hunter2");
    let run = crate::shop::Shop::finish(command).expect(3);
    let everything = format!("{run} {}", release.status());
    assert!(everything.contains("***") && !everything.contains("hunter2"), "{everything}");
    let kept = release.shop.database.value(
        "SELECT string_agg(t.evidence, ' ') || coalesce((SELECT string_agg(e.payload, ' ') FROM lockkeeper.events e), '') \
         FROM lockkeeper.release_tasks t",
    );
    assert!(kept.contains("***") && !kept.contains("hunter2"), "{kept}");
}

/// What the new code wrote before it failed is gone with its column, and there again with the next release.
#[test]
fn what_the_new_code_wrote_is_there_again_with_the_next_release() {
    let mut release = Release::open().patient();
    let preview = release.shop.say("plan --lang en").expect(0);
    assert!(preview.to_string().contains("kept and put back"), "{preview}");
    let first = release.begin("bad");
    release.wait_for("watching");
    // Every kind of row: written, set to nothing, changed twice, new.
    release.shop.database.execute(
        "UPDATE customers SET full_name = 'Ada ' || id WHERE id % 2 = 0; UPDATE customers SET full_name = 'Grace' WHERE id = 4; \
         INSERT INTO customers (id, full_name) VALUES (101, E'\\u00e9 \\t \\\\ \\'new\\'')",
    );
    let written = || release.shop.database.query("SELECT id, name, full_name FROM customers ORDER BY id");
    let before = written();
    let run = first.wait().expect(5);
    let end = run.json();
    assert_eq!((end["cause"].as_str(), end["class"].as_str()), (Some("unhealthy"), Some("app + schema")), "{run}");
    assert!(run.to_string().contains("is kept, and put back"), "the preview says it: {run}");
    assert_eq!((release.columns().as_str(), release.version().as_str()), ("id name", "1"));
    let kept = release.shop.run("status").expect(0).json()["salvages"].clone();
    assert_eq!((kept[0]["table"].as_str(), kept[0]["rows"].as_i64()), (Some("public.customers"), Some(101)));
    let settings = release.shop.project.read("lockkeeper.toml").replace("\"60s\"", "\"8s\"");
    release.shop.project.write("lockkeeper.toml", &settings);
    release.start("2").expect(0);
    assert_eq!((release.state().as_str(), written()), ("awaiting_approval", before));
    let kept = release.shop.run("status").expect(0).json()["salvages"].clone();
    assert_eq!(kept[0]["returned"]["rows"], 101);
    let seen = release.seen();
    assert!(!seen.failures.is_empty(), "the code was broken");
    let undefined: Vec<_> = seen.failures.iter().filter(|(_, said)| said.contains("full_name")).collect();
    assert!(undefined.is_empty(), "no request met a column that was not there: {undefined:?}");
}

#[test]
fn what_cannot_be_kept_stays_with_its_schema() {
    let release = Release::open().patient();
    release.shop.database.execute("ALTER TABLE customers DROP CONSTRAINT customers_pkey");
    let run = release.start("bad").expect(5);
    let end = run.json();
    assert_eq!((end["cause"].as_str(), end["class"].as_str()), (Some("unhealthy"), Some("app only")), "{run}");
    assert!(run.to_string().contains("no primary key"), "{run}");
    assert_eq!((release.columns().as_str(), release.version().as_str()), ("full_name id name", "1"));
}
