//! A PostgreSQL of our own, for the demo, for verification and for the tests.
//!
//! It lives in a temporary folder, listens on the loopback interface and on a Unix socket inside
//! that folder, and is gone with the process that started it, even when that process is killed.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use lockkeeper_core::message;
use lockkeeper_core::model::{Answer, Problem};

use super::{ChannelBinding, Host, Secret, SslMode, Target};

/// Where `initdb` and `postgres` are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerBinaries {
    dir: PathBuf,
    major: i32,
}

/// What a private server is like.
#[derive(Debug, Clone, Default)]
pub struct PrivateServerOptions {
    /// A folder with the server's programs. `None` looks where they usually are.
    pub binaries: Option<PathBuf>,
    /// Whether it keeps its data through a crash of the machine. A throw-away server need not.
    pub is_durable: bool,
    /// Lines for the end of `postgresql.conf`.
    pub config: Vec<String>,
    /// `pg_hba.conf`, line by line. Empty means: trust through the socket, which only its owner
    /// can reach, and a password over TCP, which everybody on the machine can.
    pub hba: Vec<String>,
    /// The password of the superuser `postgres`. `None` makes a random one.
    pub password: Option<Secret>,
    /// Files for the data folder, readable by the server alone: certificates and keys.
    pub files: Vec<(String, Vec<u8>)>,
}

/// A running private server. Dropping it stops the server and removes its folder.
///
/// All methods block; in async code call them through `spawn_blocking`.
#[derive(Debug)]
pub struct PrivateServer {
    supervisor: Supervisor,
    dir: PathBuf,
    port: u16,
    password: Secret,
    binaries: ServerBinaries,
}

/// How to stop a server (manual, section 19.5, Shutting Down the Server).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shutdown {
    /// Ends all sessions and writes a checkpoint.
    Fast,
    /// Ends at once; the next start recovers from the log.
    Immediate,
    /// SIGKILL to the postmaster: what a power cut looks like from outside.
    Kill,
}

/// The shell script that outlives us by as long as it takes to clean up.
const SUPERVISOR: &str = include_str!("private_server.sh");

/// Creating a cluster takes a second or two; a slow disk may need much longer.
const START_PATIENCE: Duration = Duration::from_mins(2);
const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// Two processes may be given the same free port; the one that comes second tries another.
const PORT_ATTEMPTS_MAX: usize = 8;

/// A socket's path, its end included, must fit into 104 bytes on macOS and 108 on Linux.
const SOCKET_PATH_BYTES_MAX: usize = 103;

/// Where packages put the server's programs, besides `PATH`. The part after the last slash may be
/// a version, which decides the order: newest first.
const VERSIONED_PLACES: [(&str, &str, &str); 5] = [
    ("/usr/lib/postgresql", "", "bin"),
    ("/usr", "pgsql-", "bin"),
    ("/opt/homebrew/opt", "postgresql@", "bin"),
    ("/usr/local/opt", "postgresql@", "bin"),
    ("/Applications/Postgres.app/Contents/Versions", "", "bin"),
];

impl ServerBinaries {
    /// The programs in `explicit` when given, else those found first: on `path` (the value of
    /// `PATH`), where `pg_config` points, where Debian, Red Hat, Homebrew and Postgres.app put them.
    ///
    /// # Errors
    /// `server-binaries-missing`, with how to install them.
    pub fn find(explicit: Option<&Path>, path: Option<&std::ffi::OsStr>) -> Answer<Self> {
        if let Some(dir) = explicit {
            let missing = || {
                let dir = dir.display().to_string();
                Problem::usage(message!("server-binaries-not-in-folder", path = dir))
                    .hint(message!("server-hint-binaries-folder"))
            };
            return Self::in_dir(dir).ok_or_else(missing);
        }
        let on_path = path.map(|path| std::env::split_paths(path).collect::<Vec<_>>()).unwrap_or_default();
        let found = on_path.into_iter().filter(|dir| dir.is_absolute()).find_map(|dir| Self::in_dir(&dir));
        let found = found.or_else(|| Self::in_dir(&pg_config_bindir()?));
        let found = found.or_else(|| versioned_dirs().iter().find_map(|dir| Self::in_dir(dir)));
        found.ok_or_else(|| {
            Problem::usage(message!("server-binaries-missing"))
                .hint(message!("server-hint-install-apt"))
                .hint(message!("server-hint-install-brew"))
        })
    }

