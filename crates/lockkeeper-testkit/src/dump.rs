//! A schema as text that can be compared.

use std::path::PathBuf;
use std::process::Command;

use lockkeeper_engine::postgres::{Host, ServerBinaries, Target};

/// `pg_dump --schema-only` without what says nothing of the schema.
#[track_caller]
pub(crate) fn schema(target: &Target, binaries: &ServerBinaries) -> String {
    let Host::SocketDir(host) = &target.host else {
        panic!("dumps are taken over the socket, where no password is needed");
    };
    let output = Command::new(pg_dump(binaries))
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

/// The server's own `pg_dump` when it is there; else the one on `PATH`, which refuses a server
/// newer than itself.
fn pg_dump(binaries: &ServerBinaries) -> PathBuf {
    let own = binaries.dir().join("pg_dump");
    if own.exists() { own } else { PathBuf::from("pg_dump") }
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
