//! A release that waits for its approval: what opens it, what does not, and who stays meanwhile.

use super::Release;
use crate::shop::{ADMIN, APPROVE, DEV, ROLE, Run, wait_until};

impl Release {
    /// Deployed and not watched, so that nothing but the approval is missing.
    fn waiting(settings: &str) -> Self {
        let release = Self::unwatched(None, settings);
        release.start("2").expect(0);
        release
    }

    /// Going on is refused for this reason, and stage 2 does not begin.
    #[track_caller]
    fn stays(&self, evidence: &str) -> Run {
        let run = self.resume().expect(1);
        let gates = run.json()["gates"].as_array().unwrap().clone();
        let approval = gates.iter().find(|gate| gate["gate"] == "approval").unwrap();
        assert_eq!(approval["evidence"], evidence, "{run}");
        assert_eq!((self.state().as_str(), self.columns().as_str()), ("awaiting_approval", "full_name id name"));
        run
    }

    #[track_caller]
    fn completes(&self) {
        self.resume().expect(0);
        assert_eq!((self.state().as_str(), self.columns().as_str()), ("completed", "full_name id"));
    }

    /// What a release that has been waiting for so long looks like.
    fn waited(&self, hours: u32) {
        self.shop.database.execute(&format!(
            "UPDATE lockkeeper.release_tasks SET finished_at = finished_at - interval '{hours} h' WHERE task = 'watch'"
        ));
    }
}

// ── what opens it ──────────────────────────────────────────────────────────────────────────────

#[test]
fn it_says_who_may_approve_and_how() {
    let release = Release::waiting("");
    let key = release.shop.key("dev_key", &["-t", "ed25519"]);
    let other = release.shop.key("other_key", &["-t", "ed25519"]);
    let lines = [
        release.shop.signer(ADMIN, ROLE, "admin_key"),
        // The author, somebody without the role, and somebody whose key has run out.
        release.shop.signer(DEV, ROLE, &key),
        release.shop.signer("git@shop.example", "namespaces=\"git\"", &other),
        release.shop.signer("left@shop.example", &format!("{ROLE},valid-before=\"20200101\""), &other),
    ];
    release.shop.allow(&lines);
    let run = release.stays("gate-not-approved");
    let answer = run.json();
    assert_eq!(answer["approvers"], serde_json::json!([ADMIN]), "{run}");
    assert!(answer["plan"].as_str().unwrap().starts_with("sha256:"), "{run}");
    let said = release.shop.say("release resume").expect(1);
    assert!(said.stdout.contains("may approve: admin@shop.example"), "{said}");
    assert!(said.stdout.contains("lockkeeper approve stage2 --reason"), "{said}");
    release.shop.allow(&lines[1..2]);
    let answer = release.stays("gate-not-approved").json();
    assert_eq!(answer["approvers"], serde_json::json!([]));
    assert!(answer["nobody_because"].as_str().unwrap().contains(DEV), "{answer}");
}

#[test]
fn an_approval_that_ran_out_opens_nothing() {
    let release = Release::waiting("[approval]\nexpires_after = \"1s\"\n");
    release.approve();
    wait_until("the approval runs out", || {
        let status = release.shop.run("status").expect(0).json();
        status["gates"].as_array().unwrap().iter().any(|gate| gate["evidence"] == "gate-approval-void")
    });
    release.stays("gate-approval-void");
    let settings = release.shop.project.read("lockkeeper.toml");
    release
        .shop
        .project
        .write("lockkeeper.toml", &settings.replace("expires_after = \"1s\"", "expires_after = \"1h\""));
    release.approve();
    release.completes();
}

#[test]
fn a_forged_approval_opens_nothing() {
    let release = Release::waiting("");
    release.approve();
    // Whoever can write to the ledger can write this, and cannot sign it.
    release
        .shop
        .database
        .execute("UPDATE lockkeeper.approvals SET document = replace(document, 'all pods on 1.0', 'all pods on 2.0')");
    release.stays("gate-approval-void");
    release.approve();
    release.completes();
}

#[test]
fn an_approval_of_another_plan_opens_nothing() {
    let release = Release::waiting("");
    release.approve();
    release.shop.file("02_remove_name_up.sql", "ALTER TABLE customers DROP COLUMN name CASCADE;\n");
    release.stays("gate-approval-other-plan");
    release.approve();
    release.completes();
}

// ── reminders and expiry ───────────────────────────────────────────────────────────────────────

