//! Who wrote the migrations, as git knows it.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Stdio};

use lockkeeper_core::parse::MigrationPair;

/// The e-mail addresses of everybody who committed to these files of the migrations' folder. Empty without git or history: then
/// only whoever runs the stage counts as author.
pub fn of_files(migrations: &Path, pairs: &[&MigrationPair]) -> Vec<String> {
    if pairs.is_empty() {
        return Vec::new();
    }
    // From within the folder, by the files' own names: the paths that are shown are relative to the project,
    // and a path that git does not find has no authors, which would let everybody approve.
    let name = |path: &str| path.rsplit('/').next().unwrap_or(path).to_owned();
    let names = pairs.iter().flat_map(|pair| [name(&pair.up.path), name(&pair.down.path)]);
    let output = Command::new("git")
        .current_dir(migrations)
        .args(["--literal-pathspecs", "log", "--format=%ae", "--"])
        .args(names)
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
