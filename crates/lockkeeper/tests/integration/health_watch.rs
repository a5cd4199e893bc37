//! `health start` and `health status`: a real watcher, a real service that goes wrong, signals, kills and restarts.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use lockkeeper_testkit::{Database, FaultyHttp, Finished, HttpAnswer, Project};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

/// Windows of a second, so that three of them are three seconds; 20 probes a second, and 10 are enough to judge.
pub const QUICK: &str = "[health]\nrules = [\"floor\"]\ninterval = \"1s\"\nmin_samples = 10\n";

pub struct Watched {
    pub database: Database,
    pub server: FaultyHttp,
    pub project: Project,
}

impl Watched {
    pub fn with(settings: &str, answer: HttpAnswer) -> Self {
        let (database, server) = (Database::create(), FaultyHttp::start(answer));
        let project = Project::new(env!("CARGO_BIN_EXE_lockkeeper")).with_env(database.env());
        let watched = Self { database, server, project };
        watched.settings(settings);
        watched
    }

    /// Writes the settings, with the one check.
    pub fn settings(&self, settings: &str) {
        let check = format!(
            "{settings}\n[[health.http]]\nname = \"shop\"\nurl = \"{}\"\nevery = \"50ms\"\n",
            self.server.url("/healthz")
        );
        std::fs::write(self.project.path().join("lockkeeper.toml"), check).unwrap();
    }

    pub fn quick(answer: HttpAnswer) -> Self {
        Self::with(QUICK, answer)
    }

    pub fn health(&self, args: &[&str]) -> Finished {
        self.project.lockkeeper(std::iter::once("health").chain(args.iter().copied()))
    }

    pub fn start(&self, args: &[&str]) -> Watcher {
        let args = ["health", "start"].into_iter().chain(args.iter().copied());
        let mut command: Command = self.project.command(args);
        Watcher(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap())
    }

    /// What it says on standard error goes into this file.
    pub fn start_logged(&self, args: &[&str], log: &std::path::Path) -> Watcher {
        let args = ["health", "start"].into_iter().chain(args.iter().copied());
        let mut command: Command = self.project.command(args);
        let log = std::fs::File::create(log).unwrap();
        Watcher(command.stdout(Stdio::null()).stderr(log).spawn().unwrap())
    }

    pub fn status(&self) -> Value {
        serde_json::from_str(&self.health(&["status", "--json"]).stdout).unwrap_or(Value::Null)
    }

    pub fn wait_until(&self, what: &str, is: impl Fn(&Value) -> bool) -> Value {
        let began = Instant::now();
        loop {
            let status = self.status();
            if is(&status) {
                return status;
            }
            assert!(began.elapsed() < Duration::from_secs(40), "never: {what}: {status}");
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    fn breaches_logged(&self) -> String {
        self.database.value("SELECT count(*) FROM lockkeeper.events WHERE kind = 'health_breach'")
    }
}

/// A watcher that runs; killed with this value.
pub struct Watcher(Child);

impl Watcher {
    pub fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(i32::try_from(self.0.id()).unwrap()), signal).unwrap();
    }

