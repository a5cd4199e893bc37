//! Values that a rollback of stage 1 would lose are kept, and put back when it is applied again.

use serde_json::Value;

use crate::shop::{Run, Shop};

const BACK: &str = "rollback before_schema_add --yes";

/// A table of the application's own, with that key, and a migration that adds to it.
fn shop(table: &str, up: &str, down: &str) -> Shop {
    let shop = Shop::open();
    shop.database.execute(table);
    shop.pair("01_add_more", up, down);
    shop
}

fn customers(up: &str, down: &str) -> Shop {
    shop(
        "CREATE TABLE customers (id bigint PRIMARY KEY, name text); \
         INSERT INTO customers SELECT n, 'customer ' || n FROM generate_series(1, 5) n",
        up,
        down,
    )
}

const ADD: &str = "ALTER TABLE customers ADD COLUMN full_name text;\n";
const DROP: &str = "ALTER TABLE customers DROP COLUMN full_name;\n";

/// All values of a table as text, in the order of its first column.
fn values(shop: &Shop, table: &str) -> Vec<Vec<String>> {
    shop.database.query(&format!("SELECT * FROM {table} ORDER BY 1"))
}

/// The only one.
#[track_caller]
fn one(list: &Value) -> Value {
    let list = list.as_array().unwrap();
    assert_eq!(list.len(), 1, "{list:?}");
    list[0].clone()
}

/// What stage 1 says it put back.
#[track_caller]
fn put_back(run: &Run) -> Value {
    one(&run.json()["put_back"])
}

/// How many rows are back, belong to no row any more, and did not fit.
#[track_caller]
fn counts(put_back: &Value) -> (i64, i64, i64) {
    let count = |what: &str| put_back["returned"][what].as_i64().unwrap_or(-1);
    (count("rows"), count("gone"), count("kept"))
}

fn kept_in(put_back: &Value) -> String {
    put_back["kept_in"].as_str().unwrap().to_owned()
}

/// Stage 1, what new code writes, back, and stage 1 again: every value of the table is as it was.
#[track_caller]
fn all_come_back(shop: &Shop, table: &str, written: &str) -> Value {
    shop.run("stage1").expect(0);
    shop.database.execute(written);
    let before = values(shop, table);
    let schema = shop.database.dump();
    let run = shop.run(BACK).expect(0);
    let rows = i64::try_from(before.len()).unwrap();
    assert_eq!(one(&run.json()["salvaged"])["rows"], rows, "{run}");
    let back = shop.run("stage1").expect(0);
    assert_eq!(values(shop, table), before, "{back}");
    assert_eq!(shop.database.dump(), schema);
    let back = put_back(&back);
    assert_eq!(counts(&back), (rows, 0, 0), "{back}");
    shop.run("log --verify").expect(0);
    back
}

