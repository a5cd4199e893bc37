//! A foreign key whose rows are looked for one by one.
//!
//! ## What it finds
//! A foreign key on columns of a table that the files create, with no index that begins with them.
//!
//! ## Why it hurts a running system
//! Each DELETE and key UPDATE on the other table reads this one from end to end.
//!
//! ## The way out
//! An index over the columns.

use lockkeeper_core::message;
use lockkeeper_core::model::Span;
use lockkeeper_core::parse::{AlterTableAction, ConstraintKind, Ident, Sql};

use crate::report::Severity;
use crate::rule::{Check, Example, Hits, Rule, Seen};

pub const RULE: Rule = Rule {
    name: "foreign-key-without-index",
    severity: Some(Severity::Warning),
    mended: false,
    source: include_str!("foreign_key_without_index.rs"),
    bad: &[
        Example::up("CREATE TABLE o (id int PRIMARY KEY, c int REFERENCES customers)"),
        Example::up("ALTER TABLE t ADD CONSTRAINT f FOREIGN KEY (c) REFERENCES x NOT VALID").after(&[(
            "t",
            "CREATE TABLE t (c int)",
            "DROP TABLE t",
        )]),
    ],
    good: &[
        Example::up("CREATE TABLE o (id int PRIMARY KEY, c int REFERENCES customers); CREATE INDEX i ON o (c)"),
        Example::up("CREATE TABLE o (id int PRIMARY KEY REFERENCES customers)"),
        Example::up("ALTER TABLE t ADD CONSTRAINT f FOREIGN KEY (c) REFERENCES x NOT VALID"),
    ],
    check: Check::Up(check),
};

fn check(seen: &Seen<'_>, out: &mut Hits) {
    let (table, wanted): (_, Vec<(Span, &[Ident])>) = match seen.sql() {
        Sql::CreateTable(table) if !table.temporary => {
            let keys = table.foreign_keys.iter().filter(|key| !table.keys.iter().any(|index| begins(index, key)));
            (table.name.as_ref(), keys.map(|key| (seen.statement.span, key.as_slice())).collect())
        }
        Sql::AlterTable(alter) => {
            let Some(known) = seen.history.table(alter.table.as_ref()) else { return };
            let keys = alter.actions.iter().filter_map(|action| match action {
                AlterTableAction::AddConstraint(span, add) if add.kind == ConstraintKind::ForeignKey => {
                    Some((*span, add.columns.as_slice()))
                }
                _ => None,
            });
            (alter.table.as_ref(), keys.filter(|(_, key)| !known.is_indexed(key)).collect())
        }
        _ => return,
    };
    for (span, key) in wanted {
        let indexed_here = seen.script.statements.iter().any(|statement| match &statement.sql {
            Sql::CreateIndex(index) => index.table.as_ref() == table && begins(&index.columns, key),
            _ => false,
        });
        if let Some(table) = table.filter(|_| !indexed_here && !key.is_empty()) {
            let columns = key.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
            out.hit(
                span,
                message!("rule-foreign-key-without-index", table = table.to_string(), columns = columns.as_str()),
                message!("rule-foreign-key-without-index-help", columns = columns.as_str()),
            );
        }
    }
}

fn begins(index: &[Ident], key: &[Ident]) -> bool {
    index.len() >= key.len() && index[..key.len()].iter().all(|column| key.contains(column))
}
