//! The ledger of the health gate: one watcher at a time, memories that outlive it, samples that thin, alerts that
//! are neither lost nor doubled.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;
use lockkeeper_core::health::{Baseline, CheckName, Correlation, Counts, Latencies, Memory, Streak};
use lockkeeper_core::model::{About, AlertKind, Answer, ExitClass, WatchVerdict};
use lockkeeper_engine::ledger::{
    Delivery, HealthSample, Holder, NewAlert, StoredCheck, TakenWatch, VerdictCounts, add_samples, claim_deliveries,
    end_watch, ensure, mark_delivered, mark_undelivered, put_alert, read_health_samples, read_watch, release_watch,
    save_watch, take_watch, thin_samples,
};
use lockkeeper_engine::postgres::{Connection, connect};
use lockkeeper_testkit::Database;
use serde_json::json;

struct Ledger {
    database: Database,
    connection: Connection,
}

async fn ledger() -> Ledger {
    let database = Database::create();
    let connection = connect(&database.target()).await.unwrap();
    ensure(&connection).await.unwrap();
    Ledger { database, connection }
}

fn name(text: &str) -> CheckName {
    CheckName::new(text).unwrap()
}

fn holder(host: &str) -> Holder {
    Holder { actor: "tester".to_owned(), host: host.to_owned(), pid: 17 }
}

async fn take(connection: &Connection, host: &str) -> lockkeeper_core::model::Answer<TakenWatch> {
    take_watch(connection, None, &json!({ "rules": ["floor"] }), &holder(host)).await
}

fn two_failures() -> StoredCheck {
    let memory = Memory { floor: Streak::of(2), ..Memory::default() };
    let baseline = Baseline {
        total: Counts::new(1000, 10).unwrap(),
        correlation: Some(Correlation::of(0.02)),
        latencies: Latencies::default(),
    };
    StoredCheck { name: name("shop"), memory, baseline: Some(baseline), judgements: json!([]) }
}

#[tokio::test]
async fn there_is_one_watcher_and_the_second_is_told_who() {
    let ledger = ledger().await;
    let first = take(&ledger.connection, "alpha").await.unwrap();
    let refused = take(&ledger.connection, "beta").await.unwrap_err();
    assert_eq!(refused.exit, ExitClass::Busy);
    assert!(refused.to_string().contains("alpha"), "{refused}");
    assert!(save_watch(&ledger.connection, first.term, None, None, &[], &[]).await.unwrap());
    let record = read_watch(&ledger.connection).await.unwrap().unwrap();
    assert!(record.is_held);
    assert_eq!((record.host.as_str(), record.ended), ("alpha", None));
}

#[tokio::test]
async fn a_watch_whose_watcher_is_gone_is_taken_over_with_its_memory() {
    let ledger = ledger().await;
    let first = take(&ledger.connection, "alpha").await.unwrap();
    assert!(save_watch(&ledger.connection, first.term, None, None, &[], &[two_failures()]).await.unwrap());
    ledger.database.execute("UPDATE lockkeeper.watches SET expires_at = now()");
    let second = take(&ledger.connection, "beta").await.unwrap();
    assert_eq!(second.began_at, first.began_at, "it is the same watch");
    assert_eq!(second.memories[&name("shop")], two_failures().memory);
    assert_eq!(Some(&second.baselines[&name("shop")]), two_failures().baseline.as_ref());
    // The first one was only asleep: it writes nothing any more.
    assert!(!save_watch(&ledger.connection, first.term, None, None, &[], &[]).await.unwrap());
    assert!(!end_watch(&ledger.connection, first.term, WatchVerdict::Healthy).await.unwrap());
    assert!(end_watch(&ledger.connection, second.term, WatchVerdict::Healthy).await.unwrap());
}

#[tokio::test]
async fn a_watcher_that_stops_leaves_the_watch_at_once() {
    let ledger = ledger().await;
    let first = take(&ledger.connection, "alpha").await.unwrap();
    release_watch(&ledger.connection, first.term).await.unwrap();
    assert!(!read_watch(&ledger.connection).await.unwrap().unwrap().is_held);
    assert!(take(&ledger.connection, "beta").await.is_ok());
}

