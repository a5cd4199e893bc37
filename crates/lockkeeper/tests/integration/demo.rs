//! The demo, and that it leaves nothing behind.

use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use std::time::Duration;

use lockkeeper_testkit::Project;
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

    /// Processes that name the folder.
    fn processes(&self) -> usize {
        let output = Command::new("ps").args(["-eo", "args"]).output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        text.lines().filter(|line| line.contains(&self.folder.path().display().to_string())).count()
    }

    #[track_caller]
    fn is_clean(&self) {
        // The server's own supervisor outlives its parent by as long as it takes to clean up.
        wait_until("the server and its folder are gone", || self.processes() == 0 && self.files() == 0);
        assert_eq!(std::fs::read_dir(self.project.path()).unwrap().count(), 0, "it wrote into the current folder");
    }
}

#[test]
fn the_story_is_told_to_its_end_and_nothing_is_left() {
    let place = Place::new();
    let run = Shop::finish(place.command(&["demo", "--lang", "en"])).expect(0);
    place.is_clean();
    let chapters: Vec<usize> = (0..=10)
        .map(|n| run.stdout.find(&format!("\n{n}. ")).unwrap_or_else(|| panic!("no chapter {n}\n{run}")))
        .collect();
    assert!(chapters.is_sorted(), "{run}");
    run.says(&[
        "That was the story",
        "$ lockkeeper stage2",
        "stage 2 is closed",
        "approved by admin@shop.example",
        "back at before_schema_add",
        "the log is whole",
    ]);
}

#[test]
fn it_is_told_in_korean_too_and_without_the_settings_of_where_it_runs() {
    let place = Place::new();
    let mut command = place.command(&["demo"]);
    command.env("LC_ALL", "ko_KR.UTF-8").env("DATABASE_URL", "postgres://nobody:secret@nowhere.invalid/none");
    command.env("DB_PASSWORD", "secret").env("PGHOST", "nowhere.invalid").env("PGDATABASE", "none");
    command
        .env("PGSSLMODE", "nonsense")
        .env("LOCKKEEPER_ENVIRONMENT", "production")
        .env("DB_PASSWORD_FILE", "/nowhere");
    let run = Shop::finish(command).expect(0);
    assert!(run.stdout.contains("단계 2 완료"), "{run}");
    place.is_clean();
}

#[test]
fn ctrl_c_in_the_middle_leaves_nothing_either() {
    // To the demo alone, and to the whole group as a terminal does it; early, and in the story.
    for (to_group, late) in [(false, false), (true, false), (false, true), (true, true)] {
        let place = Place::new();
        let mut running = Running::start(place.command(&["demo"]));
        wait_until("the demo works", || place.files() >= if late { 2 } else { 1 });
        assert!(running.is_running());
        if to_group {
            running.signal_group("INT");
        } else {
            running.signal("INT");
        }
        running.wait_for(Duration::from_secs(30)).expect(130);
        place.is_clean();
    }
}

#[test]
fn a_killed_demo_takes_its_server_with_it() {
    let place = Place::new();
    let running = Running::start(place.command(&["demo"]));
    wait_until("the server's folder is there", || place.files() >= 1);
    running.signal("KILL");
    assert_eq!(running.wait().code, None);
    wait_until("the server is gone", || place.processes() == 0);
}
