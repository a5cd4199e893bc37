//! Proving a backup: its files byte for byte, then restored and compared table by table with what it was made of.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use lockkeeper_core::message;
use lockkeeper_core::model::{Answer, Checksum, Verdict};

use super::contents::{Inventory, Table, not_read, settings};
use super::manifest::{Contents, FileFault, Held, Manifest, SequenceContents};
use super::restore::{RESTORED, RestorePlace, empty, restore, roles_to_make};
use super::{BackupProgress, BackupReporter};
use crate::driver::session::stopped;
use crate::driver::verify::{Run, Scratch};
use crate::ledger::{VerifiedHow, batch};
use crate::postgres::{ClientProgram, SqlError};
use crate::seams::{Stop, instant};

/// What to verify.
#[derive(Debug)]
pub struct VerifyRequest<'a> {
    pub folder: &'a Path,
    /// The digest that the manifest must have; `None` where nobody but the folder knows.
    pub expected: Option<Checksum>,
    pub place: RestorePlace,
    /// A folder to look for `pg_restore` in first.
    pub programs: Option<&'a Path>,
    /// How many tables are restored at the same time.
    pub jobs: u16,
    /// Whether rows are only counted.
    pub counts_only: bool,
}

/// What verifying came to.
#[derive(Debug, Clone)]
pub struct BackupCheck {
    pub verdict: Verdict,
    pub how: VerifiedHow,
    pub faults: Vec<FileFault>,
    /// Extensions that the shadow does not have.
    pub lacks: Vec<String>,
    /// What `pg_restore` said.
    pub failed: Option<String>,
    pub differences: Vec<Difference>,
    pub tables: usize,
    pub rows: u64,
    pub took: Duration,
    /// Roles that were made on a named server and could not be removed from it.
    pub roles_left: Vec<String>,
}

/// Where the restored database is not what was dumped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Difference {
    TableMissing {
        table: String,
    },
    TableAdded {
        table: String,
    },
    Rows {
        table: String,
        recorded: u64,
        restored: u64,
    },
    /// As many rows, and not the same.
    Values {
        table: String,
        rows: u64,
    },
    SequenceBehind {
        sequence: String,
        recorded: i64,
        restored: Option<i64>,
    },
    LargeObjects {
        recorded: u64,
        restored: u64,
    },
}

impl Difference {
    /// The word in JSON and in the ledger, and what it is about.
    pub fn told(&self) -> (&'static str, &str) {
        match self {
            Self::TableMissing { table } => ("table_missing", table),
            Self::TableAdded { table } => ("table_added", table),
            Self::Rows { table, .. } => ("rows", table),
            Self::Values { table, .. } => ("values", table),
            Self::SequenceBehind { sequence, .. } => ("sequence_behind", sequence),
            Self::LargeObjects { .. } => ("large_objects", "pg_largeobject"),
        }
    }
}

/// Words by which a server says that we may not: on a server that is not ours that says nothing of the backup.
const FORBIDDEN: [&str; 3] = ["permission denied", "must be superuser", "must be owner"];

/// Verifies the backup in a folder.
///
/// # Errors
/// A shadow that cannot be had, a missing `pg_restore`, a stop. What is wrong with the backup is no error.
pub async fn verify_dump(
    request: &VerifyRequest<'_>,
    stop: &Stop,
    report: &mut BackupReporter<'_>,
) -> Answer<BackupCheck> {
    let began = instant();
    let mut check = BackupCheck {
        verdict: Verdict::Fail,
        how: VerifiedHow::Files,
        faults: Vec::new(),
        lacks: Vec::new(),
        failed: None,
        differences: Vec::new(),
        tables: 0,
        rows: 0,
        took: Duration::ZERO,
        roles_left: Vec::new(),
    };
    match Manifest::read(request.folder, request.expected) {
        Err(fault) => check.faults.push(fault),
        Ok((manifest, _)) => {
            report(BackupProgress::Hashing { bytes: manifest.bytes() });
            check.faults = compare_files(&manifest, request.folder, stop).await?;
            if check.faults.is_empty() {
                in_shadow(&manifest, request, &mut check, stop, report).await?;
            }
        }
    }
    check.took = began.elapsed();
    Ok(check)
}

