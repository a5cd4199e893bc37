//! The watcher's own `/metrics`: scraped as Prometheus does, read by rules as strict as its own, and by our own source.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use lockkeeper_testkit::{HttpAnswer, Project};
use nix::sys::signal::Signal;
use serde_json::Value;

use crate::health_watch::{QUICK, Watched};

/// A port that was free a moment ago.
fn free_port() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// The head and the body of one answer.
fn ask(address: SocketAddr, request: &str) -> Option<(String, String)> {
    let mut stream = TcpStream::connect(address).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    stream.write_all(format!("{request}\r\nHost: here\r\nConnection: close\r\n\r\n").as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n")?;
    Some((head.to_owned(), body.to_owned()))
}

/// One sample: its name, its labels and its value.
type Read1 = (String, Labels, f64);

type Labels = BTreeMap<String, String>;

/// Reads the text format, and panics at whatever Prometheus' own checker would complain of.
fn parse(text: &str, is_openmetrics: bool) -> Vec<Read1> {
    let mut samples: Vec<Read1> = Vec::new();
    let (mut kinds, mut helped) = (BTreeMap::<String, String>::new(), BTreeSet::new());
    let mut current = String::new();
    let mut lines: Vec<&str> = text.lines().collect();
    assert!(text.is_empty() || text.ends_with('\n'), "the last line has an end");
    if is_openmetrics {
        assert_eq!(lines.pop(), Some("# EOF"));
    }
    for line in lines {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            let (name, help) = rest.split_once(' ').unwrap();
            assert!(helped.insert(name.to_owned()) && !help.is_empty(), "{line}");
            name.clone_into(&mut current);
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').unwrap();
            assert_eq!(name, current, "the type follows the help: {line}");
            assert!(["counter", "gauge", "histogram", "info"].contains(&kind), "{line}");
            assert!(kinds.insert(name.to_owned(), kind.to_owned()).is_none(), "twice: {line}");
        } else {
            let one = sample(line);
            let kind = &kinds[&current];
            let suffixes: &[&str] = match (kind.as_str(), is_openmetrics) {
                ("counter", true) => &["_total"],
                ("info", _) => &["_info"],
                ("histogram", _) => &["_bucket", "_sum", "_count"],
                _ => &[""],
            };
            assert!(suffixes.iter().any(|suffix| one.0 == format!("{current}{suffix}")), "{line} is not of {current}");
            assert!(kind != "counter" || one.0.ends_with("_total"), "{line}");
            assert!(!samples.iter().any(|other| other.0 == one.0 && other.1 == one.1), "twice: {line}");
            samples.push(one);
        }
    }
    histograms_add_up(&samples);
    samples
}

fn sample(line: &str) -> Read1 {
    let is_name = |name: &str| {
        let first = name.chars().next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_');
        first && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    };
    let (name, rest) = line.split_at(line.find(['{', ' ']).unwrap());
    assert!(is_name(name), "{line}");
    let mut labels = BTreeMap::new();
    let mut rest = rest;
    if let Some(inside) = rest.strip_prefix('{') {
        rest = inside;
        loop {
            let (label, value) = rest.split_once("=\"").unwrap();
            assert!(is_name(label), "{line}");
            let (mut text, mut chars) = (String::new(), value.char_indices());
            let end = loop {
                match chars.next().unwrap() {
                    (at, '"') => break at,
                    (_, '\\') => match chars.next().unwrap().1 {
                        'n' => text.push('\n'),
                        c @ ('\\' | '"') => text.push(c),
                        other => panic!("\\{other} is no escape: {line}"),
                    },
                    (_, c) => text.push(c),
                }
            };
            assert!(labels.insert(label.to_owned(), text).is_none(), "{line}");
            rest = &value[end + 1..];
            match rest.split_at(1) {
                (",", more) => rest = more,
                ("}", more) => {
                    rest = more;
                    break;
                }
                _ => panic!("{line}"),
            }
        }
    }
    let value = rest.strip_prefix(' ').unwrap();
    let value = if value == "+Inf" { f64::INFINITY } else { value.parse().unwrap() };
    (name.to_owned(), labels, value)
}

