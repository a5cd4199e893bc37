//! `backup create`, `list`, `verify`: backups that are recorded, and proven by restoring them.

mod create;
mod list;
mod verify;

use std::time::{Duration, Instant};

use lockkeeper_core::message;
use lockkeeper_core::model::{Answer, ExitClass, Message, Problem};
use lockkeeper_engine::driver::{BackupProgress, Hook};
use lockkeeper_engine::postgres::Secret;
use lockkeeper_engine::seams::Stop;

pub use create::{Args as CreateArgs, make};

use super::plan::size;
use crate::cli::context::Context;
use crate::printer::Tone;

/// Make backups, see which there are, and prove that they can be restored
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  lockkeeper backup create --directory /var/backups/shop\n  lockkeeper backup list\n  lockkeeper backup verify"
)]
pub struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    Create(create::Args),
    List(list::Args),
    Verify(verify::Args),
}

pub async fn run(args: &Args, context: &Context<'_>) -> Answer<u8> {
    match &args.action {
        Action::Create(args) => create::run(args, context).await,
        Action::List(args) => list::run(args, context).await,
        Action::Verify(args) => verify::run(args, context).await,
    }
}

/// Makes a backup as the settings say, for a release that needs one, and proves it where it has to be proven.
pub async fn make_for_release(context: &Context<'_>) -> Answer<()> {
    let made = create::make(&create::Args::usual(), context).await?;
    if context.settings.backup.rule.is_some_and(|rule| rule.verified) {
        // What it found is said, and kept in the ledger, which the gate asks next.
        verify::prove_one(&verify::Args::of(made.id), context).await?;
    }
    Ok(())
}

/// Whether a release knows how to open the gate `backup`.
pub const fn is_made_by_release(context: &Context<'_>) -> bool {
    let backup = &context.settings.backup;
    backup.rule.is_some() && (backup.command.is_some() || backup.directory.is_some())
}

/// More at a time help a dump little and the server not at all.
const JOBS_DEFAULT_MAX: u16 = 4;

/// How many tables at the same time.
fn jobs(flag: Option<u16>, context: &Context<'_>) -> u16 {
    let cores = || std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let usual = || u16::try_from(cores()).unwrap_or(JOBS_DEFAULT_MAX).min(JOBS_DEFAULT_MAX);
    flag.or(context.settings.backup.jobs).unwrap_or_else(usual)
}

fn stop() -> Answer<Stop> {
    Stop::on_signals()
        .map_err(|error| Problem::new(ExitClass::Usage, message!("runtime-failed", reason = error.to_string())))
}

/// Parts of the names of variables whose values nobody may see.
const SECRET_NAMES: [&str; 5] = ["PASSWORD", "SECRET", "TOKEN", "KEY", "CREDENTIAL"];
/// A shorter value would blot out half of what is said.
const SECRET_CHARS_MIN: usize = 6;

/// A command of the user's, with what must not be kept of what it says.
fn hook(command: &[String], context: &Context<'_>) -> Answer<Hook> {
    let mut secrets: Vec<Secret> = context.settings.target()?.password.iter().cloned().collect();
    for (name, value) in std::env::vars_os() {
        let (name, value) = (name.to_string_lossy().to_uppercase(), value.to_string_lossy().into_owned());
        if SECRET_NAMES.iter().any(|word| name.contains(word)) && value.len() >= SECRET_CHARS_MIN {
            secrets.push(Secret::new(value));
        }
    }
    let backup = &context.settings.backup;
    let folder = context.settings.project_dir.canonicalize().unwrap_or_else(|_| context.settings.project_dir.clone());
    Ok(Hook { command: command.to_vec(), time_limit: backup.timeout, folder, secrets })
}

/// Between two lines of progress where nobody watches.
const TOLD_EVERY: Duration = Duration::from_secs(5);

/// Tells how far it is: on a terminal in one line, elsewhere in a line every few seconds.
struct Teller<'c> {
    context: &'c Context<'c>,
    last: Instant,
    is_over: bool,
}

impl<'c> Teller<'c> {
    fn new(context: &'c Context<'c>) -> Self {
        Self { context, last: Instant::now(), is_over: false }
    }

    fn tell(&mut self, progress: BackupProgress) {
        let (said, tone, passes) = told(progress);
        let printer = self.context.printer;
        if !passes {
            self.clear();
            printer.note_in(&said, tone);
        } else if printer.is_watched() {
            self.is_over = true;
            printer.note_over(&said);
        } else if self.last.elapsed() >= TOLD_EVERY {
            self.last = Instant::now();
            printer.note_in(&said, tone);
        }
    }

    fn clear(&mut self) {
        if std::mem::take(&mut self.is_over) {
            self.context.printer.note_over_ends();
        }
    }
}

/// What is said, and whether the next line takes its place.
fn told(progress: BackupProgress) -> (Message, Tone, bool) {
    match progress {
        BackupProgress::Removed { count } => (message!("backup-removed", count = count), Tone::Quiet, false),
        BackupProgress::LittleRoom { free, database } => {
            let said = message!("backup-little-room", free = size(free), database = size(database));
            (said, Tone::Waiting, false)
        }
        BackupProgress::Began { path, program } => {
            (message!("backup-began", path = path.display().to_string(), program = program), Tone::Quiet, false)
        }
        BackupProgress::Dumping { tables_begun, tables, bytes, elapsed } => {
            let seconds = elapsed.as_secs();
            let rate = size(bytes / seconds.max(1));
            let said = message!(
                "backup-dumping",
                begun = tables_begun,
                tables = tables,
                size = size(bytes),
                rate = rate,
                seconds = seconds
            );
            (said, Tone::Quiet, true)
        }
        BackupProgress::Hashing { bytes } => (message!("backup-hashing", size = size(bytes)), Tone::Quiet, false),
        BackupProgress::Restoring { place, jobs } => {
            (message!("backup-restoring", place = place, jobs = jobs), Tone::Quiet, false)
        }
        BackupProgress::Restored { elapsed } => {
            (message!("backup-restored", seconds = elapsed.as_secs()), Tone::Quiet, true)
        }
        BackupProgress::Comparing { table, tables } => {
            (message!("backup-comparing", table = table, tables = tables), Tone::Quiet, true)
        }
    }
}
