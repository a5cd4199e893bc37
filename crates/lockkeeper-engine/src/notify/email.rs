//! E-mail: one message to all recipients, in the thread of what it is about.

use std::time::{Duration, SystemTime};

use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Mailbox, Message as Mail};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, CertificateStore, Tls, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::{AsyncSmtpTransport, AsyncTransport, Tokio1Executor};
use lockkeeper_core::message;
use lockkeeper_core::model::{Message, Severity};
use sha2::{Digest, Sha256};

use super::letter::{Letter, cut, one_line};
use super::outcome::{Outcome, scrubbed};
use crate::http::authorities;
use crate::postgres::{RootCert, Secret};

/// A mail server, and whom it is asked to write to.
#[derive(Debug, Clone)]
pub struct Email {
    pub server: String,
    pub port: u16,
    pub tls: SmtpTls,
    pub credentials: Option<(String, Secret)>,
    pub roots: RootCert,
    from: Mailbox,
    to: Vec<Mailbox>,
}

/// How the connection is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SmtpTls {
    /// Begun in plain text and protected before anything is said; refused where the server does not offer it.
    StartTls,
    /// Protected from the first byte.
    Implicit,
    /// Not at all: for a server on this machine.
    Off,
}

impl SmtpTls {
    pub const ALL: [Self; 3] = [Self::StartTls, Self::Implicit, Self::Off];

    /// The name in the settings.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::StartTls => "starttls",
            Self::Implicit => "implicit",
            Self::Off => "off",
        }
    }

    pub fn from_name(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|tls| tls.as_str() == text)
    }

    /// The port that is meant when none is named.
    pub const fn port(self) -> u16 {
        match self {
            Self::StartTls => 587,
            Self::Implicit => 465,
            Self::Off => 25,
        }
    }
}

const SUBJECT_CHARS_MAX: usize = 200;

impl Email {
    /// `None` when an address cannot be read, or nobody is written to.
    pub fn new(server: &str, from: &str, to: &[String]) -> Option<Self> {
        let tls = SmtpTls::StartTls;
        let to: Vec<Mailbox> = to.iter().map(|one| one.parse().ok()).collect::<Option<_>>()?;
        let from = from.parse().ok()?;
        let server = server.to_owned();
        (!to.is_empty()).then_some(Self {
            server,
            port: tls.port(),
            tls,
            credentials: None,
            roots: RootCert::System,
            from,
            to,
        })
    }

    pub(super) async fn send(&self, letter: &Letter, limit: Duration) -> Outcome {
        let mail = match self.mail(letter) {
            Ok(mail) => mail,
            Err(error) => return Outcome::Never(message!("notify-mail-unwritable", reason = error.to_string())),
        };
        let transport = match self.transport(limit) {
            Ok(transport) => transport,
            Err(why) => return Outcome::Later { why, after: None },
        };
        let secrets: Vec<&Secret> = self.credentials.iter().map(|(_, password)| password).collect();
        // The limit of the library is for each step.
        match tokio::time::timeout(limit, transport.send(mail)).await {
            Err(_) => Outcome::Later { why: message!("notify-timed-out", limit_ms = limit.as_millis()), after: None },
            Ok(Ok(response)) => {
                let said = scrubbed(&response.message().collect::<Vec<_>>().join(" "), &secrets);
                Outcome::Delivered(message!("notify-mail-taken", code = response.code().to_string(), said = said))
            }
            Ok(Err(error)) => {
                let mut told = error.to_string();
                let mut source = std::error::Error::source(&error);
                while let Some(inner) = source {
                    told = format!("{told}: {inner}");
                    source = inner.source();
                }
                let why = message!("notify-mail-failed", reason = scrubbed(&told, &secrets));
                if error.is_permanent() { Outcome::Never(why) } else { Outcome::Later { why, after: None } }
            }
        }
    }

    fn transport(&self, limit: Duration) -> Result<AsyncSmtpTransport<Tokio1Executor>, Message> {
        let tls = match self.tls {
            SmtpTls::Off => Tls::None,
            SmtpTls::StartTls => Tls::Required(self.parameters()?),
            SmtpTls::Implicit => Tls::Wrapper(self.parameters()?),
        };
        let builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&self.server)
            .port(self.port)
            .tls(tls)
            .hello_name(ClientId::Domain(self.from.email.domain().to_owned()))
            .timeout(Some(limit));
        Ok(match &self.credentials {
            Some((user, password)) => {
                builder.credentials(Credentials::new(user.clone(), password.reveal().to_owned())).build()
            }
            None => builder.build(),
        })
    }

    fn parameters(&self) -> Result<TlsParameters, Message> {
        let unusable = |reason: String| message!("notify-mail-failed", reason = reason);
        let mut builder = TlsParameters::builder(self.server.clone()).certificate_store(CertificateStore::None);
        for der in authorities(&self.roots)? {
            let certificate = Certificate::from_der(der).map_err(|error| unusable(error.to_string()))?;
            builder = builder.add_root_certificate(certificate);
        }
        builder.build().map_err(|error| unusable(error.to_string()))
    }

    /// The message. A second try has the same `Message-ID`, by which mail servers and readers know it again.
    fn mail(&self, letter: &Letter) -> Result<Mail, lettre::error::Error> {
        let domain = self.from.email.domain();
        let digest = Sha256::digest(letter.dedup_key.as_bytes());
        let thread = digest.iter().take(16).fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"));
        let thread = format!("<{thread}.thread@{domain}>");
        let raw =
            |name: &'static str, value: &str| HeaderValue::new(HeaderName::new_from_ascii_str(name), value.to_owned());
        let mut builder = Mail::builder()
            .from(self.from.clone())
            .subject(cut(&one_line(&letter.title), SUBJECT_CHARS_MAX))
            .date(SystemTime::from(letter.at))
            .message_id(Some(format!("<{}@{domain}>", letter.id)))
            .in_reply_to(thread.clone())
            .references(thread)
            .header(ContentType::TEXT_PLAIN)
            .raw_header(raw("Auto-Submitted", "auto-generated"))
            .raw_header(raw("X-Lockkeeper-Kind", letter.kind.as_str()));
        if letter.severity() == Severity::Critical {
            builder = builder.raw_header(raw("Importance", "high"));
        }
        for to in &self.to {
            builder = builder.to(to.clone());
        }
        builder.body(letter.text())
    }
}
