//! What a certificate says: whose it is, for which names, until when.

use std::net::IpAddr;
use std::time::Duration;

use sha2::{Digest, Sha256, Sha384, Sha512};
use tokio_rustls::rustls::pki_types::{CertificateDer, SignatureVerificationAlgorithm, UnixTime};
use x509_cert::certificate::Version;
use x509_cert::der::asn1::{AnyRef, Ia5StringRef, PrintableStringRef, TeletexStringRef, Utf8StringRef};
use x509_cert::der::oid::{AssociatedOid, ObjectIdentifier};
use x509_cert::der::{Decode, Encode, Tag, Tagged};
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::ext::pkix::{BasicConstraints, ExtendedKeyUsage, KeyUsage, SubjectAltName};
use x509_cert::spki::AlgorithmIdentifierOwned;
use x509_cert::time::Time;

/// One certificate, read once.
pub(super) struct Certificate {
    parsed: x509_cert::Certificate,
    der: Vec<u8>,
}

const COMMON_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.3");
const SERVER_AUTH: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.1");
const ANY_EXTENDED_KEY_USAGE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.37.0");

impl Certificate {
    pub(super) fn parse(der: &CertificateDer<'_>) -> Option<Self> {
        let parsed = x509_cert::Certificate::from_der(der).ok()?;
        Some(Self { parsed, der: der.to_vec() })
    }

    pub(super) fn subject(&self) -> String {
        self.parsed.tbs_certificate.subject.to_string()
    }

    pub(super) fn issuer(&self) -> String {
        self.parsed.tbs_certificate.issuer.to_string()
    }

    pub(super) fn names_itself_as_issuer(&self) -> bool {
        self.parsed.tbs_certificate.subject == self.parsed.tbs_certificate.issuer
    }

    /// Version 1 and 2 certificates know no extensions, so they can name no host but in the CN.
    pub(super) fn is_version_3(&self) -> bool {
        self.parsed.tbs_certificate.version == Version::V3
    }

    pub(super) fn not_before(&self) -> Duration {
        unix_time(self.parsed.tbs_certificate.validity.not_before)
    }

    pub(super) fn not_after(&self) -> Duration {
        unix_time(self.parsed.tbs_certificate.validity.not_after)
    }

    pub(super) fn is_valid_at(&self, now: UnixTime) -> bool {
        let now = now.as_secs();
        self.not_before().as_secs() <= now && now <= self.not_after().as_secs()
    }

    /// Whether its extended key usage, if it states one, lets it identify a TLS server.
    pub(super) fn may_identify_a_server(&self) -> bool {
        match self.parsed.tbs_certificate.get::<ExtendedKeyUsage>() {
            Ok(None) => true,
            Ok(Some((_, usage))) => usage.0.contains(&SERVER_AUTH) || usage.0.contains(&ANY_EXTENDED_KEY_USAGE),
            Err(_) => false,
        }
    }

    pub(super) fn is_issuer_of(&self, other: &Self) -> bool {
        self.parsed.tbs_certificate.subject == other.parsed.tbs_certificate.issuer
    }

    /// Whether it says of itself that it is an authority with at most `below` authorities under it,
    /// for servers, and restricts nothing else that must be heeded.
    pub(super) fn may_issue(&self, below: usize) -> bool {
        const HEEDED: [ObjectIdentifier; 3] = [BasicConstraints::OID, KeyUsage::OID, ExtendedKeyUsage::OID];
        let certificate = &self.parsed.tbs_certificate;
        let extensions = certificate.extensions.as_deref().unwrap_or_default();
        let is_authority = match certificate.get::<BasicConstraints>() {
            Ok(Some((_, constraints))) => {
                constraints.ca && constraints.path_len_constraint.is_none_or(|limit| below <= usize::from(limit))
            }
            Ok(None) | Err(_) => false,
        };
        let may_sign = match certificate.get::<KeyUsage>() {
            Ok(Some((_, usage))) => usage.key_cert_sign(),
            Ok(None) => true,
            Err(_) => false,
        };
        let all_heeded = extensions.iter().all(|one| !one.critical || HEEDED.contains(&one.extn_id));
        is_authority && may_sign && all_heeded && self.may_identify_a_server()
    }

