//! Plain SQL in, safe steps out: the catalog afterwards is the same as psql's, and so is the way back.

use std::time::{Duration, Instant};

use crate::shop::{Shop, wait_until};

/// A table in use, with rows, and others around it.
const SETUP: &str = "
    CREATE TABLE customers (id bigint PRIMARY KEY, email text);
    CREATE TABLE orders (id bigint, customer bigint, name text, state text DEFAULT 'new', amount int, code varchar(20));
    CREATE INDEX orders_by_state ON orders (state);
    CREATE INDEX orders_by_name ON orders (lower(name)) WHERE amount > 3;
    INSERT INTO customers SELECT i, 'c' || i FROM generate_series(1, 50) i;
    INSERT INTO orders SELECT i, 1 + i % 50, 'n' || i, 'new', i, 'x' FROM generate_series(1, 500) i;
    CREATE TABLE events (id bigint, at int NOT NULL, customer bigint, what text) PARTITION BY RANGE (at);
    CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM (0) TO (100);
    CREATE TABLE events_2 PARTITION OF events FOR VALUES FROM (100) TO (200) PARTITION BY RANGE (id);
    CREATE TABLE events_2_a PARTITION OF events_2 FOR VALUES FROM (0) TO (1000000);
    INSERT INTO events SELECT i, i % 200, 1 + i % 50, 'w' FROM generate_series(1, 400) i;
    CREATE MATERIALIZED VIEW totals AS SELECT customer, sum(amount) AS amount FROM orders GROUP BY customer;
    CREATE UNIQUE INDEX totals_by_customer ON totals (customer);
    CREATE TABLE nothing (a int, b int);
";

/// One statement or file, whether steps are made of it, and the script that undoes it.
struct Case {
    up: &'static str,
    down: &'static str,
    /// What the steps hold, in order.
    steps: &'static [&'static str],
}

const NOT_NULL: [&str; 4] = ["CHECK (name IS NOT NULL) NOT VALID", "VALIDATE", "SET NOT NULL", "DROP CONSTRAINT"];

