//! Schemas that others changed behind our back.

use std::time::Duration;

use serde_json::Value;

use crate::shop::{Shop, wait_until};

/// A schema with something of most kinds, left by a stage 1.
fn left() -> Shop {
    let shop = Shop::open();
    shop.pair(
        "01_create_customers",
        "CREATE TYPE mood AS ENUM ('calm', 'cross');
         CREATE DOMAIN email AS text CHECK (VALUE LIKE '%@%');
         CREATE TABLE customers (id bigserial PRIMARY KEY, name text NOT NULL, mail email, feels mood, age int,
             CONSTRAINT of_age CHECK (age >= 18), born int GENERATED ALWAYS AS (2000 - age) STORED);
         CREATE INDEX customers_by_name ON customers (name);
         CREATE TABLE orders (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, customer bigint REFERENCES customers);
         CREATE VIEW adults AS SELECT id, name FROM customers WHERE age > 20;
         CREATE MATERIALIZED VIEW ages AS SELECT age, count(*) FROM customers GROUP BY age;
         CREATE SEQUENCE numbers;
         CREATE FUNCTION total(a int) RETURNS int LANGUAGE sql AS 'SELECT a';
         CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END';
         CREATE TRIGGER touched BEFORE UPDATE ON customers FOR EACH ROW EXECUTE FUNCTION touch();
         CREATE POLICY own ON orders USING (customer > 0);
         CREATE TABLE events (at date, what text) PARTITION BY RANGE (at);
         CREATE TABLE events_p1 PARTITION OF events FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
         CREATE SCHEMA jobs; CREATE TABLE jobs.queue (id int);",
        "SELECT 1",
    );
    shop.run("stage1").expect(0);
    shop.pair("02_create_a", "CREATE TABLE a (id int)", "DROP TABLE a");
    shop
}

/// What `status` calls different: `changed table public.customers`.
#[track_caller]
fn drift(shop: &Shop) -> Vec<String> {
    let run = shop.run("status");
    // Null where nothing was ever recorded, or cannot be compared now.
    let found = run.json()["drift"].as_array().cloned().unwrap_or_default();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let told = found.iter().map(|it| format!("{} {} {}", text(&it["change"]), text(&it["kind"]), text(&it["object"])));
    let told: Vec<_> = told.collect();
    assert_eq!(run.code, Some(i32::from(!told.is_empty())), "{run}");
    told
}

// ── what is noticed ────────────────────────────────────────────────────────────────────────────

