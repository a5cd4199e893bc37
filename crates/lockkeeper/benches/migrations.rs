//! How long Lockkeeper takes beside what is not to be had faster: one psql session that runs the same files.
//!
//! `cargo bench -p lockkeeper` starts its own server with fsync on and prints ratios taken in turn, because
//! absolute times mean little on a shared machine. It measures and judges nothing.

#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use lockkeeper_engine::postgres::{Host, PrivateServer, PrivateServerOptions, Target};
use lockkeeper_testkit::execute;
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::{TimeVal, TimeValLike};

/// Migrations in the main comparison, as the peers were measured.
const MIGRATIONS: usize = 500;
/// Pairs in the reading test.
const PAIRS: usize = 5_000;
const ROUNDS: usize = 11;

fn main() {
    let options = PrivateServerOptions { is_durable: true, ..PrivateServerOptions::default() };
    let server = PrivateServer::start(&options).unwrap_or_else(|problem| panic!("{problem}"));
    let bench = Bench { admin: server.target() };
    println!("{ROUNDS} rounds each, in turn; median [min, max]");
    bench.five_hundred();
    bench.nothing_to_do();
    bench.reading();
}

struct Bench {
    admin: Target,
}

/// One run of one command.
struct Run {
    wall: Duration,
    /// User and system time of the command itself.
    cpu: Duration,
}

impl Bench {
    fn five_hundred(&self) {
        let folder = migrations(MIGRATIONS);
        let script = folder.path().join("all.sql");
        std::fs::write(&script, psql_script(folder.path())).expect("the script can be written");
        let (mut ours, mut psql, mut ratios, mut commits) = (Vec::new(), Vec::new(), Vec::new(), 0);
        for round in 0..=ROUNDS {
            // Who runs first alternates, and each runs on a server that has written everything out: the files
            // of the run before cost the disk more than either program does.
            let run_ours = || {
                let target = self.database("ours");
                let before = self.commits("ours");
                let run = run(lockkeeper(folder.path(), &target).arg("stage1"));
                (run, self.commits("ours") - before)
            };
            let run_psql = || {
                let target = self.database("psql");
                self.commits("psql");
                run(psql_command(&target).arg("-f").arg(&script))
            };
            let ((our_run, counted), their_run) = if round % 2 == 0 {
                let ours = run_ours();
                (ours, run_psql())
            } else {
                let theirs = run_psql();
                (run_ours(), theirs)
            };
            commits = counted;
            // The first round warms the caches and is not counted.
            if round > 0 {
                ratios.push(our_run.wall.as_secs_f64() / their_run.wall.as_secs_f64());
                ours.push(our_run);
                psql.push(their_run);
            }
        }
        println!("\n{MIGRATIONS} one-table migrations on an empty database");
        println!(
            "  lockkeeper stage1   wall {}   own CPU {}",
            milliseconds(&ours, |run| run.wall),
            milliseconds(&ours, |run| run.cpu)
        );
        println!(
            "  one psql session    wall {}   own CPU {}",
            milliseconds(&psql, |run| run.wall),
            milliseconds(&psql, |run| run.cpu)
        );
        println!("  wall ratio          {} round by round", spread(&mut ratios, 2));
        println!("  wall ratio          {:.2} of the medians", median(&ours) / median(&psql));
        println!("  commits             {commits} for {MIGRATIONS} migrations (the rest: ledger, lease, release)");
    }

    fn nothing_to_do(&self) {
        let folder = migrations(MIGRATIONS);
        let target = self.database("ours");
        run(lockkeeper(folder.path(), &target).arg("stage1"));
        let (mut bare, mut status, mut stage1) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..ROUNDS * 4 {
            bare.push(run(psql_command(&target).args(["-c", "SELECT 1"])));
            status.push(run(lockkeeper(folder.path(), &target).arg("status")));
            stage1.push(run(lockkeeper(folder.path(), &target).arg("stage1")));
        }
        println!("\nnothing to do, {MIGRATIONS} migrations applied");
        println!("  psql -c 'SELECT 1'  wall {}", milliseconds(&bare, |run| run.wall));
        println!("  lockkeeper status   wall {}", milliseconds(&status, |run| run.wall));
        println!("  lockkeeper stage1   wall {}", milliseconds(&stage1, |run| run.wall));
    }

    fn reading(&self) {
        let folder = migrations(PAIRS);
        let target = self.database("ours");
        run(lockkeeper(folder.path(), &target).arg("stage1"));
        let status: Vec<_> = (0..ROUNDS).map(|_| run(lockkeeper(folder.path(), &target).arg("status"))).collect();
        println!("\n{PAIRS} pairs: read, paired, hashed and held against the ledger");
        println!(
            "  lockkeeper status   wall {}   own CPU {}",
            milliseconds(&status, |run| run.wall),
            milliseconds(&status, |run| run.cpu)
        );
    }

