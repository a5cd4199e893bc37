//! The rules, one file each. A new rule is a file here and a line in [`ALL`].

mod down_without_statement;
mod index_without_concurrently;
mod scan_under_exclusive_lock;
mod table_rewrite;

use crate::report::Finding;
use crate::rule::{Rule, Subject};

/// Every rule, by name.
pub const ALL: &[Rule] = &[
    down_without_statement::RULE,
    index_without_concurrently::RULE,
    scan_under_exclusive_lock::RULE,
    table_rewrite::RULE,
];

/// Asks every rule about a migration; findings in the order of the file.
pub fn check(subject: &Subject<'_>) -> Vec<Finding> {
    let mut findings: Vec<_> = ALL.iter().flat_map(|rule| (rule.check)(subject)).collect();
    findings.sort_by_key(|finding| finding.place.at);
    findings
}

#[cfg(test)]
mod tests {
    use lockkeeper_core::classify::effects;
    use lockkeeper_core::model::Checksum;
    use lockkeeper_core::parse::{MigrationFile, parse};

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
        for rule in ALL {
            let findings = found(rule, rule.bad);
            assert!(!findings.is_empty(), "{} misses its bad example", rule.name);
            assert!(findings.iter().all(|finding| finding.rule == rule.name), "{}", rule.name);
            assert_eq!(found(rule, rule.good), [], "{} finds fault with its good example", rule.name);
        }
    }

    #[test]
    fn names_are_unique_and_read_after_allow() {
        let mut names: Vec<_> = ALL.iter().map(|rule| rule.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), ALL.len());
        for name in names {
            assert!(name.chars().all(|c| c.is_ascii_lowercase() || c == '-'), "{name}");
            assert!(
                !["ban", "disallow", "no", "require", "prefer"].contains(&name.split('-').next().unwrap()),
                "{name}"
            );
        }
    }

    #[test]
    fn a_new_table_may_be_treated_any_way() {
        let up = "CREATE TABLE t (a int); CREATE INDEX i ON t (a); ALTER TABLE t ALTER a TYPE bigint";
        for rule in ALL {
            assert_eq!(found(rule, (up, "DROP TABLE t")), [], "{}", rule.name);
        }
    }
}