#[test]
fn whatever_is_changed_by_hand_is_named_and_refused_until_it_is_undone() {
    let shop = left();
    for (change, undo, told) in [
        ("ALTER TABLE customers ADD fax text", "ALTER TABLE customers DROP fax", "changed table public.customers"),
        (
            "ALTER TABLE customers ALTER name DROP NOT NULL",
            "ALTER TABLE customers ALTER name SET NOT NULL",
            "changed table public.customers",
        ),
        (
            "ALTER TABLE customers ALTER age SET DEFAULT 7",
            "ALTER TABLE customers ALTER age DROP DEFAULT",
            "changed table public.customers",
        ),
        (
            "DROP INDEX customers_by_name",
            "CREATE INDEX customers_by_name ON customers (name)",
            "changed table public.customers",
        ),
        (
            "ALTER TABLE customers DROP CONSTRAINT of_age",
            "ALTER TABLE customers ADD CONSTRAINT of_age CHECK (age >= 18)",
            "changed table public.customers",
        ),
        (
            "ALTER TABLE orders DROP CONSTRAINT orders_customer_fkey",
            "ALTER TABLE orders ADD FOREIGN KEY (customer) REFERENCES customers",
            "changed table public.orders",
        ),
        (
            "ALTER TABLE customers DISABLE TRIGGER touched",
            "ALTER TABLE customers ENABLE TRIGGER touched",
            "changed table public.customers",
        ),
        (
            "ALTER TABLE orders ENABLE ROW LEVEL SECURITY",
            "ALTER TABLE orders DISABLE ROW LEVEL SECURITY",
            "changed table public.orders",
        ),
        (
            "DROP POLICY own ON orders",
            "CREATE POLICY own ON orders USING (customer > 0)",
            "changed table public.orders",
        ),
        (
            "CREATE OR REPLACE FUNCTION total(a int) RETURNS int LANGUAGE sql AS 'SELECT a + 1'",
            "CREATE OR REPLACE FUNCTION total(a int) RETURNS int LANGUAGE sql AS 'SELECT a'",
            "changed function public.total(a integer)",
        ),
        (
            "CREATE OR REPLACE VIEW adults AS SELECT id, name FROM customers WHERE age > 21",
            "CREATE OR REPLACE VIEW adults AS SELECT id, name FROM customers WHERE age > 20",
            "changed view public.adults",
        ),
        ("CREATE TABLE public.by_hand (id int)", "DROP TABLE by_hand", "appeared table public.by_hand"),
        ("DROP SEQUENCE numbers", "CREATE SEQUENCE numbers", "vanished sequence public.numbers"),
        ("ALTER SEQUENCE numbers INCREMENT 2", "ALTER SEQUENCE numbers INCREMENT 1", "changed sequence public.numbers"),
        ("ALTER DOMAIN email SET NOT NULL", "ALTER DOMAIN email DROP NOT NULL", "changed domain public.email"),
        ("CREATE SCHEMA elsewhere", "DROP SCHEMA elsewhere", "appeared schema elsewhere"),
        ("CREATE EXTENSION pgcrypto", "DROP EXTENSION pgcrypto", "appeared extension pgcrypto"),
        (
            "CREATE TABLE events_p2 PARTITION OF events FOR VALUES FROM ('2025-01-01') TO ('2026-01-01')",
            "DROP TABLE events_p2",
            "appeared table public.events_p2",
        ),
    ] {
        // An extension that is not packaged here cannot be created by hand either.
        if change.contains("EXTENSION") && shop.count("pg_available_extensions WHERE name = 'pgcrypto'") == 0 {
            continue;
        }
        shop.database.execute(change);
        assert_eq!(drift(&shop), [told], "{change}");
        let run = shop.run("stage1").refused(1, "schema-drift");
        assert_eq!(run.hints()[0], "schema-drift-accept-hint");
        assert_eq!(shop.applied(), [1]);
        shop.database.execute(undo);
        assert_eq!(drift(&shop), Vec::<String>::new(), "{undo}");
    }
    shop.run("stage1").expect(0);
    assert_eq!(shop.applied(), [1, 2]);
}

#[test]
fn what_changes_by_itself_is_no_drift() {
    let shop = left();
    shop.database.execute(
        "INSERT INTO customers (name, age) SELECT 'x', 30 FROM generate_series(1, 1000); SELECT nextval('numbers');
         REFRESH MATERIALIZED VIEW ages; TRUNCATE orders; CLUSTER customers USING customers_pkey; REINDEX TABLE customers;
         CREATE TEMPORARY TABLE scratch (id int); COMMENT ON TABLE customers IS 'people';
         GRANT SELECT ON customers TO pg_monitor; ALTER TABLE customers ALTER name SET STATISTICS 500",
    );
    shop.database.execute("VACUUM FULL customers");
    shop.database.execute("ANALYZE");
    assert_eq!(drift(&shop), Vec::<String>::new());
    shop.run("stage1").expect(0);
}

#[test]
fn people_are_shown_what_appeared_and_what_vanished() {
    let shop = left();
    shop.database
        .execute("ALTER TABLE customers DROP CONSTRAINT of_age, ADD fax varchar(20) NOT NULL; DROP FUNCTION total");
    shop.say("status").expect(1).says(&[
        "2 objects are not as it left them",
        "changed: table public.customers",
        "- constraint of_age CHECK ((age >= 18))",
        "+ column fax character varying(20) not null",
        "vanished: function public.total(a integer)",
        "lockkeeper stage1 --accept-drift \"public.customers\" --reason",
    ]);
    shop.say("stage1 --lang ko").expect(1).says(&["모르게 스키마가 바뀌었습니다", "바뀜: table public.customers"]);
}

