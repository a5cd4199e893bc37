//! How a rule is declared, and how all of them are asked.

use std::sync::Arc;

use lockkeeper_core::classify::Effect;
use lockkeeper_core::model::{Place, Span};
use lockkeeper_core::parse::{MigrationFile, Script};

use crate::report::Finding;
use crate::rules;

/// What a rule looks at: one migration.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'m> {
    pub up: &'m MigrationFile,
    pub effects: &'m [Effect],
    pub down: &'m MigrationFile,
    pub down_script: &'m Script,
}

impl Subject<'_> {
    pub fn in_up(&self, span: Span) -> Place {
        Place::span(Arc::clone(&self.up.path), &self.up.text, span)
    }
}

/// A rule: its name, an example it finds and one it passes, and its check.
#[derive(Debug)]
pub struct Rule {
    /// States the pattern, so that it reads well after "allow".
    pub name: &'static str,
    /// Up and down scripts that the rule finds fault with.
    pub bad: (&'static str, &'static str),
    /// The same change made so that the rule is silent.
    pub good: (&'static str, &'static str),
    pub check: fn(&Subject<'_>) -> Vec<Finding>,
}

/// Asks every rule about a migration; findings in the order of the file.
pub fn check(subject: &Subject<'_>) -> Vec<Finding> {
    let mut findings: Vec<_> = rules::ALL.iter().flat_map(|rule| (rule.check)(subject)).collect();
    findings.sort_by_key(|finding| finding.place.at);
    findings
}

#[cfg(test)]
mod tests {
    use lockkeeper_core::classify::effects;
    use lockkeeper_core::model::Checksum;
    use lockkeeper_core::parse::parse;

    use super::*;

    fn found(rule: &Rule, (up, down): (&str, &str)) -> Vec<Finding> {
        let file = |text: &str| MigrationFile {
            path: "x.sql".into(),
            text: text.to_owned(),
            checksum: Checksum::of(text.as_bytes()),
        };
        let (script, down_script) = (parse(up), parse(down));
        assert!(script.diagnostics.is_empty() && down_script.diagnostics.is_empty(), "{up} {down}");
        let effects = effects(&script);
        let (up, down) = (file(up), file(down));
        (rule.check)(&Subject { up: &up, effects: &effects, down: &down, down_script: &down_script })
    }

    #[test]
    fn every_rule_finds_its_bad_example_and_passes_its_good_one() {
        for rule in rules::ALL {
            let findings = found(rule, rule.bad);
            assert!(!findings.is_empty(), "{} misses its bad example", rule.name);
            assert!(findings.iter().all(|finding| finding.rule == rule.name), "{}", rule.name);
            assert_eq!(found(rule, rule.good), [], "{} finds fault with its good example", rule.name);
        }
    }

    #[test]
    fn names_are_unique_and_read_after_allow() {
        let mut names: Vec<_> = rules::ALL.iter().map(|rule| rule.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), rules::ALL.len());
        for name in names {
            assert!(name.chars().all(|c| c.is_ascii_lowercase() || c == '-'), "{name}");
            assert!(!["ban", "disallow", "no", "require", "prefer"].contains(&name.split('-').next().unwrap()), "{name}");
        }
    }

    #[test]
    fn a_new_table_may_be_treated_any_way() {
        let up = "CREATE TABLE t (a int); CREATE INDEX i ON t (a); ALTER TABLE t ALTER a TYPE bigint";
        for rule in rules::ALL {
            assert_eq!(found(rule, (up, "DROP TABLE t")), [], "{}", rule.name);
        }
    }
}
