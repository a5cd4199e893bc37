//! The example services of `docs/health-check-endpoints.md`: built, run, checked, watched, and broken.
//!
//! `UPDATE_DOCS=1 cargo test -p lockkeeper --test integration health_endpoints` writes the files into the pages.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use lockkeeper_testkit::{Database, Project};

use crate::health_bench::{PATIENCE, check, project_on, said};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn example(file: &str) -> PathBuf {
    root().join("examples/endpoints").join(file)
}

/// A service that runs, and its users; gone with this value.
struct Service {
    child: Child,
    port: String,
    is_over: Arc<AtomicBool>,
}

impl Service {
    /// As a role of its own, which may read what it has to.
    fn start(mut command: Command, database: &Database, role: &str) -> Self {
        let variables = database.env().into_iter().filter(|(name, _)| name != "DB_USER");
        let variables =
            variables.map(|(name, value)| (name.replace("DB_NAME", "PGDATABASE").replace("DB_", "PG"), value));
        command.envs(variables).env("PGUSER", role).env("PORT", "0").stdout(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}: ./test.sh installs it"));
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let port = line.trim().rsplit(':').next().unwrap().to_owned();
        let is_over = Arc::new(AtomicBool::new(false));
        let (users_over, address) = (Arc::clone(&is_over), format!("127.0.0.1:{port}"));
        std::thread::spawn(move || {
            while !users_over.load(Ordering::Relaxed) {
                // What the answer is, the service counts; one that cannot be reached is not counted by anybody.
                let _ = get(&address, "/");
                std::thread::sleep(Duration::from_millis(5));
            }
        });
        Self { child, port, is_over }
    }

    fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    fn wait_until_ready(&self, ready: bool) {
        let began = Instant::now();
        let word = format!("\"ready\":{ready}");
        loop {
            let answer = get(&self.address(), "/readyz").unwrap_or_default().replace(' ', "");
            if answer.contains(&word) {
                return;
            }
            assert!(began.elapsed() < PATIENCE, "never {word}: {answer}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn get(address: &str, path: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

/// The example's own settings, on the service's port and with windows that a test can wait for.
fn settings(service: &Service) -> String {
    let text = std::fs::read_to_string(example("lockkeeper.toml")).unwrap();
    text.replace(":8080", &format!(":{}", service.port))
        .replacen("[health]\n", "[health]\nrules = [\"floor\"]\ninterval = \"2s\"\nmin_samples = 4\n", 1)
        .replace("[[health.counters]]\n", "[[health.counters]]\nevery = \"200ms\"\n")
}

#[track_caller]
fn verdicts(project: &Project, code: i32, expected: &[(&str, &str)]) {
    let finished = check(project);
    let found: Vec<(String, String)> = expected.iter().map(|(name, _)| said(&finished, name)).collect();
    let verdicts: Vec<&str> = found.iter().map(|(verdict, _)| verdict.as_str()).collect();
    let wanted: Vec<&str> = expected.iter().map(|(_, verdict)| *verdict).collect();
    assert_eq!((finished.code, verdicts), (Some(code), wanted), "{found:?}");
}

/// From before its migration to after its database has shut it out.
fn lives(command: Command) {
    let database = Database::create();
    let role = format!("app_{}", database.name());
    database.execute(&format!("CREATE ROLE \"{role}\" LOGIN"));
    let service = Service::start(command, &database, &role);
    let project = project_on(&database, &settings(&service));
    project.write("migrations/01_add_boats_up.sql", "CREATE TABLE boats (id int);\n");
    project.write("migrations/01_add_boats_down.sql", "DROP TABLE boats;\n");
    // The database has nothing yet of what this build needs.
    let without = [("live", "pass"), ("ready", "fail"), ("requests", "fail"), ("requests-json", "fail")];
    verdicts(&project, 1, &without);
    assert_eq!(project.lockkeeper(["stage1"]).code, Some(0));
    database.execute(&format!(
        "GRANT USAGE ON SCHEMA lockkeeper TO \"{role}\"; GRANT SELECT ON lockkeeper.migrations TO \"{role}\""
    ));
    service.wait_until_ready(true);
    let well = [("live", "pass"), ("ready", "pass"), ("requests", "pass"), ("requests-json", "pass")];
    verdicts(&project, 0, &well);
    let watched = project.lockkeeper(["health", "start", "--for", "9s", "--json"]);
    assert_eq!(watched.code, Some(0), "{watched:?}");
    database.execute(&format!("REVOKE SELECT ON lockkeeper.migrations FROM \"{role}\""));
    service.wait_until_ready(false);
    verdicts(&project, 1, &without);
    let watched = project.lockkeeper(["health", "start", "--for", "60s", "--json"]);
    assert_eq!(watched.code, Some(1), "{watched:?}");
    // Probes are no requests of users: thousands of them would hide the errors of a few.
    service.is_over.store(true, Ordering::Relaxed);
    std::thread::sleep(Duration::from_millis(300));
    let counted = || get(&service.address(), "/counters").unwrap();
    let before = counted();
    for path in ["/livez", "/readyz", "/metrics"] {
        get(&service.address(), path).unwrap();
    }
    assert_eq!(counted(), before);
    drop(service);
    database.execute(&format!("REVOKE ALL ON SCHEMA lockkeeper FROM \"{role}\"; DROP ROLE \"{role}\""));
}

#[test]
fn the_service_in_rust_is_what_a_watch_needs() {
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("endpoints");
    let compiler = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let mut compile = Command::new(compiler);
    compile.args(["--edition", "2024", "-D", "warnings"]).arg(example("rust/main.rs")).arg("-o").arg(&program);
    assert!(compile.status().unwrap().success(), "{compile:?}");
    lives(Command::new(program));
}

#[test]
fn the_service_in_node_is_what_a_watch_needs() {
    let mut command = Command::new("node");
    command.arg(example("node/server.mjs"));
    lives(command);
}

#[test]
fn the_pages_on_endpoints_show_the_files_as_they_are() {
    for page in ["health-check-endpoints.md", "health-check-endpoints.ko.md"] {
        let path = root().join("docs").join(page);
        let text = std::fs::read_to_string(&path).unwrap();
        let mut fresh = text.clone();
        for (file, language) in [("lockkeeper.toml", "toml"), ("rust/main.rs", "rust"), ("node/server.mjs", "js")] {
            let begin = format!("<!-- examples/endpoints/{file} -->\n");
            let start = fresh.find(&begin).unwrap_or_else(|| panic!("{page} marks {file}")) + begin.len();
            let end = start + fresh[start..].find("<!-- end -->").expect("the file ends");
            let shown = std::fs::read_to_string(example(file)).unwrap();
            fresh.replace_range(start..end, &format!("```{language}\n{shown}```\n"));
        }
        if std::env::var_os("UPDATE_DOCS").is_some() {
            std::fs::write(&path, fresh).unwrap();
        } else {
            assert_eq!(text, fresh, "{page}");
        }
    }
}
