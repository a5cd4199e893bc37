//! What happens to a release is told: by the command that it happened to, by the next one, by the watcher.

use std::sync::Arc;
use std::time::{Duration, Instant};

use lockkeeper_core::model::AlertKind;
use lockkeeper_testkit::receivers::{self, WebhookReceiver, json};
use lockkeeper_testkit::{FaultyHttp, HttpAnswer, Pooler, SmtpServer};
use nix::sys::signal::Signal;
use serde_json::Value;

use crate::health_watch::{QUICK, Watched, failures};
use crate::shop::{Run, Shop};

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const PATH: &str = "/services/T0/B0/hunter2hunter2";

/// A receiver that is strict about signatures, and what it has got.
struct Hook {
    server: FaultyHttp,
    known: Arc<WebhookReceiver>,
}

impl Hook {
    fn start() -> Self {
        let known = Arc::new(WebhookReceiver::new(SECRET));
        let server = FaultyHttp::start(HttpAnswer::status(200));
        let hook = Self { server, known };
        hook.is_well();
        hook
    }

    fn is_well(&self) {
        self.server.answer(HttpAnswer::By(receivers::webhook(Arc::clone(&self.known))));
    }

    fn settings() -> String {
        "[[notify.webhook]]\nname = \"hook\"\nurl_env = \"HOOK_URL\"\nsecrets_env = [\"HOOK_SECRET\"]\nlang = \"ko\"\n"
            .to_owned()
    }