const CASES: &[Case] = &[
    Case {
        up: "ALTER TABLE orders ALTER COLUMN name SET NOT NULL",
        down: "ALTER TABLE orders ALTER COLUMN name DROP NOT NULL",
        steps: &NOT_NULL,
    },
    Case {
        up: "ALTER TABLE orders ADD CONSTRAINT positive CHECK (amount > 0)",
        down: "ALTER TABLE orders DROP CONSTRAINT positive",
        steps: &["ADD CONSTRAINT positive CHECK (amount > 0) NOT VALID", "VALIDATE CONSTRAINT positive"],
    },
    Case {
        up: "ALTER TABLE orders ADD CHECK (amount > 0), ADD CHECK (amount < id + 1), ADD FOREIGN KEY (customer) REFERENCES customers",
        down: "ALTER TABLE orders DROP CONSTRAINT orders_amount_check, DROP CONSTRAINT orders_check, DROP CONSTRAINT orders_customer_fkey",
        steps: &[
            "NOT VALID",
            "VALIDATE CONSTRAINT orders_amount_check",
            "VALIDATE CONSTRAINT orders_check",
            "VALIDATE CONSTRAINT orders_customer_fkey",
        ],
    },
    Case {
        up: "ALTER TABLE orders ADD CONSTRAINT of_customer FOREIGN KEY (customer) REFERENCES customers (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED",
        down: "ALTER TABLE orders DROP CONSTRAINT of_customer",
        steps: &["DEFERRABLE INITIALLY DEFERRED NOT VALID", "VALIDATE"],
    },
    Case {
        up: "ALTER TABLE orders ADD UNIQUE (id, name)",
        down: "ALTER TABLE orders DROP CONSTRAINT orders_id_name_key",
        steps: &["CREATE UNIQUE INDEX CONCURRENTLY orders_id_name_key", "UNIQUE USING INDEX orders_id_name_key"],
    },
    Case {
        up: "ALTER TABLE orders ADD CONSTRAINT \"One Code\" UNIQUE (id) INCLUDE (name) WITH (fillfactor = 70) DEFERRABLE",
        down: "ALTER TABLE orders DROP CONSTRAINT \"One Code\"",
        steps: &["CREATE UNIQUE INDEX CONCURRENTLY \"One Code\"", "USING INDEX \"One Code\" DEFERRABLE"],
    },
    Case {
        up: "ALTER TABLE orders ADD PRIMARY KEY (id)",
        down: "ALTER TABLE orders DROP CONSTRAINT orders_pkey; ALTER TABLE orders ALTER id DROP NOT NULL",
        steps: &[
            "CREATE UNIQUE INDEX CONCURRENTLY orders_pkey",
            "CHECK (id IS NOT NULL) NOT VALID",
            "VALIDATE",
            "PRIMARY KEY USING INDEX orders_pkey",
            "DROP CONSTRAINT lockkeeper",
        ],
    },
    Case {
        up: "CREATE INDEX ON orders (lower(name), amount DESC NULLS LAST) INCLUDE (id) WHERE amount > 2",
        down: "DROP INDEX orders_lower_amount_id_idx",
        steps: &["CREATE INDEX CONCURRENTLY orders_lower_amount_id_idx ON orders"],
    },
    Case {
        up: "CREATE UNIQUE INDEX IF NOT EXISTS by_id ON public.orders USING btree (id) WITH (fillfactor = 80)",
        down: "DROP INDEX by_id",
        steps: &["CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS by_id ON public.orders"],
    },
    Case {
        up: "DROP INDEX orders_by_state, orders_by_name",
        down: "CREATE INDEX orders_by_state ON orders (state); CREATE INDEX orders_by_name ON orders (lower(name)) WHERE amount > 3",
        steps: &["DROP INDEX CONCURRENTLY public.orders_by_state", "DROP INDEX CONCURRENTLY public.orders_by_name"],
    },
    Case {
        up: "ALTER TABLE orders ADD COLUMN token uuid NOT NULL DEFAULT gen_random_uuid()",
        down: "ALTER TABLE orders DROP COLUMN token",
        steps: &[
            "ADD COLUMN token uuid",
            "SET DEFAULT gen_random_uuid()",
            "SET token = DEFAULT WHERE token IS NULL",
            "CHECK (token IS NOT NULL) NOT VALID",
            "VALIDATE",
            "SET NOT NULL",
            "DROP CONSTRAINT",
        ],
    },
    Case {
        up: "ALTER TABLE orders ADD COLUMN rank double precision DEFAULT random() CONSTRAINT sane CHECK (rank >= 0) UNIQUE",
        down: "ALTER TABLE orders DROP COLUMN rank",
        steps: &[
            "ADD COLUMN rank double precision",
            "SET DEFAULT random()",
            "UPDATE",
            "CONSTRAINT sane CHECK (rank >= 0) NOT VALID",
            "VALIDATE CONSTRAINT sane",
            "CREATE UNIQUE INDEX CONCURRENTLY orders_rank_key",
            "UNIQUE USING INDEX orders_rank_key",
        ],
    },
    Case {
        up: "ALTER TABLE orders ADD COLUMN owner bigint DEFAULT 1 REFERENCES customers",
        down: "ALTER TABLE orders DROP COLUMN owner",
        steps: &["ADD COLUMN owner bigint DEFAULT 1", "FOREIGN KEY (owner) REFERENCES customers NOT VALID", "VALIDATE"],
    },
    Case {
        up: "REFRESH MATERIALIZED VIEW totals",
        down: "SELECT 1",
        steps: &["REFRESH MATERIALIZED VIEW CONCURRENTLY totals"],
    },
    Case {
        up: "CREATE INDEX by_what ON events (what)",
        down: "DROP INDEX by_what",
        steps: &[
            "CREATE INDEX CONCURRENTLY events_1_what_idx ON public.events_1",
            "CREATE INDEX CONCURRENTLY events_2_a_what_idx ON public.events_2_a",
            "CREATE INDEX by_what ON events",
        ],
    },
    Case {
        up: "ALTER TABLE events ADD CONSTRAINT one UNIQUE (id, at)",
        down: "ALTER TABLE events DROP CONSTRAINT one",
        steps: &[
            "CREATE UNIQUE INDEX",
            "USING INDEX",
            "CREATE UNIQUE INDEX",
            "USING INDEX",
            "ADD CONSTRAINT one UNIQUE (id, at)",
        ],
    },
    Case {
        up: "ALTER TABLE events ADD PRIMARY KEY (id, at)",
        down: "ALTER TABLE events DROP CONSTRAINT events_pkey; ALTER TABLE events ALTER id DROP NOT NULL",
        steps: &[
            "CHECK (id IS NOT NULL)",
            "VALIDATE",
            "SET NOT NULL",
            "DROP CONSTRAINT",
            "CREATE UNIQUE INDEX",
            "USING INDEX",
            "CREATE UNIQUE INDEX",
            "USING INDEX",
            "ADD CONSTRAINT events_pkey PRIMARY KEY (id, at)",
        ],
    },
    Case {
        up: "ALTER TABLE events ADD FOREIGN KEY (customer) REFERENCES customers",
        down: "ALTER TABLE events DROP CONSTRAINT events_customer_fkey",
        steps: &["public.events_1", "VALIDATE", "public.events_2_a", "VALIDATE", "ADD CONSTRAINT events_customer_fkey"],
    },
    Case {
        up: "ALTER TABLE events ALTER customer SET NOT NULL, ADD CHECK (at < 200)",
        down: "ALTER TABLE events ALTER customer DROP NOT NULL, DROP CONSTRAINT events_at_check",
        steps: &[
            "CHECK (customer IS NOT NULL)",
            "VALIDATE",
            "SET NOT NULL",
            "DROP CONSTRAINT",
            "VALIDATE CONSTRAINT events_at_check",
        ],
    },
    // In one file, with ordinary statements around and between.
    Case {
        up: "CREATE TABLE tags (id bigint PRIMARY KEY, name text NOT NULL); CREATE INDEX ON tags (name); \
             ALTER TABLE orders ADD COLUMN tag bigint; CREATE INDEX ON orders (tag); \
             INSERT INTO tags VALUES (1, 'a'); ALTER TABLE orders ADD FOREIGN KEY (tag) REFERENCES tags",
        down: "ALTER TABLE orders DROP COLUMN tag; DROP TABLE tags",
        steps: &[
            "CREATE TABLE tags",
            "CREATE INDEX ON tags",
            "ADD COLUMN tag",
            "CREATE INDEX CONCURRENTLY orders_tag_idx",
            "INSERT INTO tags",
            "ADD CONSTRAINT orders_tag_fkey FOREIGN KEY (tag) REFERENCES tags NOT VALID",
            "VALIDATE",
        ],
    },
    // A constraint that takes the place of another of its name.
    Case {
        up: "ALTER TABLE orders ADD CONSTRAINT k UNIQUE (id); ALTER TABLE orders DROP CONSTRAINT k, ADD CONSTRAINT k UNIQUE (name)",
        down: "ALTER TABLE orders DROP CONSTRAINT k",
        steps: &[
            "CREATE UNIQUE INDEX CONCURRENTLY k",
            "USING INDEX k",
            "CREATE UNIQUE INDEX CONCURRENTLY lockkeeper_1_",
            "DROP CONSTRAINT k, ADD CONSTRAINT k UNIQUE USING INDEX lockkeeper_1_",
        ],
    },
    // What needs no care runs as it is written.
    Case {
        up: "ALTER TABLE orders ADD COLUMN seen timestamptz NOT NULL DEFAULT now()",
        down: "ALTER TABLE orders DROP COLUMN seen",
        steps: &["ALTER TABLE orders ADD COLUMN seen timestamptz NOT NULL DEFAULT now()"],
    },
    Case {
        up: "ALTER TABLE nothing ALTER a SET NOT NULL, ADD UNIQUE (b), ADD COLUMN c uuid DEFAULT gen_random_uuid(); CREATE INDEX ON nothing (a)",
        down: "DROP INDEX nothing_a_idx; ALTER TABLE nothing ALTER a DROP NOT NULL, DROP CONSTRAINT nothing_b_key, DROP COLUMN c",
        steps: &["ALTER TABLE nothing ALTER a SET NOT NULL, ADD UNIQUE (b)", "CREATE INDEX ON nothing (a)"],
    },
];

