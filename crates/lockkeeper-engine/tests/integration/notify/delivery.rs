//! From the outbox to the receivers: neither lost nor doubled, whoever dies when; and nobody waits for anybody.

use std::sync::Arc;
use std::time::{Duration, Instant};

use lockkeeper_core::model::{About, Alert, AlertKind};
use lockkeeper_engine::ledger::{claim_deliveries, ensure};
use lockkeeper_engine::notify::{Channel, Deliverer, Drained, News, Receiver, keep_delivering};
use lockkeeper_engine::postgres::{Connection, connect};
use lockkeeper_testkit::receivers::{self, WebhookReceiver, header, json};
use lockkeeper_testkit::{Database, FaultyHttp, HttpAnswer, HttpReply, Service};
use serde_json::Value;

use super::{WEBHOOK_SECRET, alert, alertmanager, endpoint, receiver, render, routes, webhook};

const BUDGET: Duration = Duration::from_secs(20);

struct Post {
    database: Database,
    connection: Connection,
    receivers: Vec<Receiver>,
}

impl Post {
    async fn to(receivers: Vec<Receiver>) -> Self {
        let database = Database::create();
        let connection = connect(&database.target()).await.unwrap();
        ensure(&connection).await.unwrap();
        Self { database, connection, receivers }
    }

    async fn put(&self, alert: &Alert) {
        routes(&self.receivers).put(&self.connection, alert).await.unwrap();
    }

    fn deliverer(&self) -> Deliverer<'static> {
        Deliverer::new(self.receivers.clone(), Duration::from_hours(4), &render)
    }

    async fn drain_for(&self, budget: Duration) -> Drained {
        self.deliverer().drain(&self.connection, budget, &mut |_| {}).await.unwrap()
    }

    async fn drain(&self) -> Drained {
        self.drain_for(BUDGET).await
    }

    /// Everything is due, as it is after a while.
    fn later(&self) {
        self.database.execute("UPDATE lockkeeper.deliveries SET due_at = now() - interval '1s'");
    }

    fn count(&self, what: &str) -> i64 {
        self.database.value(&format!("SELECT count(*) FROM lockkeeper.deliveries WHERE {what}")).parse().unwrap()
    }
}

fn breach(watch: i64) -> Alert {
    Alert { about: About::breach(watch), ..alert(AlertKind::Breach) }
}

fn drained(delivered: usize, delayed: usize, given_up: usize) -> Drained {
    Drained { delivered, delayed, given_up, cut_off: 0 }
}

fn types(server: &FaultyHttp) -> Vec<String> {
    server.requests().iter().map(|request| json(request)["type"].as_str().unwrap_or_default().to_owned()).collect()
}

#[tokio::test]
async fn what_is_put_down_arrives_once() {
    let (one, two) = (FaultyHttp::start(HttpAnswer::status(200)), FaultyHttp::start(HttpAnswer::status(200)));
    let hook = |name, server: &FaultyHttp| receiver(name, webhook(&server.url("/in"), &[]));
    let post = Post::to(vec![hook("one", &one), hook("two", &two)]).await;
    for watch in 0..10 {
        post.put(&breach(watch)).await;
    }
    assert_eq!(post.drain().await, drained(20, 0, 0));
    assert_eq!(post.drain().await, Drained::default());
    assert_eq!((one.requests().len(), two.requests().len()), (10, 10));
}

/// Killed between the two: the receiver has it, and the ledger does not say so.
#[tokio::test]
async fn sent_and_not_recorded_it_comes_again_with_the_same_key() {
    let known = Arc::new(WebhookReceiver::new(WEBHOOK_SECRET));
    let server = FaultyHttp::start(HttpAnswer::By(receivers::webhook(Arc::clone(&known))));
    let post = Post::to(vec![receiver("hook", webhook(&server.url("/in"), &[WEBHOOK_SECRET]))]).await;
    post.put(&breach(1)).await;
    assert_eq!(post.drain().await, drained(1, 0, 0));
    post.database.execute("UPDATE lockkeeper.deliveries SET delivered_at = NULL, due_at = now()");
    assert_eq!(post.drain().await, drained(1, 0, 0));
    assert_eq!((server.requests().len(), known.different()), (2, 1), "the receiver knows it again");
    let ids: Vec<_> =
        server.requests().iter().map(|request| header(request, "webhook-id").map(str::to_owned)).collect();
    assert_eq!(ids[0], ids[1]);
}

/// Killed with an alert in its hands: it is nobody else's for a while, and then it is not lost.
#[tokio::test]
async fn taken_and_not_sent_it_is_somebody_elses_after_a_while() {
    let server = FaultyHttp::start(HttpAnswer::status(200));
    let post = Post::to(vec![receiver("hook", webhook(&server.url("/in"), &[]))]).await;
    post.put(&breach(1)).await;
    let other = connect(&post.database.target()).await.unwrap();
    let held = Duration::from_mins(2);
    assert_eq!(claim_deliveries(&other, 4, held, &["hook".to_owned()]).await.unwrap().len(), 1);
    assert_eq!(post.drain().await, Drained::default(), "it may still be on its way");
    post.later();
    assert_eq!(post.drain().await, drained(1, 0, 0));
}

