//! The section `[lint]` of `lockkeeper.toml`.

use std::collections::BTreeMap;

use lockkeeper_core::message;
use lockkeeper_core::model::{Answer, Problem, ServerVersion};
use lockkeeper_lint::check::{Allow, UNUSED_ALLOW};
use lockkeeper_lint::report::Severity;
use lockkeeper_lint::rules;
use serde::Deserialize;
use toml::Spanned;

use super::file::Source;

/// What the section says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FileLint {
    pub version: Option<ServerVersion>,
    pub rules: BTreeMap<String, Option<Severity>>,
    pub allow: Vec<Allow>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawLint {
    postgres: Option<Spanned<String>>,
    #[serde(default)]
    rules: BTreeMap<Spanned<String>, Spanned<String>>,
    #[serde(default)]
    allow: Vec<RawAllow>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawAllow {
    rule: Spanned<String>,
    path: String,
    reason: Spanned<String>,
}

impl Source<'_> {
    pub(super) fn lint(&self, raw: RawLint) -> Answer<FileLint> {
        let version = raw.postgres.map(|text| {
            let bad = || {
                Problem::usage(message!("settings-lint-postgres", value = text.get_ref())).at(self.place(text.span()))
            };
            version(text.get_ref()).ok_or_else(bad)
        });
        let mut rules = BTreeMap::new();
        for (name, word) in raw.rules {
            self.known(&name)?;
            let severity = match word.get_ref().as_str() {
                "off" => None,
                "note" => Some(Severity::Note),
                "warning" => Some(Severity::Warning),
                "error" => Some(Severity::Error),
                other => {
                    return Err(
                        Problem::usage(message!("settings-lint-severity", value = other)).at(self.place(word.span()))
                    );
                }
            };
            rules.insert(name.into_inner(), severity);
        }
        let mut allow = Vec::new();
        for entry in raw.allow {
            self.known(&entry.rule)?;
            if entry.reason.get_ref().trim().is_empty() {
                return Err(Problem::usage(message!("settings-lint-reason")).at(self.place(entry.reason.span())));
            }
            let (rule, reason) = (entry.rule.into_inner(), entry.reason.into_inner());
            allow.push(Allow { rule, path: entry.path, reason });
        }
        Ok(FileLint { version: version.transpose()?, rules, allow })
    }

    fn known(&self, name: &Spanned<String>) -> Answer<()> {
        if name.get_ref() == UNUSED_ALLOW || rules::named(name.get_ref()).is_some() {
            return Ok(());
        }
        let problem = Problem::usage(message!("lint-rule-unknown", rule = name.get_ref())).at(self.place(name.span()));
        Err(match likely(name.get_ref()) {
            Some(known) => problem.hint(message!("settings-hint-did-you-mean", name = known)),
            None => problem,
        })
    }
}

/// The rule that was probably meant.
pub fn likely(name: &str) -> Option<&'static str> {
    let likeness = |known: &&str| strsim::jaro_winkler(name, known);
    let best = rules::ALL.iter().map(|rule| rule.name).max_by(|left, right| likeness(left).total_cmp(&likeness(right)));
    best.filter(|best| likeness(best) > 0.8)
}

/// `14` or `14.2` as `server_version_num`.
fn version(text: &str) -> Option<ServerVersion> {
    let (major, minor) = text.split_once('.').unwrap_or((text, "99"));
    let (major, minor): (i32, i32) = (major.parse().ok()?, minor.parse().ok()?);
    let version = ServerVersion::from_num(major.checked_mul(10_000)?.checked_add(minor)?);
    ((14..100).contains(&major) && (0..100).contains(&minor)).then_some(version)
}

#[cfg(test)]
mod tests {
    use crate::settings::file::parse;

    use super::*;

    #[test]
    fn the_section_is_read() {
        let text = "[lint]\npostgres = \"16\"\nrules = { volatile-default = \"off\", unused-allow = \"error\" }\n\
                    allow = [{ rule = \"volatile-default\", path = \"07_*\", reason = \"small\" }]";
        let lint = parse("lockkeeper.toml", text).unwrap().lint;
        assert_eq!(lint.version.unwrap().major(), 16);
        assert_eq!(lint.rules["volatile-default"], None);
        assert_eq!(lint.rules["unused-allow"], Some(Severity::Error));
        assert_eq!(lint.allow[0].reason, "small");
    }

    #[test]
    fn what_does_not_hold_is_refused_with_its_place() {
        for (line, id) in [
            ("rules = { volatile-defalt = \"off\" }", "lint-rule-unknown"),
            ("rules = { volatile-default = \"loud\" }", "settings-lint-severity"),
            ("allow = [{ rule = \"volatile-default\", path = \"*\", reason = \" \" }]", "settings-lint-reason"),
            ("postgres = \"9.6\"", "settings-lint-postgres"),
        ] {
            let problem = parse("lockkeeper.toml", &format!("[lint]\n{line}")).unwrap_err();
            assert_eq!(problem.message.id, id);
            assert_eq!(problem.place.as_ref().unwrap().at.unwrap().line, 2);
        }
    }
}
