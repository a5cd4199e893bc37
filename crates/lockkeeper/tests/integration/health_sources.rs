//! Every source and every condition, from `lockkeeper.toml` to the verdict, and what is told of a slip in it.

use std::io::Write;
use std::process::{Child, Command, Stdio};

use lockkeeper_testkit::certificates::{Authority, Pair};
use lockkeeper_testkit::{Database, FaultyHttp, Finished, HttpAnswer, Project};
use nix::sys::signal::Signal;

use crate::health_bench::{PATIENCE, QUICK, Watcher, check, http, project, project_on, said};

/// A process of the test's own, gone with this value.
struct Running(Child);

impl Running {
    fn start(program: &str, args: &[&str]) -> Self {
        let mut command = Command::new(program);
        Self(command.args(args).stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap())
    }

    fn pid(&self) -> u32 {
        self.0.id()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[track_caller]
fn expect(finished: &Finished, code: i32, name: &str, verdict: &str) -> String {
    let (was, text) = said(finished, name);
    assert_eq!((finished.code, was.as_str()), (Some(code), verdict), "{text}: {finished:?}");
    text
}

/// A probe that answers with this JSON is held against this condition.
fn judged(answer: &str, condition: &str) -> (String, String) {
    let server = FaultyHttp::start(HttpAnswer::json(200, answer));
    said(&check(&project(&http("shop", &server.url("/"), condition))), "shop")
}

#[test]
fn every_condition_on_a_body_can_be_written_down() {
    let answer = r#"{"status": "ok", "queue": {"depth": 12}, "version": "3.1.4", "on": true, "none": null}"#;
    for (condition, verdict) in [
        ("contains = [\"ok\"]", "pass"),
        ("contains = [\"ok\", \"down\"]", "fail"),
        ("lacks = [\"ok\"]", "fail"),
        ("matches = ['\"depth\":\\s*\\d+', 'ok']", "pass"),
        ("matches = ['^ok$']", "fail"),
        ("json = { \"/status\" = \"ok\", \"/queue/depth\" = 12, \"/on\" = true }", "pass"),
        ("json = { \"/status\" = \"down\" }", "fail"),
        ("json.\"/queue/depth\" = { below = 100 }", "pass"),
        ("json.\"/queue/depth\" = { below = 12 }", "fail"),
        ("json.\"/queue/depth\" = { max = 12, min = 12, above = 11.5 }", "pass"),
        ("json.\"/queue/depth\" = { min = 1, max = 11 }", "fail"),
        ("json.\"/queue\" = { equals = { depth = 12 } }", "pass"),
        ("json.\"/status\" = { not = \"down\" }", "pass"),
        ("json.\"/status\" = { not = \"ok\" }", "fail"),
        ("json.\"/version\" = { matches = '^3\\.' }", "pass"),
        ("json.\"/version\" = { matches = '^4\\.' }", "fail"),
        ("json.\"/none\" = { present = true }", "pass"),
        ("json.\"/error\" = { present = true }", "fail"),
        ("json.\"/error\" = { present = false }", "pass"),
        ("json.\"/status\" = { present = false }", "fail"),
        ("json.\"/status\" = { above = 1 }", "fail"),
    ] {
        let (was, text) = judged(answer, condition);
        assert_eq!(was, verdict, "{condition}: {text}");
    }
    let (_, text) = judged(answer, "json.\"/queue/depth\" = { below = 10 }");
    assert!(text.contains("/queue/depth is 12, expected < 10"), "the value stands beside the condition: {text}");
}

#[test]
fn how_a_request_is_made_can_be_written_down() {
    let server = FaultyHttp::start(HttpAnswer::text("a".repeat(100)));
    let run = |rest: &str| check(&project(&http("shop", &server.url("/ask?a=b"), rest)));
    expect(&run("method = \"POST\"\nbody = \"ping\"\nheaders = { X-Team = \"blue\" }"), 0, "shop", "pass");
    let request = server.requests().pop().unwrap();
    assert!(request.starts_with("POST /ask?a=b HTTP/1.1\r\n") && request.ends_with("\r\n\r\nping"), "{request}");
    assert!(request.contains("\r\nx-team: blue\r\n"), "{request}");
    let text = expect(&run("body_bytes_max = 99"), 1, "shop", "fail");
    assert!(text.contains("99"), "{text}");
    expect(&run("family = \"ipv4\""), 0, "shop", "pass");
    let text = expect(&run("family = \"ipv6\""), 1, "shop", "fail");
    assert!(text.contains("no address"), "{text}");
    server.answer(HttpAnswer::Hang);
    let text = expect(&run("timeout = \"200ms\""), 1, "shop", "fail");
    assert!(text.contains("200 ms"), "{text}");
}

const TOKEN: &str = "hunter2-6b1f";

/// Nobody sees it: not who reads what a command says, not who reads the ledger, not who reads an error.
#[test]
fn a_header_with_a_secret_is_sent_and_shown_to_nobody() {
    let (database, server) = (Database::create(), FaultyHttp::start(HttpAnswer::status(401)));
    let header =
        "headers = { Authorization = { env = \"SHOP_TOKEN\", prefix = \"Bearer \" }, X-Key = { env = \"KEY\" } }";
    let sources = http("shop", &server.url("/"), header)
        + &format!(
            "[[health.counters]]\nname = \"counted\"\nurl = \"{0}\"\nrequests = \"/r\"\nerrors = \"/e\"\n{header}\n\
             [[health.prometheus]]\nname = \"asked\"\nserver = \"{0}\"\nquery = \"up\"\nfails = \"< 1\"\n{header}\n",
            server.url("/")
        );
    let project = project_on(&database, &(QUICK.to_owned() + &sources)).with_env([("SHOP_TOKEN", TOKEN)]);
    // What stands in .env is taken as well.
    project.write(".env", &format!("KEY={TOKEN}\n"));
    let mut outputs = vec![check(&project), project.lockkeeper(["health", "check"])];
    assert_eq!(outputs[0].code, Some(1), "{:?}", outputs[0]);
    for path in ["GET / ", "GET /api/v1/query"] {
        let request = server.requests().into_iter().find(|request| request.starts_with(path)).expect(path);
        assert!(request.contains(&format!("\r\nauthorization: Bearer {TOKEN}\r\n")), "{path} without its header");
        assert!(request.contains(&format!("\r\nx-key: {TOKEN}\r\n")), "{path} without its header");
    }
    let log = project.path().join("breach");
    let handed = format!("cat > {0}; env >> {0}", log.display());
    outputs.push(project.lockkeeper(["health", "start", "--for", "60s", "--json", "--on-breach", &handed]));
    assert_eq!(outputs[2].code, Some(1), "{:?}", outputs[2]);
    outputs.push(project.lockkeeper(["health", "status", "--json"]));
    for output in &outputs {
        assert!(!output.stdout.contains(TOKEN) && !output.stderr.contains(TOKEN), "told");
    }
    // The environment is the command's by inheritance; what it was handed is not to hold the token otherwise.
    let handed = std::fs::read_to_string(&log).unwrap();
    let told = handed.lines().filter(|line| !line.starts_with("SHOP_TOKEN=") && line.contains(TOKEN)).count();
    assert_eq!(told, 0);
    let tables = database
        .query("SELECT relname FROM pg_class WHERE relnamespace = 'lockkeeper'::regnamespace AND relkind = 'r'");
    let rows =
        tables.iter().flat_map(|table| database.query(&format!("SELECT t::text FROM lockkeeper.{} t", table[0])));
    let ledger: String = rows.flatten().collect();
    assert!(ledger.contains("shop") && !ledger.contains(TOKEN), "in the ledger");
}

#[test]
fn a_secret_that_changes_is_taken_with_the_next_hangup() {
    let (database, server) = (Database::create(), FaultyHttp::start(HttpAnswer::status(200)));
    let toml = QUICK.to_owned() + &http("shop", &server.url("/"), "headers = { X-Key = { env = \"SHOP_KEY\" } }");
    let project = project_on(&database, &toml);
    let sends = |key: &str| {
        let began = std::time::Instant::now();
        while !server.requests().last().is_some_and(|request| request.contains(&format!("\r\nx-key: {key}\r\n"))) {
            assert!(began.elapsed() < PATIENCE, "never {key}");
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
    };
    project.write(".env", "SHOP_KEY=first\n");
    let mut watcher = Watcher::start(&project, &[]);
    sends("first");
    project.write(".env", "SHOP_KEY=second\n");
    watcher.signal(Signal::SIGHUP);
    sends("second");
    watcher.signal(Signal::SIGTERM);
    assert_eq!(watcher.code(), Some(143), "{}", watcher.seen());
}

#[test]
fn a_secret_that_is_missing_stops_only_who_needs_it() {
    let database = Database::create();
    let header = "headers = { Authorization = { env = \"SHOP_TOKEN\" } }";
    let project = project_on(&database, &http("shop", "http://127.0.0.1:1/", header));
    let finished = check(&project);
    assert_eq!(finished.code, Some(2), "{finished:?}");
    assert!(finished.stderr.contains("SHOP_TOKEN") && finished.stderr.contains("lockkeeper.toml:6"), "{finished:?}");
    assert_eq!(project.lockkeeper(["health", "status"]).code, Some(6), "nobody has watched");
    let unfit = project.with_env([("SHOP_TOKEN", format!("{TOKEN}\nX-Evil: 1"))]);
    let finished = check(&unfit);
    assert_eq!(finished.code, Some(2), "{finished:?}");
    assert!(!format!("{finished:?}").contains(TOKEN), "told");
    // One that was written down after all is not repeated by an error.
    let finished =
        check(&self::project(&http("shop", "http://127.0.0.1:1/", &format!("headers = {{ \"X A\" = \"{TOKEN}\" }}"))));
    assert_eq!(finished.code, Some(2), "{finished:?}");
    assert!(!format!("{finished:?}").contains(TOKEN), "told");
}

/// A shop behind TLS, with an authority of its own.
struct Shop {
    authority: Authority,
    project: Project,
}

impl Shop {
    fn new(database: &Database) -> Self {
        let shop = Self { authority: Authority::new("Shop CA"), project: project_on(database, "") };
        shop.project.write("tls/root.pem", &shop.authority.pem());
        shop
    }

    fn serve(&self, pair: &Pair, rest: &str) -> FaultyHttp {
        let server = FaultyHttp::start_tls(HttpAnswer::status(200), &pair.certificate, &pair.key);
        let rest = format!("sslrootcert = \"tls/root.pem\"\n{rest}");
        self.project.write("lockkeeper.toml", &(QUICK.to_owned() + &http("shop", &server.url("/"), &rest)));
        server
    }
}

#[test]
fn a_certificate_near_its_end_fails_by_itself_and_rolls_nothing_back() {
    let database = Database::create();
    let shop = Shop::new(&database);
    for (days, code, verdict) in [(15, 0, "pass"), (13, 1, "fail")] {
        let _server = shop.serve(&shop.authority.issue_for_days(&["localhost"], days), "tls_expires_in = \"14d\"");
        let finished = check(&shop.project);
        let text = expect(&finished, code, "shop.tls", verdict);
        assert!(text.contains("certificate_days") && text.contains("< 14"), "{text}");
        assert_eq!(said(&finished, "shop").0, "pass", "the service itself is well");
    }
    let _server = shop.serve(&shop.authority.issue_for_days(&["localhost"], 3), "tls_expires_in = \"14d\"");
    let watched = shop.project.lockkeeper(["health", "start", "--for", "6s", "--json"]);
    assert_eq!(watched.code, Some(0), "a rollback renews no certificate: {watched:?}");
    let expired = shop.authority.issue_expired(&["localhost"]);
    let _server = shop.serve(&expired, "tls_expires_in = \"14d\"");
    let finished = check(&shop.project);
    expect(&finished, 1, "shop.tls", "fail");
    expect(&finished, 1, "shop", "fail");
}

#[test]
fn the_schema_is_held_against_the_migrations() {
    let database = Database::create();
    let toml = "[health.database]\nschema_fails = [\"behind\", \"ahead\", \"dirty\"]\n";
    let project = project_on(&database, toml);
    let pair = |name: &str, up: &str, down: &str| {
        project.write(&format!("migrations/{name}_up.sql"), up);
        project.write(&format!("migrations/{name}_down.sql"), down);
    };
    pair("01_add_boats", "CREATE TABLE boats (id int, name text);\n", "DROP TABLE boats;\n");
    let says = |code, verdict, part: &str| {
        let text = expect(&check(&project), code, "database", verdict);
        assert!(text.contains(part), "{part}: {text}");
    };
    says(1, "fail", "lacks migration 01");
    assert_eq!(project.lockkeeper(["stage1"]).code, Some(0));
    says(0, "pass", "at head");
    pair("02_add_masts", "ALTER TABLE boats ADD COLUMN masts int;\n", "ALTER TABLE boats DROP COLUMN masts;\n");
    says(1, "fail", "lacks migration 02");
    // What waits for stage 2 is not missed.
    std::fs::remove_file(project.path().join("migrations/02_add_masts_up.sql")).unwrap();
    std::fs::remove_file(project.path().join("migrations/02_add_masts_down.sql")).unwrap();
    pair("03_drop_name", "ALTER TABLE boats DROP COLUMN name;\n", "ALTER TABLE boats ADD COLUMN name text;\n");
    says(0, "pass", "at head");
    pair("01_add_boats", "CREATE TABLE boats (id int, name text, size int);\n", "DROP TABLE boats;\n");
    says(1, "fail", "another one than here");
    project.write("migrations/01_add_boats_up.sql", "CREATE TABLE boats (id int, name text);\n");
    std::fs::rename(
        project.path().join("migrations/01_add_boats_up.sql"),
        project.path().join("migrations/04_add_boats_up.sql"),
    )
    .unwrap();
    std::fs::rename(
        project.path().join("migrations/01_add_boats_down.sql"),
        project.path().join("migrations/04_add_boats_down.sql"),
    )
    .unwrap();
    says(1, "fail", "half done, or is another one");
    project.write("lockkeeper.toml", "[health.database]\nschema_fails = [\"ahead\"]\n");
    std::fs::remove_file(project.path().join("migrations/04_add_boats_up.sql")).unwrap();
    std::fs::remove_file(project.path().join("migrations/04_add_boats_down.sql")).unwrap();
    says(1, "fail", "which nobody here knows");
}

#[cfg(target_os = "linux")]
#[test]
fn the_host_is_measured_beside_its_bounds() {
    let run = |fails: &str| check(&project(&format!("[health.host]\nfails = {{ {fails} }}\n")));
    expect(&run("cpu_share = \"> 1.5\", memory_share = \"> 1\""), 0, "host", "pass");
    let text = expect(&run("memory_share = \"> 0\""), 1, "host", "fail");
    assert!(text.contains("memory_share 0."), "{text}");
    let text = expect(&run("cpu_share = \">= 0\""), 1, "host", "fail");
    assert!(text.contains("cpu_share"), "CPU time is taken twice: {text}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_process_that_burns_cpu_or_holds_memory_fails() {
    let (busy, idle) = (Running::start("/bin/sh", &["-c", "while :; do :; done"]), Running::start("sleep", &["60"]));
    // `tail` keeps what it is given until it knows the end.
    let mut full = Running::start("tail", &["-n", "1"]);
    full.0.stdin.as_mut().unwrap().write_all(&vec![b'x'; 64 << 20]).unwrap();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let process = |name: &str, which: &str, fails: &str| {
        format!("[[health.process]]\nname = \"{name}\"\n{which}\nfails = {{ {fails} }}\n")
    };
    let fails = "cpu_cores = \"> 0.05\", memory_bytes = \"> 4e7\"";
    let toml = process("busy", &format!("pid = {}", busy.pid()), fails)
        + &process("full", "pid_file = \"run/full.pid\"", fails)
        + &process("idle", &format!("pid = {}", idle.pid()), fails)
        + &process("own", &format!("port = {}", listener.local_addr().unwrap().port()), "memory_bytes = \"> 0\"")
        + &process("gone", "pid_file = \"run/gone.pid\"", fails);
    let project = project(&toml);
    project.write("run/full.pid", &format!("{}\n", full.pid()));
    let finished = check(&project);
    assert_eq!(finished.code, Some(1), "{finished:?}");
    for (name, verdict, part) in [
        ("busy", "fail", "cpu_cores"),
        ("full", "fail", "memory_bytes"),
        ("idle", "pass", "cpu_cores"),
        ("own", "fail", "memory_bytes"),
        ("gone", "no_data", "run/gone.pid"),
    ] {
        let (was, text) = said(&finished, name);
        assert!(was == verdict && text.contains(part), "{name} {was}: {text}");
    }
}

/// The streak rule is the one of the floor: the third window in a row, and a good one in between starts over.
#[cfg(target_os = "linux")]
#[test]
fn three_windows_of_a_busy_process_are_a_breach() {
    let database = Database::create();
    let server = FaultyHttp::start(HttpAnswer::status(200));
    let toml = QUICK.to_owned()
        + &http("shop", &server.url("/"), "")
        + "[[health.process]]\nname = \"worker\"\npid_file = \"worker.pid\"\nevery = \"200ms\"\n\
           fails = { cpu_cores = \"> 0.05\" }\n";
    let project = project_on(&database, &toml);
    let idle = Running::start("sleep", &["120"]);
    let busy = Running::start("/bin/sh", &["-c", "while :; do :; done"]);
    // In one go: a file that is being written is no pid file yet.
    let works = |process: &Running| {
        project.write("next.pid", &process.pid().to_string());
        std::fs::rename(project.path().join("next.pid"), project.path().join("worker.pid")).unwrap();
    };
    works(&busy);
    let mut watcher = Watcher::start(&project, &["--for", "60s"]);
    watcher.judgement("worker", "threshold", |judgement| judgement["failures"].as_u64() >= Some(1));
    works(&idle);
    // Whatever row there was ends: what fails next is the first one again.
    std::thread::sleep(std::time::Duration::from_secs(3));
    works(&busy);
    watcher.judgement("worker", "threshold", |judgement| judgement["failures"] == 1);
    watcher.judgement("worker", "threshold", |judgement| judgement["breaches"] == true && judgement["failures"] == 3);
    assert_eq!(watcher.code(), Some(1), "{}", watcher.seen());
}

#[test]
fn a_slip_is_told_with_its_place_and_the_word_that_was_meant() {
    let url = "http://127.0.0.1:1/";
    for (toml, line, part) in [
        (http("shop", url, "tls_expires = \"14d\""), 6, "tls_expires_in"),
        (http("shop", url, "tls_expires_in = \"14d\""), 6, "https"),
        (http("shop", "https://127.0.0.1:1/", "tls_expires_in = \"0\""), 6, "14d"),
        (http("shop", url, "uri = \"http://a/\""), 6, "url"),
        (http("shop", url, "method = \"get\""), 6, "GET"),
        (http("shop", url, "method = \"HEAD\"\ncontains = [\"ok\"]"), 6, "HEAD"),
        (http("shop", url, "timeout = \"0\""), 6, "above 0"),
        (http("shop", url, "family = \"v4\""), 6, "ipv4"),
        (http("shop", url, "matches = [\n  'ok',\n  'a(b',\n]"), 8, "unclosed group"),
        (http("shop", url, "json.\"/a\" = { belov = 1 }"), 6, "below"),
        (http("shop", url, "json.\"/a\" = { below = \"1\" }"), 6, "number"),
        (http("shop", url, "json.\"/a\" = { present = 1 }"), 6, "true or false"),
        (http("shop", url, "json.\"/a\" = { matches = 'a(' }"), 6, "unclosed group"),
        (http("shop", url, "json.\"/a\" = {}"), 6, "below = 100"),
        (http("shop", url, "json.\"/a\" = 2026-11-22"), 6, "JSON"),
        (http("shop", url, "json.\"a\" = 1"), 6, "begins with"),
        (http("shop", url, "headers = { A = { enw = \"B\" } }"), 6, "env"),
        (http("shop", url, "headers = { A = 1 }"), 6, "env ="),
        ("[health.host]\nfails = { cpu_shares = \"> 1\" }\n".to_owned(), 2, "cpu_share"),
        ("[health.host]\nfails = { memory_bytes = \"> 1\" }\n".to_owned(), 2, "memory_share"),
        ("[health.host]\ntimeout = \"1s\"\n".to_owned(), 2, "timeout"),
        ("[health.database]\nfails = { connections = \"> 1\" }\n".to_owned(), 2, "connections_"),
        ("[health.database]\nschema_fails = [\"at_head\"]\n".to_owned(), 2, "behind, ahead, dirty"),
        ("[[health.process]]\nname = \"shop\"\n".to_owned(), 2, "pid_file"),
        ("[[health.process]]\nname = \"shop\"\npid = 1\nport = 80\n".to_owned(), 2, "exactly one"),
        ("[[health.process]]\nname = \"shop\"\npid = -1\n".to_owned(), 3, "above 0"),
        (http("shop", url, "") + "[[health.process]]\nname = \"shop\"\npid = 1\n", 3, "two checks"),
    ] {
        let finished = check(&project(&toml));
        assert_eq!(finished.code, Some(2), "{toml}: {finished:?}");
        let told = &finished.stderr;
        assert!(told.contains(&format!("lockkeeper.toml:{line}:")), "{toml}: {told}");
        assert!(told.contains(part), "{toml}: {told}");
    }
}

/// What is read on the page, or uncommented in the template, is read by the program.
#[test]
fn the_settings_on_the_pages_and_in_the_template_are_settings() {
    let docs = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs");
    let mut texts = Vec::new();
    for page in ["health-gate.md", "health-gate.ko.md"] {
        let text = std::fs::read_to_string(docs.join(page)).unwrap();
        let blocks = text.split("```toml\n").skip(1).map(|rest| rest.split("```").next().unwrap().to_owned());
        texts.extend(blocks);
    }
    assert!(texts.len() >= 6, "{}", texts.len());
    let shop = project("");
    std::fs::remove_file(shop.path().join("lockkeeper.toml")).unwrap();
    assert_eq!(shop.lockkeeper(["init"]).code, Some(0));
    // Its examples of health stand three blanks in.
    let template = shop.read("lockkeeper.toml");
    let (_, health) = template.split_once("\n[health]\n").unwrap();
    let shown = health.lines().filter_map(|line| line.strip_prefix("#   ")).collect::<Vec<_>>();
    assert!(shown.contains(&"[[health.process]]"), "{shown:?}");
    texts.push(format!("[health]\n{}\n", shown.join("\n")));
    for text in texts {
        shop.write("lockkeeper.toml", &text);
        let flags = lockkeeper::settings::Flags {
            project_dir: Some(shop.path().to_owned()),
            ..lockkeeper::settings::Flags::default()
        };
        let settings = lockkeeper::settings::load(&flags).unwrap_or_else(|problem| panic!("{text}: {problem:?}"));
        assert!(!settings.health.checks.is_empty(), "{text}");
    }
}
