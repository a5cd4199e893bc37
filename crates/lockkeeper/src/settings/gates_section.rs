//! The section `[gates]` of `lockkeeper.toml`: which gates are asked, where that is not the same for everybody.

use std::time::Duration;

use lockkeeper_core::message;
use lockkeeper_core::model::{Answer, Problem};
use lockkeeper_core::release::HealthRule;
use serde::Deserialize;
use toml::Spanned;

use super::Sources;
use super::file::Source;
use super::settings::{Environment, Gates};

/// What the section says; `None` where it says nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FileGates {
    pub verify: Option<bool>,
    pub health: Option<bool>,
    pub health_max_age: Option<Duration>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawGates {
    verify: Option<Spanned<String>>,
    health: Option<Spanned<String>>,
    health_max_age: Option<Spanned<String>>,
}

/// A day: what was well yesterday has seen a day's traffic, and more than that nobody remembers.
const HEALTH_MAX_AGE: Duration = Duration::from_hours(24);

impl Source<'_> {
    pub(super) fn gates(&self, raw: RawGates) -> Answer<FileGates> {
        Ok(FileGates {
            verify: self.asked(raw.verify)?,
            health: self.asked(raw.health)?,
            health_max_age: self.not_zero(raw.health_max_age, message!("settings-gates-age-zero"))?,
        })
    }

    fn asked(&self, word: Option<Spanned<String>>) -> Answer<Option<bool>> {
        let Some(word) = word else { return Ok(None) };
        match word.get_ref().as_str() {
            "required" => Ok(Some(true)),
            "off" => Ok(Some(false)),
            other => Err(Problem::usage(message!("settings-gates-word", value = other)).at(self.place(word.span()))),
        }
    }
}

/// Production asks for both gates, and health is asked for wherever something is measured. What `[release]` switches
/// off is not asked for either, unless this section says so.
pub fn resolve(sources: &Sources, environment: &Environment) -> Gates {
    let (file, release, health) = (&sources.file.gates, &sources.file.release.terms, &sources.file.health);
    let has_checks = !health.checks.is_empty();
    let verify = file.verify.unwrap_or(environment.is_production() && release.verifies);
    let asks_health = file.health.unwrap_or((environment.is_production() || has_checks) && !release.watch.is_zero());
    let rule = HealthRule {
        max_age: file.health_max_age.unwrap_or(HEALTH_MAX_AGE),
        seen_min: health.rules.duration_min,
        has_checks,
    };
    Gates { verify, health: asks_health.then_some(rule) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::file;

    fn gates(environment: &str, text: &str) -> (bool, bool) {
        let sources = Sources { file: file::parse("lockkeeper.toml", text).unwrap(), ..Sources::default() };
        let gates = resolve(&sources, &Environment(environment.to_owned()));
        (gates.verify, gates.health.is_some())
    }

    const CHECK: &str = "[[health.http]]\nname = \"shop\"\nurl = \"http://localhost/\"\n";

    #[test]
    fn production_asks_for_both_and_elsewhere_what_is_measured_counts() {
        assert_eq!(gates("development", ""), (false, false));
        assert_eq!(gates("development", CHECK), (false, true));
        assert_eq!(gates("production", ""), (true, true));
        assert_eq!(gates("production", "[gates]\nverify = \"off\"\nhealth = \"off\""), (false, false));
        assert_eq!(gates("development", "[gates]\nverify = \"required\"\nhealth = \"required\""), (true, true));
    }

    #[test]
    fn what_a_release_does_not_do_is_not_asked_for_unless_the_section_says_so() {
        let without = "[release]\nverify = false\nwatch = \"0\"\n";
        assert_eq!(gates("production", without), (false, false));
        let asked = format!("{without}[gates]\nverify = \"required\"\nhealth = \"required\"");
        assert_eq!(gates("production", &asked), (true, true));
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        let read = |text: &str| file::parse("lockkeeper.toml", text).map(|_| ()).map_err(|it| it.message.id);
        assert_eq!(read("[gates]\nhealth = \"yes\""), Err("settings-gates-word"));
        assert_eq!(read("[gates]\nhealth_max_age = \"0\""), Err("settings-gates-age-zero"));
        assert_eq!(read("[gates]\nhealth_age = \"1h\""), Err("settings-file-unknown-key"));
    }
}
