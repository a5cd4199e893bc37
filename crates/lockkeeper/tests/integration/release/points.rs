//! A driver that is killed or cut off at the n-th of its effects on the database, for n = 1, 2, 3 …, and a database that
//! restarts there: whoever goes on in another clone comes to the same end, and no client sees any of it.
//!
//! Between two effects lies everything that a driver does: reading, deciding, recording, running a hook. So the points
//! lie in every state and between any two of a turn's steps. `LOCKKEEPER_LONG=1`, `LOCKKEEPER_POINTS`,
//! `LOCKKEEPER_SEED` and `LOCKKEEPER_POINT` mean what they mean for the crash tests of migrations.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use lockkeeper_engine::postgres::{PrivateServer, PrivateServerOptions, Shutdown};
use lockkeeper_testkit::{Cluster, Fault, Project, Proxy};

use super::Release;
use crate::crash::points::{is_long, seed, some, told};
use crate::shop::{Run, Running, Shop, words};

/// A part of a release that one command drives.
struct Leg {
    name: &'static str,
    /// A release that the command can be given to.
    ready: fn(Option<&PrivateServer>) -> Release,
    command: &'static str,
    /// What goes on with it from this state, where that is not `release resume`.
    anew_from: &'static [&'static str],
    ends: &'static str,
    /// Whether the new code is broken, so that clients see failures whatever anybody does.
    code_is_broken: bool,
}

const UP: Leg = Leg {
    name: "a release up to its approval",
    ready: |server| Release::unwatched(server, ""),
    command: "release start --version 2 --previous 1",
    anew_from: &["none"],
    ends: "awaiting_approval",
    code_is_broken: false,
};

const THROUGH: Leg = Leg {
    name: "a release from its approval on",
    ready: |server| {
        let release = Release::unwatched(server, "");
        release.start("2").expect(0);
        release.approve();
        release
    },
    command: "release resume",
    anew_from: &[],
    ends: "completed",
    code_is_broken: false,
};

const BACK: Leg = Leg {
    name: "a release that is given up",
    ready: |server| {
        let release = Release::unwatched(server, "");
        release.start("2").expect(0);
        release
    },
    command: "release abort --reason \"wrong build\"",
    anew_from: &["awaiting_approval"],
    ends: "rolled_back",
    code_is_broken: false,
};

const BREACH: Leg = Leg {
    name: "a release that goes back by itself",
    ready: |server| Release::watched(server, "").patient(),
    command: "release start --version bad --previous 1",
    anew_from: &["none"],
    ends: "rolled_back",
    code_is_broken: true,
};

/// Measures what is normal, and watches, both for a moment.
const WATCHED: Leg = Leg { name: "a release that is watched", ready: |server| Release::watched(server, ""), ..UP };

/// What disturbs a driver at one effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    KillBefore,
    KillAfter,
    Cut,
    LoseReply,
    /// The server ends without a word, and starts again.
    Restart,
}

impl Kind {
    const OF_DRIVER: [Self; 4] = [Self::KillBefore, Self::KillAfter, Self::Cut, Self::LoseReply];

    const fn name(self) -> &'static str {
        match self {
            Self::KillBefore => "kill-before",
            Self::KillAfter => "kill-after",
            Self::Cut => "cut",
            Self::LoseReply => "lose-reply",
            Self::Restart => "restart",
        }
    }
}

/// A server that a test may stop, as the tests' own is not.
type Server = Arc<Mutex<PrivateServer>>;

fn server() -> Server {
    let config = ["max_connections = 80", "synchronous_commit = on", "full_page_writes = on"];
    let options = PrivateServerOptions {
        binaries: Cluster::binaries_wanted(),
        config: config.map(str::to_owned).to_vec(),
        ..PrivateServerOptions::default()
    };
    Arc::new(Mutex::new(PrivateServer::start(&options).unwrap_or_else(|problem| panic!("{problem}"))))
}