fn file(sql: &str) -> String {
    format!("-- lockkeeper: stage=1 reason=\"a test\"\n{sql};\n")
}

fn prepared() -> Shop {
    let shop = Shop::open();
    shop.database.execute(SETUP);
    shop
}

#[test]
fn the_catalog_is_as_psql_leaves_it_and_so_is_the_way_back_of_tables() {
    check(CASES.iter().filter(|case| !case.up.contains("events")));
}

#[test]
fn the_catalog_is_as_psql_leaves_it_and_so_is_the_way_back_of_partitions() {
    check(CASES.iter().filter(|case| case.up.contains("events")));
}

#[track_caller]
fn check<'c>(cases: impl Iterator<Item = &'c Case>) {
    let prepared = prepared();
    for case in cases {
        let plain = prepared.database.copy();
        let shop = Shop::on(prepared.database.copy());
        let before = shop.database.dump();
        shop.pair("01_change", &file(case.up), case.down);
        let plan = shop.run("plan").expect(0).json();
        let steps: Vec<&str> =
            plan["migrations"][0]["steps"].as_array().unwrap().iter().map(|it| it["sql"].as_str().unwrap()).collect();
        assert_eq!(steps.len(), case.steps.len(), "{}: {steps:#?}", case.up);
        for (step, expected) in steps.iter().zip(case.steps) {
            assert!(step.contains(expected), "{}: {step} / {expected}", case.up);
        }
        shop.run("stage1").expect(0);
        plain.execute(case.up);
        assert_eq!(shop.database.dump(), plain.dump(), "{}", case.up);
        shop.run("rollback before_schema_add --yes --accept-loss --reason test").expect(0);
        plain.execute(case.down);
        // From PostgreSQL 18 on a partition's own key leaves it a NOT NULL of its own.
        let keeps_not_null = case.up.contains("events ADD PRIMARY KEY") && shop.database.major() >= 18;
        if keeps_not_null {
            continue;
        }
        assert_eq!(shop.database.dump(), plain.dump(), "{}", case.down);
        if !case.up.contains("IF NOT EXISTS") {
            assert_eq!(shop.database.dump(), before, "{}", case.down);
        }
    }
}

