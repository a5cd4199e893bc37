//! Behind `PgBouncer` in transaction mode, while others use the pool.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use lockkeeper_testkit::Pooler;

use crate::shop::{Run, Shop, wait_until};

/// Few enough that ours and the load's transactions keep meeting the same sessions.
const CONNECTIONS: u32 = 3;

/// Other clients of the pool, busy until this is dropped.
struct Load {
    stop: Arc<AtomicBool>,
    done: Arc<AtomicU32>,
    clients: Vec<JoinHandle<()>>,
}

/// Short transactions, as applications have them. They hold up under what the others set.
const SHORT: [&str; 2] = [
    "BEGIN READ WRITE; SET LOCAL lock_timeout = 0; SET LOCAL statement_timeout = 0; \
     INSERT INTO public.traffic (note) VALUES ('x'); COMMIT",
    "SELECT pg_catalog.count(*) FROM public.traffic WHERE id < 10",
];

/// What clients of such a pool should not do, and do.
const SETTING: [&str; 7] = [
    "SET search_path = elsewhere",
    "SET default_transaction_read_only = on",
    "SET lock_timeout = '1ms'",
    "SET statement_timeout = '40ms'",
    "SET default_transaction_isolation = 'serializable'",
    "SET ROLE weak_client",
    "SET idle_in_transaction_session_timeout = '20ms'",
];

