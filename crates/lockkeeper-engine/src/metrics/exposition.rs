//! Metrics as text: what Prometheus reads, and `OpenMetrics`.

use std::fmt::Write as _;

/// How the text is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Version 0.0.4 of the text format of Prometheus.
    Prometheus,
    /// Version 1.0.0 of `OpenMetrics`.
    OpenMetrics,
}

/// What a family of metrics counts or tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Counter,
    Gauge,
    Histogram,
    /// Something that is true, in labels; its value is 1.
    Info,
}

/// All samples of one name.
#[derive(Debug)]
pub(super) struct Family {
    /// Without `_total` and `_info`: those are the samples'.
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    pub(super) help: &'static str,
    pub(super) samples: Vec<Sample>,
}

/// One value.
#[derive(Debug)]
pub(super) struct Sample {
    /// `_bucket`, `_sum` and `_count` of a histogram; empty for all others.
    pub(super) suffix: &'static str,
    pub(super) labels: Vec<(&'static str, String)>,
    pub(super) value: f64,
}

impl Format {
    /// What a reader can read, by its `Accept`.
    pub fn accepted(accept: &str) -> Self {
        if accept.contains("application/openmetrics-text") { Self::OpenMetrics } else { Self::Prometheus }
    }

    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Prometheus => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }

    pub(super) fn write(self, families: &[Family]) -> String {
        let mut text = String::new();
        for family in families.iter().filter(|family| !family.samples.is_empty()) {
            self.family(&mut text, family);
        }
        if self == Self::OpenMetrics {
            text.push_str("# EOF\n");
        }
        text
    }

    fn family(self, text: &mut String, family: &Family) {
        let Family { name, kind, help, samples } = family;
        let ending = match kind {
            Kind::Counter => "_total",
            Kind::Info => "_info",
            Kind::Gauge | Kind::Histogram => "",
        };
        // OpenMetrics names the family, the older format the metric.
        let (title, word) = match (self, kind) {
            (Self::OpenMetrics, Kind::Info) => ((*name).to_owned(), "info"),
            (Self::Prometheus, Kind::Info) => (format!("{name}_info"), "gauge"),
            (Self::OpenMetrics, Kind::Counter) => ((*name).to_owned(), "counter"),
            (Self::Prometheus, Kind::Counter) => (format!("{name}_total"), "counter"),
            (_, Kind::Gauge) => ((*name).to_owned(), "gauge"),
            (_, Kind::Histogram) => ((*name).to_owned(), "histogram"),
        };
        // A string takes everything.
        let _ = writeln!(text, "# HELP {title} {}", escaped(help, self == Self::OpenMetrics));
        let _ = writeln!(text, "# TYPE {title} {word}");
        for Sample { suffix, labels, value } in samples {
            let labels: Vec<String> =
                labels.iter().map(|(label, value)| format!("{label}=\"{}\"", escaped(value, true))).collect();
            let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
            let _ = writeln!(text, "{name}{ending}{suffix}{labels} {}", number(*value));
        }
    }
}

/// A backslash and the end of a line always, a quote where quotes stand around it.
fn escaped(text: &str, is_quoted: bool) -> String {
    let text = text.replace('\\', "\\\\").replace('\n', "\\n");
    if is_quoted { text.replace('"', "\\\"") } else { text }
}

fn number(value: f64) -> String {
    if value.is_nan() {
        "NaN".to_owned()
    } else if value.is_infinite() {
        if value > 0.0 { "+Inf" } else { "-Inf" }.to_owned()
    } else {
        value.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn families() -> Vec<Family> {
        let sample = |labels: &[(&'static str, &str)], value| Sample {
            suffix: "",
            labels: labels.iter().map(|(name, value)| (*name, (*value).to_owned())).collect(),
            value,
        };
        vec![
            Family { name: "a", kind: Kind::Counter, help: "A \\ \"b\"\nc.", samples: vec![sample(&[], 2.0)] },
            Family { name: "e", kind: Kind::Gauge, help: "Nothing.", samples: Vec::new() },
            Family {
                name: "r",
                kind: Kind::Info,
                help: "R.",
                samples: vec![sample(&[("v", "1\"\\\n2"), ("w", "")], 1.0)],
            },
            Family { name: "g", kind: Kind::Gauge, help: "G.", samples: vec![sample(&[], f64::INFINITY)] },
        ]
    }

    #[test]
    fn what_prometheus_reads() {
        let text = Format::Prometheus.write(&families());
        assert_eq!(
            text,
            "# HELP a_total A \\\\ \"b\"\\nc.\n# TYPE a_total counter\na_total 2\n\
             # HELP r_info R.\n# TYPE r_info gauge\nr_info{v=\"1\\\"\\\\\\n2\",w=\"\"} 1\n\
             # HELP g G.\n# TYPE g gauge\ng +Inf\n"
        );
    }

    #[test]
    fn what_openmetrics_is() {
        let text = Format::OpenMetrics.write(&families());
        assert_eq!(
            text,
            "# HELP a A \\\\ \\\"b\\\"\\nc.\n# TYPE a counter\na_total 2\n\
             # HELP r R.\n# TYPE r info\nr_info{v=\"1\\\"\\\\\\n2\",w=\"\"} 1\n\
             # HELP g G.\n# TYPE g gauge\ng +Inf\n# EOF\n"
        );
    }

    #[test]
    fn a_reader_gets_what_it_can_read() {
        assert_eq!(Format::accepted("*/*"), Format::Prometheus);
        let prometheus = "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3";
        assert_eq!(Format::accepted(prometheus), Format::OpenMetrics);
    }
}