    pub fn code(mut self) -> Option<i32> {
        self.0.wait().unwrap().code()
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub fn failures(status: &Value) -> u64 {
    let checks = status["checks"].as_array().cloned().unwrap_or_default();
    checks.iter().filter_map(|check| check["judgements"]["floor"]["failures"].as_u64()).max().unwrap_or(0)
}

#[test]
fn a_service_that_is_well_ends_healthy() {
    let watched = Watched::quick(HttpAnswer::status(200));
    let finished = watched.health(&["start", "--for", "12s"]);
    assert_eq!(finished.code, Some(0), "{finished:?}");
    let status = watched.status();
    assert_eq!((status["verdict"].as_str(), status["is_alive"].as_bool()), (Some("healthy"), Some(false)));
    assert!(status["checks"][0]["requests"].as_u64().unwrap() >= 59, "{status}");
    assert!(!status["trend"].as_array().unwrap().is_empty());
}

#[test]
fn one_that_fails_breaches_and_what_follows_is_told_once_with_its_evidence() {
    let watched = Watched::quick(HttpAnswer::status(500));
    let log = watched.project.path().join("breach.json");
    let command = format!("cat >> {}; echo $LOCKKEEPER_RULE >> {0}", log.display());
    let finished = watched.health(&["start", "--for", "60s", "--on-breach", &command]);
    assert_eq!(finished.code, Some(1), "{finished:?}");
    let told = std::fs::read_to_string(&log).unwrap();
    let mut lines = told.lines();
    let evidence: Value = serde_json::from_str(lines.next().unwrap()).unwrap();
    assert_eq!((evidence["rule"].as_str(), evidence["failures"].as_u64()), (Some("floor"), Some(3)));
    assert_eq!(lines.collect::<Vec<_>>(), ["floor"]);
    assert_eq!(watched.breaches_logged(), "1");
    assert_eq!(watched.health(&["status"]).code, Some(1));
}

#[test]
fn a_watch_without_data_is_inconclusive() {
    let watched = Watched::with("[health]\nrules = [\"floor\"]\ninterval = \"1s\"\n", HttpAnswer::status(200));
    // 20 probes in a window, and 59 are needed: the floor never judges.
    let finished = watched.health(&["start", "--for", "4s", "--json"]);
    assert_eq!(finished.code, Some(6), "{finished:?}");
    let answer: Value = serde_json::from_str(&finished.stdout).unwrap();
    assert_eq!(answer["verdict"].as_str(), Some("inconclusive"));
    assert!(!answer["doubts"].as_array().unwrap().is_empty());
}

#[test]
fn killed_in_the_middle_of_a_row_the_third_failure_still_breaches_and_once() {
    let watched =
        Watched::with("[health]\nrules = [\"floor\"]\ninterval = \"6s\"\nmin_samples = 10\n", HttpAnswer::status(500));
    let first = watched.start(&[]);
    watched.wait_until("a failure", |status| failures(status) >= 1);
    first.signal(Signal::SIGKILL);
    drop(first);
    // Nobody waits for the term to run out in a test.
    watched.database.execute("UPDATE lockkeeper.watches SET expires_at = now()");
    let before = failures(&watched.status());
    assert!(before < 3, "{before}");
    assert_eq!(watched.breaches_logged(), "0");
    let began = Instant::now();
    let second = watched.start(&[]);
    watched.wait_until("the breach", |status| !status["breach"].is_null());
    let windows_needed = 3 - u32::try_from(before).unwrap();
    assert!(began.elapsed() < Duration::from_secs(6) * (windows_needed + 1) + Duration::from_secs(8), "it began anew");
    second.signal(Signal::SIGKILL);
    drop(second);
    watched.database.execute("UPDATE lockkeeper.watches SET expires_at = now()");
    // A third process finds the breach: it is told, and not logged again.
    let third = watched.start(&[]);
    watched.wait_until("the third watcher", |status| status["is_alive"] == true);
    std::thread::sleep(Duration::from_secs(6));
    third.signal(Signal::SIGTERM);
    assert_eq!(third.code(), Some(143));
    assert_eq!(watched.breaches_logged(), "1");
}

#[test]
fn there_is_one_watcher_and_a_stopped_one_leaves_at_once() {
    let watched = Watched::quick(HttpAnswer::status(200));
    let first = watched.start(&[]);
    watched.wait_until("the first", |status| status["is_alive"] == true);
    let second = watched.health(&["start", "--for", "5s"]);
    assert_eq!(second.code, Some(4), "{second:?}");
    let asked = Instant::now();
    first.signal(Signal::SIGTERM);
    assert_eq!(first.code(), Some(143));
    assert!(asked.elapsed() < Duration::from_secs(5));
    assert_eq!(watched.status()["is_alive"], false);
    let next = watched.health(&["start", "--for", "15s"]);
    assert_eq!(next.code, Some(0), "the next one goes on: {next:?}");
    assert!(next.stderr.contains("going on"), "{next:?}");
}

#[test]
fn a_service_that_recovers_starts_the_row_over() {
    let watched =
        Watched::with("[health]\nrules = [\"floor\"]\ninterval = \"6s\"\nmin_samples = 10\n", HttpAnswer::status(500));
    let watcher = watched.start(&[]);
    watched.wait_until("a failure", |status| failures(status) >= 1);
    watched.server.answer(HttpAnswer::status(200));
    let status = watched.wait_until("the recovery", |status| {
        failures(status) == 0 && status["checks"][0]["judgements"]["floor"]["verdict"] == "pass"
    });
    assert!(status["breach"].is_null(), "{status}");
    drop(watcher);
}

#[test]
fn a_dead_watcher_is_told_of() {
    let watched = Watched::quick(HttpAnswer::status(200));
    assert_eq!(watched.health(&["status"]).code, Some(6), "nobody has watched yet");
    let watcher = watched.start(&[]);
    watched.wait_until("the watcher", |status| status["is_alive"] == true);
    watcher.signal(Signal::SIGKILL);
    drop(watcher);
    watched.database.execute("UPDATE lockkeeper.watches SET seen_at = now() - interval '1 minute'");
    let told = watched.health(&["status"]);
    assert_eq!(told.code, Some(6), "{told:?}");
    assert!(told.stdout.contains("nobody is watching"), "{}", told.stdout);
}

#[test]
fn a_flag_of_the_watch_is_refused_elsewhere() {
    let watched = Watched::quick(HttpAnswer::status(200));
    assert_eq!(watched.health(&["status", "--for", "5s"]).code, Some(2));
    assert_eq!(watched.health(&["start", "--for", "soon"]).code, Some(2));
}
