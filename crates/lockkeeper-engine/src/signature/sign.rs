//! Asking `ssh-keygen` for a signature, the way git does for commits.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use lockkeeper_core::message;
use lockkeeper_core::model::{Answer, Problem};

/// The key to sign with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SigningKey {
    /// A private key's file, or a public key's file whose private key an agent holds.
    File(PathBuf),
    /// A public key as text (`ssh-ed25519 AAAA…`); an agent holds the private key.
    Text(String),
}

/// Signs `text` in `namespace`. ssh-keygen may ask for a passphrase or a touch on the terminal.
///
/// # Errors
/// When ssh-keygen is missing, the key cannot be used, or the person declines.
pub fn sign(key: &SigningKey, namespace: &str, text: &str) -> Answer<String> {
    let failed =
        |reason: String| Problem::usage(message!("sign-failed", reason = reason)).hint(message!("sign-failed-hint"));
    let folder = tempfile::tempdir().map_err(|error| failed(error.to_string()))?;
    let key_file = match key {
        SigningKey::File(path) => path.clone(),
        SigningKey::Text(public) => {
            write(folder.path(), "key.pub", public).map_err(|error| failed(error.to_string()))?
        }
    };
    let document = write(folder.path(), "approval", text).map_err(|error| failed(error.to_string()))?;
    let output = Command::new("ssh-keygen")
        .args(["-Y", "sign", "-n", namespace, "-f"])
        .arg(&key_file)
        .arg(&document)
        .stdin(Stdio::inherit())
        .stdout(Stdio::null())
        // A security key asks for its touch on standard error: a person must see that.
        .stderr(if std::io::stdin().is_terminal() { Stdio::inherit() } else { Stdio::piped() })
        .output()
        .map_err(|error| {
            Problem::usage(message!("sign-no-ssh-keygen", reason = error.to_string()))
                .hint(message!("sign-no-ssh-keygen-hint"))
        })?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr).trim().replace('\n', "; ");
        return Err(failed(said));
    }
    std::fs::read_to_string(folder.path().join("approval.sig")).map_err(|error| failed(error.to_string()))
}

fn write(folder: &Path, name: &str, text: &str) -> std::io::Result<PathBuf> {
    let path = folder.join(name);
    std::fs::write(&path, text)?;
    Ok(path)
}
