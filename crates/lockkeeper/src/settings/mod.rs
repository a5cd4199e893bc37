//! Settings: flags over environment over file over defaults, resolved once into plain values.
//!
//! [`Sources::read`] is the only part that touches the process's environment and the disk, but for the
//! [`language`] of what it complains about; everything after it is a pure function of what was read.

pub mod env_names;
mod flags;
mod duration;
mod dotenv;
mod file;
mod backup_section;
mod gates_section;
mod github_section;
mod health_section;
mod hook_kit;
mod lint_section;
mod notify_section;
mod database_url;
mod sources;
mod lenient;
mod release_section;
mod resolve;
mod database;
#[expect(clippy::module_inception, reason = "the room and its main noun share their name")]
mod settings;

pub use flags::{ColorChoice, Flags, GlobalFlags};
pub use health_section::{Health, HealthCheck, HealthSource};
pub use lint_section::likely as likely_rule;
pub use notify_section::Notify;
pub use release_section::FileRelease;
pub use settings::{Approval, Backup, Environment, Gates, Limits, Lint, Settings};
pub use sources::Sources;

use std::path::Path;

use file::FileSettings;
use lockkeeper_core::message;
use lockkeeper_core::model::{Answer, Problem};
use lockkeeper_engine::postgres::Target;

/// Reads and resolves in one go: what a command calls.
pub fn load(flags: &Flags) -> Answer<Settings> {
    resolve::resolve(flags, &Sources::read(flags)?)
}

/// Reads whatever can be read; what cannot is told in [`Settings::problems`]. For an emergency.
pub fn load_whatever(flags: &Flags) -> Settings {
    lenient::load(flags)
}

/// A span of time as people write it: `10m`.
pub fn duration_of(text: &str) -> Option<std::time::Duration> {
    duration::parse(text)
}

/// Values that must not be told, whatever command says them: the database's password, and what the environment calls a
/// secret.
pub fn secret_values(settings: &Settings) -> Vec<String> {
    let is_secret =
        |name: &str| ["PASSWORD", "SECRET", "TOKEN", "API_KEY", "PRIVATE_KEY"].iter().any(|it| name.contains(it));
    let password = settings.target().ok().and_then(|target| target.password.as_ref()).map(|it| it.reveal().to_owned());
    let named = std::env::vars().filter(|(name, _)| is_secret(&name.to_uppercase())).map(|(_, value)| value);
    password.into_iter().chain(named).collect()
}

/// The server of a shadow, which is another one than the target's: nothing but its URL says where it is.
pub fn shadow_target(url: &str) -> Answer<Target> {
    // Everybody on the machine sees a command line.
    if database_url::parse(url)?.password.is_some() {
        return Err(
            Problem::usage(message!("settings-shadow-password")).hint(message!("settings-hint-shadow-password"))
        );
    }
    let mut sources = Sources::read(&Flags::default())?;
    sources.env = [(env_names::DATABASE_URL.to_owned(), url.to_owned())].into();
    sources.dotenv.clear();
    sources.file = FileSettings::default();
    database::resolve(&Flags::default(), &sources, &Environment("shadow".to_owned()), None)
}

/// The settings of a project that goes by its own file and these variables alone, whatever the terminal is set up for.
pub fn of_project(folder: &Path, variables: &[(&str, String)], flags: &Flags) -> Answer<Settings> {
    let config = folder.join("lockkeeper.toml");
    let shown = config.display().to_string();
    let text = std::fs::read_to_string(&config).map_err(|error| {
        Problem::usage(message!("settings-file-unreadable", path = shown.as_str(), reason = error.to_string()))
    })?;
    let sources = Sources {
        env: variables.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect(),
        file: file::parse(&shown, &text)?,
        config: Some(config),
        project_dir: folder.to_owned(),
        ..Sources::default()
    };
    resolve::resolve(flags, &sources)
}

/// The language of messages when the settings cannot be read, which must be told in it too.
pub fn language(flags: &Flags) -> Option<String> {
    resolve::language(flags, |name| std::env::var(name).ok().filter(|value| !value.is_empty()))
}

pub use resolve::{LINT_VERSION_DEFAULT, resolve};
