//! Every rule on its examples, and what projects set and allow.

use lockkeeper_core::classify::{Facts, Relation, RelationKind, Server, Traffic};
mod hazards;

use lockkeeper_core::model::{Checksum, MigrationName, ServerVersion};
use lockkeeper_core::parse::Ident;

use super::*;
use crate::rule::Example;
use crate::rules::in_korean;

fn file(path: &str, text: &str) -> MigrationFile {
    MigrationFile { path: path.into(), text: text.to_owned(), checksum: Checksum::of(text.as_bytes()) }
}

/// What the rule finds in an example's last migration, with every rule switched on.
fn found(rule: &Rule, example: &Example, safe_rewrites: bool) -> Vec<Finding> {
    let mut files = Vec::new();
    for (index, (name, up, down)) in example.before.iter().enumerate() {
        let path = |side: &str| format!("{index}_{name}_{side}.sql");
        files.push((*name, file(&path("up"), up), Some(file(&path("down"), down))));
    }
    files.push((example.name, file("up.sql", example.up), example.down.map(|down| file("down.sql", down))));
    let read =
        files.iter().map(|(name, up, down)| Migration::read(&MigrationName::new(*name).unwrap(), up, down.as_ref()));
    let read: Vec<Migration<'_>> = read.collect();
    let options = Options {
        policy: Policy { version: ServerVersion::from_num(example.version), safe_rewrites },
        severities: ALL.iter().map(|it| (it.name.to_owned(), it.severity.or(Some(Severity::Note)))).collect(),
        allowed: Vec::new(),
        release_from: None,
        facts: Facts::default(),
    };
    let findings = check(&read, &options).findings;
    let last = |finding: &Finding| ["up.sql", "down.sql"].contains(&finding.place.path.as_ref());
    findings.into_iter().filter(|finding| finding.rule == rule.name && last(finding)).collect()
}

