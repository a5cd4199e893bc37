//! Prometheus' text format (0.0.4) and `OpenMetrics` (1.0): lines of samples.

use super::scan::Scan;

/// One line that says something.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Line {
    /// A family of metrics is announced by `TYPE` or `HELP`.
    Family(String),
    Sample(Sample),
}

/// One value of one series.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Sample {
    pub(super) name: String,
    pub(super) labels: Vec<(String, String)>,
    pub(super) value: f64,
}

/// A line that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct LineFault {
    /// From 1.
    pub(super) line: usize,
    pub(super) text: String,
}

impl Sample {
    /// The value of a label; one that is not there is empty.
    pub(super) fn label(&self, name: &str) -> &str {
        self.labels.iter().find(|(one, _)| one == name).map_or("", |(_, value)| value)
    }

    /// What tells this series from all others, in whichever order its labels stand.
    pub(super) fn key(&self) -> String {
        let mut labels: Vec<_> = self.labels.iter().map(|(name, value)| format!("{name}={value:?}")).collect();
        labels.sort();
        format!("{}{{{}}}", self.name, labels.join(","))
    }
}

/// All lines that say something, until `# EOF` or the end.
pub(super) fn lines(text: &str) -> impl Iterator<Item = Result<Line, LineFault>> {
    let numbered = text.lines().enumerate().take_while(|(_, line)| *line != "# EOF");
    numbered.filter_map(|(index, line)| {
        let line = line.trim_matches([' ', '\t', '\r']);
        if line.is_empty() {
            return None;
        }
        if let Some(comment) = line.strip_prefix('#') {
            return family(comment).map(|name| Ok(Line::Family(name)));
        }
        let fault = || LineFault { line: index + 1, text: super::super::http::shortened(line) };
        Some(sample(line).map(Line::Sample).ok_or_else(fault))
    })
}

fn family(comment: &str) -> Option<String> {
    let mut scan = Scan(comment);
    let keyword = scan.name().filter(|keyword| ["TYPE", "HELP", "UNIT"].contains(keyword));
    keyword.and_then(|_| scan.any_name())
}

fn sample(line: &str) -> Option<Sample> {
    let mut scan = Scan(line);
    let mut name = scan.name().map(str::to_owned);
    let mut labels = Vec::new();
    if scan.takes("{") {
        while !scan.takes("}") {
            let label = scan.any_name()?;
            if scan.takes("=") {
                labels.push((label, scan.quoted()?));
            } else if name.is_none() {
                // A name of any characters stands between the braces, by itself.
                name = Some(label);
            } else {
                return None;
            }
            if !scan.takes(",") && !scan.0.trim_start().starts_with('}') {
                return None;
            }
        }
    }
    // An exemplar stands behind a sign of its own, and is not needed.
    let rest = scan.0.split(" # ").next().unwrap_or_default();
    let mut words = rest.split_ascii_whitespace();
    let value = words.next()?.parse().ok()?;
    let is_time = words.next().is_none_or(|time| time.parse::<f64>().is_ok());
    (is_time && words.next().is_none()).then_some(Sample { name: name?, labels, value })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples(text: &str) -> Vec<Sample> {
        let lines: Result<Vec<_>, _> = lines(text).collect();
        let lines = lines.unwrap_or_else(|fault| panic!("{fault:?}"));
        lines.into_iter().filter_map(|line| if let Line::Sample(sample) = line { Some(sample) } else { None }).collect()
    }

    #[test]
    fn the_manuals_own_example_is_read() {
        // From "Text format example" in Prometheus' manual, Exposition formats.
        let text = r#"# HELP http_requests_total The total number of HTTP requests.
# TYPE http_requests_total counter
http_requests_total{method="post",code="200"} 1027 1395066363000
http_requests_total{method="post",code="400"}    3 1395066363000

# Escaping in label values:
msdos_file_access_time_seconds{path="C:\\DIR\\FILE.TXT",error="Cannot find file:\n\"FILE.TXT\""} 1.458255915e9

# Minimalistic line:
metric_without_timestamp_and_labels 12.47

# A weird metric from before the epoch:
something_weird{problem="division by zero"} +Inf -3982045
http_request_duration_seconds_bucket{le="+Inf"} 144320
rpc_duration_seconds{quantile="0.01"} NaN
"#;
        let samples = samples(text);
        assert_eq!(samples.len(), 7);
        assert_eq!((samples[0].label("code"), samples[0].value), ("200", 1027.0));
        assert_eq!(samples[2].label("path"), r"C:\DIR\FILE.TXT");
        assert_eq!(samples[2].label("error"), "Cannot find file:\n\"FILE.TXT\"");
        assert!(samples[4].value.is_infinite() && samples[6].value.is_nan());
    }

    #[test]
    fn openmetrics_is_read_with_its_exemplars_and_its_end() {
        let text = "# TYPE foo counter\n# UNIT foo seconds\n\
                    foo_total{a=\"b # c\",} 17.0 1520879607.789 # {trace_id=\"x\"} 0.5\n\
                    {\"http.requests\", \"server.port\"=\"80\"} 4\n# EOF\ngarbage";
        let samples = samples(text);
        assert_eq!(samples.len(), 2);
        assert_eq!((samples[0].label("a"), samples[0].value), ("b # c", 17.0));
        assert_eq!((samples[1].name.as_str(), samples[1].label("server.port")), ("http.requests", "80"));
    }

    #[test]
    fn a_series_is_the_same_in_whichever_order_its_labels_stand() {
        let samples = samples("a{x=\"1\",y=\"2\"} 1\na{y=\"2\",x=\"1\"} 1\na{x=\"1,y=2\"} 1\n");
        assert_eq!(samples[0].key(), samples[1].key());
        assert_ne!(samples[0].key(), samples[2].key());
    }

    #[test]
    fn a_line_that_cannot_be_read_is_named() {
        for bad in
            ["a{", "a{x=1} 2", "a{x=\"1\" y=\"2\"} 3", "a", "a b", "a 1 2 3", "a{x=\"1} 2", "1a 2", "<html>", "{} 1"]
        {
            let fault = lines(&format!("fine 1\n{bad}\n")).find_map(Result::err);
            assert_eq!(fault.map(|fault| fault.line), Some(2), "{bad:?}");
        }
    }
}
