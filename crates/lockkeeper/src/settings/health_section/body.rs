//! What has to be true of a body, as it is written.

use lockkeeper_core::message;
use lockkeeper_core::model::Answer;
use lockkeeper_engine::probe::{BodyCondition, Comparison, JsonPointer};
use toml::{Spanned, Value};

use super::super::file::{Source, likely};
use super::raw::RawHttp;

/// The words of a condition on a place in a JSON body.
const WORDS: [&str; 8] = ["above", "below", "min", "max", "equals", "not", "matches", "present"];

impl Source<'_> {
    pub(super) fn body(&self, raw: &RawHttp) -> Answer<Vec<BodyCondition>> {
        let mut conditions: Vec<BodyCondition> = raw.contains.iter().cloned().map(BodyCondition::Contains).collect();
        conditions.extend(raw.lacks.iter().cloned().map(BodyCondition::Lacks));
        for regex in &raw.matches {
            let condition = BodyCondition::matching(regex.get_ref())
                .map_err(|reason| self.refuse(regex, message!("settings-health-regex", reason = reason)))?;
            conditions.push(condition);
        }
        for (at, value) in &raw.json {
            let pointer = self.pointer(at)?;
            match value {
                Value::Table(words) => {
                    for (word, value) in words {
                        conditions.push(self.word(at, &pointer, word, value)?);
                    }
                    if words.is_empty() {
                        return Err(self.refuse(at, message!("settings-health-json-empty")));
                    }
                }
                value => conditions.push(BodyCondition::JsonIs { at: pointer, value: self.json(at, value)? }),
            }
        }
        Ok(conditions)
    }

    /// One condition of a table of them, as in `{ min = 1, below = 100 }`.
    fn word(&self, place: &Spanned<String>, at: &JsonPointer, word: &str, value: &Value) -> Answer<BodyCondition> {
        let at = at.clone();
        let number = |comparison| {
            #[expect(clippy::cast_precision_loss, reason = "whoever compares beyond 2^53 compares nearly")]
            let number = match value {
                Value::Integer(number) => Some(*number as f64),
                Value::Float(number) => Some(*number).filter(|number| number.is_finite()),
                _ => None,
            };
            let number =
                number.ok_or_else(|| self.refuse(place, message!("settings-health-json-number", word = word)))?;
            Ok(BodyCondition::JsonHolds { at: at.clone(), comparison, number })
        };
        match (word, value) {
            ("above", _) => number(Comparison::Greater),
            ("below", _) => number(Comparison::Less),
            ("min", _) => number(Comparison::GreaterOrEqual),
            ("max", _) => number(Comparison::LessOrEqual),
            ("equals", value) => Ok(BodyCondition::JsonIs { at, value: self.json(place, value)? }),
            ("not", value) => Ok(BodyCondition::JsonIsNot { at, value: self.json(place, value)? }),
            ("matches", Value::String(regex)) => BodyCondition::json_matching(at, regex)
                .map_err(|reason| self.refuse(place, message!("settings-health-regex", reason = reason))),
            ("matches", _) => Err(self.refuse(place, message!("settings-health-json-text", word = word))),
            ("present", Value::Boolean(true)) => Ok(BodyCondition::JsonPresent { at }),
            ("present", Value::Boolean(false)) => Ok(BodyCondition::JsonAbsent { at }),
            ("present", _) => Err(self.refuse(place, message!("settings-health-json-bool", word = word))),
            _ => {
                let problem = self.refuse(place, message!("settings-health-json-word", word = word));
                Err(match likely(word, WORDS) {
                    Some(known) => problem.hint(message!("settings-hint-did-you-mean", name = known)),
                    None => problem,
                })
            }
        }
    }

    /// The value as JSON has it. A date, an infinity and NaN are none there.
    fn json(&self, place: &Spanned<String>, value: &Value) -> Answer<serde_json::Value> {
        if holds_a_date(value) {
            return Err(self.refuse(place, message!("settings-health-json-value")));
        }
        serde_json::to_value(value).map_err(|_| self.refuse(place, message!("settings-health-json-value")))
    }
}

/// What TOML knows and JSON does not.
fn holds_a_date(value: &Value) -> bool {
    match value {
        Value::Datetime(_) => true,
        Value::Float(number) => !number.is_finite(),
        Value::Array(values) => values.iter().any(holds_a_date),
        Value::Table(values) => values.values().any(holds_a_date),
        Value::String(_) | Value::Integer(_) | Value::Boolean(_) => false,
    }
}
