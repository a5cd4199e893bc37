//! A selector: which series of a metric are meant.

use std::fmt;

use regex::Regex;

use super::exposition::Sample;
use super::scan::Scan;

/// A metric's name and what its labels have to be, as in `http_requests_total{code=~"5..", path!="/health"}`.
#[derive(Debug, Clone)]
pub struct Selector {
    name: String,
    matchers: Vec<Matcher>,
    /// As it was written.
    text: String,
}

#[derive(Debug, Clone)]
struct Matcher {
    label: String,
    wanted: Wanted,
}

#[derive(Debug, Clone)]
enum Wanted {
    Is(String),
    IsNot(String),
    Matches(Regex),
    MatchesNot(Regex),
}

impl Selector {
    /// `None` when it is none, as Prometheus writes them, or when a regular expression in it is none.
    pub fn parse(text: &str) -> Option<Self> {
        let mut scan = Scan(text);
        let name = scan.name()?.to_owned();
        let mut matchers = Vec::new();
        if scan.takes("{") {
            while !scan.takes("}") {
                matchers.push(matcher(&mut scan)?);
                if !scan.takes(",") && !scan.0.trim_start().starts_with('}') {
                    return None;
                }
            }
        }
        scan.0.trim().is_empty().then(|| Self { name, matchers, text: text.trim().to_owned() })
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    /// A label that is not there is empty, as everywhere in Prometheus.
    pub(super) fn selects(&self, sample: &Sample) -> bool {
        let holds = |matcher: &Matcher| {
            let value = sample.label(&matcher.label);
            match &matcher.wanted {
                Wanted::Is(wanted) => value == wanted,
                Wanted::IsNot(unwanted) => value != unwanted,
                Wanted::Matches(regex) => regex.is_match(value),
                Wanted::MatchesNot(regex) => !regex.is_match(value),
            }
        };
        sample.name == self.name && self.matchers.iter().all(holds)
    }
}

fn matcher(scan: &mut Scan<'_>) -> Option<Matcher> {
    let label = scan.any_name()?;
    // Always the whole value, as in Prometheus.
    let regex = |text: String| Regex::new(&format!("^(?s:{text})$")).ok();
    let wanted = if scan.takes("=~") {
        Wanted::Matches(regex(scan.quoted()?)?)
    } else if scan.takes("!~") {
        Wanted::MatchesNot(regex(scan.quoted()?)?)
    } else if scan.takes("!=") {
        Wanted::IsNot(scan.quoted()?)
    } else if scan.takes("=") {
        Wanted::Is(scan.quoted()?)
    } else {
        return None;
    };
    Some(Matcher { label, wanted })
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn selects(selector: &str, labels: &[(&str, &str)]) -> bool {
        let labels = labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let sample = Sample { name: "http_requests_total".to_owned(), labels, value: 1.0 };
        Selector::parse(selector).expect(selector).selects(&sample)
    }

    #[test]
    fn each_matcher_means_what_it_means_in_prometheus() {
        let labels = [("code", "503"), ("path", "/a\"b")];
        for (selector, selected) in [
            ("http_requests_total", true),
            ("http_requests", false),
            ("http_requests_total{}", true),
            (r#"http_requests_total{code="503"}"#, true),
            (r#"http_requests_total{code!="503"}"#, false),
            (r#"http_requests_total{code=~"5.."}"#, true),
            (r#"http_requests_total{code=~"5."}"#, false),
            (r#"http_requests_total{code=~"4..|5.."}"#, true),
            (r#"http_requests_total{code!~"5.."}"#, false),
            (r#"http_requests_total{path="/a\"b", code=~"5\\d\\d",}"#, true),
            (r#"http_requests_total{missing=""}"#, true),
            (r#"http_requests_total{missing!=""}"#, false),
            (r#"http_requests_total{missing=~".+"}"#, false),
        ] {
            assert_eq!(selects(selector, &labels), selected, "{selector}");
        }
    }

    #[test]
    fn what_is_no_selector_is_refused() {
        for bad in
            ["", "{a=\"b\"}", "a{", "a{b}", "a{b=c}", "a{b=\"c\"", "a{b=~\"(\"}", "a b", "a{b=\"c\"} 1", "rate(a[5m])"]
        {
            assert!(Selector::parse(bad).is_none(), "{bad:?}");
        }
    }
}
