//! Counters out of a real server's metrics.

use lockkeeper_core::health::Counts;
use lockkeeper_core::model::Verdict;
use lockkeeper_engine::probe::{CountersPlace, CountersProbe, JsonPointer, Selector};
use lockkeeper_testkit::{FaultyHttp, HttpAnswer};

use super::http::{ids, request};

fn metrics(fine: u64, failed: u64) -> HttpAnswer {
    HttpAnswer::text(format!(
        "# HELP http_requests_total Requests.\n# TYPE http_requests_total counter\n\
         http_requests_total{{method=\"GET\",code=\"200\"}} {fine}\n\
         http_requests_total{{method=\"POST\",code=\"503\"}} {failed} 1395066363000\n\
         go_gc_duration_seconds{{quantile=\"0.5\"}} NaN\n"
    ))
}

fn probe(server: &FaultyHttp) -> CountersProbe {
    let selector = |text| Selector::parse(text).unwrap();
    let place = CountersPlace::Exposition {
        requests: selector("http_requests_total"),
        errors: selector("http_requests_total{code=~\"5..\"}"),
    };
    CountersProbe::new(request(&server.url("/metrics")), place)
}

/// The verdict, what was counted, and the last of the identifiers that were said.
async fn take(probe: &mut CountersProbe) -> (Verdict, Counts, &'static str) {
    let said = probe.take().await.measurement;
    (said.verdict, said.counts, ids(&said.said).last().copied().unwrap_or_default())
}

fn counted(requests: u64, errors: u64) -> (Verdict, Counts, &'static str) {
    (Verdict::Pass, Counts::new(requests, errors).unwrap(), "probe-counters")
}

#[tokio::test]
async fn what_the_application_counted_since_the_last_take() {
    let server = FaultyHttp::start(metrics(1_000, 10));
    let mut probe = probe(&server);
    assert_eq!(take(&mut probe).await, (Verdict::NoData, Counts::NONE, "probe-counters-first"));
    server.answer(metrics(1_090, 20));
    assert_eq!(take(&mut probe).await, counted(100, 10));
    assert_eq!(take(&mut probe).await, counted(0, 0));
    server.answer(metrics(30, 0));
    assert_eq!(take(&mut probe).await, counted(30, 0), "the application was started anew");
}

#[tokio::test]
async fn a_source_that_is_broken_is_never_the_targets_failure() {
    let server = FaultyHttp::start(metrics(1_000, 10));
    let mut probe = probe(&server);
    take(&mut probe).await;
    for (answer, why) in [
        (HttpAnswer::status(500), "probe-source-status"),
        (HttpAnswer::Hang, "probe-fault-timed-out"),
        (HttpAnswer::Reset, "probe-fault-reset"),
        (HttpAnswer::Truncated, "probe-fault-closed-early"),
        (HttpAnswer::text("<html>"), "probe-counters-unreadable"),
    ] {
        server.answer(answer);
        assert_eq!(take(&mut probe).await, (Verdict::ProbeError, Counts::NONE, why));
    }
    server.answer(HttpAnswer::text("up 1\n"));
    assert_eq!(take(&mut probe).await, (Verdict::NoData, Counts::NONE, "probe-counters-no-series"));
    server.answer(metrics(1_005, 15));
    assert_eq!(take(&mut probe).await, counted(10, 5), "what was counted meanwhile is not lost");
    server.stop();
    assert_eq!(take(&mut probe).await, (Verdict::ProbeError, Counts::NONE, "probe-fault-refused"));
}

#[tokio::test]
async fn a_json_document_will_do_as_well() {
    let document = |requests: &str, errors: &str| {
        HttpAnswer::json(200, format!(r#"{{"http": {{"requests": {requests}, "errors": {errors}}}}}"#))
    };
    let server = FaultyHttp::start(document("1000", "10"));
    let at = |text| JsonPointer::parse(text).unwrap();
    let place = CountersPlace::Json { requests: at("/http/requests"), errors: at("/http/errors") };
    let mut probe = CountersProbe::new(request(&server.url("/stats")), place);
    take(&mut probe).await;
    server.answer(document("1100", "30"));
    assert_eq!(take(&mut probe).await, counted(100, 20));
    for (requests, errors) in [("\"1100\"", "30"), ("null", "30"), ("-1", "0")] {
        server.answer(document(requests, errors));
        assert_eq!(take(&mut probe).await, (Verdict::NoData, Counts::NONE, "probe-counters-not-counter"));
    }
    server.answer(HttpAnswer::json(200, "{}"));
    assert_eq!(take(&mut probe).await, (Verdict::NoData, Counts::NONE, "probe-body-json-missing"));
}
