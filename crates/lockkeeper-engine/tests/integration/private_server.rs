//! A private server is there when it is wanted, and gone with whoever wanted it.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use lockkeeper_engine::postgres::{PrivateServer, PrivateServerOptions, Secret, Shutdown, connect};
use lockkeeper_testkit::{Cluster, execute};

fn start() -> PrivateServer {
    start_with(PrivateServerOptions::default())
}

fn start_with(options: PrivateServerOptions) -> PrivateServer {
    PrivateServer::start(&PrivateServerOptions { binaries: Cluster::binaries_wanted(), ..options }).unwrap()
}

fn wait_until(what: &str, mut done: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !done() {
        assert!(Instant::now() < deadline, "{what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// The postmaster's process, or any that names the folder.
fn runs(dir: &Path) -> bool {
    let output = Command::new("ps").args(["-eo", "args"]).output().unwrap();
    String::from_utf8_lossy(&output.stdout).contains(&dir.display().to_string())
}

#[test]
fn it_is_gone_when_dropped() {
    let server = start();
    let dir = server.dir().to_owned();
    execute(&server.target(), "CREATE TABLE boat (id int)");
    execute(&server.tcp_target(), "SELECT 1");
    assert!(dir.exists() && runs(&dir));
    drop(server);
    assert!(!dir.exists() && !runs(&dir));
}

#[test]
fn only_its_owner_can_reach_it_without_a_password() {
    use std::os::unix::fs::PermissionsExt;
    let server = start();
    assert_eq!(std::fs::metadata(server.dir()).unwrap().permissions().mode() & 0o777, 0o700);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let stranger = lockkeeper_engine::postgres::Target { password: None, ..server.tcp_target() };
    assert_eq!(runtime.block_on(connect(&stranger)).unwrap_err().message.id, "connect-password-missing");
}

#[test]
fn a_chosen_password_is_used_and_never_shown() {
    let password = "correct horse battery staple";
    let server =
        start_with(PrivateServerOptions { password: Some(Secret::new(password)), ..PrivateServerOptions::default() });
    assert_eq!(server.tcp_target().password, Some(Secret::new(password)));
    execute(&server.tcp_target(), "SELECT 1");
    let everybody = Command::new("ps").args(["-eo", "args"]).output().unwrap();
    assert!(!String::from_utf8_lossy(&everybody.stdout).contains(password));
    assert!(!format!("{server:?}").contains(password));
    let left_behind = Command::new("grep").args(["-rlF", password]).arg(server.dir()).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&left_behind.stdout), "");
}

#[test]
fn data_outlives_a_restart_and_a_crash() {
    let mut server = start_with(PrivateServerOptions { is_durable: true, ..PrivateServerOptions::default() });
    execute(&server.target(), "CREATE TABLE boat (id int); INSERT INTO boat VALUES (1)");
    let port = server.port();
    server.restart().unwrap();
    assert_eq!(server.port(), port);
    execute(&server.target(), "INSERT INTO boat VALUES (2)");
    for how in [Shutdown::Immediate, Shutdown::Kill] {
        server.stop(how).unwrap();
        server.restart().unwrap();
        execute(&server.target(), "DO $$ BEGIN ASSERT (SELECT count(*) FROM boat) = 2; END $$");
    }
}

#[test]
fn several_start_at_once_and_stay_apart() {
    let starting: Vec<_> = (0..3).map(|_| std::thread::spawn(start)).collect();
    let mut servers: Vec<_> = starting.into_iter().map(|thread| thread.join().unwrap()).collect();
    let dirs: Vec<_> = servers.iter().map(|server| server.dir().to_owned()).collect();
    let first = servers.remove(0);
    drop(first);
    assert!(!dirs[0].exists());
    for server in &servers {
        execute(&server.target(), "SELECT 1");
    }
    drop(servers);
    wait_until("all are gone", || dirs.iter().all(|dir| !dir.exists() && !runs(dir)));
}

#[test]
fn a_setting_that_is_wrong_is_told_with_the_log() {
    let options = PrivateServerOptions {
        binaries: Cluster::binaries_wanted(),
        config: vec!["shared_buffers = 'much'".to_owned()],
        ..PrivateServerOptions::default()
    };
    let problem = PrivateServer::start(&options).unwrap_err();
    assert_eq!(problem.message.id, "server-start-failed");
    assert!(problem.message.to_string().contains("shared_buffers"), "{problem}");
}

#[test]
fn missing_programs_are_told() {
    let options =
        PrivateServerOptions { binaries: Some(PathBuf::from("/nonexistent")), ..PrivateServerOptions::default() };
    assert_eq!(PrivateServer::start(&options).unwrap_err().message.id, "server-binaries-not-in-folder");
}

/// Not a test of its own: the process that the next test kills.
#[test]
fn the_one_that_is_killed() {
    if std::env::var_os("LOCKKEEPER_TEST_KILL_ME").is_none() {
        return;
    }
    let server = start();
    let told = writeln!(std::io::stdout(), "\nserver {}", server.dir().display());
    told.unwrap();
    std::thread::sleep(Duration::from_mins(1));
}

#[test]
fn it_is_gone_when_its_process_is_killed() {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "private_server::the_one_that_is_killed", "--nocapture"])
        .env("LOCKKEEPER_TEST_KILL_ME", "1")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    let dir = lines.into_iter().find_map(|line| line.strip_prefix("server ").map(PathBuf::from)).unwrap();
    assert!(dir.exists() && runs(&dir));
    child.kill().unwrap();
    child.wait().unwrap();
    wait_until("folder and server are gone", || !dir.exists() && !runs(&dir));
}

#[test]
fn it_is_gone_when_its_process_is_killed_while_it_starts() {
    for delay_ms in [0, 50, 150, 400, 800, 1_100] {
        let before = folders();
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "private_server::the_one_that_is_killed", "--nocapture"])
            .env("LOCKKEEPER_TEST_KILL_ME", "1")
            .env("TMPDIR", before.0.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_millis(delay_ms));
        child.kill().unwrap();
        child.wait().unwrap();
        wait_until("nothing is left", || {
            !runs(before.0.path()) && std::fs::read_dir(before.0.path()).unwrap().count() == 0
        });
    }
}

/// A temporary folder that everybody may use, so that what is left behind can be told from others'.
fn folders() -> (tempfile::TempDir,) {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::Builder::new().prefix("lk").tempdir_in("/tmp").unwrap();
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o1777)).unwrap();
    (folder,)
}