#[test]
fn every_rule_finds_its_bad_examples_and_passes_its_good_ones() {
    let mut wrong = Vec::new();
    for rule in ALL {
        assert!(!rule.bad.is_empty() && !rule.good.is_empty(), "{} has no examples", rule.name);
        for example in rule.bad {
            if found(rule, example, false).is_empty() {
                wrong.push(format!("{} misses {}", rule.name, example.up));
            }
        }
        for example in rule.good {
            for finding in found(rule, example, false) {
                wrong.push(format!("{} finds fault with {}: {}", rule.name, example.up, finding.message));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_rule_is_documented_under_the_same_headings_in_both_languages() {
    const HEADINGS: [(&str, &str); 3] = [
        ("## What it finds", "## 찾는 것"),
        ("## Why it hurts a running system", "## 실행 중인 시스템에 해로운 까닭"),
        ("## The way out", "## 해결 방법"),
    ];
    for rule in ALL {
        let english = rule.documentation();
        let korean = in_korean(rule).unwrap_or_else(|| panic!("{} has no page in Korean", rule.name));
        let headings =
            |text: &str| text.lines().filter(|line| line.starts_with('#')).map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(headings(&english), HEADINGS.map(|(english, _)| english), "{}", rule.name);
        assert_eq!(headings(korean), HEADINGS.map(|(_, korean)| korean), "{}", rule.name);
        for text in [english.as_str(), korean] {
            let parts = text.split("\n## ").map(|part| part.lines().skip(1).map(str::len).sum::<usize>()).skip(1);
            assert!(parts.clone().count() == 3 && parts.into_iter().all(|length| length > 0), "{}: {text}", rule.name);
        }
    }
}

/// The oldest and the newest of each major version, and those with a known fault.
const VERSIONS: [i32; 7] = [140_003, 140_099, 150_000, 160_000, 170_000, 170_099, 180_000];

#[test]
fn where_the_answer_depends_on_the_version_there_are_examples_on_both_sides() {
    let mut missing = Vec::new();
    for rule in ALL {
        for example in rule.bad.iter().chain(rule.good) {
            let finds = |version| !found(rule, &example.on(version), false).is_empty();
            let (found_on, silent_on): (Vec<i32>, Vec<i32>) = VERSIONS.into_iter().partition(|version| finds(*version));
            if found_on.is_empty() || silent_on.is_empty() {
                continue;
            }
            let has = |examples: &[Example]| {
                examples.iter().any(|it| (it.up, it.before, it.down) == (example.up, example.before, example.down))
            };
            if !has(rule.bad) || !has(rule.good) {
                missing
                    .push(format!("{}: {} is found on {found_on:?} and not on {silent_on:?}", rule.name, example.up));
            }
        }
    }
    assert!(missing.is_empty(), "{}", missing.join("\n"));
}

#[test]
fn what_becomes_safe_steps_is_a_note() {
    for rule in ALL.iter().filter(|rule| rule.mended) {
        for example in rule.bad {
            let quiet = found(rule, example, true);
            let in_body = example.up.starts_with("DO ");
            let is_note = |finding: &Finding| finding.severity == Severity::Note;
            assert!(in_body || quiet.iter().all(is_note), "{}: {}", rule.name, example.up);
            let loud = found(rule, example, false);
            assert!(loud.iter().all(|it| Some(it.severity) == rule.severity), "{}: {}", rule.name, example.up);
        }
    }
}

#[test]
fn every_rule_is_documented_alike() {
    for rule in ALL {
        let text = rule.documentation();
        for heading in ["## What it finds", "## Why it hurts a running system", "## The way out"] {
            assert!(text.contains(heading), "{}: {heading}", rule.name);
        }
        assert!(rule.summary().ends_with('.'), "{}: {}", rule.name, rule.summary());
    }
}

#[test]
fn names_are_unique_and_read_after_allow() {
    let mut names: Vec<_> = ALL.iter().map(|rule| rule.name).collect();
    assert!(names.is_sorted());
    names.dedup();
    assert_eq!(names.len(), ALL.len());
    for name in names {
        assert!(name.chars().all(|c| c.is_ascii_lowercase() || c == '-'), "{name}");
        let first = name.split('-').next().unwrap();
        assert!(!["ban", "disallow", "no", "require", "prefer"].contains(&first), "{name}");
    }
}

#[test]
fn a_new_table_may_be_treated_any_way() {
    const NEW: [&str; 5] = [
        "CREATE TABLE t (a int); CREATE INDEX i ON t (a); ALTER TABLE t ALTER a TYPE bigint",
        "CREATE TABLE t (a int); ALTER TABLE t ADD CONSTRAINT c CHECK (a > 0), ALTER a SET NOT NULL",
        "CREATE TABLE IF NOT EXISTS t (a int); CREATE UNIQUE INDEX i ON t (a); ALTER TABLE t ADD PRIMARY KEY (a)",
        "DO $$ BEGIN CREATE TABLE t (a int); CREATE INDEX i ON t (a); ALTER TABLE t ADD UNIQUE (a); END $$",
        "CREATE TABLE t (a int); CREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION f()",
    ];
    for rule in ALL.iter().filter(|rule| rule.severity.is_some()) {
        for up in NEW {
            let tolerated = ["separate-alter-tables"];
            if !tolerated.contains(&rule.name) {
                assert_eq!(found(rule, &Example::up(up), false), [], "{}", rule.name);
            }
        }
    }
}

#[test]
fn severities_of_a_project_hold() {
    let up = file("up.sql", "CREATE INDEX i ON t (a)");
    let read = [Migration::read(&MigrationName::new("x").unwrap(), &up, None)];
    let with = |severity| Options {
        policy: Policy { version: ServerVersion::OLDEST, safe_rewrites: false },
        severities: BTreeMap::from([("index-without-concurrently".to_owned(), severity)]),
        allowed: Vec::new(),
        release_from: None,
        facts: Facts::default(),
    };
    assert_eq!(check(&read, &with(None)).findings, []);
    assert_eq!(check(&read, &with(Some(Severity::Warning))).findings[0].severity, Severity::Warning);
}

#[test]
fn a_pattern_means_a_path_or_its_end() {
    for (pattern, path, means) in [
        ("07_a_up.sql", "migrations/07_a_up.sql", true),
        ("migrations/07_a_up.sql", "app/migrations/07_a_up.sql", true),
        ("a_up.sql", "migrations/07_a_up.sql", false),
        ("07_*", "migrations/07_a_up.sql", true),
        ("*_down.sql", "migrations/07_a_up.sql", false),
        ("*", "migrations/07_a_up.sql", true),
        ("0*a*sql", "migrations/07_a_up.sql", true),
    ] {
        assert_eq!(fits(pattern, path), means, "{pattern} {path}");
    }
}

/// What is found in a script that adds a stored column to `orders`, of so many bytes and writes a minute.
fn weighed(sql: &str, bytes: u64, writes_per_min: u64) -> Vec<(Severity, bool)> {
    let (public, orders) = (Ident::from_source("public"), Ident::from_source("orders"));
    let mut relation = Relation::new(public.clone(), orders, RelationKind::Table);
    relation.bytes = bytes;
    relation.traffic = Traffic { rows: 7, writes_per_min, reads_per_min: 0 };
    let server = Server { version: ServerVersion::OLDEST, search_path: vec![public], zone_is_utc: false };
    let options = Options {
        policy: Policy { version: ServerVersion::OLDEST, safe_rewrites: false },
        severities: BTreeMap::from([("index-without-concurrently".to_owned(), Some(Severity::Warning))]),
        allowed: Vec::new(),
        release_from: None,
        facts: Facts {
            server: Some(server),
            relations: BTreeMap::from([(relation.full_name(), relation)]),
            ..Facts::default()
        },
    };
    let up = file("up.sql", sql);
    let down = file("down.sql", "SELECT 1");
    let read = [Migration::read(&MigrationName::new("x").unwrap(), &up, Some(&down))];
    let findings = check(&read, &options).findings;
    let ours = findings.into_iter().filter(|it| it.rule == "index-without-concurrently");
    ours.map(|it| (it.severity, it.message.id == "lint-with-facts")).collect()
}

#[test]
fn the_live_table_decides_how_loud_a_hazard_of_time_is() {
    const INDEX: &str = "CREATE INDEX i ON orders (a)";
    assert_eq!(weighed(INDEX, 8_192, 10), []);
    assert_eq!(weighed(INDEX, 8_192, 60_000), [(Severity::Error, true)]);
    assert_eq!(weighed(INDEX, 50 << 20, 10), [(Severity::Warning, true)]);
    assert_eq!(weighed(INDEX, 12 << 30, 10), [(Severity::Error, true)]);
    // Of a table that the database does not have, the files alone tell.
    assert_eq!(weighed("CREATE INDEX i ON others (a)", 8_192, 10), [(Severity::Warning, false)]);
}

#[test]
fn the_rules_that_facts_weigh_are_there() {
    for name in facts::ONLY_TIME.iter().chain(facts::NEEDS_WORK) {
        assert!(ALL.iter().any(|rule| rule.name == *name), "{name}");
    }
}