fn fault(kind: Kind, server: Option<&Server>) -> Fault {
    match (kind, server) {
        (Kind::KillBefore, _) => Fault::KillBefore,
        (Kind::KillAfter, _) => Fault::KillAfter,
        (Kind::Cut, _) => Fault::Cut,
        (Kind::LoseReply, _) => Fault::LoseReply,
        (Kind::Restart, server) => {
            let server = Arc::clone(server.expect("a server of the test's own"));
            Fault::Call(Box::new(move || {
                let mut server = server.lock().unwrap_or_else(PoisonError::into_inner);
                server.stop(Shutdown::Immediate).unwrap_or_else(|problem| panic!("{problem}"));
                server.restart().unwrap_or_else(|problem| panic!("{problem}"));
            }))
        }
    }
}

/// What stands at the end of a leg.
#[derive(Debug, PartialEq, Eq)]
struct Stands {
    state: String,
    version: String,
    columns: String,
    applied: usize,
    moves: usize,
}

impl Stands {
    fn of(release: &Release) -> Self {
        Self {
            state: release.state(),
            version: release.version(),
            columns: release.columns(),
            applied: release.shop.count("lockkeeper.migrations WHERE state = 'applied'"),
            moves: release.shop.count("lockkeeper.events WHERE kind = 'release_state'"),
        }
    }
}

struct Trial {
    leg: &'static Leg,
    server: Option<Server>,
    golden: Stands,
    effects: Vec<String>,
}

/// A point of a release takes seconds, where one of a migration takes tenths: every so many are tried.
const SPARED: usize = 3;

/// A command is given again at most this often before the release must have come to its end.
const RESUMES_MAX: usize = 4;

impl Trial {
    fn prepare(leg: &'static Leg, server: Option<Server>) -> Self {
        let release = ready(leg, server.as_ref());
        let proxy = Proxy::start(&release.shop.database.target(), None);
        let run = through(&release.shop.project, leg.command, &proxy);
        let golden = Stands::of(&release);
        assert_eq!(golden.state, leg.ends, "{}, and nobody disturbed it: {run}", leg.name);
        let effects = proxy.effects();
        Self { leg, server, golden, effects }
    }

    /// One disturbance at one effect; `Ok(false)` when the run ended before it came to that.
    fn point(&self, kind: Kind, at: usize) -> Result<bool, String> {
        let mut release = ready(self.leg, self.server.as_ref());
        let proxy = Proxy::start(&release.shop.database.target(), Some((at, fault(kind, self.server.as_ref()))));
        let run = through(&release.shop.project, self.leg.command, &proxy);
        let (has_fired, effect) = (proxy.has_fired(), proxy.effects().get(at - 1).cloned().unwrap_or_default());
        drop(proxy);
        if let Some(server) = &self.server {
            // A server that is on its way down or up is held by whoever restarts it.
            drop(server.lock().unwrap_or_else(PoisonError::into_inner));
        }
        let told = |what: String| {
            let short: String = effect.chars().take(160).collect();
            format!(
                "{}: LOCKKEEPER_POINT=\"{} {at}\"\n  at: {short}\n  {what}\n  then: {run}",
                self.leg.name,
                kind.name()
            )
        };
        let resumed = self.resume(&release);
        let resumed = resumed.and_then(|()| self.compare(&release)).and_then(|()| self.clients(&mut release));
        resumed.map_err(told)?;
        Ok(has_fired)
    }

    /// Goes on in another clone, as often as it takes.
    fn resume(&self, release: &Release) -> Result<(), String> {
        let elsewhere = release.shop.project.cloned();
        let mut ran = String::new();
        for _ in 0..RESUMES_MAX {
            let state = if release.shop.has_ledger() { release.state() } else { "none".to_owned() };
            if state == self.leg.ends {
                return Ok(());
            }
            if state != "none" {
                release.expire();
            }
            let is_anew = self.leg.anew_from.contains(&state.as_str());
            let command = if is_anew { self.leg.command } else { "release resume" };
            let run = Shop::finish(command_in(&elsewhere, command));
            ran = format!("{ran}\n{run}");
        }
        match release.state() {
            state if state == self.leg.ends => Ok(()),
            state => Err(format!("it is {state} for good:{ran}")),
        }
    }

