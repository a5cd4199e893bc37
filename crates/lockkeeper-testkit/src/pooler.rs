//! `PgBouncer` in front of the tests' server, as Debian packages it.

use std::os::unix::fs::{MetadataExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use lockkeeper_engine::postgres::{Host, Target};
use tempfile::TempDir;

use crate::cluster::Cluster;
use crate::database::Database;
use crate::open_session::OpenSession;

/// A pooler of the test's own. Gone with this value, or with the process.
#[derive(Debug)]
pub struct Pooler {
    folder: TempDir,
    /// A shell that ends the pooler when its standard input closes, for whatever reason.
    shell: Child,
}

/// The pooler's port is the name of its socket only: each has a folder of its own.
const PORT: u16 = 6432;

const START_PATIENCE: Duration = Duration::from_secs(20);

/// Asked for the end it would wait for its clients, so it is killed.
const SUPERVISOR: &str =
    "umask 077; \"$1\" \"$2\" </dev/null >\"$3\" 2>&1 & while read -r _; do :; done; kill -s KILL $!; wait";

impl Pooler {
    /// A pooler in transaction mode that shares `connections` server sessions for each user and database, and
    /// hands them out in turn, so that two transactions of one client seldom meet the same.
    ///
    /// # Panics
    /// When there is no `PgBouncer`: a test that needs one must not pass without it.
    pub fn start(connections: u32) -> Self {
        let server = Cluster::get().server();
        let owner = std::fs::metadata(server.dir()).unwrap_or_else(|error| panic!("{error}"));
        let folder =
            tempfile::Builder::new().prefix("lk-pool-").tempdir_in("/tmp").unwrap_or_else(|error| panic!("{error}"));
        let users = folder.path().join("users.txt");
        let config = folder.path().join("pgbouncer.ini");
        let dir = folder.path().display();
        let text = format!(
            "[databases]\n* = host={} port={}\n[pgbouncer]\nunix_socket_dir = {dir}\nlisten_port = {PORT}\n\
             auth_type = trust\nauth_file = {}\nlogfile =\npidfile =\npool_mode = transaction\n\
             default_pool_size = {connections}\nserver_round_robin = 1\nmax_client_conn = 500\n",
            server.dir().display(),
            server.port(),
            users.display(),
        );
        for (path, text) in [(&users, "\"postgres\" \"\"\n"), (&config, text.as_str())] {
            std::fs::write(path, text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        }
        let own = std::fs::metadata(folder.path()).unwrap_or_else(|error| panic!("{error}"));
        // It refuses to run as root, and the server's socket is its owner's alone.
        for path in [folder.path(), &users, &config] {
            chown(path, Some(owner.uid()), Some(owner.gid())).unwrap_or_else(|error| panic!("{error}"));
        }
        let log = folder.path().join("log");
        let mut command = Command::new("/bin/sh");
        command.args(["-c", SUPERVISOR, "pooler"]).arg(program()).arg(&config).arg(&log).stdin(Stdio::piped());
        if own.uid() != owner.uid() {
            command.uid(owner.uid()).gid(owner.gid());
        }
        let shell = command.process_group(0).spawn().unwrap_or_else(|error| panic!("{error}"));
        let mut pooler = Self { folder, shell };
        pooler.wait();
        pooler
    }

    fn wait(&mut self) {
        let socket = self.folder.path().join(format!(".s.PGSQL.{PORT}"));
        let deadline = Instant::now() + START_PATIENCE;
        while std::os::unix::net::UnixStream::connect(&socket).is_err() {
            assert!(Instant::now() < deadline, "the pooler does not start: {}", self.log());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// What it has to say.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// The same database, through the pooler.
    pub fn target(&self, database: &Database) -> Target {
        Target { host: Host::SocketDir(self.folder.path().to_owned()), port: PORT, ..database.target() }
    }

    /// The settings by which a child process finds the database through the pooler.
    pub fn env(&self) -> [(String, String); 2] {
        [("DB_HOST".to_owned(), self.folder.path().display().to_string()), ("DB_PORT".to_owned(), PORT.to_string())]
    }

    /// Another client of the pooler.
    #[track_caller]
    pub fn session(&self, database: &Database) -> OpenSession {
        OpenSession::open(&self.target(database))
    }
}

impl Drop for Pooler {
    fn drop(&mut self) {
        assert!(
            std::thread::panicking() || self.folder.path().join(format!(".s.PGSQL.{PORT}")).exists(),
            "the pooler has ended: {}",
            self.log()
        );
        drop(self.shell.stdin.take());
        // It leaves no zombie, and the folder is nobody's any more when it is removed.
        let _ = self.shell.wait();
    }
}

/// On `PATH`, or where Debian keeps what only root has on it.
fn program() -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let places = std::env::split_paths(&path).chain([PathBuf::from("/usr/sbin"), PathBuf::from("/opt/homebrew/bin")]);
    let found = places.map(|dir| dir.join("pgbouncer")).find(|path| Path::is_file(path));
    found.unwrap_or_else(|| panic!("the tests need pgbouncer (apt-get install pgbouncer)"))
}