#[tokio::test]
async fn two_who_deliver_at_once_send_nothing_twice() {
    let known = Arc::new(WebhookReceiver::new(WEBHOOK_SECRET));
    let server = FaultyHttp::start(HttpAnswer::By(receivers::webhook(Arc::clone(&known))));
    let post = Post::to(vec![receiver("hook", webhook(&server.url("/in"), &[WEBHOOK_SECRET]))]).await;
    for watch in 0..20 {
        post.put(&breach(watch)).await;
    }
    let other = connect(&post.database.target()).await.unwrap();
    let (mut one, mut two) = (post.deliverer(), post.deliverer());
    let (mut say, mut say_too) = (|_: News<'_>| {}, |_: News<'_>| {});
    let (first, second) =
        tokio::join!(one.drain(&post.connection, BUDGET, &mut say), two.drain(&other, BUDGET, &mut say_too));
    assert_eq!(first.unwrap().delivered + second.unwrap().delivered, 20);
    assert_eq!((server.requests().len(), known.different()), (20, 20));
}

#[tokio::test]
async fn an_end_arrives_after_its_beginning_even_when_that_had_to_wait() {
    let server = FaultyHttp::start(HttpAnswer::status(503));
    let post = Post::to(vec![receiver("hook", webhook(&server.url("/in"), &[]))]).await;
    post.put(&breach(1)).await;
    post.put(&Alert { about: About::breach(1), ..alert(AlertKind::Recovered) }).await;
    post.put(&breach(2)).await;
    assert_eq!(post.drain().await, drained(0, 2, 0), "the other matter does not wait");
    server.answer(HttpAnswer::status(200));
    assert_eq!(post.drain().await, Drained::default(), "it is not time yet");
    post.later();
    assert_eq!(post.drain().await, drained(3, 0, 0));
    let of_first: Vec<String> = server
        .requests()
        .iter()
        .skip(2)
        .map(|request| json(request)["data"].clone())
        .filter(|data| data["about"] == "watch/1/breach")
        .map(|data| data["kind"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(of_first, ["breach", "recovered"]);
}

#[tokio::test]
async fn what_is_refused_for_good_is_given_up_at_once_and_what_is_not_after_three_days() {
    let server = FaultyHttp::start(HttpAnswer::status(404));
    let post = Post::to(vec![receiver("hook", webhook(&server.url("/in"), &[]))]).await;
    post.put(&breach(1)).await;
    assert_eq!(post.drain().await, drained(0, 0, 1));
    let why = post.database.value("SELECT last_error FROM lockkeeper.deliveries");
    let why: Value = serde_json::from_str(&why).unwrap();
    assert_eq!(why["id"], "notify-refused");
    server.answer(HttpAnswer::status(503));
    post.put(&breach(2)).await;
    assert_eq!(post.drain().await, drained(0, 1, 0));
    post.later();
    post.database
        .execute("UPDATE lockkeeper.outbox SET created_at = created_at - interval '71 hours 59 minutes 59 seconds'");
    assert_eq!(post.drain().await, drained(0, 0, 1));
    // For a receiver that is in no settings any more: nobody takes it, and it does not stand there for ever.
    let gone = Post { receivers: vec![receiver("gone", webhook(&server.url("/in"), &[]))], ..post };
    gone.put(&breach(3)).await;
    gone.database.execute("UPDATE lockkeeper.outbox SET created_at = created_at - interval '73 hours'");
    let post = Post { receivers: vec![receiver("hook", webhook(&server.url("/in"), &[]))], ..gone };
    assert_eq!(post.drain().await, Drained::default());
    assert_eq!(post.count("gave_up_at IS NULL"), 0);
}

#[tokio::test]
async fn who_asks_to_be_left_alone_is_for_all_that_waits() {
    let server = FaultyHttp::start(HttpAnswer::By(Service::new(|_| HttpReply::later(120))));
    let post = Post::to(vec![receiver("chat", Channel::Slack(endpoint(&server.url("/hook"))))]).await;
    for watch in 0..3 {
        post.put(&breach(watch)).await;
    }
    assert_eq!(post.drain().await, drained(0, 3, 0));
    assert_eq!(server.requests().len(), 1, "asked once, not once for each");
    assert_eq!(post.count("due_at > now() + interval '100s' AND due_at < now() + interval '200s'"), 3);
}

#[tokio::test]
async fn slack_is_sent_one_a_second() {
    let server = FaultyHttp::start(HttpAnswer::status(200));
    let post = Post::to(vec![receiver("chat", Channel::Slack(endpoint(&server.url("/hook"))))]).await;
    for watch in 0..6 {
        post.put(&breach(watch)).await;
    }
    let began = Instant::now();
    assert_eq!(post.drain().await, drained(6, 0, 0));
    assert!(began.elapsed() >= Duration::from_secs(5), "{:?}", began.elapsed());
}

#[tokio::test]
async fn one_who_hangs_is_in_nobodys_way_and_is_cut_off_when_the_time_is_over() {
    let (slow, quick) = (FaultyHttp::start(HttpAnswer::Hang), FaultyHttp::start(HttpAnswer::status(200)));
    let hook = |name, server: &FaultyHttp| receiver(name, webhook(&server.url("/in"), &[]));
    let post = Post::to(vec![hook("slow", &slow), hook("quick", &quick)]).await;
    for watch in 0..10 {
        post.put(&breach(watch)).await;
    }
    let began = Instant::now();
    let drained = post.drain_for(Duration::from_secs(2)).await;
    assert!(began.elapsed() < Duration::from_secs(4), "{:?}", began.elapsed());
    assert_eq!((drained.delivered, quick.requests().len()), (10, 10));
    assert!(drained.cut_off > 0, "{drained:?}");
    // What was cut off is due again, and nothing of it is in anybody's hands.
    slow.answer(HttpAnswer::status(200));
    assert_eq!(post.drain().await.delivered, 10);
}

#[tokio::test]
async fn a_receiver_that_cannot_be_reached_from_here_is_left_to_who_can() {
    let server = FaultyHttp::start(HttpAnswer::status(200));
    let mut post = Post::to(vec![receiver("hook", webhook(&server.url("/in"), &[]))]).await;
    let here = post.receivers[0].channel.clone();
    post.receivers[0].channel = Err(lockkeeper_core::message!("settings-notify-unset", name = "HOOK"));
    post.put(&breach(1)).await;
    assert_eq!(post.drain().await, Drained::default());
    assert_eq!(post.count("attempts = 0"), 1);
    post.receivers[0].channel = here;
    assert_eq!(post.drain().await, drained(1, 0, 0));
}

#[tokio::test]
async fn without_a_ledger_nothing_is_made() {
    let database = Database::create();
    let connection = connect(&database.target()).await.unwrap();
    let mut deliverer = Deliverer::new(vec![receiver("hook", webhook("http://127.0.0.1:1/", &[]))], BUDGET, &render);
    assert_eq!(deliverer.drain(&connection, BUDGET, &mut |_| {}).await.unwrap(), Drained::default());
    assert_eq!(database.value("SELECT count(*) FROM pg_namespace WHERE nspname = 'lockkeeper'"), "0");
}

/// Waits until something is so, for as long as a busy machine may take.
async fn until(what: &str, is: impl Fn() -> bool) {
    let began = Instant::now();
    while !is() {
        assert!(began.elapsed() < Duration::from_secs(30), "never: {what}");
        tokio::task::yield_now().await;
        lockkeeper_engine::seams::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn beside_a_watch_alerts_go_out_and_what_stands_is_told_to_alertmanager_again() {
    let server = FaultyHttp::start(HttpAnswer::By(receivers::alertmanager()));
    let post = Post::to(vec![receiver("prometheus", alertmanager(&server.url("")))]).await;
    let target = post.database.target();
    post.put(&breach(1)).await;
    let mut tell = |_: News<'_>| {};
    let watching = async {
        // The first is the alert; what stands is sent again in the same look.
        until("sent, and sent again", || server.requests().len() >= 2).await;
        post.put(&Alert { about: About::breach(1), ..alert(AlertKind::Recovered) }).await;
        until("resolved", || server.requests().len() >= 3).await;
    };
    tokio::select! {
        () = watching => {}
        () = keep_delivering(&target, post.deliverer(), &mut tell) => unreachable!("it never ends"),
    }
    let now = jiff::Timestamp::now().to_string();
    let stands = |request: &String| json(request)[0]["endsAt"].as_str().unwrap() > now.as_str();
    assert_eq!(server.requests().iter().map(stands).collect::<Vec<_>>(), [true, true, false]);
}

#[tokio::test]
async fn a_reminder_says_the_how_manieth_it_is() {
    let server = FaultyHttp::start(HttpAnswer::status(200));
    let post = Post::to(vec![receiver("hook", webhook(&server.url("/in"), &[]))]).await;
    post.put(&breach(1)).await;
    assert_eq!(post.drain().await, drained(1, 0, 0));
    post.database.execute(
        "UPDATE lockkeeper.open_alerts SET opened_at = now() - interval '5h', told_at = now() - interval '5h'; \
         UPDATE lockkeeper.outbox SET created_at = created_at - interval '5h'",
    );
    assert_eq!(post.drain().await, drained(1, 0, 0));
    assert_eq!(types(&server), ["alert.breach", "alert.breach"]);
    let last = json(&server.requests()[1])["data"].clone();
    assert_eq!((last["effect"].as_str(), last["told"].as_i64()), (Some("reminds"), Some(2)));
    assert!(last["title"].as_str().unwrap().starts_with("alert-title-reminds"), "{last}");
}
