//! Who may vouch for a web server: the system's authorities, or those of a file.

use std::path::Path;
use std::sync::Arc;

use lockkeeper_core::message;
use lockkeeper_core::model::Message;
use tokio_rustls::rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use tokio_rustls::rustls::client::{Resumption, WebPkiServerVerifier, verify_server_name};
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_rustls::rustls::server::ParsedCertificate;
use tokio_rustls::rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error as RustlsError, RootCertStore, SignatureScheme,
};
use x509_cert::der::Decode;

use crate::postgres::RootCert;

/// What a handshake needs. Every one is a whole one: a resumed session would not show the certificate again, and so
/// not that it has run out meanwhile.
pub(super) fn config(roots: &RootCert) -> Result<Arc<ClientConfig>, Message> {
    let unusable = |reason: String| message!("probe-own-roots", path = shown(roots), reason = reason);
    let provider = Arc::new(ring::default_provider());
    let (store, listed) = match roots {
        RootCert::System => (system()?, Vec::new()),
        RootCert::File(path) => file(path)?,
    };
    let usual = WebPkiServerVerifier::builder_with_provider(Arc::new(store), Arc::clone(&provider)).build();
    let verifier = Verifier { usual: usual.map_err(|error| unusable(error.to_string()))?, listed };
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| unusable(error.to_string()))?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    config.resumption = Resumption::disabled();
    Ok(Arc::new(config))
}

/// The authorities themselves, DER, for a library that makes its own handshakes.
pub fn authorities(roots: &RootCert) -> Result<Vec<Vec<u8>>, Message> {
    let found = match roots {
        RootCert::System => rustls_native_certs::load_native_certs().certs,
        RootCert::File(path) => file(path)?.1,
    };
    if found.is_empty() {
        Err(message!("probe-own-roots-system"))
    } else {
        Ok(found.iter().map(|der| der.to_vec()).collect())
    }
}

fn system() -> Result<RootCertStore, Message> {
    let found = rustls_native_certs::load_native_certs();
    let mut store = RootCertStore::empty();
    store.add_parsable_certificates(found.certs);
    if store.is_empty() { Err(message!("probe-own-roots-system")) } else { Ok(store) }
}

/// The file's authorities, and its certificates as they are.
fn file(path: &Path) -> Result<(RootCertStore, Vec<CertificateDer<'static>>), Message> {
    let unreadable = |reason: String| message!("probe-own-roots", path = path.display().to_string(), reason = reason);
    let bytes = std::fs::read(path).map_err(|error| unreadable(error.to_string()))?;
    let (mut store, mut listed) = (RootCertStore::empty(), Vec::new());
    for der in CertificateDer::pem_slice_iter(&bytes) {
        let der = der.map_err(|error| unreadable(error.to_string()))?;
        store.add(der.clone()).map_err(|error| unreadable(error.to_string()))?;
        listed.push(der);
    }
    if listed.is_empty() { Err(unreadable("no CERTIFICATE block".to_owned())) } else { Ok((store, listed)) }
}

fn shown(roots: &RootCert) -> String {
    match roots {
        RootCert::System => "system".to_owned(),
        RootCert::File(path) => path.display().to_string(),
    }
}

/// The library's own rules, and one thing more: a server may show a certificate that is itself in the file. What
/// `openssl req -x509` makes calls itself an authority, and the rules let none of those be a server.
#[derive(Debug)]
struct Verifier {
    usual: Arc<WebPkiServerVerifier>,
    listed: Vec<CertificateDer<'static>>,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, RustlsError> {
        if !self.listed.iter().any(|listed| listed.as_ref() == end_entity.as_ref()) {
            return self.usual.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now);
        }
        verify_server_name(&ParsedCertificate::try_from(end_entity)?, server_name)?;
        let parsed = x509_cert::Certificate::from_der(end_entity).map_err(|_| CertificateError::BadEncoding)?;
        let validity = parsed.tbs_certificate.validity;
        let [begins, ends] =
            [validity.not_before, validity.not_after].map(|time| UnixTime::since_unix_epoch(time.to_unix_duration()));
        if now < begins {
            return Err(CertificateError::NotValidYetContext { time: now, not_before: begins }.into());
        }
        if now > ends {
            return Err(CertificateError::ExpiredContext { time: now, not_after: ends }.into());
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, RustlsError> {
        self.usual.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, RustlsError> {
        self.usual.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.usual.supported_verify_schemes()
    }
}
