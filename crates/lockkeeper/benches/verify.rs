//! How long `lockkeeper verify` takes over 300 pairs of migrations: the whole process, the start of the shadow and
//! the rows in its tables included.
//!
//! `cargo bench -p lockkeeper --bench verify`. The bar is 60 seconds on two cores.

#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use lockkeeper_testkit::Cluster;

/// Each brings six pairs.
const TABLES: usize = 50;

/// In seconds.
const BAR: f64 = 60.0;

fn main() {
    let folder = tempfile::tempdir().unwrap();
    let pairs = write(&folder.path().join("migrations"));
    let own = std::env::var_os("PATH").unwrap_or_default();
    let path = std::iter::once(Cluster::binaries_wanted()).flatten().chain(std::env::split_paths(&own));
    let mut command = Command::new(env!("CARGO_BIN_EXE_lockkeeper"));
    command.args(["verify", "--no-record", "--json"]).current_dir(folder.path());
    command.env("PATH", std::env::join_paths(path).unwrap()).stdout(Stdio::null()).stderr(Stdio::null());
    let began = Instant::now();
    let status = command.status().unwrap();
    let took = began.elapsed().as_secs_f64();
    assert!(status.success(), "{status}");
    println!("{pairs} pairs verified in {took:.1} s; the bar is {BAR} s");
    assert!(took < BAR, "{took}");
}

/// Tables that refer to one another, with all that comes over the years. Answers how many pairs there are.
fn write(folder: &Path) -> usize {
    std::fs::create_dir(folder).unwrap();
    let mut number = 0;
    let mut pair = |name: &str, up: &str, down: &str| {
        number += 1;
        std::fs::write(folder.join(format!("{number:03}_{name}_up.sql")), up).unwrap();
        std::fs::write(folder.join(format!("{number:03}_{name}_down.sql")), down).unwrap();
    };
    for table in 0..TABLES {
        let name = format!("t{table}");
        let parent = if table == 0 { String::new() } else { format!(" REFERENCES t{}", table - 1) };
        pair(
            &format!("create_{name}"),
            &format!(
                "CREATE TABLE {name} (id bigint PRIMARY KEY, parent bigint{parent}, name text NOT NULL UNIQUE,\n\
                 state text NOT NULL CHECK (state IN ('new', 'old')), doc jsonb, at timestamptz NOT NULL DEFAULT now());\n"
            ),
            &format!("DROP TABLE {name};\n"),
        );
        for (what, up, down) in [
            (
                "add_{}_size",
                "ALTER TABLE {} ADD COLUMN size int NOT NULL DEFAULT 0;\n",
                "ALTER TABLE {} DROP COLUMN size;\n",
            ),
            ("add_{}_index", "CREATE INDEX {}_by_at ON {} (at, state);\n", "DROP INDEX {}_by_at;\n"),
            (
                "add_{}_view",
                "CREATE VIEW {}_new AS SELECT id, name FROM {} WHERE state = 'new';\n",
                "DROP VIEW {}_new;\n",
            ),
            (
                "change_{}_check",
                "-- lockkeeper: stage=1 reason=\"no code writes it\"\nALTER TABLE {} ADD CONSTRAINT {}_size CHECK (size >= 0);\n",
                "ALTER TABLE {} DROP CONSTRAINT {}_size;\n",
            ),
            (
                "change_{}_default",
                "ALTER TABLE {} ALTER COLUMN state SET DEFAULT 'new';\n",
                "ALTER TABLE {} ALTER COLUMN state DROP DEFAULT;\n",
            ),
        ] {
            pair(&what.replace("{}", &name), &up.replace("{}", &name), &down.replace("{}", &name));
        }
    }
    number
}
