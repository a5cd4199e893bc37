//! `pg_dump` of one snapshot, while the rows of the same snapshot are counted.

use std::cell::Cell;
use std::ffi::OsString;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use lockkeeper_core::message;
use lockkeeper_core::model::{Answer, Checksum, ExitClass, Message, Problem};

use super::contents::{self, Inventory, Table, not_read, number, value};
use super::folder::{HalfMade, bytes_in, free_bytes, trouble};
use super::manifest::{Contents, MANIFEST, Manifest, ManifestFile, files_of};
use super::supervised::{Line, NotEnded, run};
use super::{BackupProgress, BackupReporter};
use crate::driver::session::stopped;
use crate::ledger::{BackupKind, Holder, NewBackup, batch};
use crate::postgres::{ClientProgram, Connection, SqlError, libpq_environment};
use crate::seams::{Stop, instant, sleep};

/// What to make.
#[derive(Debug)]
pub struct DumpRequest<'a> {
    /// The folder that gets a folder for each backup.
    pub directory: &'a Path,
    /// The `pg_dump` to use, instead of the one that is found.
    pub pg_dump: Option<&'a Path>,
    /// How many tables are dumped at the same time.
    pub jobs: u16,
    pub lock_wait: Duration,
    /// Whether rows are only counted.
    pub counts_only: bool,
    pub holder: &'a Holder,
}

/// A backup that was made.
#[derive(Debug, Clone)]
pub struct MadeBackup {
    pub id: i64,
    pub kind: BackupKind,
    pub location: String,
    pub bytes: Option<u64>,
    pub duration: Duration,
    pub wal_position: String,
    pub began_at: Timestamp,
    /// Tables and their rows, where they were counted.
    pub held: Option<(usize, u64)>,
}

/// The moment that a backup shows.
struct Moment {
    snapshot: String,
    wal_position: String,
    at: Timestamp,
    database_bytes: u64,
}

/// What `pg_dump` says when it begins with a table.
const BEGINS_TABLE: &str = "dumping contents of table";

/// What it says when a lock was not to be had: by its time limit, which it sets as that of a statement and for locks
/// alone, or because its own jobs ask without waiting.
const LOCK_WORDS: [&str; 3] = ["statement timeout", "lock timeout", "could not obtain lock"];

