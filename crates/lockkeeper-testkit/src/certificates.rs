//! A certificate authority of our own, and certificates of every kind a server can show.

use std::path::{Path, PathBuf};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose, PublicKeyData, SigningKey, date_time_ymd,
};
use tempfile::TempDir;

/// Who signs them.
#[derive(Debug)]
pub struct Authority(CertifiedIssuer<'static, KeyPair>);

/// A certificate and its key, both PEM.
#[derive(Debug, Clone)]
pub struct Pair {
    pub certificate: String,
    pub key: String,
}

fn params(common_name: &str, names: &[&str]) -> CertificateParams {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let mut params = CertificateParams::new(names).unwrap();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, common_name);
    params
}

impl Authority {
    pub fn new(name: &str) -> Self {
        Self(CertifiedIssuer::self_signed(Self::params(name), KeyPair::generate().unwrap()).unwrap())
    }

    pub fn new_expired(name: &str) -> Self {
        let mut params = Self::params(name);
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(2021, 1, 1);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    /// An authority that this one vouches for.
    #[must_use]
    pub fn below(&self, name: &str) -> Self {
        let key = KeyPair::generate().unwrap();
        Self(CertifiedIssuer::signed_by(Self::params(name), key, &self.0).unwrap())
    }

    /// Signed by this one, but not said to be an authority.
    #[must_use]
    pub fn below_without_power(&self, name: &str) -> Self {
        let mut params = Self::params(name);
        params.is_ca = IsCa::ExplicitNoCa;
        Self(CertifiedIssuer::signed_by(params, KeyPair::generate().unwrap(), &self.0).unwrap())
    }

    fn params(name: &str) -> CertificateParams {
        let mut params = params(name, &[]);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages =
            vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign, KeyUsagePurpose::DigitalSignature];
        params
    }

    pub fn pem(&self) -> String {
        self.0.pem()
    }

    /// With `names` (DNS names or addresses) as subjectAltName; none when empty.
    pub fn issue(&self, common_name: &str, names: &[&str]) -> Pair {
        self.issue_with(&params(common_name, names))
    }

    /// That runs out so many days from now.
    pub fn issue_for_days(&self, names: &[&str], days: u64) -> Pair {
        let mut params = params("short", names);
        params.not_after = (std::time::SystemTime::now() + std::time::Duration::from_hours(24 * days)).into();
        self.issue_with(&params)
    }

    pub fn issue_expired(&self, names: &[&str]) -> Pair {
        let mut params = params("expired", names);
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(2021, 1, 1);
        self.issue_with(&params)
    }

    pub fn issue_not_yet_valid(&self, names: &[&str]) -> Pair {
        let mut params = params("early", names);
        params.not_before = date_time_ymd(2090, 1, 1);
        params.not_after = date_time_ymd(2091, 1, 1);
        self.issue_with(&params)
    }

    pub fn issue_for_clients_only(&self, names: &[&str]) -> Pair {
        let mut params = params("client", names);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        self.issue_with(&params)
    }

    /// As old as certificates get: no extensions, so no names but the CN. PostgreSQL's manual makes
    /// such ones.
    pub fn issue_version_1(&self, common_name: &str) -> Pair {
        use x509_cert::der::asn1::BitString;
        use x509_cert::der::{Decode, Encode, EncodePem};
        use x509_cert::spki::SubjectPublicKeyInfoOwned;

        let key = KeyPair::generate().unwrap();
        let issuer = x509_cert::Certificate::from_der(self.0.der()).unwrap().tbs_certificate;
        let tbs = x509_cert::TbsCertificate {
            version: x509_cert::Version::V1,
            serial_number: x509_cert::serial_number::SerialNumber::new(&[1]).unwrap(),
            signature: issuer.signature.clone(),
            issuer: issuer.subject,
            validity: x509_cert::time::Validity::from_now(std::time::Duration::from_hours(1)).unwrap(),
            subject: format!("CN={common_name}").parse().unwrap(),
            subject_public_key_info: SubjectPublicKeyInfoOwned::from_der(&key.subject_public_key_info()).unwrap(),
            issuer_unique_id: None,
            subject_unique_id: None,
            extensions: None,
        };
        let signature = self.0.key().sign(&tbs.to_der().unwrap()).unwrap();
        let certificate = x509_cert::Certificate {
            signature_algorithm: tbs.signature.clone(),
            signature: BitString::from_bytes(&signature).unwrap(),
            tbs_certificate: tbs,
        };
        let certificate = certificate.to_pem(x509_cert::der::pem::LineEnding::LF).unwrap();
        Pair { certificate, key: key.serialize_pem() }
    }

    fn issue_with(&self, params: &CertificateParams) -> Pair {
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.0).unwrap();
        Pair { certificate: certificate.pem(), key: key.serialize_pem() }
    }
}

/// A certificate that nobody but its own key vouches for.
pub fn self_signed(names: &[&str], is_ca: IsCa) -> Pair {
    let mut params = params("self", names);
    params.is_ca = is_ca;
    let key = KeyPair::generate().unwrap();
    Pair { certificate: params.self_signed(&key).unwrap().pem(), key: key.serialize_pem() }
}

/// A folder for the client's own files.
#[derive(Debug)]
pub struct Files(TempDir);

impl Default for Files {
    fn default() -> Self {
        Self(tempfile::tempdir().unwrap())
    }
}

impl Files {
    pub fn path(&self) -> &Path {
        self.0.path()
    }

    pub fn write(&self, name: &str, text: &str, mode: u32) -> PathBuf {
        use std::os::unix::fs::PermissionsExt;
        let path = self.0.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        path
    }
}
