//! Which database, from all sources, by the order of precedence; a pure function.
//!
//! Each value is looked for by itself, in this order: flag; `DB_*`; `DATABASE_URL`; the same two
//! from `.env`; libpq's `PG*`; `lockkeeper.toml`; libpq's default.

use std::path::PathBuf;
use std::time::Duration;

use lockkeeper_core::message;
use lockkeeper_core::model::{Answer, Problem};
use lockkeeper_engine::postgres::{ChannelBinding, Host, RootCert, Secret, SslMode, Target};

use super::database_url::{self, DatabaseUrl};
use super::env_names::{
    DATABASE_URL, DB_HOST, DB_NAME, DB_PASSWORD, DB_PASSWORD_FILE, DB_PORT, DB_SSLCERT, DB_SSLKEY, DB_SSLMODE,
    DB_SSLROOTCERT, DB_USER, PGAPPNAME, PGCHANNELBINDING, PGCONNECT_TIMEOUT, PGDATABASE, PGHOST, PGPASSWORD, PGPORT,
    PGSSLCERT, PGSSLKEY, PGSSLMODE, PGSSLROOTCERT, PGUSER,
};
use super::resolve::beside_config;
use super::{Environment, Flags, Sources};

/// A value and who said it, for a problem that must name the setting to look at.
struct Found {
    value: String,
    source: String,
    /// Where a relative path starts.
    base: PathBuf,
    /// A part of the URL is never shown.
    may_be_shown: bool,
}

struct Layers<'s> {
    sources: &'s Sources,
    url: DatabaseUrl,
    dotenv_url: DatabaseUrl,
}

pub(super) fn resolve(
    flags: &Flags,
    sources: &Sources,
    environment: &Environment,
    connect_timeout: Option<Duration>,
) -> Answer<Target> {
    let layers = Layers::read(sources)?;
    let file = &sources.file.database;

    let host = layers.find(flags.host.as_ref(), "--host", DB_HOST, |url| url.host.as_ref(), PGHOST, file.host.clone());
    let host = match host {
        Some(found) if found.value.contains(',') => {
            return Err(Problem::usage(message!("settings-several-hosts", source = found.source))
                .hint(message!("settings-hint-several-hosts")));
        }
        Some(found) => Host::parse(&found.value),
        None => sources.socket_dir.clone().map_or_else(|| Host::Tcp("localhost".to_owned()), Host::SocketDir),
    };
    let port = flags.port.map(|port| port.to_string());
    let port = layers.find(
        port.as_ref(),
        "--port",
        DB_PORT,
        |url| url.port.as_ref(),
        PGPORT,
        file.port.map(|port| port.to_string()),
    );
    let port = port.map_or(Ok(5432), |found| found.port())?;
    let user = layers.find(flags.user.as_ref(), "--user", DB_USER, |url| url.user.as_ref(), PGUSER, file.user.clone());
    let user = user.map(|found| found.value).or_else(|| sources.os_user.clone());
    let user = user
        .ok_or_else(|| Problem::usage(message!("settings-user-missing")).hint(message!("connect-hint-user-setting")))?;
    let database = layers.find(
        flags.dbname.as_ref(),
        "--dbname",
        DB_NAME,
        |url| url.database.as_ref(),
        PGDATABASE,
        file.name.clone(),
    );
    let database = database.map_or_else(|| user.clone(), |found| found.value);

    let sslrootcert =
        layers.find(None, "", DB_SSLROOTCERT, |url| url.sslrootcert.as_ref(), PGSSLROOTCERT, file.sslrootcert.clone());
    let sslrootcert = sslrootcert.map(|found| match found.value.as_str() {
        "system" => RootCert::System,
        _ => RootCert::File(found.path()),
    });
    let sslmode = layers.find(
        flags.sslmode.as_ref(),
        "--sslmode",
        DB_SSLMODE,
        |url| url.sslmode.as_ref(),
        PGSSLMODE,
        file.sslmode.clone(),
    );
    let (sslmode, sslmode_source) = match sslmode {
        Some(found) => (found.sslmode()?, found.source),
        // As libpq does: the system's authorities vouch for everybody, so the name must be checked.
        None if sslrootcert == Some(RootCert::System) => (SslMode::VerifyFull, DB_SSLMODE.to_owned()),
        None => (SslMode::Prefer, DB_SSLMODE.to_owned()),
    };
    let sslcert = layers.find(None, "", DB_SSLCERT, |url| url.sslcert.as_ref(), PGSSLCERT, file.sslcert.clone());
    let sslkey = layers.find(None, "", DB_SSLKEY, |url| url.sslkey.as_ref(), PGSSLKEY, file.sslkey.clone());
    let channel_binding = layers.find(None, "", "", |url| url.channel_binding.as_ref(), PGCHANNELBINDING, None);
    let timeout = layers.find(None, "", "", |url| url.connect_timeout.as_ref(), PGCONNECT_TIMEOUT, None);
    let application_name = layers.find(None, "", "", |url| url.application_name.as_ref(), PGAPPNAME, None);

    let password = layers.password()?;
    let password = password.or_else(|| sources.passfile.password_for(&host, port, &database, &user).cloned());
    let target = Target {
        host,
        port,
        database,
        user,
        password,
        sslmode,
        sslrootcert,
        sslcert: sslcert.map(|found| found.path()),
        sslkey: sslkey.map(|found| found.path()),
        channel_binding: channel_binding.map_or(Ok(ChannelBinding::Prefer), |found| found.channel_binding())?,
        certificates_dir: sources.home.as_ref().map(|home| home.join(".postgresql")),
        connect_timeout: timeout.map_or(Ok(connect_timeout), |found| found.seconds())?,
        application_name: application_name.map_or_else(|| Target::APPLICATION_NAME.to_owned(), |found| found.value),
    };
    if environment.is_production() && !target.is_protected() {
        let sslmode = target.sslmode.as_str();
        let unprotected = message!(
            "settings-production-unprotected",
            server = target.server(),
            sslmode = sslmode,
            source = sslmode_source
        );
        return Err(Problem::usage(unprotected)
            .hint(message!("settings-hint-production-sslmode"))
            .hint(message!("tls-hint-root-setting")));
    }
    Ok(target)
}

