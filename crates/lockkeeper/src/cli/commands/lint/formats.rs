//! Findings as JSON and as annotations of GitHub Actions.

use lockkeeper_lint::report::{Finding, Severity};
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

/// The text of an annotation, escaped as the runner takes it back (actions/toolkit, `command.ts`): no line ends it. A
/// line's beginning alone makes a command, so that `::` within it is text.
fn data(text: &str) -> String {
    visible(text).replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// A property of an annotation, which a comma or a colon would end.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

/// What would colour, move or turn around what a log shows, written out; line ends stay.
fn visible(text: &str) -> String {
    let shown = |c: char| match c {
        '\n' | '\r' | '\t' => c.to_string(),
        // Marks that turn the direction of text around, and others that nobody sees.
        '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' => {
            format!("\\u{{{:x}}}", u32::from(c))
        }
        control if control.is_control() => format!("\\u{{{:x}}}", u32::from(control)),
        plain => plain.to_string(),
    };
    text.chars().map(shown).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_text_stays_inside_of_its_annotation() {
        assert_eq!(data("a%0A\r\n::error::b, c"), "a%250A%0D%0A::error::b, c");
        assert_eq!(property("x,line=1:2%\n"), "x%2Cline=1%3A2%25%0A");
        assert_eq!(data("\u{1b}[31mred\u{202e}dlo\u{7}"), "\\u{1b}[31mred\\u{202e}dlo\\u{7}");
        assert_eq!(data("가\t나"), "가\t나");
    }
}
