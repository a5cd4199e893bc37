//! The gates that ask what was tried and what was measured: by hand as in a release that drives itself.

use serde_json::Value;

use super::Release;
use crate::shop::{APPROVE, Run, Shop};
use crate::verify::on_private;

/// What a gate of `status` says: verdict, evidence, whether its age is told.
#[track_caller]
fn gate(shop: &Shop, list: &str, name: &str) -> (String, String, bool) {
    let status = shop.run("status").expect(0).json();
    let gates = status[list].as_array().unwrap();
    let found = gates.iter().find(|gate| gate["gate"] == name).unwrap_or_else(|| panic!("no gate {name}\n{status:#}"));
    let text = |key: &str| found[key].as_str().unwrap().to_owned();
    (text("verdict"), text("evidence"), found["age_s"] != Value::Null)
}

#[track_caller]
fn closed(run: Run, id: &str, evidence: &str, way_out: &str) {
    let run = run.refused(1, id);
    assert_eq!((run.notes(), run.hints()), (vec![evidence.to_owned()], vec![way_out.to_owned()]), "{run}");
}

fn is(verdict: &str, evidence: &str, has_age: bool) -> (String, String, bool) {
    (verdict.to_owned(), evidence.to_owned(), has_age)
}

#[test]
fn what_was_not_tried_as_it_is_runs_in_no_stage() {
    let shop = Shop::open();
    shop.customers().admin();
    shop.project.write("lockkeeper.toml", "[gates]\nverify = \"required\"\n");
    closed(shop.run("stage1"), "stage1-closed", "gate-verify-untried", "next-verify");
    assert!(!shop.has_ledger(), "a stage that was refused wrote something");
    on_private(&shop, "verify").expect(0);
    assert_eq!(gate(&shop, "stage1_gates", "verify"), is("yes", "gate-verified", true));
    shop.run("stage1").expect(0);
    shop.run("deployed --version 1.0").expect(0);
    assert_eq!(gate(&shop, "gates", "verify"), is("yes", "gate-verified", true));
    // Another file under the same name is one that nobody has tried.
    shop.file("02_remove_customers_name_up.sql", "ALTER TABLE customers DROP COLUMN email;\n");
    shop.file("02_remove_customers_name_down.sql", "ALTER TABLE customers ADD COLUMN email text;\n");
    shop.approve().expect(0);
    assert_eq!(gate(&shop, "gates", "verify"), is("not_yet", "gate-verify-untried", false));
    closed(shop.run("stage2"), "stage2-closed", "gate-verify-untried", "next-verify");
    let said = shop.say("status").expect(0);
    assert!(said.stdout.contains("[ ] not verified as they are now: 02"), "{said}");
    on_private(&shop, "verify").expect(0);
    shop.run("stage2").expect(0);
    assert_eq!(shop.applied(), [1, 2]);
}

#[test]
fn what_was_not_sound_when_it_was_tried_does_not_run() {
    let shop = Shop::open();
    shop.pair("01_create_a", "CREATE TABLE a (id bigint);\n", "SELECT 1;\n");
    shop.project.write("lockkeeper.toml", "[gates]\nverify = \"required\"\n");
    on_private(&shop, "verify").expect(1);
    assert_eq!(gate(&shop, "stage1_gates", "verify"), is("no", "gate-verify-unsound", true));
    closed(shop.run("stage1"), "stage1-closed", "gate-verify-unsound", "next-verify");
    // A new database that nothing runs on is built all the same.
    shop.run("stage1 --file-order").expect(0);
}

#[test]
fn by_hand_stage_2_waits_for_a_watch_that_ended_healthy() {
    let release = Release::open();
    let shop = &release.shop;
    shop.run("stage1").expect(0);
    shop.run("deployed --version 1").expect(0);
    shop.run(APPROVE).expect(0);
    assert_eq!(gate(shop, "gates", "health"), is("not_yet", "gate-health-never", false));
    closed(shop.run("stage2"), "stage2-closed", "gate-health-never", "next-health-for");
    shop.run("health start --for 8s").expect(0);
    assert_eq!(gate(shop, "gates", "health"), is("yes", "gate-health-healthy", true));
    // Another version is out since: what was healthy was the one before.
    shop.run("deployed --version 2").expect(0);
    closed(shop.run("stage2"), "stage2-closed", "gate-health-never", "next-health-for");
    shop.run("health start --for 8s").expect(0);
    back_in_time(&release, 25);
    assert_eq!(gate(shop, "gates", "health"), is("not_yet", "gate-health-old", true));
    let said = shop.say("status").expect(0);
    assert!(said.stdout.contains("[ ] the release was healthy 25 h ago; at most 24 h count"), "{said}");
    closed(shop.run("stage2"), "stage2-closed", "gate-health-old", "next-health-for");
    let settings = shop.project.read("lockkeeper.toml");
    shop.project.write("lockkeeper.toml", &format!("{settings}\n[gates]\nhealth_max_age = \"30h\"\n"));
    shop.run("stage2").expect(0);
}