#[test]
fn whoever_is_told_is_reminded_until_somebody_approves() {
    let settings = "[notify]\nremind_every = \"100h\"\n[[notify.command]]\nname = \"bell\"\n\
                    run = [\"/bin/sh\", \"-c\", \"cat >> rung; echo >> rung\"]\n\
                    [approval]\nremind_every = \"1h\"\n";
    let release = Release::waiting(settings);
    let told = || {
        let rows = release
            .shop
            .database
            .query("SELECT told FROM lockkeeper.outbox WHERE kind = 'approval_waiting' ORDER BY created_at");
        rows.into_iter().map(|row| row[0].clone()).collect::<Vec<_>>().join(" ")
    };
    let an_hour_later = || {
        release.shop.database.execute(
            "UPDATE lockkeeper.open_alerts SET told_at = told_at - interval '61 min', opened_at = opened_at - interval '61 min'",
        );
    };
    assert_eq!(told(), "1");
    let payload = release.shop.database.value("SELECT payload FROM lockkeeper.outbox WHERE kind = 'approval_waiting'");
    assert!(payload.contains(ADMIN) && payload.contains("sha256:"), "{payload}");
    release.shop.run("notify deliver").expect(0);
    assert_eq!(told(), "1", "it is not time yet");
    an_hour_later();
    release.shop.run("notify deliver").expect(0);
    assert_eq!(told(), "1 2");
    an_hour_later();
    // Whoever tries to go on reminds as well.
    release.resume().expect(1);
    assert_eq!(told(), "1 2 3");
    release.approve();
    an_hour_later();
    release.shop.run("notify deliver").expect(0);
    assert_eq!(told(), "1 2 3", "it is over");
}

#[test]
fn nothing_goes_back_because_nobody_approved_unless_that_was_asked_for() {
    let release = Release::waiting("[approval]\nwait_at_most = \"1h\"\n");
    assert_eq!(release.stays("gate-not-approved").json()["is_overdue"], false);
    release.waited(2);
    assert_eq!(release.stays("gate-not-approved").json()["is_overdue"], true);
    release.approve();
    release.completes();
}

#[test]
fn what_nobody_approved_in_time_goes_back_where_that_was_asked_for() {
    let settings = "[approval]\nwait_at_most = \"1h\"\non_expiry = \"rollback\"\n";
    let release = Release::waiting(settings);
    release.stays("gate-not-approved");
    release.waited(2);
    let end = release.resume().expect(5).json();
    assert_eq!((end["cause"].as_str(), release.version().as_str()), (Some("not_approved"), "1"));
    assert_eq!(release.state(), "rolled_back");

    // An approval that came in time counts, whenever the release is gone on with.
    let approved = Release::waiting(settings);
    approved.approve();
    approved.waited(2);
    approved.completes();
}

// ── a process that stays ───────────────────────────────────────────────────────────────────────

#[test]
fn a_process_that_stays_goes_on_when_the_approval_appears() {
    let release = Release::unwatched(None, "");
    let running = release.shop.start("release start --version 2 --previous 1 --wait-approval");
    release.wait_for("awaiting_approval");
    // Another one is told who waits.
    release.resume().refused(4, "journey-busy");
    release.approve();
    let run = running.wait().expect(0);
    assert_eq!(run.json()["end"], "completed", "{run}");
    assert!(run.stderr.contains("may approve: admin@shop.example"), "{run}");
    assert_eq!(release.columns(), "full_name id");
}

/// Who may approve changes while it waits: a key that is not allowed any more opens nothing, and one that is new does.
#[test]
fn a_process_that_stays_goes_by_the_signers_of_the_moment() {
    let release = Release::unwatched(None, "");
    let running = release.shop.start("release start --version 2 --previous 1 --wait-approval");
    release.wait_for("awaiting_approval");
    let key = release.shop.key("night_key", &["-t", "ed25519"]);
    release.shop.allow(&[release.shop.signer("night@shop.example", ROLE, &key)]);
    release.shop.run(APPROVE).refused(1, "approve-refused");
    release.shop.run(&APPROVE.replace(ADMIN, "night@shop.example").replace("admin_key", "night_key")).expect(0);
    running.wait().expect(0);
    assert_eq!(release.state(), "completed");
}

#[test]
fn a_process_that_stays_ends_at_its_time_by_a_signal_or_with_the_release() {
    let release = Release::waiting("");
    let run = release.shop.run("release resume --wait-approval --wait-at-most 1s").expect(1);
    assert_eq!(run.json()["end"], "waits", "{run}");
    assert_eq!(release.state(), "awaiting_approval");
    for (signal, code) in [("INT", 130), ("TERM", 143)] {
        let running = release.shop.start("release resume --wait-approval");
        wait_until("it drives", || release.status()["journey"]["driven_by"] != serde_json::Value::Null);
        running.signal(signal);
        running.wait().expect(code);
        assert_eq!(release.state(), "awaiting_approval");
    }
    let running = release.shop.start("release resume --wait-approval");
    wait_until("it drives", || release.status()["journey"]["driven_by"] != serde_json::Value::Null);
    release.shop.run("release abort --reason \"wrong build\"").expect(0);
    let end = running.wait().expect(5).json();
    assert_eq!((end["cause"].as_str(), release.version().as_str()), (Some("aborted"), "1"));
}

#[test]
fn what_makes_no_sense_is_refused() {
    let release = Release::unwatched(None, "");
    release.shop.run("release status --wait-approval").refused(2, "release-only-driving");
    release.shop.run("release resume --wait-approval --wait-at-most soon").refused(2, "settings-duration-invalid");
    release.shop.run("release resume --wait-at-most 1h").expect(2);
}
