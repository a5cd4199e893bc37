//! The way through the steps: whole, from any of them, and after being killed between them.

use super::{HOOKS, begun, emergency, frozen, report, reports, settled};
use crate::release::Release;
use crate::shop::wait_until;

#[test]
fn a_frozen_release_is_taken_back_and_the_application_serves_again() {
    let mut release = frozen();
    let answer = emergency(&release, "").expect(0).json();
    assert_eq!(settled(&answer), ["stop-app", "backup", "migrations", "app", "health"]);
    assert_eq!((release.state().as_str(), release.version().as_str()), ("rolled_back", "1"));
    assert_eq!(release.columns(), "id name");
    assert_eq!(release.calls(), ["stop stop_app", "backup made", "rollback 1"]);
    release.shop.run("log --verify").expect(0);
    assert_eq!(release.shop.count("lockkeeper.backups"), 1);
    let told = report(&release);
    for part in ["checkout fails", "rolled\\_back", "emergency\\_step\\_ended", "- [ ]"] {
        assert!(told.contains(part), "{part} is not in the report:\n{told}");
    }
    // From now on everything is answered; before, only the stop was in the way.
    let before = release.begin_traffic();
    assert!(before.failures.iter().all(|(_, said)| said.contains("no version \"stopped\"")), "{before:?}");
    std::thread::sleep(std::time::Duration::from_millis(500));
    let after = release.seen();
    assert!(after.requests > 0 && after.failures.is_empty(), "{after:?}");
    // It is over: the next one begins.
    emergency(&release, "").refused(1, "emergency-back-already");
    let settings = release.shop.project.read("lockkeeper.toml").replace("test $LOCKKEEPER_VERSION = 1", "true");
    release.shop.project.write("lockkeeper.toml", &settings);
    release.start("2").expect(0);
    assert_eq!(release.state(), "awaiting_approval");
}

#[test]
fn it_is_entered_at_any_step() {
    for (from, calls, columns, version, state) in [
        ("stop-app", &["stop stop_app", "backup made", "rollback 1"][..], "id name", "1", "rolled_back"),
        ("backup", &["backup made", "rollback 1"][..], "id name", "1", "rolled_back"),
        ("migrations", &["rollback 1"][..], "id name", "1", "rolled_back"),
        ("app", &["rollback 1"][..], "full_name id name", "1", "rolled_back"),
        ("health", &[][..], "full_name id name", "2", "frozen"),
    ] {
        let release = frozen();
        emergency(&release, &format!("--from {from}")).expect(0);
        let found = (release.columns(), release.version(), release.state());
        assert_eq!((found.0.as_str(), found.1.as_str(), found.2.as_str()), (columns, version, state), "from {from}");
        assert_eq!(release.calls(), calls, "from {from}");
    }
}

#[test]
fn what_is_skipped_is_left_as_it_is() {
    let release = frozen();
    emergency(&release, "--skip stop-app --skip backup --skip migrations").expect(0);
    assert_eq!((release.columns().as_str(), release.version().as_str()), ("full_name id name", "1"));
    assert_eq!(release.state(), "rolled_back");
    assert_eq!(release.calls(), ["rollback 1"]);
}

/// Killed while a hook runs, it goes on with that step under the same key, and does none again that is done: whether
/// the journal of this machine is there or not.
#[test]
fn killed_in_the_middle_it_goes_on_here_and_elsewhere() {
    for elsewhere in [false, true] {
        let release = frozen();
        let settings = release.shop.project.read("lockkeeper.toml");
        let slow =
            "echo slow $LOCKKEEPER_IDEMPOTENCY_KEY >> calls; sleep 30; echo rollback $LOCKKEEPER_VERSION >> calls";
        release.shop.project.write("lockkeeper.toml", &settings.replace(super::MENDED, slow));
        let first = release.shop.start("emergency --yes --reason first");
        wait_until("the application goes back", || release.calls().iter().any(|call| call.starts_with("slow")));
        first.signal("KILL");
        drop(first);
        assert_eq!((release.state().as_str(), release.columns().as_str()), ("rolling_back", "id name"));
        release.expire();
        release
            .shop
            .project
            .write("lockkeeper.toml", &settings.replace(super::MENDED, &slow.replace("sleep 30", "true")));
        let mut again = release.shop.command("--json emergency --yes --resume");
        if elsewhere {
            again.env("XDG_STATE_HOME", release.shop.project.path().join("elsewhere"));
        }
        let answer = crate::shop::Shop::finish(again).expect(0).json();
        assert_eq!(settled(&answer), ["stop-app", "backup", "migrations", "app", "health"], "elsewhere: {elsewhere}");
        assert_eq!((release.state().as_str(), release.version().as_str()), ("rolled_back", "1"));
        let calls = release.calls();
        let slow: Vec<_> = calls.iter().filter(|call| call.starts_with("slow")).collect();
        assert!(slow.len() == 2 && slow[0] == slow[1], "{calls:?}");
        assert_eq!((begun(&release, "stop-app"), begun(&release, "migrations"), begun(&release, "app")), (1, 1, 2));
        release.shop.run("emergency --yes --resume").refused(1, "emergency-nothing-to-resume");
        release.shop.run("log --verify").expect(0);
    }
}

