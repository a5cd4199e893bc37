//! Whatever bytes a file holds: parser, classifier and linter take them without a panic, and every span stays inside.
//!
//! What once broke them is kept in `fuzz/corpus`, with statements of all kinds, and is mutated with a seed: a couple
//! of seconds, or ten minutes with `LOCKKEEPER_LONG=1`.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::{Duration, Instant};

use lockkeeper_core::classify::{Facts, decide_stage, effects};
use lockkeeper_core::model::{Checksum, MigrationName, ServerVersion};
use lockkeeper_core::parse::{MigrationFile, parse};
use lockkeeper_lint::check::{Options, check};
use lockkeeper_lint::report::Severity;
use lockkeeper_lint::rule::{Migration, Policy};
use lockkeeper_lint::rules::ALL;
use lockkeeper_testkit::Random;

fn corpus() -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/integration/fuzz/corpus");
    let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let kept = paths.into_iter().map(|path| (path.display().to_string(), std::fs::read(path).unwrap()));
    let examples = ALL.iter().flat_map(|rule| rule.bad.iter().chain(rule.good).map(|it| (rule.name.to_owned(), it)));
    kept.chain(examples.map(|(name, example)| (name, example.up.as_bytes().to_vec()))).collect()
}

fn is_long() -> bool {
    std::env::var_os("LOCKKEEPER_LONG").is_some_and(|value| value == "1")
}

fn file(path: &str, text: &str) -> MigrationFile {
    MigrationFile { path: path.into(), text: text.to_owned(), checksum: Checksum::of(text.as_bytes()) }
}

/// All that looks at a file's text, as the commands do it.
fn look_at(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let script = parse(&text);
    for statement in &script.statements {
        assert!(text.get(statement.span.start..statement.span.end).is_some(), "{:?}", statement.span);
    }
    for diagnostic in &script.diagnostics {
        drop(diagnostic.clone().problem("x.sql", &text));
    }
    let name = MigrationName::new("x").unwrap();
    let (up, down) = (file("up.sql", &text), file("down.sql", &text));
    let all = effects(&script);
    for effect in &all {
        assert!(text.get(effect.span.start..effect.span.end).is_some(), "{effect:?}");
    }
    drop(decide_stage(&name, &up, &script, &all));
    let options = Options {
        policy: Policy { version: ServerVersion::OLDEST, safe_rewrites: true },
        severities: ALL
            .iter()
            .map(|it| (it.name.to_owned(), it.severity.or(Some(Severity::Note))))
            .collect::<BTreeMap<_, _>>(),
        allowed: Vec::new(),
        release_from: None,
        facts: Facts::default(),
    };
    let lines = text.lines().count().max(1) + 1;
    for finding in check(&[Migration::read(&name, &up, Some(&down))], &options).findings {
        assert!(finding.place.at.is_none_or(|at| at.line <= lines), "{finding:?}");
    }
}

/// Looks, and names the input where that fails.
fn survive(bytes: &[u8], origin: &str) {
    if catch_unwind(AssertUnwindSafe(|| look_at(bytes))).is_err() {
        let kept = std::env::temp_dir().join("lockkeeper-fuzz-finding.sql");
        std::fs::write(&kept, bytes).unwrap();
        panic!("{origin}: {} bytes, kept in {}", bytes.len(), kept.display());
    }
}

#[test]
fn the_corpus_is_read() {
    for (name, bytes) in corpus() {
        survive(&bytes, &name);
    }
}

#[test]
fn a_file_may_end_anywhere() {
    for (name, bytes) in corpus() {
        let step = if is_long() { 1 } else { 1 + bytes.len() / 64 };
        for end in (0..bytes.len()).step_by(step) {
            survive(&bytes[..end], &format!("{name} up to {end}"));
        }
    }
}

/// What nests, around something, and how it ends.
const NESTS: [(&str, &str, &str, &str, &str); 27] = [
    ("SELECT ", "(", "1", ")", ""),
    ("SELECT ", "array[", "1", "]", ""),
    ("SELECT ", "f(", "1", ")", ""),
    ("SELECT ", "(SELECT ", "1", ")", ""),
    ("", "SELECT * FROM (", "SELECT 1", ") a", ""),
    ("", "WITH a AS (", "SELECT 1", ") SELECT 1", ""),
    ("SELECT ", "NOT ", "a", "", ""),
    ("SELECT ", "- ", "1", "", ""),
    ("SELECT ", "NOT - ", "1", "", ""),
    ("SELECT ", "CASE WHEN a THEN ", "1", " END", ""),
    ("SELECT ", "CASE - CASE NOT ", "1", " END", ""),
    ("SELECT 1", " + 1", "", "", ""),
    ("SELECT 1", " = 1", "", "", ""),
    ("SELECT 1", " || 1", "", "", ""),
    ("SELECT 1", " AND a", "", "", ""),
    ("SELECT 1", "::int", "", "", ""),
    ("SELECT a", "[1]", "", "", ""),
    ("SELECT a", ".a", "", "", ""),
    ("SELECT 1", " UNION SELECT 1", "", "", ""),
    ("SELECT 1 FROM a", " JOIN b ON true", "", "", ""),
    ("", "EXPLAIN ANALYZE ", "SELECT 1", "", ""),
    ("", "/*", "", "*/", "SELECT 1"),
    ("DO $$ ", "BEGIN ", "NULL; ", "END; ", "$$"),
    ("DO $$ BEGIN ", "IF a THEN ", "NULL; ", "END IF; ", "END $$"),
    ("DO $$ BEGIN ", "LOOP ", "NULL; ", "END LOOP; ", "END $$"),
    ("CREATE FUNCTION f() RETURNS int LANGUAGE sql AS $$ SELECT ", "(", "1", ")", "$$"),
    ("DO $$ BEGIN EXECUTE 'SELECT ", "(", "1", ")", "'; END $$"),
];