#[test]
fn every_type_comes_back_value_by_value() {
    let columns = [
        ("b", "bytea", "'\\x00ff5c27'"),
        ("j", "jsonb", "'{\"a\": [1, null, \"x\"]}'"),
        ("j2", "json", "'{\"a\":   1, \"a\": 2}'"),
        ("a", "text[]", "ARRAY['a,b', '\"q\"', NULL, '', '{']"),
        ("n", "numeric", "'NaN'"),
        ("n2", "numeric(20,8)", "12345678901.00000001"),
        ("f", "double precision", "0.1::float8 + 0.2"),
        ("f2", "real[]", "ARRAY['-Infinity', 1e-30]::real[]"),
        ("t", "timestamp", "'infinity'"),
        ("tz", "timestamptz", "'1999-12-31 23:59:59.123456+05:45'"),
        ("d", "date", "'0044-03-15 BC'"),
        ("i", "interval", "'-1 year 2 mons -3 days 04:05:06.789'"),
        ("m", "mood", "'so so'"),
        ("ms", "mood[]", "ARRAY['happy', NULL]::mood[]"),
        ("e", "email", "'a@b'"),
        ("p", "pair", "ROW(0.1::float8 + 0.2, '2020-01-02 03:04:05+00', 'a \"q\", ''x''\\')"),
        ("ps", "pair[]", "ARRAY[ROW(1.5, NULL, '')]::pair[]"),
        ("r", "floats", "floats(0.1::float8 + 0.2, NULL)"),
        ("u", "uuid", "'00000000-0000-0000-0000-0000000000ff'"),
        ("c", "char(5)", "'ab'"),
        ("w", "bit varying(9)", "B'101'"),
        ("x", "xml", "'<a>&lt;</a>'"),
        ("ip", "inet", "'::1/64'"),
        ("pt", "point", "'(1.5,-2)'"),
        ("big", "text", "repeat(md5(random()::text), 100000)"),
        ("\"Größe \"\"x\"\"\"", "text COLLATE \"own\"", "'quoted'"),
        ("def", "text DEFAULT 'from default'", "NULL"),
    ];
    let types = "CREATE TYPE mood AS ENUM ('so so', 'happy'); CREATE DOMAIN email AS text CHECK (value LIKE '%@%'); \
                 CREATE TYPE pair AS (f float8, at timestamptz, t text); CREATE TYPE floats AS RANGE (subtype = float8); \
                 CREATE COLLATION own FROM \"C\"";
    let add: Vec<String> = columns.iter().map(|(name, kind, _)| format!("ADD COLUMN {name} {kind}")).collect();
    let drop: Vec<String> = columns.iter().map(|(name, ..)| format!("DROP COLUMN {name}")).collect();
    let set: Vec<String> = columns.iter().map(|(name, _, value)| format!("{name} = {value}")).collect();
    let shop = customers(
        &format!("{types};\nALTER TABLE customers {};\n", add.join(", ")),
        &format!(
            "ALTER TABLE customers {};\nDROP TYPE floats;\nDROP TYPE pair;\nDROP DOMAIN email;\nDROP TYPE mood;\n\
             DROP COLLATION own;\n",
            drop.join(", ")
        ),
    );
    // Settings under which a value that goes through text would come back as another one.
    let name = shop.database.name().to_owned();
    for set in [
        "extra_float_digits = -5",
        "DateStyle = 'SQL, DMY'",
        "IntervalStyle = 'sql_standard'",
        "timezone = 'Asia/Seoul'",
    ] {
        shop.database.execute(&format!("ALTER DATABASE {name} SET {set}"));
    }
    let written =
        format!("UPDATE customers SET {} WHERE id < 5; UPDATE customers SET def = 'mine' WHERE id = 2", set.join(", "));
    let plain = "SET extra_float_digits = 3";
    let before = |shop: &Shop| shop.database.query(&format!("{plain}; SELECT * FROM customers ORDER BY id"));
    shop.run("stage1").expect(0);
    shop.database.execute(&written);
    let all = before(&shop);
    shop.run(BACK).expect(0);
    let again = shop.run("stage1").expect(0);
    assert_eq!(counts(&put_back(&again)), (5, 0, 0), "{again}");
    for (row, (was, is)) in all.iter().zip(before(&shop)).enumerate() {
        for (column, (was, is)) in was.iter().zip(&is).enumerate() {
            assert_eq!(was, is, "row {row}, column {column}");
        }
    }
}

#[test]
fn composite_keys_quoted_names_and_other_schemas() {
    let shop = shop(
        "CREATE SCHEMA \"Other s\"; CREATE TYPE \"Other s\".kind AS ENUM ('a', 'b'); \
         CREATE TABLE \"Other s\".\"Orders, 'all'\" (\"Order\" int, kind \"Other s\".kind, note text, PRIMARY KEY (kind, \"Order\")); \
         INSERT INTO \"Other s\".\"Orders, 'all'\" SELECT n % 3, CASE WHEN n < 3 THEN 'a' ELSE 'b' END::\"Other s\".kind, 'note' FROM generate_series(0, 5) n",
        "ALTER TABLE \"Other s\".\"Orders, 'all'\" ADD COLUMN \"New; one\" text;\n",
        "ALTER TABLE \"Other s\".\"Orders, 'all'\" DROP COLUMN \"New; one\";\n",
    );
    all_come_back(
        &shop,
        "\"Other s\".\"Orders, 'all'\"",
        "UPDATE \"Other s\".\"Orders, 'all'\" SET \"New; one\" = kind::text || \"Order\"",
    );
}

