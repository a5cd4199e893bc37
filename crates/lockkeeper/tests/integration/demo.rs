//! The demo, and that it leaves nothing behind.

use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use std::time::{Duration, Instant};

use lockkeeper_testkit::Project;
use serde_json::Value;
use tempfile::TempDir;

use crate::shop::{Running, Shop, wait_until};

/// A temporary folder of the demo's own, which a server's unprivileged account can pass through too.
struct Place {
    folder: TempDir,
    project: Project,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o1777)).unwrap();
        Self { folder, project: Project::new(env!("CARGO_BIN_EXE_lockkeeper")) }
    }

    fn command(&self, line: &[&str]) -> Command {
        let mut command = self.project.command(line);
        command.env("TMPDIR", self.folder.path());
        // The demo finds a server as anybody would, besides the one that a test run may ask for.
        if let Some(dir) = std::env::var_os("LOCKKEEPER_TEST_PG_BIN").filter(|dir| !dir.is_empty()) {
            let path = std::env::var_os("PATH").unwrap_or_default();
            let all = [std::path::PathBuf::from(dir)].into_iter().chain(std::env::split_paths(&path));
            command.env("PATH", std::env::join_paths(all).unwrap());
        }
        command
    }

    fn files(&self) -> usize {
        std::fs::read_dir(self.folder.path()).unwrap().count()
    }

    /// Processes that name the folder: the server's and the shop's.
    fn processes(&self) -> usize {
        self.lines().len()
    }

    fn runs(&self, what: &str) -> bool {
        self.lines().iter().any(|line| line.contains(what))
    }

    fn lines(&self) -> Vec<String> {
        let output = Command::new("ps").args(["-eo", "args"]).output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let folder = self.folder.path().display().to_string();
        text.lines().filter(|line| line.contains(&folder)).map(str::to_owned).collect()
    }

    #[track_caller]
    fn is_clean(&self) {
        // The server's own supervisor outlives its parent by as long as it takes to clean up.
        wait_until("the server and its folder are gone", || self.processes() == 0 && self.files() == 0);
        assert_eq!(std::fs::read_dir(self.project.path()).unwrap().count(), 0, "it wrote into the current folder");
    }
}

/// Well below a minute on a quiet machine; this is for one that has other things to do.
const TIME_MAX_MS: u64 = 300_000;

#[test]
fn the_first_release_fails_nobody_and_the_second_one_goes_back_by_itself() {
    let place = Place::new();
    let run = Shop::finish(place.command(&["--json", "demo", "--lang", "en"])).expect(0);
    place.is_clean();
    let told = run.json();
    let [first, second] = told["releases"].as_array().unwrap().as_slice() else { panic!("{told}") };
    let number = |value: &Value, key: &str| value[key].as_u64().unwrap_or_else(|| panic!("no {key} in {value}"));

    assert_eq!((first["to"].as_str(), first["end"].as_str()), (Some("2"), Some("completed")));
    assert_eq!(number(first, "failures"), 0, "{told}");
    assert!(first["detected_ms"].is_null() && first["rolled_back_ms"].is_null(), "{first}");
    // 100 a second were asked for; a busy machine may be late with some of them.
    let expected = number(first, "took_ms") / 10;
    assert!((expected / 2..=expected + 100).contains(&number(first, "requests")), "{first}");

    assert_eq!((second["to"].as_str(), second["end"].as_str()), (Some("3"), Some("rolled_back")));
    assert_eq!((second["cause"].as_str(), second["class"].as_str()), (Some("unhealthy"), Some("app + schema")));
    assert!(number(second, "failures") > 0, "{second}");
    assert_eq!(number(second, "failures_after_old_code"), 0, "{told}");
    // Three windows of a second and the warm-up, and not before; 20 s is when the watch would have ended without.
    assert!((2_500..21_000).contains(&number(second, "detected_ms")), "{second}");
    let (old_code, rolled_back) = (number(second, "old_code_serves_ms"), number(second, "rolled_back_ms"));
    assert!(old_code <= rolled_back && rolled_back < 15_000, "{second}");

    // The failures began and stopped: nothing before the bad version, nothing at the end.
    let seconds = told["by_second"].as_array().unwrap();
    let failed: Vec<u64> = seconds.iter().map(|second| second[1].as_u64().unwrap()).collect();
    assert_eq!(failed.iter().sum::<u64>(), number(&told, "failures"), "{told}");
    assert_eq!(failed.last(), Some(&0), "{failed:?}");
    assert!(told["failed_with"][0].as_str().unwrap().contains("division by zero"), "{told}");
    assert!(number(&told, "took_ms") < TIME_MAX_MS, "{told}");
}

