//! Releases that nothing happens to, and what stands in the way of one.

use super::Release;

#[test]
fn a_release_goes_through_both_gates_and_no_request_fails() {
    let mut release = Release::open();
    let waits = release.start("2").expect(0).json();
    assert_eq!((waits["end"].as_str(), release.state().as_str()), (Some("waits"), "awaiting_approval"));
    assert_eq!((release.version().as_str(), release.columns().as_str()), ("2", "full_name id name"));
    // Nobody has approved yet: going on is refused, and nothing moves.
    release.resume().expect(1);
    assert_eq!(release.state(), "awaiting_approval");
    release.approve();
    let end = release.resume().expect(0).json();
    assert_eq!(end["end"], "completed");
    assert_eq!((release.state().as_str(), release.columns().as_str()), ("completed", "full_name id"));
    assert_eq!(release.calls(), ["deploy 2"]);
    let seen = release.seen();
    assert!(seen.requests > 100 && seen.failures.is_empty(), "{seen:?}");
    let tasks = release.status()["journey"]["tasks"].clone();
    let done = |task: &serde_json::Value| task["outcome"] == "done";
    assert!(tasks.as_array().unwrap().iter().all(done), "{tasks:#}");
}

#[test]
fn one_release_at_a_time_and_by_hand_nobody_meddles_with_it() {
    let release = Release::open();
    release.start("2").expect(0);
    release.start("3").refused(1, "journey-open");
    release.shop.run("stage1").refused(1, "release-is-driven");
    release.shop.run("stage2").refused(1, "release-is-driven");
    release.shop.run("deployed --version 2").refused(1, "release-is-driven");
    assert_eq!(release.state(), "awaiting_approval");
}

#[test]
fn two_that_resume_at_once_are_one_that_works_and_one_that_reports() {
    let release = Release::open();
    let first = release.begin("2");
    release.wait_for("watching");
    let told = release.resume().refused(4, "journey-busy");
    assert!(told.error()["text"].as_str().unwrap().contains("release 1"), "{told}");
    first.wait().expect(0);
}

#[test]
fn nothing_is_deployed_onto_a_system_that_is_not_well() {
    let release = Release::open();
    release.shop.project.write("version", "bad");
    let refused = release.start("2").refused(1, "journey-not-well");
    assert!(refused.error()["text"].as_str().unwrap().contains("shop"), "{refused}");
    assert_eq!((release.state().as_str(), release.calls().len()), ("planned", 0));
    release.shop.project.write("version", "1");
    release.resume().expect(0);
    assert_eq!(release.state(), "awaiting_approval");
}

#[test]
fn what_is_missing_is_told_before_anything_begins() {
    let release = Release::open();
    release.shop.run("release start").refused(2, "release-version-missing");
    release.shop.run("release resume").refused(1, "journey-nothing");
    release.shop.run("release abort --reason x").refused(1, "journey-nothing");
    release.shop.run("release abort").refused(2, "release-abort-reason");
    release.shop.project.write("lockkeeper.toml", "[hooks.deploy]\nrun = \"true\"\n");
    release.start("2").refused(2, "hook-missing");
}

/// Who approves is waited for first: the backup is of the moment before stage 2.
#[test]
fn a_backup_that_stage_2_needs_is_made_when_nothing_else_is_missing() {
    let snapshot = "[backup]\nrequired = true\nverify_command = [\"test\", \"-f\", \"sound\"]\ncommand = [\"sh\", \"-c\", \"test -f possible && echo '{\\\"id\\\": \\\"snap-1\\\"}'\"]\n";
    let release = Release::unwatched(None, snapshot);
    release.start("2").expect(0);
    assert_eq!(release.shop.count("lockkeeper.backups"), 0);
    release.approve();
    release.resume().refused(2, "backup-hook-failed");
    assert_eq!((release.state().as_str(), release.columns().as_str()), ("awaiting_approval", "full_name id name"));
    release.shop.project.write("possible", "");
    let waits = release.resume().expect(1).json();
    assert_eq!((&waits["end"], release.shop.count("lockkeeper.backups")), (&"waits".into(), 1), "it is not sound");
    release.shop.project.write("sound", "");
    release.resume().expect(0);
    assert_eq!((release.state().as_str(), release.shop.count("lockkeeper.backups")), ("completed", 2));
    let order = release.shop.events();
    let at = |kind: &str| order.iter().position(|event| event == kind).unwrap();
    assert!(at("approved") < at("backup_made"), "{order:?}");
}
