//! A shop with a database of its own, a project folder and people who sign.

use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use lockkeeper_testkit::{Database, Pooler, Project};
use serde_json::Value;

/// Who writes migrations and runs stages in these tests, unless one says otherwise.
pub const DEV: &str = "dev@shop.example";
/// Who approves.
pub const ADMIN: &str = "admin@shop.example";

/// The project and its database. Both are gone with this value.
pub struct Shop {
    pub database: Database,
    pub project: Project,
}

impl Shop {
    /// An empty database and an empty folder of migrations.
    pub fn open() -> Self {
        Self::on(Database::create())
    }

    /// A project of its own for a database that is there already.
    pub fn on(database: Database) -> Self {
        let project = Project::new(env!("CARGO_BIN_EXE_lockkeeper"))
            .with_env(database.env())
            .with_env([("LOCKKEEPER_ACTOR", DEV)]);
        std::fs::create_dir(project.path().join("migrations")).unwrap();
        Self { database, project }
    }

    /// Every command reaches the database through that pooler from now on; the test itself goes straight to it.
    #[must_use]
    pub fn behind(mut self, pooler: &Pooler) -> Self {
        self.project = self.project.with_env(pooler.env());
        self
    }

    /// Writes `migrations/{stem}_up.sql` and its down file.
    pub fn pair(&self, stem: &str, up: &str, down: &str) -> &Self {
        self.file(&format!("{stem}_up.sql"), up).file(&format!("{stem}_down.sql"), down)
    }

    /// Writes one file of the migrations' folder.
    pub fn file(&self, name: &str, text: &str) -> &Self {
        self.bytes(name, text.as_bytes())
    }

    pub fn bytes(&self, name: &str, bytes: &[u8]) -> &Self {
        std::fs::write(self.migration(name), bytes).unwrap();
        self
    }

    pub fn rename(&self, from: &str, to: &str) -> &Self {
        std::fs::rename(self.migration(from), self.migration(to)).unwrap();
        self
    }

    pub fn remove(&self, stem: &str) -> &Self {
        for direction in ["up", "down"] {
            std::fs::remove_file(self.migration(&format!("{stem}_{direction}.sql"))).unwrap();
        }
        self
    }

    fn migration(&self, name: &str) -> PathBuf {
        self.project.path().join("migrations").join(name)
    }

    /// The command before it runs. The line is split at spaces; double quotes keep words together.
    pub fn command(&self, line: &str) -> Command {
        self.project.command(words(line))
    }

    /// Runs a command with `--json` and its output as people read it put away.
    pub fn run(&self, line: &str) -> Run {
        Self::finish(self.command(&format!("--json {line}")))
    }

    /// Runs a command as people do, without `--json`.
    pub fn say(&self, line: &str) -> Run {
        Self::finish(self.command(line))
    }

    /// Runs a command that a test has prepared.
    pub fn finish(mut command: Command) -> Run {
        let output = command.output().unwrap();
        Run::new(&command, &output)
    }

    /// Starts a command with `--json` and goes on.
    pub fn start(&self, line: &str) -> Running {
        Running::start(self.command(&format!("--json {line}")))
    }

    /// Whether the ledger's schema is there.
    pub fn has_ledger(&self) -> bool {
        self.database.value("SELECT count(*) FROM pg_namespace WHERE nspname = 'lockkeeper'") == "1"
    }

    /// The numbers of the migrations that stand complete, in the order in which they were applied.
    pub fn applied(&self) -> Vec<i64> {
        if !self.has_ledger() {
            return Vec::new();
        }
        let rows = self.database.query("SELECT number FROM lockkeeper.migrations WHERE state = 'applied' ORDER BY seq");
        rows.iter().map(|row| row[0].parse().unwrap()).collect()
    }

    /// How many rows of the ledger a query finds.
    #[track_caller]
    pub fn count(&self, from: &str) -> usize {
        self.database.value(&format!("SELECT count(*) FROM {from}")).parse().unwrap()
    }

