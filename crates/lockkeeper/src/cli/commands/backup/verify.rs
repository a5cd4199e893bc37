//! `backup verify`: the files byte for byte, then a restore that is compared with what was dumped.

use std::path::{Path, PathBuf};

use lockkeeper_core::message;
use lockkeeper_core::model::{Answer, Checksum, ExitClass, Message, Problem, Verdict};
use lockkeeper_engine::driver::{
    BackupCheck, Difference, RestorePlace, VerifyRequest, record_backup_verification, verify_dump, verify_hook,
};
use lockkeeper_engine::ledger::{BackupKind, BackupRecord, NewBackupVerification, VerifiedHow, read_backups};
use lockkeeper_engine::seams::{Stop, instant};

use super::{Teller, hook, jobs, stop};
use crate::cli::context::Context;
use crate::printer::Tone;
use crate::settings;

/// Prove a backup: every byte of its files, then a restore into a throw-away database, compared table by table
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  lockkeeper backup verify\n  lockkeeper backup verify 7 --folder /mnt/offsite/shop-20261122T220635Z-3f2a1c\n\n\
                  Without an ID, --folder is proven by itself: no ledger is asked, and nothing is recorded."
)]
pub struct Args {
    /// Which backup, by its number in `backup list` [default: the newest]
    #[arg(value_name = "ID")]
    id: Option<i64>,
    /// Where the backup is now, when it is not where it was made
    #[arg(long, value_name = "FOLDER")]
    folder: Option<PathBuf>,
    /// Restore on this server, instead of starting a private one
    #[arg(long, value_name = "URL")]
    shadow_url: Option<String>,
    /// How many tables are restored at the same time [default: the cores, at most 4]
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u16).range(1..=64))]
    jobs: Option<u16>,
    /// Compare the number of each table's rows, and not what they are
    #[arg(long)]
    counts_only: bool,
}

impl Args {
    /// The backup of that number, as the settings say.
    pub const fn of(id: i64) -> Self {
        Self { id: Some(id), folder: None, shadow_url: None, jobs: None, counts_only: false }
    }
}

/// What came of it.
struct Proof {
    verdict: Verdict,
    how: VerifiedHow,
    findings: serde_json::Value,
    /// Whether the ledger knows.
    recorded: bool,
}

pub async fn run(args: &Args, context: &Context<'_>) -> Answer<u8> {
    let record = match (&args.folder, args.id) {
        // A backup is needed most when its database is gone.
        (Some(_), None) => None,
        _ => Some(find(args.id, context).await?),
    };
    let proof = prove(args, record.as_ref(), context).await?;
    let Proof { verdict, how, findings, recorded } = &proof;
    answer(record.as_ref(), *verdict, *how, findings, *recorded, context);
    Ok(exit(proof.verdict))
}

/// Proves a backup and says how it went, without an answer of its own.
pub async fn prove_one(args: &Args, context: &Context<'_>) -> Answer<Verdict> {
    let record = find(args.id, context).await?;
    Ok(prove(args, Some(&record), context).await?.verdict)
}

async fn prove(args: &Args, record: Option<&BackupRecord>, context: &Context<'_>) -> Answer<Proof> {
    let stop = stop()?;
    match record {
        Some(record) if matches!(record.kind, BackupKind::Hook { .. }) => by_hook(record, &stop, context).await,
        Some(record) => {
            let folder = args.folder.clone().unwrap_or_else(|| PathBuf::from(&record.location));
            if !folder.is_dir() {
                let (path, host) = (folder.display().to_string(), record.host.as_str());
                return Err(Problem::new(
                    ExitClass::Refused,
                    message!("backup-folder-missing", id = record.id, path = path, host = host),
                )
                .hint(message!("backup-folder-missing-hint")));
            }
            let expected = match &record.kind {
                BackupKind::Dump { manifest } => Some(*manifest),
                BackupKind::Hook { .. } => None,
            };
            by_restore(args, Some(record), &folder, expected, &stop, context).await
        }
        None => {
            let folder = args.folder.clone().unwrap_or_default();
            by_restore(args, None, &folder, None, &stop, context).await
        }
    }
}

