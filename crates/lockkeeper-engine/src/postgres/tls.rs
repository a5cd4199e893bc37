//! TLS as libpq does it: what each sslmode verifies, from which files, and how the handshake goes.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use lockkeeper_core::model::{Answer, Problem};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use tokio_rustls::rustls::client::verify_server_cert_signed_by_trust_anchor;
use tokio_rustls::rustls::crypto::{WebPkiSupportedAlgorithms, ring, verify_tls13_signature_with_raw_key};
use tokio_rustls::rustls::pki_types::pem::{self, PemObject};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, SubjectPublicKeyInfoDer, UnixTime};
use tokio_rustls::rustls::server::ParsedCertificate;
use tokio_rustls::rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error as RustlsError, RootCertStore, SignatureScheme,
};

use super::certificate::{Certificate, moment};
use super::chain;
use super::stream::Stream;
use super::tls_problem::{self, CertificateFault};
use super::{Host, RootCert, SslMode, Target};

/// What came of asking a server for TLS.
pub(super) enum Negotiated {
    Encrypted(Stream),
    /// The server has none; the connection may go on in plain.
    NotOffered(TcpStream),
}

/// Everything a handshake needs, read from the files that the target names.
pub(super) struct TlsSettings {
    trust: Trust,
    client: Option<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)>,
    client_files: (PathBuf, PathBuf),
}

/// What a server's certificate is held against.
#[derive(Debug, Clone)]
enum Trust {
    Anybody,
    Chain(Arc<Roots>),
    ChainAndName(Arc<Roots>),
}

#[derive(Debug)]
struct Roots {
    store: RootCertStore,
    /// As they are in the file, for a server whose own self-signed certificate is listed.
    listed: Vec<CertificateDer<'static>>,
    /// Subject and end of those that have run out: they vouch for nobody, as with OpenSSL.
    expired: Vec<(String, String)>,
}

/// Why no encrypted stream came about.
pub(super) enum TlsFailure {
    /// The other side went away or answered nonsense.
    Broken(Box<Problem>),
    /// The handshake failed: `prefer` may go on in plain.
    Handshake(Box<Problem>),
}

/// The request that asks a server for TLS: its length, 8, and the number 80877103
/// (manual, Message Formats, `SSLRequest`).
const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f];

impl TlsSettings {
    /// Reads roots and client certificate. Done once for each `connect`, before anything is sent.
    pub(super) fn read(target: &Target, now: UnixTime) -> Answer<Self> {
        let trust = read_trust(target, now)?;
        let file = |named: &Option<PathBuf>, default: &str| {
            named.clone().or_else(|| target.certificates_dir.as_ref().map(|dir| dir.join(default)))
        };
        let certificate = file(&target.sslcert, "postgresql.crt");
        let key = file(&target.sslkey, "postgresql.key");
        let client = match (&certificate, &key) {
            (Some(certificate), Some(key)) => read_client(certificate, key, target.sslcert.is_some())?,
            _ => None,
        };
        let client_files = (certificate.unwrap_or_default(), key.unwrap_or_default());
        Ok(Self { trust, client, client_files })
    }

    /// Whether a connection made with these settings has a verified certificate.
    pub(super) const fn verifies(&self) -> bool {
        !matches!(self.trust, Trust::Anybody)
    }

    /// Asks the server for TLS and, when it has it, does the handshake.
    pub(super) async fn negotiate(&self, target: &Target, mut stream: TcpStream) -> Result<Negotiated, TlsFailure> {
        let broken = |_| TlsFailure::Broken(super::connect_problem::closed_early(target));
        stream.write_all(&SSL_REQUEST).await.map_err(broken)?;
        // Exactly one byte is read before the handshake, so that whatever somebody in the middle
        // sends ahead of it is taken for a broken handshake and never for the server's word.
        let mut answer = [0];
        stream.read_exact(&mut answer).await.map_err(broken)?;
        match &answer {
            b"S" => self.handshake(target, stream).await.map(Negotiated::Encrypted),
            b"N" => Ok(Negotiated::NotOffered(stream)),
            _ => Err(TlsFailure::Broken(tls_problem::negotiation_failed(target))),
        }
    }