impl Load {
    /// `kinds` are lists of statements; one client for each runs them again and again.
    fn start(shop: &Shop, pooler: &Pooler, kinds: &[&'static [&'static str]]) -> Self {
        let (stop, done) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU32::new(0)));
        let start = |statements: &&'static [&'static str]| {
            let (session, stop, done) = (pooler.session(&shop.database), Arc::clone(&stop), Arc::clone(&done));
            let statements = *statements;
            std::thread::spawn(move || {
                for statement in statements.iter().cycle() {
                    if stop.load(Ordering::Relaxed) {
                        return;
                    }
                    session.execute(statement);
                    done.fetch_add(1, Ordering::Relaxed);
                    std::thread::sleep(Duration::from_millis(2));
                }
            })
        };
        let clients = kinds.iter().map(start).collect();
        let load = Self { stop, done, clients };
        wait_until("the load runs", || load.done.load(Ordering::Relaxed) > 30);
        load
    }

    /// Ends it; a client that failed fails the test.
    fn end(mut self) {
        self.stop.store(true, Ordering::Relaxed);
        for client in std::mem::take(&mut self.clients) {
            client.join().unwrap();
        }
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

/// A shop behind a pooler, and what the load works on.
fn open() -> (Shop, Pooler) {
    let pooler = Pooler::start(CONNECTIONS);
    let shop = Shop::open().behind(&pooler);
    shop.database.execute(
        "CREATE TABLE traffic (id bigint GENERATED ALWAYS AS IDENTITY, note text);
         DO $$ BEGIN CREATE ROLE weak_client; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$;
         GRANT ALL ON traffic TO weak_client",
    );
    (shop, pooler)
}

/// Migrations of both stages and of every way of running, some of which set something for their session.
fn journey(shop: &Shop) {
    shop.customers();
    shop.pair(
        "03_add_settings",
        "SELECT pg_catalog.set_config('search_path', 'shop, public', false);\nSET lock_timeout = '7s';\n\
         SET app.tenant = 'a';\nSET work_mem = '9MB';\nCREATE SCHEMA shop;\nCREATE TABLE orders (id int);\n\
         SET ROLE pg_read_all_data;\n",
        "DROP SCHEMA shop CASCADE;\n",
    );
    shop.pair(
        "04_add_email_index",
        "CREATE INDEX CONCURRENTLY customers_by_email ON customers (email);\n",
        "DROP INDEX CONCURRENTLY customers_by_email;\n",
    );
    shop.pair(
        "05_add_notes",
        "-- lockkeeper: no-transaction\nCREATE TABLE notes (id int);\nCREATE INDEX CONCURRENTLY notes_by_id ON notes (id);\n\
         SET work_mem = '8MB';\nINSERT INTO notes VALUES (1);\n",
        "DROP TABLE notes;\n",
    );
}

/// The whole way there and back; `stage1` are the migrations of the first stage.
fn walk(shop: &Shop, stage1: &[i64]) {
    shop.admin();
    shop.run("status").expect(0);
    shop.run("plan").expect(0);
    shop.run("stage1").expect(0);
    assert_eq!(shop.applied(), stage1);
    assert!(shop.exists("shop.orders"));
    shop.run("deployed --version 1.0").expect(0);
    shop.approve().expect(0);
    shop.run("stage2").expect(0);
    assert_eq!(shop.applied(), [stage1, &[2]].concat());
    assert_eq!(invalid_indexes(shop), 0);
    shop.run("status").expect(0);
    shop.run("rollback before_schema_add --past-stage2 --accept-loss --yes --reason back").expect(0);
    assert_eq!(shop.applied(), Vec::<i64>::new());
    for gone in ["customers", "customers_by_email", "notes", "shop.orders"] {
        assert!(!shop.exists(gone), "{gone}");
    }
    shop.run("log --verify").expect(0);
}

fn invalid_indexes(shop: &Shop) -> usize {
    shop.count("pg_index WHERE NOT indisvalid")
}

fn expire_lease(shop: &Shop) {
    shop.database.execute("UPDATE lockkeeper.lease SET expires_at = '-infinity'");
}

// ── the whole way ──────────────────────────────────────────────────────────────────────────────

#[test]
fn the_whole_way_leaves_the_pools_sessions_as_they_were() {
    let (shop, pooler) = open();
    // One client has each session of the pool at once and sets something; after ours it must find the same.
    let clients: Vec<_> = (0..CONNECTIONS).map(|_| pooler.session(&shop.database)).collect();
    let in_each = |sql: &str| -> Vec<String> {
        for client in &clients {
            client.execute("BEGIN");
        }
        let mut found: Vec<_> = clients.iter().map(|client| client.value(sql)).collect();
        for client in &clients {
            client.execute("COMMIT");
        }
        found.sort();
        found
    };
    in_each("SELECT set_config('work_mem', '5MB', false), set_config('app.pool', pg_backend_pid()::text, false)");
    let settings = "SELECT concat_ws(' ', pg_backend_pid(), current_user, session_user, (SELECT string_agg(name || '=' || setting, ' ' \
                    ORDER BY name) FROM pg_settings WHERE source = 'session' AND setting <> reset_val AND name NOT IN ('application_name', 'client_encoding')), \
                    nullif(current_setting('app.tenant', true), ''), current_setting('app.pool', true), current_setting('client_encoding'))";
    let before = in_each(settings);
    assert!(before[0].contains("work_mem=5120"), "{before:?}");
    journey(&shop);
    walk(&shop, &[1, 3, 4, 5]);
    assert_eq!(in_each(settings), before);
    assert_eq!(shop.count("pg_locks WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"), 0);
}

#[test]
fn the_whole_way_under_load_that_sets_what_it_likes() {
    let (shop, pooler) = open();
    shop.database.execute("CREATE SCHEMA elsewhere");
    let load = Load::start(&shop, &pooler, &[&SHORT, &SETTING, &SHORT]);
    journey(&shop);
    shop.remove("04_add_email_index").remove("05_add_notes");
    walk(&shop, &[1, 3]);
    load.end();
}

#[test]
fn an_index_that_others_settings_spoil_is_cleared_away_and_built_later() {
    let (shop, pooler) = open();
    shop.database.execute("CREATE SCHEMA elsewhere");
    let load = Load::start(&shop, &pooler, &[&SHORT, &SETTING]);
    index(&shop);
    // Whichever session it gets, somebody has set something in there.
    let run = shop.run("stage1");
    if run.code != Some(0) {
        let run = run.expect(3);
        assert!(run.hints().contains(&"pooler-session-hint".to_owned()), "{run}");
    }
    assert_eq!(invalid_indexes(&shop), 0);
    load.end();
    let fresh = Pooler::start(CONNECTIONS);
    let shop = shop.behind(&fresh);
    shop.run("stage1").expect(0);
    assert_eq!((shop.applied(), invalid_indexes(&shop)), (vec![1, 2], 0));
}

#[test]
fn what_is_rewritten_into_safe_steps_goes_through_too() {
    let (shop, pooler) = open();
    shop.database.execute(
        "CREATE TABLE people (id int PRIMARY KEY, name text); INSERT INTO people SELECT i, 'x' FROM generate_series(1, 20000) i;
         ANALYZE people",
    );
    let load = Load::start(&shop, &pooler, &[&SHORT, &SHORT]);
    shop.pair(
        "01_add_people_key",
        "ALTER TABLE people ADD key uuid DEFAULT gen_random_uuid();\n",
        "ALTER TABLE people DROP key;\n",
    );
    shop.pair("02_add_people_index", "CREATE INDEX people_by_name ON people (name);\n", "DROP INDEX people_by_name;\n");
    shop.run("stage1").expect(0);
    assert_eq!((shop.count("people WHERE key IS NULL"), invalid_indexes(&shop)), (0, 0));
    assert!(shop.exists("people_by_name"));
    shop.run("status").expect(0);
    let keys = |shop: &Shop| shop.database.query("SELECT id, key FROM people ORDER BY id");
    let written = keys(&shop);
    shop.run("rollback before_schema_add --yes").expect(0);
    assert_eq!((shop.applied(), shop.exists("people_by_name")), (vec![], false));
    shop.run("status").expect(0);
    // What was kept goes back through it as well.
    shop.run("stage1").expect(0);
    assert_eq!(keys(&shop), written);
    load.end();
}

#[test]
fn a_failure_a_stop_and_the_next_run() {
    let (shop, pooler) = open();
    let load = Load::start(&shop, &pooler, &[&SHORT, &SHORT]);
    shop.pair("01_create_a", "CREATE TABLE a (id int)", "DROP TABLE a");
    shop.pair("02_create_b", "SET work_mem = '9MB';\nCREATE TABLE b (id no_such_type)", "DROP TABLE b");
    shop.run("stage1").refused(3, "migration-failed").at("migrations/02_create_b_up.sql:2:20");
    shop.pair("02_create_b", "CREATE TABLE b (id int);\nSELECT pg_sleep(60)", "DROP TABLE b");
    let running = shop.start("stage1");
    let sleeps = "pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'";
    wait_until("it sleeps", || shop.count(sleeps) == 1);
    running.signal("TERM");
    running.wait_for(Duration::from_secs(5)).refused(143, "stopped");
    assert_eq!((shop.applied(), shop.count(sleeps)), (vec![1], 0));
    shop.pair("02_create_b", "CREATE TABLE b (id int)", "DROP TABLE b");
    shop.run("stage1").expect(0);
    assert_eq!(shop.applied(), [1, 2]);
    load.end();
}

#[test]
fn whoever_blocks_is_named() {
    let (shop, _pooler) = open();
    shop.project.write("lockkeeper.toml", "[limits]\nlock_timeout = \"300ms\"\nlock_attempts = 2\n");
    shop.pair("01_add_mark", "ALTER TABLE traffic ADD mark text", "ALTER TABLE traffic DROP mark");
    let reader = shop.database.session();
    reader.execute("SET application_name = 'night report'; BEGIN; SELECT * FROM traffic");
    shop.say("stage1").expect(4).says(&["night report"]);
}

// ── outside a transaction ──────────────────────────────────────────────────────────────────────

#[test]
fn what_would_need_a_setting_is_refused_before_anything_runs() {
    let (shop, _pooler) = open();
    shop.pair("01_create_a", "CREATE TABLE a (id int)", "DROP TABLE a");
    for (up, id) in [
        ("VACUUM FULL traffic;\n", "pooler-strong-lock"),
        (
            "-- lockkeeper: no-transaction\nSET search_path = public;\nCREATE INDEX CONCURRENTLY i ON traffic (note);\n",
            "pooler-setting",
        ),
    ] {
        shop.pair("02_modify_traffic", up, "SELECT 1");
        let run = shop.run("stage1").refused(1, id);
        assert_eq!(run.hints(), ["pooler-hint"]);
        assert!(!shop.exists("a"));
    }
}

#[test]
fn a_name_that_a_search_path_could_lead_astray_must_bear_its_schema() {
    let (shop, _pooler) = open();
    shop.database.execute("CREATE SCHEMA tenant; CREATE TABLE tenant.traffic (note text)");
    shop.pair("01_add_index", "CREATE INDEX CONCURRENTLY by_note ON traffic (note);\n", "DROP INDEX by_note");
    let run = shop.run("stage1").refused(1, "pooler-ambiguous").at("migrations/01_add_index_up.sql:1:1");
    assert!(run.error()["text"].as_str().unwrap().contains("public, tenant"), "{run}");
    shop.pair(
        "01_add_index",
        "CREATE INDEX CONCURRENTLY by_note ON public.traffic (note);\n",
        "DROP INDEX public.by_note",
    );
    shop.run("stage1").expect(0);
    assert!(shop.exists("public.by_note") && !shop.exists("tenant.by_note"));
}

// ── two at once ────────────────────────────────────────────────────────────────────────────────

/// An index on a table that a transaction of somebody else has written to, so that building it waits.
fn index(shop: &Shop) {
    shop.pair(
        "01_add_index",
        "CREATE INDEX CONCURRENTLY by_note ON traffic (note);\n",
        "DROP INDEX CONCURRENTLY by_note;\n",
    );
    shop.pair("02_create_a", "CREATE TABLE a (id int)", "DROP TABLE a");
}

fn building(shop: &Shop) -> bool {
    shop.count(
        "pg_stat_activity WHERE datname = current_database() AND state = 'active' \
         AND query LIKE 'CREATE INDEX%' AND wait_event_type = 'Lock'",
    ) == 1
}

/// Two runners on one index that has to wait: the second gives up or waits, and blocks nothing meanwhile.
fn two_runners_and_an_index(shop: &Shop) {
    index(shop);
    let blocker = shop.database.session();
    blocker.execute("BEGIN; INSERT INTO traffic (note) VALUES ('x')");
    let first = shop.start("stage1");
    wait_until("the index waits", || building(shop));
    shop.run("stage1").refused(4, "lease-busy");
    let second = shop.start("stage1 --wait");
    blocker.execute("COMMIT");
    first.wait().expect(0);
    second.wait().expect(0);
    assert_eq!((shop.applied(), invalid_indexes(shop)), (vec![1, 2], 0));
    assert_eq!(shop.events().iter().filter(|kind| *kind == "migration_applied").count(), 2);
}

#[test]
fn two_runners_and_an_index_straight() {
    let (shop, _) = open();
    let shop = Shop::on(shop.database);
    two_runners_and_an_index(&shop);
}

#[test]
fn two_runners_and_an_index_through_the_pooler() {
    let (shop, pooler) = open();
    let load = Load::start(&shop, &pooler, &[&SHORT, &SHORT]);
    two_runners_and_an_index(&shop);
    load.end();
}

#[test]
fn many_runners_that_start_at_the_same_moment() {
    for pooled in [false, true] {
        let (shop, pooler) = open();
        let shop = if pooled { shop } else { Shop::on(shop.database) };
        let load = Load::start(&shop, &pooler, &[&SHORT]);
        index(&shop);
        let waiting: Vec<_> = (0..4).map(|_| shop.start("stage1 --wait")).collect();
        let others: Vec<_> = (0..2).map(|_| shop.start("stage1")).collect();
        for runner in waiting {
            runner.wait().expect(0);
        }
        for runner in others {
            let run: Run = runner.wait();
            assert!(matches!(run.code, Some(0 | 4)), "{run}");
        }
        assert_eq!((shop.applied(), invalid_indexes(&shop)), (vec![1, 2], 0));
        assert_eq!(shop.events().iter().filter(|kind| *kind == "migration_applied").count(), 2);
        load.end();
    }
}

// ── holders that died or slept ─────────────────────────────────────────────────────────────────

#[test]
fn a_killed_runner_leaves_nothing_locked_in_the_pool() {
    let (shop, pooler) = open();
    let load = Load::start(&shop, &pooler, &[&SHORT]);
    shop.pair("01_create_a", "CREATE TABLE a (id int);\nSELECT pg_sleep(4)", "DROP TABLE a");
    let running = shop.start("stage1");
    let sleeps = "pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'";
    wait_until("it sleeps", || shop.count(sleeps) == 1);
    let pid = running.pid().to_string();
    running.signal("KILL");
    running.wait();
    let busy = shop.run("stage1").refused(4, "lease-busy");
    assert!(busy.error()["text"].as_str().unwrap().contains(&pid), "{busy}");
    // The pooler sees the client gone and hangs up on the server session, which ends its transaction.
    wait_until("nothing of it runs", || shop.count(sleeps) == 0);
    expire_lease(&shop);
    shop.pair("01_create_a", "CREATE TABLE a (id int)", "DROP TABLE a");
    shop.run("stage1").expect(0);
    assert_eq!((shop.applied(), shop.count("pg_locks WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())")), (vec![1], 0));
    load.end();
}

#[test]
fn a_runner_killed_while_it_builds_an_index_is_taken_over() {
    let (shop, pooler) = open();
    let load = Load::start(&shop, &pooler, &[&SHORT]);
    index(&shop);
    let blocker = shop.database.session();
    blocker.execute("BEGIN; INSERT INTO traffic (note) VALUES ('x')");
    let running = shop.start("stage1");
    wait_until("the index waits", || building(&shop));
    running.signal("KILL");
    running.wait();
    shop.database.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'CREATE INDEX%' AND datname = current_database()");
    wait_until("the server is done with it", || !building(&shop));
    assert_eq!(invalid_indexes(&shop), 1);
    blocker.execute("COMMIT");
    expire_lease(&shop);
    shop.run("stage1").expect(0);
    assert_eq!((shop.applied(), invalid_indexes(&shop)), (vec![1, 2], 0));
    load.end();
}

#[test]
fn a_holder_that_lost_its_lease_is_fenced_through_the_pooler_too() {
    let (shop, pooler) = open();
    let load = Load::start(&shop, &pooler, &[&SHORT]);
    index(&shop);
    let blocker = shop.database.session();
    blocker.execute("BEGIN; INSERT INTO traffic (note) VALUES ('x')");
    let running = shop.start("stage1");
    wait_until("the index waits", || building(&shop));
    shop.database.execute(
        "UPDATE lockkeeper.lease SET term = term + 1, holder = 'other', expires_at = now() + interval '1 hour'",
    );
    let before = shop.events();
    blocker.execute("COMMIT");
    running.wait().refused(4, "lease-lost");
    assert_eq!((shop.events(), shop.exists("a")), (before, false));
    expire_lease(&shop);
    shop.run("stage1").expect(0);
    assert_eq!((shop.applied(), invalid_indexes(&shop)), (vec![1, 2], 0));
    load.end();
}