/// Makes a backup. The ledger is there, and nothing of the schema changes, so this needs no lease; see
/// `docs/backups.md` for what a migration and a backup do to one another.
///
/// # Errors
/// What cannot be read, no fit `pg_dump`, no room, a stop: then nothing is left of it.
pub async fn make_dump(
    connection: &Connection,
    request: &DumpRequest<'_>,
    stop: &Stop,
    report: &mut BackupReporter<'_>,
) -> Answer<MadeBackup> {
    let began = instant();
    let target = connection.target();
    let server = connection.version();
    let program = ClientProgram::find("pg_dump", request.pg_dump, None, server.major(), target)?;
    program.check(target)?;
    let moment = begin(connection, request.lock_wait).await?;
    let inventory = Inventory::read(connection).await?;
    let (half_made, removed) = HalfMade::create(request.directory, &target.database)?;
    if removed > 0 {
        report(BackupProgress::Removed { count: removed });
    }
    let free = free_bytes(half_made.path());
    if let Some(free) = free.filter(|free| *free < moment.database_bytes) {
        report(BackupProgress::LittleRoom { free, database: moment.database_bytes });
    }
    report(BackupProgress::Began { path: request.directory.to_owned(), program: program.version.clone() });
    let tables = inventory.tables.len();
    let sums = |_: &Table| !request.counts_only;
    let is_dumped = Cell::new(false);
    let dumping = async {
        let dumped = dump(connection, &program, &half_made, &moment, request, tables, stop, report).await;
        is_dumped.set(true);
        dumped
    };
    let reading = read(connection, inventory, &sums, stop, &is_dumped);
    // Whichever fails first ends the other.
    let ((), contents) = tokio::try_join!(dumping, reading)?;
    batch(connection, "COMMIT").await.map_err(|error| not_read(&error, message!("backup-not-read")))?;
    report(BackupProgress::Hashing { bytes: bytes_in(&half_made.dump()) });
    let files = digests(&half_made, stop).await?;
    let manifest = Manifest {
        format: Manifest::format(),
        program: env!("CARGO_PKG_VERSION").to_owned(),
        database: target.database.clone(),
        server_version: server.major() * 10_000 + server.minor(),
        dump_program: program.version,
        dump_major: program.major,
        taken_at: moment.at.to_string(),
        wal_position: moment.wal_position.clone(),
        contents,
        files,
    };
    let (bytes, held) = (manifest.bytes(), (manifest.contents.tables.len(), manifest.rows()));
    let text = manifest.to_json();
    let checksum = Checksum::of(&text);
    let path = half_made.finish(MANIFEST, &text)?;
    let (location, duration) = (path.display().to_string(), began.elapsed());
    let new = NewBackup {
        kind: BackupKind::Dump { manifest: checksum },
        began_at: moment.at,
        duration,
        actor: &request.holder.actor,
        host: &request.holder.host,
        location: &location,
        size_bytes: Some(bytes),
        wal_position: &moment.wal_position,
        server_version: manifest.server_version,
        output: None,
    };
    let id = super::record(connection, &new).await.map_err(|problem| {
        // Hours of work are not thrown away for a row that can be written later.
        problem.note(message!("backup-not-recorded", path = location.as_str()))
    })?;
    Ok(MadeBackup {
        id,
        kind: new.kind,
        location,
        bytes: Some(bytes),
        duration,
        wal_position: moment.wal_position,
        began_at: moment.at,
        held: Some(held),
    })
}

/// Opens the transaction whose snapshot everything is read from.
async fn begin(connection: &Connection, lock_wait: Duration) -> Answer<Moment> {
    let around = |error: SqlError| not_read(&error, message!("backup-not-read"));
    // Before the snapshot, so that nothing is between the two.
    let wal_position = value(connection, "SELECT pg_catalog.pg_current_wal_lsn()::text").await.map_err(around)?;
    let settings = contents::settings(connection.version().major());
    let begin = format!(
        "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; {settings}; SET LOCAL lock_timeout = '{}ms'",
        lock_wait.as_millis()
    );
    batch(connection, &begin).await.map_err(around)?;
    let snapshot = value(connection, "SELECT pg_catalog.pg_export_snapshot()").await.map_err(around)?;
    let micros = "SELECT (extract(epoch FROM pg_catalog.clock_timestamp()) * 1000000)::bigint";
    let micros = number(connection, micros).await.map_err(around)?;
    let bytes = "SELECT pg_catalog.pg_database_size(pg_catalog.current_database())";
    let bytes = number(connection, bytes).await.map_err(around)?;
    let at = Timestamp::from_microsecond(micros).unwrap_or_default();
    Ok(Moment { snapshot, wal_position, at, database_bytes: bytes.unsigned_abs() })
}

async fn read(
    connection: &Connection,
    inventory: Inventory,
    sums: &dyn Fn(&Table) -> bool,
    stop: &Stop,
    is_dumped: &Cell<bool>,
) -> Answer<Contents> {
    let mut untold = |_| {};
    tokio::select! {
        contents = inventory.contents(connection, sums, &mut untold) => contents,
        cause = stop.asked() => {
            // A cancel request that does not arrive leaves the statement to end by itself.
            let _ = connection.canceller().cancel().await;
            // The dump hears of the stop, too, and is waited for: it has connections of its own to take back.
            while !is_dumped.get() {
                sleep(Duration::from_millis(20)).await;
            }
            Err(stopped(cause).note(message!("backup-nothing-left")))
        }
    }
}

