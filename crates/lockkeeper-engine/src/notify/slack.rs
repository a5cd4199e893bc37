//! Slack's incoming webhooks: blocks, within Slack's limits, which it answers with 400 when they are passed.

use lockkeeper_core::model::{AlertEffect, Severity};
use serde_json::{Value, json};

use super::letter::{Letter, one_line};

/// Slack takes one message a second to a webhook.
pub(super) const PAUSE: std::time::Duration = std::time::Duration::from_millis(1_100);

const HEADER_CHARS_MAX: usize = 150;
const TEXT_CHARS_MAX: usize = 3_000;
const FIELD_CHARS_MAX: usize = 2_000;
const FIELDS_PER_BLOCK_MAX: usize = 10;
const BLOCKS_MAX: usize = 50;

/// The message. Built within all limits, whatever the letter holds.
pub fn body(letter: &Letter) -> Value {
    let plain = |text: &str, max| json!({ "type": "plain_text", "text": escaped(text, max), "emoji": true });
    let marked = |text: String| json!({ "type": "mrkdwn", "text": text });
    let title = format!("{} {}", sign(letter), one_line(&letter.title));
    let mut blocks = vec![
        json!({ "type": "header", "text": plain(&title, HEADER_CHARS_MAX) }),
        json!({ "type": "section", "text": marked(not_empty(escaped(&letter.summary, TEXT_CHARS_MAX))) }),
    ];
    let fields: Vec<Value> = letter
        .facts
        .iter()
        .map(|fact| {
            let label = escaped(&one_line(&fact.label), 100);
            marked(format!("*{label}*\n{}", escaped(&fact.value, FIELD_CHARS_MAX - label.chars().count() - 3)))
        })
        .collect();
    blocks.extend(fields.chunks(FIELDS_PER_BLOCK_MAX).map(|fields| json!({ "type": "section", "fields": fields })));
    blocks.truncate(BLOCKS_MAX - 1);
    let below = [&letter.environment, &letter.database, &letter.host]
        .into_iter()
        .filter(|part| !part.is_empty())
        .map(|part| one_line(part))
        .collect::<Vec<_>>()
        .join(" · ");
    let below = format!("{below} · {} · {}", letter.severity().as_str(), letter.at);
    blocks.push(json!({ "type": "context", "elements": [marked(escaped(&below, FIELD_CHARS_MAX))] }));
    // What a notification shows, and a client without blocks.
    json!({ "text": escaped(&title, TEXT_CHARS_MAX), "blocks": blocks })
}

const fn sign(letter: &Letter) -> &'static str {
    match (letter.effect(), letter.severity()) {
        (AlertEffect::Resolves, _) => "✅",
        (_, Severity::Critical) => "🔴",
        (_, Severity::Warning) => "🟠",
        (_, Severity::Info) => "🔵",
    }
}

fn not_empty(text: String) -> String {
    if text.is_empty() { " ".to_owned() } else { text }
}

/// The three characters that Slack gives a meaning, as it wants them written; at most so many characters as they are
/// then, none of them cut in the middle.
fn escaped(text: &str, chars_max: usize) -> String {
    let mut out = String::with_capacity(text.len());
    let mut length = 0;
    let mut chars = text.chars().peekable();
    while let Some(char) = chars.next() {
        let written: &str = match char {
            '&' => "&amp;",
            '<' => "&lt;",
            '>' => "&gt;",
            _ => "",
        };
        let more = if written.is_empty() { 1 } else { written.len() };
        let room = if chars.peek().is_some() { chars_max - 1 } else { chars_max };
        if length + more > room {
            out.push('…');
            return out;
        }
        if written.is_empty() {
            out.push(char);
        } else {
            out.push_str(written);
        }
        length += more;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_slack_would_obey_is_escaped_and_cut_whole() {
        assert_eq!(escaped("<!channel> & co", 100), "&lt;!channel&gt; &amp; co");
        assert_eq!(escaped("abc", 3), "abc");
        assert_eq!(escaped("abcd", 3), "ab…");
        assert_eq!(escaped("ab<<", 6), "ab…", "an escape is not cut in two");
        for max in 5..40 {
            assert!(escaped(&"&<>".repeat(20), max).chars().count() <= max, "{max}");
        }
    }
}
