//! What opens the second gate and what does not.

use std::process::{Command, Stdio};

use crate::shop::{ADMIN, APPROVE, ROLE, Run, Running, Shop, wait_until};

/// Stage 2 says no for these reasons, and nothing changes.
#[track_caller]
fn closed(shop: &Shop, reasons: &[&str]) -> Run {
    let before = (shop.database.dump(), shop.events());
    let run = shop.run("stage2").refused(1, "stage2-closed");
    assert_eq!(run.notes(), reasons, "{run}");
    assert_eq!((shop.database.dump(), shop.events()), before);
    run
}

/// Stage 2 says no because the approval there is does not hold, for this reason.
#[track_caller]
fn void(shop: &Shop, reason: &str) {
    let run = closed(shop, &["gate-approval-void"]);
    let text = run.error()["notes"][0]["text"].as_str().unwrap().to_owned();
    assert!(text.contains(reason), "{reason:?} is not the reason\n{run}");
    let status = shop.run("status").expect(0).json();
    assert_eq!(status["gates"][2]["verdict"], "no", "{status:#}");
}

#[track_caller]
fn opens(shop: &Shop) {
    shop.run("stage2").expect(0);
    assert_eq!(shop.applied(), [1, 2]);
    assert_eq!(shop.count("pg_attribute WHERE attrelid = 'customers'::regclass AND attname = 'name'"), 0);
}

/// Approving is refused, nothing is recorded, and stage 2 stays closed for want of an approval.
#[track_caller]
fn not_approved(shop: &Shop, line: &str, code: i32, id: &str) -> Run {
    let run = shop.run(line).refused(code, id);
    assert_eq!(shop.count("lockkeeper.approvals"), 0);
    closed(shop, &["gate-not-approved"]);
    run
}

/// Approving is refused for a reason that its message names.
#[track_caller]
fn not_allowed(shop: &Shop, line: &str, reason: &str) {
    let run = not_approved(shop, line, 1, "approve-refused");
    assert!(run.error()["text"].as_str().unwrap().contains(reason), "{reason:?}\n{run}");
}

// ── before the approval ────────────────────────────────────────────────────────────────────────

#[test]
fn each_gate_says_what_it_waits_for() {
    let shop = Shop::open();
    shop.customers();
    shop.run("stage2").refused(1, "stage2-no-release");
    assert!(!shop.has_ledger());
    shop.run("stage1").expect(0);
    let run = closed(&shop, &["gate-not-deployed", "gate-not-approved"]);
    assert_eq!(run.hints(), ["next-deployed"]);
    shop.run("deployed --version 1.0").expect(0);
    assert_eq!(closed(&shop, &["gate-not-approved"]).hints(), ["next-approve"]);
    // A later stage-1 migration asks for stage 1 again, and then for a deploy of its own.
    shop.pair("03_add_phone", "ALTER TABLE customers ADD phone text", "ALTER TABLE customers DROP phone");
    assert_eq!(closed(&shop, &["gate-stage1-pending", "gate-not-approved"]).hints(), ["next-stage1"]);
    shop.run("stage1").expect(0);
    closed(&shop, &["gate-not-deployed", "gate-not-approved"]);
}

#[test]
fn a_deploy_is_recorded_only_where_one_is_waited_for() {
    let shop = Shop::open();
    assert_eq!(shop.run("deployed").expect(0).json()["recorded"], false);
    shop.customers();
    assert_eq!(shop.run("deployed").expect(0).json()["recorded"], false);
    shop.run("stage1").expect(0);
    shop.run("deployed --version \" \"").refused(2, "deployed-version-empty");
    let run = shop.run("deployed --version 1.0").expect(0);
    assert_eq!(run.json()["state"], "awaiting_approval");
    // Again, with another version: the last word counts.
    shop.run("deployed --version 1.1").expect(0);
    assert_eq!(shop.run("status").expect(0).json()["release"]["deployed_version"], "1.1");
}