/// Buckets grow, and the last one holds everything.
fn histograms_add_up(samples: &[Read1]) {
    let mut buckets = BTreeMap::<(String, Labels), Vec<(f64, f64)>>::new();
    for (name, labels, value) in samples.iter().filter(|sample| sample.0.ends_with("_bucket")) {
        let mut labels = labels.clone();
        let end = labels.remove("le").unwrap();
        let end = if end == "+Inf" { f64::INFINITY } else { end.parse().unwrap() };
        let name = name.trim_end_matches("_bucket").to_owned();
        buckets.entry((name, labels)).or_default().push((end, *value));
    }
    for ((name, labels), buckets) in buckets {
        assert!(buckets.is_sorted_by(|a, b| a.0 < b.0 && a.1 <= b.1), "{name} {buckets:?}");
        let (end, all) = *buckets.last().unwrap();
        let count = samples.iter().find(|one| one.0 == format!("{name}_count") && one.1 == labels).unwrap().2;
        assert!(end.is_infinite() && (all - count).abs() < 1e-9, "{name} {all} {count}");
    }
}

fn value(samples: &[Read1], name: &str, labels: &[(&str, &str)]) -> Option<f64> {
    let fits = |one: &&Read1| {
        one.0 == name && labels.iter().all(|(label, value)| one.1.get(*label).map(String::as_str) == Some(value))
    };
    samples.iter().find(fits).map(|one| one.2)
}

