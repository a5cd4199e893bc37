//! What a statement locks, writes anew and reads beyond what it names, by what is known of the database.
//!
//! The rules were measured: a test runs every form of statement on each major version and compares.

use std::borrow::Cow;

use super::alter_reach;
use super::effect::Effect;
use super::facts::Facts;
use super::fresh::Fresh;
use super::learn::Learn;
use super::reading::effects_by_statement;
use super::relation::{Relation, RelationKind, TableConstraintKind};
use super::statement::{effects_of, of_body};
use crate::model::LockMode;
use crate::parse::{Drop, ObjectChange, ObjectKind, ObjectName, ReindexTarget, Script, Sql, Statement, TableRef};

/// From this major version on, ANALYZE takes what inherits from a table with it.
const ANALYZES_HEIRS_MAJOR: i32 = 18;

/// From this major version on, a trigger that is renamed takes those of the partitions with it.
const RENAMES_CLONES_MAJOR: i32 = 15;

/// The effects of each statement on a database of which these facts are known; without any, what the file tells.
pub fn effects_on(script: &Script, facts: &Facts) -> Vec<Vec<Effect>> {
    if facts.server.is_none() {
        return effects_by_statement(script);
    }
    let mut fresh = Fresh::looking_ahead(&script.statements);
    let mut facts = Cow::Borrowed(facts);
    let zones = script.zones_are_utc(facts.zone_is_utc());
    let each = script.statements.iter().zip(zones).map(|(statement, zone_is_utc)| {
        let effects = on(statement, &fresh, &facts, zone_is_utc);
        fresh.learn(&statement.sql);
        facts.learn(&statement.sql);
        effects
    });
    each.collect()
}

fn on(statement: &Statement, fresh: &Fresh, facts: &Facts, zone_is_utc: bool) -> Vec<Effect> {
    let mut effects = effects_of(statement, fresh);
    let inner = |statements: &[Statement]| {
        statements.iter().flat_map(|it| on(it, fresh, facts, zone_is_utc)).collect::<Vec<_>>()
    };
    match &statement.sql {
        Sql::AlterTable(alter) => alter_reach::reach(alter, &mut effects, facts, zone_is_utc),
        Sql::Alter { object, name: Some(name), change, tables, not_valid } => {
            if let [effect] = &mut effects[..] {
                alter_object(*object, name, *change, tables, *not_valid, effect, facts);
            }
        }
        Sql::Analyze { tables } => {
            let heirs_too = facts.is_from(ANALYZES_HEIRS_MAJOR);
            for table in tables.iter().filter(|table| heirs_too || is_partitioned(facts, table)) {
                lock(&mut effects, facts.below(table), LockMode::ShareUpdateExclusive);
            }
        }
        Sql::CopyFrom { table: Some(table), .. } | Sql::Insert { table: Some(table) } => {
            let referenced = facts.relation(Some(table)).into_iter().flat_map(|it| it.references().cloned()).collect();
            lock(&mut effects, referenced, LockMode::RowShare);
        }
        Sql::Create { object: ObjectKind::View, name: Some(name), or_replace: true, .. } => {
            let replaced = facts.relation(Some(name)).map(|_| name.clone());
            lock(&mut effects, replaced.into_iter().collect(), LockMode::AccessExclusive);
        }
        Sql::Create { object: ObjectKind::Trigger, on: Some(table), .. } if is_partitioned(facts, table) => {
            lock(&mut effects, facts.below(table), LockMode::ShareRowExclusive);
        }
        Sql::CreateIndex(index) => {
            let exists = index.name.as_ref().is_some_and(|name| facts.indexes.contains_key(&facts.full_name(name)));
            for effect in &mut effects {
                effect.scans &= !exists;
            }
            if let Some(table) = index.table.as_ref().filter(|table| !index.only && is_partitioned(facts, table)) {
                lock(&mut effects, facts.below(table), LockMode::Share);
            }
        }
        Sql::CreateTable(table) => {
            let default =
                facts.relation(table.partition_of.as_ref()).and_then(|parent| parent.default_partition.clone());
            for effect in &mut effects {
                effect.scans |= default.is_some();
            }
            lock(&mut effects, default.into_iter().collect(), LockMode::AccessExclusive);
            let parent = facts.relation(table.partition_of.as_ref());
            let referenced = parent.into_iter().flat_map(|parent| parent.references().cloned()).collect();
            lock(&mut effects, referenced, LockMode::ShareRowExclusive);
        }
        Sql::Delete { table: Some(table), .. } | Sql::Merge { table: Some(table), deletes: true } => {
            lock(&mut effects, facts.below(table), LockMode::RowExclusive);
            for (pointing, constraint) in facts.pointing_at(table) {
                let writes = matches!(constraint.kind, TableConstraintKind::ForeignKey { writes_on_delete: true, .. });
                let mode = if writes { LockMode::RowExclusive } else { LockMode::RowShare };
                lock(&mut effects, vec![pointing.clone()], mode);
            }
        }
        Sql::Do(body) => return of_body(body, fresh, &|inner, within| on(inner, within, facts, zone_is_utc)),
        Sql::Drop(drop) => drop_objects(drop, &mut effects, facts),
        Sql::Explain { runs } => return inner(runs),
        Sql::Lock { tables, mode } => lock(&mut effects, below_all(tables, facts), *mode),
        Sql::Merge { table: Some(table), deletes: false } | Sql::Update { table: Some(table), .. } => {
            lock(&mut effects, facts.below(table), LockMode::RowExclusive);
        }
        Sql::Query { writes, locks } if writes.is_empty() => {
            let below = locks.iter().flat_map(|table| facts.below(table)).collect();
            lock(&mut effects, below, LockMode::RowShare);
        }
        Sql::Query { writes, .. } => return inner(writes),
        Sql::Refresh { concurrently, .. } => {
            for effect in &mut effects {
                effect.rewrites = !concurrently;
            }
        }
        Sql::Reindex { target: ReindexTarget::Index(Some(name)), concurrently } => {
            let mode = if *concurrently { LockMode::ShareUpdateExclusive } else { LockMode::Share };
            lock(&mut effects, table_of(name, facts), mode);
        }
        Sql::Truncate { tables, cascade } => {
            let mut emptied = below_all(tables, facts);
            emptied.extend(tables.iter().map(|table| table.name.clone()));
            if *cascade {
                let pointing = everything_pointing_at(emptied.clone(), facts);
                emptied.extend(pointing);
            }
            lock(&mut effects, emptied, LockMode::AccessExclusive);
        }
        // What they lock, they name, or they name nothing that is locked.
        Sql::Alter { .. }
        | Sql::Call
        | Sql::Cluster { .. }
        | Sql::Comment { .. }
        | Sql::CopyFrom { .. }
        | Sql::CopyTo
        | Sql::Create { .. }
        | Sql::CreateRoutine(_)
        | Sql::Delete { .. }
        | Sql::Grant
        | Sql::Insert { .. }
        | Sql::Merge { .. }
        | Sql::Reindex { .. }
        | Sql::Revoke
        | Sql::Session
        | Sql::Set(_)
        | Sql::Transaction(_)
        | Sql::Update { .. }
        | Sql::Vacuum { .. } => {}
    }
    effects
}