    async fn handshake(&self, target: &Target, stream: TcpStream) -> Result<Stream, TlsFailure> {
        let Host::Tcp(host) = &target.host else {
            return Err(TlsFailure::Broken(tls_problem::negotiation_failed(target)));
        };
        let fault = Arc::new(Mutex::new(None));
        let config = self.config(target, host, &fault).map_err(TlsFailure::Handshake)?;
        // The name is sent so that a proxy can route by it. A host that is no DNS name, or an
        // address, sends none; the verifier holds the certificate against the host itself.
        let name = match ServerName::try_from(host.clone()) {
            Ok(name) => name,
            Err(_) => match stream.peer_addr() {
                Ok(address) => ServerName::from(address.ip()),
                Err(_) => return Err(TlsFailure::Broken(super::connect_problem::closed_early(target))),
            },
        };
        match TlsConnector::from(Arc::new(config)).connect(name, stream).await {
            Ok(stream) => {
                let certificate = stream.get_ref().1.peer_certificates().and_then(|chain| chain.first());
                let end_point =
                    certificate.and_then(Certificate::parse).and_then(|certificate| certificate.end_point());
                Ok(Stream::Tls { stream: Box::new(stream), end_point })
            }
            Err(error) => {
                let fault: Option<CertificateFault> = fault.lock().unwrap_or_else(PoisonError::into_inner).take();
                let problem = match fault {
                    Some(fault) => fault.problem(target),
                    None => handshake_problem(target, &error),
                };
                Err(TlsFailure::Handshake(problem))
            }
        }
    }

    fn config(
        &self,
        target: &Target,
        host: &str,
        fault: &Arc<Mutex<Option<CertificateFault>>>,
    ) -> Answer<ClientConfig> {
        let provider = Arc::new(ring::default_provider());
        let verifier = Verifier {
            trust: self.trust.clone(),
            host: host.to_owned(),
            algorithms: provider.signature_verification_algorithms,
            fault: Arc::clone(fault),
        };
        let unusable = |error: RustlsError| tls_problem::handshake_failed(target, error.to_string());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(unusable)?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier));
        let mut config = match &self.client {
            None => config.with_no_client_auth(),
            Some((chain, key)) => config.with_client_auth_cert(chain.clone(), key.clone_key()).map_err(|error| {
                let (certificate, key) = &self.client_files;
                tls_problem::client_pair_mismatched(certificate, key, error.to_string())
            })?,
        };
        // PostgreSQL 17 and later want the protocol named; older servers do not look.
        config.alpn_protocols = vec![b"postgresql".to_vec()];
        Ok(config)
    }
}

/// The problem in an I/O error that TLS caused after the handshake: under TLS 1.3 a server turns
/// the client's certificate down only once the client takes the handshake for done.
pub(super) fn alert_problem(target: &Target, error: &std::io::Error) -> Option<Box<Problem>> {
    rustls_error(error).map(|_| handshake_problem(target, error))
}

fn rustls_error(error: &std::io::Error) -> Option<&RustlsError> {
    error.get_ref()?.downcast_ref::<RustlsError>()
}

fn handshake_problem(target: &Target, error: &std::io::Error) -> Box<Problem> {
    use tokio_rustls::rustls::AlertDescription as Alert;
    match rustls_error(error) {
        Some(RustlsError::AlertReceived(
            alert @ (Alert::NoCertificate
            | Alert::BadCertificate
            | Alert::UnsupportedCertificate
            | Alert::CertificateRevoked
            | Alert::CertificateExpired
            | Alert::CertificateUnknown
            | Alert::UnknownCA
            | Alert::AccessDenied
            | Alert::DecryptError
            | Alert::CertificateRequired),
        )) => tls_problem::client_certificate_refused(target, format!("{alert:?}")),
        Some(error) => tls_problem::handshake_failed(target, error.to_string()),
        None => tls_problem::handshake_failed(target, error.to_string()),
    }
}

