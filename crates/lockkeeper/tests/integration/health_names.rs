//! Names that are gone, and resolvers that do not answer: the first is the target's fault, the second is not.
//!
//! Where the test may have a `/etc/resolv.conf` of its own (a mount namespace, and port 53 on a loopback address), it
//! runs against a name server of its own. Elsewhere it asks the machine's resolver for a name that cannot be, and
//! expects what follows from that resolver's answer.

use std::net::{ToSocketAddrs, UdpSocket};
use std::process::Command;
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use lockkeeper_testkit::{Database, FaultyHttp, HttpAnswer, Project};
use serde_json::Value;

use crate::health_bench::{QUICK, Watcher, http, project_on};

/// What the name server says of every name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Says {
    /// 127.0.0.1.
    Here,
    NoSuchName,
    ServerFailure,
    Nothing,
}

struct NameServer {
    says: Arc<Mutex<Says>>,
    address: String,
}

impl NameServer {
    /// `None` where nobody may listen on port 53.
    fn start(says: Says) -> Option<Self> {
        // Each on an address of its own, so that tests run side by side.
        static NEXT: AtomicU16 = AtomicU16::new(0);
        let pid = std::process::id();
        let address = format!("127.{}.{}.{}", 64 + pid / 256 % 64, pid % 256, 1 + NEXT.fetch_add(1, Ordering::Relaxed));
        let socket = UdpSocket::bind((address.as_str(), 53)).ok()?;
        let says = Arc::new(Mutex::new(says));
        let told = Arc::clone(&says);
        // It ends with the process: nothing tells a socket to stop.
        std::thread::spawn(move || {
            let mut query = [0; 512];
            while let Ok((length, from)) = socket.recv_from(&mut query) {
                let says = *told.lock().unwrap_or_else(PoisonError::into_inner);
                if let Some(answer) = answer(&query[..length], says) {
                    // Who has gone meanwhile needs no answer.
                    let _ = socket.send_to(&answer, from);
                }
            }
        });
        Some(Self { says, address })
    }

    fn say(&self, says: Says) {
        *self.says.lock().unwrap_or_else(PoisonError::into_inner) = says;
    }

    /// The command, to whom this is the only name server there is.
    fn only(&self, project: &Project, command: &Command) -> Command {
        project.write("resolv.conf", &format!("nameserver {}\noptions timeout:1 attempts:1\n", self.address));
        let mut own = Command::new("unshare");
        own.args(["--mount", "--propagation", "private", "--", "/bin/sh", "-c"]);
        own.arg("mount --bind \"$0\" /etc/resolv.conf && exec \"$@\"").arg(project.path().join("resolv.conf"));
        own.arg(command.get_program()).args(command.get_args()).current_dir(project.path()).env_clear();
        own.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        own
    }

    /// Whether a program can be made to ask this one alone.
    fn is_asked(&self, project: &Project) -> bool {
        let mut lookup = Command::new("getent");
        lookup.args(["ahostsv4", "shop.lockkeeper.test"]).env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
        let output = self.only(project, &lookup).output();
        output.is_ok_and(|output| String::from_utf8_lossy(&output.stdout).contains("127.0.0.1"))
    }
}

/// The answer to a query (RFC 1035): its own question, and one address or none.
fn answer(query: &[u8], says: Says) -> Option<Vec<u8>> {
    const HEADER: usize = 12;
    let name_ends = HEADER + query.get(HEADER..)?.iter().position(|byte| *byte == 0)?;
    let question = query.get(HEADER..name_ends + 5)?;
    let asks_for_ipv4 = question.ends_with(&[0, 1, 0, 1]);
    let (code, answers) = match says {
        Says::Nothing => return None,
        Says::Here => (0, u8::from(asks_for_ipv4)),
        Says::NoSuchName => (3, 0),
        Says::ServerFailure => (2, 0),
    };
    let mut answer = query[..2].to_vec();
    answer.extend([0x81, 0x80 | code, 0, 1, 0, answers, 0, 0, 0, 0]);
    answer.extend(question);
    if answers == 1 {
        answer.extend([0xc0, 0x0c, 0, 1, 0, 1, 0, 0, 0, 1, 0, 4, 127, 0, 0, 1]);
    }
    Some(answer)
}

