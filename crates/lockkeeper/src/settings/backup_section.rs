//! The section `[backup]` of `lockkeeper.toml`: where backups go, what makes them, and what stage 2 asks of them.

use std::time::Duration;

use lockkeeper_core::message;
use lockkeeper_core::model::{Answer, Problem};
use lockkeeper_core::release::BackupRule;
use serde::Deserialize;
use toml::Spanned;

use super::file::Source;

/// What the section says; paths as they stand there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileBackup {
    pub directory: Option<String>,
    pub pg_dump: Option<String>,
    pub jobs: Option<u16>,
    /// How long a lock that the dump needs is waited for.
    pub lock_wait: Duration,
    /// The user's own command, and the one that verifies what it made. Never empty.
    pub command: Option<Vec<String>>,
    pub verify_command: Option<Vec<String>>,
    /// How long either may take.
    pub timeout: Duration,
    /// What stage 2 asks of a backup; `None` when nothing.
    pub rule: Option<BackupRule>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawBackup {
    directory: Option<String>,
    pg_dump: Option<String>,
    jobs: Option<Spanned<u16>>,
    lock_wait: Option<Spanned<String>>,
    command: Option<Spanned<Vec<String>>>,
    verify_command: Option<Spanned<Vec<String>>>,
    timeout: Option<Spanned<String>>,
    required: Option<bool>,
    max_age: Option<Spanned<String>>,
    verified: Option<Spanned<bool>>,
}

/// Nobody queues behind one who waits for so weak a lock, so waiting longer than a migration may is no harm.
const LOCK_WAIT_DEFAULT: Duration = Duration::from_secs(30);
const TIMEOUT_DEFAULT: Duration = Duration::from_hours(1);
const MAX_AGE_DEFAULT: Duration = Duration::from_hours(24);

impl Default for FileBackup {
    fn default() -> Self {
        Self {
            directory: None,
            pg_dump: None,
            jobs: None,
            lock_wait: LOCK_WAIT_DEFAULT,
            command: None,
            verify_command: None,
            timeout: TIMEOUT_DEFAULT,
            rule: None,
        }
    }
}

impl Source<'_> {
    pub(super) fn backup(&self, raw: RawBackup) -> Answer<FileBackup> {
        let zero = || message!("settings-backup-zero");
        let command = self.line(raw.command)?;
        let verify_command = self.line(raw.verify_command)?;
        let max_age = self.not_zero(raw.max_age, zero())?.unwrap_or(MAX_AGE_DEFAULT);
        let verified = raw.verified.as_ref().is_none_or(|verified| *verified.get_ref());
        let required = raw.required.unwrap_or(false);
        if required && verified && command.is_some() && verify_command.is_none() {
            let problem = Problem::usage(message!("settings-backup-unverifiable"));
            let problem = match raw.verified {
                Some(verified) => problem.at(self.place(verified.span())),
                None => problem,
            };
            return Err(problem.hint(message!("settings-hint-backup-unverifiable")));
        }
        let jobs = match raw.jobs {
            Some(jobs) if *jobs.get_ref() == 0 => {
                return Err(Problem::usage(zero()).at(self.place(jobs.span())));
            }
            jobs => jobs.map(Spanned::into_inner),
        };
        Ok(FileBackup {
            directory: raw.directory,
            pg_dump: raw.pg_dump,
            jobs,
            lock_wait: self.not_zero(raw.lock_wait, zero())?.unwrap_or(LOCK_WAIT_DEFAULT),
            command,
            verify_command,
            timeout: self.not_zero(raw.timeout, zero())?.unwrap_or(TIMEOUT_DEFAULT),
            rule: required.then_some(BackupRule { max_age, verified }),
        })
    }

    /// A program and its arguments.
    fn line(&self, line: Option<Spanned<Vec<String>>>) -> Answer<Option<Vec<String>>> {
        match line {
            Some(line) if line.get_ref().first().is_none_or(|program| program.trim().is_empty()) => {
                Err(Problem::usage(message!("settings-backup-command")).at(self.place(line.span())))
            }
            line => Ok(line.map(Spanned::into_inner)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::file;

    fn read(text: &str) -> Result<FileBackup, &'static str> {
        file::parse("lockkeeper.toml", text).map(|file| file.backup).map_err(|problem| problem.message.id)
    }

    #[test]
    fn a_backup_is_asked_for_only_where_the_section_says_so() {
        assert_eq!(read(""), Ok(FileBackup::default()));
        assert_eq!(read("[backup]\nmax_age = \"1h\"").unwrap().rule, None);
        let usual = BackupRule { max_age: Duration::from_hours(24), verified: true };
        assert_eq!(read("[backup]\nrequired = true").unwrap().rule, Some(usual));
        let own = BackupRule { max_age: Duration::from_mins(90), verified: false };
        let text = "[backup]\nrequired = true\nmax_age = \"90m\"\nverified = false";
        assert_eq!(read(text).unwrap().rule, Some(own));
    }

    #[test]
    fn what_can_never_be_is_refused() {
        for (text, expected) in [
            ("jobs = 0", "settings-backup-zero"),
            ("max_age = \"0\"", "settings-backup-zero"),
            ("timeout = \"0s\"", "settings-backup-zero"),
            ("max_age = \"soon\"", "settings-duration-invalid"),
            ("command = []", "settings-backup-command"),
            ("verify_command = [\" \"]", "settings-backup-command"),
            ("required = true\ncommand = [\"./snapshot.sh\"]", "settings-backup-unverifiable"),
            ("password = \"x\"", "settings-file-unknown-key"),
        ] {
            assert_eq!(read(&format!("[backup]\n{text}")), Err(expected), "{text}");
        }
        let text = "[backup]\nrequired = true\nverified = false\ncommand = [\"./snapshot.sh\", \"--now\"]";
        assert_eq!(read(text).unwrap().command, Some(vec!["./snapshot.sh".to_owned(), "--now".to_owned()]));
    }
}
