//! What every command works with: settings, a printer, a runtime; and what several of them do.

use std::collections::BTreeSet;

use lockkeeper_core::message;
use lockkeeper_core::model::{Answer, ExitClass, MigrationNumber, ObjectDifference, Problem};
use lockkeeper_core::parse::{Folder, MigrationPair};
use lockkeeper_engine::driver::{GateContext, GithubGate, Limits, Progress, Session};
use lockkeeper_engine::ledger::{Holder, Spool, read};
use lockkeeper_engine::postgres::{Connection, connect};
use lockkeeper_engine::seams::Stop;
use lockkeeper_engine::signature::AllowedSigners;

use super::{authors, files, salvages};
use crate::printer::{Printer, Tone};
use crate::settings::{Flags, Settings};

/// What a command does when another process is at work.
#[derive(Debug, Clone, Copy, clap::Args)]
pub struct WaitArgs {
    /// Wait while another process changes this database, instead of ending with exit code 4
    #[arg(long)]
    pub wait: bool,
}

pub struct Context<'p> {
    pub settings: Settings,
    /// What the settings were resolved with, for a command that reads them again.
    pub flags: Flags,
    pub printer: &'p Printer,
    runtime: tokio::runtime::Runtime,
}

impl<'p> Context<'p> {
    pub fn new(settings: Settings, flags: Flags, printer: &'p Printer) -> Answer<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime
            .map_err(|error| Problem::new(ExitClass::Usage, message!("runtime-failed", reason = error.to_string())))?;
        Ok(Self { settings, flags, printer, runtime })
    }