#[test]
fn a_default_gives_way_to_what_the_new_code_wrote() {
    let shop = customers(
        "ALTER TABLE customers ADD COLUMN full_name text NOT NULL DEFAULT 'nobody', ADD COLUMN seen text DEFAULT 'x';\n\
         UPDATE customers SET full_name = 'Mx ' || name;\n",
        "ALTER TABLE customers DROP COLUMN full_name, DROP COLUMN seen;\n",
    );
    all_come_back(&shop, "customers", "UPDATE customers SET full_name = 'Ada ' || id, seen = NULL WHERE id > 2");
}

#[test]
fn a_dropped_index_beside_the_column_is_no_obstacle() {
    let shop = customers(
        "ALTER TABLE customers ADD COLUMN full_name text;\nCREATE INDEX by_full_name ON customers (full_name);\n",
        "DROP INDEX by_full_name;\nALTER TABLE customers DROP COLUMN full_name;\n",
    );
    all_come_back(&shop, "customers", "UPDATE customers SET full_name = 'Ada ' || id");
}

#[test]
fn a_table_comes_back_with_its_rows_and_its_sequences() {
    let shop = customers(
        "CREATE TABLE notes (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, serial serial, customer bigint \
         REFERENCES customers, text text, upper text GENERATED ALWAYS AS (upper(text)) STORED);\n\
         CREATE TABLE replies (note bigint REFERENCES notes, text text);\n",
        "DROP TABLE replies;\nDROP TABLE notes;\n",
    );
    shop.run("stage1").expect(0);
    shop.database.execute(
        "INSERT INTO notes (customer, text) SELECT n % 5 + 1, 'note ' || n FROM generate_series(1, 1234) n; \
         INSERT INTO replies SELECT n, 'reply ' || n FROM generate_series(1, 20) n; DELETE FROM notes WHERE id = 1234",
    );
    let (notes, replies) = (values(&shop, "notes"), values(&shop, "replies"));
    shop.run(BACK).expect(0);
    assert!(!shop.exists("notes"));
    let run = shop.run("stage1").expect(0);
    assert_eq!((values(&shop, "notes"), values(&shop, "replies")), (notes, replies), "{run}");
    shop.database.execute("INSERT INTO notes (text) VALUES ('next')");
    let next = shop.database.query("SELECT id, serial, upper FROM notes ORDER BY id DESC LIMIT 1");
    assert_eq!(next, [["1235", "1235", "NEXT"]]);
}

#[test]
fn a_partitioned_table_comes_back() {
    let parts = "CREATE TABLE events (id int, day date, text text, PRIMARY KEY (id, day)) PARTITION BY RANGE (day);\n\
                 CREATE TABLE events_a PARTITION OF events FOR VALUES FROM ('2020-01-01') TO ('2021-01-01');\n\
                 CREATE TABLE events_b PARTITION OF events DEFAULT;\n";
    let shop = customers(parts, "DROP TABLE events;\n");
    all_come_back(
        &shop,
        "events",
        "INSERT INTO events SELECT n, '2019-12-30'::date + n, 'event' FROM generate_series(1, 50) n",
    );
    let column = shop_with_partitions(parts);
    all_come_back(&column, "events", "UPDATE events SET more = 'more ' || id");
}

fn shop_with_partitions(parts: &str) -> Shop {
    let rows = "INSERT INTO events SELECT n, '2019-12-30'::date + n, 'event' FROM generate_series(1, 50) n";
    shop(
        &format!("{parts} {rows}"),
        "ALTER TABLE events ADD COLUMN more text;\n",
        "ALTER TABLE events DROP COLUMN more;\n",
    )
}

