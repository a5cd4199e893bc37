//! Behind a pooler in transaction mode: how one is noticed, and how a transaction leaves no trace in it.
//!
//! Such a pooler lends out a server session for one transaction at a time. So nothing that we set may outlive
//! our transaction, because the session goes on to somebody else; and nothing holds that we did not set in the
//! same transaction, because somebody else had the session before. A transaction of ours therefore begins by
//! setting back, for itself alone, whatever the session was left with, and ends with that as it was found: an
//! administrator may have given all sessions of the pool their settings (`PgBouncer`'s `connect_query`).

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_postgres::CancelToken;
use tokio_postgres::tls::{ChannelBinding, TlsConnect, TlsStream};

use super::Connection;
use super::stream::AlreadyNegotiated;

/// What a transaction is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// One instant, and nothing can be written.
    Read,
    Write,
}

/// The settings of a session that are not what its role and database give it, as `pg_settings` knows them.
/// A mode of the transaction that is open is none of the session's; others than a superuser may not touch
/// what a superuser has set.
macro_rules! moved {
    () => {
        "pg_catalog.pg_settings WHERE source = 'session' \
         AND name NOT IN ('transaction_isolation', 'transaction_read_only', 'transaction_deferrable') \
         AND (context = 'user' OR (SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = session_user))"
    };
}

/// One text: the calls that put the session back to how it is now. The role comes last, because it takes
/// rights away.
const FOUND: &str = concat!(
    "SELECT pg_catalog.concat_ws(', ', (SELECT pg_catalog.string_agg(pg_catalog.format(\
     'pg_catalog.set_config(%L, %L, false)', name, setting), ', ') FROM ",
    moved!(),
    "), pg_catalog.format('pg_catalog.set_config(''session_authorization'', %L, false), \
     pg_catalog.set_config(''role'', %L, false)', session_user, pg_catalog.current_setting('role')))"
);

/// Sets back for this transaction what the session was left with. The pooler itself keeps the encoding and the
/// name of each of its clients.
const CLEAN: &str = concat!(
    "SET LOCAL session_authorization TO DEFAULT; SET LOCAL role TO DEFAULT; \
     SELECT pg_catalog.count(pg_catalog.set_config(name, NULL, true)) FROM ",
    moved!(),
    " AND name NOT IN ('client_encoding', 'application_name')"
);

/// Sets back what the transaction has changed beyond its own end.
const FORGET: &str = concat!(
    "SET session_authorization TO DEFAULT; SET role TO DEFAULT; \
     SELECT pg_catalog.count(pg_catalog.set_config(name, NULL, false)) FROM ",
    moved!()
);

impl Connection {
    /// Whether a pooler stands between us and the server, so that statements of different transactions may
    /// run in different sessions.
    pub const fn is_pooled(&self) -> bool {
        self.is_pooled
    }

    /// Opens a transaction. Behind a pooler its session is first made what it would be without one; then the
    /// answer's first row is the [`left_as_found`](Self::left_as_found) of a write.
    pub fn begin(&self, access: Access) -> String {
        match (self.is_pooled, access) {
            (false, Access::Read) => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY".to_owned(),
            (false, Access::Write) => "BEGIN".to_owned(),
            (true, Access::Read) => format!("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; {CLEAN}"),
            // The mode cannot be left to what the session was set to; what role and database are set to counts.
            (true, Access::Write) => format!(
                "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; {FOUND}; {CLEAN}; \
                 SELECT pg_catalog.set_config('transaction_read_only', \
                 pg_catalog.current_setting('default_transaction_read_only'), true)"
            ),
        }
    }

    /// Ends the reach of whatever somebody else's SQL has set in the transaction that is open: it will not
    /// outlive it, and the role is ours again. `found` is the first row that [`begin`](Self::begin) answered;
    /// `own` are names as [`own_settings`] finds them, and whatever these were before, they are empty then.
    pub fn left_as_found(&self, found: &str, own: &[String]) -> String {
        if !self.is_pooled {
            return "RESET SESSION AUTHORIZATION; RESET ROLE".to_owned();
        }
        let forgotten = own.iter().map(|name| format!("pg_catalog.set_config('{name}', NULL, false), "));
        let own: Vec<String> = forgotten.collect();
        format!(
            "{FORGET}; SELECT {}{found}; SET LOCAL session_authorization TO DEFAULT; SET LOCAL role TO DEFAULT",
            own.concat()
        )
    }
}

/// The names of the settings of an application's own that a statement sets for its session: `app.tenant`. No
/// catalogue lists these, so that only the statement's text tells them.
pub fn own_settings(sql: &str) -> Vec<String> {
    let lower = sql.to_ascii_lowercase();
    let is_name = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | '$');
    let behind = |word: &'static str| lower.match_indices(word).map(move |(at, _)| at + word.len());
    let places = behind("set_config").chain(behind("set session ")).chain(behind("set "));
    let mut names: Vec<String> = places
        .filter_map(|at| {
            let rest = lower.get(at..)?.trim_start_matches(|c: char| c.is_whitespace() || matches!(c, '(' | '\''));
            let name = rest.split(|c| !is_name(c)).next()?;
            let is_own = name.split_once('.').is_some_and(|(class, name)| !class.is_empty() && !name.is_empty());
            is_own.then(|| name.to_owned())
        })
        .collect();
    names.sort();
    names.dedup();
    names
}

/// The process that the other side said serves us. `PostgreSQL` tells its own; a pooler cannot know which one
/// will, and makes a number up. Only a cancel request ever carries it.
pub(super) async fn announced_pid(token: &CancelToken) -> Option<i32> {
    let bytes = cancel_request(token).await?;
    // Length, request code, process, secret: four bytes each (manual, Message Formats, CancelRequest).
    bytes.get(8..12)?.try_into().ok().map(i32::from_be_bytes)
}

/// The bytes of a cancel request.
pub(super) async fn cancel_request(token: &CancelToken) -> Option<Vec<u8>> {
    let written = Written::default();
    token.cancel_query_raw(written.clone(), AlreadyNegotiated).await.ok()?;
    let bytes = written.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
    Some(bytes)
}

/// A stream that goes nowhere and keeps what was written to it.
#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl AsyncRead for Written {
    fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, _: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Written {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

impl TlsStream for Written {
    fn channel_binding(&self) -> ChannelBinding {
        ChannelBinding::none()
    }
}

impl TlsConnect<Written> for AlreadyNegotiated {
    type Stream = Written;
    type Error = io::Error;
    type Future = std::future::Ready<io::Result<Written>>;

    fn connect(self, stream: Written) -> Self::Future {
        std::future::ready(Ok(stream))
    }
}

#[cfg(test)]
mod tests {
    use super::own_settings;

    #[test]
    fn settings_of_an_applications_own_are_found() {
        for (sql, expected) in [
            ("SET app.tenant = 'a'", vec!["app.tenant"]),
            ("SET SESSION app.tenant TO 'a'; set APP.Region = 'b'", vec!["app.region", "app.tenant"]),
            ("SELECT pg_catalog.set_config('app.tenant', 'a', false)", vec!["app.tenant"]),
            ("SET search_path = shop, public", vec![]),
            ("UPDATE t SET a = 1.5", vec![]),
        ] {
            assert_eq!(own_settings(sql), expected, "{sql}");
        }
    }
}
