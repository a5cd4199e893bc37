//! `release`: the whole journey on a real database, with a real application behind real HTTP, under traffic.

mod approval;
mod asked;
mod back;
mod diagram;
mod forward;
mod github;
mod kits;
mod points;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use lockkeeper_engine::postgres::PrivateServer;
use lockkeeper_testkit::{Code, Database, Seen, Storefront, Traffic};
use serde_json::Value;

use crate::shop::{APPROVE, Running, Shop};

/// The judgement of the floor alone, on windows of a second, of which 10 requests are enough.
const QUICK: &str = "[health]\nrules = [\"floor\"]\ninterval = \"1s\"\nmin_samples = 10\nwarm_up = \"0s\"\n";

/// A shop whose release 1 is running, under traffic.
pub struct Release {
    pub shop: Shop,
    /// Serves as long as this lives.
    store: Storefront,
    traffic: Option<Traffic>,
}

/// Version 1 reads `name`, version 2 `full_name`; `bad` is version 2 that fails for one request in five, and `late` still
/// reads what stage 2 removes.
const V1: &str = "SELECT name FROM customers LIMIT 1";
const V2: &str = "SELECT full_name FROM customers LIMIT 1";

impl Release {
    /// Migrations that split the name column; version 1 runs.
    pub fn open() -> Self {
        Self::with("")
    }

    /// The same, with more in `lockkeeper.toml`.
    pub fn with(more: &str) -> Self {
        Self::on(Shop::open(), "8s", more)
    }

    /// The same without watches, so that all of it takes a moment; and with a server of the test's own, where it is
    /// given.
    pub fn unwatched(server: Option<&PrivateServer>, more: &str) -> Self {
        Self::on(server.map_or_else(Shop::open, |server| Shop::on(Database::create_on(server))), "0s", more)
    }

    /// The same as [`Self::with`], with a server of the test's own, where it is given.
    pub fn watched(server: Option<&PrivateServer>, more: &str) -> Self {
        Self::on(server.map_or_else(Shop::open, |server| Shop::on(Database::create_on(server))), "8s", more)
    }

    fn on(shop: Shop, watch: &str, more: &str) -> Self {
        shop.database.execute(
            "CREATE TABLE customers (id bigint PRIMARY KEY, name text); \
             INSERT INTO customers SELECT n, 'customer ' || n FROM generate_series(1, 100) n",
        );
        shop.pair(
            "01_add_full_name",
            "ALTER TABLE customers ADD COLUMN full_name text;\n",
            "ALTER TABLE customers DROP COLUMN full_name;\n",
        );
        shop.pair(
            "02_remove_name",
            "ALTER TABLE customers DROP COLUMN name;\n",
            "ALTER TABLE customers ADD COLUMN name text;\n",
        );
        shop.admin();
        let version = shop.project.path().join("version");
        std::fs::write(&version, "1").unwrap();
        let codes = [
            ("1", Code::running(V1)),
            ("2", Code::running(V2)),
            ("bad", Code::running(V2).failing_every(5)),
            ("late", Code::running("SELECT full_name, name FROM customers LIMIT 1")),
        ];
        let store = Storefront::start(shop.database.target(), &version, &codes);
        let baseline = if watch == "0s" { "0s" } else { "3s" };
        let settings = format!(
            "{QUICK}\n[[health.counters]]\nname = \"shop\"\nurl = \"{}\"\nevery = \"100ms\"\nrequests = \"/requests\"\n\
             errors = \"/errors\"\n\n[release]\nwatch = \"{watch}\"\nsettle = \"{watch}\"\nverify = false\nbaseline = \"{baseline}\"\ncool_down = \"0s\"\n\n\
             [hooks.deploy]\nrun = \"cd {folder}; echo deploy $LOCKKEEPER_VERSION $LOCKKEEPER_IDEMPOTENCY_KEY >> calls; echo $LOCKKEEPER_VERSION > next; mv next version\"\n\
             [hooks.rollback_app]\nrun = \"cd {folder}; echo rollback $LOCKKEEPER_VERSION >> calls; echo $LOCKKEEPER_VERSION > next; mv next version\"\n{more}",
            store.url("/counters"),
            // Whoever drives it from another clone deploys the same application.
            folder = shop.project.path().display()
        );
        shop.project.write("lockkeeper.toml", &settings);
        let traffic = store.traffic(50);
        Self { shop, store, traffic: Some(traffic) }
    }

