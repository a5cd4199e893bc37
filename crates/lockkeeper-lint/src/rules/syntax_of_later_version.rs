//! A statement that the oldest server does not know.
//!
//! ## What it finds
//! NOT VALID for NOT NULL, NOT ENFORCED, VIRTUAL, and NOT VALID for a foreign key of a partitioned table before 18; `transaction_timeout` before 17; SET ACCESS METHOD, NULLS NOT DISTINCT and MERGE before 15.
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
        Example::up("MERGE INTO t USING s ON t.a = s.a WHEN MATCHED THEN DO NOTHING").on(140_099),
        Example::up("ALTER TABLE t SET ACCESS METHOD heap").on(140_099),
        Example::up("ALTER TABLE t ADD CONSTRAINT u UNIQUE NULLS NOT DISTINCT (a)").on(140_099),
        Example::up("CREATE UNIQUE INDEX CONCURRENTLY i ON t (a) NULLS NOT DISTINCT").on(140_099),
        Example::up("SET transaction_timeout = '5s'").on(160_099),
        Example::up("ALTER TABLE t ADD CONSTRAINT c CHECK (a > 0) NOT ENFORCED").on(170_099),
        Example::up("ALTER TABLE t ADD CONSTRAINT n NOT NULL a NOT VALID").on(170_099),
        Example::up("ALTER TABLE t ADD COLUMN b int GENERATED ALWAYS AS (a + 1) VIRTUAL").on(170_099),
        Example::up("ALTER TABLE t ADD FOREIGN KEY (a) REFERENCES o NOT VALID").on(170_099).after(PARTITIONED),
    ],
    good: &[
        Example::up("MERGE INTO t USING s ON t.a = s.a WHEN MATCHED THEN DO NOTHING").on(150_000),
        Example::up("ALTER TABLE t SET ACCESS METHOD heap").on(150_000),
        Example::up("ALTER TABLE t ADD CONSTRAINT u UNIQUE NULLS NOT DISTINCT (a)").on(150_000),
        Example::up("CREATE UNIQUE INDEX CONCURRENTLY i ON t (a) NULLS NOT DISTINCT").on(150_000),
        Example::up("SET transaction_timeout = '5s'").on(170_000),
        Example::up("ALTER TABLE t ADD CONSTRAINT c CHECK (a > 0) NOT ENFORCED").on(180_000),
        Example::up("ALTER TABLE t ADD CONSTRAINT n NOT NULL a NOT VALID").on(180_000),
        Example::up("ALTER TABLE t ADD COLUMN b int GENERATED ALWAYS AS (a + 1) VIRTUAL").on(180_000),
        Example::up("ALTER TABLE t ADD FOREIGN KEY (a) REFERENCES o NOT VALID").on(180_000).after(PARTITIONED),
        Example::up("ALTER TABLE t ADD FOREIGN KEY (a) REFERENCES o NOT VALID"),
        Example::up("ALTER TABLE t SET TABLESPACE x"),
    ],
    check: Check::Both(check),
};

const PARTITIONED: &[(&str, &str, &str)] = &[("t", "CREATE TABLE t (a int) PARTITION BY LIST (a)", "DROP TABLE t")];

fn check(seen: &Seen<'_>, out: &mut Hits) {
    let needs = match seen.sql() {
        Sql::Merge { .. } => 15,
        Sql::CreateIndex(_) if has(seen.text(), NULLS_NOT_DISTINCT) => 15,
        Sql::Set(setting) if setting.name == "transaction_timeout" => 17,
        Sql::AlterTable(alter) => {
            let partitioned = seen.history.table(alter.table.as_ref()).is_some_and(|table| table.partitioned);
            alter.actions.iter().map(|action| needed(action, partitioned, seen.text)).max().unwrap_or(0)
        }
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

const NULLS_NOT_DISTINCT: &[&str] = &["nulls", "not", "distinct"];

fn has(text: &str, sought: &[&str]) -> bool {
    words(text).windows(sought.len()).any(|it| it == sought)
}

/// The oldest major version that knows an action; 0 where every supported one does.
fn needed(action: &AlterTableAction, partitioned: bool, text: &str) -> i32 {
    let has = |sought: &[&str]| has(action.span().of(text), sought);
    match action {
        AlterTableAction::AddConstraint(_, add) if add.not_enforced || add.kind == ConstraintKind::NotNull => 18,
        AlterTableAction::AddConstraint(_, add)
            if partitioned && add.kind == ConstraintKind::ForeignKey && add.not_valid =>
        {
            18
        }
        AlterTableAction::AddColumn(_, add) if add.generated && !add.stored && has(&["virtual"]) => 18,
        AlterTableAction::AddConstraint(..) if has(NULLS_NOT_DISTINCT) => 15,
        AlterTableAction::Rewrite(..) if has(&["set", "access", "method"]) => 15,
        AlterTableAction::RearrangePartitions(_) => 19,
        _ => 0,
    }
}