// ── between the rollback and the next stage 1 ──────────────────────────────────────────────────

#[test]
fn rows_that_came_and_went_meanwhile_are_told() {
    let shop = customers(ADD, DROP);
    shop.run("stage1").expect(0);
    shop.database.execute("UPDATE customers SET full_name = 'Ada ' || id");
    shop.run(BACK).expect(0);
    shop.database.execute("DELETE FROM customers WHERE id = 2; INSERT INTO customers VALUES (9, 'new')");
    let run = shop.run("stage1").expect(0);
    let back = put_back(&run);
    assert_eq!(counts(&back), (4, 1, 0), "{run}");
    let rows = shop.database.query("SELECT id, full_name FROM customers ORDER BY id");
    assert_eq!(rows, [["1", "Ada 1"], ["3", "Ada 3"], ["4", "Ada 4"], ["5", "Ada 5"], ["9", "NULL"]]);
    // What has lost its row is still kept, and said to be.
    let gone = format!("SELECT full_name FROM {} WHERE \"lockkeeper fate\" = 'gone'", kept_in(&back));
    assert_eq!(shop.database.query(&gone), [["Ada 2"]]);
    shop.say("status --lang en").expect(0).says(&[
        "4 of 5 rows have their kept values back",
        "1 of them belonged to rows",
        "DROP TABLE",
    ]);
    shop.say("status --lang ko").expect(0).says(&["롤백이 보관한 값"]);
    // Nothing is tried twice.
    shop.pair("02_add_other", "CREATE TABLE other (id int)", "DROP TABLE other");
    assert_eq!(shop.run("stage1").expect(0).json()["put_back"], serde_json::json!([]));
    shop.database.execute(&format!("DROP TABLE {}", kept_in(&back)));
    assert_eq!(shop.run("status").expect(0).json()["salvages"], serde_json::json!([]));
}

#[test]
fn what_does_not_fit_the_corrected_migration_stays_and_is_told() {
    let shop = customers(ADD, DROP);
    shop.run("stage1").expect(0);
    shop.database.execute(
        "UPDATE customers SET full_name = CASE id WHEN 1 THEN '12' WHEN 2 THEN 'twelve' WHEN 3 THEN ' 7' WHEN 4 THEN '2.5' END",
    );
    shop.run(BACK).expect(0);
    shop.pair("01_add_more", "ALTER TABLE customers ADD COLUMN full_name integer CHECK (full_name > 0);\n", DROP);
    let run = shop.run("stage1").expect(0);
    let back = put_back(&run);
    // ' 7' would become '7', which is another text.
    assert_eq!(counts(&back), (2, 0, 3), "{run}");
    let rows = shop.database.query("SELECT id, full_name FROM customers WHERE full_name IS NOT NULL");
    assert_eq!(rows, [["1", "12"]]);
    let fates = format!("SELECT id, left(\"lockkeeper fate\", 6) FROM {} ORDER BY id", kept_in(&back));
    let fates = shop.database.query(&fates);
    assert_eq!(fates, [["1", "return"], ["2", "22P02 "], ["3", "unlike"], ["4", "22P02 "], ["5", "return"]]);
    shop.say("status --lang en").expect(0).says(&["3 of them did not fit", "lockkeeper fate"]);
}

