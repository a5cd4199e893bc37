//! Giving a release up: whoever drives it is asked to go back.

use lockkeeper_core::message;
use lockkeeper_core::model::{Answer, Problem};
use serde_json::json;
use tokio_postgres::types::Type;

use super::turn;
use crate::ledger::{ensure, query, read, read_journey, record_event};
use crate::postgres::Connection;

/// What became of the request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Aborted {
    /// The process that drives the release was asked, and goes back.
    Asked { release_id: i64, holder: String, host: String, pid: i32 },
    /// Nobody drives it: whoever resumes it goes back.
    Recorded { release_id: i64 },
}

/// Asks for a release to be given up, for a reason that the ledger keeps.
///
/// # Errors
/// No release of its own is on its way.
pub async fn ask_abort(connection: &Connection, actor: &str, reason: &str) -> Answer<Aborted> {
    let nothing = || Problem::refused(message!("journey-nothing")).hint(message!("next-status"));
    if read(connection).await?.is_none() {
        return Err(nothing());
    }
    ensure(connection).await?;
    let snapshot = read(connection).await?.ok_or_else(nothing)?;
    let release = snapshot.open_release().ok_or_else(nothing)?;
    let journey = read_journey(connection, release.id).await?.ok_or_else(|| {
        Problem::refused(message!("journey-by-hand", release = release.id)).hint(message!("next-rollback"))
    })?;
    if journey.back.is_some() {
        return Err(Problem::refused(message!("journey-goes-back-already", release = release.id))
            .hint(message!("next-release-status")));
    }
    turn::write(connection, async |connection| {
        let sql = "UPDATE lockkeeper.journeys SET abort_asked_at = pg_catalog.clock_timestamp(), abort_asked_by = $2, \
                   abort_reason = $3 WHERE release_id = $1 AND abort_asked_at IS NULL RETURNING release_id";
        let params = [
            (&release.id as &(dyn tokio_postgres::types::ToSql + Sync), Type::INT8),
            (&actor, Type::TEXT),
            (&reason, Type::TEXT),
        ];
        // Asking twice changes nothing: the first reason stands.
        if !query(connection, sql, &params).await?.is_empty() {
            let payload = json!({ "reason": reason });
            record_event(connection, actor, "release_abort_asked", Some(release.id), &payload).await?;
        }
        Ok(())
    })
    .await?;
    let release_id = release.id;
    Ok(if journey.is_held {
        Aborted::Asked { release_id, holder: journey.holder, host: journey.host, pid: journey.pid }
    } else {
        Aborted::Recorded { release_id }
    })
}
