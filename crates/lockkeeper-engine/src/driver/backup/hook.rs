//! The user's own command for backups: a snapshot of a disk, of a cloud's volume, of whatever keeps the database.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;
use lockkeeper_core::message;
use lockkeeper_core::model::{Answer, Problem, Verdict};
use serde::Deserialize;

use super::contents::{not_read, number, value};
use super::dump::{MadeBackup, not_run};
use super::supervised::{Line, run};
use super::{BackupProgress, BackupReporter};
use crate::ledger::{BackupKind, BackupRecord, Holder, NewBackup};
use crate::postgres::{Connection, Secret, SqlError};
use crate::seams::{Stop, instant};

/// What a hook's output is cut to before it is kept.
const KEPT_CHARS_MAX: usize = 4_000;

/// A command of the user's.
#[derive(Debug, Clone)]
pub struct Hook {
    /// The program and its arguments; never empty.
    pub command: Vec<String>,
    pub time_limit: Duration,
    /// Where it runs.
    pub folder: PathBuf,
    /// What must not be kept of what it says.
    pub secrets: Vec<Secret>,
}

/// What a hook that makes a backup answers, on the last line of its standard output that is a JSON object.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
struct HookAnswer {
    id: String,
    size: Option<u64>,
    location: Option<String>,
}

/// What a hook that verifies one came to.
#[derive(Debug, Clone)]
pub struct HookVerdict {
    pub verdict: Verdict,
    pub status: String,
    /// What it said, without secrets.
    pub output: String,
}

/// Runs the user's command and records what it made. The moment of the backup is the one before it was started:
/// what was committed by then is in it.
///
/// # Errors
/// A command that fails, hangs or does not answer, a stop.
pub async fn make_hook(
    connection: &Connection,
    hook: &Hook,
    holder: &Holder,
    stop: &Stop,
    report: &mut BackupReporter<'_>,
) -> Answer<MadeBackup> {
    let around = |error: SqlError| not_read(&error, message!("backup-not-read"));
    let wal_position = value(connection, "SELECT pg_catalog.pg_current_wal_lsn()::text").await.map_err(around)?;
    let micros = "SELECT (extract(epoch FROM pg_catalog.clock_timestamp()) * 1000000)::bigint";
    let began_at = Timestamp::from_microsecond(number(connection, micros).await.map_err(around)?).unwrap_or_default();
    report(BackupProgress::Began { path: hook.folder.clone(), program: hook.command.join(" ") });
    let version = connection.version();
    let target = connection.target();
    let environment = [
        ("LOCKKEEPER_BACKUP", "create".to_owned()),
        ("LOCKKEEPER_DATABASE", target.database.clone()),
        ("LOCKKEEPER_SERVER", target.server()),
        ("LOCKKEEPER_SERVER_VERSION", version.to_string()),
        ("LOCKKEEPER_WAL_POSITION", wal_position.clone()),
        ("LOCKKEEPER_ACTOR", holder.actor.clone()),
    ];
    let began = instant();
    let said = hook.run(&environment, stop).await?;
    if said.verdict != Verdict::Pass {
        let problem =
            Problem::usage(message!("backup-hook-failed", status = said.status, said = last_lines(&said.output)));
        return Err(problem);
    }
    let answer = said.answer.ok_or_else(|| {
        Problem::usage(message!("backup-hook-no-answer")).hint(message!("backup-hook-no-answer-hint"))
    })?;
    let location = answer.location.filter(|it| !it.trim().is_empty()).unwrap_or_else(|| answer.id.clone());
    let new = NewBackup {
        kind: BackupKind::Hook { id: answer.id },
        began_at,
        duration: began.elapsed(),
        actor: &holder.actor,
        host: &holder.host,
        location: &location,
        size_bytes: answer.size,
        wal_position: &wal_position,
        server_version: version.major() * 10_000 + version.minor(),
        output: Some(&said.output),
    };
    let id = super::record(connection, &new)
        .await
        .map_err(|problem| problem.note(message!("backup-not-recorded", path = location.as_str())))?;
    let (kind, duration, bytes) = (new.kind, new.duration, answer.size);
    Ok(MadeBackup { id, kind, location, bytes, duration, wal_position, began_at, held: None })
}

