//! `health check`: what it measures, what it says of it, and how it ends.

use lockkeeper_testkit::{Database, FaultyHttp, Finished, HttpAnswer, Project};

/// A project whose configuration file has this section `[health]`.
fn project(health: &str) -> Project {
    let project = Project::new(env!("CARGO_BIN_EXE_lockkeeper"));
    std::fs::write(project.path().join("lockkeeper.toml"), health).unwrap();
    project
}

fn check(health: &str, code: i32) -> Finished {
    let finished = project(health).lockkeeper(["health", "check", "--json"]);
    assert_eq!(finished.code, Some(code), "{finished:?}");
    finished
}

/// The verdict of each check, and the message that says why.
fn verdicts(finished: &Finished) -> Vec<(String, String, String)> {
    let answer: serde_json::Value = serde_json::from_str(&finished.stdout).unwrap();
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    let checks = answer["checks"].as_array().unwrap();
    checks.iter().map(|one| (text(&one["check"]), text(&one["verdict"]), text(&one["said"]["id"]))).collect()
}

fn verdict_of(finished: &Finished, check: &str) -> String {
    verdicts(finished).into_iter().find(|(name, ..)| name == check).expect("the check").1
}

fn http(name: &str, url: &str, rest: &str) -> String {
    format!("[[health.http]]\nname = \"{name}\"\nurl = \"{url}\"\n{rest}\n")
}

