//! Who wrote the migrations, as git knows it.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use lockkeeper_core::message;
use lockkeeper_core::model::Message;
use lockkeeper_core::parse::MigrationPair;

/// The authors of some files.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Authors {
    /// Their e-mail addresses. Without git there are none: then only whoever runs the stage counts as author.
    pub known: Vec<String>,
    /// Why they cannot be told although there is a history: a gate that cannot see must not say yes.
    pub unknown: Option<Message>,
}

/// Everybody who committed to these files of the migrations' folder, or is named in a Co-authored-by line.
pub fn of_files(migrations: &Path, pairs: &[&MigrationPair]) -> Authors {
    if pairs.is_empty() || !has_history(migrations) {
        return Authors::default();
    }
    let unknown = |reason| Authors { known: Vec::new(), unknown: Some(reason) };
    match git(migrations, &["rev-parse", "--is-shallow-repository"], &[]) {
        Ok(answer) if answer.trim() == "true" => return unknown(message!("authors-shallow")),
        Ok(_) => {}
        Err(reason) => return unknown(message!("authors-git-failed", reason = reason)),
    }
    // From within the folder, by the files' own names: the paths that are shown are relative to the project,
    // and a path that git does not find has no authors, which would let everybody approve.
    let name = |path: &str| path.rsplit('/').next().unwrap_or(path).to_owned();
    let names: Vec<_> = pairs.iter().flat_map(|pair| [name(&pair.up.path), name(&pair.down.path)]).collect();
    let format = "--format=%ae%n%(trailers:key=Co-authored-by,valueonly)";
    match git(migrations, &["--literal-pathspecs", "log", format, "--"], &names) {
        Ok(text) => {
            let addresses: BTreeSet<&str> = text.lines().map(address).filter(|it| !it.is_empty()).collect();
            Authors { known: addresses.into_iter().map(str::to_owned).collect(), unknown: None }
        }
        Err(reason) => unknown(message!("authors-git-failed", reason = reason)),
    }
}

/// The address in `Name <address>`, or the whole line.
fn address(line: &str) -> &str {
    let inside = line.rsplit_once('<').and_then(|(_, rest)| rest.split_once('>')).map(|(address, _)| address);
    inside.unwrap_or(line).trim()
}

/// Whether the folder lies in a git repository, whatever git itself thinks of it.
fn has_history(folder: &Path) -> bool {
    let folder = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    folder.ancestors().any(|ancestor| ancestor.join(".git").exists())
}

/// What git answers, or why it does not.
fn git(folder: &Path, args: &[&str], names: &[String]) -> Result<String, String> {
    let output = Command::new("git").current_dir(folder).args(args).args(names).stdin(Stdio::null()).output();
    let Output { status, stdout, stderr } = output.map_err(|error| error.to_string())?;
    if status.success() {
        return Ok(String::from_utf8_lossy(&stdout).into_owned());
    }
    let said = String::from_utf8_lossy(&stderr).into_owned();
    Err(said.lines().next().unwrap_or("git failed").to_owned())
}

/// A value of git's configuration, such as `user.email`.
pub fn git_config(project_dir: &Path, key: &str) -> Option<String> {
    let value = git(project_dir, &["config", "--get", key], &[]).ok()?;
    Some(value.trim().to_owned()).filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_found_with_and_without_a_name() {
        assert_eq!(address("dev@shop.example"), "dev@shop.example");
        assert_eq!(address("Some Body <dev@shop.example>"), "dev@shop.example");
    }

    #[test]
    fn without_a_repository_nobody_is_unknown() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(of_files(folder.path(), &[]), Authors::default());
    }
}
