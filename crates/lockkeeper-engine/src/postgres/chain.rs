//! Chains that end in a version 1 certificate, which rustls does not read.
//!
//! PostgreSQL's own manual (section 19.9.5, Creating Certificates) makes such certificates for
//! servers, and libpq accepts them. The rules here are narrower than those for version 3: whatever
//! an authority restricts beyond being one leads to a refusal.

use tokio_rustls::rustls::pki_types::{CertificateDer, SignatureVerificationAlgorithm, UnixTime};

use super::certificate::Certificate;

/// More authorities than this between a server and its root are a mistake or an attack.
const AUTHORITIES_MAX: usize = 6;

/// Whether a self-signed authority among `listed` vouches for `certificate`, through authorities
/// among `listed` and `intermediates`, all of them within their dates.
pub(super) fn leads_to_a_root(
    certificate: &Certificate,
    intermediates: &[CertificateDer<'_>],
    listed: &[CertificateDer<'static>],
    algorithms: &[&dyn SignatureVerificationAlgorithm],
    now: UnixTime,
) -> bool {
    let readable = |ders: &[CertificateDer<'_>]| -> Vec<Certificate> {
        // A server sends a handful; more would only make us work.
        ders.iter().filter_map(Certificate::parse).filter(|one| one.is_valid_at(now)).collect()
    };
    let roots: Vec<_> = readable(listed).into_iter().filter(Certificate::names_itself_as_issuer).collect();
    let mut between = readable(listed);
    between.retain(|one| !one.names_itself_as_issuer());
    between.extend(readable(&intermediates[..intermediates.len().min(AUTHORITIES_MAX)]));
    climb(certificate, &roots, &between, algorithms, 0)
}

/// `below` is how many authorities stand below the issuer that is looked for.
fn climb(
    certificate: &Certificate,
    roots: &[Certificate],
    between: &[Certificate],
    algorithms: &[&dyn SignatureVerificationAlgorithm],
    below: usize,
) -> bool {
    let vouches =
        |issuer: &&Certificate| issuer.is_issuer_of(certificate) && certificate.is_signed_by(issuer, algorithms);
    // A root in the file is trusted because it is there, so an old one need not say that it is one.
    let mut roots_above = roots.iter().filter(|root| !root.is_version_3() || root.may_issue(below)).filter(vouches);
    if roots_above.next().is_some() {
        return true;
    }
    let mut above = between.iter().filter(|one| one.may_issue(below)).filter(vouches);
    below < AUTHORITIES_MAX && above.any(|issuer| climb(issuer, roots, between, algorithms, below + 1))
}
