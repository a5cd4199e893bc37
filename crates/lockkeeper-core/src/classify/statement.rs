//! What each kind of statement does. ALTER TABLE has a file of its own.

use super::alter_table;
use super::effect::{Effect, Reading, text};
use super::fresh::Fresh;
use crate::message;
use crate::model::{LockMode, Message, Span};
use crate::parse::{
    Body, CreateIndex, CreateTable, Drop, ObjectChange, ObjectKind, ObjectName, ReindexTarget, Sql, Statement,
    UnreadableWhy,
};

/// The effects of one statement, in the order in which they happen. Transaction control has none.
pub fn effects_of(statement: &Statement, fresh: &Fresh) -> Vec<Effect> {
    let span = statement.span;
    let neutral = |what| vec![Effect::new(span, Reading::Neutral, what)];
    match &statement.sql {
        Sql::AlterTable(alter) => alter_table::effects_of(alter, fresh),
        Sql::Alter { object, name, change, tables, .. } => {
            let mut effect = alter_object(span, *object, name.as_ref(), *change, fresh);
            if let Some(mode) = lock_of_alter(*object, *change) {
                let own = name.as_ref().filter(|name| !fresh.object(*object, name));
                let locked = if is_relation(*object) { own.into_iter().collect() } else { not_fresh(tables, fresh) };
                effect = lock_all(effect, locked, mode);
            }
            vec![effect]
        }
        Sql::Analyze { tables } => {
            let effect = Effect::new(span, Reading::Neutral, message!("effect-analyze"));
            vec![lock_all(effect, not_fresh(tables, fresh), LockMode::ShareUpdateExclusive)]
        }
        Sql::Call => vec![unreadable(span, message!("effect-call"))],
        Sql::Cluster { table } => {
            let effect = Effect::new(span, Reading::Neutral, message!("effect-cluster")).rewrites();
            vec![effect.lock(table.as_ref(), LockMode::AccessExclusive)]
        }
        Sql::Comment { on } => {
            let effect = Effect::new(span, Reading::Neutral, message!("effect-comment"));
            vec![effect.lock(on.as_ref().filter(|on| !fresh.table(Some(on))), LockMode::ShareUpdateExclusive)]
        }
        Sql::CopyFrom { table, .. } | Sql::Insert { table } => {
            vec![write(span, message!("effect-insert", name = text(table.as_ref())), table.as_ref(), fresh)]
        }
        Sql::CopyTo => neutral(message!("effect-query")),
        Sql::Create { object, name, on, or_replace, tables } => {
            let effect = create_object(span, *object, name.as_ref(), on.as_ref(), *or_replace, fresh);
            vec![lock_all(effect, not_fresh(tables, fresh), LockMode::ShareUpdateExclusive)]
        }
        Sql::CreateIndex(index) => vec![create_index(span, index, fresh)],
        Sql::CreateTable(table) => vec![create_table(span, table, fresh)],
        Sql::Delete { table, .. } | Sql::Merge { table, deletes: true } => vec![delete(span, table.as_ref(), fresh)],
        Sql::CreateRoutine(routine) => {
            vec![create_object(span, routine.object, routine.name.as_ref(), None, routine.or_replace, fresh)]
        }
        Sql::Do(body) => of_body(body, fresh, &effects_of),
        Sql::Drop(drop) => drop_objects(span, drop, fresh),
        Sql::Explain { runs } => runs.iter().flat_map(|statement| effects_of(statement, fresh)).collect(),
        Sql::Grant => vec![Effect::new(span, Reading::Neutral, message!("effect-grant"))],
        Sql::Lock { tables, mode } => {
            let locked = tables.iter().map(|table| {
                Effect::new(span, Reading::Neutral, message!("effect-lock", name = table.name.to_string()))
                    .lock(Some(&table.name), *mode)
            });
            locked.collect()
        }
        Sql::Merge { table, deletes: false } | Sql::Update { table, .. } => {
            vec![write(span, message!("effect-update", name = text(table.as_ref())), table.as_ref(), fresh)]
        }
        Sql::Query { writes, locks } if writes.is_empty() => {
            let effect = Effect::new(span, Reading::Neutral, message!("effect-query"));
            vec![lock_all(effect, not_fresh(locks, fresh), LockMode::RowShare)]
        }
        Sql::Query { writes, .. } => writes.iter().flat_map(|statement| effects_of(statement, fresh)).collect(),
        Sql::Refresh { view, concurrently, .. } => {
            let mode = if *concurrently { LockMode::Exclusive } else { LockMode::AccessExclusive };
            let effect = Effect::new(span, Reading::Neutral, message!("effect-refresh", name = text(view.as_ref())));
            vec![effect.lock(view.as_ref(), mode)]
        }
        Sql::Reindex { target, concurrently } => vec![reindex(span, target, *concurrently)],
        Sql::Revoke => vec![Effect::contracts(span, message!("effect-revoke"), message!("why-rights-gone"))],
        Sql::Session | Sql::Set(_) => neutral(message!("effect-session")),
        Sql::Transaction(_) => Vec::new(),
        Sql::Truncate { tables, .. } => tables.iter().map(|table| truncate(span, &table.name, fresh)).collect(),
        Sql::Vacuum { full, tables } => {
            let mode = if *full { LockMode::AccessExclusive } else { LockMode::ShareUpdateExclusive };
            let mut effect = Effect::new(span, Reading::Neutral, message!("effect-vacuum")).standalone();
            effect.rewrites = *full;
            vec![tables.iter().fold(effect, |effect, table| effect.lock(Some(table), mode))]
        }
    }
}

