//! Every name of the environment that Lockkeeper reads, in one list.

/// A name and what it is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EnvName {
    pub name: &'static str,
    pub purpose: &'static str,
}

macro_rules! env_names {
    ($($name:ident $purpose:literal)*) => {
        $(pub const $name: &str = stringify!($name);)*

        /// In the order of their precedence.
        pub const ALL: &[EnvName] = &[$(EnvName { name: $name, purpose: $purpose }),*];
    };
}

env_names! {
    DB_HOST "the server's name, its address, or the folder of its Unix socket"
    DB_PORT "the server's port"
    DB_NAME "the database"
    DB_USER "the role to connect as"
    DB_PASSWORD "the role's password"
    DB_PASSWORD_FILE "a file that holds the password, such as a mounted secret"
    DB_SSLMODE "disable, allow, prefer, require, verify-ca or verify-full, as libpq means them"
    DB_SSLROOTCERT "the authorities that the server's certificate is held against: a file, or `system`"
    DB_SSLCERT "the client's certificate"
    DB_SSLKEY "the client certificate's private key"
    DATABASE_URL "all of these in one: postgres://user:password@host:port/database?sslmode=verify-full"
    PGHOST "libpq's name for DB_HOST"
    PGPORT "libpq's name for DB_PORT"
    PGDATABASE "libpq's name for DB_NAME"
    PGUSER "libpq's name for DB_USER"
    PGPASSWORD "libpq's name for DB_PASSWORD"
    PGPASSFILE "the password file, instead of ~/.pgpass"
    PGSSLMODE "libpq's name for DB_SSLMODE"
    PGSSLROOTCERT "libpq's name for DB_SSLROOTCERT"
    PGSSLCERT "libpq's name for DB_SSLCERT"
    PGSSLKEY "libpq's name for DB_SSLKEY"
    PGCHANNELBINDING "disable, prefer or require: whether SCRAM must be bound to the TLS connection"
    PGCONNECT_TIMEOUT "how many seconds to wait for a connection"
    PGAPPNAME "the name in pg_stat_activity, instead of `lockkeeper`"
    LOCKKEEPER_CONFIG "the configuration file, instead of lockkeeper.toml"
    LOCKKEEPER_ENVIRONMENT "the environment's name; `production` refuses connections without verified TLS"
    LOCKKEEPER_ACTOR "who is recorded as having acted, instead of the operating system's user"
    GITHUB_API_URL "where GitHub answers, with [approval.github], instead of https://api.github.com"
    GITHUB_REPOSITORY "owner and name of the repository whose run this is; GitHub sets it"
    GITHUB_RUN_ID "the run whose reviews count with [approval.github]; GitHub sets it"
    GITHUB_RUN_ATTEMPT "the how manieth attempt of that run it is; GitHub sets it"
    GITHUB_TOKEN "what the reviews are read with: a job's token with actions: read"
    HOME "where .pgpass and .postgresql are looked for"
    XDG_STATE_HOME "where events wait that could not be logged, instead of ~/.local/state"
    LC_ALL "the language of messages, before LC_MESSAGES and LANG"
    LC_MESSAGES "the language of messages, before LANG"
    LANG "the language of messages"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_listed_once_and_explained() {
        for (at, one) in ALL.iter().enumerate() {
            assert!(!one.purpose.is_empty(), "{}", one.name);
            assert!(ALL[at + 1..].iter().all(|other| other.name != one.name), "{} twice", one.name);
        }
    }
}
