//! The certificate that a server shows, as a check of its own: how many days are left of it.

use lockkeeper_core::message;
use lockkeeper_core::model::Verdict;

use super::super::bound::Bound;
use super::super::reading::{Reading, Taken};
use super::{CERTIFICATE_DAYS, days_until};
use crate::http::{Client, Failure, Fault, HttpRequest, Stopwatch};
use crate::seams;

/// A probe of the certificate alone: it shakes hands and asks for nothing.
#[derive(Debug)]
pub struct CertificateProbe {
    client: Client,
    bound: Bound,
}

impl CertificateProbe {
    pub const fn new(request: HttpRequest, bound: Bound) -> Self {
        Self { client: Client::new(request), bound }
    }

    /// One handshake. A certificate that is not valid at this moment fails; a server that shows none, because it does
    /// not answer or for whatever other reason, says nothing about it.
    pub async fn take(&mut self) -> Taken {
        let mut watch = Stopwatch::start();
        let outcome = self.client.certificate_ends(&mut watch).await;
        let at = seams::wall_clock();
        let from = self.client.address().map_or_else(String::new, |address| address.to_string());
        match outcome {
            Ok(Some(ends)) => {
                Taken::of(at, vec![Reading::new(CERTIFICATE_DAYS, days_until(ends, at), Some(self.bound))])
            }
            Ok(None) => Taken::bare(at, Verdict::NoData, message!("probe-certificate-unreadable")),
            Err(failure) => {
                let verdict = match &failure {
                    Failure::Target(Fault::CertificateDates(_)) => Verdict::Fail,
                    Failure::Target(_) => Verdict::NoData,
                    Failure::Own(_) => Verdict::ProbeError,
                };
                Taken::bare(at, verdict, failure.message(&watch, &from))
            }
        }
    }
}
