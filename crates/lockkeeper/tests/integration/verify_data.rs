//! Migrations tried on the rows of a dump: what survives, what is named as not verified, and that no value is told.

use lockkeeper_engine::postgres::{Host, PrivateServer, PrivateServerOptions};
use lockkeeper_testkit::{Cluster, Database};
use serde_json::{Value, json};

use crate::shop::{Run, Shop};

/// What production has: every value that must not be told begins with "secret".
const PRODUCTION: &str = "CREATE TABLE public.harbours (id int PRIMARY KEY, name text NOT NULL);\n\
    CREATE TABLE public.boats (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, harbour int NOT NULL REFERENCES harbours,\n\
        \"Nick, name\" text, twice int GENERATED ALWAYS AS (harbour * 2) STORED);\n\
    CREATE TABLE public.trips (day date NOT NULL, boat bigint REFERENCES boats) PARTITION BY RANGE (day);\n\
    CREATE TABLE public.trips_1980 PARTITION OF trips FOR VALUES FROM ('1980-01-01') TO ('1981-01-01');\n";
const ROWS: &str = "INSERT INTO harbours SELECT n, E'secret\\t;\\n' || n FROM generate_series(1, 3) n;\n\
    INSERT INTO boats (harbour, \"Nick, name\") SELECT 1 + n % 3, 'secret ''' || n FROM generate_series(1, 7) n;\n\
    INSERT INTO boats (harbour) VALUES (1);\n\
    INSERT INTO trips SELECT '1980-01-01'::date + n, 1 FROM generate_series(1, 5) n;\n";

fn shop() -> Shop {
    let shop = Shop::open();
    shop.pair("01_create", PRODUCTION, "DROP TABLE trips, boats, harbours;\n");
    shop.pair(
        "02_add_flag",
        "ALTER TABLE boats ADD COLUMN flag text;\nALTER TABLE trips ADD COLUMN miles int;\n",
        "DELETE FROM boats WHERE id > 5;\nALTER TABLE boats DROP COLUMN flag;\nALTER TABLE trips DROP COLUMN miles;\n",
    );
    shop
}

/// A database with rows, on a server that can be dumped: the one of all tests, or an older one where there is no
/// `pg_dump` as new as that. A dump goes to later servers, too.
struct Production {
    database: Database,
    own: Option<PrivateServer>,
}

impl Production {
    fn open() -> Self {
        let own = (!Cluster::get().can_be_dumped())
            .then(|| PrivateServer::start(&PrivateServerOptions::default()).expect("the installed server"));
        let database = own.as_ref().map_or_else(Database::create, Database::create_on);
        database.execute(PRODUCTION);
        database.execute(ROWS);
        Self { database, own }
    }

    fn dump(&self, arguments: &[&str]) -> Vec<u8> {
        self.database.pg_dump(self.own.as_ref().unwrap_or_else(|| Cluster::get().server()), arguments)
    }
}

fn path(shop: &Shop, name: &str) -> String {
    shop.project.path().join(name).display().to_string()
}

fn dump(shop: &Shop, bytes: impl AsRef<[u8]>) {
    std::fs::write(path(shop, "rows.sql"), bytes).unwrap();
}

fn verify(shop: &Shop, data: &str) -> Run {
    let target = Cluster::get().target();
    let Host::SocketDir(dir) = &target.host else { panic!("no socket") };
    let host = dir.display().to_string().replace('/', "%2F");
    let url = format!("postgres://{}@{host}:{}/postgres", target.user, target.port);
    let run = shop.run(&format!("verify --shadow-url {url} --data {data}"));
    assert!(!run.to_string().contains("secret"), "{run}");
    run
}

fn lost(table: &str, count: u64) -> Value {
    json!({ "table": table, "column": null, "count": count })
}

#[test]
fn rows_of_every_kind_of_dump_survive_or_are_counted() {
    let production = Production::open();
    let kinds: [&[&str]; 5] = [
        &["--data-only"],
        &["--data-only", "--inserts"],
        &["--data-only", "--column-inserts", "--rows-per-insert=2"],
        &[],
        &["--data-only", "--format=custom"],
    ];
    for kind in kinds {
        let shop = shop();
        dump(&shop, production.dump(kind));
        let run = verify(&shop, &path(&shop, "rows.sql")).expect(1);
        let json = run.json();
        let rows = |place: usize| &json["migrations"][place]["rows"];
        let all = json!([lost("public.harbours", 3), lost("public.boats", 8), lost("public.trips", 5)]);
        assert_eq!((&rows(0)["down_destroys"], &rows(0)["failed"]), (&all, &Value::Null), "{kind:?}\n{run}");
        assert_eq!((&rows(1)["up_destroys"], &rows(1)["not_filled"]), (&json!([]), &json!([])), "{kind:?}\n{run}");
        // Rows 6 to 8 of the dump are not the down script's to delete.
        assert_eq!(rows(1)["down_loses"], json!([lost("public.boats", 3)]), "{kind:?}\n{run}");
        let loaded = json!(["public.boats", "public.harbours", "public.trips_1980"]);
        assert_eq!(json["data"]["loaded"], loaded, "{kind:?}\n{run}");
        // The whole dump brings the statements that make the schema.
        assert_eq!(json["data"]["left_out"].as_u64().unwrap() > 0, kind.is_empty(), "{kind:?}\n{run}");
    }
}

