//! What is put down: once, for those who want it, and what ends goes to all who heard that it began.

use std::time::Duration;

use lockkeeper_core::message;
use lockkeeper_core::model::{About, Alert, AlertKind, FactName, Severity};
use lockkeeper_engine::ledger::{Delivery, claim_deliveries, ensure, mark_delivered, mark_undelivered, remind_alerts};
use lockkeeper_engine::notify::{Origin, Route, Routes};
use lockkeeper_engine::postgres::{Connection, connect};
use lockkeeper_testkit::Database;

const HELD: Duration = Duration::from_secs(30);
const WEEK: Duration = Duration::from_hours(7 * 24);

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

fn route(name: &str, severity_min: Severity) -> Route {
    Route { name: name.to_owned(), severity_min, kinds: None }
}

/// `pager` hears what is critical, `chat` everything.
fn routes() -> Routes {
    Routes {
        origin: Origin { environment: "test".to_owned(), database: "shop".to_owned(), host: "here".to_owned() },
        receivers: vec![route("pager", Severity::Critical), route("chat", Severity::Info)],
        ..Routes::default()
    }
}

fn alert(kind: AlertKind) -> Alert {
    let subject = message!("alert-breach", check = "shop", rule = "floor");
    Alert::new(kind, About::breach(7), subject, message!("alert-breach-summary")).fact(FactName::Check, "shop")
}

impl Ledger {
    async fn put(&self, kind: AlertKind) {
        routes().put(&self.connection, &alert(kind)).await.unwrap();
    }

    async fn claim(&self) -> Vec<Delivery> {
        let names = ["pager".to_owned(), "chat".to_owned()];
        claim_deliveries(&self.connection, 100, HELD, &names).await.unwrap()
    }

    /// Everything that is due, delivered; who heard what.
    async fn heard(&self) -> Vec<(String, AlertKind, u32)> {
        let mut heard = Vec::new();
        loop {
            let claimed = self.claim().await;
            if claimed.is_empty() {
                heard.sort();
                return heard;
            }
            for delivery in claimed {
                mark_delivered(&self.connection, &delivery).await.unwrap();
                heard.push((delivery.sink, delivery.kind, delivery.told));
            }
        }
    }
}

fn heard(list: &[(&str, AlertKind, u32)]) -> Vec<(String, AlertKind, u32)> {
    list.iter().map(|(name, kind, told)| ((*name).to_owned(), *kind, *told)).collect()
}

#[tokio::test]
async fn what_is_known_is_not_told_again_before_its_time() {
    let ledger = ledger().await;
    for _ in 0..3 {
        ledger.put(AlertKind::Breach).await;
    }
    let both = [("chat", AlertKind::Breach, 1), ("pager", AlertKind::Breach, 1)];
    assert_eq!(ledger.heard().await, heard(&both));
    ledger.database.execute(
        "UPDATE lockkeeper.open_alerts SET opened_at = now() - interval '5h', told_at = now() - interval '5h'",
    );
    ledger.put(AlertKind::Breach).await;
    ledger.put(AlertKind::Breach).await;
    let again = [("chat", AlertKind::Breach, 2), ("pager", AlertKind::Breach, 2)];
    assert_eq!(ledger.heard().await, heard(&again));
}

#[tokio::test]
async fn two_who_notice_the_same_put_one_alert_down() {
    let ledger = ledger().await;
    let other = connect(&ledger.database.target()).await.unwrap();
    let (routes, breach) = (routes(), alert(AlertKind::Breach));
    let put = async |connection: &Connection| {
        for _ in 0..20 {
            routes.put(connection, &breach).await.unwrap();
        }
    };
    tokio::join!(put(&ledger.connection), put(&other));
    assert_eq!(ledger.heard().await.len(), 2);
}