async fn compare_files(manifest: &Manifest, folder: &Path, stop: &Stop) -> Answer<Vec<FileFault>> {
    let given_up = Arc::new(AtomicBool::new(false));
    let (seen, manifest, folder) = (Arc::clone(&given_up), manifest.clone(), folder.to_owned());
    let reading = tokio::task::spawn_blocking(move || manifest.compare(&folder, &seen));
    tokio::select! {
        faults = reading => Ok(faults.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()))),
        cause = stop.asked() => {
            given_up.store(true, Ordering::Relaxed);
            Err(stopped(cause))
        }
    }
}

async fn in_shadow(
    manifest: &Manifest,
    request: &VerifyRequest<'_>,
    check: &mut BackupCheck,
    stop: &Stop,
    report: &mut BackupReporter<'_>,
) -> Answer<()> {
    let shadow = request.place.shadow(manifest).await?;
    let run = shadow.begin().await?;
    let target = run.target_of(RESTORED);
    let first = request.programs.or(shadow.programs());
    let program = ClientProgram::find("pg_restore", None, first, manifest.dump_major, &target);
    let tried = async {
        let program = program?;
        program.check(&target)?;
        try_it(&run, manifest, request, &program, check, stop, report).await
    };
    let tried = tokio::select! {
        tried = tried => tried,
        cause = stop.asked() => Err(stopped(cause)),
    };
    let roles_left = run.end(&[RESTORED], &roles_to_make(&manifest.contents)).await;
    tried?;
    check.roles_left = roles_left;
    Ok(())
}

async fn try_it(
    run: &Run,
    manifest: &Manifest,
    request: &VerifyRequest<'_>,
    program: &ClientProgram,
    check: &mut BackupCheck,
    stop: &Stop,
    report: &mut BackupReporter<'_>,
) -> Answer<()> {
    let recorded = &manifest.contents;
    check.lacks = recorded.extensions.iter().filter(|name| !run.extensions.contains(*name)).cloned().collect();
    if !check.lacks.is_empty() {
        check.verdict = Verdict::NoData;
        return Ok(());
    }
    let has_sums = recorded.tables.iter().any(|table| table.held.sum.is_some());
    check.how = if has_sums && !request.counts_only { VerifiedHow::Rows } else { VerifiedHow::Counts };
    let scratch = empty(run, recorded).await?;
    if let Err(said) = restore(run, request.folder, program, request.jobs, stop, report).await? {
        let is_forbidden = FORBIDDEN.iter().any(|words| said.contains(words));
        if is_forbidden && matches!(request.place, RestorePlace::Named(_)) {
            check.verdict = Verdict::NoData;
        }
        check.failed = Some(said);
        return Ok(());
    }
    let restored = read(&scratch, recorded, request.counts_only, report).await?;
    check.differences = differences(recorded, &restored);
    check.tables = restored.tables.len();
    check.rows = restored.tables.iter().map(|table| table.held.count).sum();
    check.verdict = if check.differences.is_empty() { Verdict::Pass } else { Verdict::Fail };
    Ok(())
}

async fn read(
    scratch: &Scratch,
    recorded: &Contents,
    counts_only: bool,
    report: &mut BackupReporter<'_>,
) -> Answer<Contents> {
    let connection = &scratch.connection;
    let around = |error: SqlError| not_read(&error, message!("backup-not-read"));
    let begin = format!("BEGIN READ ONLY; {}", settings(connection.version().major()));
    batch(connection, &begin).await.map_err(around)?;
    let summed: BTreeSet<(&str, &str)> = recorded
        .tables
        .iter()
        .filter(|table| table.held.sum.is_some() && !counts_only)
        .map(|table| (table.schema.as_str(), table.name.as_str()))
        .collect();
    let sums = |table: &Table| summed.contains(&(table.schema.as_str(), table.name.as_str()));
    let inventory = Inventory::read(connection).await?;
    let tables = inventory.tables.len();
    let mut told = |table: usize| report(BackupProgress::Comparing { table: table + 1, tables });
    let contents = inventory.contents(connection, &sums, &mut told).await?;
    batch(connection, "COMMIT").await.map_err(around)?;
    Ok(contents)
}

