//! A migration and its way back under an application's load: how long it took, who waited, what failed, how much
//! was written. The tests hold it against bars, the benchmark prints it.

use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use crate::load::{Divergence, Load, LoadError, LoadOptions, LoadReport, LoadTables};
use crate::{Database, LongReader, Project};
use lockkeeper_engine::postgres::{Host, PrivateServer, Target};

/// One change, and the way back.
#[derive(Debug)]
pub struct Operation {
    pub name: &'static str,
    pub stage: u8,
    /// What must be there before.
    pub tables: &'static str,
    pub up: &'static str,
    pub down: &'static str,
    /// What the application reads besides its rows.
    pub reads: &'static [&'static str],
    /// What the reader reads that keeps its transaction open.
    pub long_read: &'static str,
    /// Whether the table must keep its file, and next to nothing may be written to the log.
    pub is_light: bool,
}

/// A snapshot is kept as well, as a dump or a report does that must see one moment.
const LONG_READ: &str = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ; SELECT id FROM orders LIMIT 1";

const fn operation(name: &'static str, stage: u8, up: &'static str, down: &'static str) -> Operation {
    Operation { name, stage, tables: "", up, down, reads: &[], long_read: LONG_READ, is_light: false }
}

const fn light(name: &'static str, up: &'static str, down: &'static str) -> Operation {
    Operation { is_light: true, ..operation(name, 2, up, down) }
}

/// All that is measured.
pub const OPERATIONS: [Operation; 10] = [
    light(
        "SET NOT NULL",
        "ALTER TABLE orders ALTER COLUMN note SET NOT NULL;\n",
        "ALTER TABLE orders ALTER COLUMN note DROP NOT NULL;\n",
    ),
    light(
        "ADD CHECK",
        "ALTER TABLE orders ADD CONSTRAINT amount_is_positive CHECK (amount > 0);\n",
        "ALTER TABLE orders DROP CONSTRAINT amount_is_positive;\n",
    ),
    light(
        "ADD FOREIGN KEY",
        "ALTER TABLE orders ADD CONSTRAINT orders_of FOREIGN KEY (customer_id) REFERENCES customers (id);\n",
        "ALTER TABLE orders DROP CONSTRAINT orders_of;\n",
    ),
    operation(
        "ADD UNIQUE",
        2,
        "ALTER TABLE orders ADD CONSTRAINT code_once UNIQUE (code);\n",
        "ALTER TABLE orders DROP CONSTRAINT code_once;\n",
    ),
    operation(
        "ADD PRIMARY KEY",
        2,
        "ALTER TABLE orders ADD PRIMARY KEY (id);\n",
        "ALTER TABLE orders DROP CONSTRAINT orders_pkey;\n",
    ),
    operation("CREATE INDEX", 1, "CREATE INDEX orders_by_code ON orders (code);\n", "DROP INDEX orders_by_code;\n"),
    operation(
        "CREATE INDEX CONCURRENTLY",
        1,
        "CREATE INDEX CONCURRENTLY orders_by_code ON orders (code);\n",
        "DROP INDEX CONCURRENTLY orders_by_code;\n",
    ),
    Operation {
        tables: "CREATE INDEX orders_by_note ON orders (note)",
        ..operation("DROP INDEX", 2, "DROP INDEX orders_by_note;\n", "CREATE INDEX orders_by_note ON orders (note);\n")
    },
    operation(
        "ADD COLUMN DEFAULT volatile",
        1,
        "ALTER TABLE orders ADD COLUMN token uuid NOT NULL DEFAULT gen_random_uuid();\n",
        "ALTER TABLE orders DROP COLUMN token;\n",
    ),
    Operation {
        tables: "CREATE MATERIALIZED VIEW totals AS
                 SELECT customer_id, sum(amount) AS total FROM orders GROUP BY customer_id;
                 CREATE UNIQUE INDEX totals_by_customer ON totals (customer_id)",
        reads: &["SELECT customer_id, total FROM totals WHERE customer_id = $1"],
        long_read: "SELECT total FROM totals LIMIT 1",
        ..operation(
            "REFRESH MATERIALIZED VIEW",
            1,
            "REFRESH MATERIALIZED VIEW totals;\n",
            "REFRESH MATERIALIZED VIEW totals;\n",
        )
    },
];

