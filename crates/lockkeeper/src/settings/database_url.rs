//! `DATABASE_URL`: a connection in one line.

use lockkeeper_core::message;
use lockkeeper_core::model::{Answer, Message, Problem};
use lockkeeper_engine::postgres::Secret;

/// What the URL says; what it leaves out comes from elsewhere.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DatabaseUrl {
    pub host: Option<String>,
    pub port: Option<String>,
    pub database: Option<String>,
    pub user: Option<String>,
    pub password: Option<Secret>,
    pub sslmode: Option<String>,
    pub sslrootcert: Option<String>,
    pub sslcert: Option<String>,
    pub sslkey: Option<String>,
    pub channel_binding: Option<String>,
    pub connect_timeout: Option<String>,
    pub application_name: Option<String>,
}

/// Reads `postgres://user:password@host:port/database?name=value&…` (manual, libpq, Connection
/// URIs). No problem shows any part of the URL but a parameter's name: a slip in the URL's
/// punctuation easily turns the password into something else.
pub fn parse(url: &str) -> Answer<DatabaseUrl> {
    let bad = |reason: Message| {
        Problem::usage(message!("settings-url-invalid", reason = reason)).hint(message!("settings-hint-url-form"))
    };
    let rest = url.strip_prefix("postgres://").or_else(|| url.strip_prefix("postgresql://"));
    let rest = rest.ok_or_else(|| bad(message!("settings-url-scheme")))?;
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (authority, database) = rest.split_once('/').unwrap_or((rest, ""));
    let (login, server) = authority.rsplit_once('@').unwrap_or(("", authority));
    let (user, password) = login.split_once(':').map_or((login, None), |(user, password)| (user, Some(password)));
    let (host, port) = split_server(server).ok_or_else(|| bad(message!("settings-url-host")))?;

    let text = |encoded: &str| decode(encoded).ok_or_else(|| bad(message!("settings-url-encoding")));
    let some = |encoded: &str| Ok::<_, Box<Problem>>(Some(text(encoded)?).filter(|text| !text.is_empty()));
    let mut found = DatabaseUrl {
        host: some(host)?,
        port: some(port)?,
        database: some(database)?,
        user: some(user)?,
        password: password.map(some).transpose()?.flatten().map(Secret::new),
        ..DatabaseUrl::default()
    };
    for parameter in query.split('&').filter(|parameter| !parameter.is_empty()) {
        let (name, value) = parameter.split_once('=').ok_or_else(|| bad(message!("settings-url-parameter-form")))?;
        let value = some(value)?;
        let place = match name {
            "host" => &mut found.host,
            "port" => &mut found.port,
            "dbname" => &mut found.database,
            "user" => &mut found.user,
            "sslmode" => &mut found.sslmode,
            "sslrootcert" => &mut found.sslrootcert,
            "sslcert" => &mut found.sslcert,
            "sslkey" => &mut found.sslkey,
            "channel_binding" => &mut found.channel_binding,
            "connect_timeout" => &mut found.connect_timeout,
            "application_name" => &mut found.application_name,
            "password" => {
                found.password = value.map(Secret::new);
                continue;
            }
            // libpq takes this from JDBC's URLs.
            "ssl" if value.as_deref() == Some("true") => {
                found.sslmode = Some("require".to_owned());
                continue;
            }
            name => return Err(unknown_parameter(name)),
        };
        *place = value;
    }
    Ok(found)
}

fn unknown_parameter(name: &str) -> Box<Problem> {
    // Whatever is no plain word may be a piece of a password with an unescaped `?` in it.
    let is_word = name.len() <= 40 && name.chars().all(|c| c.is_ascii_alphabetic() || c == '_');
    if is_word {
        Problem::usage(message!("settings-url-unknown-parameter", name = name))
            .hint(message!("settings-hint-url-parameters"))
    } else {
        Problem::usage(message!("settings-url-invalid", reason = message!("settings-url-parameter-form")))
            .hint(message!("settings-hint-url-form"))
    }
}

