//! The pages on locks say what the plan says.
//!
//! `UPDATE_DOCS=1 cargo test -p lockkeeper --test integration docs` writes the plan's tables into the pages.

use std::fmt::Write;
use std::path::Path;

use crate::shop::Shop;

const SETUP: &str = "
    CREATE TABLE customers (id bigint PRIMARY KEY);
    CREATE TABLE orders (id bigint, customer bigint, name text, amount int);
    CREATE INDEX orders_by_name ON orders (name);
    INSERT INTO orders SELECT i, 1, 'n', 1 FROM generate_series(1, 100) i;
    CREATE TABLE events (id bigint NOT NULL, at date NOT NULL) PARTITION BY RANGE (at);
    CREATE TABLE events_2026 PARTITION OF events FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
    INSERT INTO events VALUES (1, '2026-05-01');
    CREATE MATERIALIZED VIEW totals AS SELECT customer, sum(amount) AS amount FROM orders GROUP BY customer;
    CREATE UNIQUE INDEX ON totals (customer);
";

const STATEMENTS: &[&str] = &[
    "ALTER TABLE orders ALTER COLUMN name SET NOT NULL",
    "ALTER TABLE orders ADD CONSTRAINT positive CHECK (amount > 0)",
    "ALTER TABLE orders ADD FOREIGN KEY (customer) REFERENCES customers",
    "ALTER TABLE orders ADD UNIQUE (name)",
    "ALTER TABLE orders ADD PRIMARY KEY (id)",
    "CREATE INDEX ON orders (amount)",
    "DROP INDEX orders_by_name",
    "ALTER TABLE orders ADD COLUMN token uuid NOT NULL DEFAULT gen_random_uuid()",
    "REFRESH MATERIALIZED VIEW totals",
    "CREATE INDEX by_id ON events (id)",
    "ALTER TABLE events ADD PRIMARY KEY (id, at)",
    "ALTER TABLE orders ADD COLUMN note text NOT NULL DEFAULT ''",
    "ALTER TABLE orders DROP COLUMN name",
];

#[test]
fn the_pages_on_locks_are_what_the_plan_says() {
    const START: &str = "writes these tables -->\n";
    const END: &str = "<!-- /steps -->";
    let tables = tables();
    for page in ["what-lockkeeper-does-to-your-database.md", "what-lockkeeper-does-to-your-database.ko.md"] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs").join(page);
        let text = std::fs::read_to_string(&path).unwrap();
        let start = text.find(START).expect("the page marks its tables") + START.len();
        let end = text.find(END).expect("the tables end");
        if std::env::var_os("UPDATE_DOCS").is_some() {
            std::fs::write(&path, format!("{}{tables}{}", &text[..start], &text[end..])).unwrap();
        } else {
            assert_eq!(&text[start..end], tables, "{page}");
        }
    }
}

fn tables() -> String {
    let shop = Shop::open();
    shop.database.execute(SETUP);
    let mut tables = String::new();
    for statement in STATEMENTS {
        let up = format!("-- lockkeeper: stage=1 reason=\"the page\"\n{statement};\n");
        shop.pair("01_change", &up, "SELECT 1;\n");
        let plan = shop.run("plan").expect(0).json();
        writeln!(tables, "\n`{statement}`\n").unwrap();
        writeln!(tables, "| step | lock | why it is safe |\n| --- | --- | --- |").unwrap();
        for step in plan["migrations"][0]["steps"].as_array().unwrap() {
            let lock = match (step["lock"]["mode"].as_str(), step["lock"]["table"].as_str()) {
                (Some(mode), Some(table)) => format!("{mode} on {}", table.trim_start_matches("public.")),
                _ => "none".to_owned(),
            };
            let together = if step["run"] == "same_transaction" { ", in the same transaction" } else { "" };
            let (sql, why) = (step["sql"].as_str().unwrap(), step["safe_because"]["text"].as_str().unwrap());
            writeln!(tables, "| `{sql}`{together} | {lock} | {why} |").unwrap();
        }
    }
    tables + "\n"
}