/// Adds locks to the first effect; all are taken by the time the statement ends.
fn lock(effects: &mut [Effect], tables: Vec<ObjectName>, mode: LockMode) {
    if let Some(effect) = effects.first_mut() {
        lock_too(effect, tables, mode);
    }
}

pub fn lock_too(effect: &mut Effect, tables: Vec<ObjectName>, mode: LockMode) {
    effect.locks.extend(tables.into_iter().map(|table| super::TableLock { table, mode }));
}

pub fn is_partitioned(facts: &Facts, table: &ObjectName) -> bool {
    facts.relation(Some(table)).is_some_and(|table| table.kind == RelationKind::Partitioned)
}

fn below_all(tables: &[TableRef], facts: &Facts) -> Vec<ObjectName> {
    tables.iter().filter(|table| !table.only).flat_map(|table| facts.below(&table.name)).collect()
}

/// The tables that refer to these, and those that refer to them.
fn everything_pointing_at(tables: Vec<ObjectName>, facts: &Facts) -> Vec<ObjectName> {
    let mut found: Vec<ObjectName> = Vec::new();
    let mut ahead = tables;
    while let Some(table) = ahead.pop() {
        for (pointing, _) in facts.pointing_at(&table) {
            if !found.contains(pointing) {
                found.push(pointing.clone());
                ahead.push(pointing.clone());
            }
        }
    }
    found
}

/// An index's table, with its partitions where it is partitioned.
fn table_of(index: &ObjectName, facts: &Facts) -> Vec<ObjectName> {
    let Some(table) = facts.index(index).map(|index| &index.table) else { return Vec::new() };
    let mut tables = if is_partitioned(facts, table) { facts.below(table) } else { Vec::new() };
    tables.push(table.clone());
    tables
}

