//! A backup that stage 2 asks for.

use super::yard::Yard;
use crate::shop::{Run, Shop};

/// A release that waits for nothing but a backup.
fn waiting(settings: &str) -> Yard {
    let yard = Yard::open();
    yard.shop.customers().admin();
    yard.settings(settings);
    yard.shop.run("stage1").expect(0);
    yard.shop.run("deployed --version 2").expect(0);
    yard.shop.approve().expect(0);
    yard
}

#[track_caller]
fn gate(yard: &Yard) -> (String, String) {
    let status = yard.shop.run("status").expect(0).json();
    let gate = status["gates"].as_array().unwrap().iter().find(|gate| gate["gate"] == "backup").cloned().unwrap();
    let text = |key: &str| gate[key].as_str().unwrap().to_owned();
    (text("verdict"), text("evidence"))
}

#[track_caller]
fn closed(yard: &Yard, evidence: &str, way_out: &str) -> Run {
    let run = yard.shop.run("stage2").refused(1, "stage2-closed");
    assert_eq!((run.notes(), run.hints()), (vec![evidence.to_owned()], vec![way_out.to_owned()]), "{run}");
    run
}

#[test]
fn stage_2_waits_for_a_verified_backup() {
    let yard = waiting("required = true");
    assert_eq!(gate(&yard), ("not_yet".to_owned(), "gate-no-backup".to_owned()));
    closed(&yard, "gate-no-backup", "next-backup");
    let made = yard.create("");
    closed(&yard, "gate-backup-unverified", "next-backup-verify");
    // One that does not stand its verification says no, and a whole one behind it says yes.
    let dump = std::path::Path::new(made["location"].as_str().unwrap()).join("dump/toc.dat");
    let bytes = std::fs::read(&dump).unwrap();
    std::fs::write(&dump, b"PGDMP").unwrap();
    yard.verify("").expect(1);
    closed(&yard, "gate-backup-broken", "next-backup");
    std::fs::write(&dump, bytes).unwrap();
    yard.create("");
    yard.verify("").expect(0);
    assert_eq!(gate(&yard), ("yes".to_owned(), "gate-backup-verified".to_owned()));
    let said = yard.shop.say("status").expect(0);
    assert!(said.stdout.contains("backup 2,") && said.stdout.contains("verified"), "{said}");
    yard.shop.run("stage2").expect(0);
    assert_eq!(yard.shop.applied(), [1, 2]);
}

#[test]
fn an_old_backup_is_none_and_its_age_is_told() {
    let yard = waiting("required = true\nverified = false\nmax_age = \"2h\"");
    yard.create("");
    assert_eq!(gate(&yard).0, "yes");
    yard.shop.database.execute("UPDATE lockkeeper.backups SET began_at = began_at - interval '3 hours'");
    closed(&yard, "gate-backup-old", "next-backup");
    let said = yard.shop.say("status").expect(0);
    assert!(said.stdout.contains("3 h old; at most 2 h"), "{said}");
    let said = yard.shop.say("--lang ko status").expect(0);
    assert!(said.stdout.contains("3시간"), "{said}");
}

#[test]
fn a_backup_of_the_database_that_this_is_a_copy_of_does_not_count() {
    let yard = waiting("required = true\nverified = false");
    yard.create("");
    let copy = Shop::on(yard.shop.database.copy());
    let entries = std::fs::read_dir(yard.shop.project.path().join("migrations")).unwrap().flatten();
    for entry in entries {
        std::fs::copy(entry.path(), copy.project.path().join("migrations").join(entry.file_name())).unwrap();
    }
    copy.project.write("lockkeeper.toml", &yard.shop.project.read("lockkeeper.toml"));
    let status = copy.run("status").expect(0).json();
    let evidence: Vec<&str> =
        status["gates"].as_array().unwrap().iter().map(|gate| gate["evidence"].as_str().unwrap()).collect();
    assert!(evidence.contains(&"gate-no-backup"), "{evidence:?}");
    assert_eq!(copy.run("backup list").expect(0).json()["backups"][0]["of_this_database"], false);
}

#[test]
fn where_none_is_asked_for_there_is_no_such_gate() {
    let yard = waiting("");
    let status = yard.shop.run("status").expect(0).json();
    assert!(status["gates"].as_array().unwrap().iter().all(|gate| gate["gate"] != "backup"), "{status:#}");
    yard.shop.run("stage2").expect(0);
}