/// libpq's rule: verify-* need a root file; every other mode uses one when it is there.
fn read_trust(target: &Target, now: UnixTime) -> Answer<Trust> {
    let roots = match &target.sslrootcert {
        Some(RootCert::System) if target.sslmode != SslMode::VerifyFull => {
            return Err(tls_problem::system_needs_verify_full(target.sslmode));
        }
        Some(RootCert::System) => return Ok(Trust::ChainAndName(Arc::new(system_roots(now)?))),
        Some(RootCert::File(path)) => Some(path.clone()),
        None => target.certificates_dir.as_ref().map(|dir| dir.join("root.crt")),
    };
    let roots = match roots {
        Some(path) if path.exists() => Some(Arc::new(Roots::read(&path, now)?)),
        Some(path) if target.sslmode.verifies() => return Err(tls_problem::root_missing(&path, target.sslmode)),
        None if target.sslmode.verifies() => return Err(tls_problem::root_unnamed(target.sslmode)),
        Some(_) | None => None,
    };
    Ok(match (roots, target.sslmode) {
        (None, _) => Trust::Anybody,
        (Some(roots), SslMode::VerifyFull) => Trust::ChainAndName(roots),
        (Some(roots), _) => Trust::Chain(roots),
    })
}

fn system_roots(now: UnixTime) -> Answer<Roots> {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = Roots::empty();
    for der in found.certs {
        roots.add(der, now);
    }
    if roots.listed.is_empty() { Err(tls_problem::system_roots_missing()) } else { Ok(roots) }
}

impl Roots {
    fn empty() -> Self {
        Self { store: RootCertStore::empty(), listed: Vec::new(), expired: Vec::new() }
    }

    fn read(path: &Path, now: UnixTime) -> Answer<Self> {
        let bytes = std::fs::read(path).map_err(|error| tls_problem::root_unreadable(path, error.to_string()))?;
        let mut roots = Self::empty();
        for der in CertificateDer::pem_slice_iter(&bytes) {
            let der = der.map_err(|error| tls_problem::root_unreadable(path, error.to_string()))?;
            roots.add(der, now);
        }
        if roots.listed.is_empty() { Err(tls_problem::root_without_certificate(path)) } else { Ok(roots) }
    }

    /// A certificate that cannot be read as an authority still counts as listed: the server may
    /// show exactly this one.
    fn add(&mut self, der: CertificateDer<'static>, now: UnixTime) {
        if let Some(certificate) = Certificate::parse(&der)
            && certificate.not_after().as_secs() < now.as_secs()
        {
            self.expired.push((certificate.subject(), moment(certificate.not_after())));
        } else {
            // A file of authorities may hold some that rustls cannot use; the others still count.
            let _ = self.store.add(der.clone());
        }
        self.listed.push(der);
    }
}

/// `Ok(None)` when there is no certificate and none was asked for.
fn read_client(
    certificate: &Path,
    key: &Path,
    named: bool,
) -> Answer<Option<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)>> {
    let bytes = match std::fs::read(certificate) {
        Ok(bytes) => bytes,
        // libpq goes on without a certificate even when a missing file was named; the server would
        // then say that it wants one, which hides the typing error in the path.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && !named => return Ok(None),
        Err(error) => return Err(tls_problem::client_certificate_unreadable(certificate, error.to_string())),
    };
    let chain: Vec<_> = CertificateDer::pem_slice_iter(&bytes)
        .collect::<Result<_, pem::Error>>()
        .map_err(|error| tls_problem::client_certificate_unreadable(certificate, error.to_string()))?;
    if chain.is_empty() {
        return Err(tls_problem::client_certificate_unreadable(certificate, "no CERTIFICATE block".to_owned()));
    }
    let metadata = std::fs::metadata(key).map_err(|_| tls_problem::client_key_missing(key, certificate))?;
    if !key_is_private(metadata.mode(), metadata.uid()) {
        return Err(tls_problem::client_key_permissions(key));
    }
    let bytes = std::fs::read(key).map_err(|error| tls_problem::client_key_unreadable(key, error.to_string()))?;
    let encrypted = |marker: &[u8]| bytes.windows(marker.len()).any(|window| window == marker);
    if encrypted(b"BEGIN ENCRYPTED PRIVATE KEY") || encrypted(b"Proc-Type: 4,ENCRYPTED") {
        return Err(tls_problem::client_key_encrypted(key));
    }
    // The error of the PEM reader names kinds of blocks at most, never what is inside.
    let key_der = PrivateKeyDer::from_pem_slice(&bytes)
        .map_err(|error| tls_problem::client_key_unreadable(key, error.to_string()))?;
    Ok(Some((chain, key_der)))
}

