//! The HTTP probe against a server that goes wrong as it is told to.

use std::time::Duration;

use lockkeeper_core::health::Counts;
use lockkeeper_core::model::{Arg, Message, Verdict};
use lockkeeper_engine::postgres::Secret;
use lockkeeper_engine::probe::{
    BodyCondition, ExpectedStatus, Header, HttpExpectation, HttpProbe, HttpRequest, JsonPointer, Taken, Url,
};
use lockkeeper_testkit::{FaultyHttp, HttpAnswer};

/// Limits that a busy machine keeps, and that a test can wait for.
pub fn request(url: &str) -> HttpRequest {
    let mut request = HttpRequest::get(Url::parse(url).expect(url));
    request.limits.total = Duration::from_secs(2);
    request.limits.connect = Duration::from_secs(2);
    request
}

pub async fn take(url: &str) -> Taken {
    HttpProbe::new(request(url), HttpExpectation::default()).take().await
}

/// The identifiers of a message and of those inside of it.
pub fn ids(message: &Message) -> Vec<&'static str> {
    let mut ids = vec![message.id];
    for (_, arg) in &message.args {
        match arg {
            Arg::Message(inner) => ids.extend(self::ids(inner)),
            Arg::List(list) => ids.extend(list.iter().flat_map(self::ids)),
            Arg::Text(_) | Arg::Number(_) => {}
        }
    }
    ids
}

pub fn text(message: &Message, name: &str) -> String {
    let arg = message.args.iter().find(|(one, _)| *one == name).map(|(_, arg)| arg.clone());
    match arg {
        Some(Arg::Text(text)) => text,
        other => panic!("{name} is {other:?} in {message}"),
    }
}

pub fn value(taken: &Taken, name: &str) -> f64 {
    let reading = taken.readings.iter().find(|reading| reading.name == name);
    *reading.and_then(|reading| reading.value.as_ref().ok()).unwrap_or_else(|| panic!("no {name}: {taken:?}"))
}

/// A failure of the target that counts as one error, with this reason at this step.
#[track_caller]
fn fails(taken: &Taken, reason: &str, phase: &str) {
    let said = &taken.measurement.said;
    assert_eq!(taken.measurement.verdict, Verdict::Fail, "{said}");
    assert_eq!(taken.measurement.counts, Counts::one(true));
    assert!(ids(said).contains(&reason), "{said}");
    assert_eq!(text(said, "phase"), phase, "{said}");
}

#[tokio::test]
async fn a_good_answer_passes_with_its_phases() {
    let server = FaultyHttp::start(HttpAnswer::text("ready"));
    let taken = take(&server.url("/ready?deep=1")).await;
    assert_eq!(taken.measurement.verdict, Verdict::Pass, "{}", taken.measurement.said);
    assert_eq!(taken.measurement.counts, Counts::one(false));
    assert_eq!(taken.measurement.took.len(), 1);
    let phases = ["resolve_ms", "connect_ms", "first_byte_ms", "transfer_ms"];
    let sum: f64 = phases.iter().map(|name| value(&taken, name)).sum();
    assert!((sum - value(&taken, "total_ms")).abs() < 0.5, "{taken:?}");
    assert_eq!(text(&taken.measurement.said, "address"), server.address().to_string());
    let seen = server.requests();
    assert!(seen[0].starts_with("GET /ready?deep=1 HTTP/1.1\r\n"), "{seen:?}");
    assert!(seen[0].to_lowercase().contains(&format!("host: {}", server.address())), "{seen:?}");
}

#[tokio::test]
async fn every_take_has_a_connection_of_its_own_and_follows_nothing() {
    let elsewhere = FaultyHttp::start(HttpAnswer::text("fine"));
    let server = FaultyHttp::start(HttpAnswer::Redirect(elsewhere.url("/")));
    let mut probe = HttpProbe::new(request(&server.url("/")), HttpExpectation::default());
    for _ in 0..3 {
        let taken = probe.take().await;
        assert!(ids(&taken.measurement.said).contains(&"probe-http-status"), "{}", taken.measurement.said);
    }
    assert_eq!(server.connections(), 3);
    assert_eq!(elsewhere.connections(), 0);
}

#[tokio::test]
async fn method_headers_and_body_are_sent_and_secrets_are_not_shown() {
    let server = FaultyHttp::start(HttpAnswer::status(500));
    let mut request = request(&server.url("/"));
    request.method = "POST".parse().unwrap();
    request.headers = vec![Header::new("Authorization", Secret::new("Bearer hunter2")).unwrap()];
    request.body = b"{\"ping\": true}".to_vec();
    let mut probe = HttpProbe::new(request, HttpExpectation::default());
    let taken = probe.take().await;
    let seen = server.requests().remove(0);
    assert!(seen.starts_with("POST / ") && seen.contains("Bearer hunter2") && seen.ends_with("{\"ping\": true}"));
    assert!(!format!("{probe:?}{taken:?}{}", taken.measurement.said).contains("hunter2"));
}

