//! libpq as the oracle: psql with the same settings must come to the same decision.

use std::process::{Command, Stdio};

use lockkeeper_engine::postgres::{Host, RootCert, Secret, ServerBinaries, Target, connect};

/// What came of connecting: whether the connection was encrypted, or why there is none.
pub type Outcome = Result<bool, String>;

/// Ours, with the message's identifier.
pub async fn ours(target: &Target) -> Outcome {
    match connect(target).await {
        Ok(connection) => Ok(connection.is_encrypted()),
        Err(problem) => Err(problem.message.id.to_owned()),
    }
}

/// psql's, with its own words.
pub fn theirs(target: &Target, binaries: &ServerBinaries) -> Outcome {
    let own = binaries.dir().join("psql");
    let mut command = Command::new(if own.exists() { own } else { "psql".into() });
    command
        .env_clear()
        .stdin(Stdio::null())
        .args(["-XAtqc", "SELECT coalesce((SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()), false)"]);
    let host = match &target.host {
        Host::Tcp(host) => host.clone(),
        Host::SocketDir(dir) => dir.display().to_string(),
    };
    command.env("PATH", std::env::var_os("PATH").unwrap_or_default()).env("LC_ALL", "C");
    command.env("PGHOST", host).env("PGPORT", target.port.to_string()).env("PGGSSENCMODE", "disable");
    command.env("PGDATABASE", &target.database).env("PGUSER", &target.user).env("PGSSLMODE", target.sslmode.as_str());
    command.env("PGPASSWORD", target.password.as_ref().map_or("", Secret::reveal));
    command
        .env("HOME", target.certificates_dir.as_ref().and_then(|dir| dir.parent()).unwrap_or("/nonexistent".as_ref()));
    match &target.sslrootcert {
        Some(RootCert::File(path)) => drop(command.env("PGSSLROOTCERT", path)),
        Some(RootCert::System) => drop(command.env("PGSSLROOTCERT", "system")),
        None => {}
    }
    if let Some(path) = &target.sslcert {
        command.env("PGSSLCERT", path);
    }
    if let Some(path) = &target.sslkey {
        command.env("PGSSLKEY", path);
    }
    let output = command.arg("-w").output().expect("psql is needed as the oracle");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    if output.status.success() { Ok(text(&output.stdout) == "t") } else { Err(text(&output.stderr)) }
}

/// Holds ours against psql's, and gives ours back.
#[track_caller]
pub fn compare(ours: Outcome, theirs: &Outcome, what: &str) -> Outcome {
    assert_eq!(ours.clone().ok(), theirs.clone().ok(), "{what}: ours {ours:?}, psql's {theirs:?}");
    ours
}