#[test]
fn a_value_is_neither_rounded_nor_cut_off() {
    let shop = customers(
        "ALTER TABLE customers ADD COLUMN a numeric, ADD COLUMN b text, ADD COLUMN c int, ADD COLUMN d timestamp;\n",
        "ALTER TABLE customers DROP COLUMN a, DROP COLUMN b, DROP COLUMN c, DROP COLUMN d;\n",
    );
    shop.run("stage1").expect(0);
    shop.database.execute(
        "UPDATE customers SET a = id + CASE WHEN id = 2 THEN 0.5 ELSE 0 END, \
         b = CASE WHEN id = 3 THEN 'much too long' ELSE 'ok' END, c = id, d = '2020-01-02 03:04:05'",
    );
    shop.run(BACK).expect(0);
    shop.pair(
        "01_add_more",
        "ALTER TABLE customers ADD COLUMN a int, ADD COLUMN b varchar(5), ADD COLUMN c bigint, ADD COLUMN d timestamptz;\n",
        "ALTER TABLE customers DROP COLUMN a, DROP COLUMN b, DROP COLUMN c, DROP COLUMN d;\n",
    );
    let run = shop.run("stage1").expect(0);
    assert_eq!(counts(&put_back(&run)), (3, 0, 2), "{run}");
    let rows = shop.database.query("SELECT id, a, b, c FROM customers WHERE a IS NOT NULL ORDER BY id");
    assert_eq!(rows, [["1", "1", "ok", "1"], ["4", "4", "ok", "4"], ["5", "5", "ok", "5"]]);
}

#[test]
fn what_has_no_place_waits_for_one_that_has() {
    let shop = customers(ADD, DROP);
    shop.run("stage1").expect(0);
    shop.database.execute("UPDATE customers SET full_name = 'Ada ' || id");
    shop.run(BACK).expect(0);
    shop.say("status --lang en").expect(0).says(&["values of 5 rows are kept in lockkeeper.salvage_"]);
    let other = ADD.replace("full_name", "whole_name");
    shop.pair("01_add_more", &other, &DROP.replace("full_name", "whole_name"));
    let run = shop.run("stage1").expect(0);
    assert_eq!(put_back(&run)["because"]["id"], "salvage-no-column", "{run}");
    shop.say("status --lang en").expect(0).says(&["customers has no column that takes full_name"]);
    // Back, and mended: under the same name, with another number.
    shop.run(BACK).expect(0);
    shop.remove("01_add_more");
    shop.pair("03_add_more", ADD, DROP);
    let run = shop.run("stage1").expect(0);
    let back = run.json()["put_back"].as_array().unwrap().clone();
    assert_eq!(back.len(), 2, "{run}");
    assert_eq!((counts(&back[0]), back[1]["because"]["id"].as_str()), ((5, 0, 0), Some("salvage-no-column")));
    assert_eq!(
        shop.database.value("SELECT string_agg(full_name, ' ' ORDER BY id) FROM customers"),
        "Ada 1 Ada 2 Ada 3 Ada 4 Ada 5"
    );
}

#[test]
fn rows_of_a_table_without_a_key_go_into_an_empty_one_only() {
    let up = "CREATE TABLE notes (text text);\n";
    let shop = customers(up, "DROP TABLE notes;\n");
    all_come_back(&shop, "notes", "INSERT INTO notes SELECT 'note ' || n % 3 FROM generate_series(1, 20) n");
    shop.run(BACK).expect(0);
    shop.pair("01_add_more", &format!("{up}INSERT INTO notes VALUES ('seed');\n"), "DROP TABLE notes;\n");
    let run = shop.run("stage1").expect(0);
    assert_eq!(put_back(&run)["because"]["id"], "salvage-not-empty", "{run}");
    assert_eq!(shop.count("notes"), 1);
}

#[test]
fn seeds_of_the_migration_give_way_and_rows_without_their_reference_stay() {
    let up = "CREATE TABLE kinds (id int PRIMARY KEY, text text);\nINSERT INTO kinds VALUES (1, 'seed'), (2, 'seed');\n\
              CREATE TABLE notes (id int PRIMARY KEY, customer bigint REFERENCES customers, kind int REFERENCES kinds);\n";
    let shop = customers(up, "DROP TABLE notes;\nDROP TABLE kinds;\n");
    shop.run("stage1").expect(0);
    shop.database.execute(
        "UPDATE kinds SET text = 'mine' WHERE id = 1; DELETE FROM kinds WHERE id = 2; INSERT INTO kinds VALUES (3, 'new'); \
         INSERT INTO notes SELECT n, n, 3 FROM generate_series(1, 5) n",
    );
    shop.run(BACK).expect(0);
    shop.database.execute("DELETE FROM customers WHERE id = 4");
    let run = shop.run("stage1").expect(0).json();
    let back = run["put_back"].as_array().unwrap();
    assert_eq!(back.iter().map(counts).collect::<Vec<_>>(), [(4, 0, 1), (2, 0, 0)], "{run}");
    assert_eq!(values(&shop, "kinds"), [["1", "mine"], ["2", "seed"], ["3", "new"]]);
    let stays = format!(
        "SELECT id, left(\"lockkeeper fate\", 5) FROM {} WHERE \"lockkeeper fate\" <> 'returned'",
        kept_in(&back[0])
    );
    assert_eq!(shop.database.query(&stays), [["4", "23503"]]);
}

