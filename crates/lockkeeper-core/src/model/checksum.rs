//! SHA-256 over a file, and over a plan.

use sha2::{Digest, Sha256};

/// SHA-256 of a file's bytes exactly as they are on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Checksum([u8; 32]);

impl Checksum {
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    pub fn from_ledger(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// Lower-case hexadecimal.
impl std::fmt::Display for Checksum {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// What an approval names: SHA-256 over the canonical text of exactly one plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PlanDigest(Checksum);

impl PlanDigest {
    pub fn of(canonical_text: &str) -> Self {
        Self(Checksum::of(canonical_text.as_bytes()))
    }

    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix("sha256:")?;
        if digits.len() != 64 || !digits.is_ascii() {
            return None;
        }
        let mut bytes = [0; 32];
        for (index, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&digits[index * 2..index * 2 + 2], 16).ok()?;
        }
        Some(Self(Checksum(bytes)))
    }
}

/// `sha256:` and 64 hexadecimal digits.
impl std::fmt::Display for PlanDigest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "sha256:{}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_reads_back_from_its_text() {
        let digest = PlanDigest::of("plan");
        assert_eq!(PlanDigest::parse(&digest.to_string()), Some(digest));
        for text in ["", "sha256:", "sha256:zz", &format!("sha256:{}", "é".repeat(32))] {
            assert_eq!(PlanDigest::parse(text), None, "{text}");
        }
    }
}