/// libpq's rule: 0600 or less for one's own file, 0640 or less when it belongs to root.
const fn key_is_private(mode: u32, owner: u32) -> bool {
    mode & if owner == 0 { 0o037 } else { 0o077 } == 0
}

/// Holds a server's certificate against what the sslmode demands, and keeps in its own words why
/// it was turned down: rustls' error knows neither the issuer nor the names.
#[derive(Debug)]
struct Verifier {
    trust: Trust,
    host: String,
    algorithms: WebPkiSupportedAlgorithms,
    fault: Arc<Mutex<Option<CertificateFault>>>,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, RustlsError> {
        let (roots, by_name) = match &self.trust {
            Trust::Anybody => return Ok(ServerCertVerified::assertion()),
            Trust::Chain(roots) => (roots, false),
            Trust::ChainAndName(roots) => (roots, true),
        };
        let unreadable = || CertificateFault::Unusable {
            subject: "?".to_owned(),
            reason: "not a readable X.509 certificate".to_owned(),
        };
        let certificate = Certificate::parse(end_entity).ok_or_else(unreadable);
        let verified = certificate
            .and_then(|certificate| self.verify(&certificate, end_entity, intermediates, roots, by_name, now));
        verified.map(|()| ServerCertVerified::assertion()).map_err(|fault| {
            *self.fault.lock().unwrap_or_else(PoisonError::into_inner) = Some(fault.clone());
            RustlsError::InvalidCertificate(alert_for(&fault))
        })
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, RustlsError> {
        let certificate = Certificate::parse(cert).ok_or(CertificateError::BadEncoding)?;
        let (algorithm, key) = certificate.public_key().ok_or(CertificateError::BadEncoding)?;
        let candidates = self.algorithms.mapping.iter().find(|(scheme, _)| *scheme == dss.scheme);
        let signed = candidates.is_some_and(|(_, candidates)| {
            candidates.iter().any(|candidate| {
                candidate.public_key_alg_id().as_ref() == algorithm
                    && candidate.verify_signature(key, message, dss.signature()).is_ok()
            })
        });
        if signed { Ok(HandshakeSignatureValid::assertion()) } else { Err(CertificateError::BadSignature.into()) }
    }

    /// By the bare key, because the certificate itself may be older than what rustls reads.
    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, RustlsError> {
        let certificate = Certificate::parse(cert).ok_or(CertificateError::BadEncoding)?;
        let key = certificate.public_key_info().ok_or(CertificateError::BadEncoding)?;
        verify_tls13_signature_with_raw_key(message, &SubjectPublicKeyInfoDer::from(key), dss, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

impl Verifier {
    fn verify(
        &self,
        certificate: &Certificate,
        der: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        roots: &Roots,
        by_name: bool,
        now: UnixTime,
    ) -> Result<(), CertificateFault> {
        // A self-signed certificate that is itself listed needs no further proof than its dates.
        let is_listed = certificate.names_itself_as_issuer() && roots.listed.contains(&der.clone().into_owned());
        if is_listed {
            check_dates(certificate, now)?;
            if !certificate.may_identify_a_server() {
                let reason = "its extended key usage does not include serverAuth".to_owned();
                return Err(CertificateFault::Unusable { subject: certificate.subject(), reason });
            }
        } else {
            self.verify_chain(certificate, der, intermediates, roots, now)?;
        }
        if by_name && !certificate.is_for(&self.host) {
            return Err(CertificateFault::WrongName { names: certificate.names() });
        }
        Ok(())
    }

    fn verify_chain(
        &self,
        certificate: &Certificate,
        der: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        roots: &Roots,
        now: UnixTime,
    ) -> Result<(), CertificateFault> {
        let subject = || certificate.subject();
        let unknown_issuer = || CertificateFault::UnknownIssuer { subject: subject(), issuer: certificate.issuer() };
        if !certificate.is_version_3() {
            check_dates(certificate, now)?;
            let is_trusted =
                chain::leads_to_a_root(certificate, intermediates, &roots.listed, self.algorithms.all, now);
            return if is_trusted { Ok(()) } else { Err(unknown_issuer()) };
        }
        let unusable = |error: &dyn std::fmt::Display| CertificateFault::Unusable {
            subject: subject(),
            reason: error.to_string(),
        };
        let parsed = ParsedCertificate::try_from(der).map_err(|error| unusable(&error))?;
        let chain =
            verify_server_cert_signed_by_trust_anchor(&parsed, &roots.store, intermediates, now, self.algorithms.all);
        let error = match chain {
            Ok(()) => return Ok(()),
            Err(error) => error,
        };
        check_dates(certificate, now)?;
        if let Some(intermediate) =
            intermediates.iter().filter_map(Certificate::parse).find(|one| !one.is_valid_at(now))
        {
            let not_after = moment(intermediate.not_after());
            return Err(CertificateFault::IssuerExpired { subject: intermediate.subject(), not_after });
        }
        match error {
            _ if certificate.names_itself_as_issuer() => Err(unknown_issuer()),
            RustlsError::InvalidCertificate(CertificateError::UnknownIssuer | CertificateError::BadSignature) => {
                let chain = std::iter::once(certificate.issuer());
                let chain: Vec<_> =
                    chain.chain(intermediates.iter().filter_map(Certificate::parse).map(|one| one.issuer())).collect();
                let expired = roots.expired.iter().find(|(subject, _)| chain.contains(subject));
                Err(match expired {
                    Some((subject, not_after)) => {
                        CertificateFault::IssuerExpired { subject: subject.clone(), not_after: not_after.clone() }
                    }
                    None => unknown_issuer(),
                })
            }
            error => Err(unusable(&error)),
        }
    }
}

fn check_dates(certificate: &Certificate, now: UnixTime) -> Result<(), CertificateFault> {
    let subject = certificate.subject();
    if now.as_secs() < certificate.not_before().as_secs() {
        return Err(CertificateFault::NotYetValid { subject, not_before: moment(certificate.not_before()) });
    }
    if now.as_secs() > certificate.not_after().as_secs() {
        return Err(CertificateFault::Expired { subject, not_after: moment(certificate.not_after()) });
    }
    Ok(())
}

/// What the server reads in its log about our refusal.
fn alert_for(fault: &CertificateFault) -> CertificateError {
    match fault {
        CertificateFault::Expired { .. } | CertificateFault::IssuerExpired { .. } => CertificateError::Expired,
        CertificateFault::NotYetValid { .. } => CertificateError::NotValidYet,
        CertificateFault::UnknownIssuer { .. } => CertificateError::UnknownIssuer,
        CertificateFault::WrongName { .. } => CertificateError::NotValidForName,
        CertificateFault::Unusable { .. } => CertificateError::BadEncoding,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_private_by_libpqs_rule() {
        for (mode, owner, expected) in [
            (0o100_600, 1000, true),
            (0o100_400, 1000, true),
            (0o100_640, 1000, false),
            (0o100_604, 1000, false),
            (0o100_640, 0, true),
            (0o100_660, 0, false),
            (0o100_644, 0, false),
        ] {
            assert_eq!(key_is_private(mode, owner), expected, "{mode:o} of {owner}");
        }
    }
}