#[test]
fn by_hand_an_ill_release_does_not_get_to_stage_2() {
    let release = Release::open();
    let shop = &release.shop;
    shop.run("stage1").expect(0);
    shop.project.write("version", "bad");
    shop.run("deployed --version bad").expect(0);
    shop.run(APPROVE).expect(0);
    shop.run("health start --for 60s").expect(1);
    assert_eq!(gate(shop, "gates", "health"), is("no", "gate-health-unhealthy", true));
    closed(shop.run("stage2"), "stage2-closed", "gate-health-unhealthy", "next-health-status");
}

/// Nobody approved for a day: what was healthy then is watched once more, by the release itself.
#[test]
fn a_release_that_waited_too_long_watches_again_before_stage_2() {
    let release = Release::open();
    release.start("2").expect(0);
    back_in_time(&release, 25);
    // While the approval is missing, nobody is kept waiting for a watch that would be old again.
    release.resume().expect(1);
    assert_eq!(release.shop.count("lockkeeper.watches"), 1);
    release.approve();
    release.resume().expect(0);
    assert_eq!(release.state(), "completed");
    let verdicts = release.shop.database.value("SELECT string_agg(verdict, ' ' ORDER BY id) FROM lockkeeper.watches");
    assert_eq!(verdicts, "healthy healthy healthy", "the first, the one before stage 2, and the one after it");
}

#[test]
fn a_release_that_became_ill_while_it_waited_stays_where_it_is() {
    let release = Release::open().patient();
    let settings = release.shop.project.read("lockkeeper.toml").replace("watch = \"60s\"", "watch = \"8s\"");
    release.shop.project.write("lockkeeper.toml", &settings);
    release.start("2").expect(0);
    back_in_time(&release, 25);
    release.approve();
    release.shop.project.write("version", "bad");
    let run = release.resume().expect(1);
    assert_eq!(run.error()["id"], "journey-unhealthy", "{run}");
    assert_eq!((release.state().as_str(), release.columns().as_str()), ("awaiting_approval", "full_name id name"));
    assert_eq!(gate(&release.shop, "gates", "health"), is("no", "gate-health-unhealthy", true));
}

/// Whoever approves may answer for what was not tried or watched; who and why stays in the ledger.
#[test]
fn a_gate_is_waived_by_whoever_approves_and_for_this_plan_alone() {
    let shop = Shop::awaiting_approval();
    shop.admin();
    let settings = "[gates]\nverify = \"required\"\nhealth = \"required\"\n";
    shop.project.write("lockkeeper.toml", settings);
    shop.run(&format!("{APPROVE} --waive approval")).expect(2);
    shop.run(&format!("{APPROVE} --waive health")).expect(0);
    assert_eq!(gate(&shop, "gates", "health"), is("waived", "gate-health-no-checks", false));
    let said = shop.say("status").expect(0);
    assert!(said.stdout.contains("waived by admin@shop.example: all pods on 1.0"), "{said}");
    closed(shop.run("stage2"), "stage2-closed", "gate-verify-untried", "next-verify");
    // A later approval that waives nothing waives nothing.
    shop.approve().expect(0);
    assert_eq!(gate(&shop, "gates", "health"), is("not_yet", "gate-health-no-checks", false));
    shop.run(&format!("{APPROVE} --waive health --waive verify")).expect(0);
    // Forged: whoever can write to the ledger cannot waive more than was signed.
    shop.database.execute(
        "UPDATE lockkeeper.approvals SET document = replace(document, 'waives: verify, health', 'waives: verify')",
    );
    assert_eq!(gate(&shop, "gates", "verify"), is("not_yet", "gate-verify-untried", false));
    shop.run("stage2").refused(1, "stage2-closed");
    shop.run(&format!("{APPROVE} --waive health --waive verify")).expect(0);
    // Of another plan, it opens nothing.
    let own = shop.project.read("migrations/02_remove_customers_name_up.sql");
    shop.file("02_remove_customers_name_up.sql", "ALTER TABLE customers DROP COLUMN name CASCADE;\n");
    assert_eq!(gate(&shop, "gates", "verify"), is("not_yet", "gate-verify-untried", false));
    shop.run("stage2").refused(1, "stage2-closed");
    shop.file("02_remove_customers_name_up.sql", &own);
    let kept =
        shop.database.value("SELECT payload FROM lockkeeper.events WHERE kind = 'approved' ORDER BY seq DESC LIMIT 1");
    assert!(kept.contains("\"waives\"") && kept.contains("health"), "{kept}");
    shop.run("stage2").expect(0);
    assert_eq!(shop.applied(), [1, 2]);
}

/// What a release that was deployed and watched so many hours ago looks like.
fn back_in_time(release: &Release, hours: u32) {
    release.shop.database.execute(&format!(
        "UPDATE lockkeeper.watches SET began_at = began_at - interval '{hours} h', ended_at = ended_at - interval '{hours} h'; \
         UPDATE lockkeeper.releases SET deployed_at = deployed_at - interval '{hours} h'"
    ));
}
