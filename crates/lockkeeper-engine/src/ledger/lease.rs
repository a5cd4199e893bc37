//! The right to change the database: one row, one holder, a term that grows.
//!
//! Who holds the lease may write; everybody else is told who does. The database's clock judges expiry.
//! Every transaction of a holder first locks its term (FOR KEY SHARE): taking the lease over changes
//! the key and so waits for that transaction, renewing it does not. A holder that slept past its
//! expiry finds its term gone and writes nothing.

use std::time::Duration;

use jiff::Timestamp;
use lockkeeper_core::message;
use lockkeeper_core::model::{Answer, ExitClass, Problem};
use tokio_postgres::Row;
use tokio_postgres::types::Type;

use super::sql::{batch, batch_alone, problem, query, query_alone, timestamp};
use crate::postgres::{Access, Connection, SqlError, Target, connect, sqlstate};
use crate::seams::{Beside, beside, sleep};

/// A holder that has not renewed for this long has lost the lease.
pub const TTL: Duration = Duration::from_secs(30);

/// How often it renews: three renewals may fail before the lease is lost.
const RENEW_EVERY: Duration = Duration::from_secs(8);

/// Who holds the lease, or held it last.
#[derive(Debug, Clone)]
pub struct LeaseRecord {
    pub is_held: bool,
    pub holder: String,
    pub host: String,
    pub pid: i32,
    pub doing: String,
    pub acquired_at: Timestamp,
}

impl LeaseRecord {
    pub(super) fn from_row(row: &Row) -> Answer<Self> {
        Ok(Self {
            is_held: row.get("is_held"),
            holder: row.get("holder"),
            host: row.get("host"),
            pid: row.get("pid"),
            doing: row.get("doing"),
            acquired_at: timestamp(row, "acquired_at")?,
        })
    }
}

/// Who asks for the lease.
#[derive(Debug, Clone)]
pub struct Holder {
    pub actor: String,
    pub host: String,
    pub pid: u32,
}

/// The lease, held. It is renewed in the background on a connection of its own until it is released
/// or dropped.
#[derive(Debug)]
pub struct Lease {
    term: i64,
    ledger_id: String,
    renewal: Beside,
}

impl Lease {
    /// Takes the lease, or says who has it.
    ///
    /// # Errors
    /// Exit class 4 when another process holds it.
    pub async fn acquire(connection: &Connection, holder: &Holder, doing: &str) -> Answer<Self> {
        let taken = take(connection, holder, doing).await;
        let row = match taken {
            Ok(row) => row,
            // The old holder's lease has expired and its transaction still runs: it is not gone.
            Err(error) if error.sqlstate() == sqlstate::LOCK_NOT_AVAILABLE => None,
            Err(error) => return Err(problem(&error, message!("lease-not-taken"))),
        };
        let Some(row) = row else { return Err(busy(connection).await) };
        let (term, ledger_id): (i64, String) = (row.get(0), row.get(1));
        let renewal = beside(renew(connection.target().clone(), term));
        Ok(Self { term, ledger_id, renewal })
    }

    /// Opens a transaction in which this holder may write: it sets the limits and locks the term. The last row
    /// that is answered has the transaction's id, by which its end is recognised, and the process that runs it;
    /// no id means that the lease was lost.
    pub fn begin_sql(&self, connection: &Connection, lock: Duration, statement: Duration, idle: Duration) -> String {
        // Without a pooler the process is known, and one expression less is planned for each migration.
        let pid = if connection.is_pooled() { ", pg_catalog.pg_backend_pid()" } else { "" };
        format!(
            "{}; SELECT lockkeeper.begin_work({}, '{}ms', '{}ms', '{}ms'){pid}",
            connection.begin(Access::Write),
            self.term,
            lock.as_millis(),
            statement.as_millis(),
            idle.as_millis()
        )
    }

    /// Which ledger it is the lease of.
    pub fn ledger_id(&self) -> &str {
        &self.ledger_id
    }

    /// Gives the lease back. A failure is no harm: it expires by itself.
    pub async fn release(self, connection: &Connection) {
        let term = self.term;
        drop(self.renewal);
        let sql = format!("UPDATE lockkeeper.lease SET expires_at = '-infinity' WHERE term = {term}");
        let _ = batch_alone(connection, &sql).await;
    }

    /// What a fenced holder is told.
    pub fn lost() -> Box<Problem> {
        Problem::new(ExitClass::Busy, message!("lease-lost")).hint(message!("lease-lost-hint"))
    }
}

async fn take(connection: &Connection, holder: &Holder, doing: &str) -> Result<Option<Row>, SqlError> {
    let pid = i32::try_from(holder.pid).unwrap_or(0);
    let begin = format!("{}; SET LOCAL lock_timeout = '1s'", connection.begin(Access::Write));
    batch(connection, &begin).await?;
    let taken = query(
        connection,
        include_str!("sql/take_lease.sql"),
        &[
            (&holder.actor, Type::TEXT),
            (&holder.host, Type::TEXT),
            (&pid, Type::INT4),
            (&doing, Type::TEXT),
            (&TTL.as_secs_f64(), Type::FLOAT8),
        ],
    )
    .await;
    batch(connection, if taken.is_ok() { "COMMIT" } else { "ROLLBACK" }).await?;
    Ok(taken?.into_iter().next())
}

/// The refusal for whoever comes second, with all that is known of the first.
async fn busy(connection: &Connection) -> Box<Problem> {
    let holder = query_alone(connection, include_str!("sql/read_identity.sql"), &[]).await;
    let record = holder.ok().and_then(|rows| rows.first().and_then(|row| LeaseRecord::from_row(row).ok()));
    let problem = match record {
        Some(record) => Problem::new(
            ExitClass::Busy,
            message!(
                "lease-busy",
                holder = record.holder,
                host = record.host,
                pid = record.pid,
                doing = record.doing,
                since = record.acquired_at.to_string()
            ),
        ),
        None => Problem::new(ExitClass::Busy, message!("lease-busy-unknown")),
    };
    problem.note(message!("nothing-changed")).hint(message!("lease-busy-hint", seconds = TTL.as_secs()))
}

/// Renews until the lease is gone. It opens its connection only when the first renewal is due, so that
/// a short run opens none.
async fn renew(target: Target, term: i64) {
    let sql = format!(
        "UPDATE lockkeeper.lease SET expires_at = pg_catalog.clock_timestamp() + '{} seconds' \
         WHERE term = {term} AND expires_at > pg_catalog.clock_timestamp()",
        TTL.as_secs()
    );
    let mut connection = None;
    loop {
        sleep(RENEW_EVERY).await;
        if connection.is_none() {
            connection = connect(&target).await.ok();
        }
        let Some(open) = &connection else { continue };
        if batch_alone(open, &sql).await.is_err() {
            connection = None;
        }
    }
}
