//! What was measured, kept for each major version of PostgreSQL, and the page that shows it.
//!
//! `UPDATE_DOCS=1 cargo test -p lockkeeper --test integration lock_table`, once on each version, writes both anew.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use super::{Doing, Form, forms};

const MAJORS: [u32; 5] = [14, 15, 16, 17, 18];

/// A form with what it did: `statement | locks | written anew | read`.
pub fn line(form: &Form, measured: &Doing) -> String {
    let locks: Vec<_> =
        measured.locks.iter().map(|(table, mode)| format!("{mode} on {table}", mode = mode.as_str())).collect();
    let yes = |it: bool| if it { "yes" } else { "no" };
    let read = match measured.scans {
        Some(scans) => yes(scans || measured.rewrites),
        None => "not measured",
    };
    format!("{} | {} | {} | {read}\n", form.statement, locks.join(", "), yes(measured.rewrites))
}

fn record_of(major: u32) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/integration/lock_table/measured/{major}.txt"))
}

/// A server that does something else than it did is worth knowing.
pub fn keep(major: u32, record: &str) {
    let path = record_of(major);
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, record).unwrap();
        return;
    }
    let kept = std::fs::read_to_string(&path).expect("what was measured on this version");
    for (was, is) in kept.lines().zip(record.lines()) {
        assert_eq!(was, is, "PostgreSQL {major} does something else than is written down");
    }
    assert_eq!(kept.lines().count(), record.lines().count());
}

#[test]
fn the_page_on_locks_shows_what_was_measured() {
    let shown = page();
    for (name, prose) in [("locks.md", ENGLISH), ("locks.ko.md", KOREAN)] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs").join(name);
        let text = format!("{prose}{shown}");
        if std::env::var_os("UPDATE_DOCS").is_some() {
            std::fs::write(&path, text).unwrap();
        } else {
            assert!(
                std::fs::read_to_string(&path).unwrap() == text,
                "docs/{name} is out of date; UPDATE_DOCS=1 writes it"
            );
        }
    }
}

const ENGLISH: &str = "# What each statement locks

Measured, not remembered: each statement is run on PostgreSQL 14, 15, 16, 17 and 18, and what it took is read from `pg_locks`, what it wrote anew from `pg_class`, what it read from `pg_stat`.
Locks on tables that were there before count, the strongest of each; ACCESS SHARE, which every reader takes, is left out.
The tables are those of [the fixture](../crates/lockkeeper/tests/integration/lock_table/fixture.sql): `item` refers to `org`, `event` is partitioned by year, with `event_rest` as its default partition, and `heir` inherits from `base`.
*Written anew* means that every row is; *read* means from end to end.

This is what `lockkeeper plan` and the rules of `lockkeeper lint` rest on; a test compares what they tell with this table, on every version.

| while it is held | nobody can |
| --- | --- |
| SHARE UPDATE EXCLUSIVE | change the schema of the table, or vacuum it |
| SHARE | write |
| SHARE ROW EXCLUSIVE | write |
| EXCLUSIVE | write, or SELECT … FOR UPDATE |
| ACCESS EXCLUSIVE | read or write |
";

const KOREAN: &str = "# 각 문장이 잡는 락

기억이 아니라 측정한 것입니다. 각 문장을 PostgreSQL 14, 15, 16, 17, 18에서 실행하고, 잡은 락은 `pg_locks`에서, 다시 쓴 것은 `pg_class`에서, 읽은 것은 `pg_stat`에서 읽었습니다.
전부터 있던 테이블의 락 가운데 가장 강한 것만 셉니다. 모든 읽기가 잡는 ACCESS SHARE는 뺍니다.
테이블은 [픽스처](../crates/lockkeeper/tests/integration/lock_table/fixture.sql)의 것입니다. `item`은 `org`를 참조하고, `event`는 연도별로 나뉘며 기본 파티션은 `event_rest`이고, `heir`는 `base`를 상속합니다.
*written anew*는 모든 행을 다시 쓴다는 뜻이고, *read*는 처음부터 끝까지 읽는다는 뜻입니다.

`lockkeeper plan`과 `lockkeeper lint`의 규칙은 이 표에 근거합니다. 테스트가 모든 버전에서 이들의 말을 이 표와 비교합니다.

| 잡고 있는 동안 | 아무도 할 수 없는 것 |
| --- | --- |
| SHARE UPDATE EXCLUSIVE | 테이블의 스키마 변경, VACUUM |
| SHARE | 쓰기 |
| SHARE ROW EXCLUSIVE | 쓰기 |
| EXCLUSIVE | 쓰기, SELECT … FOR UPDATE |
| ACCESS EXCLUSIVE | 읽기와 쓰기 |
";

fn page() -> String {
    let records: Vec<(u32, String)> = MAJORS
        .into_iter()
        .map(|major| (major, std::fs::read_to_string(record_of(major)).unwrap_or_default()))
        .collect();
    let mut text = String::new();
    let mut chapter = "";
    for form in forms() {
        if form.chapter != chapter {
            chapter = form.chapter;
            writeln!(text, "\n## {chapter}\n").unwrap();
            writeln!(text, "| statement | PostgreSQL | locks | written anew | read |\n| --- | --- | --- | --- | --- |")
                .unwrap();
        }
        for (versions, did) in by_version(&form, &records) {
            let cells: Vec<&str> = did.split(" | ").collect();
            let locks = if cells[0].is_empty() { "none" } else { cells[0] };
            let statement = form.statement.replace('|', "\\|");
            writeln!(text, "| `{statement}` | {versions} | {locks} | {} | {} |", cells[1], cells[2]).unwrap();
        }
    }
    text
}

/// What a form does, told once for versions that do the same.
fn by_version(form: &Form, records: &[(u32, String)]) -> Vec<(String, String)> {
    let mut spans: Vec<(u32, u32, &str)> = Vec::new();
    for (major, record) in records.iter().filter(|(major, _)| (form.oldest..=form.newest).contains(major)) {
        let did = record.lines().find_map(|line| line.strip_prefix(form.statement)?.strip_prefix(" | "));
        let Some(did) = did else { continue };
        match spans.last_mut() {
            Some((_, to, same)) if *same == did => *to = *major,
            _ => spans.push((*major, *major, did)),
        }
    }
    let told = |(from, to, did): (u32, u32, &str)| {
        let versions = if from == to { from.to_string() } else { format!("{from} to {to}") };
        (versions, did.to_owned())
    };
    spans.into_iter().map(told).collect()
}
