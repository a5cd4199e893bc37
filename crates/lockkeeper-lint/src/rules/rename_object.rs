//! A view, type, function or schema whose name changes under the running code.
//!
//! ## What it finds
//! ALTER … RENAME and SET SCHEMA of anything but tables and indexes; RENAME VALUE of an enum.
//!
//! ## Why it hurts a running system
//! Code that knows one name fails while the other is in place.
//!
//! ## The way out
//! A new object beside the old one, which goes in stage 2.

use lockkeeper_core::message;
use lockkeeper_core::parse::{ObjectChange, ObjectKind, Sql};

use crate::report::Severity;
use crate::rule::{Check, Example, Hits, Rule, Seen};

pub const RULE: Rule = Rule {
    name: "rename-object",
    severity: Some(Severity::Error),
    mended: false,
    source: include_str!("rename_object.rs"),
    bad: &[
        Example::up("ALTER VIEW v RENAME TO w"),
        Example::up("ALTER TYPE mood RENAME VALUE 'sad' TO 'blue'"),
        Example::up("ALTER SCHEMA s RENAME TO r"),
    ],
    good: &[Example::up("ALTER INDEX i RENAME TO j"), Example::up("ALTER VIEW v OWNER TO app")],
    check: Check::Up(check),
};

fn check(seen: &Seen<'_>, out: &mut Hits) {
    let Sql::Alter { object, name: Some(name), change, .. } = seen.sql() else { return };
    let renames_value = *object == ObjectKind::Type && *change == ObjectChange::Removes;
    let renames = *change == ObjectChange::Renames && object.is_named_in_queries();
    if (renames || renames_value) && !seen.fresh.object(*object, name) {
        out.hit(
            seen.statement.span,
            message!("rule-rename-object", object = object.as_str(), name = name.to_string()),
            message!("rule-rename-object-help"),
        );
    }
}