/// What a body does when it runs, in the order in which it stands there. Every branch counts.
pub fn of_body(body: &Body, fresh: &Fresh, of: &dyn Fn(&Statement, &Fresh) -> Vec<Effect>) -> Vec<Effect> {
    let mut within = fresh.clone();
    let mut effects = Vec::new();
    for statement in &body.statements {
        effects.extend(of(statement, &within));
        within.learn_in_body(&statement.sql);
    }
    effects.extend(body.unreadable.iter().map(|it| unreadable(it.span, unreadable_what(&it.why))));
    effects.sort_by_key(|effect| effect.span.start);
    effects
}

fn unreadable_what(why: &UnreadableWhy) -> Message {
    match why {
        UnreadableWhy::Built(by) => message!("effect-dynamic", by = by.as_str()),
        UnreadableWhy::Called(name) => message!("effect-call-of", name = name.as_str()),
        UnreadableWhy::Language(name) => message!("effect-foreign-language", name = name.as_str()),
        UnreadableWhy::Syntax => message!("effect-unknown-syntax"),
        UnreadableWhy::Depth => message!("effect-too-deep"),
    }
}

fn not_fresh<'a>(tables: &'a [ObjectName], fresh: &Fresh) -> Vec<&'a ObjectName> {
    tables.iter().filter(|table| !fresh.table(Some(table))).collect()
}

fn lock_all(effect: Effect, tables: Vec<&ObjectName>, mode: LockMode) -> Effect {
    tables.into_iter().fold(effect, |effect, table| effect.lock(Some(table), mode))
}

/// Whether an object other than a table is locked as a table is.
const fn is_relation(object: ObjectKind) -> bool {
    matches!(object, ObjectKind::View | ObjectKind::MaterializedView | ObjectKind::ForeignTable)
}

/// The lock of ALTER on the object itself, or on the tables that it belongs to.
const fn lock_of_alter(object: ObjectKind, change: ObjectChange) -> Option<LockMode> {
    match (object, change) {
        (ObjectKind::MaterializedView, ObjectChange::Settles) | (ObjectKind::Publication, _) => {
            Some(LockMode::ShareUpdateExclusive)
        }
        (
            ObjectKind::View
            | ObjectKind::MaterializedView
            | ObjectKind::ForeignTable
            | ObjectKind::Trigger
            | ObjectKind::Policy
            | ObjectKind::Rule,
            _,
        ) => Some(LockMode::AccessExclusive),
        _ => None,
    }
}

pub fn unreadable(span: Span, what: Message) -> Effect {
    Effect { why: Some(message!("why-unreadable")), ..Effect::new(span, Reading::Unreadable, what) }
}

fn write(span: Span, what: Message, table: Option<&ObjectName>, fresh: &Fresh) -> Effect {
    let effect = Effect::new(span, Reading::Neutral, what);
    if fresh.table(table) { effect } else { effect.lock(table, LockMode::RowExclusive) }
}