/// Whether anybody said which server or which database.
pub(super) fn is_named(flags: &Flags, sources: &Sources) -> bool {
    let file = &sources.file.database;
    let said = [&flags.host, &flags.dbname, &file.host, &file.name];
    said.into_iter().any(Option::is_some)
        || [DB_HOST, DB_NAME, DATABASE_URL].into_iter().any(|name| sources.named(name).is_some())
        || [PGHOST, PGDATABASE].into_iter().any(|name| sources.env.contains_key(name))
}

impl<'s> Layers<'s> {
    fn read(sources: &'s Sources) -> Answer<Self> {
        let parse =
            |url: Option<&String>| url.map_or_else(|| Ok(DatabaseUrl::default()), |url| database_url::parse(url));
        let url = sources.env.get(DATABASE_URL);
        // The real environment's URL replaces the file's as a whole: they name two databases.
        let dotenv_url = if url.is_some() { None } else { sources.dotenv.get(DATABASE_URL) };
        Ok(Self { sources, url: parse(url)?, dotenv_url: parse(dotenv_url)? })
    }

    fn find(
        &self,
        flag: Option<&String>,
        flag_name: &str,
        name: &str,
        in_url: impl Fn(&DatabaseUrl) -> Option<&String>,
        libpq_name: &str,
        in_file: Option<String>,
    ) -> Option<Found> {
        let sources = self.sources;
        let here = PathBuf::new;
        let in_env = |name: &str| {
            let value = sources.env.get(name)?.clone();
            Some(Found { value, source: name.to_owned(), base: here(), may_be_shown: true })
        };
        let in_dotenv = |name: &str| {
            let value = sources.dotenv.get(name)?.clone();
            let source = format!("{name} in .env");
            Some(Found { value, source, base: sources.project_dir.clone(), may_be_shown: true })
        };
        let of_url = |url: &DatabaseUrl, source: &str, base: PathBuf| {
            let value = in_url(url)?.clone();
            Some(Found { value, source: source.to_owned(), base, may_be_shown: false })
        };
        let flag = flag.filter(|value| !value.is_empty());
        flag.map(|value| Found { value: value.clone(), source: flag_name.to_owned(), base: here(), may_be_shown: true })
            .or_else(|| in_env(name))
            .or_else(|| of_url(&self.url, DATABASE_URL, here()))
            .or_else(|| in_dotenv(name))
            .or_else(|| of_url(&self.dotenv_url, "DATABASE_URL in .env", sources.project_dir.clone()))
            .or_else(|| in_env(libpq_name))
            .or_else(|| in_dotenv(libpq_name))
            .or_else(|| {
                let value = in_file.filter(|value| !value.is_empty())?;
                let source = sources
                    .config
                    .as_ref()
                    .map_or_else(|| "lockkeeper.toml".to_owned(), |path| path.display().to_string());
                Some(Found { value, source, base: beside_config(sources, ""), may_be_shown: true })
            })
    }