/// Whatever moment it dies in, running it again comes to the same end.
#[test]
fn killed_at_any_moment_it_comes_to_the_same_end() {
    for moment in [40, 110, 180, 260, 350, 460] {
        let release = frozen();
        let first = release.shop.start("emergency --yes");
        std::thread::sleep(std::time::Duration::from_millis(moment));
        first.signal("KILL");
        drop(first);
        release.expire();
        // When it had come to its end, there is nothing left to go back from.
        let again = emergency(&release, "");
        let is_over = again.code == Some(1) && again.error()["id"] == "emergency-back-already";
        assert!(again.code == Some(0) || is_over, "after {moment} ms: {again}");
        let found = (release.state(), release.columns(), release.version());
        assert_eq!((found.0.as_str(), found.1.as_str(), found.2.as_str()), ("rolled_back", "id name", "1"));
        release.shop.run("log --verify").expect(0);
    }
}

/// A driver that goes on with what an emergency left goes on with its way back.
#[test]
fn a_driver_goes_on_with_what_was_left() {
    let release = frozen();
    let settings = release.shop.project.read("lockkeeper.toml");
    let broken = settings.replace("command = [\"sh\", \"-c\", \"", "command = [\"sh\", \"-c\", \"exit 1; ");
    release.shop.project.write("lockkeeper.toml", &broken);
    let failed = emergency(&release, "").expect(3);
    assert!(failed.hints().contains(&"next-emergency".to_owned()), "{failed}");
    assert_eq!((release.state().as_str(), release.version().as_str()), ("rolling_back", "stopped"));
    release.shop.project.write("lockkeeper.toml", &settings);
    let end = release.resume().expect(5).json();
    assert_eq!(end["end"], "rolled_back");
    assert_eq!((release.columns().as_str(), release.version().as_str()), ("id name", "1"));
}

#[test]
fn a_release_that_somebody_drives_is_not_taken() {
    let slow = "[hooks.wait_deployed]\nrun = \"sleep 3\"\n";
    let release = Release::unwatched(None, slow);
    let driven = release.begin("2");
    release.wait_for("deploying");
    emergency(&release, "").refused(4, "emergency-driven");
    driven.wait().expect(0);
    assert_eq!(release.state(), "awaiting_approval");
    assert!(reports(&release).is_empty());
    // Now it waits for a person, and nobody drives it.
    emergency(&release, "--skip stop-app --skip backup").expect(0);
    assert_eq!((release.state().as_str(), release.columns().as_str()), ("rolled_back", "id name"));
}

/// What stage 2 removed does not come back: that has to be said, and so has how far a completed release goes back.
#[test]
fn past_stage_2_it_goes_only_when_told() {
    let hooks = HOOKS.replace("test $LOCKKEEPER_VERSION = 1", "true");
    let release = Release::unwatched(None, &hooks);
    release.start("2").expect(0);
    release.approve();
    release.resume().expect(0);
    assert_eq!((release.state().as_str(), release.columns().as_str()), ("completed", "full_name id"));
    emergency(&release, "").refused(2, "emergency-completed");
    let refused = emergency(&release, "--to before_schema_add").refused(1, "emergency-past-stage2");
    assert_eq!(refused.hints()[0], "emergency-past-stage2-hint");
    assert_eq!(release.columns(), "full_name id");
    emergency(&release, "--to before_schema_add --past-stage2").expect(0);
    assert_eq!((release.state().as_str(), release.columns().as_str()), ("rolled_back", "id name"));
    assert_eq!(release.version(), "1");
}

/// Stages by hand leave nobody who drives, and no journal of tasks.
#[test]
fn a_release_by_hand_is_taken_back_as_well() {
    let release = Release::unwatched(None, HOOKS);
    release.shop.run("stage1").expect(0);
    release.shop.run("deployed --version 2").expect(0);
    emergency(&release, "").refused(1, "emergency-left-to-you");
    emergency(&release, "--previous 1").expect(0);
    assert_eq!((release.state().as_str(), release.columns().as_str()), ("rolled_back", "id name"));
    assert_eq!(release.version(), "1");
}

#[test]
fn two_do_not_go_through_it_at_once() {
    let release = frozen();
    let settings = release.shop.project.read("lockkeeper.toml");
    release.shop.project.write("lockkeeper.toml", &settings.replace(super::MENDED, "sleep 3; true"));
    let first = release.shop.start("emergency --yes");
    wait_until("the schema is back", || release.columns() == "id name");
    let second = emergency(&release, "").expect(4);
    assert!(["emergency-busy", "emergency-driven"].contains(&second.error()["id"].as_str().unwrap()), "{second}");
    first.wait().expect(0);
}
