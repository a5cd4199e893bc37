//! Something removed while the old code still runs.
//!
//! ## What it finds
//! A destructive or breaking effect in a file that a directive puts into stage 1.
//!
//! ## Why it hurts a running system
//! Stage 1 runs while the old code does: what it uses is gone under it.
//!
//! ## The way out
//! Leave it to stage 2, and split the file if it does both.

use lockkeeper_core::classify::Reading;
use lockkeeper_core::message;
use lockkeeper_core::model::Stage;

use crate::report::Severity;
use crate::rule::{Check, Example, Hits, Rule, Side, Subject};

pub const RULE: Rule = Rule {
    name: "removal-in-stage-one",
    severity: Some(Severity::Error),
    mended: false,
    source: include_str!("removal_in_stage_one.rs"),
    bad: &[Example::up(
        r#"-- lockkeeper: stage=1 reason="nobody uses it"
ALTER TABLE t DROP COLUMN a"#,
    )],
    good: &[
        Example::up("ALTER TABLE t DROP COLUMN a"),
        Example::up(
            r#"-- lockkeeper: stage=1 reason="small"
ALTER TABLE t ADD COLUMN a int"#,
        ),
    ],
    check: Check::Migration(check),
};

fn check(subject: &Subject<'_>, out: &mut Hits) {
    if subject.migration.stage() != Some(Stage::Expand) {
        return;
    }
    for effect in subject.migration.effects.iter().filter(|effect| effect.reading == Reading::Contracts) {
        out.hit_in(
            Side::Up,
            Some(effect.span),
            message!("rule-removal-in-stage-one", what = effect.what.clone()),
            message!("rule-removal-in-stage-one-help"),
        );
    }
}
