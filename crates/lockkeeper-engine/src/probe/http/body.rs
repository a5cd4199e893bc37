//! What has to be true of a body.

use lockkeeper_core::message;
use lockkeeper_core::model::Message;
use regex::Regex;
use serde_json::Value;

use super::super::bound::Comparison;

/// One condition on a body.
#[derive(Debug, Clone)]
pub enum BodyCondition {
    Contains(String),
    Lacks(String),
    Matches(Regex),
    /// The body is JSON, and this is what stands there. Numbers are compared as numbers.
    JsonIs {
        at: JsonPointer,
        value: Value,
    },
    /// The body is JSON, and something else stands there. What is missing is something else too.
    JsonIsNot {
        at: JsonPointer,
        value: Value,
    },
    /// The body is JSON, and the text there matches.
    JsonMatches {
        at: JsonPointer,
        regex: Regex,
    },
    /// The body is JSON, and something stands there, be it null.
    JsonPresent {
        at: JsonPointer,
    },
    /// The body is JSON, and nothing stands there.
    JsonAbsent {
        at: JsonPointer,
    },
    /// The body is JSON, and the number there stands so to this one.
    JsonHolds {
        at: JsonPointer,
        comparison: Comparison,
        number: f64,
    },
}

/// A place in a JSON document (RFC 6901), as in `/database/status`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JsonPointer(String);

impl JsonPointer {
    /// `None` unless it is empty, which is the whole document, or begins with `/`.
    pub fn parse(text: &str) -> Option<Self> {
        let escapes_hold = text.split('~').skip(1).all(|rest| rest.starts_with('0') || rest.starts_with('1'));
        ((text.is_empty() || text.starts_with('/')) && escapes_hold).then(|| Self(text.to_owned()))
    }

    pub fn find<'a>(&self, document: &'a Value) -> Option<&'a Value> {
        document.pointer(&self.0)
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What of a foreign text is shown.
const SHOWN_CHARS_MAX: usize = 80;

impl BodyCondition {
    /// # Errors
    /// What is wrong with the regular expression, in the words of the library.
    pub fn matching(regex: &str) -> Result<Self, String> {
        compiled(regex).map(Self::Matches)
    }

    /// # Errors
    /// What is wrong with the regular expression, in the words of the library.
    pub fn json_matching(at: JsonPointer, regex: &str) -> Result<Self, String> {
        Ok(Self::JsonMatches { at, regex: compiled(regex)? })
    }

    /// Why it does not hold, or `None` when it does.
    pub fn unmet(&self, body: &[u8]) -> Option<Message> {
        match self {
            Self::Contains(part) => {
                (!contains(body, part)).then(|| message!("probe-body-lacks", text = shortened(part)))
            }
            Self::Lacks(part) => contains(body, part).then(|| message!("probe-body-has", text = shortened(part))),
            Self::Matches(regex) => (!regex.is_match(&String::from_utf8_lossy(body)))
                .then(|| message!("probe-body-mismatch", regex = shortened(regex.as_str()))),
            Self::JsonIs { at, value } => match found(body, at) {
                Ok(found) if same(&found, value) => None,
                Ok(found) => Some(message!(
                    "probe-body-json-is",
                    at = at.as_str(),
                    found = shortened(&found.to_string()),
                    expected = shortened(&value.to_string())
                )),
                Err(why) => Some(why),
            },
            Self::JsonIsNot { at, value } => match look(body, at) {
                Ok(Some(found)) if same(&found, value) => Some(message!(
                    "probe-body-json-is",
                    at = at.as_str(),
                    found = shortened(&found.to_string()),
                    expected = format!("!= {}", shortened(&value.to_string()))
                )),
                Ok(_) => None,
                Err(why) => Some(why),
            },
            Self::JsonMatches { at, regex } => match found(body, at) {
                Ok(Value::String(text)) if regex.is_match(&text) => None,
                Ok(found) => Some(message!(
                    "probe-body-json-is",
                    at = at.as_str(),
                    found = shortened(&found.to_string()),
                    expected = format!("/{}/", shortened(regex.as_str()))
                )),
                Err(why) => Some(why),
            },
            Self::JsonPresent { at } => found(body, at).err(),
            Self::JsonAbsent { at } => match look(body, at) {
                Ok(None) => None,
                Ok(Some(found)) => {
                    Some(message!("probe-body-json-present", at = at.as_str(), found = shortened(&found.to_string())))
                }
                Err(why) => Some(why),
            },
            Self::JsonHolds { at, comparison, number } => match found(body, at) {
                Ok(found) if found.as_f64().is_some_and(|found| comparison.holds(found, *number)) => None,
                Ok(found) => Some(message!(
                    "probe-body-json-is",
                    at = at.as_str(),
                    found = shortened(&found.to_string()),
                    expected = format!("{} {number}", comparison.as_str())
                )),
                Err(why) => Some(why),
            },
        }
    }
}

/// What stands at a place of a JSON text, or why nothing does.
pub(in crate::probe) fn found(body: &[u8], at: &JsonPointer) -> Result<Value, Message> {
    look(body, at)?.ok_or_else(|| message!("probe-body-json-missing", at = at.as_str()))
}

/// What stands at a place of a JSON text, if anything does; or why it is no JSON.
fn look(body: &[u8], at: &JsonPointer) -> Result<Option<Value>, Message> {
    let document: Value =
        serde_json::from_slice(body).map_err(|error| message!("probe-body-not-json", reason = error.to_string()))?;
    Ok(at.find(&document).cloned())
}

