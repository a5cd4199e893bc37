//! Findings as JSON, as SARIF and as annotations of GitHub Actions.

use lockkeeper_lint::check::UNUSED_ALLOW;
use lockkeeper_lint::report::{Finding, Severity};
use lockkeeper_lint::rules::ALL;
use serde_json::{Value, json};

use crate::printer::Printer;

pub fn json(findings: &[Finding], files: usize, allowed: usize, printer: &Printer) -> Value {
    json!({
        "findings": findings.iter().map(|finding| json!({
            "rule": finding.rule,
            "severity": finding.severity.as_str(),
            "path": finding.place.path.as_ref(),
            "line": finding.place.at.map(|at| at.line),
            "column": finding.place.at.map(|at| at.column),
            "end_line": finding.end.map(|end| end.line),
            "end_column": finding.end.map(|end| end.column),
            "message": printer.text(&finding.message),
            "help": printer.text(&finding.help),
        })).collect::<Vec<_>>(),
        "files": files,
        "allowed": allowed,
    })
}

const SARIF_SCHEMA: &str = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

/// SARIF 2.1.0. Columns count code points, as ours do.
pub fn sarif(findings: &[Finding], printer: &Printer) -> Value {
    let mut rules: Vec<Value> = ALL
        .iter()
        .map(|rule| {
            json!({
                "id": rule.name,
                "shortDescription": { "text": rule.summary() },
                "fullDescription": { "text": rule.documentation() },
                "help": { "text": rule.documentation(), "markdown": rule.documentation() },
                "defaultConfiguration": {
                    "enabled": rule.severity.is_some(),
                    "level": rule.severity.map_or("none", Severity::as_str),
                },
            })
        })
        .collect();
    rules.push(json!({
        "id": UNUSED_ALLOW,
        "shortDescription": { "text": "An allow that allows nothing." },
        "defaultConfiguration": { "enabled": true, "level": "warning" },
    }));
    let index = |name: &str| ALL.iter().position(|rule| rule.name == name).unwrap_or(ALL.len());
    let results = findings.iter().map(|finding| {
        let mut physical = json!({ "artifactLocation": { "uri": uri(&finding.place.path) } });
        if let Some(at) = finding.place.at {
            let mut region = json!({ "startLine": at.line, "startColumn": at.column });
            if let Some(end) = finding.end {
                region["endLine"] = json!(end.line);
                region["endColumn"] = json!(end.column);
            }
            physical["region"] = region;
        }
        json!({
            "ruleId": finding.rule,
            "ruleIndex": index(finding.rule),
            "level": finding.severity.as_str(),
            "message": { "text": format!("{}: {}", printer.text(&finding.message), printer.text(&finding.help)) },
            "locations": [{ "physicalLocation": physical }],
        })
    });
    json!({
        "$schema": SARIF_SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "lockkeeper",
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": rules,
            } },
            "columnKind": "unicodeCodePoints",
            "results": results.collect::<Vec<_>>(),
        }],
    })
}

/// A path as a URI reference: what is not plain is written as `%XX`.
fn uri(path: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte);
    path.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

/// One annotation: `::error file=…,line=…::what`.
pub fn github(finding: &Finding, printer: &Printer) -> String {
    let level = match finding.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "notice",
    };
    let mut properties = vec![format!("file={}", property(&finding.place.path))];
    if let Some(at) = finding.place.at {
        properties.push(format!("line={}", at.line));
        properties.push(format!("col={}", at.column));
        if let Some(end) = finding.end {
            properties.push(format!("endLine={}", end.line));
            // GitHub refuses an end column where the lines differ.
            if end.line == at.line {
                properties.push(format!("endColumn={}", end.column));
            }
        }
    }
    properties.push(format!("title={}", property(finding.rule)));
    let text = format!("{}: {}", printer.text(&finding.message), printer.text(&finding.help));
    format!("::{level} {}::{}", properties.join(","), data(&text))
}

/// The text of an annotation, so that nothing in it ends it or begins another.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A").replace("::", "%3A%3A")
}

/// A property of an annotation, which a comma or a colon would end.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_text_stays_inside_of_its_annotation() {
        assert_eq!(data("a%0A\r\n::error::b"), "a%250A%0D%0A%3A%3Aerror%3A%3Ab");
        assert_eq!(property("x,line=1:2"), "x%2Cline=1%3A2");
    }

    #[test]
    fn a_path_becomes_a_uri() {
        assert_eq!(uri("a b/가.sql"), "a%20b/%EA%B0%80.sql");
    }
}
