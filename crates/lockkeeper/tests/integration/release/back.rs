//! Releases that go back by themselves.

use super::Release;

#[test]
fn a_version_that_fails_is_rolled_back_by_itself() {
    let mut release = Release::open();
    let end = release.start("bad").expect(5).json();
    assert_eq!((end["end"].as_str(), end["cause"].as_str()), (Some("rolled_back"), Some("unhealthy")));
    assert_eq!((release.state().as_str(), release.version().as_str()), ("rolled_back", "1"));
    assert_eq!(release.calls(), ["deploy bad", "rollback 1"]);
    let seen = release.seen();
    assert!(!seen.failures.is_empty(), "the code was broken");
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
    let release = Release::open();
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
        release.resume().expect(0);
        assert_eq!(release.state(), "awaiting_approval", "killed while {state}");
        let seen = release.seen();
        assert!(seen.failures.is_empty(), "killed while {state}: {seen:?}");
    }
}
