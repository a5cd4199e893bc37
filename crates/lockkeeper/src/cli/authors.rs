//! Who wrote the migrations, as git knows it.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Stdio};

use lockkeeper_core::parse::MigrationPair;

/// The e-mail addresses of everybody who committed to these files. Empty without git or history: then
/// only whoever runs the stage counts as author.
pub fn of_files(project_dir: &Path, pairs: &[&MigrationPair]) -> Vec<String> {
    if pairs.is_empty() {
        return Vec::new();
    }
    let paths = pairs.iter().flat_map(|pair| [pair.up.path.as_ref(), pair.down.path.as_ref()]);
    let output = Command::new("git")
        .current_dir(project_dir)
        .args(["log", "--format=%ae", "--"])
        .args(paths)
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output();
    let Ok(output) = output else { return Vec::new() };
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let unique: BTreeSet<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    unique.into_iter().map(str::to_owned).collect()
}

/// A value of git's configuration, such as `user.email`.
pub fn git_config(project_dir: &Path, key: &str) -> Option<String> {
    let output = Command::new("git").current_dir(project_dir).args(["config", "--get", key]).output().ok()?;
    let value = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    (!value.is_empty()).then_some(value)
}