    /// A fresh database of that name.
    fn database(&self, name: &str) -> Target {
        execute(&self.admin, &format!("DROP DATABASE IF EXISTS {name}"));
        execute(&self.admin, &format!("CREATE DATABASE {name}"));
        execute(
            &self.admin.with_database(name),
            "CREATE TABLE history (number bigint PRIMARY KEY, at timestamptz DEFAULT now())",
        );
        self.admin.with_database(name)
    }

    /// Transactions committed in a database so far. Backends report late, hence the wait.
    fn commits(&self, name: &str) -> i64 {
        execute(&self.admin, "CHECKPOINT");
        std::thread::sleep(Duration::from_millis(1_200));
        let sql = format!("SELECT xact_commit FROM pg_stat_database WHERE datname = '{name}'");
        let output = psql_command(&self.admin).args(["-Atc", &sql]).stdout(Stdio::piped()).output().expect("psql runs");
        String::from_utf8_lossy(&output.stdout).trim().parse().unwrap_or(0)
    }
}

fn migrations(count: usize) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let migrations = folder.path().join("migrations");
    std::fs::create_dir(&migrations).expect("a folder");
    for number in 1..=count {
        let write = |direction: &str, sql: String| {
            std::fs::write(migrations.join(format!("{number:04}_create_t{number}_{direction}.sql")), sql)
                .expect("a file");
        };
        write("up", format!("CREATE TABLE t{number} (id bigint PRIMARY KEY, name text NOT NULL, at timestamptz);\n"));
        write("down", format!("DROP TABLE t{number};\n"));
    }
    folder
}

/// The same files, each in a transaction of its own with one row of history.
fn psql_script(project: &Path) -> String {
    (1..=MIGRATIONS)
        .map(|number| {
            let file = project.join(format!("migrations/{number:04}_create_t{number}_up.sql"));
            format!("BEGIN;\n\\i {}\nINSERT INTO history (number) VALUES ({number});\nCOMMIT;\n", file.display())
        })
        .collect::<Vec<_>>()
        .concat()
}

fn socket(target: &Target) -> PathBuf {
    match &target.host {
        Host::SocketDir(folder) => folder.clone(),
        Host::Tcp(host) => PathBuf::from(host),
    }
}

fn lockkeeper(project: &Path, target: &Target) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lockkeeper"));
    command
        .current_dir(project)
        .env("DB_HOST", socket(target))
        .env("DB_PORT", target.port.to_string())
        .env("DB_NAME", &target.database)
        .env("DB_USER", &target.user)
        .env("LOCKKEEPER_ACTOR", "bench@example.org");
    command
}

fn psql_command(target: &Target) -> Command {
    let mut command = Command::new("psql");
    command.arg("-qX").args(["-v", "ON_ERROR_STOP=1", "-h"]).arg(socket(target));
    command.args(["-p", &target.port.to_string(), "-U", &target.user, "-d", &target.database]);
    command
}

fn run(command: &mut Command) -> Run {
    let before = children_cpu();
    let began = Instant::now();
    let output = command.stdin(Stdio::null()).output().expect("the command starts");
    let wall = began.elapsed();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    Run { wall, cpu: children_cpu().checked_sub(before).unwrap() }
}

/// User and system time of all children that have ended.
fn children_cpu() -> Duration {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).expect("the kernel counts");
    let span = |time: TimeVal| {
        let microseconds = time.num_microseconds();
        Duration::from_micros(u64::try_from(microseconds).unwrap_or(0))
    };
    span(usage.user_time()) + span(usage.system_time())
}

fn median(runs: &[Run]) -> f64 {
    let mut walls: Vec<_> = runs.iter().map(|run| run.wall.as_secs_f64()).collect();
    walls.sort_by(f64::total_cmp);
    walls[walls.len() / 2]
}

fn milliseconds(runs: &[Run], of: impl Fn(&Run) -> Duration) -> String {
    let mut values: Vec<_> = runs.iter().map(|run| of(run).as_secs_f64() * 1_000.0).collect();
    format!("{} ms", spread(&mut values, 1))
}

fn spread(values: &mut [f64], digits: usize) -> String {
    values.sort_by(f64::total_cmp);
    let median = values[values.len() / 2];
    format!("{median:.digits$} [{:.digits$}, {:.digits$}]", values[0], values[values.len() - 1])
}
