//! The monitor's own network is cut: nobody is judged, the reason is told, and once it is back the watch goes on.
//!
//! The cut is made twice. By a pair of servers that fall silent together, everywhere; and in a network namespace of
//! the test's own, whose only link goes down, where the system lets the test have one.

#[cfg(target_os = "linux")]
use std::process::{Child, Command, Stdio};

#[cfg(target_os = "linux")]
use lockkeeper_testkit::Project;
use lockkeeper_testkit::{Database, FaultyHttp, HttpAnswer};
use serde_json::Value;

use crate::health_bench::{QUICK, Watcher, check, http, project_on, said};

/// A witness that is asked over HTTP; `witness` stands in the first section. An answer may take its time on a busy
/// machine, and a window holds enough of them even when none comes.
fn settings(witness: &str, target: &str) -> String {
    QUICK
        .replace("[health]\n", &format!("[health]\nwitness = \"{witness}\"\n"))
        .replace("interval = \"1s\"", "interval = \"3s\"")
        + &http("shop", target, "timeout = \"800ms\"")
}

fn breaches(database: &Database) -> String {
    database.value("SELECT count(*) FROM lockkeeper.events WHERE kind = 'health_breach'")
}

const OWN_NETWORK: &str = "health-nothing-own-network";

fn evidence(judgement: &Value) -> &str {
    judgement["evidence"]["id"].as_str().unwrap_or_default()
}

#[test]
fn a_cut_rolls_nothing_back_and_the_watch_goes_on_after_it() {
    let (target, witness) = (FaultyHttp::start(HttpAnswer::status(200)), FaultyHttp::start(HttpAnswer::status(204)));
    let database = Database::create();
    let project = project_on(&database, &settings(&witness.url("/"), &target.url("/")));
    let mut watcher = Watcher::start(&project, &["--for", "90s"]);
    watcher.judgement("shop", "floor", |judgement| judgement["verdict"] == "pass");
    // Five windows, and three of them would be a breach.
    target.answer(HttpAnswer::Hang);
    witness.answer(HttpAnswer::Reset);
    for _ in 0..5 {
        watcher.judgement("shop", "floor", |it| it["verdict"] == "no_data" && evidence(it) == OWN_NETWORK);
    }
    let (verdict, text) = said(&check(&project), "shop");
    assert_eq!(verdict, "no_data", "{text}");
    assert!(text.contains("the network is our own"), "{text}");
    assert_eq!(breaches(&database), "0");
    // The network is back, and the service is well.
    witness.answer(HttpAnswer::status(204));
    target.answer(HttpAnswer::status(200));
    let passed = watcher.judgement("shop", "floor", |judgement| judgement["verdict"] == "pass");
    assert_eq!(passed["failures"], 0, "{passed}");
    // Then the service fails, and the network does not.
    target.answer(HttpAnswer::status(500));
    watcher.judgement("shop", "floor", |judgement| judgement["breaches"] == true);
    assert_eq!(watcher.code(), Some(1), "{}", watcher.seen());
    assert_eq!(breaches(&database), "1");
}

#[test]
fn a_watch_that_ends_during_the_cut_is_inconclusive() {
    let (target, witness) = (FaultyHttp::start(HttpAnswer::Hang), FaultyHttp::start(HttpAnswer::Hang));
    let database = Database::create();
    let toml = settings(&witness.url("/"), &target.url("/"));
    let project = project_on(&database, &toml);
    target.stop();
    witness.stop();
    let finished = project.lockkeeper(["health", "start", "--for", "9s", "--json"]);
    assert_eq!(finished.code, Some(6), "{finished:?}");
    assert!(finished.stderr.contains(OWN_NETWORK), "{finished:?}");
    assert_eq!(breaches(&database), "0");
}

/// A network namespace, kept by a process that sleeps in it.
#[cfg(target_os = "linux")]
struct Namespace(Child);

#[cfg(target_os = "linux")]
impl Namespace {
    /// `None` where the system gives nobody one.
    fn new() -> Option<Self> {
        let mut keeper = Command::new("unshare");
        keeper.args(["--net", "--", "sleep", "600"]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let namespace = Self(keeper.spawn().ok()?);
        // It begins where we are, and moves.
        let began = std::time::Instant::now();
        while began.elapsed() < std::time::Duration::from_secs(10) {
            let of = |pid: &str| std::fs::read_link(format!("/proc/{pid}/ns/net")).ok();
            if of(&namespace.0.id().to_string()).is_some_and(|own| Some(own) != of("self")) {
                return namespace.link(true).then_some(namespace);
            }
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        None
    }

    /// Takes the only link up or down.
    fn link(&self, up: bool) -> bool {
        let state = if up { "up" } else { "down" };
        self.enter("ip").args(["link", "set", "lo", state]).status().is_ok_and(|status| status.success())
    }

    fn enter(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new("nsenter");
        command.arg(format!("--net=/proc/{}/ns/net", self.0.id())).arg("--").arg(program);
        command
    }

    fn lockkeeper(&self, project: &Project, args: &[&str]) -> Command {
        let command = project.command(args);
        let mut inside = self.enter(command.get_program());
        inside.args(command.get_args()).current_dir(project.path()).env_clear();
        inside.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        inside
    }

    /// A server in it: this program's own thread that moved there.
    fn serve(&self, answer: HttpAnswer) -> FaultyHttp {
        let path = format!("/proc/{}/ns/net", self.0.id());
        let moved = std::thread::spawn(move || {
            let namespace = std::fs::File::open(path).unwrap();
            nix::sched::setns(namespace, nix::sched::CloneFlags::CLONE_NEWNET).unwrap();
            FaultyHttp::start(answer)
        });
        moved.join().unwrap()
    }
}

#[cfg(target_os = "linux")]
impl Drop for Namespace {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The database is reached by its socket, which is a file: its network is not cut.
#[cfg(target_os = "linux")]
#[test]
fn a_link_that_goes_down_rolls_nothing_back() {
    // Where there is no such thing, the two tests above have said all that can be said.
    let Some(namespace) = Namespace::new() else { return };
    let (target, witness) = (namespace.serve(HttpAnswer::status(200)), namespace.serve(HttpAnswer::status(204)));
    let database = Database::create();
    let project = project_on(&database, &settings(&witness.url("/"), &target.url("/")));
    let mut watcher = Watcher::of(namespace.lockkeeper(&project, &["health", "start", "--json", "--for", "90s"]));
    watcher.judgement("shop", "floor", |judgement| judgement["verdict"] == "pass");
    assert!(namespace.link(false));
    for _ in 0..5 {
        let cut = watcher.judgement("shop", "floor", |judgement| judgement["verdict"] != "pass");
        assert!(["no_data", "probe_error"].contains(&cut["verdict"].as_str().unwrap_or_default()), "{cut}");
        assert!([OWN_NETWORK, "probe-own-network"].contains(&evidence(&cut)), "{cut}");
        assert_eq!(cut["failures"], 0, "{cut}");
    }
    assert_eq!(breaches(&database), "0");
    assert!(namespace.link(true));
    watcher.judgement("shop", "floor", |judgement| judgement["verdict"] == "pass");
    target.answer(HttpAnswer::status(500));
    watcher.judgement("shop", "floor", |judgement| judgement["breaches"] == true);
    assert_eq!(watcher.code(), Some(1), "{}", watcher.seen());
}
