//! The flags that every command takes.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// The command line's own form, as clap reads it.
///
/// There is deliberately no flag for a password and none for a database URL: whatever stands on a
/// command line is shown by `ps` to everybody on the machine and kept in the shell's history.
#[expect(clippy::doc_markdown, reason = "these are the help texts, which show no Markdown")]
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
#[command(next_help_heading = "Global options")]
pub struct GlobalFlags {
    /// Configuration file [default: lockkeeper.toml in the project's folder]
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// The project's folder, in which .env and lockkeeper.toml lie [default: the current one]
    #[arg(long, global = true, value_name = "FOLDER")]
    pub project_dir: Option<PathBuf>,
    /// Folder of the migrations [default: migrations]
    #[arg(long, global = true, value_name = "FOLDER")]
    pub migrations: Option<PathBuf>,
    /// The server's name or address, or the folder of its Unix socket [env: DB_HOST]
    #[arg(long, global = true, value_name = "HOST")]
    pub host: Option<String>,
    /// The server's port [env: DB_PORT]
    #[arg(long, global = true, value_name = "PORT")]
    pub port: Option<u16>,
    /// The database [env: DB_NAME]
    #[arg(long, global = true, value_name = "NAME")]
    pub dbname: Option<String>,
    /// The role to connect as [env: DB_USER]
    #[arg(long, global = true, value_name = "ROLE")]
    pub user: Option<String>,
    /// disable, allow, prefer, require, verify-ca or verify-full [env: DB_SSLMODE]
    #[arg(long, global = true, value_name = "MODE")]
    pub sslmode: Option<String>,
    /// The environment's name; `production` refuses connections without verified TLS
    #[arg(long, global = true, value_name = "NAME")]
    pub environment: Option<String>,
    /// Language of messages: en or ko [env: LC_ALL, LANG]
    #[arg(long, global = true, value_name = "LANGUAGE")]
    pub lang: Option<String>,
    /// Report as JSON on standard output
    #[arg(long, global = true)]
    pub json: bool,
    /// When to use colours
    #[arg(long, global = true, value_name = "WHEN", value_enum, default_value_t)]
    pub color: ColorChoice,
}

/// When to use colours.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum ColorChoice {
    /// On a terminal, unless `NO_COLOR` is set.
    #[default]
    Auto,
    Always,
    Never,
}

/// The same as plain data, which is what resolving works on.
pub type Flags = GlobalFlags;

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser};

    use super::*;

    #[derive(Debug, Parser)]
    struct Program {
        #[command(flatten)]
        flags: GlobalFlags,
    }

    #[test]
    fn nothing_secret_can_be_given_as_a_flag() {
        let command = Program::command();
        for argument in command.get_arguments() {
            let name = argument.get_long().unwrap_or_default();
            assert!(!name.contains("password") && !name.contains("url"), "{name}");
        }
        command.debug_assert();
    }

    #[test]
    fn flags_are_read() {
        let program = Program::parse_from(["lockkeeper", "--host", "db", "--port", "6432", "--color", "never"]);
        assert_eq!(program.flags.host.as_deref(), Some("db"));
        assert_eq!(program.flags.port, Some(6432));
        assert_eq!(program.flags.color, ColorChoice::Never);
    }
}