    /// The programs of that major version, wherever they usually are.
    ///
    /// # Errors
    /// `server-binaries-other-major` when there are others, or none.
    pub fn of_major(major: i32, path: Option<&std::ffi::OsStr>) -> Answer<Self> {
        let on_path = path.map(|path| std::env::split_paths(path).collect::<Vec<_>>()).unwrap_or_default();
        let dirs =
            on_path.into_iter().filter(|dir| dir.is_absolute()).chain(pg_config_bindir()).chain(versioned_dirs());
        dirs.filter_map(|dir| Self::in_dir(&dir)).find(|found| found.major == major).ok_or_else(|| {
            Problem::usage(message!("server-binaries-other-major", major = major))
                .hint(message!("server-hint-shadow-url"))
        })
    }

    pub fn dir(&self) -> &Path {
        &self.dir
    }

    pub const fn major(&self) -> i32 {
        self.major
    }

    fn in_dir(dir: &Path) -> Option<Self> {
        let is_program = |name: &str| {
            let metadata = std::fs::metadata(dir.join(name));
            metadata.is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
        };
        if !is_program("initdb") || !is_program("postgres") {
            return None;
        }
        let output = Command::new(dir.join("postgres")).arg("--version").stdin(Stdio::null()).output().ok()?;
        let major = parse_major(&String::from_utf8_lossy(&output.stdout))?;
        Some(Self { dir: dir.to_owned(), major })
    }
}

/// `postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)` → 15; `17beta1` → 17.
pub(super) fn parse_major(version: &str) -> Option<i32> {
    let (_, rest) = version.split_once("(PostgreSQL) ")?;
    let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    rest[..digits].parse().ok()
}

pub(super) fn pg_config_bindir() -> Option<PathBuf> {
    let output = Command::new("pg_config").arg("--bindir").stdin(Stdio::null()).output().ok()?;
    let dir = String::from_utf8(output.stdout).ok()?;
    (output.status.success() && !dir.trim().is_empty()).then(|| PathBuf::from(dir.trim()))
}

/// Every existing folder of [`VERSIONED_PLACES`], newest version first.
pub(super) fn versioned_dirs() -> Vec<PathBuf> {
    let mut found = Vec::new();
    for (parent, prefix, bin) in VERSIONED_PLACES {
        for entry in std::fs::read_dir(parent).into_iter().flatten().flatten() {
            let name = entry.file_name();
            let version = name.to_str().and_then(|name| name.strip_prefix(prefix)?.parse::<f64>().ok());
            found.extend(version.map(|version| (version, entry.path().join(bin))));
        }
    }
    found.sort_by(|(left, _), (right, _)| right.total_cmp(left));
    found.into_iter().map(|(_, dir)| dir).collect()
}

impl PrivateServer {
    /// Creates a cluster and starts it; returns once it accepts connections.
    ///
    /// # Errors
    /// When no server programs are found, or when the server does not start: then with the last
    /// lines of its log.
    pub fn start(options: &PrivateServerOptions) -> Answer<Self> {
        let path = std::env::var_os("PATH");
        let binaries = ServerBinaries::find(options.binaries.as_deref(), path.as_deref())?;
        let account = Account::for_server()?;
        let dir = create_dir(account)?;
        let password = match &options.password {
            Some(password) => password.clone(),
            None => random_password()?,
        };
        // From here on the supervisor owns the folder; before, an error must remove it.
        let prepared = write_private(&dir.join("password"), password.reveal().as_bytes(), account)
            .and_then(|()| Supervisor::start(&dir, &binaries, account));
        let supervisor = match prepared {
            Ok(supervisor) => supervisor,
            Err(problem) => {
                // The problem at hand says more than a failure to tidy up after it would.
                let _ = std::fs::remove_dir_all(&dir);
                return Err(problem);
            }
        };
        let mut server = Self { supervisor, dir, port: 0, password, binaries };
        server.initialise(options, account)?;
        for attempt in 1.. {
            server.port = free_port()?;
            server.write_port()?;
            match server.launch() {
                Ok(()) => break,
                Err(problem) if attempt == PORT_ATTEMPTS_MAX || !server.port_was_taken() => return Err(problem),
                Err(_) => {}
            }
        }
        Ok(server)
    }

    /// Over the Unix socket, as the superuser `postgres`.
    pub fn target(&self) -> Target {
        self.target_to(Host::SocketDir(self.dir.clone()), None)
    }