    fn password(&self) -> Answer<Option<Secret>> {
        let sources = self.sources;
        let layers = [(&sources.env, &self.url), (&sources.dotenv, &self.dotenv_url)];
        for (layer, url) in layers {
            match (layer.get(DB_PASSWORD), layer.get(DB_PASSWORD_FILE)) {
                (Some(_), Some(_)) => {
                    return Err(Problem::usage(message!("settings-password-twice"))
                        .hint(message!("settings-hint-password-one")));
                }
                (Some(password), None) => return Ok(Some(Secret::new(password))),
                (None, Some(_)) => return sources.password_file.clone().transpose(),
                (None, None) if url.password.is_some() => return Ok(url.password.clone()),
                (None, None) => {}
            }
        }
        Ok(sources.named(PGPASSWORD).map(Secret::new))
    }
}

impl Found {
    fn path(&self) -> PathBuf {
        self.base.join(&self.value)
    }

    fn shown(&self) -> &str {
        if self.may_be_shown { &self.value } else { "***" }
    }

    fn port(&self) -> Answer<u16> {
        let invalid = || {
            Problem::usage(message!("settings-port-invalid", value = self.shown(), source = self.source.clone()))
                .hint(message!("settings-hint-port"))
        };
        self.value.trim().parse().ok().filter(|port| *port != 0).ok_or_else(invalid)
    }

    fn sslmode(&self) -> Answer<SslMode> {
        let invalid = || {
            Problem::usage(message!("settings-sslmode-invalid", value = self.shown(), source = self.source.clone()))
                .hint(message!("settings-hint-sslmode"))
        };
        SslMode::parse(self.value.trim()).ok_or_else(invalid)
    }

    fn channel_binding(&self) -> Answer<ChannelBinding> {
        let invalid = || {
            Problem::usage(message!(
                "settings-channel-binding-invalid",
                value = self.shown(),
                source = self.source.clone()
            ))
        };
        ChannelBinding::parse(self.value.trim()).ok_or_else(invalid)
    }

    /// Whole seconds; zero and less wait without end, as in libpq.
    fn seconds(&self) -> Answer<Option<Duration>> {
        let invalid =
            || Problem::usage(message!("settings-seconds-invalid", value = self.shown(), source = self.source.clone()));
        let seconds: i32 = self.value.trim().parse().map_err(|_| invalid())?;
        Ok(u64::try_from(seconds).ok().filter(|seconds| *seconds > 0).map(Duration::from_secs))
    }
}

#[cfg(test)]
mod tests {
    use lockkeeper_engine::postgres::Passfile;

    use super::*;
    use crate::settings::{file, settings};

    /// Sources written as one text: `env NAME=value`, `dotenv NAME=value`, or a line of the file.
    fn sources(text: &str) -> Sources {
        let mut sources = Sources {
            os_user: Some("sujin".to_owned()),
            socket_dir: Some(PathBuf::from("/var/run/postgresql")),
            home: Some(PathBuf::from("/h")),
            project_dir: PathBuf::from("app"),
            config: Some(PathBuf::from("app/lockkeeper.toml")),
            ..Sources::default()
        };
        let mut toml = String::new();
        for line in text.lines().map(str::trim) {
            let (map, pair) = match line.split_once(' ') {
                Some(("env", pair)) => (&mut sources.env, pair),
                Some(("dotenv", pair)) => (&mut sources.dotenv, pair),
                _ => {
                    toml.extend([line, "\n"]);
                    continue;
                }
            };
            let (name, value) = pair.split_once('=').unwrap();
            map.insert(name.to_owned(), value.to_owned());
        }
        sources.file = file::parse("lockkeeper.toml", &toml).unwrap();
        sources
    }

    fn target_in(environment: &str, text: &str) -> Answer<Target> {
        let environment = settings::Environment(environment.to_owned());
        resolve(&Flags::default(), &sources(text), &environment, Some(Duration::from_secs(10)))
    }

