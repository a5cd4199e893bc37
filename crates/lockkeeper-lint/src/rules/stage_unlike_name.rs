//! A file whose name promises another stage than it keeps.
//!
//! ## What it finds
//! add_… and create_… files with an effect of stage 2, remove_… and drop_… files that only add.
//!
//! ## Why it hurts a running system
//! Lockkeeper refuses it: a reviewer who reads the name would be misled about what the running system loses.
//!
//! ## The way out
//! Split the file, rename it, or say the stage in a directive with a reason.

use lockkeeper_core::classify::{Effect, Reading};
use lockkeeper_core::message;

use crate::report::Severity;
use crate::rule::{Check, Example, Hits, Rule, Side, Subject};

pub const RULE: Rule = Rule {
    name: "stage-unlike-name",
    severity: Some(Severity::Error),
    mended: false,
    source: include_str!("stage_unlike_name.rs"),
    bad: &[
        Example::up("ALTER TABLE t DROP COLUMN a").named("add_b"),
        Example::up("ALTER TABLE t ADD COLUMN a int").named("remove_b"),
    ],
    good: &[
        Example::up("ALTER TABLE t ADD COLUMN a int").named("add_a"),
        Example::up("ALTER TABLE t DROP COLUMN a").named("remove_a"),
    ],
    check: Check::Migration(check),
};

fn check(subject: &Subject<'_>, out: &mut Hits) {
    let Err(problem) = &subject.migration.decision else { return };
    let contracts = |effect: &&Effect| effect.reading == Reading::Contracts;
    let effects = &subject.migration.effects;
    let span = effects.iter().find(contracts).or_else(|| effects.first()).map(|effect| effect.span);
    let help = problem.hints.first().cloned().unwrap_or_else(|| message!("rule-stage-unlike-name-help"));
    out.hit_in(Side::Up, span, message!("rule-stage-unlike-name", what = problem.message.clone()), help);
}
