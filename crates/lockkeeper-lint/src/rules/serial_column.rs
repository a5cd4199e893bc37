//! A sequence with rights and an owner of its own.
//!
//! ## What it finds
//! A column of type serial in a new table.
//!
//! ## Why it hurts a running system
//! Rights on its sequence are granted apart, and INSERT can write any number.
//!
//! ## The way out
//! GENERATED ALWAYS AS IDENTITY.

use lockkeeper_core::message;
use lockkeeper_core::model::Span;
use lockkeeper_core::parse::{AlterTableAction, Sql};

use crate::rule::{Check, Example, Hits, Rule, Seen, shown};

pub const RULE: Rule = Rule {
    name: "serial-column",
    severity: None,
    mended: false,
    source: include_str!("serial_column.rs"),
    bad: &[Example::up("CREATE TABLE t (id bigserial PRIMARY KEY)")],
    good: &[Example::up("CREATE TABLE t (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY)")],
    check: Check::Up(check),
};

fn check(seen: &Seen<'_>, out: &mut Hits) {
    let columns: Vec<(Span, String, &str)> = match seen.sql() {
        Sql::CreateTable(table) => {
            let columns = table.columns.iter();
            columns.map(|it| (it.span, it.name.to_string(), it.type_name.as_str())).collect()
        }
        Sql::AlterTable(alter) => {
            let added = alter.actions.iter().filter_map(|action| match action {
                AlterTableAction::AddColumn(span, add) => {
                    Some((*span, shown(add.column.as_ref()), add.type_name.as_str()))
                }
                _ => None,
            });
            added.collect()
        }
        _ => return,
    };
    for (span, column, type_name) in columns {
        if type_name.contains("serial") {
            out.hit(span, message!("rule-serial-column", column = column), message!("rule-serial-column-help"));
        }
    }
}