// ── triggers and rights ────────────────────────────────────────────────────────────────────────

#[test]
fn triggers_stay_silent_where_the_role_may_silence_them() {
    let shop = customers(ADD, DROP);
    shop.database.execute(
        "ALTER TABLE customers ADD touched int DEFAULT 0; \
         CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.touched := NEW.touched + 1; RETURN NEW; END $$; \
         CREATE TRIGGER touch BEFORE UPDATE ON customers FOR EACH ROW EXECUTE FUNCTION touch()",
    );
    shop.run("stage1").expect(0);
    shop.database.execute("UPDATE customers SET full_name = 'Ada ' || id");
    shop.run(BACK).expect(0);
    let run = shop.run("stage1").expect(0);
    assert_eq!(counts(&put_back(&run)), (5, 0, 0));
    assert_eq!(shop.database.value("SELECT string_agg(DISTINCT touched::text, ' ') FROM customers"), "1");
}

#[test]
fn a_role_of_modest_rights_keeps_and_returns_and_a_trigger_that_meddles_is_told() {
    let shop = customers(ADD, DROP);
    let (name, role) = (shop.database.name().to_owned(), format!("{}_owner", shop.database.name()));
    shop.database.execute(&format!(
        "CREATE ROLE {role} LOGIN; GRANT CREATE ON DATABASE {name} TO {role}; GRANT CREATE ON SCHEMA public TO {role}; \
         ALTER TABLE customers OWNER TO {role}; \
         CREATE FUNCTION meddle() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
         IF NEW.id = 3 THEN NEW.full_name := 'meddled'; END IF; IF NEW.id = 4 THEN RAISE 'not this one'; END IF; RETURN NEW; END $$"
    ));
    let as_role = |line: &str| shop.run(&format!("{line} --user {role}"));
    as_role("stage1").expect(0);
    shop.database.execute("UPDATE customers SET full_name = 'Ada ' || id");
    as_role(BACK).expect(0);
    shop.database.execute("CREATE TRIGGER meddle BEFORE UPDATE ON customers FOR EACH ROW EXECUTE FUNCTION meddle()");
    let run = as_role("stage1 --accept-drift \"public.customers\" --reason test");
    let run = if run.code == Some(0) { run } else { panic!("{run}") };
    let back = put_back(&run);
    assert_eq!(counts(&back), (3, 0, 2), "{run}");
    let fates = shop.database.query(&format!(
        "SELECT id, full_name, \"lockkeeper fate\" FROM {} WHERE \"lockkeeper fate\" <> 'returned' ORDER BY id",
        kept_in(&back)
    ));
    assert_eq!(fates, [["3", "Ada 3", "altered"], ["4", "Ada 4", "P0001 not this one"]]);
    shop.database.execute(&format!("DROP OWNED BY {role} CASCADE; DROP ROLE {role}"));
}

