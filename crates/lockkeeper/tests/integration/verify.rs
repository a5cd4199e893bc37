//! Every migration tried in a throw-away database: what is found, and that nothing is left.

use lockkeeper_engine::postgres::{Host, PrivateServer, PrivateServerOptions, Target};
use lockkeeper_testkit::{Cluster, Database};
use serde_json::Value;

use crate::shop::{Run, Shop};

/// On a private server of the version that the tests run on.
fn verify(shop: &Shop) -> Run {
    let mut command = shop.command("--json verify --no-record");
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
    let options = PrivateServerOptions { binaries: Cluster::binaries_wanted(), ..PrivateServerOptions::default() };
    let server = PrivateServer::start(&options).unwrap();
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
    let left = "SELECT count(*) FROM pg_database WHERE datname LIKE 'lockkeeper_shadow%'";
    assert_eq!(Database::create_on(&server).value(left), "0");
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
