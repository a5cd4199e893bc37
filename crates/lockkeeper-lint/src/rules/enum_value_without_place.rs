//! An enum value that comes last without anybody saying so.
//!
//! ## What it finds
//! ALTER TYPE … ADD VALUE without BEFORE or AFTER.
//!
//! ## Why it hurts a running system
//! Values order as they were added, and that cannot be changed later.
//!
//! ## The way out
//! Say BEFORE or AFTER.

use lockkeeper_core::message;
use lockkeeper_core::parse::{ObjectChange, ObjectKind, Sql};

use crate::rule::{Check, Example, Hits, Rule, Seen};

pub const RULE: Rule = Rule {
    name: "enum-value-without-place",
    severity: None,
    mended: false,
    source: include_str!("enum_value_without_place.rs"),
    bad: &[Example::up("ALTER TYPE mood ADD VALUE 'calm'")],
    good: &[Example::up("ALTER TYPE mood ADD VALUE 'calm' AFTER 'sad'")],
    check: Check::Up(check),
};

fn check(seen: &Seen<'_>, out: &mut Hits) {
    if let Sql::Alter { object: ObjectKind::Type, change: ObjectChange::Adds, .. } = seen.sql() {
        let words = seen.words();
        let has = |word: &str| words.iter().any(|it| it == word);
        if has("value") && !has("before") && !has("after") {
            out.hit(
                seen.statement.span,
                message!("rule-enum-value-without-place"),
                message!("rule-enum-value-without-place-help"),
            );
        }
    }
}
