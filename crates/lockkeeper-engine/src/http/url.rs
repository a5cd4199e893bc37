//! An address of the web, as far as a probe goes: scheme, host, port and path.

use std::fmt;

use hyper::Uri;

/// An `http` or `https` address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Url {
    is_https: bool,
    /// Without brackets around an IPv6 address.
    host: String,
    port: u16,
    /// What follows the host, as it is sent: path and query.
    path: String,
}

/// Why a text is no address that can be probed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UrlFault {
    Unreadable,
    /// Neither `http` nor `https`.
    Scheme,
    /// A user or a password: those belong into a header, where they stay secret.
    Credentials,
}

impl Url {
    pub fn parse(text: &str) -> Result<Self, UrlFault> {
        let uri: Uri = text.trim().parse().map_err(|_| UrlFault::Unreadable)?;
        let is_https = match uri.scheme_str() {
            Some("http") => false,
            Some("https") => true,
            Some(_) => return Err(UrlFault::Scheme),
            None => return Err(UrlFault::Unreadable),
        };
        let authority = uri.authority().ok_or(UrlFault::Unreadable)?;
        if authority.as_str().contains('@') {
            return Err(UrlFault::Credentials);
        }
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
        let has_port = authority.as_str().len() > authority.host().len();
        let port = match authority.port_u16() {
            Some(port) => port,
            None if has_port => return Err(UrlFault::Unreadable),
            None if is_https => 443,
            None => 80,
        };
        if host.is_empty() || port == 0 {
            return Err(UrlFault::Unreadable);
        }
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
        Ok(Self { is_https, host, port, path })
    }

    /// The same server, with this path and query.
    #[must_use]
    pub fn with_path(&self, path: String) -> Self {
        Self { path, ..self.clone() }
    }

    pub const fn is_https(&self) -> bool {
        self.is_https
    }

    pub fn host(&self) -> &str {
        &self.host
    }

    pub const fn port(&self) -> u16 {
        self.port
    }

    pub fn path(&self) -> &str {
        &self.path
    }

    /// The header `Host`: without the port where it is the scheme's own.
    pub fn authority(&self) -> String {
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        match (self.is_https, self.port) {
            (false, 80) | (true, 443) => host,
            (_, port) => format!("{host}:{port}"),
        }
    }
}

/// Without the query, which may hold a key.
impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.is_https { "https" } else { "http" };
        let path = self.path.split('?').next().unwrap_or_default();
        write!(f, "{scheme}://{}{path}", self.authority())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_taken_apart() {
        let url = Url::parse("https://[::1]:8443/ready?deep=1").expect("readable");
        assert_eq!((url.is_https(), url.host(), url.port(), url.path()), (true, "::1", 8443, "/ready?deep=1"));
        assert_eq!(url.authority(), "[::1]:8443");
        assert_eq!(url.to_string(), "https://[::1]:8443/ready", "a query may hold a key");
        let url = Url::parse("http://shop.example").expect("readable");
        assert_eq!((url.port(), url.path(), url.authority().as_str()), (80, "/", "shop.example"));
        assert_eq!(Url::parse("https://shop.example?a=b").expect("readable").path(), "/?a=b");
    }

    #[test]
    fn what_cannot_be_probed_is_refused() {
        for (text, fault) in [
            ("", UrlFault::Unreadable),
            ("/ready", UrlFault::Unreadable),
            ("shop.example", UrlFault::Unreadable),
            ("ftp://shop.example/", UrlFault::Scheme),
            ("https://me:secret@shop.example/", UrlFault::Credentials),
            ("http://shop.example:99999/", UrlFault::Unreadable),
            ("http://shop.example:0/", UrlFault::Unreadable),
            ("http:///ready", UrlFault::Unreadable),
        ] {
            assert_eq!(Url::parse(text), Err(fault), "{text:?}");
        }
    }
}
