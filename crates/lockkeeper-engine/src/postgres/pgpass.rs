//! Passwords from `~/.pgpass`, by libpq's rules (manual, libpq, The Password File).

use std::path::Path;

use lockkeeper_core::message;
use lockkeeper_core::model::Message;

use super::{Host, Secret};

/// The lines of a password file, in their order: the first that matches counts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Passfile {
    entries: Vec<PassfileEntry>,
}

/// One line. `None` stands for `*`, which matches everything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PassfileEntry {
    host: Option<String>,
    port: Option<String>,
    database: Option<String>,
    user: Option<String>,
    password: Secret,
}

/// Folders that count as libpq's default for sockets, where `localhost` in the file matches too.
/// libpq has one of these compiled in; which one depends on who built it.
const SOCKET_DIRS_DEFAULT: [&str; 3] = ["/var/run/postgresql", "/run/postgresql", "/tmp"];

impl Passfile {
    /// Reads a password file. A missing file is an empty one. A file that others can read is not
    /// used at all, and the warning that comes back says so, as libpq's does.
    pub fn read(path: &Path) -> (Self, Option<Message>) {
        use std::os::unix::fs::PermissionsExt;
        let Ok(metadata) = std::fs::metadata(path) else {
            return (Self::default(), None);
        };
        let shown = path.display().to_string();
        if !metadata.is_file() {
            return (Self::default(), Some(message!("connect-passfile-not-a-file", path = shown)));
        }
        if metadata.permissions().mode() & 0o077 != 0 {
            return (Self::default(), Some(message!("connect-passfile-permissions", path = shown)));
        }
        match std::fs::read(path) {
            Ok(bytes) => (Self::parse(&String::from_utf8_lossy(&bytes)), None),
            Err(error) => {
                let reason = error.to_string();
                (Self::default(), Some(message!("connect-passfile-unreadable", path = shown, reason = reason)))
            }
        }
    }

    /// `host:port:database:user:password`, one a line. Lines with fewer fields are passed over.
    pub fn parse(text: &str) -> Self {
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        Self { entries: lines.filter_map(PassfileEntry::parse).collect() }
    }

    /// The password of the first line that matches.
    pub fn password_for(&self, host: &Host, port: u16, database: &str, user: &str) -> Option<&Secret> {
        let port = port.to_string();
        self.entries.iter().find(|entry| entry.matches(host, &port, database, user)).map(|entry| &entry.password)
    }
}

impl PassfileEntry {
    fn parse(line: &str) -> Option<Self> {
        let mut rest = line;
        let mut field = || {
            let (field, after) = split_field(rest)?;
            rest = after;
            Some((field != "*").then(|| unescape(field)))
        };
        let (host, port, database, user) = (field()?, field()?, field()?, field()?);
        // A colon ends the password as it ends every other field, unless it is escaped.
        let password = split_field(rest).map_or(rest, |(password, _)| password);
        Some(Self { host, port, database, user, password: Secret::new(unescape(password)) })
    }

    fn matches(&self, host: &Host, port: &str, database: &str, user: &str) -> bool {
        let fits = |field: &Option<String>, value: &str| field.as_deref().is_none_or(|field| field == value);
        let host_fits = match host {
            Host::Tcp(name) => fits(&self.host, name),
            Host::SocketDir(dir) => {
                let dir = dir.to_string_lossy();
                let is_default = SOCKET_DIRS_DEFAULT.contains(&dir.trim_end_matches('/'));
                fits(&self.host, &dir) || (is_default && fits(&self.host, "localhost"))
            }
        };
        host_fits && fits(&self.port, port) && fits(&self.database, database) && fits(&self.user, user)
    }
}

/// The text up to the next colon that no backslash escapes, and what follows the colon.
fn split_field(text: &str) -> Option<(&str, &str)> {
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            ':' => return Some((&text[..at], &text[at + 1..])),
            _ => {}
        }
    }
    None
}

fn unescape(field: &str) -> String {
    let mut text = String::with_capacity(field.len());
    let mut chars = field.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => text.extend(chars.next()),
            c => text.push(c),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, host: &str, expected: Option<&str>) {
        let found = Passfile::parse(text);
        let found = found.password_for(&Host::parse(host), 5432, "shop", "admin");
        assert_eq!(found.map(Secret::reveal), expected, "{text} for {host}");
    }

    #[test]
    fn the_first_line_that_matches_counts() {
        check("db:5432:shop:admin:one\n*:*:*:*:two\n", "db", Some("one"));
        check("db:5433:shop:admin:one\n*:*:*:*:two\n", "db", Some("two"));
        check("db:5432:other:admin:one\n", "db", None);
        check("db:5432:shop:other:one\n", "db", None);
        check("", "db", None);
    }

    #[test]
    fn a_backslash_takes_the_next_character_as_it_is() {
        check(r"db:*:*:*:pa\:ss\\word", "db", Some(r"pa:ss\word"));
        check(r"\:\:1:5432:*:*:six", "::1", Some("six"));
        check(r"\*:*:*:*:star", "db", None);
    }

    #[test]
    fn comments_and_short_lines_are_passed_over() {
        check("#db:5432:shop:admin:one\ndb:5432\n\ndb:5432:shop:admin:two", "db", Some("two"));
        check("db:5432:shop:admin:crlf\r\n", "db", Some("crlf"));
    }

    #[test]
    fn localhost_matches_a_socket_in_a_default_folder_only() {
        check("localhost:*:*:*:local", "/var/run/postgresql", Some("local"));
        check("localhost:*:*:*:local", "/tmp", Some("local"));
        check("localhost:*:*:*:local", "/srv/sockets", None);
        check("/srv/sockets:*:*:*:named", "/srv/sockets", Some("named"));
    }

    #[test]
    fn a_file_that_others_can_read_is_not_used() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pgpass");
        std::fs::write(&path, "*:*:*:*:secret\n").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
        let (passfile, warning) = Passfile::read(&path);
        assert_eq!(passfile, Passfile::default());
        assert_eq!(warning.unwrap().id, "connect-passfile-permissions");

        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        let (passfile, warning) = Passfile::read(&path);
        assert!(warning.is_none());
        assert!(passfile.password_for(&Host::parse("db"), 1, "d", "u").is_some());
        assert!(!format!("{passfile:?}").contains("secret"));

        let (passfile, warning) = Passfile::read(&folder.path().join("missing"));
        assert!(passfile == Passfile::default() && warning.is_none());
    }
}