#[test]
fn without_a_stage_2_the_deploy_ends_the_release() {
    let shop = Shop::open();
    shop.customers().remove("02_remove_customers_name");
    shop.run("stage1").expect(0);
    assert_eq!(shop.run("deployed").expect(0).json()["state"], "completed");
    shop.run("stage2").expect(0);
    shop.admin();
    shop.run(APPROVE).refused(1, "approve-nothing");
}

#[test]
fn a_release_that_only_removes_passes_stage_1_and_the_deploy_too() {
    let shop = Shop::open();
    shop.customers().admin();
    shop.remove("02_remove_customers_name");
    shop.run("stage1").expect(0);
    shop.run("deployed").expect(0);
    shop.customers();
    shop.run("stage2").refused(1, "stage2-no-release");
    shop.run("stage1").expect(0);
    closed(&shop, &["gate-not-deployed", "gate-not-approved"]);
    shop.run("deployed --version 2").expect(0);
    shop.approve().expect(0);
    opens(&shop);
}

// ── keys ───────────────────────────────────────────────────────────────────────────────────────

#[test]
fn every_kind_of_key_that_ssh_makes_can_approve() {
    for options in [
        &["-t", "ed25519"][..],
        &["-t", "rsa", "-b", "2048"],
        &["-t", "ecdsa", "-b", "256"],
        &["-t", "ecdsa", "-b", "384"],
        &["-t", "ecdsa", "-b", "521"],
    ] {
        let shop = Shop::awaiting_approval();
        let key = shop.key("admin_key", options);
        shop.allow(&[shop.signer(ADMIN, ROLE, &key)]);
        shop.approve().expect(0);
        opens(&shop);
    }
}

#[test]
fn a_key_that_only_an_agent_holds_can_approve() {
    let shop = Shop::awaiting_approval();
    shop.admin();
    let folder = shop.project.path();
    let socket = folder.join("agent.sock");
    let mut agent = Command::new("ssh-agent");
    agent.arg("-D").arg("-a").arg(&socket).stdin(Stdio::null());
    let agent = Running::start(agent);
    wait_until("the agent listens", || socket.exists());
    let added = Command::new("ssh-add").arg("-q").arg(folder.join("admin_key")).env("SSH_AUTH_SOCK", &socket).status();
    assert!(added.unwrap().success());
    std::fs::remove_file(folder.join("admin_key")).unwrap();
    not_approved(&shop, &APPROVE.replace("admin_key", "admin_key.pub"), 2, "sign-failed");
    let mut command = shop.command(&format!("--json {}", APPROVE.replace("admin_key", "admin_key.pub")));
    command.env("SSH_AUTH_SOCK", &socket);
    Shop::finish(command).expect(0);
    opens(&shop);
    drop(agent);
}

#[test]
fn the_key_and_the_name_of_git_are_taken_when_none_are_given() {
    let shop = Shop::awaiting_approval();
    shop.admin();
    let line = "approve stage2 --reason \"it is out\" --yes";
    not_approved(&shop, line, 2, "approve-no-principal");
    shop.project.write(".gitconfig", &format!("[user]\n\temail = {ADMIN}\n"));
    not_approved(&shop, line, 2, "approve-no-key");
    let public = shop.project.read("admin_key.pub");
    for key in
        ["admin_key".to_owned(), "~/admin_key".to_owned(), public.trim().to_owned(), format!("key::{}", public.trim())]
    {
        shop.project.write(".gitconfig", &format!("[user]\n\temail = {ADMIN}\n\tsigningkey = {key}\n"));
        // A public key alone needs an agent, and there is none.
        let code = if key.contains("ssh-ed25519") { 2 } else { 0 };
        shop.run(line).expect(code);
    }
    opens(&shop);
}

