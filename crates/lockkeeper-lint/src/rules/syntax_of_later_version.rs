//! A statement that the oldest server does not know.
//!
//! ## What it finds
//! NOT VALID for NOT NULL, NOT ENFORCED and VIRTUAL before 18; SET ACCESS METHOD before 15; NULLS NOT DISTINCT before 15; MERGE before 15.
//!
//! ## Why it hurts a running system
//! The migration fails on every server that is older.
//!
//! ## The way out
//! The statement that the oldest server knows, or a later `postgres` in lockkeeper.toml.

use lockkeeper_core::message;
use lockkeeper_core::parse::{AlterTableAction, ConstraintKind, Sql};

use crate::report::Severity;
use crate::rule::{Check, Example, Hits, Rule, Seen, words};

pub const RULE: Rule = Rule {
    name: "syntax-of-later-version",
    severity: Some(Severity::Error),
    mended: false,
    source: include_str!("syntax_of_later_version.rs"),
    bad: &[
        Example::up("ALTER TABLE t ADD CONSTRAINT c CHECK (a > 0) NOT ENFORCED"),
        Example::up("MERGE INTO t USING s ON t.a = s.a WHEN MATCHED THEN DO NOTHING"),
        Example::up("ALTER TABLE t SET ACCESS METHOD heap"),
    ],
    good: &[
        Example::up("ALTER TABLE t ADD CONSTRAINT c CHECK (a > 0) NOT ENFORCED").on(180_000),
        Example::up("MERGE INTO t USING s ON t.a = s.a WHEN MATCHED THEN DO NOTHING").on(150_000),
        Example::up("ALTER TABLE t SET TABLESPACE x"),
    ],
    check: Check::Both(check),
};

fn check(seen: &Seen<'_>, out: &mut Hits) {
    let needs = match seen.sql() {
        Sql::Merge { .. } => 15,
        Sql::AlterTable(alter) => alter.actions.iter().map(|action| needed(action, seen.text)).max().unwrap_or(0),
        _ => 0,
    };
    if needs > seen.policy.version.major() {
        let oldest = seen.policy.version.major();
        out.hit(
            seen.statement.span,
            message!("rule-syntax-of-later-version", needs = needs, oldest = oldest),
            message!("rule-syntax-of-later-version-help"),
        );
    }
}

/// The oldest major version that knows an action; 0 where every supported one does.
fn needed(action: &AlterTableAction, text: &str) -> i32 {
    let has = |sought: &[&str]| words(action.span().of(text)).windows(sought.len()).any(|it| it == sought);
    match action {
        AlterTableAction::AddConstraint(_, add) if add.not_enforced || add.kind == ConstraintKind::NotNull => 18,
        AlterTableAction::AddColumn(_, add) if add.generated && !add.stored && has(&["virtual"]) => 18,
        AlterTableAction::AddConstraint(..) if has(&["nulls", "not", "distinct"]) => 15,
        AlterTableAction::Rewrite(..) if has(&["set", "access", "method"]) => 15,
        AlterTableAction::RearrangePartitions(_) => 19,
        _ => 0,
    }
}
