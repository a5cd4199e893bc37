//! A column whose type changes under the running code.
//!
//! ## What it finds
//! ALTER COLUMN … TYPE, unless the files tell that the old type only widens: varchar(50) to varchar(100) or text, numeric(10,2) to numeric(12,2).
//!
//! ## Why it hurts a running system
//! The table and its indexes are written anew under ACCESS EXCLUSIVE; code that prepared statements with the old type fails.
//!
//! ## The way out
//! A new column, kept equal by a trigger and filled in batches; the old one goes in stage 2.

use lockkeeper_core::message;
use lockkeeper_core::parse::AlterTableAction;

use crate::report::Severity;
use crate::rule::{Check, Example, Hits, Rule, Seen, shown};

pub const RULE: Rule = Rule {
    name: "column-type-change",
    severity: Some(Severity::Error),
    mended: false,
    source: include_str!("column_type_change.rs"),
    bad: &[
        Example::up("ALTER TABLE orders ALTER COLUMN id TYPE bigint"),
        Example::up("ALTER TABLE t ALTER a TYPE varchar(20)").after(&[(
            "t",
            "CREATE TABLE t (a varchar(50))",
            "DROP TABLE t",
        )]),
    ],
    good: &[
        Example::up("ALTER TABLE t ALTER a TYPE varchar(100)").after(&[(
            "t",
            "CREATE TABLE t (a varchar(50))",
            "DROP TABLE t",
        )]),
        Example::up("ALTER TABLE t ALTER a TYPE text").after(&[(
            "t",
            "CREATE TABLE t (a varchar(50))",
            "DROP TABLE t",
        )]),
        Example::up("ALTER TABLE t ALTER a TYPE numeric(12,2)").after(&[(
            "t",
            "CREATE TABLE t (a numeric(10, 2))",
            "DROP TABLE t",
        )]),
    ],
    check: Check::Both(check),
};

fn check(seen: &Seen<'_>, out: &mut Hits) {
    let Some((alter, table)) = seen.altered() else { return };
    for action in &alter.actions {
        let AlterTableAction::AlterColumn { span, column, new_type: Some(new), .. } = action else { continue };
        let known = seen.history.column(alter.table.as_ref(), column.as_ref());
        let free = !new.converts && !new.collates && known.is_some_and(|old| widens(&old.type_name, &new.name));
        if !free {
            out.hit(
                *span,
                message!("rule-column-type-change", table = table.as_str(), column = shown(column.as_ref())),
                message!("rule-column-type-change-help"),
            );
        }
    }
}

/// Whether every value of the old type is stored the same in the new one (manual, ALTER TABLE, Notes).
fn widens(old: &str, new: &str) -> bool {
    let ((old, old_size), (new, new_size)) = (parts(old), parts(new));
    let longer = match (old_size.first(), new_size.first()) {
        (_, None) => true,
        (Some(old), Some(new)) => old <= new,
        (None, Some(_)) => false,
    };
    match (old, new) {
        ("text", "text" | "varchar") => new_size.is_empty(),
        ("varchar", "text") => true,
        ("varchar" | "varbit", same) => same == old && longer,
        ("numeric", "numeric") => new_size.is_empty() || (longer && old_size.get(1) == new_size.get(1)),
        ("cidr", "inet") => true,
        _ => old == new && old_size == new_size,
    }
}

/// The type's name, and the numbers in its parentheses.
fn parts(text: &str) -> (&str, Vec<u32>) {
    let (name, rest) = text.split_once('(').unwrap_or((text, ""));
    let sizes = rest.trim_end_matches(')').split(',').filter_map(|size| size.trim().parse().ok()).collect();
    let name = match name.trim() {
        "character varying" => "varchar",
        "decimal" => "numeric",
        "bit varying" => "varbit",
        other => other,
    };
    (name, sizes)
}