/// Who runs the migration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Runner {
    Lockkeeper,
    /// The same SQL, plainly.
    Psql,
}

/// Under which circumstances.
#[derive(Debug, Clone)]
pub struct Setting {
    /// Requests a second.
    pub rate: u32,
    /// How long the load runs alone, before as well as after.
    pub alone: Duration,
    /// How long somebody keeps a transaction open that began right before the migration.
    pub reader: Option<Duration>,
    /// Whether one begins before the way back as well.
    pub reader_at_rollback: bool,
    /// `lockkeeper.toml`.
    pub toml: String,
    pub seed: u64,
}

/// What one run came to.
#[derive(Debug)]
pub struct Measured {
    pub up: Part,
    pub down: Part,
    /// The longest wait of a request while the load ran alone.
    pub control: Duration,
    pub errors: Vec<LoadError>,
    pub divergence: Divergence,
    /// Whether the table has another file after the way up.
    pub rewritten: bool,
    /// Requests in all.
    pub requests: u64,
}

/// One way of it.
#[derive(Debug)]
pub struct Part {
    pub code: Option<i32>,
    /// What the program said, for when it failed.
    pub said: String,
    pub took: Duration,
    /// The longest wait of a request meanwhile.
    pub longest: Duration,
    /// The 99th percentile meanwhile, and that of before.
    pub p99: Duration,
    pub p99_before: Duration,
    pub failed: u64,
    /// What was written to the log, without what the load writes in that time by itself.
    pub wal_bytes: i64,
}

/// A server with a table that is copied for each run.
#[derive(Debug)]
pub struct Live {
    template: Database,
    program: PathBuf,
}

impl Live {
    /// `program` is `env!("CARGO_BIN_EXE_lockkeeper")`, which only a test or benchmark of that crate can say.
    pub fn new(server: &PrivateServer, rows: u32, program: impl Into<PathBuf>) -> Self {
        let template = Database::create_on(server);
        LoadTables::default().create(&template.target(), rows);
        Self { template, program: program.into() }
    }

    /// Runs an operation and its way back under load.
    pub fn measure(&self, operation: &Operation, runner: Runner, setting: &Setting) -> Measured {
        let database = self.template.copy();
        if !operation.tables.is_empty() {
            database.execute(operation.tables);
        }
        // The copy is written out before anybody is timed.
        database.execute("CHECKPOINT");
        let project = self.project(&database, operation, setting);
        if runner == Runner::Lockkeeper && operation.stage == 2 {
            for line in ["stage1", "deployed --version 2.0", APPROVE] {
                let output = run(project.command(line.split(' ')));
                assert!(output.status.success(), "{line}: {}", text(&output));
            }
        }
        let reads = operation.reads.iter().map(|read| (*read).to_owned()).collect();
        let options = LoadOptions { rate: setting.rate, seed: setting.seed, reads, ..LoadOptions::default() };
        let file = || database.value("SELECT pg_relation_filenode('orders')");
        let old_file = file();
        let load = Load::start(&database.target(), options);
        // What is read for the first time waits for the disk, and that is nobody's doing.
        load.run_for(setting.alone / 4);
        load.mark("alone");
        let began = Written::now(&database);
        load.run_for(setting.alone);
        let own = Written::now(&database).since(&began);

        let part = |phase: &str, command: Command, with_reader: bool| {
            let reader = setting.reader.filter(|_| with_reader);
            let reader = reader.map(|time| LongReader::hold(&database.target(), operation.long_read, time));
            let began = Written::now(&database);
            load.mark(phase);
            let output = run(command);
            let ended = Written::now(&database);
            load.mark("between");
            if let Some(reader) = reader {
                reader.wait();
            }
            let written = ended.since(&began);
            let wal_bytes = written.bytes - own.bytes * millis(written.time) / millis(own.time).max(1);
            (output, written.time, wal_bytes)
        };
        let up = part("up", up(&project, &database, operation, runner), true);
        let rewritten = file() != old_file;
        let down = part("down", down(&project, &database, operation, runner), setting.reader_at_rollback);
        load.mark("after");
        load.run_for(setting.alone);
        let report = load.stop();
        let part = |phase: &str, (output, took, wal_bytes): (Output, Duration, i64)| {
            let (during, before) = (report.phase(phase), report.phase("alone"));
            Part {
                code: output.status.code(),
                said: text(&output),
                took,
                longest: during.longest,
                p99: during.percentile(99.0),
                p99_before: before.percentile(99.0),
                failed: during.failed,
                wal_bytes,
            }
        };
        let control = report.phase("alone").longest_within.max(report.phase("after").longest_within);
        let (up, down) = (part("up", up), part("down", down));
        let requests = report.requests();
        let LoadReport { errors, divergence, .. } = report;
        Measured { up, down, control, errors, divergence, rewritten, requests }
    }

