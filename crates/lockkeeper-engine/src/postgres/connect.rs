//! Opening a connection, and cancelling what runs on it.

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use lockkeeper_core::model::{Answer, Problem, ServerReport, ServerVersion};
use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};
use tokio::task::JoinHandle;
use tokio_postgres::config::SslNegotiation;
use tokio_postgres::{AsyncMessage, CancelToken, Client, SimpleQueryMessage};
use tokio_rustls::rustls::pki_types::UnixTime;

use super::connect_problem;
use super::pooler::{announced_pid, cancel_request};
use super::stream::{AlreadyNegotiated, Stream};
use super::tls::{Negotiated, TlsFailure, TlsSettings};
use super::tls_problem;
use super::{ChannelBinding, Host, SslMode, Target};
use crate::seams;

pub use super::connect_problem::server_report;

/// A notice, warning or message of another level that the server sent beside its answers.
pub type Notice = ServerReport;

/// An open connection. Dropping it closes it: the server ends whatever transaction is open.
pub struct Connection {
    client: Client,
    /// Moves the bytes. It ends by itself when the client is dropped or the server hangs up.
    driver: JoinHandle<()>,
    notices: Arc<Mutex<Notices>>,
    /// Why the server hung up, when it said so.
    farewell: Arc<Mutex<Option<ServerReport>>>,
    version: ServerVersion,
    backend_pid: i32,
    pub(super) is_pooled: bool,
    is_standby: bool,
    is_encrypted: bool,
    is_verified: bool,
    canceller: Canceller,
}

/// Asks the server to cancel the statement that runs on a connection, over a connection of its own
/// that goes to the same address and is protected in the same way.
#[derive(Clone)]
pub struct Canceller {
    token: CancelToken,
    target: Arc<Target>,
    address: Address,
    is_encrypted: bool,
}

/// Where exactly the connection went, once names were looked up.
#[derive(Clone)]
enum Address {
    Tcp(SocketAddr),
    Socket(PathBuf),
}

/// Notices are kept until somebody takes them; a migration that raises a million of them must not
/// eat the memory, so beyond this many the oldest go.
const NOTICES_MAX: usize = 1_000;

/// A silent connection is probed after this long, so that a NAT gateway or load balancer does not
/// forget it during a long CREATE INDEX, and a dead server is noticed within two minutes.
const KEEPALIVE_IDLE: Duration = Duration::from_mins(1);
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(10);
const KEEPALIVE_PROBES: u32 = 6;

#[derive(Default)]
struct Notices {
    kept: VecDeque<Notice>,
    dropped: u64,
}

/// Connects by libpq's rules for `target.sslmode`, and refuses a server that is too old.
///
/// # Errors
/// Every failure is a problem of exit class 2 that names the setting to look at.
pub async fn connect(target: &Target) -> Answer<Connection> {
    use Protection::{Plain, Tls, TlsIfOffered};
    if matches!(target.host, Host::SocketDir(_)) {
        return attempt(target, Plain).await.map_err(|failure| failure.problem);
    }
    let (first, second) = match target.sslmode {
        SslMode::Disable => (Plain, None),
        SslMode::Allow => (Plain, Some(Tls)),
        SslMode::Prefer => (TlsIfOffered, Some(Plain)),
        SslMode::Require | SslMode::VerifyCa | SslMode::VerifyFull => (Tls, None),
    };
    let failure = match attempt(target, first).await {
        Ok(connection) => return Ok(connection),
        Err(failure) => failure,
    };
    match second {
        // The other way is tried only when this way was refused: libpq does so for every error
        // the server sends before it lets us in, and for a failed handshake.
        Some(second) if failure.was_refused && (second == Tls || failure.encrypted) => {
            attempt(target, second).await.map_err(|second| both(failure, second))
        }
        _ => Err(failure.problem),
    }
}

/// How a single attempt is protected.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Protection {
    Plain,
    Tls,
    TlsIfOffered,
}

struct Failure {
    problem: Box<Problem>,
    /// The server, or a handshake, said no: another protection may fare better.
    was_refused: bool,
    /// TLS was in use or being set up.
    encrypted: bool,
}

