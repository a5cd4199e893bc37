//! Every migration tried in a throw-away database: what is found, and that nothing is left.

use lockkeeper_engine::postgres::{Host, PrivateServer, PrivateServerOptions, Target};
use lockkeeper_testkit::{Cluster, Database};
use serde_json::Value;

use crate::shop::{Run, Shop, wait_until};

/// On a private server of the version that the tests run on.
fn verify(shop: &Shop) -> Run {
    on_private(shop, "verify --no-record")
}

/// A command that finds the programs of the version that the tests run on.
pub fn on_private(shop: &Shop, line: &str) -> Run {
    let mut command = shop.command(&format!("--json {line}"));
    let own = std::env::var_os("PATH").unwrap_or_default();
    let path = std::iter::once(Cluster::get().binaries().dir().to_owned()).chain(std::env::split_paths(&own));
    command.env("PATH", std::env::join_paths(path).unwrap());
    Shop::finish(command)
}

/// On the tests' own server.
fn verify_on_named(shop: &Shop) -> Run {
    verify_on(shop, &Cluster::get().target())
}

fn verify_on(shop: &Shop, target: &Target) -> Run {
    let Host::SocketDir(dir) = &target.host else { panic!("no socket") };
    let host = dir.display().to_string().replace('/', "%2F");
    shop.run(&format!("verify --shadow-url postgres://{}@{host}:{}/postgres", target.user, target.port))
}

