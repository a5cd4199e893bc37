//! A schema as text that can be compared.

use std::path::{Path, PathBuf};
use std::process::Command;

use lockkeeper_engine::postgres::{Host, ServerBinaries, Target};

/// `pg_dump --schema-only` without what says nothing of the schema. Where no `pg_dump` is new enough
/// for the server, the catalogue itself, line by line: two such texts compare as well as two dumps.
#[track_caller]
pub(crate) fn schema(target: &Target, binaries: &ServerBinaries) -> String {
    let Host::SocketDir(host) = &target.host else {
        panic!("dumps are taken over the socket, where no password is needed");
    };
    let Some(pg_dump) = pg_dump(binaries) else {
        return catalogue(target).join("\n") + "\n";
    };
    let output = Command::new(pg_dump)
        .args(["--schema-only", "--exclude-schema=lockkeeper", "--no-password"])
        .arg("--host")
        .arg(host)
        .args(["--port", &target.port.to_string(), "--username", &target.user, "--dbname", &target.database])
        .env("LC_ALL", "C")
        .output()
        .unwrap_or_else(|error| panic!("pg_dump: {error}"));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    normalise(&String::from_utf8_lossy(&output.stdout))
}

/// What `pg_dump` writes with these arguments.
#[track_caller]
pub(crate) fn written(target: &Target, binaries: &ServerBinaries, arguments: &[&str]) -> Vec<u8> {
    let Host::SocketDir(host) = &target.host else {
        panic!("dumps are taken over the socket, where no password is needed");
    };
    let program = pg_dump(binaries).unwrap_or_else(|| panic!("no pg_dump of major {} or newer", binaries.major()));
    let output = Command::new(program)
        .args(arguments)
        .args(["--no-password", "--port", &target.port.to_string(), "--username", &target.user])
        .args(["--dbname", &target.database])
        .arg("--host")
        .arg(host)
        .output()
        .unwrap_or_else(|error| panic!("pg_dump: {error}"));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

pub(crate) fn can_dump(binaries: &ServerBinaries) -> bool {
    pg_dump(binaries).is_some()
}

/// The catalogue, line by line, sorted.
#[track_caller]
pub(crate) fn catalogue(target: &Target) -> Vec<String> {
    crate::database::simple(target, include_str!("schema.sql")).concat()
}

/// The server's own `pg_dump` when it is there; else one at least as new as the server, because an
/// older one refuses.
fn pg_dump(binaries: &ServerBinaries) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let packaged = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let places = std::iter::once(binaries.dir().to_owned())
        .chain(std::env::split_paths(&path))
        .chain(packaged.map(|version| version.path().join("bin")));
    places.map(|dir| dir.join("pg_dump")).find(|program| major(program).is_some_and(|major| major >= binaries.major()))
}

/// `pg_dump (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)` → 15.
fn major(program: &Path) -> Option<i32> {
    let output = Command::new(program).arg("--version").output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let version = text.split_once("(PostgreSQL) ")?.1;
    version.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

/// Without comments, settings, psql's `\restrict` lines, and more than one empty line in a row.
/// Bodies of functions stay as they are but for lines that look like these.
fn normalise(dump: &str) -> String {
    let mut text = String::with_capacity(dump.len());
    for line in dump.lines() {
        let says_nothing = line.starts_with("--")
            || line.starts_with("\\restrict")
            || line.starts_with("\\unrestrict")
            || line.starts_with("SET ")
            || line.starts_with("SELECT pg_catalog.set_config(");
        if says_nothing || (line.is_empty() && (text.is_empty() || text.ends_with("\n\n"))) {
            continue;
        }
        text.push_str(line);
        text.push('\n');
    }
    text.truncate(text.trim_end().len());
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use super::normalise;

    #[test]
    fn only_the_schema_is_left() {
        let dump = "--\n-- PostgreSQL database dump\n--\n\n\\restrict abc\n\nSET statement_timeout = 0;\n\
                    SELECT pg_catalog.set_config('search_path', '', false);\n\n\nCREATE TABLE a (\n    id integer\n);\n\n\n\
                    --\n-- Name: b\n--\n\nCREATE TABLE b ();\n\n\\unrestrict abc\n\n";
        assert_eq!(normalise(dump), "CREATE TABLE a (\n    id integer\n);\n\nCREATE TABLE b ();\n");
    }
}
