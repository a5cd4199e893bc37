//! The audit trail: append-only, each event carrying the hash of the one before.

use jiff::Timestamp;
use lockkeeper_core::message;
use lockkeeper_core::model::{Answer, Checksum, Message};
use sha2::{Digest, Sha256};
use tokio_postgres::Row;
use tokio_postgres::types::Type;

use super::install::read_problem;
use super::sql::{query, query_alone, timestamp};
use crate::postgres::{Connection, SqlError};

/// One line of the log.
#[derive(Debug, Clone)]
pub struct EventRecord {
    pub seq: i64,
    pub at: Timestamp,
    pub actor: String,
    pub kind: String,
    pub release_id: Option<i64>,
    pub payload: String,
    pub previous: Vec<u8>,
    pub hash: Vec<u8>,
}

/// Appends an event, in the transaction that is open.
pub async fn record_event(
    connection: &Connection,
    actor: &str,
    kind: &str,
    release_id: Option<i64>,
    payload: &serde_json::Value,
) -> Result<(), SqlError> {
    query(
        connection,
        "SELECT lockkeeper.record_event($1, $2, $3, $4)",
        &[(&actor, Type::TEXT), (&kind, Type::TEXT), (&release_id, Type::INT8), (&payload.to_string(), Type::TEXT)],
    )
    .await
    .map(|_| ())
}

/// Events in order, from `after` on, at most `limit`; and the end of the chain as the ledger has it.
///
/// # Errors
/// When the ledger cannot be read.
pub async fn read_events(connection: &Connection, after: i64, limit: i64) -> Answer<Vec<EventRecord>> {
    let rows =
        query_alone(connection, include_str!("sql/read_events.sql"), &[(&after, Type::INT8), (&limit, Type::INT8)])
            .await
            .map_err(|error| read_problem(&error, connection))?;
    rows.iter().map(event).collect()
}

fn event(row: &Row) -> Answer<EventRecord> {
    Ok(EventRecord {
        seq: row.get("seq"),
        at: timestamp(row, "at")?,
        actor: row.get("actor"),
        kind: row.get("kind"),
        release_id: row.get("release_id"),
        payload: row.get("payload"),
        previous: row.get("previous"),
        hash: row.get("hash"),
    })
}

/// The first place where the chain does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChainFault {
    pub seq: i64,
    pub what: Message,
}

/// How many events are held in memory at a time while the chain is verified.
const VERIFY_PAGE: i64 = 5_000;

/// Follows the whole chain. `Ok(Ok((count, head)))` when it holds.
///
/// # Errors
/// When the ledger cannot be read.
pub async fn verify_chain(connection: &Connection) -> Answer<Result<(i64, String), ChainFault>> {
    let (mut last, mut head) = (0, vec![0; 32]);
    loop {
        let events = read_events(connection, last, VERIFY_PAGE).await?;
        if events.is_empty() {
            break;
        }
        for event in events {
            if let Some(what) = fault(&event, last, &head) {
                return Ok(Err(ChainFault { seq: event.seq, what }));
            }
            last = event.seq;
            head = event.hash;
        }
    }
    let rows = query_alone(connection, "SELECT seq, hash FROM lockkeeper.event_chain", &[])
        .await
        .map_err(|error| read_problem(&error, connection))?;
    let end: Option<(i64, Vec<u8>)> = rows.first().map(|row| (row.get(0), row.get(1)));
    match end {
        Some((seq, hash)) if seq == last && hash == head => Ok(Ok((last, head_text(&head)))),
        Some((seq, _)) if seq > last => {
            Ok(Err(ChainFault { seq: last + 1, what: message!("chain-end-removed", count = seq - last, last = seq) }))
        }
        Some(_) | None => Ok(Err(ChainFault { seq: last, what: message!("chain-head-altered") })),
    }
}

fn fault(event: &EventRecord, last: i64, head: &[u8]) -> Option<Message> {
    if event.seq != last + 1 {
        return Some(message!("chain-removed", from = last + 1, to = event.seq - 1));
    }
    if event.previous != head {
        return Some(message!("chain-reordered"));
    }
    (event.hash != hash(event)).then(|| message!("chain-altered"))
}

/// The same bytes that `lockkeeper.record_event` hashes: each field behind its length.
fn hash(event: &EventRecord) -> Vec<u8> {
    let fields = [
        event.seq.to_string(),
        event.at.as_microsecond().to_string(),
        event.actor.clone(),
        event.kind.clone(),
        event.release_id.map(|id| id.to_string()).unwrap_or_default(),
        event.payload.clone(),
    ];
    let text = fields.map(|field| format!("{}:{field}", field.len())).join(",");
    Sha256::new().chain_update(&event.previous).chain_update(text).finalize().to_vec()
}

/// Hexadecimal; a hash of the wrong length cannot pass the ledger's CHECK.
fn head_text(head: &[u8]) -> String {
    Checksum::from_ledger(head).map(|hash| hash.to_string()).unwrap_or_default()
}
