//! What can be wrong with TLS, each with the setting to look at.

use std::path::Path;

use lockkeeper_core::message;
use lockkeeper_core::model::Problem;

use super::{SslMode, Target};

/// Why a server's certificate was not accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum CertificateFault {
    Expired { subject: String, not_after: String },
    IssuerExpired { subject: String, not_after: String },
    NotYetValid { subject: String, not_before: String },
    UnknownIssuer { subject: String, issuer: String },
    WrongName { names: Vec<String> },
    Unusable { subject: String, reason: String },
}

impl CertificateFault {
    pub(super) fn problem(self, target: &Target) -> Box<Problem> {
        let server = target.server();
        match self {
            Self::Expired { subject, not_after } => Problem::usage(message!(
                "tls-certificate-expired",
                server = server,
                subject = subject,
                date = not_after
            ))
            .hint(message!("tls-hint-renew-certificate"))
            .hint(message!("tls-hint-clock")),
            Self::IssuerExpired { subject, not_after } => {
                Problem::usage(message!("tls-issuer-expired", server = server, subject = subject, date = not_after))
                    .hint(message!("tls-hint-root-setting"))
                    .hint(message!("tls-hint-clock"))
            }
            Self::NotYetValid { subject, not_before } => Problem::usage(message!(
                "tls-certificate-not-yet-valid",
                server = server,
                subject = subject,
                date = not_before
            ))
            .hint(message!("tls-hint-clock")),
            Self::UnknownIssuer { subject, issuer } => {
                let root = root_in_words(target);
                Problem::usage(message!(
                    "tls-issuer-unknown",
                    server = server,
                    subject = subject,
                    issuer = issuer,
                    root = root
                ))
                .hint(message!("tls-hint-root-setting"))
            }
            Self::WrongName { names } if names.is_empty() => {
                Problem::usage(message!("tls-certificate-without-names", server = server))
                    .hint(message!("tls-hint-reissue"))
            }
            Self::WrongName { names } => {
                let names = names.join(", ");
                Problem::usage(message!("tls-name-mismatch", server = server, names = names))
                    .hint(message!("tls-hint-host-setting"))
                    .hint(message!("tls-hint-reissue"))
            }
            Self::Unusable { subject, reason } => Problem::usage(message!(
                "tls-certificate-unusable",
                server = server,
                subject = subject,
                reason = reason
            ))
            .hint(message!("tls-hint-reissue")),
        }
    }
}

fn root_in_words(target: &Target) -> String {
    use super::RootCert;
    match (&target.sslrootcert, &target.certificates_dir) {
        (Some(RootCert::System), _) => "system".to_owned(),
        (Some(RootCert::File(path)), _) => path.display().to_string(),
        (None, Some(dir)) => dir.join("root.crt").display().to_string(),
        (None, None) => "root.crt".to_owned(),
    }
}

/// The server answered `N` though TLS is required.
pub(super) fn not_offered(target: &Target) -> Box<Problem> {
    Problem::usage(message!("tls-not-offered", server = target.server(), sslmode = target.sslmode.as_str()))
        .hint(message!("tls-hint-server-ssl-on"))
        .hint(message!("tls-hint-sslmode-setting"))
}

/// The server answered the request for TLS with something else than yes or no.
pub(super) fn negotiation_failed(target: &Target) -> Box<Problem> {
    Problem::usage(message!("tls-negotiation-failed", server = target.server()))
        .hint(message!("connect-hint-is-it-postgresql"))
}

/// The handshake failed for a reason that is not the server's certificate.
pub(super) fn handshake_failed(target: &Target, reason: String) -> Box<Problem> {
    Problem::usage(message!("tls-handshake-failed", server = target.server(), reason = reason))
        .hint(message!("tls-hint-server-log"))
        .hint(message!("tls-hint-sslmode-setting"))
}

/// The server turned the client's certificate down, or wanted one and got none.
pub(super) fn client_certificate_refused(target: &Target, reason: String) -> Box<Problem> {
    Problem::usage(message!("tls-client-certificate-refused", server = target.server(), reason = reason))
        .hint(message!("tls-hint-client-certificate-setting"))
        .hint(message!("tls-hint-server-log"))
}

pub(super) fn root_missing(path: &Path, sslmode: SslMode) -> Box<Problem> {
    let path = path.display().to_string();
    Problem::usage(message!("tls-root-missing", path = path, sslmode = sslmode.as_str()))
        .hint(message!("tls-hint-root-setting"))
        .hint(message!("tls-hint-root-system"))
}

pub(super) fn root_unnamed(sslmode: SslMode) -> Box<Problem> {
    Problem::usage(message!("tls-root-unnamed", sslmode = sslmode.as_str()))
        .hint(message!("tls-hint-root-setting"))
        .hint(message!("tls-hint-root-system"))
}

pub(super) fn root_unreadable(path: &Path, reason: String) -> Box<Problem> {
    Problem::usage(message!("tls-root-unreadable", path = path.display().to_string(), reason = reason))
        .hint(message!("tls-hint-root-setting"))
}

pub(super) fn root_without_certificate(path: &Path) -> Box<Problem> {
    Problem::usage(message!("tls-root-without-certificate", path = path.display().to_string()))
        .hint(message!("tls-hint-root-setting"))
}

pub(super) fn system_roots_missing() -> Box<Problem> {
    Problem::usage(message!("tls-system-roots-missing"))
        .hint(message!("tls-hint-system-roots"))
        .hint(message!("tls-hint-root-setting"))
}

pub(super) fn system_needs_verify_full(sslmode: SslMode) -> Box<Problem> {
    Problem::usage(message!("tls-system-needs-verify-full", sslmode = sslmode.as_str()))
        .hint(message!("tls-hint-sslmode-verify-full"))
}

pub(super) fn client_certificate_unreadable(path: &Path, reason: String) -> Box<Problem> {
    Problem::usage(message!("tls-client-certificate-unreadable", path = path.display().to_string(), reason = reason))
        .hint(message!("tls-hint-client-certificate-setting"))
}

pub(super) fn client_key_missing(key: &Path, certificate: &Path) -> Box<Problem> {
    let (key, certificate) = (key.display().to_string(), certificate.display().to_string());
    Problem::usage(message!("tls-client-key-missing", path = key, certificate = certificate))
        .hint(message!("tls-hint-client-certificate-setting"))
}

pub(super) fn client_key_unreadable(path: &Path, reason: String) -> Box<Problem> {
    Problem::usage(message!("tls-client-key-unreadable", path = path.display().to_string(), reason = reason))
        .hint(message!("tls-hint-client-certificate-setting"))
}

pub(super) fn client_key_encrypted(path: &Path) -> Box<Problem> {
    let path = path.display().to_string();
    Problem::usage(message!("tls-client-key-encrypted", path = path.clone()))
        .hint(message!("tls-hint-client-key-decrypt", path = path))
}

pub(super) fn client_key_permissions(path: &Path) -> Box<Problem> {
    let path = path.display().to_string();
    Problem::usage(message!("tls-client-key-permissions", path = path.clone()))
        .hint(message!("tls-hint-client-key-chmod", path = path))
}

pub(super) fn client_pair_mismatched(certificate: &Path, key: &Path, reason: String) -> Box<Problem> {
    let (certificate, key) = (certificate.display().to_string(), key.display().to_string());
    Problem::usage(message!("tls-client-pair-mismatched", certificate = certificate, key = key, reason = reason))
        .hint(message!("tls-hint-client-certificate-setting"))
}
