//! All sources into one value, by the order of precedence; a pure function.

use std::path::{Path, PathBuf};
use std::time::Duration;

use lockkeeper_core::message;
use lockkeeper_core::model::{Answer, Problem, ServerVersion};

use super::env_names::{LANG, LC_ALL, LC_MESSAGES, LOCKKEEPER_ACTOR, LOCKKEEPER_ENVIRONMENT, XDG_STATE_HOME};
use super::health_section::Health;
use super::settings::{Approval, Backup, Environment, Limits, Lint, Settings};
use super::{Flags, Sources, database, gates_section, github_section, notify_section};

const ENVIRONMENT_DEFAULT: &str = "development";
const MIGRATIONS_DEFAULT: &str = "migrations";
const ALLOWED_SIGNERS_DEFAULT: &str = "allowed_signers";
const EXPIRES_AFTER_DEFAULT: Duration = Duration::from_hours(24);

/// The oldest supported major version. Whoever runs a broken minor version of it must say so.
pub const LINT_VERSION_DEFAULT: ServerVersion = ServerVersion::from_num(140_099);

/// This near to `production`, in letters changed, a name is taken for a slip of the pen.
const SLIPS_MAX: usize = 2;

/// Flags over environment over file over defaults.
pub fn resolve(flags: &Flags, sources: &Sources) -> Answer<Settings> {
    let environment = environment(flags, sources)?;
    let file = &sources.file;
    let limits = Limits {
        lock_timeout: file.lock_timeout.unwrap_or(Limits::default().lock_timeout),
        statement_timeout: file.statement_timeout.filter(|timeout| !timeout.is_zero()),
        connect_timeout: match file.connect_timeout {
            Some(timeout) => Some(timeout).filter(|timeout| !timeout.is_zero()),
            None => Limits::default().connect_timeout,
        },
        lock_attempts: file.lock_attempts.unwrap_or(Limits::default().lock_attempts),
    };
    let approval = Approval {
        allowed_signers: beside_config(sources, file.allowed_signers.as_deref().unwrap_or(ALLOWED_SIGNERS_DEFAULT)),
        expires_after: file.expires_after.unwrap_or(EXPIRES_AFTER_DEFAULT),
        author_may_approve: file.author_may_approve.unwrap_or(false),
        github: github_section::resolve(sources),
    };
    let target = database::resolve(flags, sources, &environment, limits.connect_timeout);
    let migrations = match &flags.migrations {
        Some(folder) => folder.clone(),
        None => beside_config(sources, file.migrations.as_deref().unwrap_or(MIGRATIONS_DEFAULT)),
    };
    let actor = sources.named(LOCKKEEPER_ACTOR).or(sources.os_user.as_deref()).unwrap_or("unknown").to_owned();
    let language = language(flags, |name| sources.env.get(name).cloned());
    let gates = gates_section::resolve(sources, &environment);
    Ok(Settings {
        environment,
        project_dir: sources.project_dir.clone(),
        config: sources.config.clone(),
        migrations,
        approval,
        limits,
        safe_rewrites: file.safe_rewrites.unwrap_or(true),
        spool: spool(sources),
        lint: Lint {
            version: file.lint.version.unwrap_or(LINT_VERSION_DEFAULT),
            severities: file.lint.rules.clone(),
            allowed: file.lint.allow.clone(),
        },
        health: health(sources),
        backup: backup(sources),
        gates,
        release: sources.file.release.clone(),
        notify: notify_section::resolve(sources),
        drift_ignored: file.drift_ignored.clone().unwrap_or_default(),
        actor,
        language,
        json: flags.json,
        color: flags.color,
        warnings: sources.warnings.clone(),
        problems: Vec::new(),
        target_is_named: database::is_named(flags, sources),
        target,
    })
}

/// With the paths and the headers that the file only names.
fn health(sources: &Sources) -> Health {
    let mut health = sources.file.health.clone();
    health.checks = health
        .checks
        .into_iter()
        .map(|check| {
            let mut check = check.beside(|path| beside_config(sources, path));
            check.fill_in(|name| sources.named(name).map(str::to_owned));
            check
        })
        .collect();
    health
}

fn backup(sources: &Sources) -> Backup {
    let file = &sources.file.backup;
    // A bare name is looked for where programs are.
    let program = |name: &String| if name.contains('/') { beside_config(sources, name) } else { PathBuf::from(name) };
    Backup {
        directory: file.directory.as_deref().map(|path| beside_config(sources, path)),
        pg_dump: file.pg_dump.as_ref().map(program),
        jobs: file.jobs,
        lock_wait: file.lock_wait,
        command: file.command.clone(),
        verify_command: file.verify_command.clone(),
        timeout: file.timeout,
        rule: file.rule,
    }
}

/// The state folder of the person (XDG Base Directory Specification), so that no checkout holds what belongs to a
/// database; beside the project where there is no home.
fn spool(sources: &Sources) -> PathBuf {
    let absolute = |path: &String| Some(PathBuf::from(path)).filter(|path| path.is_absolute());
    let state = sources.env.get(XDG_STATE_HOME).and_then(absolute);
    let state = state.or_else(|| sources.home.as_ref().map(|home| home.join(".local/state")));
    match state {
        Some(state) => state.join("lockkeeper/spool"),
        None => sources.project_dir.join(".lockkeeper/spool"),
    }
}

