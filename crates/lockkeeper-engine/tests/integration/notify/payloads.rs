//! Every payload against a receiver that refuses what the real service would.

use std::sync::Arc;

use lockkeeper_core::message;
use lockkeeper_core::model::{About, Alert, AlertKind};
use lockkeeper_engine::notify::{Channel, CommandReceiver, Outcome};
use lockkeeper_engine::postgres::Secret;
use lockkeeper_testkit::receivers::{self, WebhookReceiver, header, json};
use lockkeeper_testkit::{FaultyHttp, HttpAnswer};
use serde_json::{Value, json};

use super::{
    ROUTING_KEY, WEBHOOK_SECRET, alert, alertmanager, delivered, endpoint, ids, monstrous, pagerduty, send, webhook,
};

const KINDS: [AlertKind; 12] = AlertKind::ALL;

fn of_each_kind() -> impl Iterator<Item = Alert> {
    KINDS.into_iter().flat_map(|kind| [alert(kind), monstrous(kind)])
}

#[tokio::test]
async fn slack_takes_every_alert() {
    let server = FaultyHttp::start(HttpAnswer::By(receivers::slack("/services/T0/B0/hunter2")));
    for alert in of_each_kind() {
        delivered(&send(Channel::Slack(endpoint(&server.url("/services/T0/B0/hunter2"))), &alert).await);
    }
    let first = json(&server.requests()[0]);
    assert_eq!(first["blocks"][0]["text"]["text"], "🔴 alert-title-opens test alert-breach shop floor");
    assert_eq!(first["blocks"][2]["fields"][0]["text"], "*alert-fact-check *\nshop");
}

#[tokio::test]
async fn pagerduty_takes_every_alert_and_resolves_by_the_same_key() {
    let server = FaultyHttp::start(HttpAnswer::By(receivers::pagerduty("/v2/enqueue", ROUTING_KEY)));
    let url = server.url("/v2/enqueue");
    for alert in of_each_kind() {
        delivered(&send(pagerduty(&url), &alert).await);
    }
    let requests: Vec<Value> = server.requests().iter().map(|request| json(request)).collect();
    let of = |kind: &'static str| requests.iter().filter(move |event| event["payload"]["class"] == kind);
    let breach = of("breach").next().unwrap();
    let recovered = of("recovered").next().unwrap();
    assert_eq!((&breach["event_action"], &breach["payload"]["severity"]), (&json!("trigger"), &json!("critical")));
    assert_eq!(recovered["event_action"], "resolve");
    assert_eq!(breach["dedup_key"], recovered["dedup_key"]);
    let trials: Vec<_> = of("test").map(|event| event["event_action"].as_str().unwrap()).collect();
    assert_eq!(trials, ["trigger", "resolve", "trigger", "resolve"], "a trial leaves no incident open");
}

#[tokio::test]
async fn alertmanager_takes_every_alert_and_knows_a_resolved_one_by_its_labels() {
    let server = FaultyHttp::start(HttpAnswer::By(receivers::alertmanager()));
    for alert in of_each_kind() {
        delivered(&send(alertmanager(&server.url("/")), &alert).await);
    }
    let ends = |alert: &Value| alert["endsAt"].as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
    let now = jiff::Timestamp::now();
    let breach = &json(&server.requests()[0])[0];
    assert!(ends(breach) > now, "it stands");
    assert_eq!(breach["labels"]["alertname"], "LockkeeperBreach");
    assert_eq!(breach["labels"]["team"], "shop");
    // Two of each kind.
    let place = 2 * KINDS.iter().position(|kind| *kind == AlertKind::Recovered).unwrap();
    let recovered = &json(&server.requests()[place])[0];
    assert!(ends(recovered) <= now, "it is over");
    assert_eq!(breach["labels"], recovered["labels"]);
}

#[tokio::test]
async fn what_took_another_turn_ends_at_alertmanager_under_its_earlier_name() {
    let server = FaultyHttp::start(HttpAnswer::By(receivers::alertmanager()));
    let alert = |kind| Alert::new(kind, About::rollback(3), message!("alert-test"), message!("alert-test-summary"));
    for kind in [AlertKind::RollbackStarted, AlertKind::RollbackFailed, AlertKind::RollbackFinished] {
        delivered(&send(alertmanager(&server.url("")), &alert(kind)).await);
    }
    let now = jiff::Timestamp::now().to_string();
    let standing: Vec<Vec<String>> = server
        .requests()
        .iter()
        .map(|request| {
            let alerts = json(request);
            let stands = |alert: &&Value| alert["endsAt"].as_str().unwrap() > now.as_str();
            let names = alerts.as_array().unwrap().iter().filter(stands);
            names.map(|alert| alert["labels"]["alertname"].as_str().unwrap().to_owned()).collect()
        })
        .collect();
    assert_eq!(standing, [vec!["LockkeeperRollbackStarted"], vec!["LockkeeperRollbackFailed"], vec![]]);
    assert_eq!(json(&server.requests()[2]).as_array().unwrap().len(), 2, "both names end");
}