#[test]
fn what_is_missing_to_sign_is_told() {
    let shop = Shop::awaiting_approval();
    not_approved(&shop, APPROVE, 2, "approve-no-signers");
    shop.admin();
    not_approved(&shop, &APPROVE.replace("admin_key", "no_such_key"), 2, "sign-failed");
    not_approved(&shop, &APPROVE.replace("all pods on 1.0", " "), 2, "approve-reason-empty");
    let run = not_approved(&shop, &APPROVE.replace(" --yes", ""), 2, "approve-needs-yes");
    assert_eq!(run.notes(), ["nothing-changed"]);
    shop.allow(&[format!("{ADMIN} {ROLE} ssh-ed25519 AAAAnothing\n")]);
    shop.run(APPROVE).refused(2, "signers-key-unreadable").at("allowed_signers:1:1");
    std::fs::remove_file(shop.project.path().join("allowed_signers")).unwrap();
    shop.admin_again();
    let mut command = shop.command(&format!("--json {APPROVE}"));
    command.env("PATH", shop.project.path());
    Shop::finish(command).refused(2, "sign-no-ssh-keygen");
}

impl Shop {
    /// Allows the key there is.
    fn admin_again(&self) {
        self.allow(&[self.signer(ADMIN, ROLE, "admin_key")]);
    }
}

#[test]
fn a_key_that_is_not_allowed_signs_nothing() {
    let shop = Shop::awaiting_approval();
    shop.admin();
    shop.key("other_key", &["-t", "ed25519"]);
    let with_other = APPROVE.replace("admin_key", "other_key");
    not_allowed(&shop, &with_other, "does not stand in");
    // Somebody else's key under the admin's name, and the admin's key under somebody else's.
    shop.allow(&[shop.signer(ADMIN, ROLE, "admin_key"), shop.signer("other@shop.example", ROLE, "other_key")]);
    not_allowed(&shop, &with_other, "does not belong to admin@shop.example");
    not_allowed(&shop, &APPROVE.replace(ADMIN, "other@shop.example"), "does not belong to other@shop.example");
}

#[test]
fn a_key_needs_the_role() {
    let shop = Shop::awaiting_approval();
    shop.admin();
    for options in ["", "namespaces=\"git\"", "namespaces=\"lockkeeper\"", "namespaces=\"lockkeeper-admins,file\""] {
        shop.allow(&[shop.signer(ADMIN, options, "admin_key")]);
        not_allowed(&shop, APPROVE, "has no role lockkeeper-admin");
    }
    shop.allow(&[shop.signer("*@shop.example", "namespaces=\"git,lockkeeper-admin\"", "admin_key")]);
    shop.approve().expect(0);
    opens(&shop);
}

#[test]
fn a_key_counts_only_in_its_time() {
    let shop = Shop::awaiting_approval();
    shop.admin();
    for time in ["valid-before=\"20200101\"", "valid-after=\"20990101\""] {
        shop.allow(&[shop.signer(ADMIN, &format!("{ROLE},{time}"), "admin_key")]);
        not_allowed(&shop, APPROVE, "is not valid at this time");
    }
    shop.allow(&[shop.signer(
        ADMIN,
        &format!("{ROLE},valid-after=\"20200101\",valid-before=\"20990101\""),
        "admin_key",
    )]);
    shop.approve().expect(0);
    // A key that was taken away, or ran out, after it signed.
    shop.allow(&[shop.signer(ADMIN, &format!("{ROLE},valid-before=\"20200101\""), "admin_key")]);
    void(&shop, "is not valid at this time");
    shop.allow(&[]);
    void(&shop, "does not stand in");
    std::fs::remove_file(shop.project.path().join("allowed_signers")).unwrap();
    void(&shop, "there is no allowed_signers file");
    shop.admin_again();
    opens(&shop);
}

// ── what is signed ─────────────────────────────────────────────────────────────────────────────