#[test]
fn nothing_is_too_deep() {
    for (head, open, inner, close, tail) in NESTS {
        for count in [10, 150, 350, 700, 1_300, 10_000] {
            let text = format!("{head}{}{inner}{}{tail}", open.repeat(count), close.repeat(count));
            look_at(text.as_bytes());
            // The end is missing, or the beginning.
            look_at(format!("{head}{}", open.repeat(count)).as_bytes());
            look_at(format!("{}{tail}", close.repeat(count.min(350))).as_bytes());
        }
    }
}

#[test]
fn bodies_within_bodies_come_to_an_end() {
    let dollars =
        (0..200).fold("DROP TABLE t;".to_owned(), |body, level| format!("DO $b{level}$ BEGIN {body} END $b{level}$;"));
    look_at(dollars.as_bytes());
    let quotes = (0..6).fold("DROP TABLE t".to_owned(), |body, _| {
        format!("DO 'BEGIN EXECUTE ''{}''; END'", body.replace('\'', "''''"))
    });
    look_at(quotes.as_bytes());
}

/// What stands between other things in SQL.
const PIECES: [&str; 40] = [
    "'",
    "\"",
    "$$",
    "$a$",
    "(",
    ")",
    "[",
    "]",
    ",",
    ";",
    "--",
    "/*",
    "*/",
    "\\",
    "::",
    "E'",
    "U&'",
    "{{",
    "}}",
    "\u{feff}",
    "BEGIN",
    "END",
    "DO",
    "EXECUTE",
    "INTO",
    "AS",
    "LANGUAGE sql",
    "ALTER TABLE t ",
    "DROP COLUMN ",
    "ADD COLUMN ",
    "NOT VALID",
    "CONCURRENTLY",
    "IF EXISTS",
    "-- lockkeeper: ",
    "allow=",
    "reason=\"",
    "NULL",
    "가",
    "\0",
    "\r\n",
];

fn mutated(random: &mut Random, corpus: &[(String, Vec<u8>)]) -> Vec<u8> {
    let pick = |random: &mut Random, most: usize| usize::try_from(random.below(most.max(1) as u64)).unwrap();
    let mut bytes = corpus[pick(random, corpus.len())].1.clone();
    for _ in 0..=pick(random, 6) {
        let at = pick(random, bytes.len() + 1);
        let end = at + pick(random, (bytes.len() - at).min(80) + 1);
        match pick(random, 7) {
            0 if at < bytes.len() => bytes[at] ^= 1 << pick(random, 8),
            1 => drop(bytes.drain(at..end)),
            2 => {
                let again = bytes[at..end].to_vec();
                bytes.splice(at..at, again.iter().copied().cycle().take(again.len() * (1 + pick(random, 40))));
            }
            3 => {
                let other = &corpus[pick(random, corpus.len())].1;
                let from = pick(random, other.len() + 1);
                let to = from + pick(random, (other.len() - from).min(200) + 1);
                bytes.splice(at..end, other[from..to].iter().copied());
            }
            4 => bytes.truncate(at),
            _ => drop(bytes.splice(at..at, PIECES[pick(random, PIECES.len())].bytes())),
        }
    }
    bytes.truncate(1 << 16);
    bytes
}

#[test]
fn no_mutation_breaks_it() {
    let seconds = if is_long() { 600 } else { 2 };
    let seed = std::env::var("LOCKKEEPER_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(1);
    let mut random = Random::new(seed);
    let corpus = corpus();
    let began = Instant::now();
    let mut runs = 0_u64;
    while began.elapsed() < Duration::from_secs(seconds) {
        let bytes = mutated(&mut random, &corpus);
        survive(&bytes, &format!("LOCKKEEPER_SEED={seed}, run {runs}"));
        runs += 1;
    }
    assert!(runs > 0);
    if seconds > 2 {
        let mut out = std::io::stderr().lock();
        std::io::Write::write_all(&mut out, format!("{runs} runs with LOCKKEEPER_SEED={seed}\n").as_bytes()).unwrap();
    }
}
