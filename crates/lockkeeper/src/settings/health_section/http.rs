//! What is asked over HTTP: probes with their certificates, counters, Prometheus, the witness.

use std::time::Duration;

use lockkeeper_core::health::{CheckName, Measures};
use lockkeeper_core::message;
use lockkeeper_core::model::{Answer, Message};
use lockkeeper_engine::postgres::RootCert;
use lockkeeper_engine::probe::{
    AddressFamily, Bound, Comparison, CountersPlace, ExpectedStatus, HttpExpectation, HttpLimits, HttpRequest, Method,
    Url, UrlFault, WitnessPlace,
};
use toml::Spanned;

use super::super::file::Source;
use super::headers::SecretHeader;
use super::raw::{RawCheck, RawCounters, RawHttp, RawPromql, RawRequest};
use super::{HealthCheck, HealthSource};

/// What stands behind the name of a check of a certificate.
const TLS_SUFFIX: &str = ".tls";

const METHODS: [Method; 7] =
    [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::PATCH, Method::DELETE, Method::OPTIONS];

const SECONDS_PER_DAY: f64 = 86_400.0;

impl Source<'_> {
    /// The probe, and the check of its certificate where one is wanted.
    pub(super) fn http(&self, raw: &RawHttp) -> Answer<Vec<HealthCheck>> {
        let (mut request, secret) = self.request(&raw.request())?;
        if let Some(method) = &raw.method {
            request.method = METHODS
                .into_iter()
                .find(|known| known.as_str() == method.get_ref())
                .ok_or_else(|| self.refuse(method, message!("settings-health-method")))?;
        }
        request.body = raw.body.clone().unwrap_or_default().into_bytes();
        request.limits.body_bytes_max = raw.body_bytes_max.unwrap_or(HttpLimits::USUAL.body_bytes_max);
        let status = match &raw.status {
            Some(text) => ExpectedStatus::parse(text.get_ref())
                .ok_or_else(|| self.refuse(text, message!("settings-health-status")))?,
            None => ExpectedStatus::default(),
        };
        let body = self.body(raw)?;
        if let (Some(method), false) = (&raw.method, body.is_empty())
            && request.method == Method::HEAD
        {
            return Err(self.refuse(method, message!("settings-health-method-head")));
        }
        let took_max = self.time(raw.slower_than.as_ref())?;
        let certificate = raw.tls_expires_in.as_ref().map(|time| self.certificate(raw, &request, time, &secret));
        let certificate = certificate.transpose()?;
        let expected = HttpExpectation { status, body, took_max };
        let source = HealthSource::Http { request: Box::new(request), expected };
        let name = self.name(&raw.name)?;
        let mut check = self.check(name, Measures::Probes, &raw.check(), raw.beside.as_ref(), source)?;
        check.secret = secret;
        Ok(std::iter::once(check).chain(certificate).collect())
    }

    /// The server's certificate by itself: its role is its probe's.
    fn certificate(
        &self,
        raw: &RawHttp,
        request: &HttpRequest,
        expires_in: &Spanned<String>,
        secret: &[SecretHeader],
    ) -> Answer<HealthCheck> {
        let refuse = |what| self.refuse(expires_in, what);
        if !request.url.is_https() {
            return Err(refuse(message!("settings-health-tls-plain")));
        }
        let time = self.time(Some(expires_in))?.filter(|time| !time.is_zero());
        let time = time.ok_or_else(|| refuse(message!("settings-health-tls-zero")))?;
        let days = time.as_secs_f64() / SECONDS_PER_DAY;
        let bound = Bound::new(Comparison::Less, days).ok_or_else(|| refuse(message!("settings-health-tls-zero")))?;
        let own = CheckName::new(&format!("{}{TLS_SUFFIX}", raw.name.get_ref()))
            .ok_or_else(|| self.refuse(&raw.name, message!("settings-health-name")))?;
        let source = HealthSource::Certificate { request: Box::new(request.clone()), bound };
        let mut check = self.check(
            own,
            Measures::Values,
            &RawCheck { role: raw.check().role, no_data: None, every: None },
            None,
            source,
        )?;
        check.secret = secret.to_vec();
        Ok(check)
    }

    pub(super) fn counters(&self, raw: &RawCounters) -> Answer<HealthCheck> {
        let (request, secret) = self.request(&raw.request())?;
        let place = if raw.requests.get_ref().starts_with('/') {
            CountersPlace::Json { requests: self.pointer(&raw.requests)?, errors: self.pointer(&raw.errors)? }
        } else {
            CountersPlace::Exposition { requests: self.selector(&raw.requests)?, errors: self.selector(&raw.errors)? }
        };
        let source = HealthSource::Counters { request: Box::new(request), place };
        let name = self.name(&raw.name)?;
        let mut check = self.check(name, Measures::Requests, &raw.check(), raw.beside.as_ref(), source)?;
        check.secret = secret;
        Ok(check)
    }

    pub(super) fn promql(&self, raw: &RawPromql) -> Answer<HealthCheck> {
        let (request, secret) = self.request(&raw.request())?;
        let bound = self.bound(&raw.fails)?;
        let source = HealthSource::Promql { server: Box::new(request), query: raw.query.clone(), bound };
        let mut check = self.check(self.name(&raw.name)?, Measures::Values, &raw.check(), None, source)?;
        check.secret = secret;
        Ok(check)
    }

    pub(super) fn witness(&self, text: &Spanned<String>) -> Answer<WitnessPlace> {
        if text.get_ref().contains("://") {
            return Ok(WitnessPlace::Http(Box::new(HttpRequest::get(self.url(text)?))));
        }
        let refused = || self.refuse(text, message!("settings-health-witness"));
        let (host, port) = text.get_ref().rsplit_once(':').ok_or_else(refused)?;
        let port = port.parse().map_err(|_| refused())?;
        Ok(WitnessPlace::Tcp { host: host.trim_matches(['[', ']']).to_owned(), port, limit: HttpLimits::USUAL.connect })
    }

    fn request(&self, raw: &RawRequest<'_>) -> Answer<(HttpRequest, Vec<SecretHeader>)> {
        let mut request = HttpRequest::get(self.url(raw.url)?);
        if let Some(limit) = self.limit(raw.timeout)? {
            request.limits.total = limit;
        }
        let connect = self.limit(raw.connect_timeout)?.unwrap_or(request.limits.connect);
        request.limits.connect = connect.min(request.limits.total);
        request.family = match raw.family.map(|family| (family, family.get_ref().as_str())) {
            None => AddressFamily::Either,
            Some((_, "ipv4")) => AddressFamily::V4,
            Some((_, "ipv6")) => AddressFamily::V6,
            Some((family, _)) => return Err(self.refuse(family, message!("settings-health-family"))),
        };
        request.roots = match raw.sslrootcert.map(String::as_str) {
            None | Some("system") => RootCert::System,
            Some(path) => RootCert::File(path.into()),
        };
        let headers = self.headers(raw.headers)?;
        request.headers = headers.plain;
        Ok((request, headers.secret))
    }

    /// A time in which something has to be done: none at all is too short for everything.
    pub(super) fn limit(&self, text: Option<&Spanned<String>>) -> Answer<Option<Duration>> {
        match (text, self.time(text)?) {
            (Some(text), Some(Duration::ZERO)) => Err(self.refuse(text, message!("settings-health-timeout"))),
            (_, limit) => Ok(limit),
        }
    }

    fn url(&self, text: &Spanned<String>) -> Answer<Url> {
        Url::parse(text.get_ref())
            .map_err(|fault| self.refuse(text, message!("settings-health-url", reason = url_fault(fault))))
    }
}

pub fn url_fault(fault: UrlFault) -> Message {
    match fault {
        UrlFault::Unreadable => message!("settings-health-url-unreadable"),
        UrlFault::Scheme => message!("settings-health-url-scheme"),
        UrlFault::Credentials => message!("settings-health-url-credentials"),
    }
}