    /// Over TCP, as the superuser `postgres`, with its password.
    pub fn tcp_target(&self) -> Target {
        self.target_to(Host::Tcp("127.0.0.1".to_owned()), Some(self.password.clone()))
    }

    fn target_to(&self, host: Host, password: Option<Secret>) -> Target {
        Target {
            host,
            port: self.port,
            database: "postgres".to_owned(),
            user: "postgres".to_owned(),
            password,
            sslmode: SslMode::Prefer,
            sslrootcert: None,
            sslcert: None,
            sslkey: None,
            channel_binding: ChannelBinding::Prefer,
            certificates_dir: None,
            connect_timeout: Some(Duration::from_secs(10)),
            application_name: Target::APPLICATION_NAME.to_owned(),
        }
    }

    pub const fn port(&self) -> u16 {
        self.port
    }

    pub const fn binaries(&self) -> &ServerBinaries {
        &self.binaries
    }

    /// The folder that holds everything: the cluster in `data`, the socket, `server.log`.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// What the server wrote to its log so far.
    pub fn log(&self) -> String {
        let bytes = std::fs::read(self.dir.join("server.log")).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Stops the server and keeps its folder, so that [`PrivateServer::restart`] finds its data.
    pub fn stop(&mut self, how: Shutdown) -> Answer<()> {
        self.supervisor.tell(match how {
            Shutdown::Fast => "fast",
            Shutdown::Immediate => "immediate",
            Shutdown::Kill => "kill",
        })?;
        Ok(())
    }

    /// Starts again on the same port with the same data, after stopping fast if it runs.
    pub fn restart(&mut self) -> Answer<()> {
        self.stop(Shutdown::Fast)?;
        self.launch()
    }

    fn initialise(&mut self, options: &PrivateServerOptions, account: Option<Account>) -> Answer<()> {
        let status = self.supervisor.tell("init")?;
        if status != "0" {
            return Err(self.failed("initdb.log"));
        }
        let data = self.dir.join("data");
        let mut config = vec![
            "listen_addresses = '127.0.0.1'".to_owned(),
            format!("unix_socket_directories = '{}'", self.dir.display().to_string().replace('\'', "''")),
            "unix_socket_permissions = 0700".to_owned(),
            "logging_collector = off".to_owned(),
            "lc_messages = 'C'".to_owned(),
            "timezone = 'UTC'".to_owned(),
            "log_timezone = 'UTC'".to_owned(),
        ];
        if !options.is_durable {
            config.extend(["fsync = off", "synchronous_commit = off", "full_page_writes = off"].map(ToOwned::to_owned));
        }
        config.extend(options.config.iter().cloned());
        // The port stands in a file of its own, included last, because it may change before the start.
        config.push("include = 'port.conf'".to_owned());
        append(&data.join("postgresql.conf"), &config)?;
        write_private(&data.join("port.conf"), b"", account)?;
        let hba = if options.hba.is_empty() {
            let lines =
                ["local all all trust", "host all all 127.0.0.1/32 scram-sha-256", "local replication all trust"];
            lines.map(ToOwned::to_owned).to_vec()
        } else {
            options.hba.clone()
        };
        write_private(&data.join("pg_hba.conf"), (hba.join("\n") + "\n").as_bytes(), account)?;
        for (name, contents) in &options.files {
            write_private(&data.join(name), contents, account)?;
        }
        std::fs::remove_file(self.dir.join("password")).map_err(|error| trouble(&self.dir, &error))
    }

    fn write_port(&self) -> Answer<()> {
        let path = self.dir.join("data/port.conf");
        std::fs::write(&path, format!("port = {}\n", self.port)).map_err(|error| trouble(&path, &error))
    }

    /// Starts the server and waits until it says that it is ready.
    fn launch(&mut self) -> Answer<()> {
        let deadline = Instant::now() + START_PATIENCE;
        loop {
            self.supervisor.tell("start")?;
            let (pid_file, exited) = (self.dir.join("data/postmaster.pid"), self.dir.join("exited"));
            loop {
                let state = std::fs::read_to_string(&pid_file).unwrap_or_default();
                if state.lines().nth(7).is_some_and(|line| line.trim() == "ready") {
                    return Ok(());
                }
                if exited.exists() {
                    break;
                }
                if Instant::now() > deadline {
                    self.stop(Shutdown::Immediate)?;
                    return Err(self.failed("server.log"));
                }
                std::thread::sleep(POLL_INTERVAL);
            }
            // After a SIGKILL the last backends hold the shared memory for a moment longer.
            if !self.last_log_lines("server.log").contains("pre-existing shared memory block")
                || Instant::now() > deadline
            {
                return Err(self.failed("server.log"));
            }
            std::thread::sleep(POLL_INTERVAL * 5);
        }
    }

    fn port_was_taken(&self) -> bool {
        self.last_log_lines("server.log").contains("could not create any TCP/IP sockets")
    }

    fn failed(&self, log: &str) -> Box<Problem> {
        let lines = self.last_log_lines(log);
        Problem::usage(message!("server-start-failed", path = self.binaries.dir.display().to_string(), log = lines))
            .hint(message!("server-hint-binaries-folder"))
    }

    fn last_log_lines(&self, log: &str) -> String {
        const LINES_SHOWN: usize = 8;
        let bytes = std::fs::read(self.dir.join(log)).unwrap_or_default();
        let text = String::from_utf8_lossy(&bytes);
        let lines: Vec<_> = text.lines().collect();
        lines[lines.len().saturating_sub(LINES_SHOWN)..].join("\n")
    }
}

/// The shell that runs the server, and the pipe whose closing tells it to clean up.
#[derive(Debug)]
struct Supervisor {
    shell: Child,
    /// Dropping this ends the server. The operating system drops it for us when we are killed.
    commands: Option<ChildStdin>,
    /// In a mutex only so that a server may be shared between threads.
    answers: Mutex<Receiver<String>>,
}

/// On systems where a pipe cannot be opened and marked close-on-exec in one go, a child started in
/// between would inherit the pipe and keep another's server alive; so one is started at a time.
static STARTING: Mutex<()> = Mutex::new(());

impl Supervisor {
    fn start(dir: &Path, binaries: &ServerBinaries, account: Option<Account>) -> Answer<Self> {
        let _turn = STARTING.lock().unwrap_or_else(PoisonError::into_inner);
        let mut command = Command::new("/bin/sh");
        command
            .args(["-c", SUPERVISOR, "lockkeeper-private-server"])
            .arg(dir)
            .arg(&binaries.dir)
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            // A Ctrl-C in the terminal is for us; the server goes when we do.
            .process_group(0)
            .env("LC_ALL", "C")
            .env_remove("TZ");
        for (name, _) in std::env::vars_os() {
            // PGDATA, PGOPTIONS and the like would change what initdb and postgres do.
            if name.to_string_lossy().starts_with("PG") {
                command.env_remove(name);
            }
        }
        if let Some(account) = account {
            command.uid(account.uid).gid(account.gid);
        }
        let mut shell = command.spawn().map_err(|error| trouble(Path::new("/bin/sh"), &error))?;
        let (sender, answers) = channel();
        if let Some(output) = shell.stdout.take() {
            std::thread::spawn(move || {
                for line in BufReader::new(output).lines().map_while(Result::ok) {
                    if sender.send(line).is_err() {
                        return;
                    }
                }
            });
        }
        let commands = shell.stdin.take();
        Ok(Self { shell, commands, answers: Mutex::new(answers) })
    }