#[tokio::test]
async fn a_breach_stays_and_a_watch_that_has_one_never_ends_healthy() {
    let ledger = ledger().await;
    let watch = take(&ledger.connection, "alpha").await.unwrap();
    let (first, second) = (json!({ "rule": "floor" }), json!({ "rule": "detector" }));
    assert!(save_watch(&ledger.connection, watch.term, None, Some(&first), &[], &[]).await.unwrap());
    assert!(save_watch(&ledger.connection, watch.term, None, Some(&second), &[], &[]).await.unwrap());
    let record = read_watch(&ledger.connection).await.unwrap().unwrap();
    assert_eq!(record.breach, Some(first), "there is one rollback for a release");
    assert!(!end_watch(&ledger.connection, watch.term, WatchVerdict::Healthy).await.unwrap());
    assert!(end_watch(&ledger.connection, watch.term, WatchVerdict::Unhealthy).await.unwrap());
    let record = read_watch(&ledger.connection).await.unwrap().unwrap();
    assert_eq!(record.ended.map(|(_, verdict)| verdict), Some(WatchVerdict::Unhealthy));
    // Without a breach there is no unhealthy end either.
    let next = take(&ledger.connection, "alpha").await.unwrap();
    assert!(!end_watch(&ledger.connection, next.term, WatchVerdict::Unhealthy).await.unwrap());
}

#[tokio::test]
async fn a_reader_creates_nothing() {
    let database = Database::create();
    let connection = connect(&database.target()).await.unwrap();
    assert!(read_watch(&connection).await.unwrap().is_none());
    assert_eq!(database.value("SELECT count(*) FROM pg_namespace WHERE nspname = 'lockkeeper'"), "0");
}

fn sample(at: Timestamp, requests: u64, errors: u64, value: f64) -> HealthSample {
    HealthSample {
        check: name("shop"),
        at,
        span: Duration::from_secs(5),
        counts: Counts::new(requests, errors).unwrap(),
        value: Some(value),
        verdicts: VerdictCounts { pass: 1, ..VerdictCounts::default() },
        latencies: None,
    }
}

#[tokio::test]
async fn samples_thin_with_age_and_lose_no_request() {
    let ledger = ledger().await;
    let now: i64 = ledger.database.value("SELECT extract(epoch FROM now())::bigint").parse().unwrap();
    let ago = |seconds: i64| Timestamp::from_second(now - seconds).unwrap();
    let hours = 3600;
    let five = Duration::from_secs(5);
    // Recent ones, a minute's worth two days ago, and an hour's worth a month ago, in slices.
    let mut samples: Vec<_> = (0..10).map(|slice| sample(ago(600 - slice * 5), 10, 1, 0.5)).collect();
    let minute = (now - 48 * hours) / 60 * 60;
    samples.extend((0..12).map(|slice| {
        let at = Timestamp::from_second(minute + slice * 5).unwrap();
        sample(at, 10, 1, if slice == 3 { 0.9 } else { 0.1 })
    }));
    let hour = (now - 30 * 24 * hours) / hours * hours;
    samples.extend((0..720).map(|slice| sample(Timestamp::from_second(hour + slice * 5).unwrap(), 2, 0, 0.0)));
    add_samples(&ledger.connection, five, &samples).await.unwrap();
    // Delivered again, after an answer was lost.
    add_samples(&ledger.connection, five, &samples).await.unwrap();
    for _ in 0..2 {
        thin_samples(&ledger.connection).await.unwrap();
        let kept = read_health_samples(&ledger.connection, Timestamp::UNIX_EPOCH, None).await.unwrap();
        let spans: BTreeSet<_> = kept.iter().map(|sample| (sample.span.as_secs(), sample.counts.requests())).collect();
        assert_eq!(spans, BTreeSet::from([(5, 10), (60, 120), (3600, 1440)]));
        assert_eq!(kept.len(), 12);
        let minute = kept.iter().find(|sample| sample.span.as_secs() == 60).unwrap();
        assert_eq!((minute.counts.errors(), minute.value, minute.verdicts.pass), (12, Some(0.9), 12));
    }
    let since = read_health_samples(&ledger.connection, ago(700), Some(&name("shop"))).await.unwrap();
    assert_eq!(since.len(), 10);
    assert!(read_health_samples(&ledger.connection, ago(700), Some(&name("other"))).await.unwrap().is_empty());
}