/// Two refusals as one problem. The one that is not about how the connection is protected leads:
/// it is what the person can mend.
fn both(first: Failure, second: Failure) -> Box<Problem> {
    if first.problem.message == second.problem.message {
        return first.problem;
    }
    let about_protection = |problem: &Problem| matches!(problem.message.id, "connect-hba-refused" | "tls-not-offered");
    if about_protection(&second.problem) || !about_protection(&first.problem) {
        // `allow` on a server without TLS: the second attempt adds nothing to the first.
        let mut leading = first.problem;
        if second.problem.message.id != "tls-not-offered" {
            leading.others.push(*second.problem);
        }
        leading
    } else {
        let mut leading = second.problem;
        leading.others.push(*first.problem);
        leading
    }
}

async fn attempt(target: &Target, protection: Protection) -> Result<Connection, Failure> {
    let tls = match protection {
        Protection::Plain => None,
        Protection::Tls | Protection::TlsIfOffered => match TlsSettings::read(target, UnixTime::now()) {
            Ok(settings) => Some(settings),
            Err(problem) => return Err(Failure { problem, was_refused: true, encrypted: true }),
        },
    };
    let unreached = |problem| Failure { problem, was_refused: false, encrypted: false };
    let (address, stream) = reach(target).await.map_err(unreached)?;
    let opening = open(target, address, stream, protection, tls.as_ref());
    within(target, opening).await.map_err(unreached)?
}

/// Waits for `work` no longer than `connect_timeout`.
async fn within<T>(target: &Target, work: impl Future<Output = T>) -> Answer<T> {
    match target.connect_timeout {
        None => Ok(work.await),
        Some(limit) => tokio::time::timeout(limit, work).await.map_err(|_| connect_problem::timed_out(target)),
    }
}

/// Opens the bare stream to the first address that answers.
async fn reach(target: &Target) -> Answer<(Address, Stream)> {
    let host = match (&target.host, target.socket_path()) {
        (Host::Tcp(host), _) => host,
        (Host::SocketDir(dir), path) => {
            let address = Address::Socket(path.unwrap_or_else(|| dir.clone()));
            let stream = address.open(target).await?;
            return Ok((address, stream));
        }
    };
    let found = within(target, tokio::net::lookup_host((host.as_str(), target.port))).await;
    let found = found.map_err(|_| connect_problem::resolver_silent(target, host, "no answer"))?;
    let found = found.map_err(|error| {
        if seams::says_no_such_name(&error) {
            connect_problem::host_unknown(target, host, error.to_string())
        } else {
            connect_problem::resolver_silent(target, host, &error.to_string())
        }
    })?;
    let mut last = None;
    for address in found {
        let address = Address::Tcp(address);
        match address.open(target).await {
            Ok(stream) => return Ok((address, stream)),
            Err(problem) => last = Some(problem),
        }
    }
    Err(last.unwrap_or_else(|| connect_problem::host_unknown(target, host, "no address".to_owned())))
}

impl Address {
    async fn open(&self, target: &Target) -> Answer<Stream> {
        let opening = async {
            match self {
                Self::Tcp(address) => {
                    let stream = TcpStream::connect(address).await?;
                    stream.set_nodelay(true)?;
                    let keepalive = TcpKeepalive::new()
                        .with_time(KEEPALIVE_IDLE)
                        .with_interval(KEEPALIVE_INTERVAL)
                        .with_retries(KEEPALIVE_PROBES);
                    SockRef::from(&stream).set_tcp_keepalive(&keepalive)?;
                    Ok(Stream::Tcp(stream))
                }
                Self::Socket(path) => UnixStream::connect(path).await.map(Stream::Unix),
            }
        };
        within(target, opening).await?.map_err(|error| connect_problem::unreachable(target, &error))
    }
}

/// Puts TLS on a bare stream as `protection` asks.
async fn protect(
    target: &Target,
    stream: Stream,
    protection: Protection,
    tls: Option<&TlsSettings>,
) -> Result<Stream, Failure> {
    let (stream, tls) = match (stream, tls) {
        (Stream::Tcp(stream), Some(tls)) => (stream, tls),
        (stream, _) => return Ok(stream),
    };
    match tls.negotiate(target, stream).await {
        Ok(Negotiated::Encrypted(stream)) => Ok(stream),
        Ok(Negotiated::NotOffered(stream)) if protection == Protection::TlsIfOffered => Ok(Stream::Tcp(stream)),
        Ok(Negotiated::NotOffered(_)) => {
            Err(Failure { problem: tls_problem::not_offered(target), was_refused: true, encrypted: false })
        }
        Err(TlsFailure::Handshake(problem)) => Err(Failure { problem, was_refused: true, encrypted: true }),
        Err(TlsFailure::Broken(problem)) => Err(Failure { problem, was_refused: false, encrypted: false }),
    }
}