#[test]
fn the_locks_that_are_told_are_the_locks_that_are_taken() {
    // The strongest lock on any table that was there before.
    const TAKEN: &str = "SELECT l.mode FROM pg_locks l JOIN pg_class c ON c.oid = l.relation
        JOIN known k ON k.relation = c.oid
        WHERE l.pid = pg_backend_pid() AND c.relkind IN ('r', 'p', 'm')
        ORDER BY array_position(ARRAY['AccessShareLock', 'RowShareLock', 'RowExclusiveLock', 'ShareUpdateExclusiveLock',
            'ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock'], l.mode) DESC LIMIT 1";
    let prepared = prepared();
    for case in CASES {
        let shop = Shop::on(prepared.database.copy());
        shop.pair("01_change", &file(case.up), case.down);
        let plan = shop.run("plan").expect(0).json();
        shop.database
            .execute("CREATE TABLE known AS SELECT oid AS relation FROM pg_class WHERE relkind IN ('r', 'p', 'm')");
        for step in plan["migrations"][0]["steps"].as_array().unwrap() {
            let (sql, run) = (step["sql"].as_str().unwrap(), step["run"].as_str().unwrap());
            if run == "standalone" {
                shop.database.execute(sql);
                continue;
            }
            let rows = shop.database.query(&format!("BEGIN; {sql}; {TAKEN}; COMMIT"));
            let taken = rows.first().map(|row| row[0].to_uppercase());
            let told = step["lock"]["mode"].as_str().map(|mode| format!("{}LOCK", mode.replace(' ', "")));
            // Locks that block neither reads nor writes of rows need not be told.
            let matters = |lock: &Option<String>| {
                lock.clone().filter(|lock| !["ACCESSSHARELOCK", "ROWSHARELOCK"].contains(&lock.as_str()))
            };
            assert_eq!(matters(&told), matters(&taken), "{}: {sql}", case.up);
        }
    }
}

