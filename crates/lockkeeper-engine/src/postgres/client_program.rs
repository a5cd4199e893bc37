//! The server's client programs, `pg_dump` and `pg_restore`: where they are, of which version, and how they are told
//! where to connect without a word on their command line.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use lockkeeper_core::message;
use lockkeeper_core::model::{Answer, Problem};

use super::private_server::{parse_major, pg_config_bindir, versioned_dirs};
use super::{Host, RootCert, SslMode, Target};

/// A client program that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientProgram {
    pub path: PathBuf,
    pub major: i32,
    /// As it says itself: `pg_dump (PostgreSQL) 15.18`.
    pub version: String,
}

/// `sslrootcert=system` came with libpq 16; before, it is the name of a file.
const KNOWS_SYSTEM_ROOTS: i32 = 16;

impl ClientProgram {
    /// The program of that name for a server of that major version. `explicit` alone counts when it is given; else
    /// it is looked for in `first`, on `PATH`, where `pg_config` points and where packages put it. One of the
    /// server's own version is preferred to a newer one, and an older one is none.
    ///
    /// # Errors
    /// None is there, or only older ones.
    pub fn find(name: &str, explicit: Option<&Path>, first: Option<&Path>, major: i32, to: &Target) -> Answer<Self> {
        let environment = libpq_environment(to);
        let path = std::env::var_os("PATH").unwrap_or_default();
        let on_path = || std::env::split_paths(&path).filter(|dir| dir.is_absolute());
        let places: Vec<PathBuf> = match explicit {
            Some(named) if named.components().count() > 1 => vec![named.to_owned()],
            Some(named) => on_path().map(|dir| dir.join(named)).collect(),
            None => {
                let dirs = first.map(Path::to_owned).into_iter().chain(on_path());
                dirs.chain(pg_config_bindir()).chain(versioned_dirs()).map(|dir| dir.join(name)).collect()
            }
        };
        let mut best: Option<Self> = None;
        for place in places.into_iter().filter(|place| place.is_file()) {
            let Some(found) = Self::at(place, &environment) else { continue };
            if found.major == major {
                return Ok(found);
            }
            // Of several the nearest newer one; of older ones the newest, to be named in the refusal.
            let is_better = match &best {
                None => true,
                Some(best) if best.major >= major => found.major > major && found.major < best.major,
                Some(best) => found.major > best.major,
            };
            if is_better {
                best = Some(found);
            }
        }
        match best {
            Some(found) if found.major >= major => Ok(found),
            Some(found) => Err(Problem::usage(message!(
                "client-program-older",
                program = found.path.display().to_string(),
                found = found.major,
                server = major
            ))
            .hint(message!("client-program-hint", name = name, major = major))),
            None => {
                let shown = explicit.map_or_else(|| name.to_owned(), |explicit| explicit.display().to_string());
                Err(Problem::usage(message!("client-program-missing", program = shown)).hint(message!(
                    "client-program-hint",
                    name = name,
                    major = major
                )))
            }
        }
    }

    /// Refuses what this program's libpq would misunderstand.
    ///
    /// # Errors
    /// `sslrootcert=system` for a program that takes it for a file.
    pub fn check(&self, target: &Target) -> Answer<()> {
        let is_system = target.sslrootcert == Some(RootCert::System) && matches!(target.host, Host::Tcp(_));
        if is_system && self.major < KNOWS_SYSTEM_ROOTS && target.sslmode != SslMode::Disable {
            let program = self.path.display().to_string();
            let problem =
                Problem::usage(message!("client-program-system-roots", program = program, found = self.major));
            return Err(problem.hint(message!("client-program-system-roots-hint")));
        }
        Ok(())
    }