#[test]
fn what_row_security_hides_is_not_taken_for_nothing() {
    let shop = customers(ADD, DROP);
    let (name, role) = (shop.database.name().to_owned(), format!("{}_owner", shop.database.name()));
    shop.database.execute(&format!(
        "CREATE ROLE {role} LOGIN; GRANT CREATE ON DATABASE {name} TO {role}; ALTER TABLE customers OWNER TO {role}; \
         ALTER TABLE customers ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY; CREATE POLICY own ON customers USING (id < 3)"
    ));
    let as_role = |line: &str| shop.run(&format!("{line} --user {role}"));
    as_role("stage1").expect(0);
    let refusal = as_role(BACK).refused(1, "rollback-would-lose");
    assert!(refusal.to_string().contains("loss-row-security"), "{refusal}");
    shop.database.execute(&format!("DROP OWNED BY {role} CASCADE; DROP ROLE {role}"));
}

// ── what cannot be kept ────────────────────────────────────────────────────────────────────────

/// Refused with that reason, with nothing changed; and done when the loss is accepted.
#[track_caller]
fn cannot_be_kept(shop: &Shop, why: &str) {
    shop.run("stage1").expect(0);
    let (schema, events) = (shop.database.dump(), shop.events());
    let run = shop.run(BACK).refused(1, "rollback-would-lose");
    assert!(run.to_string().contains(why), "{run}");
    assert!(run.hints().contains(&"rollback-would-lose-flag-hint".to_owned()), "{run}");
    assert_eq!((shop.database.dump(), shop.events()), (schema, events));
    let run = shop.say(&format!("{BACK} --accept-loss --lang en")).expect(0);
    assert!(run.to_string().contains("loses values for good"), "{run}");
    assert_eq!(shop.applied(), Vec::<i64>::new());
}

#[test]
fn a_table_without_a_key_has_no_rows_to_return_values_to() {
    let table = "CREATE TABLE customers (id bigint, name text); INSERT INTO customers VALUES (1, 'a')";
    cannot_be_kept(&shop(table, ADD, DROP), "loss-no-key");
}

#[test]
fn an_empty_table_loses_nothing() {
    let shop = shop("CREATE TABLE customers (id bigint, name text)", ADD, DROP);
    shop.run("stage1").expect(0);
    shop.run(BACK).expect(0);
    assert_eq!(shop.count("lockkeeper.salvages"), 0);
    // With a key, too; and no copy of nothing is left.
    let shop = customers(ADD, DROP);
    shop.run("stage1").expect(0);
    shop.database.execute("DELETE FROM customers");
    shop.run(BACK).expect(0);
    assert_eq!(
        (shop.count("lockkeeper.salvages"), shop.count("pg_class WHERE relname LIKE 'salvage\\__\\__'")),
        (0, 0)
    );
}

#[test]
fn what_takes_long_to_copy_is_not_copied() {
    let shop = customers(ADD, DROP);
    // Stored out of line and not compressed.
    shop.database.execute("ALTER TABLE customers ADD pad bytea; ALTER TABLE customers ALTER pad SET STORAGE EXTERNAL");
    let pad = "UPDATE customers SET pad = decode(repeat('00', 20000000), 'hex')";
    shop.database.execute(pad);
    cannot_be_kept(&shop, "loss-too-large");
}

#[test]
fn what_is_no_column_and_no_table_is_not_kept() {
    let down = "DELETE FROM customers WHERE id = 1;\nALTER TABLE customers DROP COLUMN full_name;\n";
    cannot_be_kept(&customers(ADD, down), "loss-other");
    let down = "-- lockkeeper: no-transaction\nALTER TABLE customers DROP COLUMN full_name;\n";
    cannot_be_kept(&customers(ADD, down), "loss-not-in-one");
    let heirs = customers(ADD, DROP);
    heirs.database.execute("CREATE TABLE heirs () INHERITS (customers)");
    cannot_be_kept(&heirs, "loss-heirs");
}

