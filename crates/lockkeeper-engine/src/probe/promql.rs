//! One value out of a Prometheus server, strictly: exactly one number, or no data with the reason.
//!
//! What other watchers do with NaN, with no series or with several has rolled back services that were idle, and kept
//! ones that were broken.

use lockkeeper_core::message;
use lockkeeper_core::model::{Message, Verdict};
use serde_json::Value;

use super::bound::Bound;
use super::fetch::{Fetcher, status};
use super::http::shortened;
use super::reading::{Reading, Taken};
use crate::http::{HttpRequest, Url};
use crate::seams;

/// A query, and the bound of its one value.
#[derive(Debug)]
pub struct PromqlProbe {
    fetcher: Fetcher,
    bound: Bound,
}

/// The API's path, below wherever the server stands
/// (manual, HTTP API, "Instant queries").
const PATH: &str = "/api/v1/query";

impl PromqlProbe {
    /// `server` is the request to the Prometheus server itself, its path the prefix that the server stands under.
    pub fn new(mut server: HttpRequest, query: &str, bound: Bound) -> Self {
        server.url = query_url(&server.url, query);
        Self { fetcher: Fetcher::new(server), bound }
    }

    pub async fn take(&mut self) -> Taken {
        let answer = self.fetcher.answer().await;
        let at = seams::wall_clock();
        match answer.map_or_else(|why| Err(Unread::Broken(why)), |answer| read(answer.status, &answer.body)) {
            Ok(value) => Taken::of(at, vec![Reading::new("value", value, Some(self.bound))]),
            Err(Unread::Missing(why)) => Taken::of(at, vec![Reading::missing("value", why, Some(self.bound))]),
            Err(Unread::Broken(why)) => Taken::bare(at, Verdict::ProbeError, why),
        }
    }
}

/// Why an answer brought no value.
#[derive(Debug, PartialEq)]
enum Unread {
    /// The server did not answer the query.
    Broken(Message),
    /// It did, and there is not exactly one number.
    Missing(Message),
}

fn query_url(server: &Url, query: &str) -> Url {
    let prefix = server.path().split('?').next().unwrap_or_default().trim_end_matches('/');
    let mut encoded = String::new();
    for byte in query.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => encoded.push(char::from(byte)),
            other => {
                let digit = |half: u8| char::from_digit(u32::from(half), 16).unwrap_or('0').to_ascii_uppercase();
                encoded.extend(['%', digit(other >> 4), digit(other & 0xf)]);
            }
        }
    }
    server.with_path(format!("{prefix}{PATH}?query={encoded}"))
}

fn read(code: u16, body: &[u8]) -> Result<f64, Unread> {
    let document: Option<Value> = serde_json::from_slice(body).ok();
    let told = document.as_ref().and_then(|document| document.get("error")?.as_str().map(shortened));
    if let Some(error) = told {
        return Err(Unread::Broken(message!("probe-promql-error", status = code, error = error)));
    }
    if code != 200 {
        return Err(Unread::Broken(status(code)));
    }
    let document = document.filter(|document| document["status"] == "success");
    let document = document.ok_or_else(|| Unread::Broken(message!("probe-promql-unreadable")))?;
    one_number(&document).map_err(Unread::Missing)
}