#[test]
fn a_service_that_answers_is_well() {
    let server = FaultyHttp::start(HttpAnswer::json(200, r#"{"status": "ok"}"#));
    let health = http("shop", &server.url("/healthz"), "contains = [\"ok\"]\njson = { \"/status\" = \"ok\" }");
    let finished = check(&health, 0);
    assert_eq!(verdict_of(&finished, "shop"), "pass");
    let table = project(&health).lockkeeper(["health", "check"]);
    assert!(table.stdout.contains("CHECK") && table.stdout.contains("pass"), "{}", table.stdout);
}

#[test]
fn one_that_does_not_ends_with_code_1() {
    let (fine, broken) = (FaultyHttp::start(HttpAnswer::status(200)), FaultyHttp::start(HttpAnswer::status(503)));
    let health = http("fine", &fine.url("/"), "") + &http("broken", &broken.url("/"), "");
    let finished = check(&health, 1);
    assert_eq!((verdict_of(&finished, "fine"), verdict_of(&finished, "broken")), ("pass".into(), "fail".into()));
}

#[test]
fn wrong_content_and_a_refused_connection_fail() {
    let wrong = FaultyHttp::start(HttpAnswer::text("maintenance"));
    let stopped = FaultyHttp::start(HttpAnswer::status(200));
    let url = stopped.url("/");
    stopped.stop();
    let health = http("wrong", &wrong.url("/"), "lacks = [\"maintenance\"]") + &http("gone", &url, "");
    let finished = check(&health, 1);
    assert_eq!((verdict_of(&finished, "wrong"), verdict_of(&finished, "gone")), ("fail".into(), "fail".into()));
}

#[test]
fn what_only_advises_does_not_decide() {
    let (fine, broken) = (FaultyHttp::start(HttpAnswer::status(200)), FaultyHttp::start(HttpAnswer::status(503)));
    let health = http("fine", &fine.url("/"), "") + &http("broken", &broken.url("/"), "role = \"advisory\"");
    assert_eq!(verdict_of(&check(&health, 0), "broken"), "fail");
}

#[test]
fn a_monitor_without_its_own_network_judges_nobody() {
    let stopped = FaultyHttp::start(HttpAnswer::status(200));
    let (url, port) = (stopped.url("/"), stopped.url("/").rsplit(':').next().unwrap().trim_end_matches('/').to_owned());
    stopped.stop();
    // The witness is behind the same closed door.
    let health = format!("[health]\nwitness = \"127.0.0.1:{port}\"\n") + &http("shop", &url, "");
    let finished = check(&health, 6);
    assert_eq!(verdicts(&finished), [("shop".into(), "no_data".into(), "health-nothing-own-network".into())]);
}

#[test]
fn a_witness_that_is_reached_lets_the_target_be_judged() {
    let witness = FaultyHttp::start(HttpAnswer::status(404));
    let broken = FaultyHttp::start(HttpAnswer::status(500));
    let health = format!("[health]\nwitness = \"{}\"\n", witness.url("/")) + &http("shop", &broken.url("/"), "");
    assert_eq!(verdict_of(&check(&health, 1), "shop"), "fail");
    assert_eq!(witness.requests().len(), 1);
}

#[test]
fn an_idle_application_is_no_data_and_never_well() {
    let server = FaultyHttp::start(HttpAnswer::text("requests_total 5\nerrors_total 0\n"));
    let health = format!(
        "[health]\ninterval = \"2s\"\n[[health.counters]]\nname = \"shop\"\nurl = \"{}\"\n\
         requests = \"requests_total\"\nerrors = \"errors_total\"\n",
        server.url("/metrics")
    );
    let finished = check(&health, 6);
    assert_eq!(verdicts(&finished), [("shop".into(), "no_data".into(), "health-nothing-thin".into())]);
}

#[test]
fn the_database_is_measured_beside_its_bounds() {
    let database = Database::create();
    let run = |fails: &str| {
        let health = format!("[health.database]\nfails = {{ {fails} }}\n");
        project(&health).with_env(database.env()).lockkeeper(["health", "check", "--json"])
    };
    let fine = run("connections_share = \"> 0.99\", lock_waiters = \"> 10\"");
    assert_eq!((fine.code, verdict_of(&fine, "database")), (Some(0), "pass".into()), "{fine:?}");
    let full = run("connections_used = \"> 0\"");
    assert_eq!((full.code, verdict_of(&full, "database")), (Some(1), "fail".into()), "{full:?}");
}

#[test]
fn a_command_answers_in_json() {
    let run = |answer: &str, code: i32| {
        let answer = answer.replace('"', "\\\"");
        let health =
            format!("[[health.command]]\nname = \"queue\"\nrun = [\"/bin/sh\", \"-c\", \"echo '{answer}'\"]\n");
        verdict_of(&check(&health, code), "queue")
    };
    assert_eq!(run(r#"{"verdict": "pass"}"#, 0), "pass");
    assert_eq!(run(r#"{"verdict": "fail", "message": "4000 jobs wait"}"#, 1), "fail");
    assert_eq!(run("no JSON", 6), "probe_error");
}

#[test]
fn without_anything_to_check_the_way_out_is_told() {
    let finished = project("").lockkeeper(["health", "check"]);
    assert_eq!(finished.code, Some(2));
    assert!(finished.stderr.contains("[[health.http]]"), "{}", finished.stderr);
}

#[test]
fn probes_that_are_too_rare_for_the_floor_are_told_of() {
    let server = FaultyHttp::start(HttpAnswer::status(200));
    let health = http("shop", &server.url("/"), "every = \"30s\"");
    let finished = project(&health).lockkeeper(["health", "check"]);
    assert_eq!(finished.code, Some(0));
    assert!(finished.stderr.contains("59"), "{}", finished.stderr);
}

#[test]
fn a_broken_setting_is_told_with_its_place() {
    let url = "http://127.0.0.1:1/";
    for (health, line) in [
        ("[health]\nerror_rate = \"5\"\n".to_owned(), 2),
        ("[health]\nrules = [\"flor\"]\n".to_owned(), 2),
        ("[health]\nrules = [\"latency\"]\n".to_owned(), 2),
        (http("Shop", url, ""), 2),
        (http("shop", "ftp://127.0.0.1/", ""), 3),
        (http("shop", url, "every = \"1ms\""), 4),
        (http("shop", url, "beside = \"old\""), 4),
        (http("shop", url, "status = \"yes\""), 4),
        (http("shop", url, "") + &http("shop", url, ""), 2),
        ("[health.database]\nfails = { connections = \"> 5\" }\n".to_owned(), 2),
    ] {
        let finished = project(&health).lockkeeper(["health", "check"]);
        assert_eq!(finished.code, Some(2), "{health}: {finished:?}");
        assert!(finished.stderr.contains(&format!("lockkeeper.toml:{line}:")), "{health}: {}", finished.stderr);
    }
}