fn alter_object(
    object: ObjectKind,
    name: &ObjectName,
    change: ObjectChange,
    tables: &[ObjectName],
    not_valid: bool,
    effect: &mut Effect,
    facts: &Facts,
) {
    if object == ObjectKind::Trigger && facts.is_from(RENAMES_CLONES_MAJOR) {
        let below = tables.iter().filter(|it| is_partitioned(facts, it)).flat_map(|it| facts.below(it)).collect();
        lock_too(effect, below, LockMode::AccessExclusive);
    }
    if object == ObjectKind::Domain && change == ObjectChange::Narrows && !not_valid {
        let users = facts.with_columns_of(name);
        effect.scans = !users.is_empty();
        lock_too(effect, users, LockMode::Share);
    }
    if object == ObjectKind::Type {
        let of_type = |table: &Relation| table.of_type.as_ref() == Some(&name.name);
        let users = facts.relations.iter().filter(|(_, table)| of_type(table)).map(|(name, _)| name.clone()).collect();
        lock_too(effect, users, LockMode::AccessExclusive);
    }
    if object == ObjectKind::Publication
        && let Some(before) = facts.publications.get(&name.name)
    {
        // SET TABLE names what the publication lacks, and drops what it has.
        let sets = change == ObjectChange::Removes && tables.iter().any(|it| !before.contains(&facts.full_name(it)));
        if sets {
            lock_too(effect, before.iter().cloned().collect(), LockMode::ShareUpdateExclusive);
        }
    }
}

fn drop_objects(drop: &Drop, effects: &mut [Effect], facts: &Facts) {
    use LockMode::{AccessExclusive, ShareUpdateExclusive};
    use ObjectKind as O;
    for (name, effect) in drop.names.iter().zip(effects) {
        let is_there = facts.relation(Some(name)).is_some();
        match drop.object {
            O::Table if is_there => drop_table(name, drop.cascade, effect, facts),
            O::View | O::MaterializedView | O::ForeignTable if is_there => {
                if drop.cascade {
                    lock_too(effect, facts.views_of(name), AccessExclusive);
                }
            }
            // IF EXISTS, and it does not.
            O::Table | O::View | O::MaterializedView | O::ForeignTable => effect.locks.clear(),
            O::Trigger | O::Policy | O::Rule => {
                let table = facts.relation(drop.on.as_ref());
                if table.is_some_and(|table| !table.attached.contains(&name.name)) {
                    effect.locks.clear();
                } else if let Some(on) = drop.on.as_ref().filter(|on| is_partitioned(facts, on)) {
                    lock_too(effect, facts.below(on), AccessExclusive);
                }
            }
            O::Index => {
                let mode = if drop.concurrently { ShareUpdateExclusive } else { AccessExclusive };
                lock_too(effect, table_of(name, facts), mode);
            }
            O::Statistics => {
                let table = facts.statistics.get(&name.name).cloned();
                lock_too(effect, table.into_iter().collect(), ShareUpdateExclusive);
            }
            O::Domain | O::Type if drop.cascade => {
                lock_too(effect, facts.with_columns_of(name), AccessExclusive);
            }
            O::Schema if drop.cascade => {
                let within = |table: &&ObjectName| table.schema.as_ref() == Some(&name.name);
                for table in facts.relations.keys().filter(within) {
                    lock_too(effect, vec![table.clone()], AccessExclusive);
                    drop_table(table, true, effect, facts);
                }
            }
            O::AccessMethod
            | O::Aggregate
            | O::Cast
            | O::Collation
            | O::Conversion
            | O::Database
            | O::DefaultPrivileges
            | O::Domain
            | O::EventTrigger
            | O::Extension
            | O::ForeignDataWrapper
            | O::ForeignSchema
            | O::Function
            | O::Language
            | O::LargeObject
            | O::Operator
            | O::OperatorClass
            | O::OperatorFamily
            | O::Owned
            | O::Procedure
            | O::PropertyGraph
            | O::Publication
            | O::Role
            | O::Routine
            | O::Schema
            | O::Sequence
            | O::Server
            | O::Subscription
            | O::System
            | O::Tablespace
            | O::TextSearchConfiguration
            | O::TextSearchDictionary
            | O::TextSearchParser
            | O::TextSearchTemplate
            | O::Transform
            | O::Type
            | O::UserMapping => {}
        }
    }
}

/// A table goes with what is below it; what it refers to loses the triggers that watch over it.
fn drop_table(name: &ObjectName, cascade: bool, effect: &mut Effect, facts: &Facts) {
    let mut gone = facts.below(name);
    gone.push(facts.full_name(name));
    let mut also = Vec::new();
    for table in &gone {
        let Some(relation) = facts.relations.get(table) else { continue };
        // A partition's foreign key is its parent's.
        if !relation.is_partition {
            also.extend(relation.references().cloned());
        }
        if cascade {
            also.extend(facts.pointing_at(table).map(|(pointing, _)| pointing.clone()));
            also.extend(facts.views_of(table));
        }
    }
    let parents = facts.relation(Some(name)).filter(|table| table.is_partition).into_iter().flat_map(|it| &it.parents);
    for parent in parents {
        also.push(parent.clone());
        also.extend(facts.relations.get(parent).and_then(|parent| parent.default_partition.clone()));
    }
    also.extend(gone);
    lock_too(effect, also, LockMode::AccessExclusive);
}
