//! One value out of a stand-in that speaks Prometheus' documented API.

use lockkeeper_core::model::Verdict;
use lockkeeper_engine::probe::{Bound, PromqlProbe};
use lockkeeper_testkit::{FaultyHttp, HttpAnswer};

use super::http::{ids, request};

fn vector(values: &[&str]) -> HttpAnswer {
    let samples: Vec<String> = values
        .iter()
        .map(|value| format!(r#"{{"metric":{{"i":"{value}"}},"value":[1435781451.781,"{value}"]}}"#))
        .collect();
    let result = samples.join(",");
    HttpAnswer::json(200, format!(r#"{{"status":"success","data":{{"resultType":"vector","result":[{result}]}}}}"#))
}

#[tokio::test]
async fn one_number_is_compared_and_everything_else_is_not_believed() {
    let server = FaultyHttp::start(vector(&["0.05"]));
    let query = "sum(rate(errors_total[1m])) / sum(rate(requests_total[1m]))";
    let mut probe = PromqlProbe::new(request(&server.url("/")), query, Bound::parse(">= 0.05").unwrap());
    let refused =
        r#"{"status":"error","errorType":"bad_data","error":"invalid parameter \"query\": 1:5: parse error"}"#;
    for (answer, verdict, why) in [
        (vector(&["0.05"]), Verdict::Fail, "probe-value-fails"),
        (vector(&["0.049"]), Verdict::Pass, "probe-value-passes"),
        (vector(&["NaN"]), Verdict::NoData, "probe-not-a-number"),
        (vector(&["+Inf"]), Verdict::NoData, "probe-not-a-number"),
        (vector(&[]), Verdict::NoData, "probe-promql-empty"),
        (vector(&["0.01", "0.02"]), Verdict::NoData, "probe-promql-several"),
        (HttpAnswer::json(400, refused), Verdict::ProbeError, "probe-promql-error"),
        (HttpAnswer::json(422, refused), Verdict::ProbeError, "probe-promql-error"),
        (HttpAnswer::status(503), Verdict::ProbeError, "probe-source-status"),
        (HttpAnswer::status(401), Verdict::ProbeError, "probe-source-status"),
        (HttpAnswer::Redirect("/login".to_owned()), Verdict::ProbeError, "probe-source-status"),
        (HttpAnswer::Hang, Verdict::ProbeError, "probe-fault-timed-out"),
        (HttpAnswer::Reset, Verdict::ProbeError, "probe-fault-reset"),
    ] {
        server.answer(answer.clone());
        let said = probe.take().await.measurement;
        assert_eq!(said.verdict, verdict, "{answer:?}: {}", said.said);
        assert!(ids(&said.said).contains(&why), "{answer:?}: {}", said.said);
    }
    let asked = server.requests().remove(0);
    assert!(asked.starts_with("GET /api/v1/query?query=sum%28rate%28errors_total%5B1m%5D"), "{asked}");
    server.stop();
    assert_eq!(probe.take().await.measurement.verdict, Verdict::ProbeError);
}