    fn tell(&mut self, word: &str) -> Answer<String> {
        let gone = || Problem::usage(message!("server-supervisor-gone"));
        let commands = self.commands.as_mut().ok_or_else(gone)?;
        writeln!(commands, "{word}").and_then(|()| commands.flush()).map_err(|_| gone())?;
        let answers = self.answers.get_mut().unwrap_or_else(PoisonError::into_inner);
        match answers.recv_timeout(START_PATIENCE) {
            Ok(answer) => Ok(answer),
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => Err(gone()),
        }
    }
}

impl Drop for Supervisor {
    fn drop(&mut self) {
        drop(self.commands.take());
        // Waiting leaves no zombie and makes sure that the folder is gone when we return.
        let _ = self.shell.wait();
    }
}

/// The unprivileged account that runs the server when we are root, because PostgreSQL refuses to
/// run as root.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Account {
    uid: u32,
    gid: u32,
}

impl Account {
    /// `None` when we are not root: the server then runs as ourselves.
    fn for_server() -> Answer<Option<Self>> {
        #[expect(unsafe_code, reason = "geteuid takes nothing, touches no memory and cannot fail")]
        let effective_user = unsafe { libc::geteuid() };
        if effective_user != 0 {
            return Ok(None);
        }
        let found = ["postgres", "_postgres", "nobody"].into_iter().find_map(Self::named);
        found
            .map(Some)
            .ok_or_else(|| Problem::usage(message!("server-account-missing")).hint(message!("server-hint-not-root")))
    }