#[test]
fn everything_is_shown_before_it_is_signed() {
    let shop = Shop::awaiting_approval();
    shop.admin();
    let up = "-- why it may go\nALTER TABLE customers DROP COLUMN email;\n\nDELETE FROM customers\n  WHERE id < 0; -- leftovers\n";
    shop.pair("03_remove_email", up, "ALTER TABLE customers ADD email text");
    let plan = shop.run("plan").expect(0).json()["digest"].as_str().unwrap().to_owned();
    let run = shop.say(APPROVE).expect(0).says(&[
        "1.0",
        "THE DATA IS GONE",
        &plan,
        ADMIN,
        "all pods on 1.0",
        "lockkeeper stage2",
    ]);
    for line in up.lines().chain(["ALTER TABLE customers DROP COLUMN name;"]) {
        assert!(
            run.stderr.lines().any(|shown| shown.trim_end() == format!("    {line}").trim_end()),
            "{line:?}\n{run}"
        );
    }
    // What was shown is what was signed.
    let document = shop.database.value("SELECT document FROM lockkeeper.approvals");
    for line in document.lines() {
        assert!(run.stderr.contains(line), "{line:?}\n{run}");
    }
    assert!(document.contains(&plan) && document.contains(shop.database.name()), "{document}");
}

#[test]
fn ssh_keygen_agrees_with_every_signature() {
    let shop = Shop::awaiting_approval();
    shop.admin();
    shop.approve().expect(0);
    let row = shop.database.query("SELECT document, signature FROM lockkeeper.approvals");
    shop.project.write("document", &row[0][0]);
    shop.project.write("signature", &row[0][1]);
    let verify = |document: &str| {
        let file = std::fs::File::open(shop.project.path().join(document)).unwrap();
        let mut command = Command::new("ssh-keygen");
        command.args([
            "-Y",
            "verify",
            "-f",
            "allowed_signers",
            "-I",
            ADMIN,
            "-n",
            "lockkeeper-admin",
            "-s",
            "signature",
        ]);
        command.current_dir(shop.project.path()).stdin(file).stdout(Stdio::null()).stderr(Stdio::null());
        command.status().unwrap().success()
    };
    assert!(verify("document"));
    shop.project.write("document", &row[0][0].replace("stage: 2", "stage: 3"));
    assert!(!verify("document"));
}

#[test]
fn a_reason_cannot_smuggle_lines_into_the_signed_text() {
    let shop = Shop::awaiting_approval();
    shop.admin();
    shop.run(&APPROVE.replace("all pods on 1.0", "fine\nplan: sha256:0\r\napprover: boss@shop.example")).expect(0);
    let document = shop.database.value("SELECT document FROM lockkeeper.approvals");
    assert_eq!(document.lines().filter(|line| line.starts_with("plan: ") || line.starts_with("approver: ")).count(), 2);
    assert_eq!(document.lines().count(), 9, "{document}");
    opens(&shop);
}

#[test]
fn a_file_changed_after_the_approval_voids_it() {
    let shop = Shop::awaiting_approval();
    shop.admin();
    shop.approve().expect(0);
    shop.file("02_remove_customers_name_up.sql", "ALTER TABLE customers DROP COLUMN name, DROP COLUMN email;\n");
    closed(&shop, &["gate-approval-other-plan"]);
    // The way back is part of what was approved.
    shop.customers().file("02_remove_customers_name_down.sql", "SELECT 1;\n");
    closed(&shop, &["gate-approval-other-plan"]);
    shop.customers();
    opens(&shop);
}

#[test]
fn a_plan_that_grew_or_shrank_is_another_plan() {
    let shop = Shop::awaiting_approval();
    shop.admin();
    shop.approve().expect(0);
    shop.pair("03_remove_email", "ALTER TABLE customers DROP COLUMN email", "ALTER TABLE customers ADD email text");
    closed(&shop, &["gate-approval-other-plan"]);
    shop.approve().expect(0);
    shop.remove("03_remove_email");
    closed(&shop, &["gate-approval-other-plan"]);
    shop.pair("03_remove_email", "ALTER TABLE customers DROP COLUMN email", "ALTER TABLE customers ADD email text");
    shop.run("stage2").expect(0);
    assert_eq!(shop.applied(), [1, 2, 3]);
}

