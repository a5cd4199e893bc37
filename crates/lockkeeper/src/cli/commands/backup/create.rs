//! `backup create`: a dump of one moment, or what the user's own command makes.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use lockkeeper_core::message;
use lockkeeper_core::model::{Answer, Problem};
use lockkeeper_engine::driver::{DumpRequest, MadeBackup, make_dump, make_hook, prepare_backup};
use lockkeeper_engine::ledger::read;

use super::{Teller, hook, jobs, size, stop};
use crate::cli::context::Context;
use crate::printer::Tone;

/// Make a backup with `pg_dump`, or with the command of lockkeeper.toml, and record it
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  lockkeeper backup create --directory /var/backups/shop --jobs 2")]
pub struct Args {
    /// The folder in which each backup gets a folder [file: backup.directory]
    #[arg(long, value_name = "FOLDER")]
    directory: Option<PathBuf>,
    /// How many tables are dumped at the same time [default: the cores, at most 4]
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u16).range(1..=64))]
    jobs: Option<u16>,
    /// Count the rows of each table, and do not sum up their values: half the reading
    #[arg(long)]
    counts_only: bool,
}

impl Args {
    /// As the settings say.
    pub const fn usual() -> Self {
        Self { directory: None, jobs: None, counts_only: false }
    }
}

pub async fn run(args: &Args, context: &Context<'_>) -> Answer<u8> {
    tell(&make(args, context).await?, context);
    Ok(0)
}

/// Makes a backup and records it.
pub async fn make(args: &Args, context: &Context<'_>) -> Answer<MadeBackup> {
    let printer = context.printer;
    let settings = &context.settings.backup;
    let stop = stop()?;
    let directory = match &settings.command {
        Some(_) if args.directory.is_some() => return Err(Problem::usage(message!("backup-directory-and-command"))),
        Some(_) => PathBuf::new(),
        None => directory(args, context)?,
    };
    let connection = context.connect().await?;
    prepare_backup(&connection).await?;
    let busy = read(&connection).await?.filter(|snapshot| snapshot.lease.is_held);
    if let Some(lease) = busy.map(|snapshot| snapshot.lease) {
        let said = message!("backup-beside", holder = lease.holder.as_str(), doing = lease.doing.as_str());
        printer.note_in(&said, Tone::Waiting);
    }
    let holder = context.holder();
    let mut teller = Teller::new(context);
    let mut report = |progress| teller.tell(progress);
    let made = if let Some(command) = &settings.command {
        make_hook(&connection, &hook(command, context)?, &holder, &stop, &mut report).await
    } else {
        let request = DumpRequest {
            directory: &directory,
            pg_dump: settings.pg_dump.as_deref(),
            jobs: jobs(args.jobs, context),
            lock_wait: settings.lock_wait,
            counts_only: args.counts_only,
            holder: &holder,
        };
        make_dump(&connection, &request, &stop, &mut report).await
    };
    teller.clear();
    made
}

/// The folder, when it is one that a backup may be in.
fn directory(args: &Args, context: &Context<'_>) -> Answer<PathBuf> {
    let directory = args.directory.as_ref().or(context.settings.backup.directory.as_ref());
    let Some(directory) = directory else {
        return Err(Problem::usage(message!("backup-no-directory")).hint(message!("backup-no-directory-hint")));
    };
    let path = || directory.display().to_string();
    // What is not there yet is as deep in a repository as the folder that it will be made in.
    let there = std::path::absolute(directory).unwrap_or_else(|_| directory.clone());
    let there = there.ancestors().find_map(|folder| folder.canonicalize().ok()).unwrap_or(there);
    let in_repository = there.ancestors().any(|folder| folder.join(".git").exists());
    if in_repository && !is_ignored(&there, directory) {
        return Err(
            Problem::usage(message!("backup-in-repository", path = path())).hint(message!("backup-in-repository-hint"))
        );
    }
    Ok(directory.clone())
}

/// Whether git leaves what is in the folder out.
fn is_ignored(there: &Path, directory: &Path) -> bool {
    let inside = std::path::absolute(directory).unwrap_or_else(|_| directory.to_owned()).join("backup");
    let mut command = Command::new("git");
    command.arg("-C").arg(there).args(["check-ignore", "--quiet", "--no-index", "--"]).arg(inside);
    let status = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}

fn tell(made: &MadeBackup, context: &Context<'_>) {
    let printer = context.printer;
    let seconds = made.duration.as_secs();
    let (id, location) = (made.id, made.location.as_str());
    let bytes = made.bytes.map_or_else(|| "?".to_owned(), size);
    printer.say_in(&message!("backup-made", id = id, location = location, size = bytes, seconds = seconds), Tone::Good);
    if let Some((tables, rows)) = made.held {
        printer.say(&message!("backup-made-of", tables = tables, rows = rows, wal = made.wal_position.as_str()));
    }
    printer.say_in(&message!("backup-made-next"), Tone::Quiet);
    printer.answer(&serde_json::json!({
        "id": made.id,
        "kind": made.kind.as_str(),
        "location": made.location,
        "size_bytes": made.bytes,
        "duration_ms": u64::try_from(made.duration.as_millis()).unwrap_or(u64::MAX),
        "taken_at": made.began_at.to_string(),
        "wal_position": made.wal_position,
        "tables": made.held.map(|held| held.0),
        "rows": made.held.map(|held| held.1),
    }));
}