/// P5 and R3 of the peers: an unrelated transaction made the build of every index fail, or left an invalid one under the
/// right name.
#[test]
fn an_index_waits_for_an_unrelated_transaction_and_nobody_waits_for_it() {
    let shop = prepared();
    shop.project.write("lockkeeper.toml", "[limits]\nlock_timeout = \"200ms\"\nlock_attempts = 1\n");
    shop.pair("01_add_index", &file("CREATE UNIQUE INDEX ON orders (id)"), "DROP INDEX orders_id_idx;\n");
    let holder = shop.database.session();
    holder
        .execute("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM customers; SELECT count(*) FROM orders");
    for command in ["stage1", "rollback before_schema_add --yes --reason test"] {
        let mut running = shop.start(command);
        let began = Instant::now();
        let mut longest = Duration::ZERO;
        while began.elapsed() < Duration::from_secs(4) {
            let asked = Instant::now();
            shop.database.execute("UPDATE orders SET name = name WHERE id = 5; INSERT INTO orders (id) VALUES (-1); DELETE FROM orders WHERE id = -1");
            longest = longest.max(asked.elapsed());
        }
        assert!(running.is_running(), "{}", running.wait());
        holder.execute("COMMIT");
        running.wait().expect(0);
        assert!(longest < Duration::from_secs(1), "{command}: a write waited {longest:?}");
        holder.execute(
            "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM customers; SELECT count(*) FROM orders",
        );
    }
    assert!(!shop.exists("orders_id_idx"));
}

#[test]
fn a_file_that_fails_half_way_leaves_nothing() {
    let prepared = prepared();
    for (up, sqlstate) in [
        (
            "CREATE TABLE a (b int); CREATE INDEX ON orders (amount); ALTER TABLE orders ADD CHECK (amount > 100)",
            "23514",
        ),
        ("CREATE INDEX ON orders (amount); ALTER TABLE orders ADD UNIQUE (customer)", "23505"),
        ("DROP INDEX orders_by_state; ALTER TABLE orders ADD FOREIGN KEY (amount) REFERENCES customers", "23503"),
        (
            "ALTER TABLE orders ADD c uuid NOT NULL DEFAULT gen_random_uuid(); CREATE INDEX i ON orders (missing)",
            "42703",
        ),
        (
            "ALTER TABLE orders ADD PRIMARY KEY (id); ALTER TABLE orders ALTER state SET NOT NULL; ALTER TABLE orders ADD UNIQUE (state)",
            "23505",
        ),
        (
            "ALTER TABLE events ADD PRIMARY KEY (id, at); CREATE INDEX i ON events (what); ALTER TABLE events ADD CHECK (at > 5)",
            "23514",
        ),
        ("ALTER TABLE orders ADD COLUMN n int DEFAULT floor(1 / (random() * 0))", "22012"),
    ] {
        let shop = Shop::on(prepared.database.copy());
        let before = shop.database.dump();
        shop.pair("01_change", &file(up), "SELECT 1;");
        let failed = shop.say("stage1").expect(3);
        failed.says(&[sqlstate, "nothing of it stands"]);
        assert_eq!(shop.database.dump(), before, "{up}");
        assert_eq!(shop.count("lockkeeper.migrations WHERE state <> 'rolled_back'"), 0, "{up}");
    }
}

