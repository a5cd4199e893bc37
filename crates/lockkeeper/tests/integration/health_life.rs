//! A watch over its life: other rules while it runs, what was normal before it, what begins and is over, what is left of
//! it for others.

use std::time::Duration;

use lockkeeper_testkit::HttpAnswer;
use nix::sys::signal::Signal;
use serde_json::Value;

use crate::health_watch::{QUICK, Watched, failures};

impl Watched {
    fn events(&self, kind: &str) -> i64 {
        let sql = format!("SELECT count(*) FROM lockkeeper.events WHERE kind = '{kind}'");
        self.database.value(&sql).parse().unwrap()
    }

    fn wait_for_event(&self, kind: &str) {
        self.wait_until(kind, |status| status["watch"].is_i64() && self.events(kind) > 0);
    }
}

/// Windows of 4 s: a streak of two lasts long enough to be seen.
const SLOW: &str = "[health]\nrules = [\"floor\"]\ninterval = \"4s\"\nmin_samples = 10\n";

#[test]
fn a_hangup_reads_the_settings_again_and_keeps_the_row() {
    let watched = Watched::with(&SLOW.replace("\"4s\"\n", "\"4s\"\nconsecutive = 9\n"), HttpAnswer::status(500));
    let watcher = watched.start(&[]);
    let before = failures(&watched.wait_until("two failures", |status| failures(status) >= 2));
    watched.settings(&SLOW.replace("\"4s\"\n", "\"4s\"\nconsecutive = 4\n"));
    watcher.signal(Signal::SIGHUP);
    watched.wait_for_event("health_terms");
    let status = watched.wait_until("the breach", |status| !status["breach"].is_null());
    assert_eq!((status["breach"]["failures"].as_u64(), status["breach"]["consecutive"].as_u64()), (Some(4), Some(4)));
    assert!(before >= 2, "{before}");
    let payload = watched.database.value("SELECT payload FROM lockkeeper.events WHERE kind = 'health_terms'");
    let payload: Value = serde_json::from_str(&payload).unwrap();
    assert_eq!(payload["terms"], status["rules"], "the ledger says by what it was judged");
    watcher.signal(Signal::SIGTERM);
    assert_eq!(watcher.code(), Some(143));
}

#[test]
fn a_broken_file_is_refused_with_its_place_and_the_watch_goes_on() {
    let watched = Watched::quick(HttpAnswer::status(200));
    let log = watched.project.path().join("watch.log");
    let watcher = watched.start_logged(&[], &log);
    watched.wait_until("a window", |status| status["checks"][0]["judgements"]["floor"]["verdict"] == "pass");
    watched.settings("[health]\ninterval = \"soon\"\n");
    watcher.signal(Signal::SIGHUP);
    watched.wait_until("the refusal", |_| std::fs::read_to_string(&log).unwrap().contains("goes by what it had"));
    let told = std::fs::read_to_string(&log).unwrap();
    assert!(told.contains("lockkeeper.toml:2:12"), "{told}");
    assert_eq!(watched.events("health_terms"), 0);
    // It watches on, by the old rules.
    watched.settings(QUICK);
    watched.server.answer(HttpAnswer::status(500));
    watched.wait_until("the breach", |status| !status["breach"].is_null());
    drop(watcher);
}

#[test]
fn another_check_begins_anew_and_one_that_is_gone_is_not_shown() {
    let watched = Watched::quick(HttpAnswer::status(200));
    let watcher = watched.start(&[]);
    watched.wait_until("the check", |status| status["checks"][0]["check"] == "shop");
    let url = watched.server.url("/other");
    let text = format!("{QUICK}\n[[health.http]]\nname = \"till\"\nurl = \"{url}\"\nevery = \"50ms\"\n");
    std::fs::write(watched.project.path().join("lockkeeper.toml"), text).unwrap();
    watcher.signal(Signal::SIGHUP);
    let status = watched.wait_until("the other check", |status| {
        status["checks"][0]["check"] == "till" && status["checks"][0]["judgements"]["floor"]["verdict"] == "pass"
    });
    assert_eq!(status["checks"].as_array().unwrap().len(), 1, "{status}");
    drop(watcher);
}