fn one_number(document: &Value) -> Result<f64, Message> {
    if let Some(warning) = document["warnings"].as_array().and_then(|warnings| warnings.first()) {
        let warning = warning.as_str().map_or_else(|| warning.to_string(), str::to_owned);
        return Err(message!("probe-promql-warning", warning = shortened(&warning)));
    }
    // Servers that speak this API say so when some of their stores were silent.
    if document["isPartial"] == true || document["partial"] == true {
        return Err(message!("probe-promql-partial"));
    }
    let result = &document["data"]["result"];
    let sample = match document["data"]["resultType"].as_str() {
        Some("scalar") => result,
        Some("vector") => match result.as_array().map(Vec::as_slice) {
            Some([one]) => match one.get("value") {
                Some(sample) => sample,
                None => return Err(message!("probe-promql-type", kind = "histogram")),
            },
            Some([]) | None => return Err(message!("probe-promql-empty")),
            Some(several) => return Err(message!("probe-promql-several", count = several.len())),
        },
        kind => return Err(message!("probe-promql-type", kind = kind.unwrap_or_default())),
    };
    // Prometheus writes numbers as texts, so that NaN can be one.
    let text = sample.get(1).and_then(Value::as_str);
    let number = text.and_then(|text| text.parse::<f64>().ok());
    number.ok_or_else(|| message!("probe-not-a-number", value = shortened(&sample.to_string())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(code: u16, body: &str) -> Result<f64, &'static str> {
        read(code, body.as_bytes()).map_err(|unread| match unread {
            Unread::Broken(why) | Unread::Missing(why) => why.id,
        })
    }

    fn success(kind: &str, result: &str, more: &str) -> String {
        format!(r#"{{"status":"success","data":{{"resultType":"{kind}","result":{result}}}{more}}}"#)
    }

    const ONE: &str = r#"[{"metric":{"job":"shop"},"value":[1435781451.781,"0.25"]}]"#;

    #[test]
    fn one_number_is_a_value() {
        assert_eq!(said(200, &success("vector", ONE, "")), Ok(0.25));
        assert_eq!(said(200, &success("scalar", r#"[1435781451.781,"1e3"]"#, "")), Ok(1000.0));
        assert_eq!(said(200, &success("vector", ONE, r#","infos":["not a counter"]"#)), Ok(0.25));
    }

    #[test]
    fn anything_else_is_none() {
        let two = r#"[{"metric":{"a":"1"},"value":[1,"1"]},{"metric":{"a":"2"},"value":[1,"1"]}]"#;
        for (body, why) in [
            (success("vector", "[]", ""), "probe-promql-empty"),
            (success("vector", "null", ""), "probe-promql-empty"),
            (success("vector", two, ""), "probe-promql-several"),
            (success("vector", r#"[{"metric":{},"histogram":[1,{}]}]"#, ""), "probe-promql-type"),
            (success("matrix", "[]", ""), "probe-promql-type"),
            (success("string", r#"[1,"1"]"#, ""), "probe-promql-type"),
            (success("vector", r#"[{"metric":{},"value":[1,null]}]"#, ""), "probe-not-a-number"),
            (success("vector", r#"[{"metric":{},"value":[1,""]}]"#, ""), "probe-not-a-number"),
            (success("vector", ONE, r#","warnings":["a store was silent"]"#), "probe-promql-warning"),
            (success("vector", ONE, r#","isPartial":true"#), "probe-promql-partial"),
        ] {
            assert_eq!(said(200, &body), Err(why), "{body}");
        }
    }

    #[test]
    fn what_prometheus_refuses_is_told_in_its_own_words() {
        let refused =
            r#"{"status":"error","errorType":"bad_data","error":"1:5: parse error: unclosed left parenthesis"}"#;
        let Err(Unread::Broken(why)) = read(400, refused.as_bytes()) else { panic!("it was refused") };
        assert!(why.to_string().contains("unclosed left parenthesis"), "{why}");
        assert_eq!(said(200, refused), Err("probe-promql-error"));
        assert_eq!(said(503, "Service Unavailable"), Err("probe-source-status"));
        assert_eq!(said(200, "<html>"), Err("probe-promql-unreadable"));
        assert_eq!(said(200, "{}"), Err("probe-promql-unreadable"));
    }

    #[test]
    fn a_query_becomes_a_path() {
        let url = |server| query_url(&Url::parse(server).expect(server), r#"sum(rate(a{b="c"}[5m])) or 0+1"#);
        let query = "/api/v1/query?query=sum%28rate%28a%7Bb%3D%22c%22%7D%5B5m%5D%29%29%20or%200%2B1";
        assert_eq!(url("http://prometheus:9090").path(), query);
        assert_eq!(url("http://gateway/prometheus/?x=1").path(), format!("/prometheus{query}"));
    }
}
