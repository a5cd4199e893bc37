//! Facts of the live database: exported without its data, and what `lint` makes of them.

use serde_json::Value;

use crate::shop::Shop;

/// Stands in rows and in every text that a user can write.
const SECRET: &str = "hunter2secret";

/// Small and large tables, with the secret wherever one can stand.
fn prepared() -> Shop {
    let shop = Shop::open();
    shop.database.execute(&format!(
        "CREATE TABLE customers (id bigint PRIMARY KEY, name varchar(20) DEFAULT '{SECRET}', at timestamp,
             CONSTRAINT known CHECK (name IS NOT NULL AND name <> 'not {SECRET}'));
         COMMENT ON TABLE customers IS '{SECRET}';
         COMMENT ON COLUMN customers.name IS '{SECRET}'"
    ));
    shop.database.execute(&format!(
        "CREATE TABLE orders (id int PRIMARY KEY, customer bigint, kind varchar(20), note text NOT NULL, amount numeric(10,2));
         INSERT INTO orders SELECT n, 1, 'k', '{SECRET}', n FROM generate_series(1, 40000) n;
         CREATE INDEX orders_some ON orders (id) WHERE note <> '{SECRET}';
         CREATE INDEX orders_expression ON orders ((note || '{SECRET}'));
         CREATE INDEX orders_customer ON orders (customer);
         CREATE VIEW report AS SELECT id, '{SECRET}' AS word FROM orders WHERE note <> '{SECRET}';
         CREATE TABLE parted (id int, word text) PARTITION BY LIST (word);
         CREATE TABLE parted_one PARTITION OF parted FOR VALUES IN ('{SECRET}');
         CREATE STATISTICS orders_numbers ON id, customer FROM orders;
         CREATE FUNCTION told() RETURNS text LANGUAGE sql AS $$ SELECT '{SECRET}' $$;
         ANALYZE"
    ));
    shop
}

/// `severity rule line` of each finding.
#[track_caller]
fn findings(shop: &Shop, args: &str, code: i32) -> Vec<String> {
    let answer = shop.run(&format!("lint {args}")).expect(code).json();
    let text = |it: &Value, key: &str| it[key].as_str().unwrap().to_owned();
    let one = |it: &Value| format!("{} {} {}", text(it, "severity"), text(it, "rule"), it["line"]);
    answer["findings"].as_array().unwrap().iter().map(one).collect()
}

/// Exports into `facts.json`.
fn export(shop: &Shop) -> String {
    let text = shop.say("facts export").expect(0).stdout;
    shop.project.write("facts.json", &text);
    text
}

fn written(shop: &Shop, up: &str) {
    shop.project.write("lockkeeper.toml", "safe_rewrites = false\n");
    shop.pair("01_change", up, "SELECT 1;\n");
}

#[test]
fn an_export_holds_no_data_and_makes_nothing() {
    let shop = prepared();
    let text = export(&shop);
    assert!(!text.contains(SECRET), "{text}");
    let facts: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(facts["facts_version"], 1);
    assert_eq!(facts["server_version_num"].as_i64().unwrap() / 10_000, i64::from(shop.database.major()));
    let relations = facts["relations"].as_array().unwrap();
    let orders = relations.iter().find(|it| it["name"][1] == "orders").unwrap();
    let bytes = shop.database.value("SELECT pg_relation_size('orders')");
    assert_eq!((orders["bytes"].to_string(), orders["rows"].as_u64()), (bytes, Some(40_000)));
    assert!(!shop.has_ledger());
}

