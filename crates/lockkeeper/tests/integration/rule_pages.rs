//! A page for each rule of the linter, in both languages, from the rule's own file.
//!
//! `UPDATE_DOCS=1 cargo test -p lockkeeper --test integration rule_pages` writes them anew.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

use lockkeeper_core::model::ServerVersion;
use lockkeeper_lint::report::Severity;
use lockkeeper_lint::rule::{Example, Rule};
use lockkeeper_lint::rules::{ALL, in_korean};

/// The words around a rule's own prose.
struct Language {
    /// Of the files: `name.md`, `name.ko.md`.
    suffix: &'static str,
    other: (&'static str, &'static str),
    title: &'static str,
    intro: &'static str,
    index_head: &'static str,
    off: &'static str,
    mended: &'static str,
    found: &'static str,
    not_found: &'static str,
    allowing: &'static str,
    because: &'static str,
    locks: &'static str,
}

const ENGLISH: Language = Language {
    suffix: ".md",
    other: (".ko.md", "한국어"),
    title: "The rules of lockkeeper lint",
    intro: "What each rule finds, why it hurts a running system, and the way out.\n\
            `lockkeeper lint --explain NAME` shows the same.\n\
            Severities are set in `lockkeeper.toml`, under `[lint]`; a rule that is *off* is asked for there.\n\
            Where Lockkeeper makes safe steps of a statement by itself, the finding is a note.\n\
            The locks that the rules speak of are [measured](../locks.md).",
    index_head: "| rule | severity | what it finds |",
    off: "off",
    mended: "a note where Lockkeeper makes safe steps of it",
    found: "Found",
    not_found: "Not found",
    allowing: "To allow it",
    because: "why it is meant",
    locks: "What each statement locks: [the table](../locks.md).",
};

const KOREAN: Language = Language {
    suffix: ".ko.md",
    other: (".md", "English"),
    title: "lockkeeper lint의 규칙",
    intro: "각 규칙이 무엇을 찾는지, 실행 중인 시스템에 왜 해로운지, 어떻게 해결하는지를 설명합니다.\n\
            `lockkeeper lint --explain NAME`도 같은 것을 보여 줍니다.\n\
            심각도는 `lockkeeper.toml`의 `[lint]`에서 정합니다. *off*인 규칙은 거기에서 켭니다.\n\
            Lockkeeper가 문장을 스스로 안전한 단계로 바꾸는 곳에서는 note가 됩니다.\n\
            규칙이 말하는 락은 [측정한 것](../locks.ko.md)입니다.",
    index_head: "| 규칙 | 심각도 | 찾는 것 |",
    off: "off",
    mended: "Lockkeeper가 안전한 단계로 바꾸는 곳에서는 note",
    found: "찾는 예",
    not_found: "찾지 않는 예",
    allowing: "허용하려면",
    because: "의도한 까닭",
    locks: "각 문장이 잡는 락: [표](../locks.ko.md).",
};

#[test]
fn every_rule_has_its_page() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/rules");
    let mut pages = BTreeMap::new();
    for language in [&ENGLISH, &KOREAN] {
        pages.insert(format!("README{}", language.suffix), index(language));
        for rule in ALL {
            pages.insert(format!("{}{}", rule.name, language.suffix), page(rule, language));
        }
    }
    if std::env::var_os("UPDATE_DOCS").is_some() {
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).unwrap();
        for (name, text) in &pages {
            std::fs::write(folder.join(name), text).unwrap();
        }
        return;
    }
    let kept: Vec<String> =
        std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    let stray: Vec<&String> = kept.iter().filter(|name| !pages.contains_key(*name)).collect();
    assert!(stray.is_empty(), "no rule has these pages: {stray:?}");
    for (name, text) in &pages {
        let kept = std::fs::read_to_string(folder.join(name)).unwrap_or_default();
        assert!(kept == *text, "docs/rules/{name} is not what its rule says; UPDATE_DOCS=1 writes it");
    }
}

fn index(language: &Language) -> String {
    let (suffix, name) = language.other;
    let mut text = format!("# {}\n\n[{name}](README{suffix})\n\n{}\n\n", language.title, language.intro);
    writeln!(text, "{}\n| --- | --- | --- |", language.index_head).unwrap();
    for rule in ALL {
        let prose = prose(rule, language);
        let title = prose.lines().next().unwrap_or_default().replace('|', "\\|");
        let severity = severity(rule, language);
        writeln!(text, "| [{0}]({0}{1}) | {severity} | {title} |", rule.name, language.suffix).unwrap();
    }
    text
}

fn page(rule: &Rule, language: &Language) -> String {
    let (suffix, name) = language.other;
    let severity = severity(rule, language);
    let mended = if rule.mended { format!(" ({})", language.mended) } else { String::new() };
    let mut text = format!(
        "# {0}\n\n`{severity}`{mended} · [{name}]({0}{suffix})\n\n{1}\n",
        rule.name,
        prose(rule, language).trim_end()
    );
    for (title, examples) in [(language.found, rule.bad), (language.not_found, rule.good)] {
        writeln!(text, "\n## {title}").unwrap();
        for example in examples {
            writeln!(text, "\n```sql\n{}```", sql(example)).unwrap();
        }
    }
    writeln!(
        text,
        "\n## {}\n\n```sql\n-- lockkeeper: allow={} reason=\"{}\"\n```\n\n{}",
        language.allowing, rule.name, language.because, language.locks
    )
    .unwrap();
    text
}

fn prose(rule: &Rule, language: &Language) -> String {
    match language.suffix {
        ".ko.md" => in_korean(rule).expect("every rule is documented in Korean").to_owned(),
        _ => rule.documentation(),
    }
}

fn severity(rule: &Rule, language: &Language) -> &'static str {
    rule.severity.map_or(language.off, Severity::as_str)
}

fn sql(example: &Example) -> String {
    let mut text = String::new();
    let usual = Example::up("").version;
    if example.version != usual {
        writeln!(text, "-- PostgreSQL {}", ServerVersion::from_num(example.version)).unwrap();
    }
    for (name, up, _) in example.before {
        writeln!(text, "-- before, in {name}: {}", up.replace('\n', " ")).unwrap();
    }
    writeln!(text, "{}", example.up).unwrap();
    if let Some(down) = example.down {
        writeln!(text, "-- down: {}", down.replace('\n', "\n-- ")).unwrap();
    }
    text
}
