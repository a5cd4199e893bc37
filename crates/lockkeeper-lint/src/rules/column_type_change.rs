//! A column whose type changes under the running code.
//!
//! ## What it finds
//! ALTER COLUMN … TYPE, unless the files tell that the old type only widens: varchar(50) to varchar(100) or text, numeric(10,2) to numeric(12,2), timestamp to timestamptz in a file that has set the time zone to UTC.
//!
//! ## Why it hurts a running system
//! The table and its indexes are written anew under ACCESS EXCLUSIVE; code that prepared statements with the old type fails.
//!
//! ## The way out
//! A new column, kept equal by a trigger and filled in batches; the old one goes in stage 2.

use lockkeeper_core::classify::keeps_bytes;
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
        Example::up("ALTER TABLE t ALTER a TYPE timestamptz").after(&[(
            "t",
            "CREATE TABLE t (a timestamp)",
            "DROP TABLE t",
        )]),
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
        Example::up("SET timezone = 'UTC'; ALTER TABLE t ALTER a TYPE timestamptz").after(&[(
            "t",
            "CREATE TABLE t (a timestamp)",
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
        let old = seen.history.column(alter.table.as_ref(), column.as_ref()).map(|known| known.type_name.as_str());
        let zone_is_utc = seen.script.zone_is_utc(seen.statement.span.start).unwrap_or(false);
        let free = |zone_is_utc| {
            !new.converts && !new.collates && old.is_some_and(|old| keeps_bytes(old, &new.name, zone_is_utc))
        };
        if free(zone_is_utc) {
            continue;
        }
        let help = if free(true) {
            message!("rule-column-type-change-zone-help")
        } else {
            message!("rule-column-type-change-help")
        };
        let name = shown(column.as_ref());
        out.hit(*span, message!("rule-column-type-change", table = table.as_str(), column = name), help);
    }
}
