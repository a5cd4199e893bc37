//! Something removed that an earlier file still uses.
//!
//! ## What it finds
//! DROP TABLE or DROP COLUMN of what a view, function or trigger of an earlier file names, with nothing in between that drops or replaces it.
//!
//! ## Why it hurts a running system
//! DROP fails over a view; a function fails at the first call after it.
//!
//! ## The way out
//! Replace or drop what uses it, in a release before.

use std::collections::BTreeSet;

use lockkeeper_core::message;
use lockkeeper_core::model::Span;
use lockkeeper_core::parse::{
    AlterTable, AlterTableAction, CreateRoutine, Ident, ObjectKind, ObjectName, Sql, Statement,
};

use crate::report::Severity;
use crate::rule::{Check, Example, Hits, Rule, Side, Subject};

pub const RULE: Rule = Rule {
    name: "removal-of-what-is-used",
    severity: Some(Severity::Warning),
    mended: false,
    source: include_str!("removal_of_what_is_used.rs"),
    bad: &[
        Example::up("DROP TABLE orders").after(&[(
            "v",
            "CREATE VIEW open_orders AS SELECT * FROM orders",
            "DROP VIEW open_orders",
        )]),
        Example::up("ALTER TABLE t DROP COLUMN total").after(&[(
            "f",
            "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT total FROM t'",
            "DROP FUNCTION f",
        )]),
    ],
    good: &[
        Example::up("DROP TABLE orders")
            .after(&[("v", "CREATE VIEW v AS SELECT * FROM orders", "DROP VIEW v"), ("w", "DROP VIEW v", "SELECT 1")]),
        Example::up("ALTER TABLE orders DROP COLUMN id").after(&[(
            "v",
            "CREATE VIEW v AS SELECT c.id FROM orders, c",
            "DROP VIEW v",
        )]),
        Example::up("DROP VIEW v; DROP TABLE orders").after(&[(
            "v",
            "CREATE VIEW v AS SELECT * FROM orders",
            "DROP VIEW v",
        )]),
        Example::up("DROP TABLE orders"),
    ],
    check: Check::Migration(check),
};

fn check(subject: &Subject<'_>, out: &mut Hits) {
    let statements = &subject.migration.script.statements;
    let removed: Vec<(Span, Vec<String>)> = statements.iter().flat_map(removed).collect();
    if removed.is_empty() {
        return;
    }
    let own: BTreeSet<&ObjectName> = statements.iter().flat_map(made_or_dropped).collect();
    for (span, names) in removed {
        // Every table has an id: that it stands somewhere says little.
        let is_telling = names.last().is_some_and(|name| name != "id");
        let uses = |words: &[String]| {
            let qualified = names.len() == 2 && words.windows(2).any(|pair| pair == names);
            qualified || (is_telling && names.iter().all(|name| words.contains(name)))
        };
        let mut bodies = subject.history.bodies().filter(|(user, _)| !own.contains(user));
        if let Some((user, _)) = bodies.find(|(_, words)| uses(words)) {
            let what = names.last().cloned().unwrap_or_default();
            out.hit_in(
                Side::Up,
                Some(span),
                message!("rule-removal-of-what-is-used", what = what, user = user.to_string()),
                message!("rule-removal-of-what-is-used-help", user = user.to_string()),
            );
        }
    }
}

/// The names that must all stand in a body for it to use what a statement removes.
fn removed(statement: &Statement) -> Vec<(Span, Vec<String>)> {
    let word = |name: &Ident| name.as_str().to_lowercase();
    match &statement.sql {
        Sql::Drop(drop) if drop.object == ObjectKind::Table && !drop.cascade => {
            drop.names.iter().map(|name| (statement.span, vec![word(&name.name)])).collect()
        }
        Sql::AlterTable(AlterTable { table: Some(table), actions, .. }) => {
            let dropped = actions.iter().filter_map(|action| match action {
                AlterTableAction::DropColumn { span, column: Some(column), .. } => {
                    Some((*span, vec![word(&table.name), word(column)]))
                }
                _ => None,
            });
            dropped.collect()
        }
        _ => Vec::new(),
    }
}

/// What a statement of the migration itself makes or drops: how that was before says nothing.
fn made_or_dropped(statement: &Statement) -> Vec<&ObjectName> {
    match &statement.sql {
        Sql::Create { name: Some(name), .. } | Sql::CreateRoutine(CreateRoutine { name: Some(name), .. }) => vec![name],
        Sql::Drop(drop) => drop.names.iter().collect(),
        _ => Vec::new(),
    }
}
