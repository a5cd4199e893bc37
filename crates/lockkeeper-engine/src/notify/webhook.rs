//! Webhooks as Standard Webhooks 1.0.0 has them: an identifier, a time, and signatures over both and the body.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac};
use jiff::Timestamp;
use serde_json::{Value, json};
use sha2::Sha256;

use super::letter::Letter;
use crate::http::Header;
use crate::postgres::Secret;

/// A key to sign with. `Debug` shows nothing.
#[derive(Clone, PartialEq, Eq)]
pub struct SigningKey(Vec<u8>);

const PREFIX: &str = "whsec_";
/// What the standard allows.
const KEY_BYTES: std::ops::RangeInclusive<usize> = 24..=64;

impl SigningKey {
    /// `whsec_` and 24 to 64 bytes in base64.
    pub fn parse(secret: &Secret) -> Option<Self> {
        let key = STANDARD.decode(secret.reveal().trim().strip_prefix(PREFIX)?).ok()?;
        KEY_BYTES.contains(&key.len()).then_some(Self(key))
    }

    /// `v1,` and the signature in base64.
    fn sign(&self, id: &str, timestamp_s: i64, body: &str) -> String {
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.0) else {
            unreachable!("HMAC takes a key of any length")
        };
        mac.update(format!("{id}.{timestamp_s}.{body}").as_bytes());
        format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
    }
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("***")
    }
}

/// The event and its data.
pub fn body(letter: &Letter) -> Value {
    json!({
        "type": format!("alert.{}", letter.kind.as_str()),
        "timestamp": letter.at.to_string(),
        "data": letter.to_json(),
    })
}

/// The standard's headers. With several keys there is a signature of each, so that a receiver may change its own at
/// leisure; with none there is no signature.
pub(super) fn headers(id: &str, now: Timestamp, body: &str, keys: &[SigningKey]) -> Vec<Header> {
    let timestamp_s = now.as_second();
    let mut headers = vec![("webhook-id", id.to_owned()), ("webhook-timestamp", timestamp_s.to_string())];
    if !keys.is_empty() {
        let signatures: Vec<String> = keys.iter().map(|key| key.sign(id, timestamp_s, body)).collect();
        headers.push(("webhook-signature", signatures.join(" ")));
    }
    headers.into_iter().filter_map(|(name, value)| Header::new(name, Secret::new(value))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the standard's own libraries.
    #[test]
    fn a_signature_is_the_standards() {
        let key = SigningKey::parse(&Secret::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")).expect("a key");
        let signature = key.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, r#"{"test": 2432232314}"#);
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn what_is_no_key_is_refused() {
        for bad in ["", "whsec_", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_c2hvcnQ=", "whsec_!!!"] {
            assert_eq!(SigningKey::parse(&Secret::new(bad)), None, "{bad}");
        }
    }
}