#[test]
fn an_approval_runs_out() {
    let shop = Shop::awaiting_approval();
    shop.admin();
    shop.project.write("lockkeeper.toml", "[approval]\nexpires_after = \"2s\"\n");
    shop.approve().expect(0);
    wait_until("it expires", || {
        shop.database.value("SELECT expires_at < clock_timestamp() FROM lockkeeper.approvals") == "t"
    });
    void(&shop, "it expired at");
    // Stretching the row stretches nothing: the signed text says when.
    shop.database.execute("UPDATE lockkeeper.approvals SET expires_at = '2100-01-01'");
    void(&shop, "it expired at");
    shop.project.write("lockkeeper.toml", "");
    shop.approve().expect(0);
    opens(&shop);
}

#[test]
fn an_expiry_that_makes_no_sense_is_refused_by_name() {
    let shop = Shop::awaiting_approval();
    shop.admin();
    shop.project.write("lockkeeper.toml", "[approval]\nexpires_after = \"0\"\n");
    shop.run(APPROVE).refused(2, "settings-expires-after-zero");
    assert_eq!(shop.count("lockkeeper.approvals"), 0);
}

#[test]
fn a_forged_row_opens_nothing() {
    let shop = Shop::awaiting_approval();
    shop.admin();
    shop.approve().expect(0);
    let forge = |set: &str| {
        shop.database.execute("DROP TABLE IF EXISTS kept; CREATE TABLE kept AS SELECT * FROM lockkeeper.approvals");
        shop.database.execute(&format!("UPDATE lockkeeper.approvals SET {set}"));
    };
    let mend = || {
        shop.database.execute(
            "UPDATE lockkeeper.approvals a SET document = k.document, signature = k.signature, principal = k.principal
             FROM kept k; DROP TABLE kept",
        );
    };
    for (set, reason) in [
        ("document = replace(document, 'reason: all', 'reason: some')", "is not of this text"),
        ("document = document || 'more'", "its text is not an approval"),
        ("document = 'approved'", "its text is not an approval"),
        ("document = regexp_replace(document, 'expires: 2', 'expires: 3')", "is not of this text"),
        ("document = regexp_replace(document, 'release: 1', 'release: 2')", "it was made for release 2"),
        ("signature = 'none'", "the signature cannot be read"),
        ("signature = overlay(signature PLACING 'AAAA' FROM 100)", "signature"),
        ("principal = 'boss@shop.example'", "it was made for"),
        (
            "principal = 'boss@shop.example', document = replace(document, 'admin@', 'boss@')",
            "does not belong to boss@shop.example",
        ),
    ] {
        forge(set);
        let run = shop.run("stage2").refused(1, "stage2-closed");
        assert!(run.to_string().contains(reason), "{set}: {reason:?} is not the reason\n{run}");
        mend();
    }
    // The digest of the row is for people; the signed one counts.
    shop.database.execute("UPDATE lockkeeper.approvals SET plan_digest = 'sha256:' || repeat('0', 64)");
    opens(&shop);
}

#[test]
fn an_approval_counts_for_one_database() {
    let shop = Shop::awaiting_approval();
    shop.admin();
    let copy = shop.database.copy();
    shop.approve().expect(0);

    // Another database with a ledger of its own.
    let other = Shop::awaiting_approval();
    // A copy of this one, as a staging database is made: the same ledger, another name.
    let staging = Shop::on(copy);
    staging.customers();
    let row = shop.database.query(
        "SELECT quote_literal(plan_digest), quote_literal(principal), quote_literal(key_fingerprint), quote_literal(document),
                quote_literal(signature), quote_literal(reason), quote_literal(expires_at) FROM lockkeeper.approvals",
    );
    let values = row[0].join(", ");
    for target in [&other, &staging] {
        target.project.write("allowed_signers", &shop.project.read("allowed_signers"));
        target.database.execute(&format!(
            "INSERT INTO lockkeeper.approvals (release_id, stage, plan_digest, principal, key_fingerprint, document, signature, reason, expires_at)
             VALUES (1, 2, {values})"
        ));
        void(target, "it was made for release 1 of database");
    }
    opens(&shop);
}

