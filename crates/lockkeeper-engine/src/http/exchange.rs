//! One request and its answer over a connection of its own: no redirect is followed, nothing is kept, no proxy asked.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::header::{ACCEPT, CONNECTION, HOST, HeaderMap, HeaderValue, RETRY_AFTER, USER_AGENT};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use lockkeeper_core::message;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::task::AbortHandle;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::ClientConfig;
use tokio_rustls::rustls::pki_types::ServerName;
use x509_cert::der::Decode;

use super::failure::{Failure, Fault};
use super::phases::{Phase, Stopwatch};
use super::request::{AddressFamily, HttpRequest};
use super::roots;

/// An answer that arrived whole.
#[derive(Debug)]
pub struct Exchange {
    pub status: u16,
    pub body: Bytes,
    /// When the server's own certificate runs out, in seconds since 1970.
    pub certificate_ends: Option<i64>,
    /// How long the server asks to be left alone (RFC 9110, section 10.2.3), where it says so in seconds.
    pub retry_after: Option<Duration>,
}

/// Makes one request as often as it is asked to.
#[derive(Debug)]
pub struct Client {
    request: HttpRequest,
    /// Read with the first handshake: the system's authorities are many.
    tls: Option<Arc<ClientConfig>>,
    /// How many requests were made, so that each goes to the name's next address.
    turn: usize,
    address: Option<SocketAddr>,
}

/// Ends the task that moves a connection's bytes when the request is over, or given up.
struct Mover(AbortHandle);

impl Drop for Mover {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Client {
    pub const fn new(request: HttpRequest) -> Self {
        Self { request, tls: None, turn: 0, address: None }
    }

    /// Where the last request went; nowhere, when the name could not be looked up.
    pub const fn address(&self) -> Option<SocketAddr> {
        self.address
    }

    pub async fn exchange(&mut self, watch: &mut Stopwatch) -> Result<Exchange, Failure> {
        self.address = None;
        let limit = self.request.limits.total;
        let outcome = match tokio::time::timeout(limit, self.exchange_unlimited(watch)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(self.out_of_time(limit, watch)),
        };
        watch.stop();
        outcome
    }

    /// When the certificate runs out that the server shows, in seconds since 1970: the handshake, and no request.
    pub async fn certificate_ends(&mut self, watch: &mut Stopwatch) -> Result<Option<i64>, Failure> {
        self.address = None;
        let limit = self.request.limits.total;
        let shake_hands = async {
            let stream = self.connect_in_time(watch).await?;
            self.secure(stream, watch).await
        };
        let outcome = match tokio::time::timeout(limit, shake_hands).await {
            Ok(outcome) => outcome.map(|(_, ends)| ends),
            Err(_) => Err(self.out_of_time(limit, watch)),
        };
        watch.stop();
        outcome
    }

    async fn exchange_unlimited(&mut self, watch: &mut Stopwatch) -> Result<Exchange, Failure> {
        let stream = self.connect_in_time(watch).await?;
        if !self.request.url.is_https() {
            watch.enter(Phase::FirstByte);
            return self.ask(stream, None, watch).await;
        }
        let (stream, ends) = self.secure(stream, watch).await?;
        watch.enter(Phase::FirstByte);
        self.ask(stream, ends, watch).await
    }

    /// The handshake, and when the certificate runs out that the server showed in it.
    async fn secure(
        &mut self,
        stream: TcpStream,
        watch: &mut Stopwatch,
    ) -> Result<(TlsStream<TcpStream>, Option<i64>), Failure> {
        watch.enter(Phase::Tls);
        let config = match &self.tls {
            Some(config) => Arc::clone(config),
            None => Arc::clone(self.tls.insert(roots::config(&self.request.roots).map_err(Failure::Own)?)),
        };
        let name = ServerName::try_from(self.request.url.host().to_owned())
            .map_err(|error| Failure::Own(message!("probe-own-refused", reason = error.to_string())))?;
        let stream = TlsConnector::from(config).connect(name, stream).await.map_err(|error| Failure::of_tls(&error))?;
        let ends = stream.get_ref().1.peer_certificates().and_then(|chain| chain.first()).and_then(|own| {
            let parsed = x509_cert::Certificate::from_der(own).ok()?;
            i64::try_from(parsed.tbs_certificate.validity.not_after.to_unix_duration().as_secs()).ok()
        });
        Ok((stream, ends))
    }

    async fn connect_in_time(&mut self, watch: &mut Stopwatch) -> Result<TcpStream, Failure> {
        let limit = self.request.limits.connect;
        match tokio::time::timeout(limit, self.connect(watch)).await {
            Ok(stream) => stream,
            Err(_) => Err(self.out_of_time(limit, watch)),
        }
    }

    /// Who let the time pass: the resolver, as long as it was asked, which is ours; the target after that.
    fn out_of_time(&self, limit: Duration, watch: &Stopwatch) -> Failure {
        match watch.phase() {
            Phase::Resolve => Failure::of_resolver(self.request.url.host(), format!("{} ms", limit.as_millis())),
            Phase::Connect | Phase::Tls | Phase::FirstByte | Phase::Transfer => Failure::Target(Fault::TimedOut(limit)),
        }
    }

