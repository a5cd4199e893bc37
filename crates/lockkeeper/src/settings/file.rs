//! `lockkeeper.toml`: what a project writes down once for everybody.

use std::ops::Range;
use std::time::Duration;

use lockkeeper_core::message;
use lockkeeper_core::model::{Answer, Message, Place, Problem, Span};
use lockkeeper_core::release::GithubRule;
use serde::Deserialize;
use serde::de::IgnoredAny;
use toml::Spanned;

use super::backup_section::{FileBackup, RawBackup};
use super::duration;
use super::gates_section::{FileGates, RawGates};
use super::github_section::RawGithub;
use super::health_section::{Health, RawHealth};
use super::lint_section::{FileLint, RawLint};
use super::notify_section::{FileNotify, RawNotify};
use super::release_section::{FileRelease, RawHooks, RawRelease};

/// The file's contents. What is missing is `None`: the defaults are given where all sources meet.
#[derive(Debug, Clone, Default)]
pub struct FileSettings {
    pub environment: Option<String>,
    pub migrations: Option<String>,
    pub safe_rewrites: Option<bool>,
    pub database: FileDatabase,
    pub allowed_signers: Option<String>,
    pub expires_after: Option<Duration>,
    pub author_may_approve: Option<bool>,
    pub github: Option<GithubRule>,
    pub approval_remind_every: Option<Duration>,
    pub lock_timeout: Option<Duration>,
    pub statement_timeout: Option<Duration>,
    pub connect_timeout: Option<Duration>,
    pub lock_attempts: Option<u32>,
    pub drift_ignored: Option<Vec<String>>,
    pub lint: FileLint,
    pub health: Health,
    pub backup: FileBackup,
    pub gates: FileGates,
    pub release: FileRelease,
    pub notify: FileNotify,
}