#[test]
fn what_cannot_be_taken_back_stands_and_the_mended_file_goes_on() {
    let shop = prepared();
    shop.pair(
        "01_change",
        &file("UPDATE orders SET amount = amount + 1; ALTER TABLE orders ADD COLUMN c int; ALTER TABLE orders ADD CHECK (amount > 100)"),
        "SELECT 1;",
    );
    let failed = shop.say("stage1").expect(3);
    // The UPDATE and the column share a transaction, which nothing takes back.
    failed.says(&["step 1 stands: UPDATE orders", "step 2 stands: ALTER TABLE orders ADD COLUMN c"]);
    assert_eq!(shop.database.value("SELECT min(amount) FROM orders"), "2");
    let status = shop.say("rollback before_schema_add --yes --reason test").expect(1);
    status.says(&["not all of its steps can be taken back"]);
    shop.pair(
        "01_change",
        &file("UPDATE orders SET amount = amount + 1; ALTER TABLE orders ADD COLUMN c int; ALTER TABLE orders ADD CHECK (amount > 1)"),
        "SELECT 1;",
    );
    shop.run("stage1").expect(0);
    assert_eq!(shop.database.value("SELECT min(amount) FROM orders"), "2");
    assert_eq!(shop.applied(), [1]);
}

#[test]
fn what_cannot_be_made_safe_is_refused_with_the_way_out() {
    let shop = prepared();
    shop.database.execute(
        "INSERT INTO orders SELECT i, i % 50 + 1, repeat('n', 100), 'new', i FROM generate_series(1, 20000) i",
    );
    for up in [
        "ALTER TABLE orders ALTER amount TYPE bigint",
        "ALTER TABLE orders ALTER code TYPE varchar(10)",
        "ALTER TABLE orders ADD COLUMN nr bigserial",
        "ALTER TABLE orders ADD COLUMN nr bigint GENERATED ALWAYS AS IDENTITY",
        "ALTER TABLE orders ADD COLUMN twice int GENERATED ALWAYS AS (amount * 2) STORED",
        "ALTER TABLE orders SET UNLOGGED",
        "CLUSTER orders USING orders_by_state",
        "REINDEX TABLE orders",
        "ALTER TABLE orders ADD EXCLUDE USING hash (id WITH =)",
        "CREATE INDEX ON orders (name); SAVEPOINT s; ROLLBACK TO s",
        "ALTER TABLE orders ALTER name SET NOT NULL; CREATE TEMP TABLE t (a int) ON COMMIT DROP",
    ] {
        shop.pair("01_change", &file(up), "SELECT 1;");
        let refused = shop.say("stage1").expect(1);
        refused.says(&["as-written", "01_change_up.sql:2:"]);
    }
    assert!(!shop.has_ledger() || shop.applied().is_empty());
    for up in [
        "ALTER TABLE orders ALTER code TYPE varchar(40)",
        "ALTER TABLE orders ALTER code TYPE text",
        "-- lockkeeper: as-written reason=\"at night\"\nALTER TABLE orders ALTER amount TYPE bigint",
        "-- lockkeeper: as-written reason=\"at night\"\nALTER TABLE orders ADD CHECK (amount > 0)",
    ] {
        shop.pair("01_change", &file(up), "SELECT 1;");
        let plan = shop.run("plan").expect(0).json();
        assert_eq!(plan["migrations"][0]["steps"].as_array().unwrap().len(), 1, "{up}");
    }
    shop.project.write("lockkeeper.toml", "safe_rewrites = false\n");
    shop.pair(
        "01_change",
        &file("ALTER TABLE orders ALTER name SET NOT NULL; CREATE INDEX ON orders (name)"),
        "SELECT 1;",
    );
    let plan = shop.run("plan").expect(0).json();
    assert_eq!(plan["migrations"][0]["steps"].as_array().unwrap().len(), 2);
}

