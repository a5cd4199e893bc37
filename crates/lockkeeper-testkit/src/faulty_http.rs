//! A small HTTP server that goes wrong as it is told to: the target of probes.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{HandshakeKind, ServerConfig, ServerConnection, StreamOwned};
use socket2::SockRef;

/// What the server does with a request.
#[derive(Debug, Clone)]
pub enum HttpAnswer {
    /// A whole answer, with `Content-Length`.
    Body { status: u16, content_type: &'static str, body: String },
    /// A redirect to another address.
    Redirect(String),
    /// A whole answer, 200, that begins after this time.
    After(Duration, String),
    /// Nothing at all, for as long as the client waits.
    Hang,
    /// A reset instead of an answer.
    Reset,
    /// The head and half of the body, then a reset.
    ResetInBody,
    /// The head and half of the body, then the end.
    Truncated,
    /// The head, then a byte of the body at a time, with this pause between two.
    Trickle(Duration),
    /// Something that is not HTTP.
    Nonsense,
    /// Counters as an application keeps them, in Prometheus' format: `requests_total` and `errors_total`, which rise by
    /// so much each time they are asked for.
    Counting { requests: u64, errors: u64 },
    /// As a service answers that looks at the request first.
    By(Service),
}

/// Reads a request, head and body, and answers it.
#[derive(Clone)]
pub struct Service(Arc<dyn Fn(&str) -> HttpReply + Send + Sync>);

/// What a service answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpReply {
    pub status: u16,
    pub body: String,
    pub retry_after_s: Option<u64>,
}

impl HttpReply {
    pub fn new(status: u16, body: impl Into<String>) -> Self {
        Self { status, body: body.into(), retry_after_s: None }
    }

    /// 429, with the wish to be left alone so long.
    pub fn later(after_s: u64) -> Self {
        Self { status: 429, body: "slow down".to_owned(), retry_after_s: Some(after_s) }
    }
}

impl Service {
    pub fn new(answer: impl Fn(&str) -> HttpReply + Send + Sync + 'static) -> Self {
        Self(Arc::new(answer))
    }

    pub fn answer(&self, request: &str) -> HttpReply {
        (self.0)(request)
    }
}

impl std::fmt::Debug for Service {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Service")
    }
}

impl HttpAnswer {
    /// A text with this status.
    pub fn status(status: u16) -> Self {
        Self::Body { status, content_type: "text/plain", body: format!("status {status}\n") }
    }

    /// 200 with this text.
    pub fn text(body: impl Into<String>) -> Self {
        Self::Body { status: 200, content_type: "text/plain", body: body.into() }
    }

    /// This status with this JSON.
    pub fn json(status: u16, body: impl Into<String>) -> Self {
        Self::Body { status, content_type: "application/json", body: body.into() }
    }
}

/// A server on a port of its own, gone when it is dropped.
#[derive(Debug)]
pub struct FaultyHttp {
    address: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    tls: Option<Arc<ServerConfig>>,
}

#[derive(Debug)]
struct State {
    answer: HttpAnswer,
    /// Heads and bodies of the requests, each as it came.
    requests: Vec<String>,
    connections: usize,
    resumed: usize,
    slept: Vec<Duration>,
    /// Requests and errors, as [`HttpAnswer::Counting`] has counted them up.
    counted: (u64, u64),
    is_over: bool,
}

/// No answer is trickled longer than this, so that a test that failed leaves nothing behind for long.
const PATIENCE: Duration = Duration::from_secs(30);

impl FaultyHttp {
    pub fn start(answer: HttpAnswer) -> Self {
        Self::listen(answer, None)
    }

    /// The same over TLS, with this certificate and its key, both PEM.
    ///
    /// # Panics
    /// When they cannot be used.
    pub fn start_tls(answer: HttpAnswer, certificate: &str, key: &str) -> Self {
        let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(certificate.as_bytes()).collect();
        let chain = chain.unwrap_or_else(|error| panic!("the certificate is unreadable: {error}"));
        let key = PrivateKeyDer::from_pem_slice(key.as_bytes());
        let key = key.unwrap_or_else(|error| panic!("the key is unreadable: {error}"));
        let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, key))
            .unwrap_or_else(|error| panic!("TLS cannot be set up: {error}"));
        Self::listen(answer, Some(Arc::new(config)))
    }

    fn listen(answer: HttpAnswer, tls: Option<Arc<ServerConfig>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap_or_else(|error| panic!("no port: {error}"));
        let address = listener.local_addr().unwrap_or_else(|error| panic!("no address: {error}"));
        let state = State {
            answer,
            requests: Vec::new(),
            connections: 0,
            resumed: 0,
            slept: Vec::new(),
            counted: (0, 0),
            is_over: false,
        };
        let shared = Arc::new(Shared { state: Mutex::new(state), tls });
        let accepting = Arc::clone(&shared);
        std::thread::spawn(move || accept(&listener, &accepting));
        Self { address, shared }
    }

    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// `http://127.0.0.1:PORT` or, with TLS, `https://localhost:PORT`, and this path.
    pub fn url(&self, path: &str) -> String {
        let port = self.address.port();
        if self.shared.tls.is_some() {
            format!("https://localhost:{port}{path}")
        } else {
            format!("http://127.0.0.1:{port}{path}")
        }
    }

    /// From now on.
    pub fn answer(&self, answer: HttpAnswer) {
        self.shared.state().answer = answer;
    }

    /// The requests so far, head and body.
    pub fn requests(&self) -> Vec<String> {
        self.shared.state().requests.clone()
    }

    /// How many connections there were.
    pub fn connections(&self) -> usize {
        self.shared.state().connections
    }

    /// How long each connection waited for its answer that was answered [`HttpAnswer::After`] a time: on a busy machine,
    /// longer than that.
    pub fn slept(&self) -> Vec<Duration> {
        self.shared.state().slept.clone()
    }

    /// How many of them went on with an earlier TLS session.
    pub fn resumed(&self) -> usize {
        self.shared.state().resumed
    }

    /// Stops listening, so that connections are refused.
    pub fn stop(&self) {
        self.shared.state().is_over = true;
        // Wakes the one who accepts; when it is gone already there is nobody to wake.
        drop(TcpStream::connect(self.address));
        while TcpStream::connect(self.address).is_ok() {
            std::thread::yield_now();
        }
    }
}