#[test]
fn what_cannot_be_filled_is_named() {
    let shop = shop();
    dump(
        &shop,
        "COPY public.ghosts (id) FROM stdin;\n1\n\\.\nCOPY public.harbours (id, title) FROM stdin;\n1\tsecret\n\\.\n\
         COPY public.boats (id, harbour, \"Nick, name\") FROM stdin;\n1\t1\tsecret\n\\.\n",
    );
    let run = verify(&shop, &path(&shop, "rows.sql")).expect(0);
    let json = run.json();
    assert_eq!(json["data"]["no_table"], json!(["public.ghosts"]), "{run}");
    assert_eq!(json["data"]["other_columns"], json!(["public.harbours"]), "{run}");
    assert_eq!(json["data"]["refused"], json!([{ "table": "public.boats", "sqlstate": "23503" }]), "{run}");
    let missing = json!(["rows of public.harbours", "rows of public.boats", "rows of public.trips"]);
    assert_eq!(json["migrations"][0]["not_verified"], missing, "{run}");
}

#[test]
fn a_refusal_in_the_middle_of_many_rows_is_named_too() {
    let shop = Shop::open();
    shop.pair("01_create_boats", "CREATE TABLE boats (id int, name text);\n", "DROP TABLE boats;\n");
    let good = "1\tsecret of some length, so that much is on its way when the server refuses\n".repeat(100_000);
    dump(&shop, format!("COPY public.boats (id, name) FROM stdin;\n1\tsecret\nsecret\t1\n{good}\\.\n"));
    let run = verify(&shop, &path(&shop, "rows.sql")).expect(0);
    assert_eq!(run.json()["data"]["refused"], json!([{ "table": "public.boats", "sqlstate": "22P02" }]), "{run}");
    dump(&shop, format!("COPY public.boats (id, name) FROM stdin;\n{good}\\.\n"));
    let run = verify(&shop, &path(&shop, "rows.sql")).expect(0);
    assert_eq!(run.json()["migrations"][0]["rows"]["down_destroys"], json!([lost("public.boats", 100_000)]), "{run}");
}

#[test]
fn what_does_not_run_on_the_rows_is_inconclusive_and_tells_no_value() {
    let shop = Shop::open();
    shop.pair("01_create_boats", "CREATE TABLE boats (id int, name text);\n", "DROP TABLE boats;\n");
    shop.pair(
        "02_change_name",
        "-- lockkeeper: stage=1 reason=\"all are numbers\"\nALTER TABLE boats ALTER COLUMN name TYPE int USING name::int;\n",
        "ALTER TABLE boats ALTER COLUMN name TYPE text;\n",
    );
    dump(&shop, "COPY public.boats (id, name) FROM stdin;\n1\tsecret\n\\.\n");
    let run = verify(&shop, &path(&shop, "rows.sql")).expect(6);
    let second = &run.json()["migrations"][1];
    assert_eq!((&second["verdict"], &second["rows"]["failed"]["sqlstate"]), (&json!("no_data"), &json!("22P02")));
}

#[test]
fn a_broken_dump_is_refused_at_its_line() {
    let shop = shop();
    let rows = path(&shop, "rows.sql");
    dump(&shop, "SET row_security = off;\nCOPY public.boats (id, harbour) FROM stdin;\n1\t2\nsecret\n");
    verify(&shop, &rows).refused(2, "dump-columns-differ").at(&format!("{rows}:4:1"));
    dump(&shop, "\nINSERT INTO public.boats VALUES (1, 'secret);\n");
    verify(&shop, &rows).refused(2, "dump-statement-open").at(&format!("{rows}:2:1"));
    dump(&shop, b"PGDMP and no more");
    verify(&shop, &rows).refused(2, "dump-not-restored");
    verify(&shop, &path(&shop, "none.sql")).refused(2, "dump-no-file");
}