    pub fn wait<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime.block_on(work)
    }

    /// The folder of the migrations, read and paired up.
    pub fn folder(&self) -> Answer<Folder> {
        let folder = files::read_folder(&self.settings.migrations, &self.settings.project_dir)?;
        for notice in &folder.notices {
            self.printer.note_in(notice, Tone::Waiting);
        }
        Ok(folder)
    }

    /// The pairs of the folder, or everything that is wrong with it.
    pub fn pairs(&self) -> Answer<Vec<MigrationPair>> {
        let Folder { pairs, problems, .. } = self.folder()?;
        match Problem::all(problems) {
            Some(problem) => Err(problem),
            None => Ok(pairs),
        }
    }

    pub async fn connect(&self) -> Answer<Connection> {
        connect(self.settings.target()?).await
    }

    /// A connection that may write. SIGINT and SIGTERM are caught from here on.
    pub async fn session(&self, waiting: WaitArgs) -> Answer<Session> {
        let stop = Stop::on_signals()
            .map_err(|error| Problem::new(ExitClass::Usage, message!("runtime-failed", reason = error.to_string())))?;
        let connection = self.connect().await?;
        if connection.is_standby() {
            return Err(Problem::usage(message!("connection-standby")).hint(message!("connection-standby-hint")));
        }
        let mut session = Session::new(connection, self.holder(), self.limits(), stop, waiting.wait);
        session.spool = Some(self.spool());
        session.routes = self.routes();
        Ok(session)
    }

    /// What bounds the driver's statements.
    pub const fn limits(&self) -> Limits {
        Limits {
            lock_timeout: self.settings.limits.lock_timeout,
            statement_timeout: self.settings.limits.statement_timeout,
            lock_attempts: self.settings.limits.lock_attempts,
            safe_rewrites: self.settings.safe_rewrites,
        }
    }

    /// Where events wait on this machine that could not be logged.
    fn spool(&self) -> Spool {
        Spool::new(self.settings.spool.clone())
    }

    /// How many events wait for this ledger, and a word to the person when there are any.
    pub fn tell_waiting(&self, ledger_id: &str) -> usize {
        let count = self.spool().waiting(ledger_id).len();
        if count > 0 {
            let path = self.settings.spool.display().to_string();
            self.printer.note_in(&message!("spool-waiting", count = count, path = path), Tone::Waiting);
        }
        count
    }

    pub fn holder(&self) -> Holder {
        let host = whoami::hostname().unwrap_or_else(|_| "unknown".to_owned());
        Holder { actor: self.settings.actor.clone(), host, pid: std::process::id() }
    }

    /// What the gates of stage 2 need besides the ledger. `pairs` are those whose authors count.
    pub fn gate_context(&self, pairs: &[&MigrationPair]) -> Answer<GateContext> {
        let path = &self.settings.approval.allowed_signers;
        let allowed = match std::fs::read_to_string(path) {
            Ok(text) => Some(AllowedSigners::parse(&path.display().to_string(), &text)?),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
            Err(error) => {
                let (path, reason) = (path.display().to_string(), error.to_string());
                return Err(Problem::usage(message!("signers-unreadable", path = path, reason = reason)));
            }
        };
        let authors = authors::of_files(&self.settings.migrations, pairs);
        Ok(GateContext {
            allowed,
            author_may_approve: self.settings.approval.author_may_approve,
            authors: authors.known,
            authors_unknown: authors.unknown,
            database: self.settings.target()?.database.clone(),
            verify: self.settings.gates.verify,
            health: self.settings.gates.health,
            backup: self.settings.backup.rule,
            github: self.settings.approval.github.clone().map(|github| GithubGate {
                rule: github.rule,
                expires_after: self.settings.approval.expires_after,
                run: github.run,
            }),
        })
    }

    /// Tells what the driver does while it does it.
    pub fn report(&self, progress: Progress) {
        let printer = self.printer;
        match progress {
            Progress::Queued { behind } => {
                printer.note_in(&message!("progress-queued", behind = behind), Tone::Waiting);
            }
            Progress::Delivered { count } => {
                printer.note_in(&message!("spool-delivered", count = count), Tone::Quiet);
            }
            Progress::PointTaken { name } => {
                printer.note_in(&message!("progress-point", point = name.as_str()), Tone::Quiet);
            }
            Progress::MigrationStarted { number, name, place, total } => printer.note(&message!(
                "progress-started",
                place = place,
                total = total,
                number = number.to_string(),
                name = name.as_str()
            )),
            Progress::StepStarted { number, ordinal, total, sql } => printer.note_in(
                &message!(
                    "progress-step",
                    number = number.to_string(),
                    ordinal = ordinal,
                    total = total,
                    sql = first_line(&sql)
                ),
                Tone::Quiet,
            ),
            Progress::StepProgress { number, ordinal, phase, done, total } => printer.note_in(
                &message!(
                    "progress-step-at",
                    number = number.to_string(),
                    ordinal = ordinal,
                    phase = phase,
                    percent = done.saturating_mul(100) / total.max(1)
                ),
                Tone::Quiet,
            ),
            Progress::TakingBack { number, ordinal, sql } => printer.note_in(
                &message!(
                    "progress-taking-back",
                    number = number.to_string(),
                    ordinal = ordinal,
                    sql = first_line(&sql)
                ),
                Tone::Waiting,
            ),
            Progress::StepCleared { number, ordinal } => {
                printer.note(&message!("progress-cleared", number = number.to_string(), ordinal = ordinal));
            }
            Progress::MigrationApplied { number, name, took } => printer.note_in(
                &message!("progress-applied", number = number.to_string(), name = name.as_str(), ms = took.as_millis()),
                Tone::Good,
            ),
            Progress::MigrationUndone { number, name, took } => printer.note_in(
                &message!("progress-undone", number = number.to_string(), name = name.as_str(), ms = took.as_millis()),
                Tone::Good,
            ),
            Progress::Salvaged(record) => printer.note_in(
                &message!(
                    "progress-salvaged",
                    table = record.kept.table.to_string(),
                    rows = record.rows,
                    kept_in = record.kept.kept_in.to_string()
                ),
                Tone::Good,
            ),
            Progress::PutBack(record) => {
                for (said, tone) in salvages::told(&record, self) {
                    printer.note_in(&said, tone);
                }
            }
            Progress::Retrying { number, attempt, attempts, wait, reason } => printer.note_in(
                &message!(
                    "progress-retrying",
                    number = number.to_string(),
                    attempt = attempt,
                    attempts = attempts,
                    ms = wait.as_millis(),
                    reason = reason.message
                ),
                Tone::Waiting,
            ),
            Progress::Blocked { number, blockers } => {
                for blocker in blockers {
                    let said = message!("progress-blocked", number = number.to_string(), who = blocker.told());
                    printer.note_in(&said, Tone::Waiting);
                }
            }
            Progress::Drifted(drift) => {
                for said in drift.iter().flat_map(ObjectDifference::told) {
                    printer.note_in(&said, Tone::Waiting);
                }
                printer.note_in(&message!("schema-drift-stays"), Tone::Waiting);
            }
            Progress::Notice(notice) => printer
                .note_in(&message!("progress-notice", severity = notice.severity, text = notice.message), Tone::Quiet),
        }
    }
}

/// The pairs that the ledger does not know, whose authors count for an approval.
pub async fn pending<'p>(connection: &Connection, pairs: &'p [MigrationPair]) -> Answer<Vec<&'p MigrationPair>> {
    let snapshot = read(connection).await?;
    let known: BTreeSet<MigrationNumber> =
        snapshot.iter().flat_map(|it| &it.applied).map(|row| row.migration.number).collect();
    Ok(pairs.iter().filter(|pair| !known.contains(&pair.number)).collect())
}

/// The first line of a statement, cut to what a line of a terminal holds.
pub fn first_line(sql: &str) -> String {
    const CHARS_MAX: usize = 100;
    let flat = sql.split_whitespace().collect::<Vec<_>>().join(" ");
    if flat.chars().count() <= CHARS_MAX {
        return flat;
    }
    let cut: String = flat.chars().take(CHARS_MAX - 1).collect();
    format!("{cut}…")
}

/// A point in time as people read it: UTC, to the second.
pub fn moment(at: jiff::Timestamp) -> String {
    let second = at.round(jiff::Unit::Second).unwrap_or(at);
    second.to_string()
}
