//! Why a request brought no answer: whose fault it is, at which step, and in which words.

use std::error::Error as _;
use std::io;
use std::time::Duration;

use lockkeeper_core::message;
use lockkeeper_core::model::{Message, Verdict};
use tokio_rustls::rustls::{CertificateError, Error as RustlsError};

use super::phases::{Stopwatch, milliseconds_shown};
use crate::seams;

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq)]
pub enum Failure {
    /// The target did not do its part.
    Target(Fault),
    /// The probe could not be made.
    Own(Message),
}

/// What a target did wrong.
#[derive(Debug, Clone, PartialEq)]
pub enum Fault {
    HostUnknown {
        host: String,
        reason: String,
    },
    Refused,
    Reset,
    ClosedEarly,
    Unreachable(String),
    TimedOut(Duration),
    /// The certificate's end or beginning, in the words of the library.
    CertificateDates(String),
    CertificateName(String),
    Certificate(String),
    Tls(String),
    Protocol(String),
    BodyTooLong {
        max: usize,
    },
}

impl Failure {
    pub const fn verdict(&self) -> Verdict {
        match self {
            Self::Target(_) => Verdict::Fail,
            Self::Own(_) => Verdict::ProbeError,
        }
    }

    /// Whether the time it took is at least the time that the request would have taken.
    pub const fn lasted(&self) -> bool {
        matches!(self, Self::Target(Fault::TimedOut(_)))
    }

    pub fn message(&self, watch: &Stopwatch, address: &str) -> Message {
        let after = milliseconds_shown(watch.total());
        match self {
            Self::Own(why) => why.clone(),
            Self::Target(fault) => {
                let (why, phase) = (fault.message(), watch.phase().word());
                if address.is_empty() {
                    message!("probe-http-failed", why = why, phase = phase, after_ms = after)
                } else {
                    message!("probe-http-failed-at", why = why, phase = phase, after_ms = after, address = address)
                }
            }
        }
    }

    /// By what the operating system said of a socket.
    pub fn of_io(error: &io::Error) -> Self {
        if let Some(own) = own(error) {
            return own;
        }
        Self::Target(match error.kind() {
            io::ErrorKind::ConnectionRefused => Fault::Refused,
            io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionAborted | io::ErrorKind::BrokenPipe => {
                Fault::Reset
            }
            io::ErrorKind::UnexpectedEof => Fault::ClosedEarly,
            io::ErrorKind::InvalidData => Fault::Tls(error.to_string()),
            _ => Fault::Unreachable(error.to_string()),
        })
    }

    /// By what came of looking up a name.
    ///
    /// A name that is not there is the target's; a resolver that does not answer is ours, as is everything else that
    /// stands between the resolver and us.
    pub(super) fn of_lookup(host: &str, error: &io::Error) -> Self {
        if seams::says_no_such_name(error) {
            return Self::Target(Fault::HostUnknown { host: host.to_owned(), reason: error.to_string() });
        }
        own(error).unwrap_or_else(|| Self::of_resolver(host, error.to_string()))
    }

    /// Nobody said anything about the name.
    pub(super) fn of_resolver(host: &str, reason: String) -> Self {
        Self::Own(message!("probe-own-resolver", host = host, reason = reason))
    }

    pub(super) fn of_tls(error: &io::Error) -> Self {
        let Some(rustls) = error.get_ref().and_then(|inner| inner.downcast_ref::<RustlsError>()) else {
            return Self::of_io(error);
        };
        let text = rustls.to_string();
        Self::Target(match rustls {
            RustlsError::InvalidCertificate(
                CertificateError::Expired
                | CertificateError::ExpiredContext { .. }
                | CertificateError::NotValidYet
                | CertificateError::NotValidYetContext { .. },
            ) => Fault::CertificateDates(text),
            RustlsError::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            ) => Fault::CertificateName(text),
            RustlsError::InvalidCertificate(_) => Fault::Certificate(text),
            _ => Fault::Tls(text),
        })
    }

    pub(super) fn of_http(error: &hyper::Error) -> Self {
        let mut source = error.source();
        while let Some(inner) = source {
            if let Some(io) = inner.downcast_ref::<io::Error>() {
                return Self::of_io(io);
            }
            source = inner.source();
        }
        if error.is_incomplete_message() || error.is_canceled() || error.is_closed() {
            return Self::Target(Fault::ClosedEarly);
        }
        Self::Target(Fault::Protocol(error.to_string()))
    }
}

/// What the operating system refuses us says nothing about the target.
fn own(error: &io::Error) -> Option<Failure> {
    let reason = || error.to_string();
    let why = match error.raw_os_error()? {
        libc::EMFILE | libc::ENFILE => message!("probe-own-descriptors", reason = reason()),
        libc::EADDRNOTAVAIL | libc::EADDRINUSE => message!("probe-own-ports", reason = reason()),
        libc::ENETUNREACH | libc::ENETDOWN => message!("probe-own-network", reason = reason()),
        libc::ENOBUFS | libc::ENOMEM | libc::EACCES | libc::EPERM | libc::EAFNOSUPPORT => {
            message!("probe-own-refused", reason = reason())
        }
        _ => return None,
    };
    Some(Failure::Own(why))
}

impl Fault {
    fn message(&self) -> Message {
        match self {
            Self::HostUnknown { host, reason } => {
                message!("probe-fault-host-unknown", host = host.as_str(), reason = reason.as_str())
            }
            Self::Refused => message!("probe-fault-refused"),
            Self::Reset => message!("probe-fault-reset"),
            Self::ClosedEarly => message!("probe-fault-closed-early"),
            Self::Unreachable(reason) => message!("probe-fault-unreachable", reason = reason.as_str()),
            Self::TimedOut(limit) => message!("probe-fault-timed-out", limit_ms = milliseconds_shown(*limit)),
            Self::CertificateDates(reason) => message!("probe-fault-certificate-dates", reason = reason.as_str()),
            Self::CertificateName(reason) => message!("probe-fault-certificate-name", reason = reason.as_str()),
            Self::Certificate(reason) => message!("probe-fault-certificate", reason = reason.as_str()),
            Self::Tls(reason) => message!("probe-fault-tls", reason = reason.as_str()),
            Self::Protocol(reason) => message!("probe-fault-protocol", reason = reason.as_str()),
            Self::BodyTooLong { max } => message!("probe-fault-body-too-long", max = *max),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_we_lack_is_not_the_targets_fault() {
        let verdict = |number| Failure::of_io(&io::Error::from_raw_os_error(number)).verdict();
        for own in [libc::EMFILE, libc::ENFILE, libc::EADDRNOTAVAIL, libc::ENETUNREACH, libc::ENOBUFS] {
            assert_eq!(verdict(own), Verdict::ProbeError, "{own}");
        }
        for theirs in [libc::ECONNREFUSED, libc::ECONNRESET, libc::EHOSTUNREACH, libc::ETIMEDOUT, libc::EPIPE] {
            assert_eq!(verdict(theirs), Verdict::Fail, "{theirs}");
        }
    }
}
