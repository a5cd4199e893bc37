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
    /// `as-written reason="…"`: the next statement runs as it is written, not as safe steps.
    AsWritten { reason: String },
    /// `allow=rule-name reason="…"`: what that rule finds in the next statement is meant; with no statement behind
    /// it, what it finds in the file.
    Allow { rule: String, reason: String },
}

impl DirectiveKind {
    /// Every directive's word, as `unknown directive` lists them.
    pub const WORDS: [&'static str; 4] = ["stage", "no-transaction", "as-written", "allow"];

    const fn word(&self) -> &'static str {
        match self {
            Self::Stage { .. } => "stage",
            Self::NoTransaction => "no-transaction",
            Self::AsWritten { .. } => "as-written",
            Self::Allow { .. } => "allow",
        }
    }

    /// Whether it speaks of the statement behind it, and not of the whole file.
    const fn is_for_a_statement(&self) -> bool {
        matches!(self, Self::AsWritten { .. } | Self::Allow { .. })
    }

    /// Whether both say the same of the same thing.
    fn repeats(&self, earlier: &Self) -> bool {
        match (self, earlier) {
            (Self::Allow { rule, .. }, Self::Allow { rule: other, .. }) => rule == other,
            _ => self.word() == earlier.word(),
        }
    }
}

/// Reads the directives among a file's comments. `statements` are the spans of the file's statements: what
/// speaks of the whole file must stand before them all, what speaks of a statement before that one.
pub fn read(comments: &[Comment], statements: &[Span]) -> (Vec<Directive>, Vec<Diagnostic>) {
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
        // Statements stand in the order of the file: so many begin before an offset.
        let begun = |at: usize| statements.partition_point(|statement| statement.start < at);
        let here = begun(comment.span.start);
        let next = statements.get(here);
        let speaks_of_the_same = |earlier: &Directive| {
            let has_between = begun(earlier.span.start) < here;
            kind.repeats(&earlier.kind) && !(kind.is_for_a_statement() && has_between)
        };
        let inside = here > 0 && comment.span.start < statements[here - 1].end;
        let is_known = |earlier: &Directive| earlier.kind.is_for_a_statement() && begun(earlier.span.start) < here;
        // What spoke of an earlier statement says nothing of this one.
        let mut recent = directives.iter().rev().take_while(|earlier| !is_known(earlier));
        let mut of_file = directives.iter().take_while(|earlier| begun(earlier.span.start) == 0);
        if recent.any(speaks_of_the_same) || of_file.any(speaks_of_the_same) {
            diagnostics.push(Diagnostic::new(comment.span, message!("directive-twice", word = kind.word())));
        } else if kind.is_for_a_statement() {
            let may_end_a_file = matches!(kind, DirectiveKind::Allow { .. });
            if (next.is_none() && !may_end_a_file) || inside {
                diagnostics.push(
                    Diagnostic::new(comment.span, message!("directive-before-nothing", word = kind.word()))
                        .hint(message!("directive-before-nothing-hint")),
                );
            } else {
                directives.push(Directive { span: comment.span, kind });
            }
        } else if statements.first().is_some_and(|first| comment.span.start > first.start) {
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
    let reason = |word: &str| {
        let reason = value_of("reason").unwrap_or_default().trim().to_owned();
        let missing = || Fault {
            at: body,
            message: message!("directive-reason-missing", word = word),
            hint: Some(message!("directive-reason-hint")),
        };
        if reason.is_empty() { Err(missing()) } else { Ok(reason) }
    };
    match first.key {
        "stage" => {
            only(rest, &["reason"])?;
            let stage = match first.value.as_deref() {
                Some("1") => Stage::Expand,
                Some("2") => Stage::Contract,
                _ => return Err(Fault { at: first.source, message: message!("directive-stage-value"), hint: None }),
            };
            Ok(DirectiveKind::Stage { stage, reason: reason("stage")? })
        }
        "as-written" => {
            only(rest, &["reason"])?;
            no_value(first)?;
            Ok(DirectiveKind::AsWritten { reason: reason("as-written")? })
        }
        "allow" => {
            only(rest, &["reason"])?;
            let rule = first.value.clone().unwrap_or_default();
            if rule.is_empty() {
                return Err(Fault { at: first.source, message: message!("directive-allow-value"), hint: None });
            }
            Ok(DirectiveKind::Allow { rule, reason: reason("allow")? })
        }
        "no-transaction" => {
            only(rest, &[])?;
            no_value(first)?;
            Ok(DirectiveKind::NoTransaction)
        }
        unknown => {
            Err(Fault { at: first.source, message: message!("directive-unknown", word = unknown), hint: Some(known()) })
        }
    }
}

fn no_value<'b>(field: &Field<'b>) -> Result<(), Fault<'b>> {
    if field.value.is_none() {
        return Ok(());
    }
    Err(Fault { at: field.source, message: message!("directive-takes-no-value", word = field.key), hint: None })
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
