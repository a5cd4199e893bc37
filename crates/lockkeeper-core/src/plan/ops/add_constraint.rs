//! `ADD CHECK`, `ADD FOREIGN KEY`: NOT VALID first, which reads nothing and binds new rows from now on; then
//! VALIDATE, which reads the old ones while everybody works (manual, ALTER TABLE, Notes).

use super::alter_table::{Part, Target};
use super::create_index::leaves;
use super::{Context, Draft, begins, validate};
use crate::message;
use crate::model::LockMode;
use crate::parse::{AddConstraint, ConstraintKind, Ident, ObjectName};
use crate::plan::step::TakeBack;

pub fn check_or_foreign_key(add: &AddConstraint, target: &Target<'_>, context: &Context<'_>) -> Part {
    let name = add.name.clone().unwrap_or_else(|| made_up_name(add, target, context));
    let written = add.span.of(context.text);
    let constraint = match add.name {
        Some(_) => written.to_owned(),
        None => format!("CONSTRAINT {name} {written}"),
    };
    let inverse = Some(format!("DROP CONSTRAINT IF EXISTS {name}"));
    // A foreign key of a partitioned table cannot be NOT VALID before PostgreSQL 18. With valid ones on every
    // partition the parent's takes them in and reads nothing (`tryAttachPartitionForeignKey`).
    if add.kind == ConstraintKind::ForeignKey && target.relation.is_partitioned() {
        let before = leaves(target.relation)
            .flat_map(|(_, _, leaf)| steps(&leaf.to_string(), leaf, &name, &constraint, LockMode::ShareRowExclusive));
        return Part {
            before: before.collect(),
            action: Some(format!("ADD {constraint}")),
            inverse,
            // Taking a partition's constraint in drops its triggers.
            lock: Some(LockMode::AccessExclusive),
            ..Part::default()
        };
    }
    Part {
        action: Some(format!("ADD {constraint} NOT VALID")),
        safe_because: Some(message!("safe-not-valid")),
        inverse,
        after: vec![validate(&target.on, target.table, &name)],
        ..Part::default()
    }
}

/// The constraint on one table by statements of their own: added, then validated.
pub fn steps(on: &str, table: &ObjectName, name: &Ident, constraint: &str, lock: LockMode) -> [Draft; 2] {
    let add = Draft {
        what: Some(message!("effect-add-constraint", name = name.to_string(), table = table.to_string())),
        ..begins(
            format!("ALTER TABLE {on} ADD {constraint} NOT VALID"),
            (lock, table),
            TakeBack::Run(format!("ALTER TABLE {on} DROP CONSTRAINT IF EXISTS {name}")),
            message!("safe-not-valid"),
        )
    };
    [add, validate(on, table, name)]
}

/// `ADD CONSTRAINT … NOT NULL column` (PostgreSQL 18), which can be NOT VALID too.
pub fn not_null_constraint(add: &AddConstraint, target: &Target<'_>, context: &Context<'_>) -> Option<Part> {
    let name = add.name.as_ref()?;
    let written = add.span.of(context.text);
    Some(Part {
        action: Some(format!("ADD {written} NOT VALID")),
        safe_because: Some(message!("safe-not-valid")),
        inverse: Some(format!("DROP CONSTRAINT IF EXISTS {name}")),
        after: vec![validate(&target.on, target.table, name)],
        ..Part::default()
    })
}

fn made_up_name(add: &AddConstraint, target: &Target<'_>, context: &Context<'_>) -> Ident {
    if add.kind == ConstraintKind::ForeignKey {
        return context.name_for(target.relation, &add.columns, "fkey");
    }
    // The server names a check after its column when it speaks of one only.
    let mut columns = add.columns.clone();
    columns.dedup();
    let columns = if columns.len() == 1 { columns } else { Vec::new() };
    context.name_for(target.relation, &columns, "check")
}
