//! Findings as SARIF 2.1.0.

use std::collections::BTreeMap;

use lockkeeper_core::model::Checksum;
use lockkeeper_lint::check::{Allowed, UNUSED_ALLOW};
use lockkeeper_lint::report::{Finding, Severity};
use lockkeeper_lint::rules::ALL;
use serde_json::{Value, json};

use crate::printer::Printer;

const SCHEMA: &str = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

/// Columns count code points, as ours do. What is allowed is suppressed, with its reason.
pub fn document(findings: &[Finding], allowed: &[Allowed], printer: &Printer) -> Value {
    let mut seen = BTreeMap::new();
    let found = findings.iter().map(|finding| result(finding, &mut seen, printer)).collect::<Vec<_>>();
    let suppressed = allowed.iter().map(|allowed| {
        let mut result = result(&allowed.finding, &mut seen, printer);
        let kind = if allowed.in_file { "inSource" } else { "external" };
        result["suppressions"] = json!([{ "kind": kind, "status": "accepted", "justification": allowed.reason }]);
        result
    });
    let results: Vec<Value> = found.into_iter().chain(suppressed.collect::<Vec<_>>()).collect();
    json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "lockkeeper",
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": rules(),
            } },
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    })
}

fn rules() -> Vec<Value> {
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
    rules
}

/// `seen` counts findings that are alike, so that each has a fingerprint of its own.
fn result(finding: &Finding, seen: &mut BTreeMap<String, usize>, printer: &Printer) -> Value {
    let mut physical = json!({ "artifactLocation": { "uri": uri(&finding.place.path) } });
    if let Some(at) = finding.place.at {
        let mut region = json!({ "startLine": at.line, "startColumn": at.column });
        if let Some(end) = finding.end {
            region["endLine"] = json!(end.line);
            region["endColumn"] = json!(end.column);
        }
        physical["region"] = region;
    }
    let line = finding.place.snippet.as_ref().map_or("", |snippet| snippet.line.trim());
    let alike = format!("{}\n{}\n{line}\n{}", finding.rule, finding.place.path, finding.message);
    let times = seen.entry(alike.clone()).and_modify(|times| *times += 1).or_insert(0);
    let fingerprint = Checksum::of(format!("{alike}\n{times}").as_bytes()).to_string();
    json!({
        "ruleId": finding.rule,
        "ruleIndex": ALL.iter().position(|rule| rule.name == finding.rule).unwrap_or(ALL.len()),
        "level": finding.severity.as_str(),
        "message": { "text": format!("{}: {}", printer.text(&finding.message), printer.text(&finding.help)) },
        "locations": [{ "physicalLocation": physical }],
        // The line itself and not its number: what stands above may change.
        "partialFingerprints": { "ruleAndLine/v1": fingerprint },
    })
}

/// A path as a URI reference: what is not plain is written as `%XX`.
fn uri(path: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte);
    path.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_becomes_a_uri() {
        assert_eq!(uri("a b/가.sql"), "a%20b/%EA%B0%80.sql");
    }
}