/// The language of messages, from its flag or the locale's variables.
pub fn language(flags: &Flags, env: impl Fn(&str) -> Option<String>) -> Option<String> {
    flags.lang.clone().or_else(|| [LC_ALL, LC_MESSAGES, LANG].into_iter().find_map(env))
}

fn environment(flags: &Flags, sources: &Sources) -> Answer<Environment> {
    let name = flags.environment.as_deref().or_else(|| sources.named(LOCKKEEPER_ENVIRONMENT));
    let name = name.or(sources.file.environment.as_deref()).unwrap_or(ENVIRONMENT_DEFAULT).trim();
    let environment = Environment(name.to_owned());
    // Without this, a slip of the pen would silently switch the protection of production off.
    let is_slip = strsim::damerau_levenshtein(&name.to_lowercase(), "production") <= SLIPS_MAX;
    if name.is_empty() || (is_slip && !environment.is_production()) {
        let problem = Problem::usage(message!("settings-environment-slip", name = name));
        return Err(problem.hint(message!("settings-hint-did-you-mean", name = "production")));
    }
    Ok(environment)
}

/// A path in the configuration file is meant from where that file is.
pub(super) fn beside_config(sources: &Sources, path: &str) -> PathBuf {
    let folder = sources.config.as_deref().and_then(Path::parent).unwrap_or(&sources.project_dir);
    // `./migrations` means no more than `migrations`, and reads worse in a message.
    if folder == Path::new(".") { PathBuf::from(path) } else { folder.join(path) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::file;

    fn sources(toml: &str) -> Sources {
        Sources {
            file: file::parse("lockkeeper.toml", toml).unwrap(),
            config: Some(PathBuf::from("app/lockkeeper.toml")),
            project_dir: PathBuf::from("app"),
            os_user: Some("sujin".to_owned()),
            ..Sources::default()
        }
    }

    #[test]
    fn defaults_hold_when_nothing_is_said() {
        let settings = resolve(&Flags::default(), &sources("")).unwrap();
        assert_eq!(settings.environment.as_str(), "development");
        assert_eq!(settings.migrations, Path::new("app/migrations"));
        assert_eq!(settings.approval.allowed_signers, Path::new("app/allowed_signers"));
        assert_eq!(settings.approval.expires_after, Duration::from_hours(24));
        assert!(!settings.approval.author_may_approve);
        assert_eq!(settings.limits, Limits::default());
        assert_eq!(settings.actor, "sujin");
        assert_eq!(settings.language, None);
    }

    #[test]
    fn zero_is_without_end() {
        let settings =
            resolve(&Flags::default(), &sources("[limits]\nstatement_timeout = \"0\"\nconnect_timeout = \"0\""))
                .unwrap();
        assert_eq!((settings.limits.statement_timeout, settings.limits.connect_timeout), (None, None));
        assert_eq!(settings.target().unwrap().connect_timeout, None);
    }

    #[test]
    fn flags_come_before_the_environment_and_the_environment_before_the_file() {
        let mut sources = sources("environment = \"from-file\"\nmigrations = \"db\"");
        let name = |flags: &Flags, sources: &Sources| resolve(flags, sources).unwrap().environment.0;
        let flags = Flags { environment: Some("from-flag".to_owned()), ..Flags::default() };
        assert_eq!(name(&Flags::default(), &sources), "from-file");
        sources.dotenv.insert(LOCKKEEPER_ENVIRONMENT.to_owned(), "from-dotenv".to_owned());
        assert_eq!(name(&Flags::default(), &sources), "from-dotenv");
        sources.env.insert(LOCKKEEPER_ENVIRONMENT.to_owned(), "from-env".to_owned());
        assert_eq!(name(&Flags::default(), &sources), "from-env");
        assert_eq!(name(&flags, &sources), "from-flag");

        assert_eq!(resolve(&flags, &sources).unwrap().migrations, Path::new("app/db"));
        let flags = Flags { migrations: Some(PathBuf::from("here")), ..flags };
        assert_eq!(resolve(&flags, &sources).unwrap().migrations, Path::new("here"));
    }

    #[test]
    fn production_cannot_be_missed_by_a_slip_of_the_pen() {
        let environment = |name: &str| {
            let flags = Flags { environment: Some(name.to_owned()), ..Flags::default() };
            resolve(&flags, &sources(""))
                .map(|settings| settings.environment.is_production())
                .map_err(|problem| problem.message.id)
        };
        for name in ["production", "Production", "PROD", "prod", " production "] {
            assert_eq!(environment(name), Ok(true), "{name}");
        }
        for name in ["prodction", "producton", "produktion", "productoin", ""] {
            assert_eq!(environment(name), Err("settings-environment-slip"), "{name}");
        }
        for name in ["staging", "development", "test", "pre-production"] {
            assert_eq!(environment(name), Ok(false), "{name}");
        }
    }

    #[test]
    fn the_language_is_found_in_posix_order() {
        let mut sources = sources("");
        for (name, value) in [(LANG, "en_US.UTF-8"), (LC_MESSAGES, "de_DE.UTF-8"), (LC_ALL, "ko_KR.UTF-8")] {
            sources.env.insert(name.to_owned(), value.to_owned());
            assert_eq!(resolve(&Flags::default(), &sources).unwrap().language.as_deref(), Some(value));
        }
        let flags = Flags { lang: Some("en".to_owned()), ..Flags::default() };
        assert_eq!(resolve(&flags, &sources).unwrap().language.as_deref(), Some("en"));
    }
}