    fn env(&self) -> [(&'static str, String); 2] {
        [("HOOK_URL", self.server.url(PATH)), ("HOOK_SECRET", SECRET.to_owned())]
    }

    fn told(&self) -> Vec<Value> {
        self.server.requests().iter().map(|request| json(request)["data"].clone()).collect()
    }

    fn kinds(&self) -> Vec<String> {
        self.told().iter().map(|data| data["kind"].as_str().unwrap_or_default().to_owned()).collect()
    }
}

fn shop(hook: &Hook) -> Shop {
    let mut shop = Shop::open();
    shop.project = shop.project.with_env(hook.env());
    shop.project.write("lockkeeper.toml", &Hook::settings());
    shop
}

/// No secret, wherever it could have gone.
#[track_caller]
fn tells_no_secret(shop: &Shop, runs: &[Run]) {
    for run in runs {
        let said = format!("{run:?}");
        assert!(!said.contains("hunter2") && !said.contains(&SECRET[6..]), "{said}");
    }
    let ledger = shop.database.query(
        "SELECT row_to_json(o)::text FROM lockkeeper.outbox o UNION ALL \
         SELECT row_to_json(d)::text FROM lockkeeper.deliveries d UNION ALL \
         SELECT row_to_json(e)::text FROM lockkeeper.events e",
    );
    for row in ledger {
        assert!(!row[0].contains("hunter2") && !row[0].contains(&SECRET[6..]), "{row:?}");
    }
}

#[test]
fn a_migration_that_fails_is_told_in_the_readers_language_and_that_it_is_mended_too() {
    let hook = Hook::start();
    let shop = shop(&hook);
    shop.pair(
        "01_create_orders",
        "CREATE TABLE orders (id bigint PRIMARY KEY, CHECK (nothing > 0));",
        "DROP TABLE orders;",
    );
    let failed = shop.run("stage1").expect(3);
    let again = shop.run("stage1").expect(3);
    let told = hook.told();
    assert_eq!(hook.kinds(), ["migration_failed"], "a second failure of the same is known");
    assert_eq!(told[0]["subject"], "마이그레이션 01 실패");
    assert_eq!(told[0]["severity"], "critical");
    let reason = told[0]["facts"]["reason"].as_str().unwrap();
    assert!(reason.contains("nothing") && reason.contains("42703"), "{reason}");
    shop.pair("01_create_orders", "CREATE TABLE orders (id bigint PRIMARY KEY);", "DROP TABLE orders;");
    let mended = shop.run("stage1").expect(0);
    assert_eq!(hook.kinds(), ["migration_failed", "recovered"]);
    assert_eq!(hook.told()[1]["about"], told[0]["about"]);
    tells_no_secret(&shop, &[failed, again, mended]);
}

#[test]
fn a_deploy_asks_for_an_approval_and_a_rollback_tells_how_it_goes() {
    let hook = Hook::start();
    let shop = shop(&hook);
    shop.customers();
    shop.run("stage1").expect(0);
    shop.run("deployed --version 3.0").expect(0);
    shop.run("deployed --version 3.0").expect(0);
    assert_eq!(hook.kinds(), ["approval_waiting"]);
    assert_eq!(hook.told()[0]["facts"]["version"], "3.0");
    shop.run("rollback before_schema_add --yes --reason checkout").expect(0);
    let mut kinds = hook.kinds();
    kinds[1..].sort();
    assert_eq!(kinds, ["approval_waiting", "recovered", "rollback_finished", "rollback_started"]);
    let of_rollback: Vec<_> = hook.told().into_iter().filter(|data| data["about"] == "release/1/rollback").collect();
    assert_eq!(of_rollback[0]["kind"], "rollback_started", "in this order");
    assert_eq!(of_rollback[0]["facts"]["reason"], "checkout");
}

#[test]
fn a_rollback_that_fails_is_told_as_such_and_its_end_too() {
    let hook = Hook::start();
    let shop = shop(&hook);
    shop.pair("01_create_orders", "CREATE TABLE orders (id bigint PRIMARY KEY);", "DROP TABLE orders;");
    shop.run("stage1").expect(0);
    shop.database.execute("CREATE VIEW in_the_way AS SELECT * FROM orders");
    shop.run("rollback before_schema_add --yes").expect(3);
    assert_eq!(hook.kinds(), ["rollback_started", "rollback_failed"]);
    shop.database.execute("DROP VIEW in_the_way");
    shop.run("rollback before_schema_add --yes").expect(0);
    assert_eq!(hook.kinds(), ["rollback_started", "rollback_failed", "rollback_started", "rollback_finished"]);
}

#[test]
fn a_receiver_that_is_away_changes_nothing_and_what_waits_is_delivered_later() {
    let hook = Hook::start();
    let shop = shop(&hook);
    hook.server.answer(HttpAnswer::Hang);
    shop.pair("01_create_orders", "CREATE TABLE orders (id bigint, CHECK (nothing > 0));", "DROP TABLE orders;");
    let began = Instant::now();
    let failed = shop.run("stage1").expect(3);
    assert!(began.elapsed() < Duration::from_secs(15), "{:?}", began.elapsed());
    let status = shop.run("notify status").expect(1);
    let waiting = &status.json()["undelivered"][0];
    assert_eq!((waiting["receiver"].as_str(), waiting["kind"].as_str()), (Some("hook"), Some("migration_failed")));
    let whole = shop.run("status").expect(0);
    assert_eq!(whole.json()["alerts"]["undelivered"], 1);
    let said = shop.say("status").expect(0).says(&["notify status"]);
    hook.is_well();
    shop.database.execute("UPDATE lockkeeper.deliveries SET due_at = now()");
    let delivered = shop.run("notify deliver").expect(0);
    assert_eq!(delivered.json()["delivered"], 1);
    assert_eq!(shop.run("notify status").expect(0).json()["undelivered"], serde_json::json!([]));
    assert_eq!(hook.known.different(), 1);
    tells_no_secret(&shop, &[failed, status, whole, said, delivered]);
}

#[test]
fn a_trial_says_what_each_receiver_answered() {
    let (hook, mail) = (Hook::start(), SmtpServer::start(None));
    let mut shop = shop(&hook);
    let mail_settings = format!(
        "[[notify.email]]\nname = \"mail\"\nserver = \"127.0.0.1\"\nport = {}\ntls = \"off\"\nfrom = \"a@shop.example\"\n\
         to = [\"b@shop.example\"]\n",
        mail.port()
    );
    shop.project.write("lockkeeper.toml", &format!("{}{mail_settings}", Hook::settings()));
    let all = shop.run("notify test").expect(0);
    assert_eq!(all.json()["receivers"][0]["outcome"], "delivered");
    assert_eq!((hook.known.different(), mail.mails().len()), (1, 1));
    assert!(!shop.has_ledger(), "a trial needs no ledger and makes none");
    hook.server.answer(HttpAnswer::status(404));
    let one = shop.run("notify test").expect(1);
    let outcomes: Vec<_> = one.json()["receivers"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["outcome"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(outcomes, ["refused", "delivered"]);
    shop.run("notify test mail").expect(0);
    shop.say("notify test nobody").expect(2).says(&["nobody", "hook, mail"]);
    shop.say("notify status mail").expect(2);
    shop.project = shop.project.with_env([("HOOK_SECRET", "")]);
    let unset = shop.run("notify test").expect(2);
    assert_eq!(unset.json()["receivers"][0]["outcome"], "not_configured");
    let said = shop.say("notify test hook").expect(2).says(&["HOOK_SECRET"]);
    for run in [&all, &one, &unset, &said] {
        assert!(!format!("{run:?}").contains("hunter2"), "{run:?}");
    }
    shop.project.write("lockkeeper.toml", "");
    shop.say("notify test").expect(2).says(&["[[notify.slack]]"]);
}

#[test]
fn behind_a_pooler_alerts_go_out_whatever_others_have_set_there() {
    let (hook, pooler) = (Hook::start(), Pooler::start(1));
    let shop = shop(&hook).behind(&pooler);
    shop.pair("01_create_orders", "CREATE TABLE orders (id bigint, CHECK (nothing > 0));", "DROP TABLE orders;");
    hook.server.answer(HttpAnswer::status(503));
    shop.run("stage1").expect(3);
    hook.is_well();
    shop.database.execute("UPDATE lockkeeper.deliveries SET due_at = now()");
    // The one session of the pool writes nothing from now on, unless it is told to.
    pooler.session(&shop.database).execute("SET default_transaction_read_only = on");
    assert_eq!(shop.run("notify deliver").expect(0).json()["delivered"], 1);
    assert_eq!(hook.known.different(), 1);
}

/// The middle of a row, the end of a row and the alert itself: each may be where a watcher dies.
#[test]
fn a_watcher_that_is_killed_and_started_again_alerts_exactly_once() {
    let hook = Hook::start();
    let settings = format!("{}{}", Hook::settings(), QUICK.replace("1s", "2s"));
    let mut watched = Watched::with(&settings, HttpAnswer::status(500));
    watched.project = watched.project.with_env(hook.env());
    let first = watched.start(&[]);
    watched.wait_until("a failure", |status| failures(status) >= 1);
    first.signal(Signal::SIGKILL);
    drop(first);
    watched.database.execute("UPDATE lockkeeper.watches SET expires_at = now()");
    let second = watched.start(&[]);
    watched.wait_until("the breach", |status| !status["breach"].is_null());
    // It may have sent the alert, or not; it may have recorded that, or not.
    second.signal(Signal::SIGKILL);
    drop(second);
    watched.database.execute("UPDATE lockkeeper.watches SET expires_at = now()");
    watched.database.execute("UPDATE lockkeeper.deliveries SET due_at = now() WHERE delivered_at IS NULL");
    let third = watched.start(&[]);
    let began = Instant::now();
    while watched.database.value("SELECT count(*) FROM lockkeeper.deliveries WHERE delivered_at IS NOT NULL") != "1" {
        assert!(began.elapsed() < Duration::from_secs(40), "never delivered");
        std::thread::sleep(Duration::from_millis(100));
    }
    third.signal(Signal::SIGTERM);
    assert_eq!(third.code(), Some(143));
    let breaches: Vec<Value> = hook.told().into_iter().filter(|data| data["kind"] == "breach").collect();
    let ids: std::collections::BTreeSet<_> = breaches.iter().map(|data| data["id"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), 1, "one alert, however often it was sent: {breaches:?}");
    assert_eq!(hook.known.different(), hook.kinds().len() - (breaches.len() - 1));
}

#[test]
fn a_receiver_that_hangs_slows_no_watch() {
    let hook = Hook::start();
    hook.server.answer(HttpAnswer::Hang);
    let mut watched = Watched::with(&format!("{}{QUICK}", Hook::settings()), HttpAnswer::status(500));
    watched.project = watched.project.with_env(hook.env());
    let began = Instant::now();
    let finished = watched.health(&["start", "--for", "60s"]);
    assert_eq!(finished.code, Some(1), "{finished:?}");
    // Three windows of a second, the start of the program, and five seconds for alerts at the end.
    assert!(began.elapsed() < Duration::from_secs(25), "{:?}", began.elapsed());
    assert!(!finished.stderr.contains("hunter2"), "{finished:?}");
    assert_eq!(watched.database.value("SELECT count(*) FROM lockkeeper.deliveries WHERE delivered_at IS NULL"), "1");
}

/// The pages tell of every kind as the program has it, and their example is settings that work.
#[test]
fn the_pages_are_true() {
    let env = [
        ("SLACK_WEBHOOK_URL", "https://hooks.example.com/T0"),
        ("HUB_SECRET", SECRET),
        ("HUB_SECRET_OLD", SECRET),
        ("PAGERDUTY_KEY", "0123456789abcdef0123456789abcdef"),
        ("ALERTMANAGER_AUTHORIZATION", "Bearer x"),
        ("SMTP_PASSWORD", "x"),
    ];
    for page in ["alerts.md", "alerts.ko.md"] {
        let path = format!("{}/../../docs/{page}", env!("CARGO_MANIFEST_DIR"));
        let text = std::fs::read_to_string(path).unwrap();
        for kind in AlertKind::ALL {
            let row = format!("| `{}` | `{}` |", kind.as_str(), kind.severity().as_str());
            assert!(text.contains(&row), "{page}: {row}");
        }
        let toml = text.split("```toml\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
        let mut shop = Shop::open();
        shop.project = shop.project.with_env(env);
        shop.project.write("lockkeeper.toml", toml);
        let status = shop.run("notify status").expect(0).json();
        let kinds: Vec<_> = status["receivers"].as_array().unwrap().iter().map(|it| it["kind"].as_str()).collect();
        let all = ["slack", "webhook", "pagerduty", "alertmanager", "email", "command"].map(Some);
        assert_eq!(kinds, all, "{page}");
    }
}
