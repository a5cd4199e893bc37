//! A type that holds less than the values that may be there.
//!
//! ## What it finds
//! ALTER COLUMN … TYPE to a shorter varchar, a smaller numeric or a smaller integer than the files gave it.
//!
//! ## Why it hurts a running system
//! One value that does not fit makes the migration fail, after the whole table has been read under ACCESS EXCLUSIVE; code that writes longer values fails afterwards.
//!
//! ## The way out
//! A CHECK … NOT VALID that says the same, VALIDATE CONSTRAINT, and the type as it was.

use lockkeeper_core::message;
use lockkeeper_core::parse::AlterTableAction;

use crate::report::Severity;
use crate::rule::{Check, Example, Hits, Rule, Seen, shown};

pub const RULE: Rule = Rule {
    name: "narrowed-type",
    severity: Some(Severity::Error),
    mended: false,
    source: include_str!("narrowed_type.rs"),
    bad: &[
        Example::up("ALTER TABLE t ALTER a TYPE varchar(20)").after(&[(
            "t",
            "CREATE TABLE t (a varchar(50))",
            "DROP TABLE t",
        )]),
        Example::up("ALTER TABLE t ALTER a TYPE int").after(&[("t", "CREATE TABLE t (a bigint)", "DROP TABLE t")]),
    ],
    good: &[
        Example::up("ALTER TABLE t ALTER a TYPE varchar(90)").after(&[(
            "t",
            "CREATE TABLE t (a varchar(50))",
            "DROP TABLE t",
        )]),
        Example::up("ALTER TABLE t ALTER a TYPE bigint").after(&[("t", "CREATE TABLE t (a int)", "DROP TABLE t")]),
    ],
    check: Check::Both(check),
};

fn check(seen: &Seen<'_>, out: &mut Hits) {
    let Some((alter, table)) = seen.altered() else { return };
    for action in &alter.actions {
        let AlterTableAction::AlterColumn { span, column, new_type: Some(new), .. } = action else { continue };
        let Some(old) = seen.history.column(alter.table.as_ref(), column.as_ref()) else { continue };
        let narrower = match (capacity(&old.type_name), capacity(&new.name)) {
            (Some((kind, old)), Some((same, new))) => kind == same && new < old,
            _ => false,
        };
        if narrower {
            out.hit(
                *span,
                message!("rule-narrowed-type", table = table.as_str(), column = shown(column.as_ref())),
                message!("rule-narrowed-type-help"),
            );
        }
    }
}

/// The family of a type, and how much it holds within it.
fn capacity(text: &str) -> Option<(&'static str, u32)> {
    let (name, rest) = text.split_once('(').unwrap_or((text, ""));
    let size = rest.split([',', ')']).next().and_then(|size| size.trim().parse().ok());
    match name.trim() {
        "smallint" | "int2" => Some(("integer", 2)),
        "int" | "integer" | "int4" | "serial" => Some(("integer", 4)),
        "bigint" | "int8" | "bigserial" => Some(("integer", 8)),
        "varchar" | "character varying" | "text" => Some(("text", size.unwrap_or(u32::MAX))),
        "numeric" | "decimal" => Some(("numeric", size.unwrap_or(u32::MAX))),
        _ => None,
    }
}