fn alert() -> NewAlert {
    NewAlert { about: About::breach(7), kind: AlertKind::Breach, payload: json!({ "check": "shop" }) }
}

async fn claim(connection: &Connection, limit: i64, held_for: Duration) -> Answer<Vec<Delivery>> {
    claim_deliveries(connection, limit, held_for, &["slack".to_owned(), "mail".to_owned()]).await
}

const HELD: Duration = Duration::from_secs(30);

#[tokio::test]
async fn an_alert_goes_out_with_what_it_tells_of_or_not_at_all() {
    let ledger = ledger().await;
    let sinks = ["slack".to_owned(), "mail".to_owned()];
    ledger.connection.client().batch_execute("BEGIN").await.unwrap();
    put_alert(&ledger.connection, &alert(), &sinks).await.unwrap();
    ledger.connection.client().batch_execute("ROLLBACK").await.unwrap();
    assert!(claim(&ledger.connection, 10, HELD).await.unwrap().is_empty());
    put_alert(&ledger.connection, &alert(), &sinks).await.unwrap();
    assert_eq!(claim(&ledger.connection, 10, HELD).await.unwrap().len(), 2);
}

#[tokio::test]
async fn two_that_drain_at_once_never_take_the_same() {
    let ledger = ledger().await;
    for watch in 0..20 {
        let alert = NewAlert { about: About::breach(watch), ..alert() };
        put_alert(&ledger.connection, &alert, &["slack".to_owned()]).await.unwrap();
    }
    let other = connect(&ledger.database.target()).await.unwrap();
    let (one, two) = tokio::join!(claim(&ledger.connection, 20, HELD), claim(&other, 20, HELD));
    let taken: Vec<String> = one.unwrap().into_iter().chain(two.unwrap()).map(|delivery| delivery.id).collect();
    assert_eq!(taken.len(), 20);
    assert_eq!(taken.iter().collect::<BTreeSet<_>>().len(), 20);
}

#[tokio::test]
async fn what_was_taken_and_not_delivered_is_due_again() {
    let ledger = ledger().await;
    put_alert(&ledger.connection, &alert(), &["slack".to_owned()]).await.unwrap();
    let first = claim(&ledger.connection, 10, Duration::ZERO).await.unwrap().remove(0);
    // The process dies here. The next one gets the same alert, with the same key.
    let second = claim(&ledger.connection, 10, HELD).await.unwrap().remove(0);
    assert_eq!((&first.id, first.attempts, second.attempts), (&second.id, 1, 2));
    mark_undelivered(&ledger.connection, &second, "503", Some(Duration::ZERO)).await.unwrap();
    let third = claim(&ledger.connection, 10, HELD).await.unwrap().remove(0);
    mark_delivered(&ledger.connection, &third).await.unwrap();
    ledger.database.execute("UPDATE lockkeeper.deliveries SET due_at = now()");
    assert!(claim(&ledger.connection, 10, HELD).await.unwrap().is_empty());
}

#[tokio::test]
async fn what_is_given_up_says_why_and_is_left_alone() {
    let ledger = ledger().await;
    put_alert(&ledger.connection, &alert(), &["slack".to_owned()]).await.unwrap();
    let delivery = claim(&ledger.connection, 10, HELD).await.unwrap().remove(0);
    mark_undelivered(&ledger.connection, &delivery, "410 Gone", None).await.unwrap();
    assert!(claim(&ledger.connection, 10, HELD).await.unwrap().is_empty());
    assert_eq!(ledger.database.value("SELECT last_error FROM lockkeeper.deliveries"), "410 Gone");
}