/// Runs the user's command that verifies a backup: exit code 0 passes.
///
/// # Errors
/// A command that cannot be started or hangs, a stop.
pub async fn verify_hook(record: &BackupRecord, hook: &Hook, stop: &Stop) -> Answer<HookVerdict> {
    let hook_id = match &record.kind {
        BackupKind::Hook { id } => id.clone(),
        BackupKind::Dump { .. } => String::new(),
    };
    let environment = [
        ("LOCKKEEPER_BACKUP", "verify".to_owned()),
        ("LOCKKEEPER_BACKUP_ID", hook_id),
        ("LOCKKEEPER_BACKUP_LOCATION", record.location.clone()),
        ("LOCKKEEPER_BACKUP_TAKEN_AT", record.began_at.to_string()),
        ("LOCKKEEPER_WAL_POSITION", record.wal_position.clone()),
    ];
    let said = hook.run(&environment, stop).await?;
    Ok(HookVerdict { verdict: said.verdict, status: said.status, output: said.output })
}

struct Said {
    verdict: Verdict,
    status: String,
    output: String,
    answer: Option<HookAnswer>,
}

impl Hook {
    async fn run(&self, environment: &[(&str, String)], stop: &Stop) -> Answer<Said> {
        let (program, arguments) =
            self.command.split_first().map_or((String::new(), &[][..]), |(first, rest)| (first.clone(), rest));
        // `./snapshot.sh` is meant from where the settings are.
        let program = if program.contains('/') { self.folder.join(program) } else { PathBuf::from(program) };
        let line = Line {
            program: program.clone(),
            arguments: arguments.iter().map(OsString::from).collect(),
            environment: environment.iter().map(|(name, value)| (name.into(), value.into())).collect(),
            hides_connection: false,
            folder: Some(self.folder.clone()),
            time_limit: Some(self.time_limit),
        };
        let ended = run(&line, stop, &mut |_| {}, &mut || {}).await.map_err(|why| not_run(&program, why))?;
        let text = String::from_utf8_lossy(&ended.output).into_owned();
        let verdict = if ended.status.success() { Verdict::Pass } else { Verdict::Fail };
        let all = format!("{text}{}", ended.errors.join("\n"));
        Ok(Said { verdict, status: ended.told_status(), output: self.masked(&all), answer: answer(&text) })
    }

    /// What it said, without secrets, and its end only where it is long.
    fn masked(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for secret in self.secrets.iter().filter(|secret| !secret.reveal().is_empty()) {
            text = text.replace(secret.reveal(), "***");
        }
        let skipped = text.chars().count().saturating_sub(KEPT_CHARS_MAX);
        text.chars().skip(skipped).filter(|c| *c != '\0').collect()
    }
}

fn answer(text: &str) -> Option<HookAnswer> {
    let answers = text.lines().rev().filter_map(|line| serde_json::from_str::<HookAnswer>(line.trim()).ok());
    answers.into_iter().find(|answer| !answer.id.trim().is_empty())
}

fn last_lines(text: &str) -> String {
    const LINES: usize = 5;
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    lines[lines.len().saturating_sub(LINES)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_json_line_with_an_id_is_the_answer() {
        let full = HookAnswer { id: "snap-2".to_owned(), size: Some(7), location: Some("eu".to_owned()) };
        for (text, expected) in [
            ("", None),
            ("done\n", None),
            ("{}\n", None),
            ("{\"id\": \"\"}\n", None),
            (
                "{\"id\": \"snap-1\"}\nworking\n{\"id\": \"snap-2\", \"size\": 7, \"location\": \"eu\"}\nbye\n",
                Some(full),
            ),
        ] {
            assert_eq!(answer(text), expected, "{text:?}");
        }
    }

    #[test]
    fn a_secret_is_not_kept() {
        let hook = Hook {
            command: vec!["true".to_owned()],
            time_limit: Duration::from_secs(1),
            folder: PathBuf::from("."),
            secrets: vec![Secret::new("hunter2"), Secret::new("")],
        };
        assert_eq!(hook.masked("password hunter2, again hunter2\0"), "password ***, again ***");
        assert_eq!(hook.masked(&"x".repeat(9_000)).len(), KEPT_CHARS_MAX);
    }
}
