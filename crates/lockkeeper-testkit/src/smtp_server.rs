//! A small mail server that speaks SMTP with STARTTLS and AUTH, and refuses what it is told to.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// A mail as it arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceivedMail {
    pub from: String,
    pub to: Vec<String>,
    /// Head and body, dots unstuffed.
    pub text: String,
    pub was_encrypted: bool,
    pub authenticated_as: Option<String>,
}

/// How the server behaves.
#[derive(Debug, Clone, Default)]
pub struct SmtpManners {
    /// Wants this user and password before any mail.
    pub account: Option<(String, String)>,
    /// Answers every recipient with this, such as `451 4.7.1 Greylisted`.
    pub recipients_refused: Option<String>,
    /// Takes the mail and says nothing any more.
    pub hangs: bool,
}

/// The server, on a port of its own, gone when it is dropped.
#[derive(Debug)]
pub struct SmtpServer {
    address: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    tls: Option<Arc<ServerConfig>>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    manners: SmtpManners,
    mails: Vec<ReceivedMail>,
    is_over: bool,
}

const PATIENCE: Duration = Duration::from_secs(20);
/// RFC 5321, section 4.5.3.1.6, with the line end.
const LINE_BYTES_MAX: usize = 1_000;

impl SmtpServer {
    /// With a certificate and its key, both PEM, it offers STARTTLS.
    ///
    /// # Panics
    /// When they cannot be used.
    pub fn start(tls: Option<(&str, &str)>) -> Self {
        let tls = tls.map(|(certificate, key)| {
            let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(certificate.as_bytes()).collect();
            let chain = chain.unwrap_or_else(|error| panic!("the certificate is unreadable: {error}"));
            let key = PrivateKeyDer::from_pem_slice(key.as_bytes());
            let key = key.unwrap_or_else(|error| panic!("the key is unreadable: {error}"));
            let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
                .with_safe_default_protocol_versions()
                .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, key));
            Arc::new(config.unwrap_or_else(|error| panic!("TLS cannot be set up: {error}")))
        });
        let listener = TcpListener::bind("127.0.0.1:0").unwrap_or_else(|error| panic!("no port: {error}"));
        let address = listener.local_addr().unwrap_or_else(|error| panic!("no address: {error}"));
        let state = State { manners: SmtpManners::default(), mails: Vec::new(), is_over: false };
        let shared = Arc::new(Shared { tls, state: Mutex::new(state) });
        let accepting = Arc::clone(&shared);
        std::thread::spawn(move || {
            for client in listener.incoming() {
                if accepting.state().is_over {
                    return;
                }
                let Ok(client) = client else { continue };
                let shared = Arc::clone(&accepting);
                // It ends with its connection; nobody waits for it.
                std::thread::spawn(move || {
                    // A client that goes away is what some tests are about.
                    let _ = serve(client, &shared);
                });
            }
        });
        Self { address, shared }
    }

    pub const fn port(&self) -> u16 {
        self.address.port()
    }

    /// From now on.
    pub fn behave(&self, manners: SmtpManners) {
        self.shared.state().manners = manners;
    }

    pub fn mails(&self) -> Vec<ReceivedMail> {
        self.shared.state().mails.clone()
    }
}