    async fn connect(&mut self, watch: &mut Stopwatch) -> Result<TcpStream, Failure> {
        let (host, port) = (self.request.url.host(), self.request.url.port());
        let found = tokio::net::lookup_host((host, port)).await;
        let found: Vec<SocketAddr> = found.map_err(|error| Failure::of_lookup(host, &error))?.collect();
        let address = pick(&found, self.request.family, self.turn).ok_or_else(|| {
            Failure::Target(Fault::HostUnknown { host: host.to_owned(), reason: "no address".to_owned() })
        })?;
        self.turn = self.turn.wrapping_add(1);
        self.address = Some(address);
        watch.enter(Phase::Connect);
        let connected = async {
            let stream = TcpStream::connect(address).await?;
            stream.set_nodelay(true)?;
            Ok(stream)
        };
        connected.await.map_err(|error: std::io::Error| Failure::of_io(&error))
    }

    async fn ask<S>(&self, stream: S, certificate_ends: Option<i64>, watch: &mut Stopwatch) -> Result<Exchange, Failure>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let handshake = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await;
        let (mut sender, connection) = handshake.map_err(|error| Failure::of_http(&error))?;
        // What goes wrong with the connection is told to whoever waits for the answer.
        let _mover = Mover(tokio::spawn(async move { drop(connection.await) }).abort_handle());
        let answer = sender.send_request(self.build()).await.map_err(|error| Failure::of_http(&error))?;
        watch.enter(Phase::Transfer);
        let status = answer.status().as_u16();
        let retry_after = answer.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.trim().parse().ok());
        let body = self.read(answer).await?;
        Ok(Exchange { status, body, certificate_ends, retry_after: retry_after.map(Duration::from_secs) })
    }

    fn build(&self) -> Request<Full<Bytes>> {
        let mut request = Request::new(Full::new(Bytes::from(self.request.body.clone())));
        *request.method_mut() = self.request.method.clone();
        // A path that came out of a URL is one; should it not be, the root is asked.
        *request.uri_mut() = self.request.url.path().parse().unwrap_or_default();
        let headers: &mut HeaderMap = request.headers_mut();
        if let Ok(host) = HeaderValue::from_str(&self.request.url.authority()) {
            headers.insert(HOST, host);
        }
        headers.insert(USER_AGENT, HeaderValue::from_static(concat!("lockkeeper/", env!("CARGO_PKG_VERSION"))));
        headers.insert(ACCEPT, HeaderValue::from_static("*/*"));
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
        for header in &self.request.headers {
            if let Some(value) = header.value() {
                headers.insert(header.name().clone(), value);
            }
        }
        request
    }

    async fn read(&self, answer: Response<Incoming>) -> Result<Bytes, Failure> {
        let max = self.request.limits.body_bytes_max;
        let mut body = answer.into_body();
        let mut read = Vec::new();
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|error| Failure::of_http(&error))?;
            if let Ok(data) = frame.into_data() {
                if read.len() + data.len() > max {
                    return Err(Failure::Target(Fault::BodyTooLong { max }));
                }
                read.extend_from_slice(&data);
            }
        }
        Ok(read.into())
    }
}

/// The address whose turn it is.
fn pick(found: &[SocketAddr], family: AddressFamily, turn: usize) -> Option<SocketAddr> {
    let of = |is_wanted: fn(&SocketAddr) -> bool| {
        let wanted: Vec<_> = found.iter().filter(|address| is_wanted(address)).collect();
        wanted.get(turn.checked_rem(wanted.len())?).map(|address| **address)
    };
    match family {
        AddressFamily::V4 => of(SocketAddr::is_ipv4),
        AddressFamily::V6 => of(SocketAddr::is_ipv6),
        AddressFamily::Either => of(SocketAddr::is_ipv4).or_else(|| of(SocketAddr::is_ipv6)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_take_turns_within_their_family() {
        let found: Vec<SocketAddr> =
            ["[::1]:80", "127.0.0.1:80", "127.0.0.2:80"].iter().map(|text| text.parse().expect(text)).collect();
        let picked = |family, turn| pick(&found, family, turn).map(|address| address.to_string());
        assert_eq!(picked(AddressFamily::Either, 0).as_deref(), Some("127.0.0.1:80"));
        assert_eq!(picked(AddressFamily::Either, 1).as_deref(), Some("127.0.0.2:80"));
        assert_eq!(picked(AddressFamily::Either, 2).as_deref(), Some("127.0.0.1:80"));
        assert_eq!(picked(AddressFamily::V6, 5).as_deref(), Some("[::1]:80"));
        assert_eq!(pick(&[], AddressFamily::Either, 0), None);
        assert_eq!(pick(&found[1..], AddressFamily::V6, 0), None);
    }
}
