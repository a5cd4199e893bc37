//! Where settings come from, read once: the environment, `.env`, `lockkeeper.toml`, password files.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use lockkeeper_core::message;
use lockkeeper_core::model::{Answer, Message, Problem};
use lockkeeper_engine::postgres::{Passfile, Secret};

use super::env_names::{self, DB_PASSWORD_FILE, HOME, LOCKKEEPER_CONFIG, PGPASSFILE};
use super::file::FileSettings;
use super::{Flags, dotenv, file, lenient};

/// Everything that settings are made of, as plain data.
#[derive(Clone, Default)]
pub struct Sources {
    /// The process's environment: the names of [`env_names::ALL`], and those that the file names itself, that are set
    /// and not empty.
    pub env: BTreeMap<String, String>,
    /// The project's `.env`, empty values left out.
    pub dotenv: BTreeMap<String, String>,
    pub file: FileSettings,
    /// The configuration file, when there is one.
    pub config: Option<PathBuf>,
    pub project_dir: PathBuf,
    pub home: Option<PathBuf>,
    pub os_user: Option<String>,
    /// The folder of a local server's socket, when there is such a folder.
    pub socket_dir: Option<PathBuf>,
    /// What `DB_PASSWORD_FILE` names, if it is set; a problem only for who needs the password.
    pub password_file: Option<Answer<Secret>>,
    pub passfile: Passfile,
    /// What a person should know though it stops nothing.
    pub warnings: Vec<Message>,
    /// What cannot be read may have named the environment.
    pub lost_its_head: bool,
}

/// What becomes of something that cannot be read.
pub enum Asking<'p> {
    /// It ends the reading: everything must be as somebody meant it.
    Everything,
    /// It is put aside, and reading goes on without it.
    Whatever(&'p mut Vec<Problem>),
}

impl Asking<'_> {
    fn take<T: Default>(&mut self, answer: Answer<T>) -> Answer<T> {
        match (answer, self) {
            (Err(problem), Self::Whatever(problems)) => {
                problems.push(*problem);
                Ok(T::default())
            }
            (answer, _) => answer,
        }
    }
}

/// Where local servers put their sockets, by who packaged them.
const SOCKET_DIRS: [&str; 2] = ["/var/run/postgresql", "/tmp"];

impl Sources {
    /// Reads the process's environment and the files that it and the flags name.
    pub fn read(flags: &Flags) -> Answer<Self> {
        Self::gather(flags, &mut Asking::Everything)
    }

    /// The same, with what cannot be read dealt with as is asked for.
    pub(super) fn gather(flags: &Flags, asking: &mut Asking<'_>) -> Answer<Self> {
        let mut env = BTreeMap::new();
        for known in env_names::ALL {
            env.extend(asking.take(read_env([known.name], |name| std::env::var_os(name)))?);
        }
        let project_dir = flags.project_dir.clone().unwrap_or_else(|| PathBuf::from("."));
        if !project_dir.is_dir() {
            let path = project_dir.display().to_string();
            asking.take::<()>(Err(Problem::usage(message!("settings-project-dir-missing", path = path))))?;
        }
        let dotenv = read_dotenv(&project_dir.join(".env"));
        let lost_dotenv = dotenv.is_err();
        let dotenv = asking.take(dotenv)?;
        let (config, file, lost_its_head) = read_file(flags, &env, &dotenv, &project_dir, asking)?;
        // Headers and receivers name variables of their own.
        env.extend(asking.take(read_env(file.health.variables(), |name| std::env::var_os(name)))?);
        env.extend(asking.take(read_env(file.notify.variables(), |name| std::env::var_os(name)))?);
        let home = env.get(HOME).map(PathBuf::from);
        let password_file = env.get(DB_PASSWORD_FILE).map(PathBuf::from);
        let password_file = password_file.or_else(|| dotenv.get(DB_PASSWORD_FILE).map(|path| project_dir.join(path)));
        let passfile = env.get(PGPASSFILE).map(PathBuf::from);
        let passfile = passfile.or_else(|| dotenv.get(PGPASSFILE).map(|path| project_dir.join(path)));
        let passfile = passfile.or_else(|| home.as_ref().map(|home| home.join(".pgpass")));
        let (passfile, warning) = passfile.map_or_else(Default::default, |path| Passfile::read(&path));
        Ok(Self {
            password_file: password_file.map(|path| read_password(&path)),
            passfile,
            warnings: warning.into_iter().collect(),
            os_user: whoami::username().ok(),
            socket_dir: SOCKET_DIRS.iter().map(PathBuf::from).find(|dir| dir.is_dir()),
            env,
            dotenv,
            file,
            config,
            project_dir,
            home,
            lost_its_head: lost_its_head || lost_dotenv,
        })
    }

    /// A name that has no place of its own in the order of sources: the environment before `.env`.
    pub(super) fn named(&self, name: &str) -> Option<&str> {
        self.env.get(name).or_else(|| self.dotenv.get(name)).map(String::as_str)
    }
}

/// Names only: values may be passwords, or URLs that hold one.
impl std::fmt::Debug for Sources {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sources")
            .field("env", &self.env.keys())
            .field("dotenv", &self.dotenv.keys())
            .field("config", &self.config)
            .field("project_dir", &self.project_dir)
            .finish_non_exhaustive()
    }
}

