//! A problem as people read it, and as JSON.

use lockkeeper_core::message;
use lockkeeper_core::model::{Arg, Message, Place, Problem, ServerReport};
use serde_json::{Value, json};

use super::{Catalogue, Tone};

/// `error:` line, place with the source line and a caret, PostgreSQL's words, what stands, hints.
pub fn render(problem: &Problem, catalogue: &Catalogue, color: bool) -> String {
    let mut lines = Vec::new();
    push(problem, catalogue, color, &mut lines);
    lines.join("\n")
}

fn push(problem: &Problem, catalogue: &Catalogue, color: bool, lines: &mut Vec<String>) {
    let label = Tone::Bad.paint(&catalogue.text(&message!("label-error")), color);
    lines.push(format!("{label}: {}", catalogue.text(&problem.message)));
    if let Some(place) = &problem.place {
        push_place(place, color, lines);
    }
    if let Some(server) = &problem.server {
        push_server(server, color, lines);
    }
    for note in &problem.notes {
        lines.push(labelled(&message!("label-note"), note, Tone::Strong, catalogue, color));
    }
    for hint in &problem.hints {
        lines.push(labelled(&message!("label-hint"), hint, Tone::Good, catalogue, color));
    }
    for other in &problem.others {
        lines.push(String::new());
        push(other, catalogue, color, lines);
    }
}

fn labelled(label: &Message, message: &Message, tone: Tone, catalogue: &Catalogue, color: bool) -> String {
    format!("{}: {}", tone.paint(&catalogue.text(label), color), catalogue.text(message))
}

/// The lines that show a place.
pub fn place_lines(place: &Place, color: bool) -> Vec<String> {
    let mut lines = Vec::new();
    push_place(place, color, &mut lines);
    lines
}

fn push_place(place: &Place, color: bool, lines: &mut Vec<String>) {
    lines.push(format!("  {} {place}", Tone::Quiet.paint("-->", color)));
    let (Some(at), Some(snippet)) = (place.at, &place.snippet) else { return };
    let number = at.line.to_string();
    let gutter = " ".repeat(number.len());
    let bar = Tone::Quiet.paint("|", color);
    lines.push(format!(" {gutter} {bar}"));
    lines.push(format!(" {number} {bar} {}", snippet.line));
    let before: usize = snippet.line.chars().take(snippet.before).map(width).sum();
    let marked: usize = snippet.line.chars().skip(snippet.before).take(snippet.marked).map(width).sum();
    let caret = Tone::Bad.paint(&"^".repeat(marked.max(1)), color);
    lines.push(format!(" {gutter} {bar} {}{caret}", " ".repeat(before)));
}

/// Columns that a character takes on a terminal: wide scripts take two.
fn width(c: char) -> usize {
    unicode_width::UnicodeWidthChar::width(c).unwrap_or(0)
}

fn push_server(server: &ServerReport, color: bool, lines: &mut Vec<String>) {
    let label = Tone::Strong.paint("PostgreSQL", color);
    lines.push(format!("{label}: {} {} (SQLSTATE {})", server.severity, server.message, server.sqlstate));
    let fields = [("DETAIL", &server.detail), ("HINT", &server.hint), ("CONTEXT", &server.context)];
    for (name, value) in fields {
        if let Some(value) = value {
            lines.push(format!("{label}: {name} {}", value.replace('\n', "\n    ")));
        }
    }
}

/// A message with its arguments: who blocks, say, is there to be read without its sentence.
fn told(message: &Message, catalogue: &Catalogue) -> Value {
    let args = message.args.iter().map(|(name, arg)| ((*name).to_owned(), argument(arg, catalogue)));
    json!({ "id": message.id, "text": catalogue.text(message), "args": args.collect::<serde_json::Map<_, _>>() })
}

fn argument(arg: &Arg, catalogue: &Catalogue) -> Value {
    match arg {
        Arg::Text(text) => json!(text),
        Arg::Number(number) => json!(number),
        Arg::Message(message) => told(message, catalogue),
        Arg::List(messages) => messages.iter().map(|message| told(message, catalogue)).collect(),
    }
}

/// The same fields, with identifiers beside the text so that scripts need not read prose.
pub fn to_json(problem: &Problem, catalogue: &Catalogue) -> Value {
    let text = |message: &Message| told(message, catalogue);
    json!({
        "id": problem.message.id,
        "text": catalogue.text(&problem.message),
        "args": told(&problem.message, catalogue)["args"],
        "exit_code": problem.exit.code(),
        "place": problem.place.as_ref().map(|place| json!({
            "path": place.path.as_ref(),
            "line": place.at.map(|at| at.line),
            "column": place.at.map(|at| at.column),
        })),
        "server": problem.server.as_ref().map(|server| json!({
            "severity": server.severity,
            "sqlstate": server.sqlstate,
            "message": server.message,
            "detail": server.detail,
            "hint": server.hint,
            "context": server.context,
        })),
        "notes": problem.notes.iter().map(text).collect::<Vec<_>>(),
        "hints": problem.hints.iter().map(text).collect::<Vec<_>>(),
        "others": problem.others.iter().map(|other| to_json(other, catalogue)).collect::<Vec<_>>(),
    })
}
