//! What `plan` tells of each step: every lock, what waits for it, sizes, and how long it takes.

use serde_json::{Value, json};

use crate::shop::Shop;

/// A table that takes long enough to read that a rate shows: some 40 MB.
const ROWS: &str = "CREATE TABLE customers (id bigint PRIMARY KEY);
    INSERT INTO customers SELECT n FROM generate_series(1, 1000) n;
    CREATE TABLE orders (id bigint PRIMARY KEY, customer bigint, a int, b int, c int, d int, note text);
    INSERT INTO orders SELECT n, n % 1000 + 1, n, -n, n % 7, n % 11, 'some words of a note' FROM generate_series(1, 500000) n;
    ANALYZE";

/// The steps of the first pending migration.
#[track_caller]
fn steps(shop: &Shop) -> Vec<Value> {
    let plan = shop.run("plan").expect(0).json();
    plan["migrations"][0]["steps"].as_array().unwrap().clone()
}

#[test]
fn every_relation_that_a_step_locks_is_told_with_its_size_and_what_waits() {
    let shop = Shop::open();
    shop.database.execute(ROWS);
    shop.database.execute(
        "CREATE TABLE events (id bigint, at date) PARTITION BY RANGE (at);
         CREATE TABLE events_rest PARTITION OF events DEFAULT;
         INSERT INTO events SELECT n, '2030-01-01' FROM generate_series(1, 5000) n",
    );
    shop.pair(
        "01_more",
        "ALTER TABLE orders ADD CONSTRAINT orders_customer FOREIGN KEY (customer) REFERENCES customers NOT VALID;
         CREATE TABLE events_2026 PARTITION OF events FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');\n",
        "SELECT 1;\n",
    );
    let steps = steps(&shop);
    let locks = |step: &Value| -> Vec<String> {
        let one = |lock: &Value| {
            let text = |key: &str| lock[key].as_str().unwrap().to_owned();
            format!("{} {} {}", text("mode"), text("table"), text("blocks"))
        };
        step["locks"].as_array().unwrap().iter().map(one).collect()
    };
    assert_eq!(
        locks(&steps[0]),
        ["SHARE ROW EXCLUSIVE public.orders writes", "SHARE ROW EXCLUSIVE public.customers writes"]
    );
    let [orders, customers] = [0, 1].map(|index| &steps[0]["locks"][index]["on"]);
    let bytes = |on: &Value| on["bytes"].as_u64().unwrap();
    let size =
        |table: &str| -> u64 { shop.database.value(&format!("SELECT pg_relation_size('{table}')")).parse().unwrap() };
    assert_eq!((bytes(orders), bytes(customers)), (size("orders"), size("customers")));
    assert_eq!((&orders["rows"], &orders["indexes"], &customers["indexes"]), (&json!(500_000), &json!(1), &json!(1)));
    assert!(orders["index_bytes"].as_u64().unwrap() > 1 << 20, "{orders}");
    assert_eq!(
        locks(&steps[1]),
        ["ACCESS EXCLUSIVE public.events reads_and_writes", "ACCESS EXCLUSIVE public.events_rest reads_and_writes"]
    );
    let said = shop.say("plan").expect(0).stdout;
    assert!(said.contains("also SHARE ROW EXCLUSIVE on public.customers, blocks writes"), "{said}");
    let markdown = shop.say("plan --format markdown").expect(0).stdout;
    assert!(markdown.contains("<br>also SHARE ROW EXCLUSIVE on public.customers, blocks writes"), "{markdown}");
}

#[test]
fn a_neighbour_that_somebody_holds_does_not_keep_the_plan_waiting() {
    let shop = Shop::open();
    shop.database.execute(ROWS);
    shop.database.execute("ALTER TABLE orders ADD FOREIGN KEY (customer) REFERENCES customers");
    shop.pair("01_more", "ALTER TABLE customers ADD COLUMN name text;\n", "ALTER TABLE customers DROP COLUMN name;\n");
    let holder = shop.database.session();
    holder.execute("BEGIN; LOCK TABLE orders");
    assert_eq!(steps(&shop)[0]["lock"]["table"], "public.customers");
    holder.execute("ROLLBACK");
}

#[test]
fn after_some_index_builds_the_estimate_comes_from_them_and_holds_what_the_next_one_takes() {
    let shop = Shop::open();
    shop.database.execute(ROWS);
    let index = |number: usize, column: &str| {
        let up = format!("CREATE INDEX orders_{column} ON orders ({column}, id);\n");
        shop.pair(&format!("0{number}_index_{column}"), &up, &format!("DROP INDEX orders_{column};\n"));
    };
    index(1, "a");
    let first = &steps(&shop)[0];
    assert_eq!((&first["estimated_from"], &first["estimated_from_steps"]), (&json!("default_rate"), &json!(0)));
    for (number, column) in (1..).zip(["a", "b", "c"]) {
        index(number, column);
        shop.run("stage1").expect(0);
    }
    assert_eq!(shop.count("lockkeeper.steps WHERE work = 'index_build' AND work_bytes > 1 << 20"), 3);
    index(4, "d");
    let step = steps(&shop)[0].clone();
    assert_eq!((&step["estimated_from"], &step["estimated_from_steps"]), (&json!("history"), &json!(3)));
    let said = shop.say("plan").expect(0).stdout;
    assert!(said.contains("from 3 steps of its kind on this database"), "{said}");
    shop.run("stage1").expect(0);
    let took = shop.database.value(
        "SELECT extract(epoch FROM finished_at - started_at) FROM lockkeeper.steps ORDER BY finished_at DESC LIMIT 1",
    );
    let took: f64 = took.parse().unwrap();
    let [low, high] = ["seconds_low", "seconds_high"].map(|key| step[key].as_f64().unwrap());
    // Other tests run on the same cores meanwhile: a factor of four beyond the range.
    assert!(low / 4.0 <= took && took <= high * 4.0, "{low} to {high}, and it took {took}");
    assert!(low > 0.0 && high < 120.0, "{low} to {high}");
}

#[test]
fn how_long_is_told_only_where_it_can_be_known() {
    let shop = Shop::open();
    shop.database.execute(ROWS);
    let up = "ALTER TABLE orders ADD COLUMN e int;\nUPDATE orders SET d = 1 WHERE id = 3;\n\
              ALTER TABLE orders ADD CONSTRAINT positive CHECK (id > 0);\n\
              ALTER TABLE orders ADD COLUMN token uuid DEFAULT gen_random_uuid();\n";
    shop.pair("01_change", up, "SELECT 1;\n");
    let told: Vec<(String, bool)> = steps(&shop)
        .iter()
        .map(|step| (step["estimated_from"].as_str().unwrap_or("none").to_owned(), step["seconds_high"].is_null()))
        .collect();
    let expected = [
        ("catalog", false),
        ("none", true),
        ("catalog", false),
        ("default_rate", false),
        ("catalog", false),
        ("catalog", false),
        ("default_rate", false),
    ];
    assert_eq!(told, expected.map(|(from, unknown)| (from.to_owned(), unknown)));
    let said = shop.say("plan").expect(0).stdout;
    assert!(said.contains("how long it takes is not known"), "{said}");
    assert!(
        said.contains("4. migrations/01_change_up.sql:3: ALTER TABLE orders VALIDATE CONSTRAINT positive"),
        "{said}"
    );
    let markdown = shop.say("plan --format markdown").expect(0).stdout;
    assert!(markdown.contains("<br>reads the whole table; everybody works meanwhile |"), "{markdown}");
}