fn outcomes(run: &Run) -> Vec<String> {
    let migrations = run.json()["migrations"].as_array().unwrap().clone();
    migrations.iter().map(|it| it["outcome"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn sound_migrations_pass_on_a_private_server_and_touch_nothing() {
    let shop = Shop::open();
    shop.customers();
    let run = verify(&shop).expect(0);
    let json = run.json();
    assert_eq!(json["shadow"]["kind"], "private", "{run}");
    assert_eq!(
        (json["sound"].clone(), json["stage_order"]["differences"].clone()),
        (true.into(), serde_json::json!([]))
    );
    assert!(!shop.has_ledger() && !shop.exists("customers"));
}

#[test]
fn what_a_down_script_leaves_is_named_and_the_ones_behind_it_are_tried() {
    let shop = Shop::open();
    shop.pair("01_create_boats", "CREATE TABLE boats (id int, length int);\n", "DROP TABLE boats;\n");
    shop.pair(
        "02_add_boats_name",
        "ALTER TABLE boats ADD COLUMN name text;\nCREATE INDEX boats_by_length ON boats (length);\n",
        "ALTER TABLE boats DROP COLUMN name;\n",
    );
    shop.pair("03_add_boats_flag", "ALTER TABLE boats ADD flag text;\n", "ALTER TABLE boats DROP COLUMN flags;\n");
    shop.pair(
        "04_add_boats_crew",
        "ALTER TABLE boats ADD COLUMN crew int;\n",
        "ALTER TABLE boats ALTER COLUMN crew SET DEFAULT 1;\n",
    );
    shop.pair("05_create_types", "CREATE TYPE mood AS ENUM ('sad');\n", "DROP TYPE mood;\n");
    let run = verify_on_named(&shop).expect(1);
    assert_eq!(outcomes(&run), ["sound", "up_again_fails", "down_fails", "up_again_fails", "sound"], "{run}");
    let json = run.json();
    assert_eq!(json["shadow"]["kind"], "named", "{run}");
    assert_eq!(json["migrations"][2]["problem"]["sqlstate"], "42703", "{run}");
    assert_eq!(json["migrations"][2]["problem"]["line"], 1, "{run}");
}

#[test]
fn a_difference_is_named_by_object_and_line() {
    let shop = Shop::open();
    shop.pair("01_create_boats", "CREATE TABLE boats (id int, name text DEFAULT 'Ada');\n", "DROP TABLE boats;\n");
    shop.pair(
        "02_change_boats",
        "-- lockkeeper: stage=1 reason=\"nobody writes it yet\"\nALTER TABLE boats ALTER COLUMN name SET DEFAULT 'Eve';\n",
        "ALTER TABLE boats ALTER COLUMN name DROP DEFAULT;\n",
    );
    let run = verify_on_named(&shop).expect(1);
    let difference = &run.json()["migrations"][1]["down_leaves"][0];
    assert_eq!(difference["identity"], "public.boats", "{run}");
    assert!(difference["removed"].to_string().contains("Ada"), "{run}");
    let said = shop.say(&format!("verify --shadow-url {}", "postgres://nobody:secret@localhost/postgres")).to_string();
    assert!(said.contains("~/.pgpass") && !said.contains("scratch"), "{said}");
}

#[test]
fn stage_order_and_safe_steps_are_held_against_the_plain_statements() {
    let shop = Shop::open();
    shop.pair("01_create_boats", "CREATE TABLE boats (id int, old text);\n", "DROP TABLE boats;\n");
    // In stage order the view comes before the column that it would see is gone.
    shop.pair(
        "02_remove_boats_old",
        "ALTER TABLE boats DROP COLUMN old;\n",
        "ALTER TABLE boats ADD COLUMN old text;\n",
    );
    shop.pair("03_create_fleet", "CREATE VIEW fleet AS SELECT * FROM boats;\n", "DROP VIEW fleet;\n");
    shop.pair(
        "04_add_boats_crew",
        "ALTER TABLE boats ADD COLUMN crew int NOT NULL DEFAULT (random() * 9)::int;\nCREATE INDEX boats_by_crew ON boats (crew);\n",
        "ALTER TABLE boats DROP COLUMN crew;\n",
    );
    let run = verify_on_named(&shop).expect(1);
    let json = run.json();
    assert_eq!(outcomes(&run), ["sound"; 4], "{run}");
    assert_eq!(json["stage_order"]["problem"]["sqlstate"], "2BP01", "{run}");
    assert_eq!(json["migrations"][3]["safe_steps"]["differences"], serde_json::json!([]), "{run}");
    assert!(json["migrations"][0]["safe_steps"].is_null(), "{run}");
}

#[test]
fn behind_one_that_fails_nothing_is_tried_and_nothing_is_left() {
    let server = server();
    let shop = Shop::open();
    shop.pair("01_create_boats", "CREATE TABLE boats (id int);\n", "DROP TABLE boats;\n");
    shop.pair(
        "02_add_boats_name",
        "ALTER TABLE ships ADD COLUMN name text;\n",
        "ALTER TABLE ships DROP COLUMN name;\n",
    );
    shop.pair("03_create_types", "CREATE TYPE mood AS ENUM ('sad');\n", "DROP TYPE mood;\n");
    let run = verify_on(&shop, &server.target()).expect(1);
    assert_eq!(outcomes(&run), ["sound", "up_fails"], "{run}");
    assert_eq!((&run.json()["not_tried"], &run.json()["stage_order"]), (&1.into(), &Value::Null));
    assert_eq!(Database::create_on(&server).value(LEFT), "0");
}

#[test]
fn what_was_found_is_recorded_for_exactly_these_files() {
    let shop = Shop::open();
    shop.customers();
    let run = verify_on_named(&shop).expect(0);
    assert_eq!(run.json()["recorded"], true, "{run}");
    let verified = |shop: &Shop| shop.run("status").expect(0).json()["verified"].clone();
    let said = verified(&shop);
    assert_eq!((&said["all_sound"], &said["migrations"][0]["verdict"]), (&true.into(), &"pass".into()), "{said}");
    assert_eq!(shop.count("lockkeeper.verified_migrations"), 2);
    assert_eq!(shop.events(), ["verified"]);

    // Not a word of what it does has changed, and yet nobody has tried this file.
    shop.file("02_remove_customers_name_down.sql", "ALTER TABLE customers ADD COLUMN name text; -- back\n");
    let said = verified(&shop);
    assert_eq!((&said["all_sound"], &said["migrations"][1]["verdict"]), (&false.into(), &Value::Null), "{said}");
    assert_eq!(said["migrations"][0]["verdict"], "pass", "{said}");

    shop.file("02_remove_customers_name_down.sql", "ALTER TABLE customers ADD COLUMN names text;\n");
    verify_on_named(&shop).expect(1);
    let said = verified(&shop);
    assert_eq!((&said["all_sound"], &said["migrations"][1]["verdict"]), (&false.into(), &"fail".into()), "{said}");
    shop.run("log --verify").expect(0);
}

#[test]
fn nothing_is_recorded_where_nobody_named_a_database_or_it_may_not_be_written_to() {
    let shop = Shop::open();
    shop.customers();
    shop.database.execute(&format!("ALTER DATABASE {} SET default_transaction_read_only = on", shop.database.name()));
    let run = verify_on_named(&shop).expect(0);
    assert_eq!(run.json()["recorded"], false, "{run}");
    let mut command = shop.command("--json verify");
    for name in ["DB_HOST", "DB_NAME", "DB_PORT", "DB_USER", "DB_PASSWORD", "DATABASE_URL"] {
        command.env_remove(name);
    }
    let run = Shop::finish(command).expect(0);
    assert_eq!(run.json()["recorded"], false, "{run}");
    assert!(!shop.has_ledger());
}

/// A server of the test's own, to be named.
fn server() -> PrivateServer {
    let options = PrivateServerOptions { binaries: Cluster::binaries_wanted(), ..PrivateServerOptions::default() };
    PrivateServer::start(&options).unwrap()
}

#[test]
fn the_locks_that_are_taken_are_the_ones_that_are_told() {
    let shop = Shop::open();
    shop.pair(
        "01_create_harbour",
        "CREATE TABLE harbours (id int PRIMARY KEY);\n\
         CREATE TABLE boats (id int PRIMARY KEY, harbour int CONSTRAINT home REFERENCES harbours);\n\
         CREATE VIEW fleet AS SELECT id FROM boats;\n\
         CREATE FUNCTION raze() RETURNS int LANGUAGE plpgsql AS $$ BEGIN EXECUTE 'LOCK harbours'; RETURN 1; END $$;\n",
        "DROP FUNCTION raze();\nDROP VIEW fleet;\nDROP TABLE boats;\nDROP TABLE harbours;\n",
    );
    // The names change within the file, and what is replaced is locked while it goes.
    shop.pair(
        "02_change_boats",
        "-- lockkeeper: stage=2 reason=\"nobody reads it\"\n\
         DROP VIEW fleet;\nCREATE VIEW fleet AS SELECT id, harbour FROM boats;\n\
         ALTER TABLE boats RENAME TO ships;\nALTER TABLE ships DROP CONSTRAINT home;\n",
        "ALTER TABLE ships ADD CONSTRAINT home FOREIGN KEY (harbour) REFERENCES harbours;\n\
         ALTER TABLE ships RENAME TO boats;\nDROP VIEW fleet;\nCREATE VIEW fleet AS SELECT id FROM boats;\n",
    );
    let run = verify_on_named(&shop).expect(0);
    for migration in run.json()["migrations"].as_array().unwrap() {
        assert_eq!(migration["locks"], serde_json::json!([]), "{run}");
    }
    // What a function locks, no file tells.
    shop.pair("03_change_more", "CREATE TABLE buoys AS SELECT raze();\n", "DROP TABLE buoys;\n");
    let run = verify_on_named(&shop).expect(1);
    let lock = &run.json()["migrations"][2]["locks"][0];
    assert_eq!((&lock["table"], &lock["told"]), (&"public.harbours".into(), &Value::Null), "{run}");
    assert_eq!((&lock["taken"], &lock["line"]), (&"ACCESS EXCLUSIVE".into(), &1.into()), "{run}");
    assert_eq!(run.json()["migrations"][2]["verdict"], "fail", "{run}");
}

#[test]
fn what_needs_an_extension_that_is_not_there_is_not_verified_and_the_rest_is() {
    let shop = Shop::open();
    shop.pair(
        "01_create_boats",
        "CREATE EXTENSION sextant;\nCREATE TABLE boats (id int);\n",
        "DROP TABLE boats;\nDROP EXTENSION sextant;\n",
    );
    shop.pair("02_add_boats_place", "ALTER TABLE boats ADD place star_angle;\n", "ALTER TABLE boats DROP place;\n");
    shop.pair("03_add_boats_name", "ALTER TABLE boats ADD name text;\n", "ALTER TABLE boats DROP name;\n");
    let run = verify_on_named(&shop).expect(6);
    assert_eq!(outcomes(&run), ["lacks_extensions", "lacks_extensions", "sound"], "{run}");
    assert_eq!(run.json()["migrations"][0]["not_verified"], serde_json::json!(["extension sextant"]), "{run}");
    assert_eq!(
        shop.database.query("SELECT verdict FROM lockkeeper.verified_migrations ORDER BY number"),
        [["no_data"], ["no_data"], ["pass"]]
    );
}

#[test]
fn roles_are_the_servers_and_only_those_that_a_migration_made_go_again() {
    let server = server();
    let database = Database::create_on(&server);
    database.execute("CREATE ROLE captain");
    let shop = Shop::open();
    shop.pair(
        "01_create_crew",
        "CREATE ROLE captain;\nCREATE ROLE sailor;\nCREATE TABLE boats (id int);\nGRANT SELECT ON boats TO sailor;\n",
        "DROP TABLE boats;\nDROP ROLE sailor;\nDROP ROLE captain;\n",
    );
    // Its way back is broken, so that the database is made anew with the role there already.
    shop.pair("02_add_boats_name", "ALTER TABLE boats ADD name text;\n", "ALTER TABLE boats DROP nam;\n");
    shop.pair("03_add_boats_flag", "ALTER TABLE boats ADD flag text;\n", "ALTER TABLE boats DROP flag;\n");
    let run = verify_on(&shop, &server.target()).expect(1);
    assert_eq!(outcomes(&run), ["sound", "down_fails", "sound"], "{run}");
    assert_eq!(run.json()["stage_order"]["differences"], serde_json::json!([]), "{run}");
    let roles = "SELECT string_agg(rolname, ' ' ORDER BY 1) FROM pg_roles WHERE rolname IN ('captain', 'sailor')";
    assert_eq!(database.value(roles), "captain");
}

const LEFT: &str = "SELECT count(*) FROM pg_database WHERE datname LIKE 'lockkeeper_shadow%'";

#[test]
fn a_stop_leaves_nothing_and_what_a_kill_leaves_the_next_run_removes() {
    let server = server();
    let database = Database::create_on(&server);
    let shop = Shop::open();
    shop.pair("01_create_nap", "CREATE TABLE nap AS SELECT 1 AS long FROM pg_sleep(120);\n", "DROP TABLE nap;\n");
    let Host::SocketDir(dir) = server.target().host else { panic!("no socket") };
    let url = format!(
        "verify --no-record --shadow-url postgres://{}@{}:{}/postgres",
        server.target().user,
        dir.display().to_string().replace('/', "%2F"),
        server.target().port
    );
    let asleep =
        "SELECT count(*) FROM pg_stat_activity WHERE datname LIKE 'lockkeeper_shadow%' AND wait_event = 'PgSleep'";
    let running = shop.start(&url);
    wait_until("the migration runs", || database.value(asleep) == "1");
    running.signal("TERM");
    running.wait().expect(143);
    assert_eq!(database.value(LEFT), "0");

    let running = shop.start(&url);
    wait_until("the migration runs", || database.value(asleep) == "1");
    running.signal("KILL");
    running.wait();
    assert_eq!(database.value(LEFT), "3");
    // Somebody else's, however much it looks like ours.
    database.execute("CREATE DATABASE lockkeeper_shadow_of_doubt");
    // The killed one's session ends when the server notices, with the statement that it runs.
    let stop = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname LIKE 'lockkeeper_shadow_%'";
    database.execute(stop);
    wait_until("the dead one's lock is gone", || {
        database.value("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'") == "0"
    });
    shop.pair("01_create_nap", "CREATE TABLE nap (long int);\n", "DROP TABLE nap;\n");
    verify_on(&shop, &server.target()).expect(0);
    assert_eq!(database.value(LEFT), "1");
}

#[test]
fn what_becomes_of_rows_is_counted_by_table_and_column() {
    let shop = Shop::open();
    shop.pair(
        "01_create_boats",
        "CREATE TYPE mood AS ENUM ('calm', 'rough');\n\
         CREATE DOMAIN knots AS numeric(4, 1) CHECK (VALUE > 0);\n\
         CREATE TABLE harbours (id uuid PRIMARY KEY, name varchar(12) NOT NULL UNIQUE, parent uuid REFERENCES harbours);\n\
         CREATE TABLE boats (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, harbour uuid NOT NULL REFERENCES harbours,\n\
             state text NOT NULL CHECK (state IN ('moored', 'it''s off')), sea mood NOT NULL, top knots NOT NULL,\n\
             tags text[] NOT NULL, stay tstzrange NOT NULL, at inet NOT NULL, doc jsonb NOT NULL, raw bytea NOT NULL,\n\
             twice numeric GENERATED ALWAYS AS (top * 2) STORED);\n\
         CREATE TABLE trips (day date NOT NULL, boat bigint NOT NULL REFERENCES boats) PARTITION BY RANGE (day);\n\
         CREATE TABLE trips_1980 PARTITION OF trips FOR VALUES FROM ('1980-01-01') TO ('1981-01-01');\n\
         CREATE TABLE odd (id int PRIMARY KEY, name text NOT NULL CHECK (name ~ '^[0-9]{4}-[A-Z]$'));\n",
        "DROP TABLE odd, trips, boats, harbours;\nDROP DOMAIN knots;\nDROP TYPE mood;\n",
    );
    shop.pair(
        "02_add_nick",
        "ALTER TABLE boats ADD COLUMN nick text;\nALTER TABLE trips ADD COLUMN miles int;\nALTER TABLE odd ADD COLUMN note text;\n",
        "ALTER TABLE odd DROP COLUMN note;\nALTER TABLE trips DROP COLUMN miles;\nALTER TABLE boats DROP COLUMN nick;\n",
    );
    shop.pair("03_remove_doc", "ALTER TABLE boats DROP COLUMN doc;\n", "ALTER TABLE boats ADD COLUMN doc jsonb;\n");
    let run = verify_on_named(&shop).expect(1);
    let json = run.json();
    let rows = |place: usize| json["migrations"][place]["rows"].clone();
    let destroyed = |rows: &Value| {
        let of = |it: &Value| {
            let column = it["column"].as_str().map_or(String::new(), |column| format!(".{column}"));
            assert!(it["count"].as_u64().unwrap() > 0, "{run}");
            format!("{}{column}", it["table"].as_str().unwrap())
        };
        rows.as_array().unwrap().iter().map(of).collect::<Vec<_>>()
    };
    assert_eq!(
        destroyed(&rows(0)["down_destroys"]),
        ["public.harbours", "public.boats", "public.trips"],
        "the one whose check nobody can read stays empty\n{run}"
    );
    assert_eq!(destroyed(&rows(1)["down_destroys"]), ["public.boats.nick", "public.trips.miles"], "{run}");
    assert_eq!(rows(1)["not_filled"], serde_json::json!(["public.odd"]), "{run}");
    assert_eq!((&rows(1)["survive"], &rows(1)["up_destroys"]), (&true.into(), &serde_json::json!([])), "{run}");
    // Stage 2 may destroy, and says how much; a way back without NOT NULL is another matter.
    assert_eq!(destroyed(&rows(2)["up_destroys"]), ["public.boats.doc"], "{run}");
    assert_eq!((&rows(2)["survive"], &json["migrations"][2]["outcome"]), (&true.into(), &"differs".into()), "{run}");
    let not_verified = &json["migrations"][1]["not_verified"];
    assert_eq!(not_verified, &serde_json::json!(["rows of public.odd"]), "{run}");
}

#[test]
fn a_row_that_stage_1_or_a_way_back_destroys_fails() {
    let shop = Shop::open();
    shop.pair(
        "01_create_boats",
        "CREATE TABLE boats (id int PRIMARY KEY, name text NOT NULL);\n",
        "DROP TABLE boats;\n",
    );
    shop.pair(
        "02_tidy_boats",
        "-- lockkeeper: stage=1 reason=\"nobody has any\"\nDELETE FROM boats;\n",
        "-- nothing to undo\n",
    );
    shop.pair(
        "03_add_boats_flag",
        "ALTER TABLE boats ADD COLUMN flag text;\n",
        "DELETE FROM boats WHERE id > 0;\nALTER TABLE boats DROP COLUMN flag;\n",
    );
    shop.pair(
        "04_change_name",
        "-- lockkeeper: stage=1 reason=\"all are numbers\"\nALTER TABLE boats ALTER COLUMN name TYPE int USING name::int;\n",
        "ALTER TABLE boats ALTER COLUMN name TYPE text;\n",
    );
    let run = verify_on_named(&shop).expect(1);
    let json = run.json();
    let migration = |place: usize| json["migrations"][place].clone();
    let twenty = |table: &str| serde_json::json!([{ "table": table, "column": null, "count": 20 }]);
    assert_eq!(migration(1)["rows"]["up_destroys"], twenty("public.boats"), "{run}");
    assert_eq!(migration(1)["verdict"], "fail", "{run}");
    assert_eq!(migration(2)["rows"]["down_loses"], twenty("public.boats"), "{run}");
    assert_eq!((&migration(2)["outcome"], &migration(2)["verdict"]), (&"sound".into(), &"fail".into()), "{run}");
    // Rows that were made up prove nothing against it: it was not tried on any.
    assert_eq!(migration(3)["rows"]["failed"]["sqlstate"], "22P02", "{run}");
    assert_eq!(
        (&migration(3)["verdict"], &migration(3)["not_verified"]),
        (&"pass".into(), &serde_json::json!(["rows"]))
    );
}
