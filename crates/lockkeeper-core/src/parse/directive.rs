//! Directives: `-- lockkeeper: …` comments, which keep a file runnable with psql.
//!
//! ```text
//! directive = "--" "lockkeeper:" word [ "=" value ] { key "=" value }
//! value     = bare word | '"' text with \" and \\ '"'
//! ```

use super::Diagnostic;
use super::squawk::Comment;
use crate::message;
use crate::model::{Message, Span, Stage};

/// A directive and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Directive {
    pub span: Span,
    pub kind: DirectiveKind,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DirectiveKind {
    /// `stage=2 reason="…"`: overrules the name and the effects.
    Stage { stage: Stage, reason: String },
    /// `no-transaction`: each statement of the file commits by itself.
    NoTransaction,
}

impl DirectiveKind {
    /// Every directive's word, as `unknown directive` lists them.
    pub const WORDS: [&'static str; 2] = ["stage", "no-transaction"];

    const fn word(&self) -> &'static str {
        match self {
            Self::Stage { .. } => "stage",
            Self::NoTransaction => "no-transaction",
        }
    }
}

/// Reads the directives among a file's comments. `first_statement` is where the first statement starts:
/// both directives speak of the whole file and so must stand before it.
pub fn read(comments: &[Comment], first_statement: Option<usize>) -> (Vec<Directive>, Vec<Diagnostic>) {
    let mut directives: Vec<Directive> = Vec::new();
    let mut diagnostics = Vec::new();
    for comment in comments {
        let Some(body) = directive_body(comment, &mut diagnostics) else { continue };
        let kind = match read_one(body) {
            Ok(kind) => kind,
            Err(fault) => {
                diagnostics.push(fault.diagnostic(comment, body));
                continue;
            }
        };
        let twice = directives.iter().any(|earlier| earlier.kind.word() == kind.word());
        if twice {
            diagnostics.push(Diagnostic::new(comment.span, message!("directive-twice", word = kind.word())));
        } else if first_statement.is_some_and(|start| comment.span.start > start) {
            diagnostics.push(
                Diagnostic::new(comment.span, message!("directive-too-late", word = kind.word()))
                    .hint(message!("directive-too-late-hint")),
            );
        } else {
            directives.push(Directive { span: comment.span, kind });
        }
    }
    (directives, diagnostics)
}

/// What follows `lockkeeper:`, when the comment is a directive.
fn directive_body<'c>(comment: &'c Comment, diagnostics: &mut Vec<Diagnostic>) -> Option<&'c str> {
    let text = comment.text.strip_prefix("--")?.trim();
    let word_length = "lockkeeper".len();
    let starts = text.get(..word_length).is_some_and(|start| start.eq_ignore_ascii_case("lockkeeper"));
    if !starts {
        return None;
    }
    let rest = &text[word_length..];
    if let Some(body) = rest.trim_start().strip_prefix(':') {
        return Some(body.trim());
    }
    // "-- lockkeeper stage=2" is meant as a directive; a sentence about Lockkeeper is not.
    let meant = DirectiveKind::WORDS.iter().any(|word| rest.trim_start().starts_with(word));
    if rest.starts_with(char::is_whitespace) && meant {
        diagnostics.push(Diagnostic::new(comment.span, message!("directive-without-colon")));
    }
    None
}

/// What is wrong with one directive; `at` is the text to mark.
struct Fault<'b> {
    at: &'b str,
    message: Message,
    hint: Option<Message>,
}

impl Fault<'_> {
    fn diagnostic(self, comment: &Comment, body: &str) -> Diagnostic {
        let body_start = comment.text.find(body).unwrap_or(0);
        let in_body = self.at.as_ptr().addr().wrapping_sub(body.as_ptr().addr());
        let start = comment.span.start + body_start + if in_body <= body.len() { in_body } else { 0 };
        let span = Span::new(start, start + self.at.len());
        let diagnostic = Diagnostic::new(span, self.message);
        match self.hint {
            Some(hint) => diagnostic.hint(hint),
            None => diagnostic,
        }
    }
}

struct Field<'b> {
    key: &'b str,
    value: Option<String>,
    source: &'b str,
}

fn read_one(body: &str) -> Result<DirectiveKind, Fault<'_>> {
    let fields = fields(body)?;
    let Some((first, rest)) = fields.split_first() else {
        return Err(Fault { at: body, message: message!("directive-empty"), hint: Some(known()) });
    };
    let value_of = |key: &str| rest.iter().find(|field| field.key == key).and_then(|field| field.value.clone());
    match first.key {
        "stage" => {
            only(rest, &["reason"])?;
            let stage = match first.value.as_deref() {
                Some("1") => Stage::Expand,
                Some("2") => Stage::Contract,
                _ => return Err(Fault { at: first.source, message: message!("directive-stage-value"), hint: None }),
            };
            let reason = value_of("reason").unwrap_or_default().trim().to_owned();
            if reason.is_empty() {
                return Err(Fault {
                    at: body,
                    message: message!("directive-reason-missing", word = "stage"),
                    hint: Some(message!("directive-reason-hint")),
                });
            }
            Ok(DirectiveKind::Stage { stage, reason })
        }
        "no-transaction" => {
            only(rest, &[])?;
            if first.value.is_some() {
                return Err(Fault {
                    at: first.source,
                    message: message!("directive-takes-no-value", word = first.key),
                    hint: None,
                });
            }
            Ok(DirectiveKind::NoTransaction)
        }
        unknown => {
            Err(Fault { at: first.source, message: message!("directive-unknown", word = unknown), hint: Some(known()) })
        }
    }
}

fn known() -> Message {
    message!("directive-known", words = DirectiveKind::WORDS.join(", "))
}

fn only<'b>(fields: &[Field<'b>], keys: &[&str]) -> Result<(), Fault<'b>> {
    match fields.iter().find(|field| !keys.contains(&field.key)) {
        Some(field) => {
            Err(Fault { at: field.source, message: message!("directive-key-unknown", key = field.key), hint: None })
        }
        None => Ok(()),
    }
}

fn fields(body: &str) -> Result<Vec<Field<'_>>, Fault<'_>> {
    let mut fields = Vec::new();
    let mut rest = body.trim_start();
    while !rest.is_empty() {
        let key_end = rest.find(|c: char| c.is_whitespace() || c == '=').unwrap_or(rest.len());
        let key = &rest[..key_end];
        let mut taken = key_end;
        let mut value = None;
        if let Some(after) = rest[key_end..].strip_prefix('=') {
            let (read, length) =
                value_at(after).ok_or(Fault { at: rest, message: message!("directive-quote-open"), hint: None })?;
            taken += 1 + length;
            value = Some(read);
        }
        fields.push(Field { key, value, source: &rest[..taken] });
        rest = rest[taken..].trim_start();
    }
    Ok(fields)
}

/// The value at the start of `text` and its length in bytes. `None` when a quote stays open.
fn value_at(text: &str) -> Option<(String, usize)> {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find(char::is_whitespace).unwrap_or(text.len());
        return Some((text[..end].to_owned(), end));
    };
    let mut value = String::new();
    let mut escaped = false;
    for (at, c) in quoted.char_indices() {
        match c {
            '\\' if !escaped => escaped = true,
            '"' if !escaped => return Some((value, at + 2)),
            other => {
                value.push(other);
                escaped = false;
            }
        }
    }
    None
}
