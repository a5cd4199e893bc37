//! Receivers that go wrong: what is tried again, what is given up, and that no secret is told either way.

use std::time::Duration;

use lockkeeper_core::model::AlertKind;
use lockkeeper_engine::notify::{Channel, Endpoint, Outcome};
use lockkeeper_engine::postgres::{RootCert, Secret};
use lockkeeper_testkit::certificates::{Authority, Files, Pair};
use lockkeeper_testkit::{FaultyHttp, HttpAnswer, HttpReply, Service};

use super::{alert, delivered, endpoint, ids, pagerduty, receiver, render, routes, send};

const PATH: &str = "/services/T0/B0/hunter2";

async fn slack(server: &FaultyHttp) -> Outcome {
    send(Channel::Slack(endpoint(&server.url(PATH))), &alert(AlertKind::Breach)).await
}

#[track_caller]
fn later(outcome: &Outcome, id: &str) -> Option<Duration> {
    let Outcome::Later { why, after } = outcome else { panic!("{id}: {outcome:?}") };
    assert!(ids(why).contains(&id), "{id}: {why}");
    assert!(!format!("{outcome:?}").contains("hunter2"), "{outcome:?}");
    *after
}

#[tokio::test]
async fn what_passes_is_tried_again_and_what_stays_is_not() {
    let server = FaultyHttp::start(HttpAnswer::status(200));
    delivered(&slack(&server).await);
    for status in [408, 425, 500, 502, 503, 504, 302, 304] {
        server.answer(HttpAnswer::status(status));
        assert!(matches!(slack(&server).await, Outcome::Later { .. }), "{status}");
    }
    for status in [400, 401, 403, 404, 410, 413] {
        server.answer(HttpAnswer::status(status));
        assert!(matches!(slack(&server).await, Outcome::Never(_)), "{status}");
    }
}

#[tokio::test]
async fn a_wish_to_be_left_alone_is_heard() {
    let server = FaultyHttp::start(HttpAnswer::By(Service::new(|_| HttpReply::later(30))));
    assert_eq!(later(&slack(&server).await, "notify-not-now"), Some(Duration::from_secs(30)));
    server.answer(HttpAnswer::By(Service::new(|_| HttpReply { retry_after_s: Some(9), ..HttpReply::new(503, "") })));
    assert_eq!(later(&slack(&server).await, "notify-failed"), Some(Duration::from_secs(9)));
}

#[tokio::test]
async fn every_way_to_go_wrong_is_tried_again() {
    let server = FaultyHttp::start(HttpAnswer::Reset);
    later(&slack(&server).await, "probe-fault-reset");
    server.answer(HttpAnswer::Truncated);
    later(&slack(&server).await, "probe-fault-closed-early");
    server.answer(HttpAnswer::Nonsense);
    later(&slack(&server).await, "probe-http-failed");
    server.stop();
    later(&slack(&server).await, "probe-fault-refused");
    let nowhere = send(Channel::Slack(endpoint("http://nowhere.invalid/hunter2")), &alert(AlertKind::Breach)).await;
    later(&nowhere, "probe-fault-host-unknown");
}

#[tokio::test]
async fn a_slow_receiver_is_left_after_its_limit() {
    let server = FaultyHttp::start(HttpAnswer::Hang);
    let mut one = receiver("slow", Channel::Slack(endpoint(&server.url(PATH))));
    one.limit = Duration::from_millis(300);
    let began = std::time::Instant::now();
    let alert = alert(AlertKind::Breach);
    let outcome = lockkeeper_engine::notify::send_test(&one, &routes(&[]), &alert, &render).await;
    later(&outcome, "probe-fault-timed-out");
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
}

#[tokio::test]
async fn an_answer_that_repeats_the_secret_is_told_without_it() {
    let echo = Service::new(|request| HttpReply::new(404, request.to_owned()));
    let server = FaultyHttp::start(HttpAnswer::By(echo));
    let refused = slack(&server).await;
    assert!(matches!(refused, Outcome::Never(_)) && !format!("{refused:?}").contains("hunter2"), "{refused:?}");
    let refused = send(pagerduty(&server.url("/v2/enqueue")), &alert(AlertKind::Breach)).await;
    assert!(!format!("{refused:?}").contains(super::ROUTING_KEY), "{refused:?}");
}

async fn over_tls(pair: &Pair, roots: RootCert) -> Outcome {
    let server = FaultyHttp::start_tls(HttpAnswer::status(200), &pair.certificate, &pair.key);
    let outcome =
        send(Channel::Slack(Endpoint::new(Secret::new(server.url(PATH)), roots).unwrap()), &alert(AlertKind::Breach))
            .await;
    let was_sent = server.requests().iter().any(|request| request.contains("hunter2"));
    assert_eq!(was_sent, matches!(outcome, Outcome::Delivered(_)), "nothing is sent to whom nobody vouches for");
    outcome
}

#[tokio::test]
async fn nothing_is_sent_over_broken_tls() {
    let (authority, files) = (Authority::new("Chat CA"), Files::default());
    files.write("root.pem", &authority.pem(), 0o644);
    let roots = || RootCert::File(files.path().join("root.pem"));
    delivered(&over_tls(&authority.issue("chat", &["localhost"]), roots()).await);
    later(&over_tls(&authority.issue_expired(&["localhost"]), roots()).await, "probe-fault-certificate-dates");
    later(&over_tls(&authority.issue("chat", &["chat.example"]), roots()).await, "probe-fault-certificate-name");
    let stranger = Authority::new("Stranger").issue("chat", &["localhost"]);
    later(&over_tls(&stranger, roots()).await, "probe-fault-certificate");
    later(&over_tls(&authority.issue("chat", &["localhost"]), RootCert::System).await, "probe-fault-certificate");
}