    /// Where a breach ends the watch: it may take its time on a busy machine.
    pub fn patient(self) -> Self {
        let settings = self.shop.project.read("lockkeeper.toml").replace("\"8s\"", "\"60s\"");
        self.shop.project.write("lockkeeper.toml", &settings);
        self
    }

    pub fn start(&self, version: &str) -> crate::shop::Run {
        self.shop.run(&format!("release start --version {version} --previous 1"))
    }

    pub fn begin(&self, version: &str) -> Running {
        self.shop.start(&format!("release start --version {version} --previous 1"))
    }

    pub fn resume(&self) -> crate::shop::Run {
        self.shop.run("release resume")
    }

    pub fn approve(&self) {
        self.shop.run(APPROVE).expect(0);
    }

    pub fn state(&self) -> String {
        self.shop
            .database
            .value("SELECT coalesce((SELECT state FROM lockkeeper.releases ORDER BY id DESC LIMIT 1), 'none')")
    }

    pub fn status(&self) -> Value {
        self.shop.run("release status").expect(0).json()
    }

    /// The version that answers.
    pub fn version(&self) -> String {
        self.shop.project.read("version").trim().to_owned()
    }

    /// What the hooks were asked for, in order.
    pub fn calls(&self) -> Vec<String> {
        let path: PathBuf = self.shop.project.path().join("calls");
        let calls = std::fs::read_to_string(path).unwrap_or_default();
        calls.lines().map(|line| line.split(' ').take(2).collect::<Vec<_>>().join(" ")).collect()
    }

    /// The keys that the deploy was asked for with.
    pub fn deploy_keys(&self) -> BTreeSet<String> {
        let calls = std::fs::read_to_string(self.shop.project.path().join("calls")).unwrap_or_default();
        let deploys = calls.lines().filter(|line| line.starts_with("deploy "));
        deploys.filter_map(|line| line.split(' ').nth(2)).map(str::to_owned).collect()
    }

    /// What the clients saw, from the beginning to now.
    pub fn seen(&mut self) -> Seen {
        self.traffic.take().unwrap().end()
    }

    /// What the clients saw until now, and traffic that begins anew.
    pub fn begin_traffic(&mut self) -> Seen {
        let seen = self.seen();
        self.traffic = Some(self.store.traffic(50));
        seen
    }

    /// Waits until the release is in a state.
    pub fn wait_for(&self, state: &str) {
        let began = Instant::now();
        loop {
            let is_there = self.shop.has_ledger() && self.state() == state;
            if is_there {
                return;
            }
            assert!(began.elapsed() < Duration::from_mins(1), "never {state}, but {}", self.state());
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// A moment that the database knows, in seconds since 1970.
    pub fn seconds(&self, sql: &str) -> f64 {
        self.shop.database.value(&format!("SELECT extract(epoch FROM ({sql}))")).parse().unwrap()
    }

    pub fn columns(&self) -> String {
        self.shop.database.value(
            "SELECT string_agg(attname, ' ' ORDER BY attname) FROM pg_attribute \
             WHERE attrelid = 'customers'::regclass AND attnum > 0 AND NOT attisdropped",
        )
    }

    /// Nobody waits for the term of a killed driver to run out in a test.
    pub fn expire(&self) {
        self.shop.database.execute(
            "UPDATE lockkeeper.journeys SET expires_at = now(); UPDATE lockkeeper.watches SET expires_at = now(); \
             UPDATE lockkeeper.lease SET expires_at = now()",
        );
    }
}