#[tokio::test]
async fn a_webhook_is_signed_and_a_wrong_key_is_refused() {
    let receiver = Arc::new(WebhookReceiver::new(WEBHOOK_SECRET));
    let server = FaultyHttp::start(HttpAnswer::By(receivers::webhook(Arc::clone(&receiver))));
    for kind in KINDS {
        delivered(&send(webhook(&server.url("/in"), &[WEBHOOK_SECRET]), &alert(kind)).await);
    }
    assert_eq!(receiver.different(), KINDS.len());
    let other = "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    // While a receiver changes its key, either is right.
    delivered(&send(webhook(&server.url("/in"), &[other, WEBHOOK_SECRET]), &alert(AlertKind::Breach)).await);
    let refused = send(webhook(&server.url("/in"), &[other]), &alert(AlertKind::Breach)).await;
    assert!(
        matches!(&refused, Outcome::Never(why) if why.to_string().contains("no matching signature")),
        "{refused:?}"
    );
    let unsigned = send(webhook(&server.url("/in"), &[]), &alert(AlertKind::Breach)).await;
    assert!(matches!(unsigned, Outcome::Never(_)), "{unsigned:?}");
}

#[tokio::test]
async fn a_webhook_holds_the_whole_alert_and_stays_small() {
    let server = FaultyHttp::start(HttpAnswer::status(200));
    delivered(&send(webhook(&server.url("/in"), &[]), &alert(AlertKind::Breach)).await);
    delivered(&send(webhook(&server.url("/in"), &[]), &monstrous(AlertKind::Breach)).await);
    let requests = server.requests();
    let event = json(&requests[0]);
    assert_eq!(event["type"], "alert.breach");
    assert_eq!(event["data"]["facts"], json!({ "check": "shop" }));
    assert_eq!((&event["data"]["about"], &event["data"]["effect"]), (&json!("watch/7/breach"), &json!("opens")));
    assert_eq!(event["data"]["id"].as_str(), header(&requests[0], "webhook-id"));
    assert!(receivers::body(&requests[1]).len() < 20 * 1024, "{}", receivers::body(&requests[1]).len());
}

fn command(run: &[&str], hidden: &[&str]) -> Channel {
    Channel::Command(CommandReceiver {
        program: run[0].into(),
        arguments: run[1..].iter().map(Into::into).collect(),
        hidden: hidden.iter().map(|text| Secret::new(*text)).collect(),
    })
}

#[tokio::test]
async fn a_command_has_the_alert_in_its_environment_and_on_its_input() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("alert");
    let script = format!("env | grep ^LOCKKEEPER_ > {0}; cat >> {0}", file.display());
    delivered(&send(command(&["/bin/sh", "-c", &script], &[]), &alert(AlertKind::Breach)).await);
    let text = std::fs::read_to_string(&file).unwrap();
    for line in ["LOCKKEEPER_ALERT_KIND=breach", "LOCKKEEPER_ALERT_SEVERITY=critical", "LOCKKEEPER_ALERT_ABOUT=watch/7"]
    {
        assert!(text.contains(line), "{text}");
    }
    let input: Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
    assert_eq!(input["facts"]["check"], "shop");
    delivered(&send(command(&["/bin/true"], &[]), &monstrous(AlertKind::Breach)).await);
}

#[tokio::test]
async fn a_command_that_fails_hangs_or_is_not_there_is_tried_again_and_tells_no_secret() {
    let failed = send(
        command(&["/bin/sh", "-c", "echo the key is hunter2 >&2; exit 7"], &["hunter2"]),
        &alert(AlertKind::Breach),
    )
    .await;
    let Outcome::Later { why, .. } = &failed else { panic!("{failed:?}") };
    assert_eq!(ids(why), ["notify-command-failed"]);
    assert!(why.to_string().contains("the key is ***") && why.to_string().contains('7'), "{why}");
    let missing = send(command(&["/nonexistent"], &[]), &alert(AlertKind::Breach)).await;
    assert!(
        matches!(&missing, Outcome::Later { why, .. } if ids(why) == ["notify-command-not-started"]),
        "{missing:?}"
    );
    let hangs = send(command(&["/bin/sh", "-c", "sleep 60 & wait"], &[]), &alert(AlertKind::Breach)).await;
    assert!(matches!(&hangs, Outcome::Later { why, .. } if ids(why) == ["notify-timed-out"]), "{hangs:?}");
}
