//! `log`: the audit trail.

use lockkeeper_core::message;
use lockkeeper_core::model::{Answer, Checksum, Problem};
use lockkeeper_engine::ledger::{EventRecord, read, read_events, verify_chain};

use crate::cli::context::{Context, moment};
use crate::printer::{Cell, Table, Tone};

/// Show the event log; --verify proves that nothing was altered, removed or reordered
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  lockkeeper log\n  lockkeeper log --verify --head 3f1c…   # against a head noted elsewhere"
)]
pub struct Args {
    /// Follow the whole chain of hashes and say whether it holds
    #[arg(long)]
    verify: bool,
    /// With --verify: the head must be this one, as an earlier --verify printed it and somebody kept it.
    /// Whoever owns the database could write a whole new chain; this is how that is noticed
    #[arg(long, value_name = "HASH", requires = "verify")]
    head: Option<String>,
    /// Start after this event
    #[arg(long, value_name = "SEQ", default_value_t = 0, value_parser = clap::value_parser!(i64).range(0..))]
    after: i64,
    /// At most so many events
    #[arg(long, value_name = "COUNT", default_value_t = 1_000, value_parser = clap::value_parser!(i64).range(0..))]
    limit: i64,
}

pub async fn run(args: &Args, context: &Context<'_>) -> Answer<u8> {
    let connection = context.connect().await?;
    let printer = context.printer;
    let Some(snapshot) = read(&connection).await? else {
        printer.say(&message!("log-no-ledger"));
        printer.answer(&serde_json::json!([]));
        return Ok(0);
    };
    context.tell_waiting(&snapshot.ledger_id);
    if args.verify {
        return match verify_chain(&connection).await? {
            Ok((count, head)) => verified(count, &head, args.head.as_deref(), context),
            Err(fault) => Err(Problem::refused(message!("log-broken", seq = fault.seq, what = fault.what))
                .hint(message!("log-broken-hint"))),
        };
    }
    let events = read_events(&connection, args.after, args.limit).await?;
    let headings =
        [message!("log-seq"), message!("log-at"), message!("log-actor"), message!("log-event"), message!("log-detail")];
    let mut table = Table::new(headings.iter().map(|heading| printer.text(heading)).collect());
    for event in &events {
        table.row(vec![
            Cell::new(event.seq.to_string()),
            Cell::toned(moment(event.at), Tone::Quiet),
            Cell::new(event.actor.clone()),
            Cell::toned(event.kind.clone(), Tone::Strong),
            Cell::new(detail(event)),
        ]);
    }
    printer.table(&table);
    printer.answer(&serde_json::Value::Array(events.iter().map(to_json).collect()));
    Ok(0)
}

fn verified(count: i64, head: &str, expected: Option<&str>, context: &Context<'_>) -> Answer<u8> {
    if let Some(expected) = expected.filter(|expected| !expected.eq_ignore_ascii_case(head)) {
        return Err(Problem::refused(message!("log-other-head", expected = expected, found = head))
            .hint(message!("log-broken-hint")));
    }
    context.printer.say_in(&message!("log-whole", count = count, head = head), Tone::Good);
    context.printer.answer(&serde_json::json!({ "whole": true, "events": count, "head": head }));
    Ok(0)
}

/// The payload without braces and quotes, for reading; `--json` has it as it is.
fn detail(event: &EventRecord) -> String {
    let payload: serde_json::Value = serde_json::from_str(&event.payload).unwrap_or_default();
    let Some(fields) = payload.as_object() else { return event.payload.clone() };
    let text = |value: &serde_json::Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let shown = fields.iter().filter(|(key, value)| !value.is_null() && key.as_str() != "checksum");
    shown.map(|(key, value)| format!("{key}={}", text(value))).collect::<Vec<_>>().join(" ")
}

fn to_json(event: &EventRecord) -> serde_json::Value {
    serde_json::json!({
        "seq": event.seq,
        "at": event.at.to_string(),
        "actor": event.actor,
        "kind": event.kind,
        "release": event.release_id,
        "payload": serde_json::from_str::<serde_json::Value>(&event.payload).unwrap_or_default(),
        "hash": Checksum::from_ledger(&event.hash).map(|hash| hash.to_string()),
    })
}