#[test]
fn a_file_of_facts_tells_what_the_database_itself_tells() {
    let shop = prepared();
    export(&shop);
    written(
        &shop,
        "CREATE INDEX a ON customers (at);
         CREATE INDEX b ON orders (kind);
         ALTER TABLE orders ALTER kind TYPE varchar(40);
         ALTER TABLE orders ALTER amount TYPE numeric(12,2);
         ALTER TABLE orders ALTER amount TYPE numeric(12,3);
         ALTER TABLE orders ALTER note TYPE varchar(40);
         ALTER TABLE customers ALTER name SET NOT NULL;
         ALTER TABLE orders ADD CONSTRAINT f FOREIGN KEY (customer) REFERENCES customers NOT VALID;
         ALTER TABLE orders ADD CONSTRAINT g FOREIGN KEY (id) REFERENCES customers NOT VALID;
         ALTER TABLE orders ADD CONSTRAINT h FOREIGN KEY (amount) REFERENCES customers NOT VALID;\n",
    );
    let with = findings(&shop, "--db", 1);
    assert_eq!(findings(&shop, "--facts facts.json", 1), with);
    let loud = |rule: &str, of: &[String]| -> Vec<String> {
        of.iter().filter(|it| it.contains(rule)).map(|it| it.rsplit(' ').next().unwrap().to_owned()).collect()
    };
    let without = findings(&shop, "", 1);
    // The first is about a table that is empty; 3 and 4 keep every value's bytes; 6 fails, for a view.
    assert_eq!(loud("index-without-concurrently", &without), ["1", "2"]);
    assert_eq!(loud("index-without-concurrently", &with), ["2"]);
    assert_eq!(loud("column-type-change", &without), ["3", "4", "5", "6"]);
    assert_eq!(loud("column-type-change", &with), ["5", "6", "6"]);
    assert_eq!((loud("not-null-without-check", &without).len(), loud("not-null-without-check", &with).len()), (1, 0));
    // Only the last has no index that begins with its column.
    assert_eq!(loud("foreign-key-without-index", &with), ["10"]);
    let said = shop.say("lint --db").expect(1).stdout;
    for part in ["public.orders holds ", "about 40000 rows", "the view public.report reads public.orders.note"] {
        assert!(said.contains(part), "{part} in {said}");
    }
    assert!(!shop.has_ledger());
}

#[test]
fn a_role_that_may_only_read_is_enough() {
    let shop = prepared();
    let role = format!("reader_{}", shop.database.name());
    shop.database
        .execute(&format!("CREATE ROLE {role} LOGIN; ALTER ROLE {role} SET default_transaction_read_only = on"));
    written(&shop, "CREATE INDEX b ON orders (kind);\n");
    let full = export(&shop);
    let as_reader = |line: &str| {
        let mut command = shop.command(line);
        command.env("DB_USER", &role).env("PGUSER", &role);
        Shop::finish(command)
    };
    let text = as_reader("facts export").expect(0).stdout;
    let keyed = |text: &str| {
        let mut facts: Value = serde_json::from_str(text).unwrap();
        facts["taken_at"] = Value::Null;
        for relation in facts["relations"].as_array_mut().unwrap() {
            // Between the two exports time passes, and the second one's own reading counts.
            relation["reads_per_min"] = Value::Null;
            relation["writes_per_min"] = Value::Null;
        }
        facts
    };
    assert_eq!(keyed(&text), keyed(&full));
    as_reader("lint --db").expect(1);
    shop.database.execute(&format!("DROP ROLE {role}"));
}

#[test]
fn a_file_that_is_broken_old_or_of_another_version_is_told() {
    let shop = prepared();
    written(&shop, "CREATE INDEX b ON orders (kind);\n");
    let text = export(&shop);
    let refused = |text: &str| {
        shop.project.write("facts.json", text);
        shop.say("lint --facts facts.json").expect(2).stderr
    };
    let broken = refused(&text.replacen("\"bytes\": ", "\"bytes\": x", 1));
    let line = text.lines().position(|line| line.contains("\"bytes\": ")).unwrap() + 1;
    assert!(broken.contains(&format!("--> facts.json:{line}:")), "{broken}");
    assert!(broken.contains("lockkeeper facts export"), "{broken}");
    let short = refused(&text[..text.len() / 2]);
    assert!(short.contains("--> facts.json:"), "{short}");
    assert!(refused(&text.replacen("\"facts_version\": 1", "\"facts_version\": 7", 1)).contains("version 7"));
    let mut facts: Value = serde_json::from_str(&text).unwrap();
    facts["taken_at"] = (facts["taken_at"].as_i64().unwrap() - 30 * 86_400).into();
    shop.project.write("facts.json", &facts.to_string());
    shop.project.write("lockkeeper.toml", "safe_rewrites = false\n[lint]\npostgres = \"99\"\n");
    let told = shop.say("lint --facts facts.json").expect(1).stderr;
    assert!(told.contains("30 days old") && told.contains("lint.postgres says 99"), "{told}");
}