async fn open(
    target: &Target,
    address: Address,
    stream: Stream,
    protection: Protection,
    tls: Option<&TlsSettings>,
) -> Result<Connection, Failure> {
    let stream = protect(target, stream, protection, tls).await?;
    let encrypted = stream.is_encrypted();
    let opened = config(target, encrypted).connect_raw(stream, AlreadyNegotiated).await;
    let (client, connection) = opened.map_err(|error| Failure {
        was_refused: error.as_db_error().is_some(),
        problem: connect_problem::startup(target, encrypted, &error),
        encrypted,
    })?;
    let notices = Arc::new(Mutex::new(Notices::default()));
    let farewell = Arc::new(Mutex::new(None));
    let driver = tokio::spawn(drive(connection, Arc::clone(&notices), Arc::clone(&farewell)));
    let facts =
        read_facts(&client, target).await.map_err(|problem| Failure { problem, was_refused: false, encrypted })?;
    if !facts.version.is_supported() {
        let problem = connect_problem::server_too_old(target, facts.version);
        return Err(Failure { problem, was_refused: false, encrypted });
    }
    let token = client.cancel_token();
    // Where the number cannot be told, nothing is known of a pooler, and none is assumed.
    let is_pooled = announced_pid(&token).await.is_some_and(|pid| pid != facts.backend_pid);
    let canceller = Canceller { token, target: Arc::new(target.clone()), address, is_encrypted: encrypted };
    Ok(Connection {
        client,
        driver,
        notices,
        farewell,
        version: facts.version,
        backend_pid: facts.backend_pid,
        is_pooled,
        is_standby: facts.is_standby,
        is_encrypted: encrypted,
        is_verified: encrypted && tls.is_some_and(TlsSettings::verifies),
        canceller,
    })
}

fn config(target: &Target, encrypted: bool) -> tokio_postgres::Config {
    let mut config = tokio_postgres::Config::new();
    config.user(&target.user).dbname(&target.database).application_name(&target.application_name);
    if let Some(password) = &target.password {
        config.password(password.reveal());
    }
    config.channel_binding(match target.channel_binding {
        ChannelBinding::Disable => tokio_postgres::config::ChannelBinding::Disable,
        ChannelBinding::Prefer => tokio_postgres::config::ChannelBinding::Prefer,
        ChannelBinding::Require => tokio_postgres::config::ChannelBinding::Require,
    });
    if encrypted {
        // TLS is in place: tokio-postgres must neither ask for it again nor go without it.
        config.ssl_mode(tokio_postgres::config::SslMode::Require).ssl_negotiation(SslNegotiation::Direct);
    } else {
        config.ssl_mode(tokio_postgres::config::SslMode::Disable);
    }
    config
}

struct Facts {
    version: ServerVersion,
    backend_pid: i32,
    is_standby: bool,
}

/// Functions qualified and no parameters, so that neither a search path nor a pooler in front of
/// the server changes what is asked.
const FACTS: &str = "SELECT pg_catalog.current_setting('server_version_num'), \
                     pg_catalog.pg_backend_pid(), pg_catalog.pg_is_in_recovery()";

async fn read_facts(client: &Client, target: &Target) -> Answer<Facts> {
    let rows = client.simple_query(FACTS).await.map_err(|error| connect_problem::startup(target, false, &error))?;
    let row = rows.iter().find_map(|message| match message {
        SimpleQueryMessage::Row(row) => Some(row),
        _ => None,
    });
    let facts = row.and_then(|row| {
        Some(Facts {
            version: ServerVersion::from_num(row.get(0)?.parse().ok()?),
            backend_pid: row.get(1)?.parse().ok()?,
            is_standby: row.get(2)? == "t",
        })
    });
    facts.ok_or_else(|| connect_problem::server_unknown(target))
}

async fn drive(
    mut connection: tokio_postgres::Connection<Stream, Stream>,
    notices: Arc<Mutex<Notices>>,
    farewell: Arc<Mutex<Option<ServerReport>>>,
) {
    loop {
        match std::future::poll_fn(|cx| connection.poll_message(cx)).await {
            Some(Ok(AsyncMessage::Notice(notice))) => {
                notices.lock().unwrap_or_else(PoisonError::into_inner).keep(server_report(&notice));
            }
            Some(Ok(_)) => {}
            Some(Err(error)) => {
                let report = error.as_db_error().map(server_report);
                *farewell.lock().unwrap_or_else(PoisonError::into_inner) = report;
                return;
            }
            None => return,
        }
    }
}

