//! Headers that are sent with a request, and where those stand whose values are secrets.

use lockkeeper_core::message;
use lockkeeper_core::model::{Answer, Place, Problem};
use lockkeeper_engine::postgres::Secret;
use lockkeeper_engine::probe::Header;
use toml::{Spanned, Value};

use super::super::file::{Source, likely};
use super::raw::Values;

/// A header whose value stands in the environment, or in `.env`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretHeader {
    name: String,
    /// The variable.
    env: String,
    /// What stands before its value, as `Bearer ` does.
    prefix: String,
    place: Place,
}

/// What a request is sent with.
#[derive(Debug, Default)]
pub(super) struct Headers {
    pub(super) plain: Vec<Header>,
    pub(super) secret: Vec<SecretHeader>,
}

const WORDS: [&str; 2] = ["env", "prefix"];

impl Source<'_> {
    pub(super) fn headers(&self, raw: &Values) -> Answer<Headers> {
        let mut headers = Headers::default();
        for (name, value) in raw {
            // Checked with any value at all, so that a bad name is told before anybody looks for the variable.
            if Header::new(name.get_ref(), Secret::new("")).is_none() {
                return Err(self.refuse_secretly(name, message!("settings-health-header")));
            }
            match value {
                Value::String(value) => {
                    let header = Header::new(name.get_ref(), Secret::new(value.clone()))
                        .ok_or_else(|| self.refuse_secretly(name, message!("settings-health-header")))?;
                    headers.plain.push(header);
                }
                Value::Table(words) => headers.secret.push(self.secret(name, words)?),
                _ => return Err(self.refuse_secretly(name, message!("settings-health-header-value"))),
            }
        }
        Ok(headers)
    }

    fn secret(&self, name: &Spanned<String>, words: &toml::Table) -> Answer<SecretHeader> {
        if let Some(unknown) = words.keys().find(|word| !WORDS.contains(&word.as_str())) {
            let problem = self.refuse_secretly(name, message!("settings-file-unknown-key", key = unknown.as_str()));
            return Err(match likely(unknown, WORDS) {
                Some(known) => problem.hint(message!("settings-hint-did-you-mean", name = known)),
                None => problem,
            });
        }
        let text = |word: &str| words.get(word).map(|value| value.as_str().map(str::to_owned));
        let (Some(Some(env)), Some(prefix)) = (text("env"), text("prefix").unwrap_or(Some(String::new()))) else {
            return Err(self.refuse_secretly(name, message!("settings-health-header-value")));
        };
        if env.is_empty() || env.contains(['=', '\0']) {
            return Err(self.refuse_secretly(name, message!("settings-health-header-value")));
        }
        let mut place = self.place(name.span());
        place.snippet = None;
        Ok(SecretHeader { name: name.get_ref().clone(), env, prefix, place })
    }

    /// Without the line: what stands beside the name may be a secret that was written down after all.
    fn refuse_secretly(&self, at: &Spanned<String>, what: lockkeeper_core::model::Message) -> Box<Problem> {
        let mut place = self.place(at.span());
        place.snippet = None;
        Problem::usage(what).at(place)
    }
}

impl SecretHeader {
    /// The name of the variable.
    pub fn env(&self) -> &str {
        &self.env
    }

    /// The header with the variable's value.
    pub fn with(&self, value: Option<&str>) -> Answer<Header> {
        let value = value.ok_or_else(|| {
            Problem::usage(message!(
                "settings-health-header-unset",
                env = self.env.as_str(),
                header = self.name.as_str()
            ))
            .at(self.place.clone())
        })?;
        Header::new(&self.name, Secret::new(format!("{}{value}", self.prefix))).ok_or_else(|| {
            Problem::usage(message!(
                "settings-health-header-unfit",
                env = self.env.as_str(),
                header = self.name.as_str()
            ))
            .at(self.place.clone())
        })
    }
}