#[test]
fn a_backfill_fires_no_trigger_and_leaves_no_row_out() {
    let shop = prepared();
    shop.database.execute(
        "CREATE TABLE audit (id bigint);
         CREATE FUNCTION audit() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO audit VALUES (new.id); RETURN new; END $$;
         CREATE TRIGGER audit BEFORE UPDATE ON orders FOR EACH ROW EXECUTE FUNCTION audit();",
    );
    // A row that somebody holds is passed over and filled later.
    let holder = shop.database.session();
    holder.execute("BEGIN; SELECT FROM orders WHERE id = 7 FOR UPDATE");
    shop.pair(
        "01_add_token",
        "ALTER TABLE orders ADD COLUMN token uuid NOT NULL DEFAULT gen_random_uuid();",
        "ALTER TABLE orders DROP COLUMN token;",
    );
    let running = shop.start("stage1");
    std::thread::sleep(Duration::from_millis(700));
    holder.execute("COMMIT");
    running.wait().expect(0);
    assert_eq!(shop.database.value("SELECT count(*) = count(DISTINCT token) FROM orders"), "t");
    assert_eq!(shop.database.value("SELECT count(*) FROM audit"), "0");
}

#[test]
fn a_backfill_stops_within_seconds_and_goes_on_where_it_was() {
    let shop = prepared();
    shop.database.execute("INSERT INTO orders SELECT i, 1, repeat('n', 200) FROM generate_series(1000, 120000) i");
    shop.pair(
        "01_add_token",
        "CREATE TABLE tokens (id int);\nALTER TABLE orders ADD COLUMN token uuid NOT NULL DEFAULT gen_random_uuid();\n",
        "ALTER TABLE orders DROP COLUMN token;\nDROP TABLE tokens;\n",
    );
    let before = shop.database.dump();
    for signal in ["TERM", "INT"] {
        let running = shop.start("stage1");
        let filled = "lockkeeper.steps WHERE run = 'backfill' AND started_at IS NOT NULL AND finished_at IS NULL";
        // The record of the first run's backfill stands too: only a run that holds the lease listens to signals.
        let held = format!("lockkeeper.lease WHERE pid = {} AND expires_at > clock_timestamp()", running.pid());
        wait_until("the backfill runs", || shop.has_ledger() && shop.count(&held) == 1 && shop.count(filled) == 1);
        let asked = Instant::now();
        running.signal(signal);
        // A second one changes nothing.
        running.signal(signal);
        let run = running.wait().expect(if signal == "TERM" { 143 } else { 130 });
        assert!(asked.elapsed() < Duration::from_secs(5), "{:?}", asked.elapsed());
        // The second run may be stopped before it comes to the step.
        assert!(signal == "INT" || run.notes().contains(&"steps-standing".to_owned()), "{run}");
        assert!(run.hints().contains(&"stopped-hint".to_owned()), "{run}");
    }
    shop.run("stage1").expect(0);
    assert_eq!(shop.database.value("SELECT count(*) = count(DISTINCT token) FROM orders"), "t");
    assert_eq!(shop.count("pg_constraint WHERE conname LIKE 'lockkeeper%'"), 0);
    shop.run("rollback before_schema_add --yes --accept-loss --reason test").expect(0);
    assert_eq!(shop.database.dump(), before);
}

