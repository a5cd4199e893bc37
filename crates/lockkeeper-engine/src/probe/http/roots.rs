//! Who may vouch for a web server: the system's authorities, or those of a file.

use std::path::Path;
use std::sync::Arc;

use lockkeeper_core::message;
use lockkeeper_core::model::Message;
use tokio_rustls::rustls::client::Resumption;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use crate::postgres::RootCert;

/// What a handshake needs. Every one is a whole one: a resumed session would not show the certificate again, and so
/// not that it has run out meanwhile.
pub(super) fn config(roots: &RootCert) -> Result<Arc<ClientConfig>, Message> {
    let store = match roots {
        RootCert::System => system()?,
        RootCert::File(path) => file(path)?,
    };
    let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| message!("probe-own-roots", path = "", reason = error.to_string()))?
        .with_root_certificates(store)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    config.resumption = Resumption::disabled();
    Ok(Arc::new(config))
}

fn system() -> Result<RootCertStore, Message> {
    let found = rustls_native_certs::load_native_certs();
    let mut store = RootCertStore::empty();
    store.add_parsable_certificates(found.certs);
    if store.is_empty() { Err(message!("probe-own-roots-system")) } else { Ok(store) }
}

fn file(path: &Path) -> Result<RootCertStore, Message> {
    let shown = path.display().to_string();
    let unreadable = |reason: String| message!("probe-own-roots", path = shown.clone(), reason = reason);
    let bytes = std::fs::read(path).map_err(|error| unreadable(error.to_string()))?;
    let mut store = RootCertStore::empty();
    for der in CertificateDer::pem_slice_iter(&bytes) {
        let der = der.map_err(|error| unreadable(error.to_string()))?;
        store.add(der).map_err(|error| unreadable(error.to_string()))?;
    }
    if store.is_empty() { Err(unreadable("no CERTIFICATE block".to_owned())) } else { Ok(store) }
}