/// The library draws the place under the expression, over several lines; the last one says what is wrong.
fn compiled(regex: &str) -> Result<Regex, String> {
    Regex::new(regex).map_err(|error| {
        let text = error.to_string();
        let last = text.lines().last().unwrap_or_default();
        last.strip_prefix("error: ").unwrap_or(last).to_owned()
    })
}

fn contains(body: &[u8], part: &str) -> bool {
    part.is_empty() || body.windows(part.len()).any(|window| window == part.as_bytes())
}

fn same(one: &Value, other: &Value) -> bool {
    match (one.as_f64(), other.as_f64()) {
        (Some(one), Some(other)) => Comparison::Equal.holds(one, other),
        _ => one == other,
    }
}

/// The beginning of a text, on one line.
pub(in crate::probe) fn shortened(text: &str) -> String {
    let mut chars = text.chars().map(|char| if char.is_control() { ' ' } else { char });
    let mut short: String = chars.by_ref().take(SHOWN_CHARS_MAX).collect();
    if chars.next().is_some() {
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &[u8] = br#"{"status": "ok", "a/b": {"queue": 12, "list": [1, null]}}"#;

    fn pointer(text: &str) -> JsonPointer {
        JsonPointer::parse(text).expect(text)
    }

    fn unmet(condition: &BodyCondition) -> Option<&'static str> {
        condition.unmet(BODY).map(|message| message.id)
    }

    #[test]
    fn texts_are_looked_for() {
        assert_eq!(unmet(&BodyCondition::Contains("\"ok\"".to_owned())), None);
        assert_eq!(unmet(&BodyCondition::Contains("down".to_owned())), Some("probe-body-lacks"));
        assert_eq!(unmet(&BodyCondition::Lacks("down".to_owned())), None);
        assert_eq!(unmet(&BodyCondition::Lacks("ok".to_owned())), Some("probe-body-has"));
        let matches = |regex| unmet(&BodyCondition::Matches(Regex::new(regex).expect(regex)));
        assert_eq!(matches(r#""queue":\s*\d+"#), None);
        assert_eq!(matches("^ok$"), Some("probe-body-mismatch"));
    }

    #[test]
    fn json_is_compared_by_place() {
        let is = |at, value| unmet(&BodyCondition::JsonIs { at: pointer(at), value });
        assert_eq!(is("/status", Value::from("ok")), None);
        assert_eq!(is("/a~1b/queue", Value::from(12.0)), None, "12 is 12.0");
        assert_eq!(is("/a~1b/list/1", Value::Null), None);
        assert_eq!(is("/status", Value::from("up")), Some("probe-body-json-is"));
        assert_eq!(is("/missing", Value::Null), Some("probe-body-json-missing"), "missing is not null");
        let holds =
            |comparison, number| unmet(&BodyCondition::JsonHolds { at: pointer("/a~1b/queue"), comparison, number });
        assert_eq!(holds(Comparison::Less, 13.0), None);
        assert_eq!(holds(Comparison::Less, 12.0), Some("probe-body-json-is"));
        let text = BodyCondition::JsonHolds { at: pointer("/status"), comparison: Comparison::NotEqual, number: 1.0 };
        assert_eq!(unmet(&text), Some("probe-body-json-is"), "a text is no number");
    }

    #[test]
    fn what_stands_there_may_be_excluded_matched_or_absent() {
        let is_not = |at, value| unmet(&BodyCondition::JsonIsNot { at: pointer(at), value });
        assert_eq!(is_not("/status", Value::from("down")), None);
        assert_eq!(is_not("/status", Value::from("ok")), Some("probe-body-json-is"));
        assert_eq!(is_not("/missing", Value::from("down")), None);
        let matches = |at, regex| unmet(&BodyCondition::json_matching(pointer(at), regex).expect(regex));
        assert_eq!(matches("/status", "^o"), None);
        assert_eq!(matches("/status", "^k"), Some("probe-body-json-is"));
        assert_eq!(matches("/a~1b/queue", "12"), Some("probe-body-json-is"), "a number is no text");
        let present = |at| unmet(&BodyCondition::JsonPresent { at: pointer(at) });
        let absent = |at| unmet(&BodyCondition::JsonAbsent { at: pointer(at) });
        assert_eq!((present("/a~1b/list/1"), absent("/a~1b/list/1")), (None, Some("probe-body-json-present")));
        assert_eq!((present("/error"), absent("/error")), (Some("probe-body-json-missing"), None));
        for condition in [
            BodyCondition::JsonAbsent { at: pointer("/error") },
            BodyCondition::JsonIsNot { at: pointer("/error"), value: Value::Null },
        ] {
            let why = condition.unmet(b"Internal Server Error").map(|message| message.id);
            assert_eq!(why, Some("probe-body-not-json"), "what is no JSON lacks nothing");
        }
        assert_eq!(BodyCondition::matching("a(").expect_err("unclosed"), "unclosed group");
    }

    #[test]
    fn what_is_not_json_says_so() {
        let condition = BodyCondition::JsonIs { at: pointer(""), value: Value::Null };
        assert_eq!(condition.unmet(b"<html>").map(|message| message.id), Some("probe-body-not-json"));
    }

    #[test]
    fn a_pointer_begins_with_a_slash() {
        for bad in ["status", "$.status", "/a~2", "/a~"] {
            assert_eq!(JsonPointer::parse(bad), None, "{bad}");
        }
    }
}