/// What stopped half-way goes back by what takes its steps back, and not by its down script, which would undo what was
/// never done.
#[test]
fn a_migration_that_stopped_half_way_is_rolled_back_step_by_step() {
    let shop = prepared();
    shop.project.write("lockkeeper.toml", "[limits]\nlock_timeout = \"200ms\"\nlock_attempts = 1\n");
    shop.pair(
        "01_change",
        &file(
            "ALTER TABLE orders ADD COLUMN c int; CREATE INDEX ON orders (c); ALTER TABLE customers ADD CHECK (id > 0)",
        ),
        "DROP TABLE customers CASCADE;\n",
    );
    let before = shop.database.dump();
    let holder = shop.database.session();
    holder.execute("BEGIN; SELECT FROM customers FOR UPDATE");
    let run = shop.run("stage1").expect(4);
    assert!(run.notes().contains(&"step-stands".to_owned()), "{run}");
    assert_eq!(
        shop.database.value("SELECT count(*) FROM pg_attribute WHERE attname = 'c' AND attrelid = 'orders'::regclass"),
        "1"
    );
    shop.run("rollback before_schema_add --yes --reason test").expect(0);
    drop(holder);
    assert_eq!(shop.database.dump(), before);
    assert_eq!(shop.count("lockkeeper.migrations WHERE state <> 'rolled_back'"), 0);
}

#[test]
fn the_plan_tells_the_tables_size_and_how_far_back_is() {
    let shop = prepared();
    shop.database.execute("ANALYZE orders");
    shop.pair("01_add_index", "CREATE INDEX ON orders (name, (amount | 1));\n", "DROP INDEX orders_name_expr_idx;\n");
    shop.pair("02_remove_code", "ALTER TABLE orders DROP COLUMN code;\n", "ALTER TABLE orders ADD COLUMN code text;\n");
    shop.pair(
        "03_demand_name",
        "ALTER TABLE orders ALTER name SET NOT NULL;\n",
        "ALTER TABLE orders ALTER name DROP NOT NULL;\n",
    );
    let plan = shop.run("plan").expect(0).json();
    let class = |at: usize| plan["migrations"][at]["rollback_class"].clone();
    assert_eq!([class(0), class(1), class(2)], ["app only", "freeze", "app + schema"]);
    let table = &plan["migrations"][0]["steps"][0]["table"];
    assert_eq!((&table["name"], &table["rows"]), (&"public.orders".into(), &500.into()));
    assert!(table["bytes"].as_u64().unwrap() >= 8192);
    shop.say("plan").expect(0).says(&["public.orders: ", "about 500 rows", "going back: freeze"]);
    let markdown = shop.say("plan --format markdown").expect(0);
    assert!(markdown.stdout.contains("| line | statement | lock | time | why it is safe |"), "{markdown}");
    // A bar in the SQL ends no cell.
    assert!(markdown.stdout.contains("(amount \\| 1)"), "{markdown}");
}

/// An approval names exactly one plan: what is mended after it stopped half-way is signed again.
#[test]
fn a_stage_2_that_stopped_half_way_goes_on_with_a_mended_file_once_it_is_approved_again() {
    let shop = prepared();
    shop.admin();
    let file = |demand: &str| {
        format!("UPDATE orders SET amount = amount + 1;\nALTER TABLE orders ADD CONSTRAINT c CHECK ({demand});\n")
    };
    shop.pair("01_demand_amount", &file("amount > 100"), "ALTER TABLE orders DROP CONSTRAINT c;\n");
    shop.run("stage1").expect(0);
    shop.run("deployed --version 1.0").expect(0);
    shop.approve().expect(0);
    let stopped = shop.run("stage2").expect(3);
    assert!(stopped.notes().contains(&"step-stands".to_owned()), "{stopped}");
    // Under the old approval only the old file goes on.
    shop.pair("01_demand_amount", &file("amount > 1"), "ALTER TABLE orders DROP CONSTRAINT c;\n");
    shop.run("stage2").refused(1, "stage2-other-plan");
    shop.approve().expect(0);
    shop.run("stage2").expect(0);
    // The UPDATE ran once.
    assert_eq!(shop.database.value("SELECT min(amount) FROM orders"), "2");
    assert_eq!(shop.applied(), [1]);
}
