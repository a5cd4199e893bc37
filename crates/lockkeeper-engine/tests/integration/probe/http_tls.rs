//! The HTTP probe over TLS: what it verifies, what it reports, and whose fault it is.

use lockkeeper_core::model::Verdict;
use lockkeeper_engine::postgres::RootCert;
use lockkeeper_engine::probe::{Bound, CertificateProbe, HttpExpectation, HttpProbe, Taken};
use lockkeeper_testkit::{FaultyHttp, HttpAnswer};
use rcgen::{BasicConstraints, IsCa};

use super::http::{ids, request, text, value};
use lockkeeper_testkit::certificates::{Authority, Files, Pair, self_signed};

struct Shop {
    authority: Authority,
    files: Files,
}

impl Shop {
    fn new() -> Self {
        let (authority, files) = (Authority::new("Shop CA"), Files::default());
        files.write("root.pem", &authority.pem(), 0o644);
        Self { authority, files }
    }

    async fn take(&self, pair: &Pair, roots: &str) -> Taken {
        let server = FaultyHttp::start_tls(HttpAnswer::text("ready"), &pair.certificate, &pair.key);
        let mut request = request(&server.url("/"));
        request.roots = RootCert::File(self.files.path().join(roots));
        HttpProbe::new(request, HttpExpectation::default()).take().await
    }

    async fn fails(&self, pair: &Pair, reason: &str) {
        let said = self.take(pair, "root.pem").await.measurement;
        assert_eq!(said.verdict, Verdict::Fail, "{}", said.said);
        assert!(ids(&said.said).contains(&reason), "{}", said.said);
        assert_eq!(text(&said.said, "phase"), "tls");
    }
}

#[tokio::test]
async fn a_good_certificate_passes_and_says_how_long_it_lasts() {
    let shop = Shop::new();
    let taken = shop.take(&shop.authority.issue("shop", &["localhost"]), "root.pem").await;
    assert_eq!(taken.measurement.verdict, Verdict::Pass, "{}", taken.measurement.said);
    assert!(value(&taken, "tls_ms") > 0.0);
    assert!(value(&taken, "certificate_days") > 14.0);
    let soon = shop.take(&shop.authority.issue_for_days(&["localhost"], 3), "root.pem").await;
    assert_eq!(soon.measurement.verdict, Verdict::Pass, "the service itself is well");
    assert!((2.0..3.1).contains(&value(&soon, "certificate_days")), "{soon:?}");
}

#[tokio::test]
async fn a_certificate_is_a_check_of_its_own() {
    let shop = Shop::new();
    let days = |days| shop.authority.issue_for_days(&["localhost"], days);
    for (pair, verdict) in [
        (days(15), Verdict::Pass),
        (days(13), Verdict::Fail),
        (shop.authority.issue_expired(&["localhost"]), Verdict::Fail),
        // What is wrong with it otherwise is the probe's business.
        (Authority::new("Stranger").issue("shop", &["localhost"]), Verdict::NoData),
    ] {
        // A server that never answers a request has a certificate all the same.
        let server = FaultyHttp::start_tls(HttpAnswer::Hang, &pair.certificate, &pair.key);
        let mut request = request(&server.url("/"));
        request.roots = RootCert::File(shop.files.path().join("root.pem"));
        let mut probe = CertificateProbe::new(request, Bound::parse("< 14").unwrap());
        let seen = probe.take().await.measurement;
        assert_eq!(seen.verdict, verdict, "{}", seen.said);
        assert_eq!(server.requests(), Vec::<String>::new(), "nothing is asked for");
        server.stop();
        let seen = probe.take().await.measurement;
        assert_eq!(seen.verdict, Verdict::NoData, "a server that is gone shows none: {}", seen.said);
    }
}

#[tokio::test]
async fn a_bad_certificate_fails() {
    let shop = Shop::new();
    shop.fails(&shop.authority.issue_expired(&["localhost"]), "probe-fault-certificate-dates").await;
    shop.fails(&shop.authority.issue_not_yet_valid(&["localhost"]), "probe-fault-certificate-dates").await;
    shop.fails(&shop.authority.issue("other", &["shop.example"]), "probe-fault-certificate-name").await;
    shop.fails(&Authority::new("Stranger").issue("shop", &["localhost"]), "probe-fault-certificate").await;
}

/// What `openssl req -x509` makes: its own authority, which no chain leads to.
#[tokio::test]
async fn a_certificate_that_is_itself_in_the_file_is_trusted() {
    let shop = Shop::new();
    for is_ca in [IsCa::Ca(BasicConstraints::Unconstrained), IsCa::ExplicitNoCa, IsCa::NoCa] {
        let pair = self_signed(&["localhost"], is_ca);
        shop.files.write("own.pem", &pair.certificate, 0o644);
        let said = shop.take(&pair, "own.pem").await.measurement;
        assert_eq!(said.verdict, Verdict::Pass, "{is_ca:?}: {}", said.said);
        shop.fails(&pair, "probe-fault-certificate").await;
    }
    let elsewhere = self_signed(&["shop.example"], IsCa::NoCa);
    shop.files.write("root.pem", &elsewhere.certificate, 0o644);
    shop.fails(&elsewhere, "probe-fault-certificate-name").await;
    let expired = shop.authority.issue_expired(&["localhost"]);
    shop.files.write("root.pem", &expired.certificate, 0o644);
    shop.fails(&expired, "probe-fault-certificate-dates").await;
}

#[tokio::test]
async fn authorities_that_cannot_be_read_are_our_own_fault() {
    let shop = Shop::new();
    shop.files.write("empty.pem", "", 0o644);
    shop.files.write("broken.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", 0o644);
    let pair = shop.authority.issue("shop", &["localhost"]);
    for roots in ["missing.pem", "empty.pem", "broken.pem"] {
        let said = shop.take(&pair, roots).await.measurement;
        assert_eq!((said.verdict, said.said.id), (Verdict::ProbeError, "probe-own-roots"), "{roots}: {}", said.said);
    }
}

#[tokio::test]
async fn a_server_without_tls_fails_at_the_handshake() {
    let server = FaultyHttp::start(HttpAnswer::Nonsense);
    let shop = Shop::new();
    let mut request = request(&format!("https://localhost:{}/", server.address().port()));
    request.roots = RootCert::File(shop.files.path().join("root.pem"));
    let said = HttpProbe::new(request, HttpExpectation::default()).take().await.measurement;
    assert_eq!(said.verdict, Verdict::Fail, "{}", said.said);
    assert_eq!(text(&said.said, "phase"), "tls");
}

/// A certificate that is renewed, or runs out, during a watch is seen with the next take.
#[tokio::test]
async fn no_session_is_resumed() {
    let shop = Shop::new();
    let pair = shop.authority.issue("shop", &["localhost"]);
    let server = FaultyHttp::start_tls(HttpAnswer::text("ready"), &pair.certificate, &pair.key);
    let mut request = request(&server.url("/"));
    request.roots = RootCert::File(shop.files.path().join("root.pem"));
    let mut probe = HttpProbe::new(request, HttpExpectation::default());
    for _ in 0..3 {
        let taken = probe.take().await;
        assert_eq!(taken.measurement.verdict, Verdict::Pass, "{}", taken.measurement.said);
        assert!(value(&taken, "certificate_days") > 14.0);
    }
    assert_eq!(server.resumed(), 0);
}
