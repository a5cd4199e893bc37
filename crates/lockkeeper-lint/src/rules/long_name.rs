//! A name that PostgreSQL cuts off.
//!
//! ## What it finds
//! CREATE TABLE, CREATE INDEX, ADD COLUMN and ADD CONSTRAINT with a name longer than 63 bytes.
//!
//! ## Why it hurts a running system
//! PostgreSQL cuts it off without an error: the code looks for a name that is not there, and two long names can become the same.
//!
//! ## The way out
//! A shorter name.

use lockkeeper_core::message;
use lockkeeper_core::parse::{AlterTableAction, Ident, Sql};

use crate::report::Severity;
use crate::rule::{Check, Example, Hits, Rule, Seen};

pub const RULE: Rule = Rule {
    name: "long-name",
    severity: Some(Severity::Error),
    mended: false,
    source: include_str!("long_name.rs"),
    bad: &[
        Example::up("CREATE TABLE tttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttt (a int)"),
        Example::up(
            "ALTER TABLE t ADD COLUMN cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc int",
        ),
    ],
    good: &[Example::up("CREATE TABLE ttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttt (a int)")],
    check: Check::Up(check),
};

fn check(seen: &Seen<'_>, out: &mut Hits) {
    const BYTES_MAX: usize = 63;
    let names: Vec<Option<&Ident>> = match seen.sql() {
        Sql::CreateTable(table) => {
            let own = table.name.as_ref().map(|name| &name.name);
            std::iter::once(own).chain(table.columns.iter().map(|column| Some(&column.name))).collect()
        }
        Sql::CreateIndex(index) => vec![index.name.as_ref().map(|name| &name.name)],
        Sql::AlterTable(alter) => {
            let named = alter.actions.iter().map(|action| match action {
                AlterTableAction::AddColumn(_, add) => add.column.as_ref(),
                AlterTableAction::AddConstraint(_, add) => add.name.as_ref(),
                _ => None,
            });
            named.collect()
        }
        _ => return,
    };
    for name in names.into_iter().flatten().filter(|name| name.as_str().len() > BYTES_MAX) {
        out.hit(
            seen.statement.span,
            message!("rule-long-name", name = name.to_string()),
            message!("rule-long-name-help"),
        );
    }
}