    /// The kinds of the events, oldest first.
    pub fn events(&self) -> Vec<String> {
        let rows = self.database.query("SELECT kind FROM lockkeeper.events ORDER BY seq");
        rows.into_iter().map(|row| row[0].clone()).collect()
    }

    /// Whether a relation is there: `exists("customers")`.
    pub fn exists(&self, relation: &str) -> bool {
        self.database.value(&format!("SELECT to_regclass('{relation}') IS NOT NULL")) == "t"
    }

    /// A table of customers, and a stage-2 migration that drops one of its columns.
    pub fn customers(&self) -> &Self {
        self.pair(
            "01_create_customers",
            "CREATE TABLE customers (id bigint PRIMARY KEY, name text, email text);\n",
            "DROP TABLE customers;\n",
        );
        self.pair(
            "02_remove_customers_name",
            "ALTER TABLE customers DROP COLUMN name;\n",
            "ALTER TABLE customers ADD COLUMN name text;\n",
        )
    }

    /// The customers, with stage 1 and the deploy done, so that only an approval is missing.
    pub fn awaiting_approval() -> Self {
        let shop = Self::open();
        shop.customers();
        shop.run("stage1").expect(0);
        shop.run("deployed --version 1.0").expect(0);
        shop
    }

    /// Makes a key of that type, and answers the path of its private half from the project's folder.
    pub fn key(&self, name: &str, options: &[&str]) -> String {
        let path = self.project.path().join(name);
        let mut keygen = Command::new("ssh-keygen");
        keygen.args(["-q", "-N", "", "-C", name]).args(options).arg("-f").arg(&path).stdin(Stdio::null());
        assert!(keygen.status().unwrap().success());
        name.to_owned()
    }

    /// A line for `allowed_signers`: who, with which options, by which key.
    pub fn signer(&self, principal: &str, options: &str, key: &str) -> String {
        format!("{principal} {options} {}", self.project.read(&format!("{key}.pub")))
    }

    /// Writes `allowed_signers`.
    pub fn allow(&self, lines: &[String]) -> &Self {
        self.project.write("allowed_signers", &lines.concat());
        self
    }

    /// The admin with an ed25519 key, allowed to approve.
    pub fn admin(&self) -> &Self {
        let key = self.key("admin_key", &["-t", "ed25519"]);
        self.allow(&[self.signer(ADMIN, ROLE, &key)])
    }

    /// The admin signs whatever is pending.
    pub fn approve(&self) -> Run {
        self.run(APPROVE)
    }
}

/// What gives a key the right to approve.
pub const ROLE: &str = "namespaces=\"lockkeeper-admin\"";
pub const APPROVE: &str = "approve stage2 --reason \"all pods on 1.0\" --as admin@shop.example --key admin_key --yes";