    /// Whether `issuer`'s key made this certificate's signature.
    pub(super) fn is_signed_by(&self, issuer: &Self, algorithms: &[&dyn SignatureVerificationAlgorithm]) -> bool {
        let parts = || {
            let (key_algorithm, key) = issuer.public_key()?;
            let signed_with = identifier(&self.parsed.signature_algorithm)?;
            // The algorithm stands in the certificate twice; the inner one is covered by the signature.
            let is_consistent = self.parsed.signature_algorithm == self.parsed.tbs_certificate.signature;
            let message = self.parsed.tbs_certificate.to_der().ok()?;
            let signature = self.parsed.signature.as_bytes()?;
            Some(
                is_consistent
                    && algorithms.iter().any(|algorithm| {
                        algorithm.public_key_alg_id().as_ref() == key_algorithm
                            && algorithm.signature_alg_id().as_ref() == signed_with
                            && algorithm.verify_signature(key, &message, signature).is_ok()
                    }),
            )
        };
        parts().unwrap_or(false)
    }

    /// The public key with its algorithm, DER.
    pub(super) fn public_key_info(&self) -> Option<Vec<u8>> {
        self.parsed.tbs_certificate.subject_public_key_info.to_der().ok()
    }

    /// The public key's algorithm without its outer tag, the way rustls' algorithms name theirs,
    /// and the key's bits.
    pub(super) fn public_key(&self) -> Option<(Vec<u8>, &[u8])> {
        let info = &self.parsed.tbs_certificate.subject_public_key_info;
        Some((identifier(&info.algorithm)?, info.subject_public_key.as_bytes()?))
    }

    /// The hash of the certificate that its own signature algorithm asks for
    /// (RFC 5929, section 4.1: MD5 and SHA-1 are replaced by SHA-256).
    pub(super) fn end_point(&self) -> Option<Vec<u8>> {
        let digest = match self.parsed.signature_algorithm.oid.to_string().as_str() {
            // RSA and ECDSA with MD5, SHA-1 or SHA-256.
            "1.2.840.113549.1.1.4"
            | "1.2.840.113549.1.1.5"
            | "1.2.840.10045.4.1"
            | "1.2.840.113549.1.1.11"
            | "1.2.840.10045.4.3.2" => Sha256::digest(&self.der).to_vec(),
            "1.2.840.113549.1.1.12" | "1.2.840.10045.4.3.3" => Sha384::digest(&self.der).to_vec(),
            "1.2.840.113549.1.1.13" | "1.2.840.10045.4.3.4" => Sha512::digest(&self.der).to_vec(),
            // RSA-PSS keeps its hash in parameters and Ed25519 has none: no binding then.
            _ => return None,
        };
        Some(digest)
    }

    /// The names it is made out to, for a message: names, addresses, or the CN.
    pub(super) fn names(&self) -> Vec<String> {
        let (dns, ip) = self.alternative_names();
        let mut names = dns;
        names.extend(ip.iter().map(ToString::to_string));
        if names.is_empty() {
            names.extend(self.common_name());
        }
        names
    }

    /// Whether it is made out to `host`, by libpq's rules: a name is looked for among the dNSName
    /// entries, an address among the iPAddress entries and, out of habit, the dNSName entries too;
    /// the CN counts only when there is no entry of the host's own kind.
    pub(super) fn is_for(&self, host: &str) -> bool {
        let (dns, ip) = self.alternative_names();
        let address = host.parse::<IpAddr>().ok();
        if dns.iter().any(|name| name_matches(name, host)) {
            return true;
        }
        let cn_counts = match address {
            Some(address) if ip.contains(&address) => return true,
            Some(_) => ip.is_empty(),
            None => dns.is_empty(),
        };
        cn_counts && self.common_name().is_some_and(|name| name_matches(&name, host))
    }

