//! A limit on length that is hard to change later.
//!
//! ## What it finds
//! A column of type varchar(n).
//!
//! ## Why it hurts a running system
//! Making it shorter later reads and locks the whole table.
//!
//! ## The way out
//! text, with a CHECK … NOT VALID where a limit is needed.

use lockkeeper_core::message;
use lockkeeper_core::model::Span;
use lockkeeper_core::parse::{AlterTableAction, Sql};

use crate::rule::{Check, Example, Hits, Rule, Seen, shown};

pub const RULE: Rule = Rule {
    name: "varchar-limit",
    severity: None,
    mended: false,
    source: include_str!("varchar_limit.rs"),
    bad: &[Example::up("CREATE TABLE t (a varchar(10))")],
    good: &[Example::up("CREATE TABLE t (a text)")],
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
        if type_name.starts_with("varchar(") || type_name.starts_with("character varying(") {
            out.hit(span, message!("rule-varchar-limit", column = column), message!("rule-varchar-limit-help"));
        }
    }
}
