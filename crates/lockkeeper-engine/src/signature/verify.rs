//! Whether a signature over an approval holds, and whose it is.

use jiff::Timestamp;
use lockkeeper_core::message;
use lockkeeper_core::model::Message;
use ssh_key::{HashAlg, PublicKey, SshSig};

use super::AllowedSigners;

/// Whose signature it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signer {
    pub principal: String,
    /// `SHA256:…`
    pub fingerprint: String,
}

/// Verifies `signature` over `text` in `namespace`: the key must stand on a line that names `principal`,
/// allows the namespace, and is valid at `now`. The reason when it does not hold.
///
/// # Errors
/// Why the signature does not count.
pub fn verify(
    allowed: &AllowedSigners,
    namespace: &str,
    principal: &str,
    text: &str,
    signature: &str,
    now: Timestamp,
) -> Result<Signer, Message> {
    let signature =
        SshSig::from_pem(signature).map_err(|error| message!("signature-unreadable", reason = error.to_string()))?;
    let key = PublicKey::from(signature.public_key().clone());
    let fingerprint = key.fingerprint(HashAlg::Sha256).to_string();
    let path = allowed.path.as_str();
    let of_key: Vec<_> = allowed.signers.iter().filter(|line| line.key.key_data() == key.key_data()).collect();
    if of_key.is_empty() {
        return Err(message!("signature-key-unknown", key = fingerprint, path = path));
    }
    let named: Vec<_> = of_key.into_iter().filter(|line| line.is(principal)).collect();
    if named.is_empty() {
        return Err(message!("signature-principal-other", principal = principal, key = fingerprint, path = path));
    }
    let in_role: Vec<_> = named.into_iter().filter(|line| line.namespaces.iter().any(|it| it == namespace)).collect();
    if in_role.is_empty() {
        return Err(message!("signature-role-missing", principal = principal, role = namespace, path = path));
    }
    let in_time = in_role.into_iter().any(|line| {
        line.valid_after.is_none_or(|after| now >= after) && line.valid_before.is_none_or(|before| now < before)
    });
    if !in_time {
        return Err(message!("signature-key-expired", principal = principal, path = path));
    }
    key.verify(namespace, text.as_bytes(), &signature)
        .map_err(|_| message!("signature-does-not-match", key = fingerprint.as_str()))?;
    Ok(Signer { principal: principal.to_owned(), fingerprint })
}
