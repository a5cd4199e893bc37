//! A shop whose backups go into a folder of its own, and stand-ins for `pg_dump`.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use lockkeeper_engine::postgres::{Host, PrivateServer, PrivateServerOptions};
use lockkeeper_testkit::{Cluster, Database};
use serde_json::Value;

use crate::shop::{Run, Shop};

/// What dumps lose first: odd names, parents and heirs, generated columns, large objects, policies, sequences.
pub const ODD: &str = "
    CREATE SCHEMA \"Odd \"\"schema\"\"; with ; and 'quotes'\";
    CREATE TABLE \"Odd \"\"schema\"\"; with ; and 'quotes'\".\"table; DROP\" (\"a b\" int, \"select\" text, t text);
    INSERT INTO \"Odd \"\"schema\"\"; with ; and 'quotes'\".\"table; DROP\" SELECT n, 'v' || n, NULL FROM generate_series(1, 50) n;
    CREATE TABLE 표 (이름 text, 값 numeric);
    INSERT INTO 표 VALUES ('나룻배', 1.10), (E'tab\\tline\\n\\\\', 'NaN'), (NULL, NULL);
    CREATE TABLE events (id bigint GENERATED ALWAYS AS IDENTITY, at timestamptz NOT NULL, data bytea) PARTITION BY RANGE (at);
    CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM ('2026-01-01') TO ('2026-07-01');
    CREATE TABLE events_2 (data bytea, id bigint NOT NULL, gone int, at timestamptz NOT NULL);
    ALTER TABLE events_2 DROP COLUMN gone;
    ALTER TABLE events ATTACH PARTITION events_2 FOR VALUES FROM ('2026-07-01') TO ('2027-01-01');
    INSERT INTO events (at, data) SELECT '2026-01-01'::timestamptz + n * '1 day'::interval, decode(md5(n::text), 'hex')
        FROM generate_series(1, 300) n;
    CREATE TABLE parent (a int); CREATE TABLE child (own text) INHERITS (parent); ALTER TABLE parent ADD COLUMN late float8;
    INSERT INTO parent VALUES (1, 0.1); INSERT INTO child VALUES (2, 'c', 1e300), (3, NULL, '-Infinity');
    CREATE TABLE made (id int PRIMARY KEY, twice int GENERATED ALWAYS AS (id * 2) STORED, price money, span interval, j jsonb);
    INSERT INTO made (id, price, span, j) SELECT n, n::money, n * '1 hour'::interval, jsonb_build_object('n', n)
        FROM generate_series(1, 20) n;
    CREATE SEQUENCE counts_down INCREMENT -1; SELECT nextval('counts_down'), nextval('counts_down');
    CREATE SEQUENCE untouched;
    CREATE UNLOGGED TABLE fast (id int); INSERT INTO fast VALUES (1);
    CREATE TABLE nothing ();  INSERT INTO nothing DEFAULT VALUES;
    CREATE TABLE guarded (id int, owner text); INSERT INTO guarded VALUES (1, 'a'), (2, 'b');
    ALTER TABLE guarded ENABLE ROW LEVEL SECURITY;
    CREATE POLICY mine ON guarded USING (owner = current_user);
    CREATE MATERIALIZED VIEW seen AS SELECT count(*) FROM made;
    SELECT lo_from_bytea(0, 'a large object'), lo_from_bytea(0, 'another');
";

pub struct Yard {
    pub shop: Shop,
    /// Where no `pg_dump` is new enough for the server of all tests.
    _own: Option<PrivateServer>,
}

impl Yard {
    pub fn open() -> Self {
        let own = (!Cluster::get().can_be_dumped())
            .then(|| PrivateServer::start(&PrivateServerOptions::default()).expect("the installed server"));
        let database = own.as_ref().map_or_else(Database::create, Database::create_on);
        let yard = Self { shop: Shop::on(database), _own: own };
        yard.settings("");
        yard
    }

    /// Backups into a folder of the project, and further lines of the section.
    pub fn settings(&self, lines: &str) {
        let own = Cluster::get().binaries().dir().join("pg_dump");
        let own = if lines.contains("pg_dump") || !own.is_file() {
            String::new()
        } else {
            format!("pg_dump = \"{}\"\n", own.display())
        };
        self.shop.project.write("lockkeeper.toml", &format!("[backup]\ndirectory = \"backups\"\n{own}{lines}\n"));
    }

    pub fn folder(&self) -> PathBuf {
        self.shop.project.path().join("backups")
    }

    /// What lies in the folder of all backups.
    pub fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.folder()).into_iter().flatten().flatten();
        let mut names: Vec<String> = entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    #[track_caller]
    pub fn create(&self, flags: &str) -> Value {
        self.shop.run(&format!("backup create {flags}")).expect(0).json()
    }

    /// Verifies on the server of the test, which saves starting another.
    pub fn verify(&self, arguments: &str) -> Run {
        self.shop.run(&format!("backup verify {arguments} --shadow-url {}", self.url()))
    }

    pub fn url(&self) -> String {
        let target = self.shop.database.target();
        let Host::SocketDir(dir) = &target.host else { panic!("no socket") };
        let host = dir.display().to_string().replace('/', "%2F");
        format!("postgres://{}@{host}:{}/postgres", target.user, target.port)
    }

    #[track_caller]
    pub fn list(&self) -> Vec<Value> {
        self.shop.run("backup list").expect(0).json()["backups"].as_array().unwrap().clone()
    }

    /// A program of the test's own, by its path.
    pub fn script(&self, name: &str, text: &str) -> PathBuf {
        let path = self.shop.project.path().join(name);
        std::fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).unwrap();
        path
    }

    /// The real `pg_dump`, as a shell calls it.
    pub fn real() -> String {
        let own = Cluster::get().binaries().dir().join("pg_dump");
        if own.is_file() { own.display().to_string() } else { "pg_dump".to_owned() }
    }

    /// A `pg_dump` that says the version of the server and then does this.
    pub fn stand_in(&self, text: &str) {
        self.stand_in_with(text, "");
    }

    /// The same, and further lines of the settings.
    pub fn stand_in_with(&self, text: &str, lines: &str) {
        let major = self.shop.database.major();
        let version = format!("[ \"$1\" = --version ] && {{ echo \"pg_dump (PostgreSQL) {major}.99\"; exit; }}\n");
        let path = self.script("pg_dump", &format!("{version}{text}"));
        self.settings(&format!("pg_dump = \"{}\"\n{lines}", path.display()));
    }
}
