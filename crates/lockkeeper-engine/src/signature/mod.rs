//! SSH signatures: made by `ssh-keygen`, so that agents, passphrases and hardware keys work; verified in process.

mod allowed_signers;
mod sign;
mod verify;

pub use allowed_signers::{AllowedSigner, AllowedSigners};
pub use sign::{SigningKey, sign};
pub use verify::{Signer, verify};

/// The namespace an approval is signed under, and so the role that a line of the allowed signers file
/// gives with `namespaces="lockkeeper-admin"`.
pub const ADMIN: &str = "lockkeeper-admin";