/// The section `[database]`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileDatabase {
    pub host: Option<String>,
    pub port: Option<u16>,
    pub name: Option<String>,
    pub user: Option<String>,
    pub sslmode: Option<String>,
    pub sslrootcert: Option<String>,
    pub sslcert: Option<String>,
    pub sslkey: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    environment: Option<String>,
    migrations: Option<String>,
    safe_rewrites: Option<bool>,
    #[serde(default)]
    database: FileDatabase,
    #[serde(default)]
    approval: RawApproval,
    #[serde(default)]
    limits: RawLimits,
    #[serde(default)]
    drift: RawDrift,
    #[serde(default)]
    lint: RawLint,
    #[serde(default)]
    health: RawHealth,
    #[serde(default)]
    backup: RawBackup,
    #[serde(default)]
    gates: RawGates,
    #[serde(default)]
    release: RawRelease,
    #[serde(default)]
    hooks: RawHooks,
    #[serde(default)]
    notify: RawNotify,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawDrift {
    ignore: Option<Vec<String>>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawApproval {
    allowed_signers: Option<String>,
    expires_after: Option<Spanned<String>>,
    author_may_approve: Option<bool>,
    github: Option<Spanned<RawGithub>>,
    remind_every: Option<Spanned<String>>,
    wait_at_most: Option<Spanned<String>>,
    on_expiry: Option<Spanned<String>>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawLimits {
    lock_timeout: Option<Spanned<String>>,
    statement_timeout: Option<Spanned<String>>,
    connect_timeout: Option<Spanned<String>>,
    lock_attempts: Option<Spanned<u32>>,
}

/// Only to find a password where it must not be, before anything is said about its line.
#[derive(Deserialize)]
struct PasswordHunt {
    password: Option<Spanned<IgnoredAny>>,
    database: Option<PasswordHuntDatabase>,
}

#[derive(Deserialize)]
struct PasswordHuntDatabase {
    password: Option<Spanned<IgnoredAny>>,
}

/// Below this likeness (Jaro-Winkler, 0 to 1) a suggestion confuses more than it helps.
const LIKENESS_MIN: f64 = 0.8;

/// Reads the file's text. `path` is what problems call the file.
pub fn parse(path: &str, text: &str) -> Answer<FileSettings> {
    let source = Source { path, text };
    source.refuse_password()?;
    let raw: Raw = toml::from_str(text).map_err(|error| source.problem(&error))?;
    let mut release = source.release(raw.release, raw.hooks)?;
    source.approval_wait(raw.approval.wait_at_most, raw.approval.on_expiry.as_ref(), &mut release.terms)?;
    let settings = FileSettings {
        environment: raw.environment,
        migrations: raw.migrations,
        safe_rewrites: raw.safe_rewrites,
        database: raw.database,
        allowed_signers: raw.approval.allowed_signers,
        expires_after: source.not_zero(raw.approval.expires_after, message!("settings-expires-after-zero"))?,
        author_may_approve: raw.approval.author_may_approve,
        github: raw.approval.github.map(|github| source.github(github)).transpose()?,
        approval_remind_every: source.not_zero(raw.approval.remind_every, message!("settings-approval-remind-zero"))?,
        lock_timeout: source.not_zero(raw.limits.lock_timeout, message!("settings-lock-timeout-zero"))?,
        statement_timeout: source.duration(raw.limits.statement_timeout)?,
        connect_timeout: source.duration(raw.limits.connect_timeout)?,
        lock_attempts: source.at_least_one(raw.limits.lock_attempts)?,
        drift_ignored: raw.drift.ignore,
        lint: source.lint(raw.lint)?,
        health: source.health(raw.health)?,
        backup: source.backup(raw.backup)?,
        gates: source.gates(raw.gates)?,
        release,
        notify: source.notify(&raw.notify)?,
    };
    Ok(settings)
}

pub(super) struct Source<'t> {
    path: &'t str,
    text: &'t str,
}

impl Source<'_> {
    fn refuse_password(&self) -> Answer<()> {
        // A file that is no TOML at all is told of by the real reading.
        let Ok(found) = toml::from_str::<PasswordHunt>(self.text) else {
            return Ok(());
        };
        let Some(password) = found.password.or(found.database.and_then(|database| database.password)) else {
            return Ok(());
        };
        Err(Problem::usage(message!("settings-file-password"))
            .at(self.place(password.span()))
            .hint(message!("settings-hint-password-places"))
            .hint(message!("settings-hint-password-leaked")))
    }

    fn problem(&self, error: &toml::de::Error) -> Box<Problem> {
        let span = error.span().unwrap_or_default();
        let mut place = self.place(span.clone());
        let key = self.text.get(span).unwrap_or_default().trim_matches(['"', '\'']);
        if !error.message().starts_with("unknown field") {
            return Problem::usage(message!("settings-file-invalid", reason = error.message())).at(place);
        }
        // What an unknown key was meant to be nobody knows: its value may be a password.
        if let Some(snippet) = &mut place.snippet {
            snippet.line = snippet.line.chars().take(snippet.before + snippet.marked).collect();
        }
        let problem = Problem::usage(message!("settings-file-unknown-key", key = key)).at(place);
        match likely(key, expected(error.message())) {
            Some(known) => problem.hint(message!("settings-hint-did-you-mean", name = known)),
            None => problem,
        }
    }

    pub(super) fn duration(&self, value: Option<Spanned<String>>) -> Answer<Option<Duration>> {
        let Some(value) = value else { return Ok(None) };
        let bad = || {
            Problem::usage(message!("settings-duration-invalid", value = value.get_ref()))
                .at(self.place(value.span()))
                .hint(message!("settings-hint-duration"))
        };
        duration::parse(value.get_ref()).map(Some).ok_or_else(bad)
    }

    pub(super) fn not_zero(&self, value: Option<Spanned<String>>, refusal: Message) -> Answer<Option<Duration>> {
        let span = value.as_ref().map(Spanned::span).unwrap_or_default();
        match self.duration(value)? {
            Some(Duration::ZERO) => Err(Problem::usage(refusal).at(self.place(span))),
            other => Ok(other),
        }
    }

    fn at_least_one(&self, value: Option<Spanned<u32>>) -> Answer<Option<u32>> {
        match value {
            Some(value) if *value.get_ref() == 0 => {
                Err(Problem::usage(message!("settings-lock-attempts-zero")).at(self.place(value.span())))
            }
            value => Ok(value.map(Spanned::into_inner)),
        }
    }

    /// The place with its line, unless the line may hold a secret.
    pub(super) fn place(&self, span: Range<usize>) -> Place {
        let mut place = Place::span(self.path, self.text, Span::new(span.start, span.end));
        let may_hold_a_secret = place.snippet.as_ref().is_some_and(|snippet| {
            let line = snippet.line.to_lowercase();
            ["pass", "pwd", "secret", "token", "url", "://"].iter().any(|word| line.contains(word))
        });
        if may_hold_a_secret {
            place.snippet = None;
        }
        place
    }
}

/// The word of these that was most likely meant.
pub(super) fn likely<'w>(word: &str, words: impl IntoIterator<Item = &'w str>) -> Option<&'w str> {
    let likeness = |known: &str| strsim::jaro_winkler(word, known);
    let best = words.into_iter().max_by(|left, right| likeness(left).total_cmp(&likeness(right)))?;
    (likeness(best) >= LIKENESS_MIN).then_some(best)
}

