//! Why a server could not be reached or did not let us in, each with the setting to look at.

use std::error::Error as _;
use std::io;

use lockkeeper_core::message;
use lockkeeper_core::model::{Problem, ServerReport, ServerVersion};
use tokio_postgres::error::{DbError, SqlState};

use super::{Host, SslMode, Target, tls};

/// The address could not be reached.
pub(super) fn unreachable(target: &Target, error: &io::Error) -> Box<Problem> {
    let server = target.server();
    if matches!(target.host, Host::SocketDir(_)) {
        return match error.kind() {
            io::ErrorKind::NotFound => Problem::usage(message!("connect-socket-missing", path = server))
                .hint(message!("connect-hint-socket-setting"))
                .hint(message!("connect-hint-server-running")),
            io::ErrorKind::PermissionDenied => Problem::usage(message!("connect-socket-denied", path = server))
                .hint(message!("connect-hint-socket-setting")),
            io::ErrorKind::ConnectionRefused => Problem::usage(message!("connect-refused", server = server))
                .hint(message!("connect-hint-server-running"))
                .hint(message!("connect-hint-socket-setting")),
            _ => Problem::usage(message!("connect-failed", server = server, reason = error.to_string()))
                .hint(message!("connect-hint-socket-setting")),
        };
    }
    match error.kind() {
        io::ErrorKind::ConnectionRefused => Problem::usage(message!("connect-refused", server = server))
            .hint(message!("connect-hint-address-settings"))
            .hint(message!("connect-hint-server-running")),
        io::ErrorKind::TimedOut => timed_out(target),
        io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => {
            Problem::usage(message!("connect-unreachable", server = server, reason = error.to_string()))
                .hint(message!("connect-hint-address-settings"))
                .hint(message!("connect-hint-network"))
        }
        _ => Problem::usage(message!("connect-failed", server = server, reason = error.to_string()))
            .hint(message!("connect-hint-address-settings")),
    }
}

pub(super) fn host_unknown(target: &Target, host: &str, reason: String) -> Box<Problem> {
    let host = host.to_owned();
    Problem::usage(message!("connect-host-unknown", host = host, port = target.port, reason = reason))
        .hint(message!("connect-hint-host-setting"))
}

/// Nobody said anything about the host's name: what is wrong is here, or with the resolver.
pub(super) fn resolver_silent(target: &Target, host: &str, reason: &str) -> Box<Problem> {
    Problem::usage(message!("connect-resolver-silent", host = host, port = target.port, reason = reason))
        .hint(message!("connect-hint-resolver"))
        .hint(message!("connect-hint-host-setting"))
}

/// No answer within `connect_timeout`, or within the operating system's patience.
pub(super) fn timed_out(target: &Target) -> Box<Problem> {
    let problem = match target.connect_timeout {
        Some(timeout) => {
            // A fraction of a second is shown as such: `0.5`, and whole seconds without one: `10`.
            let seconds = timeout.as_secs_f64().to_string();
            Problem::usage(message!("connect-timeout", server = target.server(), seconds = seconds))
        }
        None => Problem::usage(message!("connect-timeout-system", server = target.server())),
    };
    problem
        .hint(message!("connect-hint-address-settings"))
        .hint(message!("connect-hint-network"))
        .hint(message!("connect-hint-timeout-setting"))
}

/// The other side hung up before it said anything of use.
pub(super) fn closed_early(target: &Target) -> Box<Problem> {
    Problem::usage(message!("connect-closed-early", server = target.server()))
        .hint(message!("connect-hint-is-it-postgresql"))
        .hint(message!("connect-hint-server-log"))
}

pub(super) fn server_too_old(target: &Target, version: ServerVersion) -> Box<Problem> {
    let oldest = ServerVersion::OLDEST.major();
    Problem::usage(message!("server-too-old", server = target.server(), version = version.to_string(), oldest = oldest))
        .hint(message!("server-hint-upgrade", oldest = oldest))
}

/// The server told no version number that can be read, so it is something else than PostgreSQL.
pub(super) fn server_unknown(target: &Target) -> Box<Problem> {
    Problem::usage(message!("server-version-unknown", server = target.server()))
        .hint(message!("connect-hint-is-it-postgresql"))
}

/// What went wrong between the open stream and the first `ReadyForQuery`.
pub(super) fn startup(target: &Target, encrypted: bool, error: &tokio_postgres::Error) -> Box<Problem> {
    if let Some(error) = error.as_db_error() {
        return rejected(target, encrypted, error);
    }
    let server = target.server();
    let cause = error.source().map(ToString::to_string).unwrap_or_default();
    if let Some(io) = error.source().and_then(|source| source.downcast_ref::<io::Error>()) {
        return match tls::alert_problem(target, io) {
            Some(problem) => problem,
            None => closed_early(target),
        };
    }
    if cause == "password missing" {
        return Problem::usage(message!("connect-password-missing", server = server, user = target.user.clone()))
            .hint(message!("connect-hint-password-setting"));
    }
    if cause == "server did not use channel binding" {
        return Problem::usage(message!(
            "connect-channel-binding-missing",
            server = server,
            user = target.user.clone()
        ))
        .hint(message!("connect-hint-channel-binding"));
    }
    if cause == "unsupported authentication method" || cause == "unsupported SASL mechanism" {
        return Problem::usage(message!(
            "connect-authentication-unsupported",
            server = server,
            user = target.user.clone()
        ))
        .hint(message!("connect-hint-hba-method"));
    }
    if error.is_closed() {
        return closed_early(target);
    }
    let reason = if cause.is_empty() { error.to_string() } else { format!("{error}: {cause}") };
    Problem::usage(message!("connect-protocol", server = server, reason = reason))
        .hint(message!("connect-hint-is-it-postgresql"))
}

