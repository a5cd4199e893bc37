//! How long `lockkeeper lint` takes over 2,000 files beside squawk, another linter: whole processes, the same files,
//! in turn.
//!
//! `cargo bench -p lockkeeper --bench lint`. squawk (`pip install squawk-cli`) is looked for in
//! `LOCKKEEPER_BENCH_SQUAWK` and then on `PATH`; without it only our own time is printed. The bar is a ratio of 0.5.

#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use lockkeeper_testkit::Random;

const FILES: usize = 2_000;
const ROUNDS: usize = 15;

fn main() {
    let folder = tempfile::tempdir().unwrap();
    let files = write(folder.path());
    let bytes: u64 = files.iter().map(|file| file.metadata().unwrap().len()).sum();
    println!("{FILES} files, {bytes} bytes; {ROUNDS} rounds, in turn; median [min, max]");
    let squawk = std::env::var_os("LOCKKEEPER_BENCH_SQUAWK").map_or_else(|| PathBuf::from("squawk"), PathBuf::from);
    let has_squawk = Command::new(&squawk).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    let has_squawk = has_squawk.is_ok_and(|status| status.success());
    let (mut ours, mut theirs, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    // The first round warms the caches and is not counted.
    for round in 0..=ROUNDS {
        let our_time =
            time(Command::new(env!("CARGO_BIN_EXE_lockkeeper")).arg("lint").arg(folder.path()), folder.path());
        let their_time = has_squawk.then(|| time(Command::new(&squawk).args(&files), folder.path()));
        if round > 0 {
            ours.push(our_time.as_secs_f64() * 1e3);
            theirs.extend(their_time.map(|time| time.as_secs_f64() * 1e3));
            ratios.extend(their_time.map(|time| our_time.as_secs_f64() / time.as_secs_f64()));
        }
    }
    println!("  lockkeeper lint  {} ms", spread(&mut ours));
    if has_squawk {
        println!("  squawk           {} ms", spread(&mut theirs));
        println!("  wall ratio       {} round by round", spread(&mut ratios));
    } else {
        println!("  squawk is not here: LOCKKEEPER_BENCH_SQUAWK names it");
    }
}

fn time(command: &mut Command, folder: &Path) -> Duration {
    let began = Instant::now();
    let status = command.current_dir(folder).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
    let code = status.unwrap().code();
    // Both find something.
    assert_eq!(code, Some(1));
    began.elapsed()
}

fn spread(values: &mut [f64]) -> String {
    values.sort_by(f64::total_cmp);
    format!("{:.2} [{:.2}, {:.2}]", values[values.len() / 2], values[0], values[values.len() - 1])
}

/// The same files each time.
fn write(folder: &Path) -> Vec<PathBuf> {
    let mut random = Random::new(818);
    let paths = (1..=FILES).map(|number| {
        let path = folder.join(format!("{number:04}_change_{number}.sql"));
        std::fs::write(&path, text(number, &mut random)).unwrap();
        path
    });
    paths.collect()
}

/// One migration: a few statements of one table, as people write them.
fn text(number: usize, random: &mut Random) -> String {
    let table = format!("orders_{}", random.below(200));
    let all = [
        format!(
            "CREATE TABLE {table}_{number} (\n    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,\n    customer_id bigint NOT NULL,\n    state text NOT NULL DEFAULT 'new',\n    total numeric(12, 2),\n    created_at timestamptz NOT NULL DEFAULT now()\n);"
        ),
        format!("ALTER TABLE {table} ADD COLUMN note_{number} text;"),
        format!("ALTER TABLE {table} ADD CONSTRAINT c_{number} CHECK (total >= 0) NOT VALID;"),
        format!("ALTER TABLE {table} VALIDATE CONSTRAINT c_{number};"),
        format!(
            "CREATE INDEX CONCURRENTLY {table}_{number}_idx ON {table} (customer_id, created_at DESC) WHERE state = 'new';"
        ),
        format!("CREATE INDEX {table}_{number}_state ON {table} (state);"),
        format!("UPDATE {table} SET state = 'old' WHERE created_at < now() - interval '{number} days';"),
        format!("COMMENT ON COLUMN {table}.total IS 'before taxes, migration {number}';"),
        format!("ALTER TABLE {table} ALTER COLUMN state TYPE varchar(40), ALTER COLUMN total SET NOT NULL;"),
        format!("INSERT INTO {table} (customer_id, state) SELECT id, 'new' FROM customers WHERE id % {number} = 0;"),
        format!(
            "DO $$\nBEGIN\n    IF NOT EXISTS (SELECT 1 FROM pg_type WHERE typname = 'state_{number}') THEN\n        CREATE TYPE state_{number} AS ENUM ('new', 'old');\n    END IF;\nEND\n$$;"
        ),
        format!(
            "CREATE OR REPLACE FUNCTION touch_{number}() RETURNS trigger LANGUAGE plpgsql AS $$\nBEGIN\n    NEW.updated_at := now();\n    RETURN NEW;\nEND\n$$;"
        ),
    ];
    let mut text = format!("-- Migration {number}.\n");
    for _ in 0..3 + random.below(3) {
        text.push_str(random.pick::<String>(&all));
        text.push_str("\n\n");
    }
    text
}