/// The backup of that number, or the newest of this database.
async fn find(id: Option<i64>, context: &Context<'_>) -> Answer<BackupRecord> {
    let connection = context.connect().await?;
    let records = read_backups(&connection, id).await;
    connection.close().await;
    let found = records?.into_iter().find(|record| id.is_some() || record.is_of_here);
    found.ok_or_else(|| match id {
        Some(id) => Problem::usage(message!("backup-unknown", id = id)).hint(message!("backup-unknown-hint")),
        None => Problem::usage(message!("gate-no-backup")).hint(message!("next-backup")),
    })
}

async fn by_restore(
    args: &Args,
    record: Option<&BackupRecord>,
    folder: &Path,
    expected: Option<Checksum>,
    stop: &Stop,
    context: &Context<'_>,
) -> Answer<Proof> {
    let place = match &args.shadow_url {
        Some(url) => RestorePlace::Named(Box::new(settings::shadow_target(url)?)),
        None => RestorePlace::Private,
    };
    // Where one's own pg_dump is, its pg_restore is.
    let programs = context.settings.backup.pg_dump.as_deref().and_then(Path::parent);
    let request = VerifyRequest {
        folder,
        expected,
        place,
        programs: programs.filter(|dir| dir.components().next().is_some()),
        jobs: jobs(args.jobs, context),
        counts_only: args.counts_only,
    };
    let mut teller = Teller::new(context);
    let check = verify_dump(&request, stop, &mut |progress| teller.tell(progress)).await;
    teller.clear();
    let check = check?;
    tell(record, folder, &check, context);
    let recorded = match record {
        Some(record) => {
            let new = NewBackupVerification {
                backup: record.id,
                actor: &context.settings.actor,
                duration: check.took,
                verdict: check.verdict,
                how: check.how,
                findings: findings(&check),
            };
            keep(&new, context).await
        }
        None => false,
    };
    Ok(Proof { verdict: check.verdict, how: check.how, findings: findings(&check), recorded })
}

async fn by_hook(record: &BackupRecord, stop: &Stop, context: &Context<'_>) -> Answer<Proof> {
    let printer = context.printer;
    let Some(command) = &context.settings.backup.verify_command else {
        return Err(Problem::new(ExitClass::Inconclusive, message!("backup-hook-unverifiable", id = record.id))
            .hint(message!("backup-hook-unverifiable-hint")));
    };
    let hook = hook(command, context)?;
    let began = instant();
    let found = verify_hook(record, &hook, stop).await?;
    let said = match found.verdict {
        Verdict::Pass => message!("backup-hook-verified", id = record.id),
        _ => message!("backup-hook-not-verified", id = record.id, status = found.status.as_str()),
    };
    printer.say_in(&said, if found.verdict == Verdict::Pass { Tone::Good } else { Tone::Bad });
    if found.verdict != Verdict::Pass && !printer.is_json() {
        printer.note_text(2, found.output.trim_end());
    }
    let findings = serde_json::json!({ "status": found.status, "output": found.output });
    let new = NewBackupVerification {
        backup: record.id,
        actor: &context.settings.actor,
        duration: began.elapsed(),
        verdict: found.verdict,
        how: VerifiedHow::Hook,
        findings: findings.clone(),
    };
    let recorded = keep(&new, context).await;
    Ok(Proof { verdict: found.verdict, how: VerifiedHow::Hook, findings, recorded })
}

/// Records what was found, where that is possible; whether it was. What was found stands either way.
async fn keep(new: &NewBackupVerification<'_>, context: &Context<'_>) -> bool {
    let written = async {
        // A restore may have taken longer than a connection lasts.
        let connection = context.connect().await?;
        let written = record_backup_verification(&connection, new).await;
        connection.close().await;
        written
    }
    .await;
    match written {
        Ok(()) => true,
        Err(problem) => {
            let said = message!("verify-cannot-record", reason = problem.message.clone());
            context.printer.note_in(&said, Tone::Waiting);
            false
        }
    }
}