#[tokio::test]
async fn every_way_to_go_wrong_fails_with_its_reason_and_its_step() {
    let server = FaultyHttp::start(HttpAnswer::Hang);
    let url = server.url("/");
    fails(&take(&url).await, "probe-fault-timed-out", "first_byte");
    server.answer(HttpAnswer::Reset);
    fails(&take(&url).await, "probe-fault-reset", "first_byte");
    server.answer(HttpAnswer::ResetInBody);
    fails(&take(&url).await, "probe-fault-reset", "transfer");
    server.answer(HttpAnswer::Truncated);
    fails(&take(&url).await, "probe-fault-closed-early", "transfer");
    server.answer(HttpAnswer::Trickle(Duration::from_millis(20)));
    fails(&take(&url).await, "probe-fault-timed-out", "transfer");
    server.answer(HttpAnswer::Nonsense);
    fails(&take(&url).await, "probe-fault-protocol", "first_byte");
    server.stop();
    fails(&take(&url).await, "probe-fault-refused", "connect");
    // A machine without a resolver cannot know.
    let seen = take("http://shop.invalid/").await;
    if seen.measurement.verdict == Verdict::Fail {
        fails(&seen, "probe-fault-host-unknown", "resolve");
    } else {
        let said = seen.measurement;
        assert_eq!((said.verdict, said.said.id), (Verdict::ProbeError, "probe-own-resolver"), "{}", said.said);
    }
}

#[tokio::test]
async fn a_time_out_counts_as_at_least_its_limit_and_a_refusal_as_nothing() {
    let server = FaultyHttp::start(HttpAnswer::Hang);
    let taken = take(&server.url("/")).await;
    assert!(taken.measurement.took[0] >= Duration::from_secs(2));
    server.stop();
    assert!(take(&server.url("/")).await.measurement.took.is_empty());
}

#[tokio::test]
async fn an_answer_that_is_not_as_expected_fails() {
    let server = FaultyHttp::start(HttpAnswer::json(503, r#"{"database": {"status": "down", "waiting": 40}}"#));
    let at = |pointer| JsonPointer::parse(pointer).unwrap();
    let judged = async |status: &str, body: Vec<BodyCondition>, took_max| {
        let status = ExpectedStatus::parse(status).unwrap();
        let expected = HttpExpectation { status, body, took_max };
        let said = HttpProbe::new(request(&server.url("/")), expected).take().await.measurement;
        (said.verdict, ids(&said.said).last().copied().unwrap_or_default())
    };
    let passed = (Verdict::Pass, "probe-http-passed");
    assert_eq!(judged("503", vec![], None).await, passed);
    assert_eq!(judged("2xx", vec![], None).await, (Verdict::Fail, "probe-http-status"));
    let is = |value: &str| vec![BodyCondition::JsonIs { at: at("/database/status"), value: value.into() }];
    assert_eq!(judged("5xx", is("down"), None).await, passed);
    assert_eq!(judged("5xx", is("up"), None).await, (Verdict::Fail, "probe-body-json-is"));
    let contains = vec![BodyCondition::Contains("maintenance".to_owned())];
    assert_eq!(judged("5xx", contains, None).await, (Verdict::Fail, "probe-body-lacks"));
    server.answer(HttpAnswer::After(Duration::from_millis(100), "slow".to_owned()));
    assert_eq!(judged("2xx", vec![], Some(Duration::from_millis(50))).await, (Verdict::Fail, "probe-http-slow"));
    assert_eq!(judged("2xx", vec![], Some(Duration::from_secs(2))).await, passed);
}

#[tokio::test]
async fn a_body_beyond_its_cap_fails() {
    let server = FaultyHttp::start(HttpAnswer::text("x".repeat(2_000)));
    let mut request = request(&server.url("/"));
    request.limits.body_bytes_max = 1_999;
    let taken = HttpProbe::new(request.clone(), HttpExpectation::default()).take().await;
    fails(&taken, "probe-fault-body-too-long", "transfer");
    request.limits.body_bytes_max = 2_000;
    let taken = HttpProbe::new(request, HttpExpectation::default()).take().await;
    assert_eq!(taken.measurement.verdict, Verdict::Pass);
}

/// What is measured is the probe, and not how busy the machine is with other tests: the best round of some counts.
#[tokio::test]
async fn the_time_to_the_first_byte_is_true_to_a_millisecond() {
    const TAKES: usize = 21;
    let mut medians = Vec::new();
    for _ in 0..4 {
        let server = FaultyHttp::start(HttpAnswer::After(Duration::from_millis(20), "slow".to_owned()));
        let mut probe = HttpProbe::new(request(&server.url("/")), HttpExpectation::default());
        let mut errors = Vec::new();
        for _ in 0..TAKES {
            let seen = value(&probe.take().await, "first_byte_ms");
            let slept = server.slept().last().unwrap().as_secs_f64() * 1000.0;
            errors.push((seen - slept).abs());
        }
        errors.sort_by(f64::total_cmp);
        medians.push(errors[TAKES / 2]);
    }
    assert!(medians.iter().any(|median| *median < 1.0), "{medians:?}");
}

/// In a process of its own, because it takes away what the other tests need.
#[test]
fn a_process_without_descriptors_blames_itself() {
    const CHILD: &str = "LOCKKEEPER_TEST_WITHOUT_DESCRIPTORS";
    if let Ok(url) = std::env::var(CHILD) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let taken = runtime.block_on(async {
            let mut taken = Vec::new();
            while let Ok(file) = std::fs::File::open("/dev/null") {
                taken.push(file);
            }
            take(&url).await
        });
        assert_eq!(taken.measurement.verdict, Verdict::ProbeError, "{}", taken.measurement.said);
        assert_eq!(taken.measurement.said.id, "probe-own-descriptors");
        assert_eq!(taken.measurement.counts, Counts::NONE);
        return;
    }
    let server = FaultyHttp::start(HttpAnswer::text("ready"));
    let own = std::env::current_exe().unwrap();
    let name = "probe::http::a_process_without_descriptors_blames_itself";
    let status = std::process::Command::new("sh")
        .args(["-c", "ulimit -n 40; exec \"$0\" \"$@\"", own.to_str().unwrap(), "--exact", name])
        .env(CHILD, server.url("/"))
        .status()
        .unwrap();
    assert!(status.success());
    assert_eq!(server.connections(), 0);
}
