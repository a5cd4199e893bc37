//! What the actions of ALTER TABLE reach beyond their table.

use super::effect::Effect;
use super::facts::Facts;
use super::keeps_bytes::keeps_bytes;
use super::reach::lock_too;
use super::relation::{Constraint, Relation, RelationKind, TableConstraintKind};
use crate::model::LockMode;
use crate::parse::{
    AddColumn, AddConstraint, AlterTable, AlterTableAction, ColumnChange, ConstraintKind, Ident, NewType, ObjectName,
    Storage,
};

/// From this major version on, keys of partitioned tables demand NOT NULL through constraints, and checks look at
/// heirs whatever is said.
const NOT_NULL_CONSTRAINTS_MAJOR: i32 = 18;

/// A table that is altered, and what is below it.
struct Altered<'a> {
    name: ObjectName,
    table: &'a Relation,
    /// What inherits from it, ONLY or not.
    below: Vec<ObjectName>,
    facts: &'a Facts,
    zone_is_utc: bool,
}

/// Adds to each action's effect what only the database tells.
pub fn reach(alter: &AlterTable, effects: &mut [Effect], facts: &Facts, zone_is_utc: bool) {
    let Some(table) = facts.relation(alter.table.as_ref()) else { return };
    let Some(name) = alter.table.as_ref().map(|name| facts.full_name(name)) else { return };
    let below = facts.below(&name);
    let altered = Altered { name, table, below, facts, zone_is_utc };
    for (action, effect) in alter.actions.iter().zip(effects) {
        altered.action(action, alter.only, effect);
    }
}