#[test]
fn it_is_noticed_before_stage_2_while_the_release_waits() {
    let shop = Shop::awaiting_approval();
    shop.admin();
    shop.approve().expect(0);
    shop.database.execute("CREATE VIEW report AS SELECT email FROM customers");
    let before = (shop.database.dump(), shop.events());
    shop.run("stage2").refused(1, "schema-drift");
    assert_eq!((shop.database.dump(), shop.events()), before);
    shop.run("stage2 --accept-drift public.report --reason \"the report of finance\"").expect(0);
    assert_eq!(shop.applied(), [1, 2]);
    assert_eq!(drift(&shop), Vec::<String>::new());
}

// ── accepting ──────────────────────────────────────────────────────────────────────────────────

#[test]
fn what_is_accepted_by_name_and_reason_is_taken_and_logged() {
    let shop = left();
    shop.database.execute("CREATE TABLE one (id int); CREATE TABLE two (id int); DROP VIEW adults");
    shop.run("stage1 --accept-drift public.one").expect(2);
    shop.run("stage1 --accept-drift public.one --reason \" \"").refused(2, "schema-accept-reason-empty");
    let run = shop.run("stage1 --accept-drift public.on --reason typed").refused(2, "schema-accept-unknown");
    assert!(
        run.error()["hints"][0]["text"].as_str().unwrap().contains("public.adults, public.one, public.two"),
        "{run}"
    );
    let run =
        shop.run("stage1 --accept-drift public.one --accept-drift \"view public.adults\" --reason \"night shift\"");
    run.refused(1, "schema-drift");
    assert_eq!(drift(&shop), ["appeared table public.two"]);
    let payload = shop.database.value("SELECT payload FROM lockkeeper.events WHERE kind = 'drift_accepted'");
    for part in ["table public.one", "view public.adults", "vanished", "night shift"] {
        assert!(payload.contains(part), "{payload}");
    }
    shop.run("stage1 --accept-drift public.two --reason \"the rest\"").expect(0);
    assert_eq!((drift(&shop), shop.applied()), (vec![], vec![1, 2]));
    // With nothing to run, it can be accepted all the same.
    shop.database.execute("DROP TABLE one");
    shop.run("stage1 --accept-drift public.one --reason \"gone again\"").expect(0);
    assert_eq!(drift(&shop), Vec::<String>::new());
    shop.run("stage1 --accept-drift public.one --reason again").refused(2, "schema-accept-unknown");
    shop.run("log --verify").expect(0);
}

#[test]
fn what_the_configuration_ignores_is_nobodys_business() {
    let shop = left();
    shop.project.write("lockkeeper.toml", "[drift]\nignore = [\"public.events_p*\", \"jobs.*\"]\n");
    shop.database.execute(
        "CREATE TABLE events_p2 PARTITION OF events FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
         DROP TABLE events_p1; CREATE TABLE jobs.dead (id int); DROP TABLE jobs.queue",
    );
    assert_eq!(drift(&shop), Vec::<String>::new());
    shop.run("stage1").expect(0);
    shop.database.execute("CREATE TABLE events_archive (id int)");
    assert_eq!(drift(&shop), ["appeared table public.events_archive"]);
    shop.project.write("lockkeeper.toml", "[drift]\nignored = []\n");
    shop.run("status").refused(2, "settings-file-unknown-key");
}

// ── what is ours ───────────────────────────────────────────────────────────────────────────────

#[test]
fn a_database_that_was_there_before_is_taken_as_it_is() {
    let shop = Shop::open();
    shop.database.execute("CREATE TABLE theirs (id int)");
    shop.pair("01_create_a", "CREATE TABLE a (id int)", "DROP TABLE a");
    assert_eq!(drift(&shop), Vec::<String>::new());
    shop.run("stage1").expect(0);
    assert_eq!(drift(&shop), Vec::<String>::new());
    shop.database.execute("DROP TABLE theirs");
    assert_eq!(drift(&shop), ["vanished table public.theirs"]);
}