#[test]
fn an_approval_opens_one_stage_2() {
    let shop = Shop::awaiting_approval();
    shop.admin();
    shop.approve().expect(0);
    opens(&shop);
    shop.run("rollback before_field_remove --past-stage2 --yes --reason x").expect(0);
    assert_eq!(shop.applied(), [1]);
    // The same files, the same release: and yet somebody must look again.
    shop.run("deployed --version 1.0").expect(0);
    closed(&shop, &["gate-not-approved"]);
    shop.approve().expect(0);
    opens(&shop);
    assert_eq!(shop.count("lockkeeper.approvals WHERE used_at IS NOT NULL"), 2);
}

#[test]
fn an_interrupted_stage_2_goes_on_under_its_approval_and_only_with_what_it_named() {
    let shop = Shop::awaiting_approval();
    shop.admin();
    shop.pair(
        "03_remove_email",
        "ALTER TABLE customers DROP COLUMN email;\nSELECT 1 / (SELECT count(*) FROM customers);\n",
        "SELECT 1",
    );
    shop.approve().expect(0);
    shop.run("stage2").refused(3, "migration-failed").sqlstate("22012");
    assert_eq!(shop.applied(), [1, 2]);
    assert_eq!(shop.run("status").expect(0).json()["release"]["state"], "contracting");
    // A changed file needs a new approval.
    shop.file("03_remove_email_up.sql", "DROP TABLE customers;");
    shop.run("stage2").refused(1, "stage2-other-plan");
    shop.pair(
        "03_remove_email",
        "ALTER TABLE customers DROP COLUMN email;\nSELECT 1 / (SELECT count(*) FROM customers);\n",
        "SELECT 1",
    );
    // Mended data does not.
    shop.database.execute("INSERT INTO customers (id) VALUES (1)");
    shop.run("stage2").expect(0);
    assert_eq!(shop.applied(), [1, 2, 3]);
}

#[test]
fn what_stopped_between_its_steps_goes_on_as_it_was_approved_or_not_at_all() {
    let shop = Shop::awaiting_approval();
    shop.admin();
    let up = "-- lockkeeper: no-transaction\nALTER TABLE customers DROP COLUMN email;\nSELECT 1 / (SELECT count(*) FROM customers);\n";
    shop.pair("03_remove_email", up, "SELECT 1");
    shop.approve().expect(0);
    shop.run("stage2").refused(3, "migration-failed").sqlstate("22012");
    // Behind the step that is done, something that nobody approved.
    shop.pair("03_remove_email", &format!("{up}DROP TABLE customers;\n"), "SELECT 1");
    shop.run("stage2").refused(1, "stage2-other-plan");
    // Nor does it help to write the digest of it into the ledger.
    shop.database.execute("UPDATE lockkeeper.approvals SET plan_digest = 'sha256:' || repeat('0', 64)");
    shop.run("stage2").refused(1, "stage2-other-plan");
    assert!(shop.exists("customers"));
    shop.pair("03_remove_email", up, "SELECT 1");
    shop.database.execute("INSERT INTO customers (id) VALUES (1)");
    shop.run("stage2").expect(0);
    assert_eq!(shop.applied(), [1, 2, 3]);
}

#[test]
fn a_stage_2_that_must_change_in_the_middle_can_be_approved_anew() {
    let shop = Shop::awaiting_approval();
    shop.admin();
    shop.pair("03_remove_email", "ALTER TABLE customers DROP COLUMN emial;\n", "SELECT 1");
    shop.approve().expect(0);
    let run = shop.run("stage2").refused(3, "migration-failed");
    assert!(run.hints().contains(&"after-failure-stage2-hint".to_owned()), "{run}");
    shop.pair("03_remove_email", "ALTER TABLE customers DROP COLUMN email;\n", "SELECT 1");
    shop.run("stage2").refused(1, "stage2-other-plan");
    shop.approve().expect(0);
    shop.run("stage2").expect(0);
    assert_eq!(shop.applied(), [1, 2, 3]);
    assert_eq!(shop.run("status").expect(0).json()["release"]["state"], "completed");
}
