//! A column that pads its values with blanks.
//!
//! ## What it finds
//! A column of type char(n).
//!
//! ## Why it hurts a running system
//! Values come back padded, and compare by rules that surprise.
//!
//! ## The way out
//! text, with a CHECK on its length where one is needed.

use lockkeeper_core::message;
use lockkeeper_core::model::Span;
use lockkeeper_core::parse::{AlterTableAction, Sql};

use crate::report::Severity;
use crate::rule::{Check, Example, Hits, Rule, Seen, shown};

pub const RULE: Rule = Rule {
    name: "char-column",
    severity: Some(Severity::Note),
    mended: false,
    source: include_str!("char_column.rs"),
    bad: &[Example::up("CREATE TABLE t (a char(10))")],
    good: &[Example::up("CREATE TABLE t (a text)"), Example::up("CREATE TABLE t (a varchar(10))")],
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
        if type_name.starts_with("char(")
            || type_name.starts_with("character(")
            || ["char", "bpchar", "character"].contains(&type_name)
        {
            out.hit(span, message!("rule-char-column", column = column), message!("rule-char-column-help"));
        }
    }
}