fn delete(span: Span, table: Option<&ObjectName>, fresh: &Fresh) -> Effect {
    let what = message!("effect-delete", name = text(table));
    if fresh.table(table) {
        return Effect::new(span, Reading::Neutral, what);
    }
    let why = message!("why-rows-gone", name = text(table));
    Effect::contracts(span, what, why).destroys().lock(table, LockMode::RowExclusive)
}

fn truncate(span: Span, table: &ObjectName, fresh: &Fresh) -> Effect {
    let what = message!("effect-truncate", name = table.to_string());
    if fresh.table(Some(table)) {
        return Effect::new(span, Reading::Neutral, what);
    }
    let why = message!("why-rows-gone", name = table.to_string());
    Effect::contracts(span, what, why).destroys().lock(Some(table), LockMode::AccessExclusive)
}

fn create_table(span: Span, table: &CreateTable, fresh: &Fresh) -> Effect {
    let reading = if table.temporary { Reading::Neutral } else { Reading::Expands };
    let what = message!("effect-create", object = ObjectKind::Table.as_str(), name = text(table.name.as_ref()));
    let mut effect = Effect::new(span, reading, what);
    for referenced in table.references.iter().filter(|referenced| !fresh.table(Some(referenced))) {
        if table.name.as_ref() != Some(referenced) {
            effect = effect.lock(Some(referenced), LockMode::ShareRowExclusive);
        }
    }
    let parents = table.parents.iter().filter(|parent| !fresh.table(Some(parent)));
    effect = lock_all(effect, parents.collect(), LockMode::ShareUpdateExclusive);
    match &table.partition_of {
        Some(parent) if !fresh.table(Some(parent)) => effect.lock(Some(parent), LockMode::AccessExclusive),
        _ => effect,
    }
}

fn create_index(span: Span, index: &CreateIndex, fresh: &Fresh) -> Effect {
    let table = index.table.as_ref();
    let name = text(index.name.as_ref());
    let what = if index.unique {
        message!("effect-create-unique-index", name = name, table = text(table))
    } else {
        message!("effect-create-index", name = name, table = text(table))
    };
    let binds_nobody = fresh.meant_table(table) || fresh.any_column(table, &index.columns);
    let mut effect = if index.unique && !binds_nobody {
        Effect::contracts(span, what, message!("why-writes-refused", table = text(table)))
    } else {
        Effect::new(span, Reading::Expands, what)
    };
    if index.concurrently {
        return effect.standalone().lock(table, LockMode::ShareUpdateExclusive);
    }
    if !fresh.table(table) {
        effect = effect.lock(table, LockMode::Share);
        // The index of a partitioned table alone is empty.
        effect.scans = !index.only;
    }
    effect
}

fn reindex(span: Span, target: &ReindexTarget, concurrently: bool) -> Effect {
    let mut effect = Effect::new(span, Reading::Neutral, message!("effect-reindex"));
    effect.scans = !concurrently;
    let mode = if concurrently { LockMode::ShareUpdateExclusive } else { LockMode::Share };
    let effect = match target {
        ReindexTarget::Table(table) => effect.lock(table.as_ref(), mode),
        ReindexTarget::Index(_) => effect,
        // Each table is done in a transaction of its own (manual, REINDEX).
        ReindexTarget::Schema | ReindexTarget::Database => effect.standalone(),
    };
    if concurrently { effect.standalone() } else { effect }
}

