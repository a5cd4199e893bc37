//! Where an alert is posted to: an address that may itself be the secret, and who may vouch for the server.

use std::time::Duration;

use super::outcome::{self, Outcome};
use crate::http::{Client, Header, HttpLimits, HttpRequest, Method, Stopwatch, Url, UrlFault};
use crate::postgres::{RootCert, Secret};

/// An address of the web that JSON is posted to. Never shown: of many services it is all the secret there is.
#[derive(Debug, Clone)]
pub struct Endpoint {
    url: Secret,
    headers: Vec<Header>,
    /// Who may vouch for the server's certificate.
    roots: RootCert,
}

/// An answer is a word or two; more is read only to be thrown away.
const ANSWER_BYTES_MAX: usize = 256 * 1024;

impl Endpoint {
    /// # Errors
    /// When it is no address of the web.
    pub fn new(url: Secret, roots: RootCert) -> Result<Self, UrlFault> {
        Url::parse(url.reveal())?;
        Ok(Self { url, headers: Vec::new(), roots })
    }

    /// The same with a header of its own, such as `Authorization`.
    #[must_use]
    pub fn with(mut self, header: Header) -> Self {
        self.headers.push(header);
        self
    }

    /// What follows the address itself, as in `/api/v2/alerts`.
    ///
    /// # Errors
    /// When the whole is no address of the web.
    pub fn below(&self, path: &str) -> Result<Self, UrlFault> {
        let url = Secret::new(format!("{}{path}", self.url.reveal().trim_end_matches('/')));
        Url::parse(url.reveal())?;
        Ok(Self { url, ..self.clone() })
    }

    /// Posts JSON and says what became of it. `secrets` are those of the body and of these headers.
    pub(super) async fn post(
        &self,
        body: String,
        headers: Vec<Header>,
        secrets: &[&Secret],
        limit: Duration,
    ) -> Outcome {
        // It was read once already.
        let Ok(url) = Url::parse(self.url.reveal()) else { unreachable!("an endpoint has an address") };
        let mut request = HttpRequest::get(url);
        request.method = Method::POST;
        request.limits = HttpLimits {
            total: limit,
            connect: HttpLimits::USUAL.connect.max(Duration::from_secs(5)).min(limit),
            body_bytes_max: ANSWER_BYTES_MAX,
        };
        request.roots = self.roots.clone();
        request.headers =
            [Header::new("content-type", Secret::new("application/json"))].into_iter().flatten().collect();
        request.headers.extend(self.headers.iter().cloned().chain(headers));
        request.body = body.into_bytes();
        let mut watch = Stopwatch::start();
        match Client::new(request).exchange(&mut watch).await {
            Ok(exchange) => {
                let mut secrets = secrets.to_vec();
                secrets.push(&self.url);
                outcome::of_exchange(&exchange, &secrets)
            }
            Err(failure) => outcome::of_failure(&failure, &watch),
        }
    }
}