/// The server answered with an error instead of letting us in.
fn rejected(target: &Target, encrypted: bool, error: &DbError) -> Box<Problem> {
    let (server, user, database) = (target.server(), target.user.clone(), target.database.clone());
    let problem = match error.code() {
        &SqlState::INVALID_PASSWORD if target.password.is_none() => {
            Problem::usage(message!("connect-password-missing", server = server, user = user))
                .hint(message!("connect-hint-password-setting"))
        }
        &SqlState::INVALID_PASSWORD => Problem::usage(message!("connect-password-wrong", server = server, user = user))
            .hint(message!("connect-hint-password-setting"))
            .hint(message!("connect-hint-user-setting")),
        &SqlState::INVALID_AUTHORIZATION_SPECIFICATION => unauthorised(target, encrypted, error),
        &SqlState::INVALID_CATALOG_NAME => {
            Problem::usage(message!("connect-database-missing", server = server, database = database))
                .hint(message!("connect-hint-database-setting"))
        }
        &SqlState::INSUFFICIENT_PRIVILEGE => Problem::usage(message!(
            "connect-database-denied",
            server = server,
            database = database.clone(),
            user = user.clone()
        ))
        .hint(message!("connect-hint-grant-connect", database = database, user = user)),
        &SqlState::TOO_MANY_CONNECTIONS => {
            Problem::usage(message!("connect-too-many", server = server)).hint(message!("connect-hint-too-many"))
        }
        &SqlState::CANNOT_CONNECT_NOW | &SqlState::ADMIN_SHUTDOWN | &SqlState::CRASH_SHUTDOWN => {
            Problem::usage(message!("connect-server-not-ready", server = server))
                .hint(message!("connect-hint-wait"))
                .hint(message!("connect-hint-server-log"))
        }
        _ => Problem::usage(message!("connect-rejected", server = server)).hint(message!("connect-hint-server-log")),
    };
    problem.server(server_report(error))
}

/// SQLSTATE 28000 has four quite different causes. The server's sentence is in the language that
/// its `lc_messages` sets, so the name of the function that raised it tells them apart first.
fn unauthorised(target: &Target, encrypted: bool, error: &DbError) -> Box<Problem> {
    let (server, user, database) = (target.server(), target.user.clone(), target.database.clone());
    match error.routine() {
        Some("InitializeSessionUserId") if error.message().contains("does not exist") => {
            Problem::usage(message!("connect-role-missing", server = server, user = user))
                .hint(message!("connect-hint-user-setting"))
        }
        Some("InitializeSessionUserId") => {
            Problem::usage(message!("connect-role-refused", server = server, user = user))
                .hint(message!("connect-hint-user-setting"))
        }
        Some("ClientAuthentication") if error.message().contains("client certificate") => {
            Problem::usage(message!("connect-client-certificate-wanted", server = server, user = user))
                .hint(message!("tls-hint-client-certificate-setting"))
        }
        Some("ClientAuthentication") => {
            let way = match (&target.host, encrypted) {
                (Host::SocketDir(_), _) => message!("connect-way-socket"),
                (Host::Tcp(_), true) => message!("connect-way-tls"),
                (Host::Tcp(_), false) => message!("connect-way-plain"),
            };
            let refused = message!("connect-hba-refused", server = server, user = user, database = database, way = way);
            let problem = Problem::usage(refused).hint(message!("connect-hint-hba"));
            if matches!(target.host, Host::Tcp(_)) && target.sslmode != SslMode::Prefer {
                problem.hint(message!("tls-hint-sslmode-setting"))
            } else {
                problem
            }
        }
        _ => Problem::usage(message!("connect-authentication-failed", server = server, user = user))
            .hint(message!("connect-hint-user-setting"))
            .hint(message!("connect-hint-hba-method")),
    }
}

/// PostgreSQL's own words as a report, for errors and notices alike.
pub fn server_report(error: &DbError) -> ServerReport {
    ServerReport {
        severity: error.severity().to_owned(),
        sqlstate: error.code().code().to_owned(),
        message: error.message().to_owned(),
        detail: error.detail().map(ToOwned::to_owned),
        hint: error.hint().map(ToOwned::to_owned),
        context: error.where_().map(ToOwned::to_owned),
    }
}
