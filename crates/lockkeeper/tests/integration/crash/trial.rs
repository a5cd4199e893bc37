//! A scenario made ready: the database before, the run that nobody disturbed, and what one disturbed run comes to.

use std::process::Command;

use lockkeeper_engine::postgres::PrivateServer;
use lockkeeper_testkit::{Database, Fault, Proxy};

use super::scenario::{APPROVE, Pair, Scenario, Script};
use super::state::{State, difference, has_ledger, standing};
use crate::shop::{self, Run, Running, Shop, wait_until};

/// A scenario with its database as it is before the command.
pub struct Trial {
    pub scenario: &'static Scenario,
    /// Its database is only copied; the project is everybody's.
    shop: Shop,
    /// How many migrations stand before.
    stood: usize,
    /// Schema and rows after 0, 1, 2 … of the command's scripts, run plainly.
    plain: Vec<Vec<String>>,
    golden: State,
    /// The effects of the run that nobody disturbed.
    pub effects: Vec<String>,
}

/// What a run may be disturbed by, once for each point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    KillBefore,
    KillAfter,
    Cut,
    LoseReply,
    /// A failure that stays.
    Fail,
    /// A failure that passes: a lock that was not to be had.
    Busy,
}

impl Kind {
    pub const ALL: [Self; 6] = [Self::KillBefore, Self::KillAfter, Self::Cut, Self::LoseReply, Self::Fail, Self::Busy];

    pub const fn name(self) -> &'static str {
        match self {
            Self::KillBefore => "kill-before",
            Self::KillAfter => "kill-after",
            Self::Cut => "cut",
            Self::LoseReply => "lose-reply",
            Self::Fail => "fail",
            Self::Busy => "busy",
        }
    }

    pub const fn fault(self) -> Fault {
        match self {
            Self::KillBefore => Fault::KillBefore,
            Self::KillAfter => Fault::KillAfter,
            Self::Cut => Fault::Cut,
            Self::LoseReply => Fault::LoseReply,
            Self::Fail => Fault::Fail(Fault::DISK_FULL),
            Self::Busy => Fault::Fail(Fault::LOCK_NOT_AVAILABLE),
        }
    }
}

/// A command is run again at most this often before it must have come to its end.
const RESUMES_MAX: usize = 3;

impl Trial {
    /// On the server that the tests share, or on one that a test may stop.
    pub fn prepare(scenario: &'static Scenario, server: Option<&PrivateServer>) -> Self {
        let shop = Shop::on(server.map_or_else(Database::create, Database::create_on));
        shop.database.execute(scenario.tables);
        shop.admin();
        let mut files = scenario.files.iter();
        let mut add = |count: usize| {
            for (stem, up, down) in files.by_ref().take(count) {
                shop.pair(stem, up, down);
            }
        };
        if !scenario.before.iter().any(|word| word.starts_with('+')) {
            add(usize::MAX);
        }
        let before = scenario.before.strip_suffix(&[APPROVE]).unwrap_or(scenario.before);
        for word in before {
            match word.strip_prefix('+') {
                Some(count) => add(count.parse().unwrap()),
                None if *word == APPROVE => drop(shop.approve().expect(0)),
                None => drop(shop.run(word).expect(0)),
            }
        }
        let stood = standing(&shop.database).len();
        let nothing = State { data: Vec::new(), ledger: Vec::new() };
        let mut trial = Self { scenario, shop, stood, plain: Vec::new(), golden: nothing, effects: Vec::new() };
        trial.plain = trial.plainly();
        let (database, run, proxy) = trial.disturbed(None);
        run.expect(0);
        trial.effects = proxy.effects();
        drop(proxy);
        trial.golden = trial.state(&database);
        let expected = trial.plain.last().unwrap();
        let differs = difference(expected, &trial.golden.data);
        assert_eq!(differs, None, "{}: not what the same SQL does by itself", scenario.name);
        assert_eq!(trial.golden.left_over(), Vec::<&String>::new());
        trial.verify(&database).unwrap();
        trial
    }

    /// Schema and rows after each of the scripts, run by themselves.
    fn plainly(&self) -> Vec<Vec<String>> {
        let database = self.shop.database.copy();
        let data = || self.state(&database).data;
        let mut states = vec![data()];
        for script in self.scenario.runs {
            let (Script::Up(at) | Script::Down(at)) = *script;
            let (_, up, down): Pair = self.scenario.files[at];
            let sql = if matches!(script, Script::Up(_)) { up } else { down };
            if sql.contains("CONCURRENTLY") || sql.contains("no-transaction") {
                sql.split_inclusive(";\n").for_each(|one| database.execute(one));
            } else {
                database.execute(sql);
            }
            states.push(data());
        }
        states
    }

    /// A copy of the database as it is before the command, with the approval that it needs.
    pub fn copy(&self) -> Database {
        let database = self.shop.database.copy();
        if self.scenario.before.ends_with(&[APPROVE]) {
            Shop::finish(self.command(shop::APPROVE, &database.env())).expect(0);
        }
        database
    }

    fn command(&self, line: &str, env: &[(String, String)]) -> Command {
        let mut command = self.shop.command(&format!("--json {line}"));
        command.envs(env.iter().cloned());
        command
    }

    /// Runs the command on a fresh copy with that fault.
    fn disturbed(&self, fault: Option<(usize, Fault)>) -> (Database, Run, Proxy) {
        let database = self.copy();
        let (run, proxy) = self.through_proxy(&database, fault);
        (database, run, proxy)
    }