#[test]
fn a_failure_and_a_rollback_leave_no_drift() {
    let shop = left();
    shop.pair("03_create_b", "CREATE TABLE b (id no_such_type)", "DROP TABLE b");
    shop.run("stage1").refused(3, "migration-failed");
    assert_eq!((shop.applied(), drift(&shop)), (vec![1, 2], vec![]));
    shop.pair(
        "03_create_b",
        "-- lockkeeper: no-transaction\nCREATE TABLE b (id int);\nCREATE INDEX CONCURRENTLY i ON b (no_such_column);\n",
        "DROP TABLE b",
    );
    shop.run("stage1").refused(3, "migration-failed");
    assert!(shop.exists("b"));
    assert_eq!(drift(&shop), Vec::<String>::new());
    shop.run("rollback before_schema_add --yes").expect(0);
    assert_eq!(drift(&shop), Vec::<String>::new());
}

#[test]
fn a_rollback_goes_on_and_leaves_what_others_changed_to_be_told() {
    let shop = left();
    shop.run("stage1 --point later").expect(0);
    shop.pair("03_create_b", "CREATE TABLE b (id int)", "DROP TABLE b");
    shop.run("stage1 --point third").expect(0);
    shop.database.execute("CREATE TABLE by_hand (id int); DROP VIEW adults");
    shop.say("rollback third --yes")
        .expect(0)
        .says(&["appeared: table public.by_hand", "leaves that to the next stage"]);
    assert_eq!((shop.exists("b"), shop.applied()), (false, vec![1, 2]));
    assert_eq!(drift(&shop), ["vanished view public.adults", "appeared table public.by_hand"]);
    shop.run("stage1").refused(1, "schema-drift");
}

#[test]
fn while_a_stage_is_at_work_nothing_is_called_drift() {
    let shop = left();
    shop.pair("03_create_b", "CREATE TABLE b (id int);\nSELECT pg_sleep(60);", "DROP TABLE b");
    let running = shop.start("stage1");
    wait_until("the first is applied", || shop.applied() == [1, 2]);
    assert!(shop.run("status").expect(0).json()["drift"].is_null());
    running.signal("TERM");
    running.wait_for(Duration::from_secs(5)).refused(143, "stopped");
    assert_eq!(drift(&shop), Vec::<String>::new());
}

#[test]
fn what_a_killed_stage_left_is_ours_and_what_came_then_is_not() {
    let shop = left();
    shop.pair(
        "02_create_a",
        "CREATE TABLE a (id serial, mark int); ALTER TABLE customers ADD note text;",
        "DROP TABLE a",
    );
    shop.pair("03_create_b", "CREATE TABLE b (id int);\nSELECT pg_sleep(4);", "DROP TABLE b");
    let running = shop.start("stage1");
    let sleeps = "pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'";
    wait_until("the second sleeps", || shop.count(sleeps) == 1);
    running.signal("KILL");
    running.wait();
    let sessions = "pg_stat_activity WHERE datname = current_database() AND application_name = 'lockkeeper' \
                    AND pid <> pg_backend_pid()";
    wait_until("the server is done with it", || shop.count(sessions) == 0);
    shop.database.execute("UPDATE lockkeeper.lease SET expires_at = '-infinity'");
    assert_eq!((shop.applied(), shop.exists("a"), shop.exists("b")), (vec![1, 2], true, false));
    assert_eq!(drift(&shop), Vec::<String>::new());
    shop.database.execute("CREATE TABLE by_hand (id int); ALTER TABLE orders ADD note text");
    assert_eq!(drift(&shop), ["appeared table public.by_hand", "changed table public.orders"]);
    shop.pair("03_create_b", "CREATE TABLE b (id int)", "DROP TABLE b");
    shop.run("stage1").refused(1, "schema-drift");
    shop.run("stage1 --accept-drift public.by_hand --accept-drift public.orders --reason kept").expect(0);
    assert_eq!((shop.applied(), drift(&shop)), (vec![1, 2, 3], vec![]));
}