/// Host and port of `host:port`, `[::1]:port`, or either of them alone.
fn split_server(server: &str) -> Option<(&str, &str)> {
    if let Some(rest) = server.strip_prefix('[') {
        let (host, rest) = rest.split_once(']')?;
        return Some((host, if rest.is_empty() { "" } else { rest.strip_prefix(':')? }));
    }
    match server.split_once(':') {
        None => Some((server, "")),
        Some((_, port)) if port.contains(':') => None,
        Some((host, port)) => Some((host, port)),
    }
}

/// Replaces `%41` by `A`. `None` when the digits are wrong or the bytes are not UTF-8.
fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        if byte == b'%' {
            let digits = std::str::from_utf8(after.get(..2)?).ok()?;
            if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
                return None;
            }
            bytes.push(u8::from_str_radix(digits, 16).ok()?);
            rest = &after[2..];
        } else {
            bytes.push(byte);
            rest = after;
        }
    }
    String::from_utf8(bytes).ok().filter(|text| !text.contains('\0'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[expect(clippy::unnecessary_wraps, reason = "shortens the comparisons below")]
    fn some(text: &str) -> Option<String> {
        Some(text.to_owned())
    }

    #[test]
    fn all_parts_are_read() {
        let url = parse(
            "postgresql://ad%40min:p%3Aw%2Fd@db.example.com:6432/sh%20op?sslmode=verify-full&sslrootcert=/ca.crt",
        )
        .unwrap();
        assert_eq!(url.user, some("ad@min"));
        assert_eq!(url.password, Some(Secret::new("p:w/d")));
        assert_eq!((url.host, url.port), (some("db.example.com"), some("6432")));
        assert_eq!(url.database, some("sh op"));
        assert_eq!((url.sslmode, url.sslrootcert), (some("verify-full"), some("/ca.crt")));
    }

    #[test]
    fn parts_may_be_left_out() {
        assert_eq!(parse("postgres://").unwrap(), DatabaseUrl::default());
        assert_eq!(parse("postgres:///shop").unwrap().database, some("shop"));
        assert_eq!(parse("postgres://db").unwrap().host, some("db"));
        assert_eq!(parse("postgres://admin@/shop").unwrap().user, some("admin"));
        assert_eq!(parse("postgres://[::1]:5433/shop").unwrap().host, some("::1"));
        assert_eq!(parse("postgres://%2Fvar%2Frun/shop").unwrap().host, some("/var/run"));
        assert_eq!(parse("postgres:///shop?host=/tmp&ssl=true").unwrap().host, some("/tmp"));
        assert_eq!(parse("postgres://u:p@ss@db/shop").unwrap().password, Some(Secret::new("p@ss")));
    }

    #[test]
    fn a_problem_shows_nothing_of_the_url() {
        for (url, id) in [
            ("mysql://u:hunter2@db/shop", "settings-url-invalid"),
            ("hunter2", "settings-url-invalid"),
            ("postgres://u:hunter2%@db", "settings-url-invalid"),
            ("postgres://u:hunter2%zz@db", "settings-url-invalid"),
            ("postgres://u:hunter2%ff@db", "settings-url-invalid"),
            ("postgres://u:hunter2%+1@db", "settings-url-invalid"),
            ("postgres://u:p:hunter2:5@[::1", "settings-url-invalid"),
            ("postgres://u:a?hunter2@db/shop", "settings-url-invalid"),
            ("postgres://u:a?hunter2=@db/shop", "settings-url-invalid"),
            ("postgres://u:hunter2@db/shop?sslmod=require", "settings-url-unknown-parameter"),
        ] {
            let problem = parse(url).unwrap_err();
            assert_eq!(problem.message.id, id, "{url}");
            assert!(!format!("{problem:?} {problem}").contains("hunter2"), "{problem:?}");
        }
    }
}
