//! `emergency`: releases that nobody drives any more, taken back by hand, with a real application under traffic.

mod broken;
mod report;
mod terminal;
mod way;

use lockkeeper_engine::postgres::PrivateServer;
use serde_json::Value;

use crate::release::Release;
use crate::shop::Run;

/// What the release of these tests goes by: the deploy fails, and so does the rollback, until it is mended.
const HOOKS: &str = "[hooks.wait_deployed]\nrun = \"test $LOCKKEEPER_VERSION = 1\"\n\
     [hooks.stop_app]\nrun = \"echo stop $LOCKKEEPER_TASK $LOCKKEEPER_IDEMPOTENCY_KEY >> calls; echo stopped > next; mv next version\"\n\
     [backup]\ncommand = [\"sh\", \"-c\", \"echo backup made >> calls; echo '{\\\"id\\\": \\\"b1\\\", \\\"size\\\": 7}'\"]\n";

/// The rollback that fails, and the one that does not.
const MENDED: &str = "echo rollback $LOCKKEEPER_VERSION >> calls";
const BROKEN: &str = "exit 7; echo rollback $LOCKKEEPER_VERSION >> calls";

/// A release that froze: stage 1 is applied, version 2 runs, and going back failed.
fn frozen() -> Release {
    frozen_on(None, "")
}

fn frozen_on(server: Option<&PrivateServer>, more: &str) -> Release {
    let release = Release::unwatched(server, &format!("{HOOKS}{more}"));
    let settings = release.shop.project.read("lockkeeper.toml");
    release.shop.project.write("lockkeeper.toml", &settings.replace(MENDED, BROKEN));
    let end = release.start("2").expect(3).json();
    assert_eq!((end["end"].as_str(), release.state().as_str()), (Some("frozen"), "frozen"));
    assert_eq!((release.version().as_str(), release.columns().as_str()), ("2", "full_name id name"));
    release.shop.project.write("lockkeeper.toml", &settings);
    std::fs::remove_file(release.shop.project.path().join("calls")).unwrap();
    release
}

/// Goes through the procedure without being asked.
fn emergency(release: &Release, more: &str) -> Run {
    release.shop.run(&format!("emergency --yes --reason \"checkout fails\" {more}"))
}

/// The reports that are there, oldest first.
fn reports(release: &Release) -> Vec<String> {
    let entries = std::fs::read_dir(release.shop.project.path()).unwrap().flatten();
    let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
    let mut names: Vec<String> = names.filter(|name| name.starts_with("incident-")).collect();
    // The second of one moment has a number behind it.
    names.sort_by_key(|name| (name.len(), name.clone()));
    names
}

/// The newest report.
#[track_caller]
fn report(release: &Release) -> String {
    let reports = reports(release);
    release.shop.project.read(reports.last().expect("no report was written"))
}

/// What an emergency has settled, as its answer tells.
fn settled(answer: &Value) -> Vec<&str> {
    answer["settled"].as_array().unwrap().iter().map(|step| step.as_str().unwrap()).collect()
}

/// How often a step was begun, as the ledger tells.
fn begun(release: &Release, step: &str) -> usize {
    release.shop.count(&format!(
        "lockkeeper.events WHERE kind = 'emergency_step_began' AND payload::json ->> 'step' = '{step}'"
    ))
}