    fn compare(&self, release: &Release) -> Result<(), String> {
        let stands = Stands::of(release);
        if stands != self.golden {
            return Err(format!("it stands as {stands:?}, and not as {:?}", self.golden));
        }
        let keys = release.deploy_keys();
        if keys.len() != 1 {
            return Err(format!("deployed under several keys: {keys:?}"));
        }
        let log = release.shop.run("log --verify");
        (log.code == Some(0)).then_some(()).ok_or_else(|| format!("the log does not hold: {log}"))
    }

    fn clients(&self, release: &mut Release) -> Result<(), String> {
        let seen = release.seen();
        if seen.requests == 0 {
            return Err("no client asked for anything".to_owned());
        }
        if self.leg.code_is_broken || seen.failures.is_empty() {
            return Ok(());
        }
        Err(format!("{} of {} requests failed: {:?}", seen.failures.len(), seen.requests, seen.failures.first()))
    }
}

fn ready(leg: &Leg, server: Option<&Server>) -> Release {
    let server = server.map(|server| server.lock().unwrap_or_else(PoisonError::into_inner));
    (leg.ready)(server.as_deref())
}

fn command_in(project: &Project, line: &str) -> std::process::Command {
    project.command(words(&format!("--json {line}")))
}

fn through(project: &Project, line: &str, proxy: &Proxy) -> Run {
    let mut command = command_in(project, line);
    command.envs(proxy.env());
    let running = Running::start(command);
    proxy.client(running.pid());
    running.wait()
}

#[track_caller]
fn every_point(leg: &'static Leg, kinds: &[Kind]) {
    let began = Instant::now();
    let is_restarted = kinds.contains(&Kind::Restart);
    let trial = Trial::prepare(leg, is_restarted.then(server));
    let effects = trial.effects.len();
    let points = if let Ok(point) = std::env::var("LOCKKEEPER_POINT") {
        let (name, at) = point.split_once(' ').expect("a fault and the number of an effect");
        let kinds = kinds.iter().filter(|kind| kind.name() == name);
        kinds.map(|kind| (*kind, at.parse().expect("the number of an effect"))).collect()
    } else {
        let all = kinds.iter().flat_map(|kind| (1..=effects).map(move |at| (*kind, at))).collect();
        let step = if is_long() { 1 } else { SPARED };
        some(all, seed()).into_iter().step_by(step).collect::<Vec<_>>()
    };
    let (mut failures, mut tried) = (Vec::new(), 0);
    for (kind, at) in points {
        match trial.point(kind, at) {
            Ok(reached) => tried += usize::from(reached),
            Err(failure) => failures.push(failure),
        }
    }
    tried += failures.len();
    told(&format!("{} with {effects} effects, {:.1} s", leg.name, began.elapsed().as_secs_f32()), tried);
    assert!(failures.is_empty(), "{} of {tried} points:\n\n{}", failures.len(), failures.join("\n\n"));
}

#[test]
fn disturbed_on_the_way_up() {
    every_point(&UP, &Kind::OF_DRIVER);
}

#[test]
fn disturbed_in_stage_2() {
    every_point(&THROUGH, &Kind::OF_DRIVER);
}

#[test]
fn disturbed_while_it_is_given_up() {
    every_point(&BACK, &Kind::OF_DRIVER);
}

#[test]
fn disturbed_while_it_goes_back_by_itself() {
    every_point(&BREACH, &Kind::OF_DRIVER);
}

#[test]
fn a_database_that_restarts_on_the_way_up() {
    every_point(&UP, &[Kind::Restart]);
}

#[test]
fn a_database_that_restarts_in_stage_2() {
    every_point(&THROUGH, &[Kind::Restart]);
}

#[test]
fn a_database_that_restarts_on_the_way_back() {
    every_point(&BACK, &[Kind::Restart]);
}

#[test]
fn a_database_that_restarts_while_it_is_watched() {
    every_point(&WATCHED, &[Kind::Restart]);
}
