//! The commands of the story that run as a user would run them: as processes of this program, in the demo's project.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use lockkeeper_core::message;
use lockkeeper_core::model::{Answer, ExitClass, Problem};
use lockkeeper_engine::postgres::{Host, Target};

use super::failed;
use super::project::AUTHOR;
use crate::printer::Printer;
use crate::settings::env_names;

/// Where commands run, and for which database.
pub struct Commands {
    pub program: PathBuf,
    pub folder: PathBuf,
    language: Option<String>,
    /// The variables by which a project finds its database.
    variables: Vec<(&'static str, String)>,
}

/// Whether a variable says where the database is or how to get there.
fn names_a_place(name: &str) -> bool {
    ["DB_", "DATABASE_URL", "PG", "LOCKKEEPER_"].iter().any(|start| name.starts_with(start))
}

/// A command line as a person would type it.
pub fn spoken(args: &[&str]) -> String {
    let quoted = |arg: &&str| if arg.contains(' ') { format!("\"{arg}\"") } else { (*arg).to_owned() };
    args.iter().map(quoted).collect::<Vec<_>>().join(" ")
}

impl Commands {
    pub fn new(folder: &Path, target: &Target, language: Option<String>) -> Answer<Self> {
        let host = match &target.host {
            Host::Tcp(host) => host.clone(),
            Host::SocketDir(folder) => folder.display().to_string(),
        };
        let variables = vec![
            ("DB_HOST", host),
            ("DB_PORT", target.port.to_string()),
            ("DB_NAME", target.database.clone()),
            ("DB_USER", target.user.clone()),
            ("LOCKKEEPER_ACTOR", AUTHOR.to_owned()),
        ];
        let program = std::env::current_exe().map_err(|error| failed(&error))?;
        Ok(Self { program, folder: folder.to_owned(), language, variables })
    }

    pub fn variables(&self) -> &[(&'static str, String)] {
        &self.variables
    }

    /// What a process of the demo must not inherit: it plays in its own place, whatever the terminal is set up for.
    pub fn removed() -> Vec<&'static str> {
        env_names::ALL.iter().map(|one| one.name).filter(|name| names_a_place(name)).collect()
    }

    pub fn environment(&self) -> Vec<(&'static str, OsString)> {
        self.variables.iter().map(|(name, value)| (*name, OsString::from(value))).collect()
    }

    /// Runs one to its end and says what it says. It is told a Ctrl-C by the terminal as we are.
    ///
    /// # Errors
    /// It does not end well, which is not in the story.
    pub async fn run(&self, args: &[&str], printer: &Printer) -> Answer<()> {
        let mut command = tokio::process::Command::new(&self.program);
        for name in Self::removed() {
            command.env_remove(name);
        }
        let output = command
            .args(["--color", if printer.is_colored() { "always" } else { "never" }])
            .args(self.language.iter().flat_map(|language| ["--lang", language.as_str()]))
            .args(args)
            .current_dir(&self.folder)
            .envs(self.environment())
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output()
            .await
            .map_err(|error| failed(&error))?;
        // First what was said while it worked, then its answer.
        for line in String::from_utf8_lossy(&output.stderr).lines() {
            printer.note_text(0, line);
        }
        for line in String::from_utf8_lossy(&output.stdout).lines() {
            printer.line(line);
        }
        if output.status.success() {
            return Ok(());
        }
        let code = output.status.code().unwrap_or(-1);
        let said = message!("demo-went-wrong", command = spoken(args), code = code);
        Err(Problem::new(ExitClass::MigrationFailed, said))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_spoken_as_it_is_typed() {
        assert_eq!(
            spoken(&["approve", "stage2", "--reason", "all are on 2"]),
            "approve stage2 --reason \"all are on 2\""
        );
    }

    #[test]
    fn nothing_that_names_a_database_is_inherited() {
        let removed = Commands::removed();
        assert!(
            ["DB_HOST", "DB_PASSWORD_FILE", "DATABASE_URL", "PGHOST", "LOCKKEEPER_CONFIG"]
                .iter()
                .all(|name| removed.contains(name))
        );
        assert!(!removed.contains(&"LC_ALL") && !removed.contains(&"HOME"));
    }
}
