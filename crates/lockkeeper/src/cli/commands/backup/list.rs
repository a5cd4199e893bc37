//! `backup list`: which backups there are, how old, where, and whether they were proven. Reads, and writes nothing.

use lockkeeper_core::message;
use lockkeeper_core::model::{Answer, Message, Verdict};
use lockkeeper_core::release::age;
use lockkeeper_engine::driver::{FileFault, Presence};
use lockkeeper_engine::ledger::{BackupKind, BackupRecord, LastVerification, read_backups};

use super::size;
use crate::cli::context::{Context, moment};
use crate::printer::{Cell, Table, Tone};

/// Show the recorded backups, how old they are, whether they are still there and when they were verified
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  lockkeeper backup list --json | jq '.backups[0]'")]
pub struct Args {}

pub async fn run(_: &Args, context: &Context<'_>) -> Answer<u8> {
    let connection = context.connect().await?;
    let printer = context.printer;
    let records = read_backups(&connection, None).await?;
    let host = context.holder().host;
    let backups: Vec<(BackupRecord, Presence)> = records
        .into_iter()
        .map(|record| {
            let presence = Presence::of(&record, &host);
            (record, presence)
        })
        .collect();
    if backups.is_empty() {
        printer.say(&message!("backup-list-empty"));
        printer.say_in(&message!("status-way-out", command = message!("next-backup")), Tone::Quiet);
    } else {
        let headings = [
            message!("backup-column-id"),
            message!("backup-column-age"),
            message!("backup-column-size"),
            message!("backup-column-verified"),
            message!("backup-column-state"),
            message!("backup-column-location"),
        ];
        let mut table = Table::new(headings.iter().map(|heading| printer.text(heading)).collect());
        for (record, presence) in &backups {
            table.row(row(record, presence, context));
        }
        printer.table(&table);
    }
    printer.answer(&serde_json::json!({
        "backups": backups.iter().map(|(record, presence)| to_json(record, presence)).collect::<Vec<_>>(),
    }));
    Ok(0)
}

fn row(record: &BackupRecord, presence: &Presence, context: &Context<'_>) -> Vec<Cell> {
    let printer = context.printer;
    let (state, tone) = state(record, presence);
    let (verified, verified_tone) = verified(record.verified.as_ref());
    vec![
        Cell::new(record.id.to_string()),
        Cell::new(printer.text(&age(record.age))),
        Cell::new(record.size_bytes.map_or_else(|| "?".to_owned(), size)),
        Cell::toned(printer.text(&verified), verified_tone),
        Cell::toned(printer.text(&state), tone),
        Cell::new(format!("{}:{}", record.host, record.location)),
    ]
}

fn state(record: &BackupRecord, presence: &Presence) -> (Message, Tone) {
    match presence {
        _ if !record.is_of_here => (message!("backup-state-other-database"), Tone::Waiting),
        Presence::Present => (message!("backup-state-present"), Tone::Good),
        Presence::Gone => (message!("backup-state-gone"), Tone::Bad),
        Presence::Altered(faults) => (message!("backup-state-altered", count = faults.len()), Tone::Bad),
        Presence::Unknown => (message!("backup-state-unknown"), Tone::Quiet),
    }
}

fn verified(last: Option<&LastVerification>) -> (Message, Tone) {
    let Some(last) = last else { return (message!("backup-verified-never"), Tone::Waiting) };
    let (at, how) = (moment(last.at), last.how.as_str());
    match last.verdict {
        Verdict::Pass => (message!("backup-verified-pass", at = at, how = how), Tone::Good),
        Verdict::Fail => (message!("backup-verified-fail", at = at, how = how), Tone::Bad),
        Verdict::NoData | Verdict::ProbeError => {
            (message!("backup-verified-no-data", at = at, how = how), Tone::Waiting)
        }
    }
}

fn to_json(record: &BackupRecord, presence: &Presence) -> serde_json::Value {
    let (manifest, hook_id) = match &record.kind {
        BackupKind::Dump { manifest } => (Some(manifest.to_string()), None),
        BackupKind::Hook { id } => (None, Some(id.as_str())),
    };
    let faults = match presence {
        Presence::Altered(faults) => faults.iter().map(FileFault::told).collect(),
        Presence::Present | Presence::Gone | Presence::Unknown => Vec::new(),
    };
    serde_json::json!({
        "id": record.id,
        "kind": record.kind.as_str(),
        "taken_at": record.began_at.to_string(),
        "age_s": record.age.as_secs(),
        "duration_ms": u64::try_from(record.duration.as_millis()).unwrap_or(u64::MAX),
        "taken_by": record.taken_by,
        "program": record.program,
        "host": record.host,
        "location": record.location,
        "hook_id": hook_id,
        "size_bytes": record.size_bytes,
        "manifest": manifest,
        "wal_position": record.wal_position,
        "server_version": record.server_version.to_string(),
        "release": record.release_id,
        "of_this_database": record.is_of_here,
        "state": presence.as_str(),
        "faults": faults.iter().map(|(what, file)| serde_json::json!({ "what": what, "file": file })).collect::<Vec<_>>(),
        "verified": record.verified.as_ref().map(|last| serde_json::json!({
            "verdict": last.verdict.as_str(),
            "how": last.how.as_str(),
            "at": last.at.to_string(),
            "by": last.by,
        })),
    })
}