struct Bench {
    names: NameServer,
    project: Project,
    database: Database,
    _server: FaultyHttp,
}

impl Bench {
    /// `None` where the machine lets nobody have a name server of his own.
    fn new() -> Option<Self> {
        let names = NameServer::start(Says::Here)?;
        let (database, server) = (Database::create(), FaultyHttp::start(HttpAnswer::status(200)));
        let url = format!("http://shop.lockkeeper.test:{}/", server.address().port());
        let project = project_on(&database, &(QUICK.to_owned() + &http("shop", &url, "timeout = \"400ms\"")));
        let bench = Self { names, project, database, _server: server };
        bench.names.is_asked(&bench.project).then_some(bench)
    }

    /// The verdict of one check, and its words.
    fn check(&self) -> (Option<i32>, String, String) {
        let command = self.project.command(["health", "check", "--json"]);
        let output = self.names.only(&self.project, &command).output().unwrap();
        let answer: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"));
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let one = &answer["checks"][0];
        (output.status.code(), text(&one["verdict"]), text(&one["said"]["text"]))
    }

    fn watch(&self, lasts: &str) -> Watcher {
        let command = self.project.command(["health", "start", "--json", "--for", lasts]);
        Watcher::of(self.names.only(&self.project, &command))
    }

    fn breaches(&self) -> String {
        self.database.value("SELECT count(*) FROM lockkeeper.events WHERE kind = 'health_breach'")
    }
}

#[test]
fn a_name_that_is_gone_is_the_targets_fault_and_a_silent_resolver_is_not() {
    let Some(bench) = Bench::new() else { return by_the_machines_own_resolver() };
    assert_eq!(bench.check().1, "pass");
    for (says, code, verdict, part) in [
        (Says::NoSuchName, 1, "fail", "cannot be looked up"),
        (Says::ServerFailure, 6, "probe_error", "resolver does not answer"),
        (Says::Nothing, 6, "probe_error", "resolver does not answer"),
    ] {
        bench.names.say(says);
        let (was_code, was, text) = bench.check();
        assert_eq!((was_code, was.as_str()), (Some(code), verdict), "{says:?}: {text}");
        assert!(text.contains(part), "{says:?}: {text}");
    }
}

#[test]
fn a_name_that_goes_away_during_a_watch_is_a_breach_and_a_resolver_that_does_is_none() {
    let Some(bench) = Bench::new() else { return by_the_machines_own_resolver() };
    let mut watcher = bench.watch("10s");
    watcher.judgement("shop", "floor", |judgement| judgement["verdict"] == "pass");
    bench.names.say(Says::Nothing);
    let silent = watcher.judgement("shop", "floor", |judgement| judgement["verdict"] == "probe_error");
    assert_eq!(silent["evidence"]["id"], "probe-own-resolver", "{silent}");
    assert_eq!(watcher.code(), Some(6), "{}", watcher.seen());
    assert_eq!(bench.breaches(), "0");
    bench.names.say(Says::Here);
    let mut watcher = bench.watch("60s");
    watcher.judgement("shop", "floor", |judgement| judgement["verdict"] == "pass");
    bench.names.say(Says::NoSuchName);
    assert_eq!(watcher.code(), Some(1), "{}", watcher.seen());
    assert_eq!(bench.breaches(), "1");
}

/// What the machine's resolver says of a name that cannot be decides what the program has to say of it.
fn by_the_machines_own_resolver() {
    let database = Database::create();
    let project = project_on(&database, &(QUICK.to_owned() + &http("shop", "http://shop.invalid/", "")));
    let error = ("shop.invalid", 80).to_socket_addrs().expect_err("nobody is called so").to_string();
    let is_silent = ["Temporary failure", "Try again", "Non-recoverable"].iter().any(|part| error.contains(part));
    let finished = crate::health_bench::check(&project);
    let (verdict, text) = crate::health_bench::said(&finished, "shop");
    let (expected, code, lasts) = if is_silent { ("probe_error", 6, "6s") } else { ("fail", 1, "60s") };
    assert_eq!((verdict.as_str(), finished.code), (expected, Some(code)), "{error}: {text}");
    let watched = project.lockkeeper(["health", "start", "--for", lasts]);
    assert_eq!(watched.code, Some(code), "{error}: {watched:?}");
}