fn wait_for(address: SocketAddr, what: &str, is: impl Fn(&[Read1]) -> bool) -> Vec<Read1> {
    let began = Instant::now();
    loop {
        if let Some((_, body)) = ask(address, "GET /metrics HTTP/1.1") {
            let samples = parse(&body, false);
            if is(&samples) {
                return samples;
            }
        }
        assert!(began.elapsed() < Duration::from_secs(40), "never: {what}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn a_watcher_tells_what_it_measures_as_prometheus_reads_it() {
    let address = free_port();
    let settings = format!("{QUICK}metrics = \"{address}\"\n\n[health.database]\nevery = \"200ms\"\n")
        .replace("\"1s\"", "\"2s\"")
        .replace("[\"floor\"]", "[\"floor\", \"detector\", \"hard-down\"]");
    let watched = Watched::with(&settings, HttpAnswer::status(503));
    let watcher = watched.start(&["--environment", "stage \"2\"\\"]);
    let samples = wait_for(address, "a failing window", |samples| {
        value(samples, "lockkeeper_health_streak", &[("check", "shop"), ("kind", "floor")])
            .is_some_and(|row| row >= 1.0)
            && value(samples, "lockkeeper_db_connections_max", &[]).is_some()
            && value(samples, "lockkeeper_health_e_value_log", &[("check", "shop")]).is_some()
    });
    let of = |name: &str, labels: &[(&str, &str)]| value(&samples, name, labels).unwrap();
    let environment = ("env", "stage \"2\"\\");
    let failed = of("lockkeeper_health_check_total", &[("check", "shop"), ("result", "fail"), environment]);
    assert!(failed >= 10.0, "{failed}");
    assert!(of("lockkeeper_health_check_total", &[("check", "shop"), ("result", "no_data")]).abs() < 1e-9);
    assert!((of("lockkeeper_http_responses_total", &[("check", "shop"), ("code", "503")]) - failed).abs() < 1e-9);
    assert!((of("lockkeeper_error_ratio", &[("check", "shop")]) - 1.0).abs() < 1e-9);
    for phase in ["resolve", "connect", "first_byte", "transfer", "total"] {
        let labels = [("check", "shop"), ("phase", phase)];
        assert!((of("lockkeeper_probe_duration_seconds_count", &labels) - failed).abs() < 1e-9, "{phase}");
    }
    assert!(of("lockkeeper_db_connections", &[("state", "used")]) >= 1.0);
    assert!(of("lockkeeper_db_connections_max", &[]) > of("lockkeeper_db_connections", &[("state", "used")]));
    // The same as OpenMetrics, to a reader that asks for it.
    let (head, body) =
        ask(address, "GET /metrics HTTP/1.1\r\nAccept: application/openmetrics-text;version=1.0.0,text/plain").unwrap();
    assert!(head.contains("application/openmetrics-text; version=1.0.0"), "{head}");
    assert!(value(&parse(&body, true), "lockkeeper_health_check_total", &[("check", "shop")]).is_some());
    // Nothing else is here, and nobody may write.
    assert!(ask(address, "GET / HTTP/1.1").unwrap().0.starts_with("HTTP/1.1 404"));
    assert!(ask(address, "POST /metrics HTTP/1.1").unwrap().0.starts_with("HTTP/1.1 405"));
    let (head, body) = ask(address, "HEAD /metrics HTTP/1.1").unwrap();
    assert!(head.starts_with("HTTP/1.1 200") && body.is_empty(), "{head}{body}");
    watcher.signal(Signal::SIGTERM);
    assert_eq!(watcher.code(), Some(143));
}

#[test]
fn a_release_and_its_phase_are_told_and_our_own_source_counts_what_is_served() {
    let address = free_port();
    let watched = Watched::with(&format!("{QUICK}metrics = \"{address}\"\n"), HttpAnswer::status(200));
    let watcher = watched.start(&[]);
    watched.wait_until("the ledger", |status| status["is_alive"] == true);
    watched.database.execute(
        "INSERT INTO lockkeeper.releases (state, started_by, finished_at) VALUES ('rolled_back', 'dev', now()); \
         INSERT INTO lockkeeper.releases (state, started_by, deployed_version, deployed_at, deployed_by) \
         VALUES ('awaiting_approval', 'dev', '3.1', now(), 'dev'); \
         INSERT INTO lockkeeper.migrations (number, name, kind, stage, stage_because, up_path, up_checksum, down_path, \
             down_checksum, down_sql, release_id, state, started_at, applied_at, applied_by, duration_ms) \
         SELECT n, 'add_' || n, 'schema_add', 1, '', 'up', decode(repeat('00', 32), 'hex'), 'down', \
                decode(repeat('00', 32), 'hex'), '', 1, 'applied', now(), now(), 'dev', n * 400 \
         FROM generate_series(1, 3) n",
    );
    let samples = wait_for(address, "the release", |samples| {
        value(samples, "lockkeeper_release_info", &[("env", "development"), ("version", "3.1")]) == Some(1.0)
    });
    let phase = |phase: &str| value(&samples, "lockkeeper_release_phase", &[("phase", phase)]);
    assert_eq!((phase("awaiting_approval"), phase("completed")), (Some(1.0), Some(0.0)));
    let by_hand = [("trigger", "hand"), ("scope", "schema"), ("outcome", "rolled_back")];
    assert_eq!(value(&samples, "lockkeeper_rollbacks_total", &by_hand), Some(1.0));
    let within =
        |end| value(&samples, "lockkeeper_migration_duration_seconds_bucket", &[("phase", "stage1"), ("le", end)]);
    assert_eq!(
        (within("0.1"), within("0.5"), within("1"), within("+Inf")),
        (Some(0.0), Some(1.0), Some(2.0), Some(3.0))
    );
    assert_eq!(value(&samples, "lockkeeper_migration_duration_seconds_sum", &[("phase", "stage1")]), Some(2.4));
    // A check of another project reads it as it reads any application.
    let project = Project::new(env!("CARGO_BIN_EXE_lockkeeper")).with_env(watched.database.env());
    let text = format!(
        "[health]\nmin_samples = 20\n\n[[health.counters]]\nname = \"watcher\"\nurl = \"http://{address}/metrics\"\n\
         requests = 'lockkeeper_health_check_total'\nerrors = 'lockkeeper_health_check_total{{result=\"fail\"}}'\n"
    );
    std::fs::write(project.path().join("lockkeeper.toml"), text).unwrap();
    let checked = project.lockkeeper(["health", "check", "--json"]);
    assert_eq!(checked.code, Some(0), "{checked:?}");
    let answer: Value = serde_json::from_str(&checked.stdout).unwrap();
    assert!(answer["checks"][0]["requests"].as_u64().unwrap() >= 20, "{answer}");
    drop(watcher);
}

#[test]
fn an_address_that_is_taken_or_none_is_refused_before_anything_is_watched() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let watched = Watched::quick(HttpAnswer::status(200));
    let address = taken.local_addr().unwrap().to_string();
    let refused = watched.health(&["start", "--for", "5s", "--metrics-listen", &address]);
    assert_eq!(refused.code, Some(2), "{refused:?}");
    assert!(refused.stderr.contains(&address), "{refused:?}");
    watched.settings(&format!("{QUICK}metrics = \"everywhere\"\n"));
    let refused = watched.health(&["check"]);
    assert_eq!(refused.code, Some(2), "{refused:?}");
    assert!(refused.stderr.contains("lockkeeper.toml:5:11"), "{refused:?}");
}