    fn target(text: &str) -> Answer<Target> {
        target_in("development", text)
    }

    fn shown(text: &str) -> String {
        let target = target(text).unwrap();
        let password = target.password.as_ref().map_or("-", Secret::reveal);
        format!("{} {} {} {} {}", target.server(), target.database, target.user, password, target.sslmode)
    }

    #[test]
    fn libpqs_defaults_hold_when_nothing_is_said() {
        assert_eq!(shown(""), "/var/run/postgresql/.s.PGSQL.5432 sujin sujin - prefer");
        let nowhere = Sources { socket_dir: None, ..sources("") };
        let environment = settings::Environment("development".to_owned());
        let target = resolve(&Flags::default(), &nowhere, &environment, None).unwrap();
        assert_eq!(target.host, Host::Tcp("localhost".to_owned()));
        assert_eq!(target.application_name, "lockkeeper");
        assert_eq!(target.certificates_dir, Some(PathBuf::from("/h/.postgresql")));
        let nobody = Sources { os_user: None, ..sources("") };
        let problem = resolve(&Flags::default(), &nobody, &environment, None).unwrap_err();
        assert_eq!(problem.message.id, "settings-user-missing");
    }

    #[test]
    fn each_source_gives_way_to_the_one_before() {
        let mut text = String::new();
        for (line, host) in [
            ("[database]\nhost = \"from-file\"", "from-file"),
            ("dotenv PGHOST=dotenv-pg", "dotenv-pg"),
            ("env PGHOST=env-pg", "env-pg"),
            ("dotenv DATABASE_URL=postgres://dotenv-url", "dotenv-url"),
            ("dotenv DB_HOST=dotenv-db", "dotenv-db"),
            ("env DATABASE_URL=postgres://env-url", "env-url"),
            ("env DB_HOST=env-db", "env-db"),
        ] {
            text = format!("{text}\n{line}");
            assert_eq!(target(&text).unwrap().host, Host::Tcp(host.to_owned()), "{text}");
        }
        let flags = Flags { host: Some("flag".to_owned()), port: Some(1), ..Flags::default() };
        let environment = settings::Environment("development".to_owned());
        let target = resolve(&flags, &sources(&text), &environment, None).unwrap();
        assert_eq!(target.server(), "flag:1");
    }

    #[test]
    fn values_are_looked_for_one_by_one() {
        assert_eq!(
            shown(
                "env DATABASE_URL=postgres://admin:url@db:6432/shop?sslmode=require\nenv DB_NAME=other\nenv PGPASSWORD=pg"
            ),
            "db:6432 other admin url require"
        );
        assert_eq!(shown("env DB_HOST=db\nenv DB_USER=admin"), "db:5432 admin admin - prefer");
        assert_eq!(
            shown("env DATABASE_URL=postgres://db/shop\ndotenv DATABASE_URL=postgres://x:y@z:1/other"),
            "db:5432 shop sujin - prefer"
        );
    }

    #[test]
    fn a_password_comes_from_one_place() {
        let password = |text: &str| target(text).map(|target| target.password.map(|one| one.reveal().to_owned()));
        assert_eq!(password("env DB_PASSWORD=db\nenv DATABASE_URL=postgres://u:url@h").unwrap().as_deref(), Some("db"));
        assert_eq!(password("env DATABASE_URL=postgres://u:url@h\nenv PGPASSWORD=pg").unwrap().as_deref(), Some("url"));
        assert_eq!(password("env PGPASSWORD=pg\ndotenv DB_PASSWORD=dotenv").unwrap().as_deref(), Some("dotenv"));
        assert_eq!(
            password("env DB_PASSWORD=a\nenv DB_PASSWORD_FILE=/b").unwrap_err().message.id,
            "settings-password-twice"
        );
        assert_eq!(password("env DB_PASSWORD=a\ndotenv DB_PASSWORD_FILE=/b").unwrap().as_deref(), Some("a"));

        let environment = settings::Environment("development".to_owned());
        let mut sources = sources("env DB_PASSWORD_FILE=/secret\nenv DB_HOST=db");
        sources.password_file = Some(Ok(Secret::new("mounted")));
        sources.passfile = Passfile::parse("db:5432:*:*:passfile");
        let found = |sources: &Sources| resolve(&Flags::default(), sources, &environment, None).unwrap().password;
        assert_eq!(found(&sources), Some(Secret::new("mounted")));
        sources.env.remove(DB_PASSWORD_FILE);
        assert_eq!(found(&sources), Some(Secret::new("passfile")));
    }