#[test]
fn plan_says_what_undoing_would_cost() {
    let shop = customers(ADD, DROP);
    shop.pair("02_add_seen", "ALTER TABLE logs ADD COLUMN seen text;\n", "ALTER TABLE logs DROP COLUMN seen;\n");
    shop.pair("03_create_notes", "CREATE TABLE notes (id int);\n", "DROP TABLE notes;\n");
    shop.pair("04_add_index", "CREATE INDEX by_name ON customers (name);\n", "DROP INDEX by_name;\n");
    shop.database.execute("CREATE TABLE logs (text text); INSERT INTO logs VALUES ('a')");
    let plan = shop.run("plan").expect(0).json();
    let told: Vec<_> =
        plan["migrations"].as_array().unwrap().iter().map(|it| it["undo_loses"].as_str().unwrap().to_owned()).collect();
    assert_eq!(told, ["salvaged", "values", "salvaged", "nothing"]);
    shop.say("plan --lang en").expect(0).says(&["kept and put back", "logs has no primary key"]);
}

// ── killed, retried, behind a pooler ───────────────────────────────────────────────────────────

#[test]
fn putting_back_goes_on_where_it_was_cut_off() {
    let shop = customers(ADD, DROP);
    shop.database.execute(
        "INSERT INTO customers SELECT n, 'customer ' || n FROM generate_series(6, 3000) n; CREATE TABLE hold (id bigint); \
         CREATE FUNCTION held() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF EXISTS (SELECT FROM hold h WHERE h.id = NEW.id) \
         THEN RAISE 'held' USING ERRCODE = '55P03'; END IF; RETURN NEW; END $$; \
         CREATE TRIGGER held BEFORE UPDATE ON customers FOR EACH ROW EXECUTE FUNCTION held(); \
         ALTER TABLE customers ENABLE ALWAYS TRIGGER held",
    );
    shop.run("stage1").expect(0);
    shop.database.execute("UPDATE customers SET full_name = 'Ada ' || id");
    let before = values(&shop, "customers");
    shop.run(BACK).expect(0);
    // Somebody seems to hold a row of a later batch: what is before it is put back, and then it gives up.
    shop.database.execute("INSERT INTO hold VALUES (1700)");
    shop.project.write("lockkeeper.toml", "[limits]\nlock_timeout = \"50ms\"\nlock_attempts = 2\n");
    let run = shop.run("stage1").refused(4, "salvage-not-returned");
    assert_eq!(shop.applied(), [1], "{run}");
    let waits = shop.database.value("SELECT count(*) FROM customers WHERE full_name IS NULL").parse::<usize>().unwrap();
    assert!((1..3000).contains(&waits), "{waits}");
    assert_eq!(shop.run("status").expect(0).json()["release"]["state"], "expanding");
    shop.database.execute("DELETE FROM hold");
    let run = shop.run("stage1").expect(0);
    assert_eq!(counts(&put_back(&run)), (3000, 0, 0), "{run}");
    assert_eq!(values(&shop, "customers"), before);
}

#[test]
fn keeping_waits_for_a_lock_no_longer_than_it_may() {
    let shop = customers(ADD, DROP);
    shop.run("stage1").expect(0);
    shop.database.execute("UPDATE customers SET full_name = 'Ada ' || id");
    shop.project.write("lockkeeper.toml", "[limits]\nlock_timeout = \"50ms\"\nlock_attempts = 2\n");
    let reader = shop.database.session();
    reader.execute("BEGIN");
    reader.execute("SELECT FROM customers");
    shop.run(BACK).expect(4);
    assert_eq!((shop.applied(), shop.count("lockkeeper.salvages")), (vec![1], 0));
    reader.execute("COMMIT");
    shop.run(BACK).expect(0);
    assert_eq!(shop.count("lockkeeper.salvages"), 1);
}

#[test]
fn a_down_script_that_fails_leaves_no_copy() {
    let shop = customers(ADD, &format!("{DROP}SELECT no_such_column;\n"));
    shop.run("stage1").expect(0);
    shop.run(BACK).refused(3, "undo-failed").sqlstate("42703").at("migrations/01_add_more_down.sql:2:8");
    assert_eq!(shop.count("lockkeeper.salvages"), 0);
    assert_eq!(shop.count("pg_class WHERE relname LIKE 'salvage\\_%' AND relkind = 'r'"), 0);
}