impl Drop for SmtpServer {
    fn drop(&mut self) {
        self.shared.state().is_over = true;
        drop(TcpStream::connect(self.address));
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn serve(client: TcpStream, shared: &Shared) -> std::io::Result<()> {
    client.set_nodelay(true)?;
    client.set_read_timeout(Some(PATIENCE))?;
    let mut plain = client;
    plain.write_all(b"220 mail.example ESMTP\r\n")?;
    let mut session = Session { shared, is_encrypted: false, user: None };
    let wants_tls = session.converse(&mut plain)?;
    if let (true, Some(config)) = (wants_tls, &shared.tls) {
        let connection = ServerConnection::new(Arc::clone(config)).map_err(std::io::Error::other)?;
        session.is_encrypted = true;
        session.converse(&mut StreamOwned::new(connection, plain))?;
    }
    Ok(())
}

struct Session<'s> {
    shared: &'s Shared,
    is_encrypted: bool,
    user: Option<String>,
}

impl Session<'_> {
    /// Until the client leaves, or wants TLS.
    fn converse<S: Read + Write>(&mut self, stream: &mut S) -> std::io::Result<bool> {
        let manners = self.shared.state().manners.clone();
        let mut reader = BufReader::new(stream);
        let (mut from, mut to) = (None::<String>, Vec::new());
        let mut line = String::new();
        loop {
            line.clear();
            if reader.read_line(&mut line)? == 0 {
                return Ok(false);
            }
            let command = line.trim_end();
            let word = command.split([' ', ':']).next().unwrap_or_default().to_ascii_uppercase();
            let needs_account = manners.account.is_some() && self.user.is_none();
            let answer = match word.as_str() {
                "EHLO" => {
                    let starttls =
                        if self.shared.tls.is_some() && !self.is_encrypted { "250-STARTTLS\r\n" } else { "" };
                    format!("250-mail.example\r\n{starttls}250-8BITMIME\r\n250-SMTPUTF8\r\n250 AUTH PLAIN LOGIN")
                }
                "STARTTLS" if self.shared.tls.is_some() => {
                    reader.get_mut().write_all(b"220 go ahead\r\n")?;
                    return Ok(true);
                }
                "AUTH" => self.authenticate(command, &manners),
                "MAIL" if needs_account => "530 5.7.0 Authentication required".to_owned(),
                "MAIL" => {
                    from = Some(address(command));
                    "250 ok".to_owned()
                }
                "RCPT" => {
                    if manners.recipients_refused.is_none() {
                        to.push(address(command));
                    }
                    manners.recipients_refused.clone().unwrap_or_else(|| "250 ok".to_owned())
                }
                "DATA" if from.is_none() || to.is_empty() => "503 5.5.1 who?".to_owned(),
                "DATA" => {
                    reader.get_mut().write_all(b"354 end with a dot\r\n")?;
                    match data(&mut reader)? {
                        Some(text) => {
                            self.shared.state().mails.push(ReceivedMail {
                                from: from.take().unwrap_or_default(),
                                to: std::mem::take(&mut to),
                                text,
                                was_encrypted: self.is_encrypted,
                                authenticated_as: self.user.clone(),
                            });
                            if manners.hangs {
                                // Until the client hangs up.
                                let _ = reader.read_line(&mut line);
                                return Ok(false);
                            }
                            "250 2.0.0 queued".to_owned()
                        }
                        None => "500 5.5.2 line too long".to_owned(),
                    }
                }
                "QUIT" => {
                    reader.get_mut().write_all(b"221 bye\r\n")?;
                    return Ok(false);
                }
                "RSET" | "NOOP" => "250 ok".to_owned(),
                _ => "500 5.5.1 what?".to_owned(),
            };
            reader.get_mut().write_all(format!("{answer}\r\n").as_bytes())?;
            reader.get_mut().flush()?;
        }
    }

    /// `AUTH PLAIN` with its answer at once.
    fn authenticate(&mut self, command: &str, manners: &SmtpManners) -> String {
        use base64::Engine as _;
        let given = command.split(' ').nth(2).unwrap_or_default();
        let given = base64::engine::general_purpose::STANDARD.decode(given).unwrap_or_default();
        let given = String::from_utf8_lossy(&given).into_owned();
        let mut parts = given.split('\0').skip(1);
        let (user, password) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        match &manners.account {
            Some((known, secret)) if known == user && secret == password => {
                self.user = Some(user.to_owned());
                "235 2.7.0 welcome".to_owned()
            }
            _ => format!("535 5.7.8 Authentication credentials invalid: {password}"),
        }
    }
}

fn address(command: &str) -> String {
    command.split(['<', '>']).nth(1).unwrap_or_default().to_owned()
}

/// `None` when a line is longer than allowed.
fn data(reader: &mut impl BufRead) -> std::io::Result<Option<String>> {
    let (mut text, mut line, mut fits) = (String::new(), String::new(), true);
    loop {
        line.clear();
        if reader.read_line(&mut line)? == 0 {
            return Ok(None);
        }
        if line == ".\r\n" {
            return Ok(fits.then_some(text));
        }
        fits &= line.len() <= LINE_BYTES_MAX && line.ends_with("\r\n");
        text.push_str(line.strip_prefix('.').unwrap_or(&line));
    }
}