impl Notices {
    fn keep(&mut self, notice: Notice) {
        if self.kept.len() == NOTICES_MAX {
            self.kept.pop_front();
            self.dropped += 1;
        }
        self.kept.push_back(notice);
    }
}

impl Connection {
    pub const fn client(&self) -> &Client {
        &self.client
    }

    /// For `Client::transaction`, which wants the client for itself.
    pub const fn client_mut(&mut self) -> &mut Client {
        &mut self.client
    }

    pub const fn version(&self) -> ServerVersion {
        self.version
    }

    /// The process that serves this connection, as in `pg_stat_activity.pid`; behind a pooler, the one that
    /// served its first transaction.
    pub const fn backend_pid(&self) -> i32 {
        self.backend_pid
    }

    /// Whether the server was in recovery when the connection was made: it then takes no writes.
    pub const fn is_standby(&self) -> bool {
        self.is_standby
    }

    pub const fn is_encrypted(&self) -> bool {
        self.is_encrypted
    }

    /// Whether the server's certificate was held against trusted authorities.
    pub const fn is_verified(&self) -> bool {
        self.is_verified
    }

    /// Where this connection goes.
    pub fn target(&self) -> &Target {
        &self.canceller.target
    }

    /// Whether the connection is gone. A statement that is sent on it will fail.
    pub fn is_closed(&self) -> bool {
        self.client.is_closed() || self.driver.is_finished()
    }

    /// What the server said when it hung up: 57P01 for `pg_terminate_backend`, say.
    pub fn farewell(&self) -> Option<ServerReport> {
        self.farewell.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The notices since the last call, oldest first. A notice that belongs to a statement is here
    /// once that statement's result is.
    pub fn take_notices(&self) -> Vec<Notice> {
        let mut notices = self.notices.lock().unwrap_or_else(PoisonError::into_inner);
        notices.kept.drain(..).collect()
    }

    /// How many notices were let go because nobody took them in time.
    pub fn notices_dropped(&self) -> u64 {
        self.notices.lock().unwrap_or_else(PoisonError::into_inner).dropped
    }

    /// A handle that outlives borrows of the connection, to be used while a statement runs.
    pub fn canceller(&self) -> Canceller {
        self.canceller.clone()
    }

    /// Closes in order and waits until the server has been told. Dropping closes as well, but does
    /// not wait.
    pub async fn close(self) {
        let Self { client, driver, .. } = self;
        drop(client);
        // The driver ends after it has sent the farewell; its only failure is a panic of its own.
        let _ = driver.await;
    }
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connection")
            .field("server", &self.canceller.target.server())
            .field("version", &self.version)
            .field("backend_pid", &self.backend_pid)
            .finish_non_exhaustive()
    }
}

impl Canceller {
    /// Asks the server to cancel the running statement. The server never says whether it did: the
    /// statement itself fails with SQLSTATE 57014 if it was cancelled in time.
    ///
    /// # Errors
    /// Only when the request could not be delivered.
    pub async fn cancel(&self) -> Answer<()> {
        let target = &*self.target;
        let (protection, tls) = if self.is_encrypted {
            (Protection::Tls, Some(TlsSettings::read(target, UnixTime::now())?))
        } else {
            (Protection::Plain, None)
        };
        let delivering = async {
            let stream = self.address.open(target).await?;
            let stream = protect(target, stream, protection, tls.as_ref()).await.map_err(|failure| failure.problem)?;
            send_cancel(stream, &self.token).await.map_err(|error| connect_problem::unreachable(target, &error))
        };
        within(target, delivering).await?
    }
}

/// Sends the request and waits until the other side hangs up, as libpq does: `PgBouncer` 1.18 dies of a client
/// that hangs up first, and takes every client's connection with it.
async fn send_cancel(mut stream: Stream, token: &CancelToken) -> io::Result<()> {
    let request = cancel_request(token).await.ok_or(io::ErrorKind::InvalidData)?;
    stream.write_all(&request).await?;
    stream.flush().await?;
    // Whether it ends in good order says nothing of the request, which has arrived.
    let _ = stream.read(&mut [0]).await;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_notices_go_first() {
        let mut notices = Notices::default();
        for number in 0..=NOTICES_MAX {
            notices.keep(Notice { message: number.to_string(), ..Notice::default() });
        }
        assert_eq!(notices.kept.len(), NOTICES_MAX);
        assert_eq!(notices.kept.front().map(|notice| notice.message.as_str()), Some("1"));
        assert_eq!(notices.dropped, 1);
    }
}
