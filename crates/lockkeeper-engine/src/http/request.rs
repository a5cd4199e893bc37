//! What a probe sends, and how long it waits.

use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::sync::LazyLock;
use std::time::Duration;

use hyper::Method;
use hyper::header::{HeaderName, HeaderValue};

use super::url::Url;
use crate::postgres::{RootCert, Secret};

/// One request, made anew for each take.
#[derive(Debug, Clone)]
pub struct HttpRequest {
    pub url: Url,
    pub method: Method,
    pub headers: Vec<Header>,
    pub body: Vec<u8>,
    pub limits: HttpLimits,
    pub family: AddressFamily,
    /// Who may vouch for the server's certificate.
    pub roots: RootCert,
}

impl HttpRequest {
    /// A GET with the usual limits.
    pub const fn get(url: Url) -> Self {
        Self {
            url,
            method: Method::GET,
            headers: Vec::new(),
            body: Vec::new(),
            limits: HttpLimits::USUAL,
            family: AddressFamily::Either,
            roots: RootCert::System,
        }
    }
}

/// How long and how much a probe waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HttpLimits {
    /// For everything.
    pub total: Duration,
    /// Until the TCP connection stands, its name looked up.
    pub connect: Duration,
    pub body_bytes_max: usize,
}

impl HttpLimits {
    pub const USUAL: Self =
        Self { total: Duration::from_secs(5), connect: Duration::from_secs(2), body_bytes_max: 1024 * 1024 };
}

/// Which of a name's addresses are tried. One at a time, the next one with each take: a service that half of its
/// addresses do not serve is half down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AddressFamily {
    /// IPv4 where the name has such an address, IPv6 otherwise.
    #[default]
    Either,
    V4,
    V6,
}

/// A header to send. Its value is never shown, whatever it is.
#[derive(Clone)]
pub struct Header {
    name: HeaderName,
    value: Secret,
    /// Tells two values apart in `Debug`, within this process and without a way back to them.
    mark: u64,
}

impl fmt::Debug for Header {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, value, mark } = self;
        f.debug_struct("Header").field("name", name).field("value", value).field("mark", mark).finish()
    }
}

/// Seeded by the operating system, anew for each process.
fn mark(value: &Secret) -> u64 {
    static SEED: LazyLock<RandomState> = LazyLock::new(RandomState::new);
    SEED.hash_one(value.reveal())
}

impl Header {
    /// `None` when HTTP allows no such name or value.
    pub fn new(name: &str, value: Secret) -> Option<Self> {
        let name = name.parse().ok()?;
        let mark = mark(&value);
        HeaderValue::from_str(value.reveal()).is_ok().then_some(Self { name, value, mark })
    }

    pub(super) const fn name(&self) -> &HeaderName {
        &self.name
    }

    pub(super) fn value(&self) -> Option<HeaderValue> {
        let mut value = HeaderValue::from_str(self.value.reveal()).ok()?;
        value.set_sensitive(true);
        Some(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_hides_its_value_and_smuggles_nothing() {
        let header = Header::new("Authorization", Secret::new("Bearer hunter2")).expect("allowed");
        assert!(!format!("{header:?}").contains("hunter2"));
        assert!(!format!("{:?}", header.value()).contains("hunter2"));
        let shown = |value: &str| format!("{:?}", Header::new("Authorization", Secret::new(value)));
        assert_eq!(shown("Bearer hunter2"), shown("Bearer hunter2"));
        assert_ne!(shown("Bearer hunter2"), shown("Bearer hunter3"), "another password is another header");
        assert!(Header::new("X-A", Secret::new("a\r\nX-B: b")).is_none());
        assert!(Header::new("X A", Secret::new("a")).is_none());
    }
}
