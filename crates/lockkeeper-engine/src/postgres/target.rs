//! Which server, which database, as whom, and how well protected.

use std::path::PathBuf;
use std::time::Duration;

use super::Secret;

/// Everything needed to open a connection, fully resolved: nothing in here is looked up in the
/// environment or guessed later. It is handed to every function that connects and is never global,
/// so that one process can serve several databases.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    pub host: Host,
    pub port: u16,
    pub database: String,
    pub user: String,
    pub password: Option<Secret>,
    pub sslmode: SslMode,
    /// `None` means libpq's default file, `root.crt` in [`Target::certificates_dir`], when it exists.
    pub sslrootcert: Option<RootCert>,
    /// `None` means `postgresql.crt` in [`Target::certificates_dir`], when it exists.
    pub sslcert: Option<PathBuf>,
    /// `None` means `postgresql.key` in [`Target::certificates_dir`].
    pub sslkey: Option<PathBuf>,
    pub channel_binding: ChannelBinding,
    /// Usually `~/.postgresql`. `None` when there is no home folder: then no default files apply.
    pub certificates_dir: Option<PathBuf>,
    /// For each address tried. `None` waits as long as the operating system does.
    pub connect_timeout: Option<Duration>,
    pub application_name: String,
}

/// Where the server listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Host {
    /// A host's name or its IP address.
    Tcp(String),
    /// The folder in which the server's Unix socket lies.
    SocketDir(PathBuf),
}

/// What `sslmode` says; each means exactly what libpq says it means
/// (manual, libpq, SSL Support, "Protection Provided in Different Modes").
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SslMode {
    /// Never TLS.
    Disable,
    /// Plain first; TLS when the server refuses plain.
    Allow,
    /// TLS first; plain when the server has no TLS or refuses it.
    Prefer,
    /// TLS or nothing. Verifies the chain only when a root file exists.
    Require,
    /// TLS, and the certificate must come from a trusted authority.
    VerifyCa,
    /// As `VerifyCa`, and the certificate must be made out to this host.
    VerifyFull,
}

/// Where the trusted certificate authorities come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RootCert {
    File(PathBuf),
    /// `sslrootcert=system`: the authorities the operating system trusts.
    System,
}

/// Whether SCRAM is bound to the TLS connection, which shows somebody in the middle
/// (manual, libpq, Parameter Key Words, `channel_binding`).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum ChannelBinding {
    Disable,
    /// Bound when both sides can.
    #[default]
    Prefer,
    Require,
}

impl Target {
    /// The name Lockkeeper gives itself in `pg_stat_activity` unless told otherwise.
    pub const APPLICATION_NAME: &'static str = "lockkeeper";

    /// The server as people write it: `db.example.com:5432`, `[::1]:5432`, or the socket's path.
    pub fn server(&self) -> String {
        match &self.host {
            Host::Tcp(host) if host.contains(':') => format!("[{host}]:{}", self.port),
            Host::Tcp(host) => format!("{host}:{}", self.port),
            Host::SocketDir(_) => self.socket_path().map(|path| path.display().to_string()).unwrap_or_default(),
        }
    }

    /// The socket's file, when the server is reached through one.
    pub fn socket_path(&self) -> Option<PathBuf> {
        match &self.host {
            Host::Tcp(_) => None,
            Host::SocketDir(dir) => Some(dir.join(format!(".s.PGSQL.{}", self.port))),
        }
    }

    /// The same server and the same person, another database: `postgres` for maintenance, or a shadow.
    #[must_use]
    pub fn with_database(&self, database: impl Into<String>) -> Self {
        Self { database: database.into(), ..self.clone() }
    }

    /// Whether nobody on the way can read or alter what is said: a Unix socket, or TLS whose
    /// certificate is verified. Loopback counts as a network: whoever holds the port is believed.
    pub fn is_protected(&self) -> bool {
        match self.host {
            Host::SocketDir(_) => true,
            Host::Tcp(_) => self.sslmode.verifies(),
        }
    }
}

impl Host {
    /// As libpq reads it: what starts with a slash is the folder of a socket, and so is what starts
    /// with `@`, Linux's abstract sockets, which are not supported and so fail as a missing file.
    pub fn parse(text: &str) -> Self {
        if text.starts_with('/') { Self::SocketDir(PathBuf::from(text)) } else { Self::Tcp(text.to_owned()) }
    }
}

impl SslMode {
    pub const ALL: [Self; 6] =
        [Self::Disable, Self::Allow, Self::Prefer, Self::Require, Self::VerifyCa, Self::VerifyFull];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Disable => "disable",
            Self::Allow => "allow",
            Self::Prefer => "prefer",
            Self::Require => "require",
            Self::VerifyCa => "verify-ca",
            Self::VerifyFull => "verify-full",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mode| mode.as_str() == text)
    }

    /// Whether a connection in this mode always has a verified certificate.
    pub const fn verifies(self) -> bool {
        matches!(self, Self::VerifyCa | Self::VerifyFull)
    }
}

impl ChannelBinding {
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "disable" => Some(Self::Disable),
            "prefer" => Some(Self::Prefer),
            "require" => Some(Self::Require),
            _ => None,
        }
    }
}

impl std::fmt::Display for SslMode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(host: Host, sslmode: SslMode) -> Target {
        Target {
            host,
            port: 5432,
            database: "shop".to_owned(),
            user: "admin".to_owned(),
            password: Some(Secret::new("hunter2")),
            sslmode,
            sslrootcert: None,
            sslcert: None,
            sslkey: None,
            channel_binding: ChannelBinding::Prefer,
            certificates_dir: None,
            connect_timeout: None,
            application_name: Target::APPLICATION_NAME.to_owned(),
        }
    }

    #[test]
    fn only_a_socket_or_a_verified_certificate_protects() {
        for mode in SslMode::ALL {
            assert!(target(Host::parse("/tmp"), mode).is_protected());
            let verified = matches!(mode, SslMode::VerifyCa | SslMode::VerifyFull);
            assert_eq!(target(Host::parse("127.0.0.1"), mode).is_protected(), verified, "{mode}");
        }
    }

    #[test]
    fn a_server_is_written_as_people_write_it() {
        let server = |host| target(Host::parse(host), SslMode::Prefer).server();
        assert_eq!(server("db.example.com"), "db.example.com:5432");
        assert_eq!(server("::1"), "[::1]:5432");
        assert_eq!(server("/run/postgresql"), "/run/postgresql/.s.PGSQL.5432");
    }

    #[test]
    fn debug_hides_the_password() {
        let shown = format!("{:?}", target(Host::parse("db"), SslMode::Prefer));
        assert!(shown.contains("***") && !shown.contains("hunter2"), "{shown}");
    }
}