#[test]
fn a_service_that_recovers_is_told_of_after_two_good_windows() {
    let watched = Watched::quick(HttpAnswer::status(500));
    let watcher = watched.start(&[]);
    watched.wait_for_event("health_breach");
    assert_eq!(watched.events("health_recovered"), 0);
    watched.server.answer(HttpAnswer::status(200));
    watched.wait_for_event("health_recovered");
    assert_eq!((watched.events("health_breach"), watched.events("health_recovered")), (1, 1));
    let payload = watched.database.value("SELECT payload FROM lockkeeper.events WHERE kind = 'health_recovered'");
    let payload: Value = serde_json::from_str(&payload).unwrap();
    assert_eq!(payload["matter"], "breach/shop");
    drop(watcher);
}

#[test]
fn a_rule_that_only_advises_is_told_and_ends_nothing() {
    let settings = "[health]\nadvisory = [\"floor\"]\nrules = []\ninterval = \"1s\"\nmin_samples = 10\n";
    let watched = Watched::with(settings, HttpAnswer::status(500));
    let watcher = watched.start(&[]);
    watched.wait_for_event("health_breach");
    let payload = watched.database.value("SELECT payload FROM lockkeeper.events WHERE kind = 'health_breach'");
    let payload: Value = serde_json::from_str(&payload).unwrap();
    assert_eq!(payload["binds"], false);
    assert!(watched.status()["breach"].is_null());
    drop(watcher);
}

