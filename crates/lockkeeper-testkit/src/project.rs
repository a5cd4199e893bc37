//! A throw-away project folder in which the built program runs.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

/// A folder with files, and the program to run in it. Removed with this value.
#[derive(Debug)]
pub struct Project {
    folder: TempDir,
    program: PathBuf,
    env: Vec<(String, String)>,
}

/// What a run of the program left behind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finished {
    /// `None` when a signal ended it.
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Project {
    /// `program` is `env!("CARGO_BIN_EXE_lockkeeper")`, which only a test of that crate can say.
    pub fn new(program: impl Into<PathBuf>) -> Self {
        let folder = tempfile::tempdir().unwrap_or_else(|error| panic!("no temporary folder: {error}"));
        Self { folder, program: program.into(), env: Vec::new() }
    }

    /// Gives every run these variables, such as [`Database::env`](crate::Database::env).
    #[must_use]
    pub fn with_env<N: Into<String>, V: Into<String>>(mut self, env: impl IntoIterator<Item = (N, V)>) -> Self {
        self.env.extend(env.into_iter().map(|(name, value)| (name.into(), value.into())));
        self
    }

    /// The same files in another folder, as another clone has them.
    #[must_use]
    pub fn cloned(&self) -> Self {
        let clone = Self { env: self.env.clone(), ..Self::new(&self.program) };
        copy(self.path(), clone.path()).unwrap_or_else(|error| panic!("{}: {error}", self.path().display()));
        clone
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Writes a file, making its folders.
    pub fn write(&self, path: &str, text: &str) {
        let path = self.path().join(path);
        let parent = path.parent().unwrap_or(self.path());
        let written = std::fs::create_dir_all(parent).and_then(|()| std::fs::write(&path, text));
        written.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    }

    #[track_caller]
    pub fn read(&self, path: &str) -> String {
        let path = self.path().join(path);
        std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// Runs the program to its end.
    #[track_caller]
    pub fn lockkeeper<S: AsRef<std::ffi::OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Finished {
        let output = self.command(args).output();
        let output = output.unwrap_or_else(|error| panic!("{}: {error}", self.program.display()));
        Finished {
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// The command before it runs, for a test that wants to kill or feed it. Of the developer's
    /// own environment only what a program needs to run at all is kept.
    pub fn command<S: AsRef<std::ffi::OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Command {
        let mut command = Command::new(&self.program);
        command.args(args).current_dir(self.path()).stdin(Stdio::null()).env_clear();
        for name in ["PATH", "TMPDIR", "LOCKKEEPER_TEST_PG_BIN", "RUST_BACKTRACE", "LLVM_PROFILE_FILE"] {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        command.env("HOME", self.path()).env("LC_ALL", "C.UTF-8").envs(self.env.iter().cloned());
        command
    }
}

fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    for entry in std::fs::read_dir(from)? {
        let (entry, to) = entry.map(|entry| (entry.path(), to.join(entry.file_name())))?;
        if entry.is_dir() {
            std::fs::create_dir_all(&to)?;
            copy(&entry, &to)?;
        } else if entry.is_file() {
            std::fs::copy(&entry, &to)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_runs_in_the_folder_with_its_variables() {
        let project = Project::new("/bin/sh").with_env([("DB_NAME", "shop")]);
        project.write("a/b.txt", "hello");
        let finished = project.lockkeeper(["-c", "cat a/b.txt; echo $DB_NAME >&2; exit 3"]);
        let elsewhere = project.cloned();
        drop(std::fs::remove_file(project.path().join("a/b.txt")));
        assert_eq!(elsewhere.read("a/b.txt"), "hello");
        assert_eq!(finished, Finished { code: Some(3), stdout: "hello".to_owned(), stderr: "shop\n".to_owned() });
    }
}