const fn exit(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Pass => 0,
        Verdict::Fail => ExitClass::Refused.code(),
        Verdict::NoData | Verdict::ProbeError => ExitClass::Inconclusive.code(),
    }
}

fn tell(record: Option<&BackupRecord>, folder: &Path, check: &BackupCheck, context: &Context<'_>) {
    let printer = context.printer;
    let path = folder.display().to_string();
    let name = record.map_or(path, |record| record.id.to_string());
    let (name, seconds) = (name.as_str(), check.took.as_secs());
    let (said, tone) = match (check.verdict, check.how) {
        (Verdict::Pass, VerifiedHow::Counts) => {
            let said =
                message!("backup-sound-counts", id = name, tables = check.tables, rows = check.rows, seconds = seconds);
            (said, Tone::Good)
        }
        (Verdict::Pass, _) => (
            message!("backup-sound", id = name, tables = check.tables, rows = check.rows, seconds = seconds),
            Tone::Good,
        ),
        (Verdict::Fail, _) => (message!("backup-unsound", id = name), Tone::Bad),
        (Verdict::NoData | Verdict::ProbeError, _) => (message!("backup-inconclusive", id = name), Tone::Waiting),
    };
    printer.say_in(&said, tone);
    for fault in &check.faults {
        let (what, file) = fault.told();
        let said = match what {
            "missing" => message!("backup-file-missing", file = file),
            "added" => message!("backup-file-added", file = file),
            _ => message!("backup-file-altered", file = file),
        };
        printer.say_under(2, &said, Tone::Bad);
    }
    if !check.lacks.is_empty() {
        printer.say_under(2, &message!("backup-lacks-extensions", extensions = check.lacks.join(", ")), Tone::Waiting);
    }
    if let Some(said) = &check.failed {
        printer.say_under(2, &message!("backup-not-restored"), Tone::Bad);
        if !printer.is_json() {
            printer.note_text(4, &said.replace('\n', "\n    "));
        }
    }
    for difference in &check.differences {
        printer.say_under(2, &difference_told(difference), Tone::Bad);
    }
    for role in &check.roles_left {
        printer.note_in(&message!("verify-role-left", role = role.as_str()), Tone::Waiting);
    }
}

fn difference_told(difference: &Difference) -> Message {
    match difference {
        Difference::TableMissing { table } => message!("backup-table-missing", table = table),
        Difference::TableAdded { table } => message!("backup-table-added", table = table),
        Difference::Rows { table, recorded, restored } => {
            message!("backup-rows-differ", table = table, recorded = *recorded, restored = *restored)
        }
        Difference::Values { table, rows } => message!("backup-values-differ", table = table, rows = *rows),
        Difference::SequenceBehind { sequence, recorded, restored } => {
            let restored = restored.map_or_else(|| "-".to_owned(), |it| it.to_string());
            message!("backup-sequence-behind", sequence = sequence, recorded = *recorded, restored = restored)
        }
        Difference::LargeObjects { recorded, restored } => {
            message!("backup-large-objects-differ", recorded = *recorded, restored = *restored)
        }
    }
}

/// What is kept in the ledger and told in JSON.
fn findings(check: &BackupCheck) -> serde_json::Value {
    let files = check.faults.iter().map(|fault| {
        let (what, file) = fault.told();
        serde_json::json!({ "what": what, "file": file })
    });
    let differences = check.differences.iter().map(|difference| {
        let (what, name) = difference.told();
        serde_json::json!({ "what": what, "name": name })
    });
    serde_json::json!({
        "files": files.collect::<Vec<_>>(),
        "lacks_extensions": check.lacks,
        "restore": check.failed,
        "differences": differences.collect::<Vec<_>>(),
        "tables": check.tables,
        "rows": check.rows,
    })
}

fn answer(
    record: Option<&BackupRecord>,
    verdict: Verdict,
    how: VerifiedHow,
    findings: &serde_json::Value,
    recorded: bool,
    context: &Context<'_>,
) {
    context.printer.answer(&serde_json::json!({
        "id": record.map(|record| record.id),
        "verdict": verdict.as_str(),
        "how": how.as_str(),
        "findings": findings,
        "recorded": recorded,
    }));
}