#[test]
fn it_is_told_in_korean_too_and_without_the_settings_of_where_it_runs() {
    let place = Place::new();
    let mut command = place.command(&["demo", "--keep", "story"]);
    command.env("LC_ALL", "ko_KR.UTF-8").env("DATABASE_URL", "postgres://nobody:secret@nowhere.invalid/none");
    command.env("DB_PASSWORD", "secret").env("PGHOST", "nowhere.invalid").env("PGDATABASE", "none");
    command
        .env("PGSSLMODE", "nonsense")
        .env("LOCKKEEPER_ENVIRONMENT", "production")
        .env("LOCKKEEPER_VERSION", "99")
        .env("DB_PASSWORD_FILE", "/nowhere");
    let run = Shop::finish(command).expect(0);
    let chapters = ["\n0. ", "\n1. ", "\n2. ", "고객이 겪은 것"].map(|chapter| run.stdout.find(chapter));
    assert!(chapters.iter().all(Option::is_some) && chapters.is_sorted(), "{run}");
    run.says(&["$ lockkeeper release start --version 2", "단계 1 완료", "스스로 되돌아감", "로그가 온전합니다", "▁"]);
    // What was wanted is there, and no key.
    let story = place.project.path().join("story");
    let text = std::fs::read_to_string(story.join("lockkeeper.toml")).unwrap();
    assert!(text.contains("[hooks.deploy]"), "{text}");
    assert_eq!(std::fs::read_dir(story.join("migrations")).unwrap().count(), 10);
    assert!(!story.join("approver_key").exists());
    // And it is not written over.
    Shop::finish(place.command(&["--json", "demo", "--keep", "story"])).refused(2, "demo-keep-not-empty");
    std::fs::remove_dir_all(story).unwrap();
    place.is_clean();
}

/// It takes a few seconds; this is for a machine that has other things to do.
const SO_FAR_MAX: Duration = Duration::from_mins(3);

/// When to interrupt it.
#[derive(Debug, Clone, Copy)]
enum When {
    /// As soon as it has a folder.
    AtOnce,
    /// Version 1 has customers.
    TheShopIsOpen,
    /// A release is on its way: a second server tries its migrations.
    Verifying,
    /// Its code is out.
    Watching,
}

impl When {
    fn is_there(self, place: &Place) -> bool {
        match self {
            Self::AtOnce => place.files() >= 1,
            Self::TheShopIsOpen => place.runs("serve --version 1"),
            Self::Verifying => place.files() >= 3,
            Self::Watching => place.runs("serve --version 2"),
        }
    }
}

#[test]
fn ctrl_c_in_the_middle_leaves_nothing_either() {
    // To the demo alone, and to the whole group as a terminal does it.
    for (name, code, to_group, when) in [
        ("INT", 130, false, When::AtOnce),
        ("INT", 130, true, When::TheShopIsOpen),
        ("TERM", 143, false, When::Verifying),
        ("TERM", 143, false, When::Watching),
        ("INT", 130, true, When::Watching),
    ] {
        let place = Place::new();
        let mut running = Running::start(place.command(&["--json", "demo"]));
        let began = Instant::now();
        while !when.is_there(&place) {
            assert!(running.is_running() && began.elapsed() < SO_FAR_MAX, "it has not come so far: {when:?}");
            std::thread::sleep(Duration::from_millis(20));
        }
        if to_group {
            running.signal_group(name);
        } else {
            running.signal(name);
        }
        let run = running.wait_for(Duration::from_mins(1)).expect(code);
        assert_eq!(run.json()["error"]["id"], "demo-stopped", "{name} {when:?}: {run}");
        place.is_clean();
    }
}

#[test]
fn a_killed_demo_takes_its_server_and_its_shop_with_it() {
    let place = Place::new();
    let running = Running::start(place.command(&["demo"]));
    wait_until("the shop is open", || When::TheShopIsOpen.is_there(&place));
    running.signal("KILL");
    assert_eq!(running.wait().code, None);
    wait_until("all is gone", || place.processes() == 0);
}
