//! A server for whoever wants to read something: GET, one page for each path, nothing else.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{ACCEPT, ALLOW, CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use crate::seams;

/// What is read at a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    pub content_type: &'static str,
    pub body: String,
}

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    pub path: String,
    /// What the reader can read, as it says; empty when it does not say.
    pub accept: String,
}

/// More readers at once have to wait: a page takes a moment.
const READERS_MAX: usize = 16;
/// A reader that does not say what it wants for so long is cut off.
const HEAD_LIMIT: Duration = Duration::from_secs(5);
/// One that does not take what it asked for, too.
const READER_LIMIT: Duration = Duration::from_secs(30);
/// After a failure to accept (no descriptors left, say) it is tried again.
const ACCEPT_AGAIN: Duration = Duration::from_millis(200);

/// Listens at an address.
///
/// # Errors
/// The address is taken, or not ours.
pub async fn listen(address: SocketAddr) -> std::io::Result<TcpListener> {
    TcpListener::bind(address).await
}

/// Answers for as long as it is polled.
pub async fn serve(listener: TcpListener, page: impl Fn(&Asked) -> Option<Page> + Send + Sync + 'static) {
    let (page, places) = (Arc::new(page), Arc::new(Semaphore::new(READERS_MAX)));
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        let Ok((stream, _)) = listener.accept().await else {
            seams::sleep(ACCEPT_AGAIN).await;
            continue;
        };
        let page = Arc::clone(&page);
        tokio::spawn(async move {
            let service = service_fn(move |request: Request<Incoming>| {
                let response = respond(&request, &*page);
                async move { Ok::<_, Infallible>(response) }
            });
            let connection = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(HEAD_LIMIT)
                .serve_connection(TokioIo::new(stream), service);
            // A reader that goes wrong is its own business.
            let _ = tokio::time::timeout(READER_LIMIT, connection).await;
            drop(place);
        });
    }
}

fn respond(request: &Request<Incoming>, page: &impl Fn(&Asked) -> Option<Page>) -> Response<Full<Bytes>> {
    let plain = |status: StatusCode| {
        let text = format!("{}\n", status.canonical_reason().unwrap_or_default());
        let mut response = Response::new(Full::new(Bytes::from(text)));
        *response.status_mut() = status;
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
        response
    };
    if ![Method::GET, Method::HEAD].contains(request.method()) {
        let mut response = plain(StatusCode::METHOD_NOT_ALLOWED);
        response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
        return response;
    }
    let accept = request.headers().get(ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    match page(&Asked { path: request.uri().path().to_owned(), accept }) {
        None => plain(StatusCode::NOT_FOUND),
        Some(page) => {
            let mut response = Response::new(Full::new(Bytes::from(page.body)));
            response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(page.content_type));
            response
        }
    }
}