#[tokio::test]
async fn what_stands_is_reminded_of_until_it_ends_or_is_old() {
    let ledger = ledger().await;
    ledger.put(AlertKind::NoData).await;
    assert_eq!(ledger.heard().await, heard(&[("chat", AlertKind::NoData, 1)]));
    let every = Duration::from_hours(4);
    assert_eq!(remind_alerts(&ledger.connection, every, WEEK).await.unwrap(), 0);
    let age = |interval: &str| {
        let sql = format!(
            "UPDATE lockkeeper.open_alerts SET opened_at = now() - interval '{interval}', \
             told_at = now() - interval '{interval}'; \
             UPDATE lockkeeper.outbox SET created_at = created_at - interval '{interval}'"
        );
        ledger.database.execute(&sql);
    };
    age("5h");
    assert_eq!(remind_alerts(&ledger.connection, every, WEEK).await.unwrap(), 1);
    assert_eq!(remind_alerts(&ledger.connection, every, WEEK).await.unwrap(), 0);
    assert_eq!(ledger.heard().await, heard(&[("chat", AlertKind::NoData, 2)]), "only who heard of it is reminded");
    age("8 days");
    assert_eq!(remind_alerts(&ledger.connection, every, WEEK).await.unwrap(), 0);
    ledger.put(AlertKind::Recovered).await;
    age("5h");
    assert_eq!(remind_alerts(&ledger.connection, every, WEEK).await.unwrap(), 0, "it is over");
}

#[tokio::test]
async fn an_end_goes_to_all_who_heard_of_the_beginning_and_to_nobody_else() {
    let ledger = ledger().await;
    ledger.put(AlertKind::Recovered).await;
    assert_eq!(ledger.heard().await, heard(&[]), "nothing had begun");
    ledger.put(AlertKind::Breach).await;
    ledger.heard().await;
    ledger.put(AlertKind::Recovered).await;
    ledger.put(AlertKind::Recovered).await;
    let both = [("chat", AlertKind::Recovered, 1), ("pager", AlertKind::Recovered, 1)];
    assert_eq!(ledger.heard().await, heard(&both), "once, and the pager too, though it is not critical");
    ledger.put(AlertKind::Breach).await;
    assert_eq!(ledger.heard().await.len(), 2, "what ended can begin again");
    ledger.put(AlertKind::RollbackFinished).await;
    let finished = [("chat", AlertKind::RollbackFinished, 1), ("pager", AlertKind::RollbackFinished, 1)];
    assert_eq!(ledger.heard().await, heard(&finished));
    ledger.put(AlertKind::RollbackFinished).await;
    let alone = [("chat", AlertKind::RollbackFinished, 1)];
    assert_eq!(ledger.heard().await, heard(&alone), "it is news by itself, to whoever wants it");
}

#[tokio::test]
async fn an_end_does_not_overtake_its_beginning() {
    let ledger = ledger().await;
    ledger.put(AlertKind::Breach).await;
    ledger.put(AlertKind::Recovered).await;
    let first = ledger.claim().await;
    assert_eq!(first.len(), 2);
    assert!(first.iter().all(|delivery| delivery.kind == AlertKind::Breach));
    assert_eq!(ledger.claim().await, [], "both ends wait for a beginning that is under way");
    let [chat, pager] = ["chat", "pager"].map(|name| first.iter().find(|one| one.sink == name).unwrap());
    mark_delivered(&ledger.connection, chat).await.unwrap();
    let [end] = <[_; 1]>::try_from(ledger.claim().await).unwrap();
    assert_eq!((end.sink.as_str(), end.kind), ("chat", AlertKind::Recovered), "one receiver does not wait for another");
    mark_undelivered(&ledger.connection, pager, "503", Some(Duration::from_mins(1))).await.unwrap();
    assert_eq!(ledger.claim().await, [], "nor while the beginning waits to be tried again");
    mark_undelivered(&ledger.connection, pager, "given up", None).await.unwrap();
    assert_eq!(ledger.claim().await.len(), 1);
}

#[tokio::test]
async fn a_worse_turn_is_told_though_the_matter_is_known() {
    let ledger = ledger().await;
    ledger.put(AlertKind::RollbackStarted).await;
    assert_eq!(ledger.heard().await, heard(&[("chat", AlertKind::RollbackStarted, 1)]));
    ledger.put(AlertKind::RollbackFailed).await;
    let both = [("chat", AlertKind::RollbackFailed, 1), ("pager", AlertKind::RollbackFailed, 1)];
    assert_eq!(ledger.heard().await, heard(&both));
}

#[tokio::test]
async fn what_was_rolled_back_was_never_put_down() {
    let ledger = ledger().await;
    ledger.connection.client().batch_execute("BEGIN").await.unwrap();
    ledger.put(AlertKind::Breach).await;
    ledger.connection.client().batch_execute("ROLLBACK").await.unwrap();
    assert_eq!(ledger.heard().await, heard(&[]));
    ledger.put(AlertKind::Breach).await;
    assert_eq!(ledger.heard().await.len(), 2, "and is not taken for known");
}