fn create_object(
    span: Span,
    object: ObjectKind,
    name: Option<&ObjectName>,
    on: Option<&ObjectName>,
    or_replace: bool,
    fresh: &Fresh,
) -> Effect {
    use ObjectKind as O;
    let what = message!("effect-create", object = object.as_str(), name = text(name));
    // OR REPLACE and object kinds that change nothing for the running code go where their file goes.
    let reading = if or_replace { Reading::Neutral } else { Reading::Expands };
    let effect = Effect::new(span, reading, what.clone());
    let unless_fresh = |effect: Effect, mode| if fresh.table(on) { effect } else { effect.lock(on, mode) };
    match object {
        O::Trigger => unless_fresh(effect, LockMode::ShareRowExclusive),
        O::Policy => unless_fresh(effect, LockMode::AccessExclusive),
        O::Rule if fresh.table(on) => effect,
        O::Rule => {
            Effect::contracts(span, what, message!("why-rule", table = text(on))).lock(on, LockMode::AccessExclusive)
        }
        O::Database | O::Tablespace | O::Subscription => effect.standalone(),
        O::AccessMethod
        | O::Aggregate
        | O::Cast
        | O::Collation
        | O::Conversion
        | O::DefaultPrivileges
        | O::Domain
        | O::EventTrigger
        | O::Extension
        | O::ForeignDataWrapper
        | O::ForeignSchema
        | O::ForeignTable
        | O::Function
        | O::Index
        | O::Language
        | O::LargeObject
        | O::MaterializedView
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
        | O::Statistics
        | O::System
        | O::Table
        | O::TextSearchConfiguration
        | O::TextSearchDictionary
        | O::TextSearchParser
        | O::TextSearchTemplate
        | O::Transform
        | O::Type
        | O::UserMapping
        | O::View => effect,
    }
}

fn alter_object(
    span: Span,
    object: ObjectKind,
    name: Option<&ObjectName>,
    change: ObjectChange,
    fresh: &Fresh,
) -> Effect {
    let what = message!("effect-alter", object = object.as_str(), name = text(name));
    let is_fresh = name.is_some_and(|name| fresh.object(object, name));
    let effect = match change {
        _ if is_fresh => Effect::new(span, Reading::Neutral, what),
        ObjectChange::Adds => Effect::new(span, Reading::Expands, what),
        ObjectChange::Settles => Effect::new(span, Reading::Neutral, what),
        // No query names it, so none fails.
        ObjectChange::Renames if !object.is_named_in_queries() => {
            Effect::new(span, Reading::Neutral, message!("effect-settle", name = text(name)))
        }
        ObjectChange::Renames => {
            let what = message!("effect-rename", object = object.as_str(), name = text(name));
            Effect::contracts(span, what, message!("why-renamed", name = text(name)))
        }
        ObjectChange::Removes => Effect::contracts(span, what, message!("why-dropped", name = text(name))),
        ObjectChange::Narrows => Effect::contracts(span, what, message!("why-values-refused", name = text(name))),
    };
    match object {
        ObjectKind::System => effect.standalone(),
        _ => effect,
    }
}

fn drop_objects(span: Span, drop: &Drop, fresh: &Fresh) -> Vec<Effect> {
    let mut effects: Vec<_> = drop.names.iter().map(|name| drop_object(span, drop, Some(name), fresh)).collect();
    if effects.is_empty() {
        effects.push(drop_object(span, drop, None, fresh));
    }
    effects
}

fn drop_object(span: Span, drop: &Drop, name: Option<&ObjectName>, fresh: &Fresh) -> Effect {
    use ObjectKind as O;
    let what = message!("effect-drop", object = drop.object.as_str(), name = text(name));
    let known = name.is_some_and(|name| fresh.made_here(drop.object, name));
    let on_fresh_table = drop.on.is_some() && fresh.table(drop.on.as_ref());
    let loses_nothing = drop.object == O::Statistics;
    let mut effect = if known || on_fresh_table || loses_nothing {
        Effect::new(span, Reading::Neutral, what)
    } else if drop.object == O::Index {
        Effect::contracts(span, what, message!("why-index-gone", name = text(name)))
    } else {
        Effect::contracts(span, what, message!("why-dropped", name = text(name)))
    };
    effect.destroys_data = !known
        && (matches!(drop.object, O::Table | O::MaterializedView | O::Sequence | O::Schema | O::Database | O::Owned)
            || drop.cascade);
    let in_block = match drop.object {
        O::Index => !drop.concurrently,
        O::Database | O::Tablespace | O::Subscription => false,
        _ => true,
    };
    if !in_block {
        effect = effect.standalone();
    }
    let locked = match drop.object {
        O::Table | O::View | O::MaterializedView | O::ForeignTable => name,
        O::Trigger | O::Policy | O::Rule => drop.on.as_ref(),
        _ => None,
    };
    // What the file makes again is locked while the old one goes.
    let is_new = name.is_some_and(|name| fresh.object(drop.object, name));
    if is_new || on_fresh_table { effect } else { effect.lock(locked, LockMode::AccessExclusive) }
}