#[test]
fn silence_is_told_of_once_and_again_when_there_is_data() {
    // The floor needs more than there is, and the slices have requests: only a source without any is silent.
    let watched = Watched::quick(HttpAnswer::status(200));
    let settings = format!(
        "{QUICK}no_data_max = \"6s\"\n\n[[health.command]]\nname = \"queue\"\nrun = [\"cat\", \"answer.json\"]\n\
         every = \"200ms\"\n"
    )
    .replace("rules = [\"floor\"]", "rules = [\"floor\", \"threshold\"]");
    let answer = watched.project.path().join("answer.json");
    std::fs::write(&answer, r#"{"verdict": "no_data"}"#).unwrap();
    watched.settings(&settings);
    let watcher = watched.start(&[]);
    watched.wait_for_event("health_no_data");
    std::fs::write(&answer, r#"{"verdict": "pass"}"#).unwrap();
    watched.wait_for_event("health_recovered");
    assert_eq!(watched.events("health_no_data"), 1);
    assert_eq!(watched.events("health_breach"), 0);
    drop(watcher);
}

#[test]
fn a_watch_outlives_a_database_that_was_away_for_longer_than_its_term() {
    let watched = Watched::quick(HttpAnswer::status(200));
    let watcher = watched.start(&[]);
    watched.wait_until("the watcher", |status| status["is_alive"] == true);
    // As if it had not been heard of for long, and nobody had taken it.
    watched.database.execute("UPDATE lockkeeper.watches SET expires_at = now() - interval '1 hour'");
    watched.wait_until("the term again", |status| status["is_alive"] == true);
    watcher.signal(Signal::SIGTERM);
    assert_eq!(watcher.code(), Some(143));
}

#[test]
fn a_baseline_is_measured_kept_and_judged() {
    let watched = Watched::with("[health]\nrules = [\"floor\"]\nmin_samples = 20\n", HttpAnswer::status(200));
    let refused = watched.health(&["check", "--save-baseline"]);
    assert_eq!(refused.code, Some(2), "{refused:?}");
    let unsaved = watched.health(&["check", "--for", "2s", "--json"]);
    assert_eq!(unsaved.code, Some(0), "{unsaved:?}");
    assert_eq!(watched.database.value("SELECT count(*) FROM pg_namespace WHERE nspname = 'lockkeeper'"), "0");
    let saved = watched.health(&["check", "--for", "2s", "--save-baseline", "--json"]);
    assert_eq!(saved.code, Some(0), "{saved:?}");
    let answer: Value = serde_json::from_str(&saved.stdout).unwrap();
    assert_eq!((answer["verdict"].as_str(), answer["baseline"].as_i64()), (Some("pass"), Some(1)));
    assert!(answer["checks"][0]["requests"].as_u64().unwrap() >= 20, "{answer}");
    assert_eq!(watched.events("health_baseline"), 1);
    watched.server.answer(HttpAnswer::status(500));
    assert_eq!(watched.health(&["check", "--for", "2s", "--save-baseline"]).code, Some(1));
    assert_eq!(
        watched.database.value("SELECT string_agg(verdict, ' ' ORDER BY id) FROM lockkeeper.baselines"),
        "pass fail"
    );
    watched.server.answer(HttpAnswer::Hang);
    let thin = watched.health(&["check", "--for", "100ms"]);
    assert_eq!(thin.code, Some(6), "{thin:?}");
}

#[test]
fn latency_is_judged_by_what_another_process_measured_before() {
    let settings = "[health]\nrules = [\"latency\"]\ninterval = \"12s\"\n\
                    latency = { percentile = 50, factor = 3, fast_enough = \"1ms\" }\n";
    let watched = Watched::with(settings, HttpAnswer::status(200));
    let saved = watched.health(&["check", "--for", "4s", "--save-baseline"]);
    assert_eq!(saved.code, Some(0), "{saved:?}");
    watched.server.answer(HttpAnswer::After(Duration::from_millis(150), "slow".to_owned()));
    let watcher = watched.start(&[]);
    let status = watched.wait_until("a judgement on latency", |status| {
        status["checks"][0]["judgements"]["latency"]["verdict"] == "fail"
    });
    let seen = &status["checks"][0]["judgements"]["latency"]["evidence"];
    assert_eq!(seen["id"], "health-seen-latency", "{status}");
    drop(watcher);
    // What a watch has measured is what the next one compares with, from the samples.
    assert_eq!(
        watched.database.value("SELECT count(latencies) > 0 FROM lockkeeper.health_samples WHERE requests > 0"),
        "t"
    );
}

#[test]
fn what_was_measured_is_exported_for_other_programs() {
    let watched = Watched::quick(HttpAnswer::status(500));
    assert_eq!(watched.health(&["export"]).code, Some(6), "there is no watch yet");
    assert_eq!(watched.health(&["status", "--since", "1h"]).code, Some(2));
    let ended = watched.health(&["start", "--for", "20s"]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    let before = watched.database.value("SELECT count(*) FROM lockkeeper.health_samples");
    watched.database.execute(
        "INSERT INTO lockkeeper.health_samples \
             (check_name, span_s, at, requests, errors, value, pass, fail, no_data, probe_error) \
         SELECT 'shop', 5, date_bin('5 s', now(), 'epoch') - n * interval '5 s' - interval '1 h', 7, 1, NULL, 6, 1, 0, 0 \
         FROM generate_series(1, 12000) n",
    );
    let csv = watched.health(&["export", "--since", "2d", "--check", "shop"]);
    assert_eq!(csv.code, Some(0), "{csv:?}");
    let lines: Vec<&str> = csv.stdout.lines().collect();
    assert_eq!(lines[0], "check,at,span_s,requests,errors,error_ratio,value,pass,fail,no_data,probe_error");
    assert_eq!(lines.len() - 1, 12_000 + before.parse::<usize>().unwrap());
    assert!(lines[1].starts_with("shop,2") && lines[1].ends_with(",5,7,1,0.142857,,6,1,0,0"), "{}", lines[1]);
    let mut sorted = lines[1..].to_vec();
    sorted.sort_by_key(|line| line.split(',').nth(1).map(|at| at.parse::<jiff::Timestamp>().unwrap()));
    assert_eq!(sorted, lines[1..], "oldest first");
    let json = watched.health(&["export", "--since", "30m", "--format", "json"]);
    let objects: Vec<Value> = json.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(objects.len(), before.parse::<usize>().unwrap());
    assert!(objects.iter().all(|one| one["check"] == "shop" && one["error_ratio"] == 1.0), "{objects:?}");
    let other = watched.health(&["export", "--check", "till", "--format", "json"]);
    assert_eq!((other.code, other.stdout.as_str()), (Some(0), ""));
}

#[test]
fn the_log_of_a_watch_has_every_measurement_and_judgement() {
    let watched = Watched::quick(HttpAnswer::status(500));
    let ended = watched.health(&["start", "--for", "20s", "--log", "json"]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    let lines: Vec<Value> = ended.stderr.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let of = |event: &str| lines.iter().filter(|line| line["event"] == event).collect::<Vec<_>>();
    let measured = of("measured");
    assert!(measured.len() > 30, "{}", measured.len());
    assert!(measured.iter().all(|one| one["took_ms"].as_f64().unwrap() > 0.0 && one["verdict"] == "fail"));
    assert_eq!(of("judged").last().unwrap()["failures"], 3);
    assert_eq!(of("breached").len(), 1);
    let told = watched.health(&["status"]).stdout;
    assert!(told.contains("(95 % between") && told.contains("against 5 %"), "{told}");
}

#[test]
fn a_watch_that_is_too_short_says_so_before_and_after() {
    let watched = Watched::with("", HttpAnswer::status(200));
    let ended = watched.health(&["start", "--for", "3s", "--json"]);
    assert_eq!(ended.code, Some(6), "{ended:?}");
    assert!(ended.stderr.contains("it can only end unhealthy or inconclusive"), "{ended:?}");
    let answer: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(answer["doubts"][0], "watched for 3 s, and 90 s are the least", "{answer}");
    let status = watched.health(&["status"]);
    assert_eq!(status.code, Some(6), "{status:?}");
    assert!(status.stdout.contains("inconclusive"), "{status:?}");
}

#[test]
fn status_says_what_stands_how_near_a_breach_is_and_how_long_after_the_deploy_it_was() {
    let watched = Watched::with(SLOW, HttpAnswer::status(500));
    let watcher = watched.start(&[]);
    watched.wait_until("a failure", |status| failures(status) == 2);
    let near = watched.health(&["status"]);
    assert!(near.stdout.contains("shop is failing: 1 more in a row, and floor breaches"), "{near:?}");
    watched.wait_until("the breach", |status| !status["breach"].is_null());
    let told = watched.health(&["status"]);
    assert!(told.stdout.contains("shop by floor at 2") && told.stdout.contains("s after the watch began"), "{told:?}");
    watched.wait_until("what stands", |status| status["stands"][0] == "breach/shop");
    watched.database.execute(
        "WITH r AS (INSERT INTO lockkeeper.releases (state, started_by, deployed_version, deployed_at, deployed_by) \
         SELECT 'awaiting_approval', 'dev', '3.1', began_at - interval '100 s', 'dev' FROM lockkeeper.watches RETURNING id) \
         UPDATE lockkeeper.watches SET release_id = r.id FROM r",
    );
    let told = watched.health(&["status"]);
    assert!(told.stdout.contains("s after the deploy"), "{told:?}");
    drop(watcher);
}

#[test]
fn the_units_of_the_page_start_a_watch() {
    let watched = Watched::quick(HttpAnswer::status(200));
    let folder = watched.project.path().to_str().unwrap().to_owned();
    let mut units = Vec::new();
    for page in ["watcher.md", "watcher.ko.md"] {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs").join(page);
        let text = std::fs::read_to_string(path).unwrap();
        units.push(text.split("```ini\n").nth(1).unwrap().split("```").next().unwrap().to_owned());
    }
    assert_eq!(units[0], units[1]);
    let started = units[0].lines().find_map(|line| line.strip_prefix("ExecStart=/usr/local/bin/lockkeeper ")).unwrap();
    let started = started.replace("/etc/lockkeeper", &folder).replace(":9187", ":0");
    let ended = watched.project.lockkeeper(started.split(' ').chain(["--for", "1s"]));
    assert_eq!(ended.code, Some(6), "{ended:?}");
    assert!(ended.stderr.contains("\"event\":\"began\""), "{ended:?}");
}