/// The keys that may stand where an unknown one stands, out of what the library says of it: "unknown field `hots`,
/// expected one of `host`, `port`".
fn expected(said: &str) -> impl Iterator<Item = &str> {
    let (_, expected) = said.split_once(", expected").unwrap_or_default();
    expected.split('`').skip(1).step_by(2)
}

#[cfg(test)]
mod tests {
    use lockkeeper_core::model::LineColumn;

    use super::*;

    const FULL: &str = r#"
environment = "production"
migrations = "db/migrations"

[database]
host = "db.example.com"
port = 5432
name = "shop"
user = "admin"
sslmode = "verify-full"
sslrootcert = "system"
sslcert = "client.crt"
sslkey = "client.key"

[approval]
allowed_signers = "keys"
expires_after = "24h"
author_may_approve = false

[limits]
lock_timeout = "2s"
statement_timeout = "0"
connect_timeout = "10s"
lock_attempts = 20
"#;

    #[test]
    fn every_key_is_read() {
        let file = parse("lockkeeper.toml", FULL).unwrap();
        assert_eq!(file.environment.as_deref(), Some("production"));
        assert_eq!(file.database.port, Some(5432));
        assert_eq!(file.expires_after, Some(Duration::from_hours(24)));
        assert_eq!(file.lock_timeout, Some(Duration::from_secs(2)));
        assert_eq!(file.statement_timeout, Some(Duration::ZERO));
        assert_eq!(file.lock_attempts, Some(20));
        let nothing = parse("lockkeeper.toml", "").unwrap();
        assert_eq!(format!("{nothing:?}"), format!("{:?}", FileSettings::default()));
    }

    #[test]
    fn what_was_meant_is_looked_for_where_it_may_stand() {
        for (text, meant) in [
            ("[database]\nhots = \"db\"", Some("host")),
            ("[limits]\nlock_time = \"2s\"", Some("lock_timeout")),
            ("[[health.http]]\nname = \"shop\"\nuri = \"http://a/\"", Some("url")),
            ("[[health.http]]\nname = \"shop\"\nurl = \"http://a/\"\ntls_expires = \"14d\"", Some("tls_expires_in")),
            ("[[health.process]]\nname = \"shop\"\npidfile = \"a\"", Some("pid_file")),
            ("[health.database]\nschema = [\"behind\"]", Some("schema_fails")),
            ("[drift]\nignored = []", Some("ignore")),
            // A key of another section is none of this one.
            ("[limits]\nsslmode = \"require\"", None),
        ] {
            let hints = refused(text).2;
            let expected: Vec<String> =
                meant.iter().map(|name| format!("settings-hint-did-you-mean name=\"{name}\"")).collect();
            assert_eq!(hints, expected, "{text}");
        }
    }

    fn refused(text: &str) -> (String, Option<LineColumn>, Vec<String>) {
        let problem = parse("lockkeeper.toml", text).unwrap_err();
        let place = problem.place.clone().unwrap();
        assert_eq!(&*place.path, "lockkeeper.toml");
        (problem.message.to_string(), place.at, problem.hints.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn a_problem_names_line_and_column_and_the_likely_word() {
        let at = |line, column| Some(LineColumn { line, column });
        assert_eq!(
            refused("[database]\nhots = \"db\""),
            (
                "settings-file-unknown-key key=\"hots\"".to_owned(),
                at(2, 1),
                vec!["settings-hint-did-you-mean name=\"host\"".to_owned()]
            )
        );
        assert_eq!(refused("zzz = 1").2, Vec::<String>::new());
        assert_eq!(refused("[limits]\nlock_timeout = \"2 weeks\"").1, at(2, 16));
        assert_eq!(refused("[limits]\nlock_timeout = \"0s\"").0, "settings-lock-timeout-zero");
        assert_eq!(refused("[limits]\nlock_attempts = 0").0, "settings-lock-attempts-zero");
        assert_eq!(refused("[database]\nport = \"x\"").1, at(2, 8));
        assert_eq!(refused("environment = ").1, at(1, 15));
    }

    #[test]
    fn a_password_is_refused_and_never_shown() {
        for text in [
            "[database]\npassword = \"hunter2\"",
            "password = \"hunter2\"",
            "[database]\npassword = hunter2",
            "[database]\nurl = \"postgres://u:hunter2@db\"",
            "[database]\npasword = \"hunter2\"",
        ] {
            let problem = parse("lockkeeper.toml", text).unwrap_err();
            assert!(!format!("{problem:?} {problem}").contains("hunter2"), "{problem:?}");
        }
        assert_eq!(parse("f", "[database]\npassword = \"x\"").unwrap_err().message.id, "settings-file-password");
    }
}