pub fn words(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quoted = false;
    for c in line.chars() {
        match c {
            '"' => quoted = !quoted,
            ' ' if !quoted => words.push(String::new()),
            c => words.last_mut().unwrap().push(c),
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

/// A command that ran to its end.
#[derive(Debug)]
pub struct Run {
    line: String,
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Run {
    fn new(command: &Command, output: &std::process::Output) -> Self {
        let args: Vec<_> = command.get_args().map(|arg| arg.to_string_lossy().into_owned()).collect();
        Self {
            line: args.join(" "),
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// Fails with everything that was said when the exit code is another one.
    #[track_caller]
    pub fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{self}");
        self
    }

    /// The answer.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}\n{self}"))
    }

    /// A refusal or failure with this exit code and message.
    #[track_caller]
    pub fn refused(self, code: i32, id: &str) -> Self {
        let run = self.expect(code);
        assert_eq!(run.error()["id"], id, "{run}");
        assert_eq!(run.error()["exit_code"], code, "{run}");
        run
    }

    #[track_caller]
    pub fn error(&self) -> Value {
        self.json()["error"].clone()
    }

    /// Where the problem is: `migrations/01_x_up.sql:3:7`, or the file alone.
    #[track_caller]
    pub fn at(self, place: &str) -> Self {
        let found = &self.error()["place"];
        let path = found["path"].as_str().unwrap_or("nowhere");
        let shown = match (&found["line"], &found["column"]) {
            (Value::Null, _) => path.to_owned(),
            (line, column) => format!("{path}:{line}:{column}"),
        };
        assert_eq!(shown, place, "{self}");
        self
    }

    /// What PostgreSQL said.
    #[track_caller]
    pub fn sqlstate(self, state: &str) -> Self {
        assert_eq!(self.error()["server"]["sqlstate"], state, "{self}");
        self
    }

    /// The identifiers of the notes.
    #[track_caller]
    pub fn notes(&self) -> Vec<String> {
        self.ids("notes")
    }

    /// The identifiers of the hints.
    #[track_caller]
    pub fn hints(&self) -> Vec<String> {
        self.ids("hints")
    }

    #[track_caller]
    fn ids(&self, list: &str) -> Vec<String> {
        let error = self.error();
        let list = error[list].as_array().unwrap_or_else(|| panic!("no {list}\n{self}"));
        list.iter().map(|one| one["id"].as_str().unwrap().to_owned()).collect()
    }

    /// That each of these stands in what people read.
    #[track_caller]
    pub fn says(self, texts: &[&str]) -> Self {
        for text in texts {
            assert!(self.stdout.contains(text) || self.stderr.contains(text), "{text:?} is not said\n{self}");
        }
        self
    }
}

impl std::fmt::Display for Run {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let code = self.code.map_or_else(|| "a signal".to_owned(), |code| code.to_string());
        write!(f, "$ lockkeeper {}\n{}{}ended with {code}", self.line, self.stderr, self.stdout)
    }
}

/// A command that runs while the test goes on. Killed when the test ends before it does.
pub struct Running {
    command: Command,
    child: Option<Child>,
}

/// No command of these tests takes longer, however slow the machine.
const PATIENCE: Duration = Duration::from_mins(1);

impl Running {
    /// In a process group of its own, as a shell would start it.
    pub fn start(mut command: Command) -> Self {
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
        let child = command.spawn().unwrap();
        Self { command, child: Some(child) }
    }

    pub fn pid(&self) -> u32 {
        self.child.as_ref().unwrap().id()
    }

    /// Sends a signal to this process alone.
    pub fn signal(&self, name: &str) {
        signal(name, &self.pid().to_string());
    }

    /// Sends a signal to the process and those it started, as a terminal does on Ctrl-C.
    pub fn signal_group(&self, name: &str) {
        signal(name, &format!("-{}", self.pid()));
    }

    /// Whether it has not ended yet.
    pub fn is_running(&mut self) -> bool {
        self.child.as_mut().unwrap().try_wait().unwrap().is_none()
    }

    /// Waits for its end.
    #[track_caller]
    pub fn wait(self) -> Run {
        self.wait_for(PATIENCE)
    }

    /// Waits for its end, which must come within that time.
    #[track_caller]
    pub fn wait_for(mut self, patience: Duration) -> Run {
        let deadline = Instant::now() + patience;
        while self.is_running() {
            assert!(Instant::now() < deadline, "still running after {patience:?}");
            std::thread::sleep(Duration::from_millis(10));
        }
        let output = self.child.take().unwrap().wait_with_output().unwrap();
        Run::new(&self.command, &output)
    }
}

fn signal(name: &str, to: &str) {
    // The shell has a kill of its own on every machine.
    let sent = Command::new("sh").args(["-c", &format!("kill -s {name} -- {to}")]).status().unwrap();
    assert!(sent.success(), "kill -s {name} {to}");
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            // The test has failed already and says why.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Waits until something is so.
#[track_caller]
pub fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < deadline, "{what}: not after {PATIENCE:?}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