    /// Asked in the surroundings in which it will run: Debian's wrapper picks a version by them.
    fn at(path: PathBuf, environment: &[(&'static str, OsString)]) -> Option<Self> {
        let mut command = Command::new(&path);
        command.arg("--version").stdin(Stdio::null()).stderr(Stdio::null());
        for (name, _) in std::env::vars_os().filter(|(name, _)| is_libpq_name(name)) {
            command.env_remove(name);
        }
        let output = command.envs(environment.iter().cloned()).output().ok()?;
        let version = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        Some(Self { major: parse_major(&version)?, path, version })
    }
}

/// Whether a variable would change what a client program does, or holds a password that it needs not know.
pub fn is_libpq_name(name: &OsStr) -> bool {
    let name = name.to_string_lossy();
    name.starts_with("PG") || name.starts_with("DB_") || name == "DATABASE_URL"
}

/// The variables by which libpq connects as we do. The password stands here and nowhere else: the environment of a
/// process can be read by its own user alone, its command line by everybody on the machine.
pub fn libpq_environment(target: &Target) -> Vec<(&'static str, OsString)> {
    let host: OsString = match &target.host {
        Host::Tcp(host) => host.into(),
        Host::SocketDir(dir) => dir.into(),
    };
    let mut environment: Vec<(&'static str, OsString)> = vec![
        ("PGHOST", host),
        ("PGPORT", target.port.to_string().into()),
        ("PGDATABASE", (&target.database).into()),
        ("PGUSER", (&target.user).into()),
        ("PGAPPNAME", (&target.application_name).into()),
        ("PGGSSENCMODE", "disable".into()),
        // What the program itself says is read by us.
        ("LC_ALL", "C".into()),
    ];
    if let Some(password) = &target.password {
        environment.push(("PGPASSWORD", password.reveal().into()));
    }
    if let Some(timeout) = target.connect_timeout {
        environment.push(("PGCONNECT_TIMEOUT", timeout.as_secs().max(2).to_string().into()));
    }
    if matches!(target.host, Host::Tcp(_)) {
        environment.push(("PGSSLMODE", target.sslmode.as_str().into()));
        match &target.sslrootcert {
            Some(RootCert::File(path)) => environment.push(("PGSSLROOTCERT", path.into())),
            Some(RootCert::System) => environment.push(("PGSSLROOTCERT", "system".into())),
            None => {}
        }
        environment.extend(target.sslcert.iter().map(|path| ("PGSSLCERT", path.into())));
        environment.extend(target.sslkey.iter().map(|path| ("PGSSLKEY", path.into())));
        let binding = match target.channel_binding {
            super::ChannelBinding::Disable => "disable",
            super::ChannelBinding::Prefer => "prefer",
            super::ChannelBinding::Require => "require",
        };
        environment.push(("PGCHANNELBINDING", binding.into()));
    }
    environment
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::postgres::{ChannelBinding, Secret};

    fn target(host: &str) -> Target {
        Target {
            host: Host::parse(host),
            port: 5433,
            database: "shop".to_owned(),
            user: "admin".to_owned(),
            password: Some(Secret::new("hunter2")),
            sslmode: SslMode::VerifyFull,
            sslrootcert: Some(RootCert::File(PathBuf::from("certs/root.crt"))),
            sslcert: None,
            sslkey: None,
            channel_binding: ChannelBinding::Require,
            certificates_dir: None,
            connect_timeout: None,
            application_name: Target::APPLICATION_NAME.to_owned(),
        }
    }

    #[test]
    fn a_program_connects_as_well_protected_as_we_do() {
        let environment = libpq_environment(&target("db.example.com"));
        let value = |name: &str| environment.iter().find(|it| it.0 == name).map(|it| it.1.to_string_lossy());
        for (name, expected) in [
            ("PGHOST", "db.example.com"),
            ("PGPORT", "5433"),
            ("PGDATABASE", "shop"),
            ("PGUSER", "admin"),
            ("PGPASSWORD", "hunter2"),
            ("PGSSLMODE", "verify-full"),
            ("PGSSLROOTCERT", "certs/root.crt"),
            ("PGCHANNELBINDING", "require"),
        ] {
            assert_eq!(value(name).as_deref(), Some(expected), "{name}");
        }
        // What is inherited must not say otherwise.
        assert!(environment.iter().all(|(name, _)| is_libpq_name(OsStr::new(name)) || *name == "LC_ALL"));
        let socket = libpq_environment(&target("/run/postgresql"));
        assert!(socket.iter().all(|(name, _)| !name.starts_with("PGSSL")));
    }

    #[test]
    fn system_roots_need_a_libpq_that_knows_them() {
        let program = |major| ClientProgram { path: PathBuf::from("pg_dump"), major, version: String::new() };
        let system = |host| Target { sslrootcert: Some(RootCert::System), ..target(host) };
        assert_eq!(program(15).check(&system("db")).unwrap_err().message.id, "client-program-system-roots");
        assert!(program(16).check(&system("db")).is_ok() && program(15).check(&system("/run")).is_ok());
        assert!(program(15).check(&target("db")).is_ok());
    }
}