fn read_env<'n>(
    names: impl IntoIterator<Item = &'n str>,
    get: impl Fn(&str) -> Option<OsString>,
) -> Answer<BTreeMap<String, String>> {
    let mut env = BTreeMap::new();
    for name in names {
        // An empty value is what a compose file passes on for a variable that is not set.
        let Some(value) = get(name).filter(|value| !value.is_empty()) else {
            continue;
        };
        let value = value.into_string().map_err(|_| Problem::usage(message!("settings-env-not-utf8", name = name)))?;
        env.insert(name.to_owned(), value);
    }
    Ok(env)
}

fn read_dotenv(path: &Path) -> Answer<BTreeMap<String, String>> {
    let Some(text) = read_if_there(path)? else {
        return Ok(BTreeMap::new());
    };
    let mut values = dotenv::parse(&path.display().to_string(), &text)?;
    values.retain(|_, value| !value.is_empty());
    Ok(values)
}

/// The file's path, what it says, and whether its head was lost.
fn read_file(
    flags: &Flags,
    env: &BTreeMap<String, String>,
    dotenv: &BTreeMap<String, String>,
    project_dir: &Path,
    asking: &mut Asking<'_>,
) -> Answer<(Option<PathBuf>, FileSettings, bool)> {
    let named = flags.config.clone().or_else(|| env.get(LOCKKEEPER_CONFIG).map(PathBuf::from));
    let named = named.or_else(|| dotenv.get(LOCKKEEPER_CONFIG).map(|path| project_dir.join(path)));
    let path = named.clone().unwrap_or_else(|| project_dir.join("lockkeeper.toml"));
    let shown = path.display().to_string();
    let missing = || {
        Problem::usage(message!("settings-file-missing", path = shown.as_str())).hint(message!("settings-hint-config"))
    };
    let text = match read_if_there(&path) {
        Ok(None) if named.is_some() => Err(missing()),
        text => text,
    };
    let is_unread = text.is_err();
    match (asking.take(text)?, asking) {
        (None, _) => Ok((None, FileSettings::default(), is_unread)),
        (Some(text), Asking::Everything) => Ok((Some(path), file::parse(&shown, &text)?, false)),
        (Some(text), Asking::Whatever(problems)) => {
            let rest = lenient::parse(&shown, &text);
            problems.extend(rest.problems);
            Ok((Some(path), rest.settings, rest.lost_its_head))
        }
    }
}

fn read_password(path: &Path) -> Answer<Secret> {
    let shown = path.display().to_string();
    let problem = |reason: String| {
        Problem::usage(message!("settings-password-file-unreadable", path = shown.clone(), reason = reason))
            .hint(message!("settings-hint-password-file"))
    };
    let text = std::fs::read_to_string(path).map_err(|error| problem(error.to_string()))?;
    // An editor's or a mount's line end is no part of the password.
    let password = text.strip_suffix('\n').unwrap_or(&text);
    let password = password.strip_suffix('\r').unwrap_or(password);
    if password.is_empty() {
        let empty = message!("settings-password-file-empty", path = shown.clone());
        return Err(Problem::usage(empty).hint(message!("settings-hint-password-file")));
    }
    Ok(Secret::new(password))
}

fn read_if_there(path: &Path) -> Answer<Option<String>> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => {
            let path = path.display().to_string();
            Err(Problem::usage(message!("settings-file-unreadable", path = path, reason = error.to_string())))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStringExt;

    use super::*;

    #[test]
    fn an_empty_variable_is_not_set_and_a_broken_one_is_named() {
        let env = read_env(["DB_HOST"], |name| (name == "DB_HOST").then(OsString::new)).unwrap();
        assert!(env.is_empty());
        let problem =
            read_env(["DB_PASSWORD"], |name| (name == "DB_PASSWORD").then(|| OsString::from_vec(vec![b'h', 0xff])))
                .unwrap_err();
        assert_eq!(problem.message.to_string(), "settings-env-not-utf8 name=\"DB_PASSWORD\"");
    }

    #[test]
    fn a_line_end_is_no_part_of_a_password() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("password");
        for (text, expected) in
            [("hunter2\n", "hunter2"), ("hunter2\r\n", "hunter2"), (" a b \n\n", " a b \n"), ("x", "x")]
        {
            std::fs::write(&path, text).unwrap();
            assert_eq!(read_password(&path).unwrap().reveal(), expected, "{text:?}");
        }
        std::fs::write(&path, "\n").unwrap();
        assert_eq!(read_password(&path).unwrap_err().message.id, "settings-password-file-empty");
        assert_eq!(
            read_password(Path::new("/nonexistent")).unwrap_err().message.id,
            "settings-password-file-unreadable"
        );
    }

    #[test]
    fn a_project_is_read_from_its_folder() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(".env"), "DB_NAME=shop\nDB_USER=\n").unwrap();
        std::fs::write(folder.path().join("lockkeeper.toml"), "environment = \"staging\"").unwrap();
        let flags = Flags { project_dir: Some(folder.path().to_owned()), ..Flags::default() };
        let sources = Sources::read(&flags).unwrap();
        assert_eq!(sources.dotenv.get("DB_NAME").map(String::as_str), Some("shop"));
        assert!(!sources.dotenv.contains_key("DB_USER"));
        assert_eq!(sources.file.environment.as_deref(), Some("staging"));

        let flags = Flags { config: Some(folder.path().join("other.toml")), ..flags };
        assert_eq!(Sources::read(&flags).unwrap_err().message.id, "settings-file-missing");
        let flags = Flags { project_dir: Some(folder.path().join("missing")), ..Flags::default() };
        assert_eq!(Sources::read(&flags).unwrap_err().message.id, "settings-project-dir-missing");
    }
}
