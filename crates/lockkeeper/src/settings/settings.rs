//! The resolved settings, which is all that a command sees.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use lockkeeper_core::model::{Answer, Message, Problem, ServerVersion};
use lockkeeper_core::release::{BackupRule, GithubRule, HealthRule};
use lockkeeper_engine::github::GithubRun;
use lockkeeper_engine::postgres::Target;
use lockkeeper_lint::check::Allow;
use lockkeeper_lint::report::Severity;

use super::{ColorChoice, FileRelease, Health, Notify};

/// Settings from all sources together.
#[derive(Debug, Clone)]
pub struct Settings {
    pub environment: Environment,
    pub project_dir: PathBuf,
    /// The configuration file, when there is one.
    pub config: Option<PathBuf>,
    pub migrations: PathBuf,
    pub approval: Approval,
    pub limits: Limits,
    /// Whether plain SQL becomes steps that disturb nobody.
    pub safe_rewrites: bool,
    pub lint: Lint,
    pub health: Health,
    pub backup: Backup,
    pub gates: Gates,
    /// By which terms a release drives itself, and its hooks.
    pub release: FileRelease,
    pub notify: Notify,
    /// Patterns of objects that others may create, change and drop.
    pub drift_ignored: Vec<String>,
    /// The folder in which events wait that cannot be logged.
    pub spool: PathBuf,
    /// Who is recorded as having acted.
    pub actor: String,
    /// From `--lang`, `LC_ALL`, `LC_MESSAGES` or `LANG`, as it stands there: `ko_KR.UTF-8`.
    pub language: Option<String>,
    pub json: bool,
    pub color: ColorChoice,
    /// What a person should know though it stops nothing: to be printed once.
    pub warnings: Vec<Message>,
    /// What could not be read, for a command that goes on without it; none for all others.
    pub problems: Vec<Problem>,
    /// Whether somebody said which database: one that libpq's defaults lead to is not written to unasked.
    pub target_is_named: bool,
    pub(super) target: Answer<Target>,
}

/// The environment's name, as `environment = "production"` gives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Environment(pub(super) String);

/// What the rules go by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lint {
    /// The oldest server that the files must run on.
    pub version: ServerVersion,
    /// Rules as the project sets them; `None` is off.
    pub severities: BTreeMap<String, Option<Severity>>,
    pub allowed: Vec<Allow>,
}

/// Who may open the second gate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approval {
    /// The file with the public keys of those who may approve.
    pub allowed_signers: PathBuf,
    /// How long an approval holds.
    pub expires_after: Duration,
    pub author_may_approve: bool,
    /// `None` where no review on GitHub approves.
    pub github: Option<GithubApproval>,
}

/// Whose reviews on GitHub approve, and the run that this process is part of, if it is part of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GithubApproval {
    pub rule: GithubRule,
    pub run: Option<Result<GithubRun, Message>>,
}

/// Which gates are asked, where that is not the same for everybody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gates {
    /// Whether what a stage runs must have been tried in a shadow.
    pub verify: bool,
    /// What stage 2 asks of a watch; `None` when nothing.
    pub health: Option<HealthRule>,
}

/// Where backups go, what makes them, and what stage 2 asks of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backup {
    /// `None` when nobody said where: then no folder is right.
    pub directory: Option<PathBuf>,
    /// The `pg_dump` to use, instead of the one that is found.
    pub pg_dump: Option<PathBuf>,
    /// How many tables are dumped at the same time; `None` goes by the cores.
    pub jobs: Option<u16>,
    /// How long a lock that the dump needs is waited for.
    pub lock_wait: Duration,
    /// The user's own command instead of `pg_dump`, and the one that verifies what it made.
    pub command: Option<Vec<String>>,
    pub verify_command: Option<Vec<String>>,
    /// How long either may take.
    pub timeout: Duration,
    /// What stage 2 asks of a backup; `None` when nothing.
    pub rule: Option<BackupRule>,
}

/// How long others may be made to wait, and how long we do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Never zero: that would mean to wait for ever, with everybody else behind.
    pub lock_timeout: Duration,
    /// `None` is without end.
    pub statement_timeout: Option<Duration>,
    /// `None` is without end.
    pub connect_timeout: Option<Duration>,
    /// Never zero.
    pub lock_attempts: u32,
}

impl Settings {
    /// The database. A problem with its settings is told only to commands that need one, so that
    /// `lint` works without any.
    pub fn target(&self) -> Answer<&Target> {
        self.target.as_ref().map_err(Clone::clone)
    }
}

impl Environment {
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether connections must be protected. `Production` and `prod` are meant as well.
    pub fn is_production(&self) -> bool {
        ["production", "prod"].iter().any(|name| self.0.eq_ignore_ascii_case(name))
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            lock_timeout: Duration::from_secs(2),
            statement_timeout: None,
            connect_timeout: Some(Duration::from_secs(10)),
            lock_attempts: 20,
        }
    }
}