#[test]
fn a_dump_and_a_restore_are_no_drift() {
    let shop = left();
    let copy = Shop::on(shop.database.copy());
    for name in ["01_create_customers", "02_create_a"] {
        for direction in ["up", "down"] {
            let file = format!("{name}_{direction}.sql");
            copy.file(&file, &shop.project.read(&format!("migrations/{file}")));
        }
    }
    // Whatever rewrites the catalogues' rows without changing what they say costs the long way, and no more.
    copy.database.execute("UPDATE lockkeeper.schema_state SET stamp = 'of another place'");
    assert_eq!(drift(&copy), Vec::<String>::new());
    copy.run("stage1").expect(0);
}

#[test]
fn another_major_version_spells_definitions_its_own_way() {
    let shop = left();
    shop.database.execute(
        "UPDATE lockkeeper.schema_state SET server_major = server_major - 1, stamp = '';
         UPDATE lockkeeper.schema_objects SET definition = replace(definition, '(', '( ')",
    );
    assert_eq!(drift(&shop), Vec::<String>::new());
    shop.database.execute("CREATE TABLE by_hand (id int)");
    assert_eq!(drift(&shop), ["appeared table public.by_hand"]);
}

#[test]
fn a_view_whose_table_is_locked_cannot_be_compared_and_all_the_rest_is_told() {
    let shop = left();
    shop.database.execute("CREATE TABLE by_hand (id int)");
    let holder = shop.database.session();
    holder.execute("BEGIN; LOCK TABLE customers");
    let run = shop.run("status").expect(0);
    assert!(run.json()["drift"].is_null() && run.json()["migrations"].is_array(), "{run}");
    let run = shop.say("stage1").expect(4);
    run.says(&["the schema could not be compared", "nothing was changed"]);
    holder.execute("COMMIT");
    assert_eq!(drift(&shop), ["appeared table public.by_hand"]);
}

#[test]
fn a_reader_sees_the_same() {
    let shop = left();
    let role = format!("{}_looks", shop.database.name());
    shop.database.execute(&format!(
        "CREATE ROLE {role} LOGIN; GRANT USAGE ON SCHEMA lockkeeper TO {role};
         GRANT SELECT ON ALL TABLES IN SCHEMA lockkeeper TO {role}; CREATE SCHEMA {role} AUTHORIZATION {role}"
    ));
    let by = |line: &str| shop.run(&format!("{line} --user {role}"));
    assert_eq!(by("status").json()["drift"], shop.run("status").json()["drift"]);
    shop.database.execute("ALTER TABLE customers ADD fax text; CREATE TYPE public.color AS ENUM ('red')");
    assert_eq!(by("status").expect(1).json()["drift"], shop.run("status").json()["drift"]);
    assert_eq!(drift(&shop).len(), 3);
    shop.database.execute(&format!("DROP OWNED BY {role} CASCADE; DROP ROLE {role}"));
}

#[test]
fn one_column_among_two_thousand_tables_is_found() {
    let shop = Shop::open();
    let tables = "DO $$ BEGIN FOR i IN 1..2000 LOOP
        EXECUTE format('CREATE TABLE t%s (id int PRIMARY KEY, name text NOT NULL DEFAULT ''x'', at timestamptz)', i);
        IF i % 200 = 0 THEN COMMIT; END IF; END LOOP; END $$";
    shop.database.execute(tables);
    shop.pair("01_create_a", "CREATE TABLE a (id int)", "DROP TABLE a");
    shop.run("stage1").expect(0);
    shop.database.execute("ALTER TABLE t1234 ADD fax text");
    assert_eq!(drift(&shop), ["changed table public.t1234"]);
}