    #[test]
    fn production_wants_a_verified_certificate_or_a_socket() {
        let production = |text: &str| target_in("production", text).map(drop).map_err(|problem| problem.message.id);
        let refused = Err("settings-production-unprotected");
        assert_eq!(production("env DB_HOST=db"), refused);
        for mode in ["disable", "allow", "prefer", "require"] {
            assert_eq!(production(&format!("env DB_HOST=127.0.0.1\nenv DB_SSLMODE={mode}")), refused, "{mode}");
        }
        for mode in ["verify-ca", "verify-full"] {
            assert_eq!(production(&format!("env DB_HOST=db\nenv DB_SSLMODE={mode}")), Ok(()), "{mode}");
        }
        assert_eq!(production("env DB_HOST=/tmp"), Ok(()));
        assert_eq!(production("env DB_HOST=db\nenv DB_SSLROOTCERT=system"), Ok(()));
        assert_eq!(production("env DATABASE_URL=postgres://db/shop?sslmode=require"), refused);
    }

    #[test]
    fn what_is_wrong_is_named_with_its_source() {
        for (text, expected) in [
            ("env DB_PORT=abc", "settings-port-invalid value=\"abc\" source=\"DB_PORT\""),
            ("env DB_PORT=0", "settings-port-invalid value=\"0\" source=\"DB_PORT\""),
            ("env DB_PORT=65536", "settings-port-invalid value=\"65536\" source=\"DB_PORT\""),
            ("dotenv DB_PORT=abc", "settings-port-invalid value=\"abc\" source=\"DB_PORT in .env\""),
            ("env DATABASE_URL=postgres://h:hunter2", "settings-port-invalid value=\"***\" source=\"DATABASE_URL\""),
            ("env PGSSLMODE=verify", "settings-sslmode-invalid value=\"verify\" source=\"PGSSLMODE\""),
            ("env DB_HOST=a,b", "settings-several-hosts source=\"DB_HOST\""),
            ("env PGCONNECT_TIMEOUT=soon", "settings-seconds-invalid value=\"soon\" source=\"PGCONNECT_TIMEOUT\""),
            ("env PGCHANNELBINDING=yes", "settings-channel-binding-invalid value=\"yes\" source=\"PGCHANNELBINDING\""),
            ("[database]\nsslmode = \"on\"", "settings-sslmode-invalid value=\"on\" source=\"app/lockkeeper.toml\""),
        ] {
            assert_eq!(target(text).unwrap_err().message.to_string(), expected, "{text}");
        }
    }

    #[test]
    fn paths_start_where_they_were_written() {
        let root = |text: &str| target(text).unwrap().sslrootcert;
        let file = |path: &str| Some(RootCert::File(PathBuf::from(path)));
        assert_eq!(root("env DB_SSLROOTCERT=ca.crt"), file("ca.crt"));
        assert_eq!(root("dotenv DB_SSLROOTCERT=ca.crt"), file("app/ca.crt"));
        assert_eq!(root("[database]\nsslrootcert = \"ca.crt\""), file("app/ca.crt"));
        assert_eq!(root("[database]\nsslrootcert = \"/ca.crt\""), file("/ca.crt"));
    }

    #[test]
    fn seconds_as_in_libpq() {
        let timeout = |text: &str| target(text).unwrap().connect_timeout;
        assert_eq!(timeout(""), Some(Duration::from_secs(10)));
        assert_eq!(timeout("env PGCONNECT_TIMEOUT=3"), Some(Duration::from_secs(3)));
        assert_eq!(timeout("env PGCONNECT_TIMEOUT=0"), None);
    }

    #[test]
    fn nothing_shows_a_password() {
        let mut sources = sources("env DB_PASSWORD=hunter2\nenv DATABASE_URL=postgres://u:hunter3@h");
        sources.passfile = Passfile::parse("*:*:*:*:hunter4");
        let environment = settings::Environment("development".to_owned());
        let target = resolve(&Flags::default(), &sources, &environment, None).unwrap();
        assert!(!format!("{target:?}").contains("hunter"));
        assert!(!format!("{sources:?}").contains("hunter"), "{sources:?}");
    }
}