impl Altered<'_> {
    fn action(&self, action: &AlterTableAction, only: bool, effect: &mut Effect) {
        use AlterTableAction as A;
        let heirs = || if only { Vec::new() } else { self.below.clone() };
        match action {
            A::AddColumn(_, column) => {
                self.add_column(column, effect);
                lock_too(effect, heirs(), LockMode::AccessExclusive);
            }
            A::AddConstraint(_, constraint) => self.add_constraint(constraint, heirs(), effect),
            A::AlterColumn { column: Some(column), change, new_type, .. } => {
                self.alter_column(column, *change, new_type.as_ref(), heirs(), effect);
            }
            A::AttachPartition { .. } | A::DetachPartition { .. } => {
                let detaches = matches!(action, A::DetachPartition { .. });
                if detaches {
                    let referenced = self.table.references().cloned().collect();
                    lock_too(effect, referenced, LockMode::ShareRowExclusive);
                }
                let default = self.table.default_partition.clone().into_iter().collect();
                lock_too(effect, default, LockMode::AccessExclusive);
            }
            A::DisableTrigger(_) | A::EnableTrigger(_) => {
                if self.is_partitioned() && !self.table.attached.is_empty() {
                    lock_too(effect, heirs(), LockMode::ShareRowExclusive);
                }
            }
            A::DropColumn { column: Some(column), cascade, .. } => {
                // Heirs are looked at even under ONLY: they keep the column.
                lock_too(effect, self.below.clone(), LockMode::AccessExclusive);
                lock_too(effect, self.referenced_by(column), LockMode::AccessExclusive);
                if *cascade {
                    lock_too(effect, self.pointing_at(column), LockMode::AccessExclusive);
                    lock_too(effect, self.facts.views_of(&self.name), LockMode::AccessExclusive);
                }
            }
            A::DropConstraint { constraint: Some(constraint), cascade, .. } => {
                self.drop_constraint(constraint, *cascade, effect);
            }
            A::RenameColumn { .. } => lock_too(effect, heirs(), LockMode::AccessExclusive),
            A::RenameConstraint { constraint: Some(constraint), .. } => {
                let is_check = |it: &Constraint| it.kind == TableConstraintKind::Check;
                if self.table.constraint(constraint).is_some_and(is_check) {
                    lock_too(effect, heirs(), LockMode::AccessExclusive);
                }
            }
            A::Rewrite(_, storage) => {
                effect.rewrites = match storage {
                    Storage::AccessMethod(method) => {
                        method.as_ref().is_some_and(|method| method.as_str() != self.table.access_method)
                    }
                    Storage::Logged => !self.table.is_logged,
                    Storage::Tablespace(space) => {
                        space.as_ref().is_some_and(|space| space.as_str() != self.table.tablespace)
                    }
                    Storage::Unlogged => self.table.is_logged,
                };
            }
            A::ValidateConstraint { constraint: Some(constraint), .. } => self.validate(constraint, heirs(), effect),
            A::AlterColumn { .. }
            | A::AlterConstraint(_)
            | A::DisableRowSecurity(_)
            | A::DisableRule(_)
            | A::DropColumn { .. }
            | A::DropConstraint { .. }
            | A::EnableRowSecurity(_)
            | A::EnableRule(_)
            | A::Inherit { .. }
            | A::NoInherit { .. }
            | A::RearrangePartitions(_)
            | A::RenameConstraint { .. }
            | A::RenameTable(..)
            | A::SetSchema(_)
            | A::Settle { .. }
            | A::ValidateConstraint { .. } => {}
        }
    }

    fn is_partitioned(&self) -> bool {
        self.table.kind == RelationKind::Partitioned
    }

    fn add_column(&self, column: &AddColumn, effect: &mut Effect) {
        if column.if_not_exists && column.column.as_ref().is_some_and(|name| self.table.column(name).is_some()) {
            (effect.rewrites, effect.scans) = (false, false);
            effect.locks.truncate(1);
            return;
        }
        let is_volatile = |name: &Ident| self.facts.volatile_functions.contains(name);
        let domain = self.facts.domains.get(&Ident::from_source(&column.type_name));
        effect.rewrites = column.fills_every_row
            || column.default_calls.iter().any(is_volatile)
            || domain.is_some_and(|domain| domain.is_constrained);
    }

    fn add_constraint(&self, add: &AddConstraint, heirs: Vec<ObjectName>, effect: &mut Effect) {
        use ConstraintKind as C;
        let by_constraints = self.facts.is_from(NOT_NULL_CONSTRAINTS_MAJOR);
        let is_bound = |column: &Ident| self.is_not_null(&self.name, column);
        match add.kind {
            C::Check => {
                if !add.no_inherit || by_constraints {
                    lock_too(effect, heirs, LockMode::AccessExclusive);
                }
            }
            C::Exclude => {}
            C::ForeignKey => {
                if self.is_partitioned() {
                    lock_too(effect, heirs, LockMode::ShareRowExclusive);
                }
                let referenced = add.references.iter().flat_map(|it| self.facts.below(it)).collect();
                lock_too(effect, referenced, LockMode::ShareRowExclusive);
            }
            C::NotNull => {
                effect.scans &= !add.columns.iter().all(is_bound);
                lock_too(effect, heirs, LockMode::AccessExclusive);
            }
            C::PrimaryKey | C::Unique => {
                let demands = add.kind == C::PrimaryKey && !add.columns.iter().all(is_bound);
                if demands || (self.is_partitioned() && by_constraints) {
                    lock_too(effect, heirs, LockMode::AccessExclusive);
                } else if self.is_partitioned() {
                    lock_too(effect, heirs, LockMode::Share);
                }
            }
        }
    }

    /// Whether the column is known to hold no NULL, so that nobody need look.
    fn is_not_null(&self, table: &ObjectName, column: &Ident) -> bool {
        self.facts
            .relations
            .get(table)
            .is_some_and(|table| table.column(column).is_some_and(|it| it.not_null) || table.proves_not_null(column))
    }

    fn alter_column(
        &self,
        column: &Ident,
        change: ColumnChange,
        new_type: Option<&NewType>,
        heirs: Vec<ObjectName>,
        effect: &mut Effect,
    ) {
        use ColumnChange as C;
        match change {
            C::SetNotNull => {
                let mut all = heirs.iter().chain(std::iter::once(&self.name));
                effect.scans = !all.all(|table| self.is_not_null(table, column));
                lock_too(effect, heirs, LockMode::AccessExclusive);
            }
            C::SetType => {
                if let Some(new_type) = new_type {
                    self.set_type(column, new_type, effect);
                }
                lock_too(effect, heirs, LockMode::AccessExclusive);
            }
            C::DropDefault | C::DropExpression | C::DropNotNull | C::SetDefault | C::SetExpression | C::SetStorage => {
                lock_too(effect, heirs, LockMode::AccessExclusive);
            }
            C::SetStatistics => lock_too(effect, heirs, LockMode::ShareUpdateExclusive),
            C::AddIdentity | C::DropIdentity | C::SetIdentity | C::SetOptions | C::Settle => {}
        }
    }

    fn set_type(&self, column: &Ident, new_type: &NewType, effect: &mut Effect) {
        let Some(before) = self.table.column(column) else { return };
        let domain = |name: &str| self.facts.domains.get(&Ident::from_source(name));
        // A column of a domain has no modifier of its own, so that one is checked against each value.
        let plain = |domain: &'_ super::Domain| domain.base.split('(').next().unwrap_or_default().to_owned();
        let old = &domain(&before.type_name).map_or_else(|| before.type_name.clone(), plain);
        let new = domain(&new_type.name).map_or(new_type.name.as_str(), |domain| domain.base.as_str());
        let is_constrained = domain(&new_type.name).is_some_and(|domain| domain.is_constrained);
        let keeps = keeps_bytes(old, new, self.zone_is_utc);
        effect.rewrites = new_type.converts || is_constrained || !keeps;
        // A check on the column is made anew, and so is what a foreign key rests on.
        let has_check =
            |it: &Constraint| it.kind == TableConstraintKind::Check && it.is_validated && it.columns.contains(column);
        effect.scans = !effect.rewrites && self.table.constraints.iter().any(has_check);
        lock_too(effect, self.referenced_by(column), LockMode::AccessExclusive);
        lock_too(effect, self.pointing_at(column), LockMode::AccessExclusive);
    }

    /// The tables that foreign keys of a column point at.
    fn referenced_by(&self, column: &Ident) -> Vec<ObjectName> {
        let with_column = self.table.constraints.iter().filter(|it| it.columns.contains(column));
        with_column.filter_map(|constraint| constraint.references().cloned()).collect()
    }

    /// The tables whose foreign keys point at a column.
    fn pointing_at(&self, column: &Ident) -> Vec<ObjectName> {
        let points = |constraint: &Constraint| match &constraint.kind {
            TableConstraintKind::ForeignKey { referenced, .. } => referenced.contains(column),
            TableConstraintKind::Check | TableConstraintKind::Key | TableConstraintKind::Other => false,
        };
        let pointing = self.facts.pointing_at(&self.name);
        pointing.filter(|(_, constraint)| points(constraint)).map(|(table, _)| table.clone()).collect()
    }

    fn drop_constraint(&self, name: &Ident, cascade: bool, effect: &mut Effect) {
        let Some(constraint) = self.table.constraint(name) else { return };
        match &constraint.kind {
            TableConstraintKind::Check | TableConstraintKind::Other => {
                lock_too(effect, self.below.clone(), LockMode::AccessExclusive);
            }
            TableConstraintKind::ForeignKey { references, .. } => {
                lock_too(effect, vec![references.clone()], LockMode::AccessExclusive);
                if self.is_partitioned() {
                    lock_too(effect, self.below.clone(), LockMode::AccessExclusive);
                }
            }
            TableConstraintKind::Key => {
                if self.is_partitioned() {
                    lock_too(effect, self.below.clone(), LockMode::AccessExclusive);
                }
                if cascade {
                    for column in &constraint.columns {
                        lock_too(effect, self.pointing_at(column), LockMode::AccessExclusive);
                    }
                }
            }
        }
    }

    fn validate(&self, name: &Ident, heirs: Vec<ObjectName>, effect: &mut Effect) {
        // One that the same statement adds, NOT VALID, is not there yet.
        let Some(constraint) = self.table.constraint(name) else { return };
        effect.scans = !constraint.is_validated;
        if constraint.is_validated {
            return;
        }
        match constraint.references() {
            Some(referenced) => lock_too(effect, vec![referenced.clone()], LockMode::RowShare),
            None => lock_too(effect, heirs, LockMode::ShareUpdateExclusive),
        }
    }
}