    fn alternative_names(&self) -> (Vec<String>, Vec<IpAddr>) {
        let (mut dns, mut ip) = (Vec::new(), Vec::new());
        let Ok(Some((_, SubjectAltName(names)))) = self.parsed.tbs_certificate.get::<SubjectAltName>() else {
            return (dns, ip);
        };
        for name in names {
            match name {
                GeneralName::DnsName(name) => dns.push(name.to_string()),
                GeneralName::IpAddress(address) => match address.as_bytes().len() {
                    4 => ip.extend(<[u8; 4]>::try_from(address.as_bytes()).map(IpAddr::from)),
                    16 => ip.extend(<[u8; 16]>::try_from(address.as_bytes()).map(IpAddr::from)),
                    _ => {}
                },
                _ => {}
            }
        }
        (dns, ip)
    }

    /// The last CN of the subject, which is the most specific one.
    fn common_name(&self) -> Option<String> {
        let parts = self.parsed.tbs_certificate.subject.0.iter().flat_map(|relative| relative.0.iter());
        let value = &parts.rev().find(|part| part.oid == COMMON_NAME)?.value;
        let text = match value.tag() {
            Tag::Utf8String => Utf8StringRef::try_from(value).ok()?.as_str().to_owned(),
            Tag::PrintableString => PrintableStringRef::try_from(value).ok()?.as_str().to_owned(),
            Tag::Ia5String => Ia5StringRef::try_from(value).ok()?.as_str().to_owned(),
            Tag::TeletexString => TeletexStringRef::try_from(value).ok()?.as_str().to_owned(),
            _ => return None,
        };
        Some(text)
    }
}

/// An algorithm's identifier without its outer tag, the way rustls' algorithms name themselves.
fn identifier(algorithm: &AlgorithmIdentifierOwned) -> Option<Vec<u8>> {
    let der = algorithm.to_der().ok()?;
    Some(AnyRef::from_der(&der).ok()?.value().to_vec())
}

/// Equal but for the case of ASCII letters, or a wildcard in the place of the whole first label.
fn name_matches(pattern: &str, host: &str) -> bool {
    // A zero byte in a certificate's name is an old trick to look like another host.
    if pattern.is_empty() || pattern.contains('\0') {
        return false;
    }
    if pattern.eq_ignore_ascii_case(host) {
        return true;
    }
    match (pattern.strip_prefix("*."), host.split_once('.')) {
        (Some(domain), Some((label, rest))) => {
            !label.is_empty() && !domain.is_empty() && domain.eq_ignore_ascii_case(rest)
        }
        _ => false,
    }
}

fn unix_time(time: Time) -> Duration {
    time.to_unix_duration()
}

/// A moment as it stands in messages: `2026-11-22 09:30 UTC`.
pub(super) fn moment(since_epoch: Duration) -> String {
    let seconds = i64::try_from(since_epoch.as_secs()).unwrap_or(i64::MAX);
    jiff::Timestamp::from_second(seconds).map_or_else(
        |_| format!("{seconds} seconds after 1970-01-01"),
        |moment| moment.strftime("%Y-%m-%d %H:%M UTC").to_string(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wildcard_stands_for_exactly_one_label() {
        for (pattern, host, expected) in [
            ("db.example.com", "DB.example.COM", true),
            ("*.example.com", "db.example.com", true),
            ("*.example.com", "a.db.example.com", false),
            ("*.example.com", "example.com", false),
            ("*.example.com", ".example.com", false),
            ("d*.example.com", "db.example.com", false),
            ("*", "db", false),
            ("", "", false),
            ("db.example.com\0.evil.org", "db.example.com", false),
        ] {
            assert_eq!(name_matches(pattern, host), expected, "{pattern} for {host}");
        }
    }

    #[test]
    fn a_moment_reads_as_a_date() {
        assert_eq!(moment(Duration::from_secs(1_700_000_000)), "2023-11-14 22:13 UTC");
    }
}
