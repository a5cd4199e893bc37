//! `SET NOT NULL`: a check that is valid proves it, so that nothing is read under the exclusive lock
//! (manual, ALTER TABLE, SET NOT NULL).

use super::{Context, Draft, DraftRun, begins, validate};
use crate::message;
use crate::model::LockMode;
use crate::parse::{Ident, ObjectName};
use crate::plan::step::TakeBack;

/// What goes before a statement that makes a column NOT NULL, and what joins its transaction behind it.
pub struct Proof {
    pub before: Vec<Draft>,
    pub with: Draft,
}

/// `on` is the table as the statement writes it, ONLY included.
pub fn proof(on: &str, table: &ObjectName, column: &Ident, context: &Context<'_>) -> Proof {
    let helper = context.helper();
    let add = Draft {
        what: Some(message!("step-adds-check", column = column.to_string(), table = table.to_string())),
        ..begins(
            format!("ALTER TABLE {on} ADD CONSTRAINT {helper} CHECK ({column} IS NOT NULL) NOT VALID"),
            (LockMode::AccessExclusive, table),
            TakeBack::Run(format!("ALTER TABLE {on} DROP CONSTRAINT IF EXISTS {helper}")),
            message!("safe-not-valid"),
        )
    };
    let drop = Draft {
        what: Some(message!("step-drops-check", name = helper.to_string(), table = table.to_string())),
        run: DraftRun::Joins,
        ..begins(
            format!("ALTER TABLE {on} DROP CONSTRAINT {helper}"),
            (LockMode::AccessExclusive, table),
            TakeBack::NotNeeded,
            message!("safe-brief"),
        )
    };
    let proves = Draft {
        what: Some(message!("step-proves-not-null", column = column.to_string(), table = table.to_string())),
        ..validate(on, table, &helper)
    };
    Proof { before: vec![add, proves], with: drop }
}