/// Where two readings differ. What was not summed up on both sides is compared by its number alone.
fn differences(recorded: &Contents, restored: &Contents) -> Vec<Difference> {
    let tables = |contents: &Contents| -> BTreeMap<String, Held> {
        contents.tables.iter().map(|it| (format!("{}.{}", it.schema, it.name), it.held.clone())).collect()
    };
    let (before, after) = (tables(recorded), tables(restored));
    let mut found = Vec::new();
    for (table, held) in &before {
        let table = table.clone();
        match after.get(&table) {
            None => found.push(Difference::TableMissing { table }),
            Some(now) if now.count != held.count => {
                found.push(Difference::Rows { table, recorded: held.count, restored: now.count });
            }
            Some(now) if differ(held, now) => found.push(Difference::Values { table, rows: held.count }),
            Some(_) => {}
        }
    }
    let added = after.keys().filter(|table| !before.contains_key(*table));
    found.extend(added.map(|table| Difference::TableAdded { table: table.clone() }));
    found.extend(recorded.sequences.iter().filter_map(|sequence| behind(sequence, restored)));
    let (objects, now) = (&recorded.large_objects, &restored.large_objects);
    if objects.count != now.count || differ(objects, now) {
        found.push(Difference::LargeObjects { recorded: objects.count, restored: now.count });
    }
    found
}

fn differ(before: &Held, after: &Held) -> bool {
    before.sum.as_ref().zip(after.sum.as_ref()).is_some_and(|(before, after)| before != after)
}

/// A sequence that is restored to before where it was would give a number twice.
fn behind(sequence: &SequenceContents, restored: &Contents) -> Option<Difference> {
    let recorded = sequence.last.filter(|_| sequence.direction != 0)?;
    let now = restored.sequences.iter().find(|it| it.schema == sequence.schema && it.name == sequence.name);
    let now = now.and_then(|it| it.last);
    let direction = i128::from(sequence.direction);
    let is_behind = now.is_none_or(|now| i128::from(now) * direction < i128::from(recorded) * direction);
    let name = || format!("{}.{}", sequence.schema, sequence.name);
    is_behind.then(|| Difference::SequenceBehind { sequence: name(), recorded, restored: now })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::driver::backup::manifest::{Locale, TableContents};

    fn contents(tables: &[(&str, u64, Option<&str>)], last: Option<i64>, direction: i8) -> Contents {
        let plain = || "C".to_owned();
        Contents {
            locale: Locale { encoding: "UTF8".to_owned(), collate: plain(), ctype: plain() },
            extensions: Vec::new(),
            roles: Vec::new(),
            tables: tables
                .iter()
                .map(|(name, count, sum)| TableContents {
                    schema: "s".to_owned(),
                    name: (*name).to_owned(),
                    held: Held { count: *count, sum: sum.map(str::to_owned) },
                })
                .collect(),
            sequences: vec![SequenceContents { schema: "s".to_owned(), name: "q".to_owned(), last, direction }],
            large_objects: Held::default(),
        }
    }

    fn told(before: &Contents, after: &Contents) -> Vec<String> {
        differences(before, after).iter().map(|it| format!("{} {}", it.told().0, it.told().1)).collect()
    }

    #[test]
    fn tables_are_compared_by_what_is_known_of_both() {
        let before = contents(&[("a", 2, Some("7")), ("b", 1, None), ("c", 1, Some("3"))], None, 1);
        assert_eq!(told(&before, &before), [""; 0]);
        let after = contents(&[("a", 2, Some("8")), ("b", 3, None), ("d", 1, None)], None, 1);
        assert_eq!(told(&before, &after), ["values s.a", "rows s.b", "table_missing s.c", "table_added s.d"]);
        let counted = contents(&[("a", 2, None), ("b", 1, Some("9")), ("c", 1, None)], None, 1);
        assert_eq!(told(&before, &counted), [""; 0]);
    }

    #[test]
    fn a_sequence_may_be_ahead_and_not_behind() {
        for (before, after, direction, is_behind) in [
            (Some(5), Some(5), 1, false),
            (Some(5), Some(9), 1, false),
            (Some(5), Some(4), 1, true),
            (Some(5), None, 1, true),
            (None, None, 1, false),
            (Some(-5), Some(-9), -1, false),
            (Some(-5), Some(-4), -1, true),
            (Some(5), Some(1), 0, false),
            (Some(i64::MIN), Some(i64::MAX), -1, true),
        ] {
            let found = told(&contents(&[], before, direction), &contents(&[], after, direction));
            assert_eq!(!found.is_empty(), is_behind, "{before:?} {after:?} {direction}");
        }
    }
}