    fn named(name: &str) -> Option<Self> {
        let id = |option: &str| {
            let output = Command::new("id").args([option, name]).stdin(Stdio::null()).output().ok()?;
            String::from_utf8(output.stdout).ok()?.trim().parse::<u32>().ok().filter(|id| *id != 0)
        };
        Some(Self { uid: id("-u")?, gid: id("-g")? })
    }
}

/// A fresh folder that only the server's account can enter, on a path short enough for a socket.
fn create_dir(account: Option<Account>) -> Answer<PathBuf> {
    let preferred = std::env::temp_dir();
    // An account other than ours may be unable to pass through a private temporary folder.
    let fits = |parent: &Path| {
        let longest = parent.join("lockkeeper-0123456789abcdef").join(".s.PGSQL.65535.lock");
        longest.as_os_str().len() <= SOCKET_PATH_BYTES_MAX && parent.is_absolute()
    };
    let open_to_all = |parent: &Path| {
        parent
            .ancestors()
            .all(|dir| std::fs::metadata(dir).is_ok_and(|metadata| metadata.permissions().mode() & 0o001 != 0))
            && std::fs::metadata(parent).is_ok_and(|metadata| metadata.permissions().mode() & 0o1002 == 0o1002)
    };
    let parent = if fits(&preferred) && (account.is_none() || open_to_all(&preferred)) {
        preferred
    } else {
        PathBuf::from("/tmp")
    };
    let dir = parent.join(format!("lockkeeper-{}", &random_hex()?[..16]));
    // `create` fails on anything that exists, so nobody can have put a folder or a link there.
    std::fs::DirBuilder::new().mode(0o700).create(&dir).map_err(|error| trouble(&dir, &error))?;
    if let Some(account) = account {
        chown(&dir, Some(account.uid), Some(account.gid)).map_err(|error| trouble(&dir, &error))?;
    }
    Ok(dir)
}

fn write_private(path: &Path, contents: &[u8], account: Option<Account>) -> Answer<()> {
    let write = || {
        let mut file = std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
        file.write_all(contents)?;
        match account {
            Some(account) => std::os::unix::fs::fchown(&file, Some(account.uid), Some(account.gid)),
            None => Ok(()),
        }
    };
    write().map_err(|error| trouble(path, &error))
}

fn append(path: &Path, lines: &[String]) -> Answer<()> {
    let write = || {
        let mut file = std::fs::OpenOptions::new().append(true).open(path)?;
        file.write_all(format!("\n{}\n", lines.join("\n")).as_bytes())
    };
    write().map_err(|error| trouble(path, &error))
}

fn free_port() -> Answer<u16> {
    let bound = std::net::TcpListener::bind(("127.0.0.1", 0)).and_then(|listener| listener.local_addr());
    bound.map(|address| address.port()).map_err(|error| trouble(Path::new("127.0.0.1"), &error))
}

fn random_password() -> Answer<Secret> {
    random_hex().map(Secret::new)
}

/// 128 bits from the operating system, as 32 hexadecimal digits.
fn random_hex() -> Answer<String> {
    let path = Path::new("/dev/urandom");
    let mut bytes = [0_u8; 16];
    let read = std::fs::File::open(path).and_then(|mut file| file.read_exact(&mut bytes));
    read.map_err(|error| trouble(path, &error))?;
    Ok(format!("{:032x}", u128::from_be_bytes(bytes)))
}

fn trouble(path: &Path, error: &std::io::Error) -> Box<Problem> {
    Problem::usage(message!("server-folder-trouble", path = path.display().to_string(), reason = error.to_string()))
        .hint(message!("server-hint-tmpdir"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_read_from_what_postgres_says() {
        for (text, expected) in [
            ("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n", Some(15)),
            ("postgres (PostgreSQL) 17beta1\n", Some(17)),
            ("postgres (PostgreSQL) 18.0", Some(18)),
            ("bash: postgres: not found", None),
        ] {
            assert_eq!(parse_major(text), expected, "{text}");
        }
    }

    #[test]
    fn a_folder_without_programs_is_refused_by_name() {
        let problem = ServerBinaries::find(Some(Path::new("/nonexistent")), None).unwrap_err();
        assert_eq!(problem.message.id, "server-binaries-not-in-folder");
    }

    #[test]
    fn random_texts_differ() {
        assert_ne!(random_hex().unwrap(), random_hex().unwrap());
    }
}
