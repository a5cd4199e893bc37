//! A column that cannot be compared.
//!
//! ## What it finds
//! A column of type json.
//!
//! ## Why it hurts a running system
//! It has no equality: SELECT DISTINCT, GROUP BY and UNION over it fail in code that ran before.
//!
//! ## The way out
//! jsonb.

use lockkeeper_core::message;
use lockkeeper_core::model::Span;
use lockkeeper_core::parse::{AlterTableAction, Sql};

use crate::report::Severity;
use crate::rule::{Check, Example, Hits, Rule, Seen, shown};

pub const RULE: Rule = Rule {
    name: "json-column",
    severity: Some(Severity::Note),
    mended: false,
    source: include_str!("json_column.rs"),
    bad: &[Example::up("ALTER TABLE t ADD COLUMN a json")],
    good: &[Example::up("ALTER TABLE t ADD COLUMN a jsonb")],
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
        if type_name == "json" {
            out.hit(span, message!("rule-json-column", column = column), message!("rule-json-column-help"));
        }
    }
}
