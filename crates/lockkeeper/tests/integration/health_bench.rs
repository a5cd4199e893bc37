//! The fixture of the tests of health: a project with a section `[health]`, and what its commands say. No tests.

use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use lockkeeper_testkit::{Database, Finished, Project};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

/// Windows of a second and a probe every 50 ms, so that three windows are three seconds and a busy machine still
/// makes ten probes in each.
pub const QUICK: &str = "[health]\nrules = [\"floor\", \"threshold\"]\ninterval = \"1s\"\nmin_samples = 3\n";

/// What does not happen by then does not happen.
pub const PATIENCE: Duration = Duration::from_mins(1);

/// A project whose configuration is this text.
pub fn project(toml: &str) -> Project {
    let project = Project::new(env!("CARGO_BIN_EXE_lockkeeper"));
    project.write("lockkeeper.toml", toml);
    project
}

/// The same, on a database.
pub fn project_on(database: &Database, toml: &str) -> Project {
    project(toml).with_env(database.env())
}

/// An HTTP probe.
pub fn http(name: &str, url: &str, rest: &str) -> String {
    format!("\n[[health.http]]\nname = \"{name}\"\nurl = \"{url}\"\nevery = \"50ms\"\n{rest}\n")
}

pub fn check(project: &Project) -> Finished {
    project.lockkeeper(["health", "check", "--json"])
}

/// What one check of `health check --json` said: its verdict, and in which words.
#[track_caller]
pub fn said(finished: &Finished, check: &str) -> (String, String) {
    let answer: Value = serde_json::from_str(&finished.stdout).unwrap_or_else(|_| panic!("{finished:?}"));
    let checks = answer["checks"].as_array().expect("checks");
    let one = checks.iter().find(|one| one["check"] == check).unwrap_or_else(|| panic!("{check}: {finished:?}"));
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    (text(&one["verdict"]), text(&one["said"]["text"]))
}

/// A watcher that runs, and what it says line by line; killed with this value.
pub struct Watcher {
    child: Child,
    lines: Receiver<String>,
    seen: Vec<String>,
}

impl Watcher {
    /// `health start --json` with these arguments.
    pub fn start(project: &Project, args: &[&str]) -> Self {
        let args = ["health", "start", "--json"].into_iter().chain(args.iter().copied());
        Self::of(project.command(args))
    }

    pub fn of(mut command: std::process::Command) -> Self {
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let (sender, lines) = channel();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        std::thread::spawn(move || {
            for line in stderr.lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        Self { child, lines, seen: Vec::new() }
    }

    /// The next line of which this makes something.
    #[track_caller]
    pub fn wait_for<T>(&mut self, what: &str, find: impl Fn(&str) -> Option<T>) -> T {
        let began = Instant::now();
        loop {
            match self.lines.recv_timeout(PATIENCE.saturating_sub(began.elapsed())) {
                Ok(line) => {
                    self.seen.push(line.clone());
                    if let Some(found) = find(&line) {
                        return found;
                    }
                }
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                    panic!("never: {what}\n{}", self.seen());
                }
            }
        }
    }

    /// The next judgement of a rule on a check of which this is true.
    #[track_caller]
    pub fn judgement(&mut self, check: &str, rule: &str, is: impl Fn(&Value) -> bool) -> Value {
        self.wait_for(&format!("{check} {rule}"), |line| {
            let judgement: Value = serde_json::from_str(line).ok()?;
            (judgement["check"] == check && judgement["rule"] == rule && is(&judgement)).then_some(judgement)
        })
    }

    /// The last of what it said.
    pub fn seen(&self) -> String {
        self.seen[self.seen.len().saturating_sub(20)..].join("\n")
    }

    pub fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(i32::try_from(self.child.id()).unwrap()), signal).unwrap();
    }

    /// Its exit code, when it has ended.
    pub fn code(&mut self) -> Option<i32> {
        let code = self.child.wait().unwrap().code();
        self.seen.extend(self.lines.iter());
        code
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