impl Drop for FaultyHttp {
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

fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    for client in listener.incoming() {
        if shared.state().is_over {
            return;
        }
        let Ok(client) = client else { continue };
        let accepted = Instant::now();
        shared.state().connections += 1;
        let shared = Arc::clone(shared);
        // It ends with its connection; nobody waits for it.
        std::thread::spawn(move || {
            // A client that goes away is what some tests are about.
            let _ = serve(client, accepted, &shared);
        });
    }
}

fn serve(client: TcpStream, accepted: Instant, shared: &Shared) -> std::io::Result<()> {
    client.set_nodelay(true)?;
    client.set_read_timeout(Some(PATIENCE))?;
    let raw = client.try_clone()?;
    match &shared.tls {
        None => converse(client, &raw, accepted, shared),
        Some(config) => {
            let connection = ServerConnection::new(Arc::clone(config)).map_err(std::io::Error::other)?;
            let mut stream = StreamOwned::new(connection, client);
            while stream.conn.is_handshaking() {
                stream.conn.complete_io(&mut stream.sock)?;
            }
            if stream.conn.handshake_kind() == Some(HandshakeKind::Resumed) {
                shared.state().resumed += 1;
            }
            converse(stream, &raw, accepted, shared)
        }
    }
}

fn converse(mut stream: impl Read + Write, raw: &TcpStream, accepted: Instant, shared: &Shared) -> std::io::Result<()> {
    let request = read_request(&mut stream)?;
    let (answer, counted) = {
        let mut state = shared.state();
        state.requests.push(request.clone());
        if let HttpAnswer::Counting { requests, errors } = state.answer {
            state.counted = (state.counted.0 + requests, state.counted.1 + errors);
        }
        (state.answer.clone(), state.counted)
    };
    // The parts are one write each, so that a client never waits for the second one.
    let head = |length: usize| format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n");
    match answer {
        HttpAnswer::Body { status, content_type, body } => write!(
            stream,
            "HTTP/1.1 {status} Said\r\nContent-Type: {content_type}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
            body.len()
        )?,
        HttpAnswer::Redirect(to) => {
            write!(stream, "HTTP/1.1 302 Found\r\nLocation: {to}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")?;
        }
        HttpAnswer::After(pause, body) => {
            std::thread::sleep(pause);
            shared.state().slept.push(accepted.elapsed());
            stream.write_all(format!("{}{body}", head(body.len())).as_bytes())?;
        }
        HttpAnswer::Hang => {
            // Until the client hangs up, or for as long as the socket waits.
            let _ = stream.read(&mut [0]);
        }
        HttpAnswer::Reset => return SockRef::from(raw).set_linger(Some(Duration::ZERO)),
        HttpAnswer::ResetInBody => {
            stream.write_all(format!("{}half", head(8)).as_bytes())?;
            stream.flush()?;
            // The client must have read the half before the reset takes it away.
            std::thread::sleep(Duration::from_millis(200));
            return SockRef::from(raw).set_linger(Some(Duration::ZERO));
        }
        HttpAnswer::Truncated => stream.write_all(format!("{}half", head(8)).as_bytes())?,
        HttpAnswer::Trickle(pause) => {
            stream.write_all(head(10_000).as_bytes())?;
            while accepted.elapsed() < PATIENCE {
                stream.write_all(b".")?;
                stream.flush()?;
                std::thread::sleep(pause);
            }
        }
        HttpAnswer::Counting { .. } => {
            let body = format!("requests_total {}\nerrors_total {}\n", counted.0, counted.1);
            stream.write_all(format!("{}{body}", head(body.len())).as_bytes())?;
        }
        HttpAnswer::Nonsense => stream.write_all(b"220 mail.example ESMTP\r\n")?,
        HttpAnswer::By(service) => {
            let HttpReply { status, body, retry_after_s } = service.answer(&request);
            let wish = retry_after_s.map(|after| format!("Retry-After: {after}\r\n")).unwrap_or_default();
            let length = body.len();
            write!(
                stream,
                "HTTP/1.1 {status} Said\r\n{wish}Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
            )?;
        }
    }
    stream.flush()
}

/// The head, and as much of a body as it announces.
fn read_request(stream: &mut impl Read) -> std::io::Result<String> {
    const HEAD_ENDS: &[u8] = b"\r\n\r\n";
    let mut bytes = Vec::new();
    loop {
        // By bytes: a character may have arrived by half.
        if let Some(at) = bytes.windows(HEAD_ENDS.len()).position(|window| window == HEAD_ENDS) {
            let head = String::from_utf8_lossy(&bytes[..at]);
            let announced = head.lines().find_map(|line| {
                let (name, value) = line.split_once(':')?;
                name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().unwrap_or(0))
            });
            if bytes.len() - at - HEAD_ENDS.len() >= announced.unwrap_or(0) {
                return Ok(String::from_utf8_lossy(&bytes).into_owned());
            }
        }
        let mut buffer = [0; 4096];
        match stream.read(&mut buffer)? {
            0 => return Err(ErrorKind::UnexpectedEof.into()),
            read => bytes.extend_from_slice(&buffer[..read]),
        }
    }
}