    /// Runs the command with that fault.
    pub fn through_proxy(&self, database: &Database, fault: Option<(usize, Fault)>) -> (Run, Proxy) {
        let proxy = Proxy::start(&database.target(), fault);
        let running = Running::start(self.command(self.scenario.command, &proxy.env()));
        proxy.client(running.pid());
        (running.wait(), proxy)
    }

    /// One fault at one effect. `Ok(false)` when the run ended before it came to that.
    pub fn point(&self, kind: Kind, at: usize) -> Result<bool, String> {
        let (database, run, proxy) = self.disturbed(Some((at, kind.fault())));
        let effect = proxy.effects().get(at - 1).cloned().unwrap_or_default();
        if !proxy.has_fired() {
            return if run.code == Some(0) { Ok(false) } else { Err(format!("undisturbed, and yet:\n{run}")) };
        }
        drop(proxy);
        let told = |what: String| {
            let short: String = effect.chars().take(160).collect();
            let name = self.scenario.name;
            format!("{name}: LOCKKEEPER_POINT=\"{} {at}\"\n  at: {short}\n  {what}\n  then: {run}", kind.name())
        };
        settle(&database);
        let ended = self.as_told(&database, &run, kind);
        ended.and_then(|()| self.resume(&database)).map_err(told)?;
        Ok(true)
    }

    /// That the disturbed run has said how it ended, and that what stands is what the ledger says.
    fn as_told(&self, database: &Database, run: &Run, kind: Kind) -> Result<(), String> {
        let complete = self.state(database);
        let is_done = complete.data == self.golden.data && complete.ledger == self.golden.ledger;
        match (kind, run.code) {
            (Kind::KillBefore | Kind::KillAfter, None) => {}
            // Nobody has to hear of what failed behind the end, as giving back the lease does, nor of a lock
            // that was to be had at the next attempt.
            (_, Some(0)) if is_done => {}
            // Exit code 2 is for what was found out before anything was done.
            (Kind::Cut | Kind::LoseReply | Kind::Fail | Kind::Busy, Some(2)) if run.error()["id"].is_string() => {
                let (before, now) = (&self.plain[0], &complete.data);
                if standing(database).len() != self.stood || before != now {
                    return Err("ended with 2 after something was done".to_owned());
                }
            }
            (Kind::Cut | Kind::LoseReply | Kind::Fail | Kind::Busy, Some(3 | 4)) if run.error()["id"].is_string() => {}
            (_, code) => return Err(format!("ended with {code:?}")),
        }
        self.stands(database, &complete, run, kind)
    }

    /// Without a migration that stopped between its steps, exactly the complete ones stand, and nothing else.
    pub fn stands(&self, database: &Database, state: &State, run: &Run, kind: Kind) -> Result<(), String> {
        let standing = standing(database);
        let stopped = standing.iter().any(|(_, state)| state != "applied");
        if !stopped {
            let ran = standing.len().abs_diff(self.stood);
            return match difference(&self.plain[ran], &state.data) {
                None => Ok(()),
                Some(lines) => Err(format!("{ran} scripts are done, says the ledger, and the database:\n{lines}")),
            };
        }
        // A failure that was told must have told what stands; a killed program says nothing.
        let steps = database.value("SELECT count(*) FROM lockkeeper.steps WHERE outcome = 'done'");
        if matches!(kind, Kind::Fail | Kind::Busy)
            && steps != "0"
            && run.error()["notes"].as_array().is_none_or(Vec::is_empty)
        {
            return Err("some steps stand and nothing is said of them".to_owned());
        }
        Ok(())
    }

    /// Runs the same command until it comes to its end, and compares with the run that nobody disturbed.
    pub fn resume(&self, database: &Database) -> Result<(), String> {
        for attempt in 1..=RESUMES_MAX {
            let run = Shop::finish(self.command(self.scenario.command, &database.env()));
            if run.code == Some(0) {
                break;
            }
            if attempt == RESUMES_MAX {
                return Err(format!("run again {attempt} times: {run}"));
            }
            settle(database);
        }
        self.compare(database)
    }

    /// What stands now.
    pub fn state(&self, database: &Database) -> State {
        let varies = self.scenario.varies;
        State::of(database, varies)
    }

    fn compare(&self, database: &Database) -> Result<(), String> {
        let found = self.state(database);
        if let Some(lines) = difference(&self.golden.data, &found.data) {
            return Err(format!("the database differs:\n{lines}"));
        }
        if let Some(lines) = difference(&self.golden.ledger, &found.ledger) {
            return Err(format!("the ledger differs:\n{lines}"));
        }
        self.verify(database)
    }

    fn verify(&self, database: &Database) -> Result<(), String> {
        let run = Shop::finish(self.command("log --verify", &database.env()));
        if run.code == Some(0) { Ok(()) } else { Err(run.to_string()) }
    }
}

/// Waits until the server has noticed that the program is gone, and then takes the lease from the dead: it would
/// stand for its whole term, and waiting for that thirty seconds a point would say nothing more.
pub fn settle(database: &Database) {
    let others = "FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'lockkeeper'
                  AND pid <> pg_backend_pid()";
    let began = std::time::Instant::now();
    wait_until("the server has ended the program's sessions", || {
        if began.elapsed() > PATIENCE {
            database.execute(&format!("SELECT pg_terminate_backend(pid) {others}"));
        }
        database.value(&format!("SELECT count(*) {others}")) == "0"
    });
    if has_ledger(database) {
        database.execute("UPDATE lockkeeper.lease SET expires_at = '-infinity'");
    }
}

/// A statement that its client will not hear of again is ended after this long.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(5);