#[expect(clippy::too_many_arguments, reason = "one call, and each of them is a noun of its own")]
async fn dump(
    connection: &Connection,
    program: &ClientProgram,
    half_made: &HalfMade,
    moment: &Moment,
    request: &DumpRequest<'_>,
    tables: usize,
    stop: &Stop,
    report: &mut BackupReporter<'_>,
) -> Answer<()> {
    let mut arguments: Vec<OsString> = [
        "--format=directory",
        "--verbose",
        "--no-password",
        &format!("--jobs={}", request.jobs),
        &format!("--snapshot={}", moment.snapshot),
        &format!("--lock-wait-timeout={}", request.lock_wait.as_millis()),
    ]
    .map(OsString::from)
    .to_vec();
    let folder = half_made.dump();
    let mut file = OsString::from("--file=");
    file.push(&folder);
    arguments.push(file);
    let environment = libpq_environment(connection.target());
    let line = Line {
        program: program.path.clone(),
        arguments,
        environment: environment.into_iter().map(|(name, value)| (name.into(), value)).collect(),
        hides_connection: true,
        folder: None,
        time_limit: None,
    };
    let began = instant();
    let begun = Cell::new(0_usize);
    let mut heard = |said: &str| {
        if said.contains(BEGINS_TABLE) {
            begun.set(begun.get() + 1);
        }
    };
    let mut tick = || {
        let (bytes, elapsed) = (bytes_in(&folder), began.elapsed());
        report(BackupProgress::Dumping { tables_begun: begun.get().min(tables), tables, bytes, elapsed });
    };
    let ended = run(&line, stop, &mut heard, &mut tick).await;
    match ended {
        Ok(ended) if ended.status.success() => Ok(()),
        Ok(ended) => Err(failed(&program.path, &ended.told_status(), &ended.errors)),
        Err(not_ended) => Err(not_run(&program.path, not_ended)),
    }
}

/// What a program says before it fails, without the lines of `--verbose`.
fn failed(program: &Path, status: &str, errors: &[String]) -> Box<Problem> {
    let is_telling = |line: &&String| line.contains("error:") || line.contains("fatal:") || line.contains("DETAIL");
    let mut telling: Vec<&str> = errors.iter().filter(is_telling).map(String::as_str).collect();
    if telling.is_empty() {
        telling = errors.iter().map(String::as_str).collect();
    }
    let text = telling.join("\n");
    let program = program.display().to_string();
    if LOCK_WORDS.iter().any(|words| text.contains(words)) {
        let problem = Problem::new(ExitClass::Busy, message!("backup-lock", program = program, said = text));
        return problem.note(message!("backup-nothing-left")).hint(message!("backup-lock-hint"));
    }
    Problem::usage(message!("backup-dump-failed", program = program, status = status, said = text))
        .note(message!("backup-nothing-left"))
}

/// Why a program did not come to its end.
pub fn not_run(program: &Path, why: NotEnded) -> Box<Problem> {
    let shown = program.display().to_string();
    let told: Message = match why {
        NotEnded::Stopped(cause) => return stopped(cause).note(message!("backup-nothing-left")),
        NotEnded::NotStarted(error) => {
            message!("backup-program-not-started", program = shown, reason = error.to_string())
        }
        NotEnded::TimedOut(limit) => {
            message!("backup-program-timed-out", program = shown, seconds = limit.as_secs())
        }
    };
    Problem::usage(told)
}

/// The checksums of all files, read on a thread of its own.
async fn digests(half_made: &HalfMade, stop: &Stop) -> Answer<Vec<ManifestFile>> {
    let dump = half_made.dump();
    let given_up = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&given_up);
    let place = dump.clone();
    let reading = tokio::task::spawn_blocking(move || files_of(&place, &seen));
    tokio::select! {
        files = reading => match files {
            Ok(files) => files.map_err(|error| trouble(&dump, &error)),
            Err(panic) => std::panic::resume_unwind(panic.into_panic()),
        },
        cause = stop.asked() => {
            given_up.store(true, Ordering::Relaxed);
            Err(stopped(cause).note(message!("backup-nothing-left")))
        }
    }
}