    /// A project with the one migration, and an admin who may approve it.
    fn project(&self, database: &Database, operation: &Operation, setting: &Setting) -> Project {
        let project =
            Project::new(&self.program).with_env(database.env()).with_env([("LOCKKEEPER_ACTOR", "dev@shop.example")]);
        project.write("migrations/01_modify_orders_up.sql", operation.up);
        project.write("migrations/01_modify_orders_down.sql", operation.down);
        project.write("lockkeeper.toml", &setting.toml);
        let mut keygen = Command::new("ssh-keygen");
        keygen.args(["-q", "-N", "", "-C", "admin", "-t", "ed25519", "-f"]).arg(project.path().join("admin_key"));
        let made = run(keygen);
        assert!(made.status.success(), "{}", text(&made));
        let public = project.read("admin_key.pub");
        project.write("allowed_signers", &format!("admin@shop.example namespaces=\"lockkeeper-admin\" {public}"));
        project
    }
}

impl Part {
    pub fn p99_ratio(&self) -> f64 {
        self.p99.as_secs_f64() / self.p99_before.as_secs_f64().max(1e-6)
    }
}

const APPROVE: &str = "approve stage2 --reason measured --as admin@shop.example --key admin_key --yes";

fn up(project: &Project, database: &Database, operation: &Operation, runner: Runner) -> Command {
    match (runner, operation.stage) {
        (Runner::Psql, _) => psql(&database.target(), operation.up),
        (Runner::Lockkeeper, 1) => project.command(["stage1"]),
        (Runner::Lockkeeper, _) => project.command(["stage2"]),
    }
}

fn down(project: &Project, database: &Database, operation: &Operation, runner: Runner) -> Command {
    match (runner, operation.stage) {
        (Runner::Psql, _) => psql(&database.target(), operation.down),
        (Runner::Lockkeeper, 1) => project.command(["rollback", "before_schema_add", "--accept-loss", "--yes"]),
        (Runner::Lockkeeper, _) => project.command(["rollback", "before_field_remove", "--past-stage2", "--yes"]),
    }
}

fn psql(target: &Target, sql: &str) -> Command {
    let mut command = Command::new("psql");
    let host = match &target.host {
        Host::SocketDir(folder) => folder.display().to_string(),
        Host::Tcp(host) => host.clone(),
    };
    command.args(["-qX", "-v", "ON_ERROR_STOP=1", "-h", &host, "-p", &target.port.to_string()]);
    command.args(["-U", &target.user, "-d", &target.database, "-c", sql]);
    command
}

fn run(mut command: Command) -> Output {
    command.stdin(Stdio::null()).output().unwrap_or_else(|error| panic!("{command:?}: {error}"))
}

fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stderr), String::from_utf8_lossy(&output.stdout))
}

/// How much the server has written to its log, and when.
struct Written {
    bytes: i64,
    at: Instant,
}

struct WrittenSince {
    bytes: i64,
    time: Duration,
}

impl Written {
    fn now(database: &Database) -> Self {
        let bytes = database.value("SELECT (pg_current_wal_insert_lsn() - '0/0'::pg_lsn)::bigint");
        Self { bytes: bytes.parse().unwrap_or(0), at: Instant::now() }
    }

    fn since(&self, earlier: &Self) -> WrittenSince {
        WrittenSince { bytes: self.bytes - earlier.bytes, time: self.at.duration_since(earlier.at) }
    }
}

fn millis(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}
