//! What each action of ALTER TABLE does (locks: manual, ALTER TABLE, Notes; measured on 14 to 18).

use super::effect::{Effect, Reading, text};
use super::fresh::Fresh;
use crate::message;
use crate::model::{LockMode, Message, Span};
use crate::parse::{
    AddColumn, AddConstraint, AlterTable, AlterTableAction, ColumnChange, ConstraintKind, Ident, ObjectName,
};

/// The effects of one ALTER TABLE, action by action.
pub fn effects_of(alter: &AlterTable, fresh: &Fresh) -> Vec<Effect> {
    let table = alter.table.as_ref();
    let is_fresh = fresh.table(table);
    let is_meant = fresh.meant_table(table);
    alter
        .actions
        .iter()
        .map(|action| {
            let effect = action_effect(action, table, fresh);
            if is_fresh {
                on_fresh_table(effect, table)
            } else if is_meant && demands(action) {
                Effect { reading: Reading::Neutral, why: None, ..effect }
            } else {
                effect
            }
        })
        .collect()
}

/// Nobody uses a table that the same file creates: whatever is done to it disturbs nobody.
/// Locks on other tables, such as the one a foreign key points at, stay.
fn on_fresh_table(effect: Effect, table: Option<&ObjectName>) -> Effect {
    let locks = effect.locks.into_iter().filter(|lock| Some(&lock.table) != table).collect();
    Effect {
        reading: Reading::Neutral,
        why: None,
        locks,
        rewrites: false,
        scans: false,
        destroys_data: false,
        ..effect
    }
}

/// Whether an action adds or demands something, and takes nothing away.
const fn demands(action: &AlterTableAction) -> bool {
    matches!(
        action,
        AlterTableAction::AddColumn(..)
            | AlterTableAction::AddConstraint(..)
            | AlterTableAction::AlterColumn { change: ColumnChange::SetNotNull | ColumnChange::SetDefault, .. }
            | AlterTableAction::EnableRowSecurity(_)
    )
}

fn action_effect(action: &AlterTableAction, table: Option<&ObjectName>, fresh: &Fresh) -> Effect {
    use AlterTableAction as A;
    let span = action.span();
    let name = || text(table);
    let neutral = |what: Message| Effect::new(span, Reading::Neutral, what);
    let expands = |what: Message| Effect::new(span, Reading::Expands, what);
    let contracts = |what: Message, why: Message| Effect::contracts(span, what, why);
    let exclusive = |effect: Effect| effect.lock(table, LockMode::AccessExclusive);
    match action {
        A::AddColumn(_, column) => exclusive(add_column(span, column, table)),
        A::AddConstraint(_, constraint) => add_constraint(span, constraint, table, fresh),
        A::AlterColumn { column, change, .. } => alter_column(span, column.as_ref(), *change, table, fresh),
        A::AlterConstraint(_) => exclusive(neutral(message!("effect-settle", name = name()))),
        A::AttachPartition { partition, .. } => {
            expands(message!("effect-attach-partition", name = text(partition.as_ref()), table = name()))
                .lock(table, LockMode::ShareUpdateExclusive)
                .lock(partition.as_ref().filter(|it| !fresh.table(Some(it))), LockMode::AccessExclusive)
                .scans()
        }
        A::DetachPartition { partition, concurrently, .. } => {
            // Concurrently too: in its second transaction, when nobody reads the parent with it any more.
            let effect = contracts(
                message!("effect-detach-partition", name = text(partition.as_ref()), table = name()),
                message!("why-rows-gone", name = name()),
            );
            let effect = if *concurrently {
                effect.standalone().lock(table, LockMode::ShareUpdateExclusive)
            } else {
                exclusive(effect)
            };
            effect.lock(partition.as_ref(), LockMode::AccessExclusive)
        }
        A::DisableRowSecurity(_) => exclusive(neutral(message!("effect-row-security-off", name = name()))),
        A::EnableRowSecurity(_) => exclusive(contracts(
            message!("effect-row-security-on", name = name()),
            message!("why-rows-hidden", name = name()),
        )),
        A::DisableRule(_) => exclusive(contracts(
            message!("effect-trigger-off", name = name()),
            message!("why-trigger-off", name = name()),
        )),
        A::DisableTrigger(_) => {
            contracts(message!("effect-trigger-off", name = name()), message!("why-trigger-off", name = name()))
                .lock(table, LockMode::ShareRowExclusive)
        }
        A::EnableRule(_) => exclusive(neutral(message!("effect-trigger-on", name = name()))),
        A::EnableTrigger(_) => {
            neutral(message!("effect-trigger-on", name = name())).lock(table, LockMode::ShareRowExclusive)
        }
        A::DropColumn { column, .. } => exclusive(drop_column(span, column.as_ref(), table, fresh)),
        A::DropConstraint { constraint, .. } => {
            let what = message!("effect-drop-constraint", name = ident(constraint.as_ref()), table = name());
            exclusive(if fresh.constraint(constraint.as_ref()) {
                neutral(what)
            } else {
                contracts(what, message!("why-constraint-gone", name = ident(constraint.as_ref())))
            })
        }
        A::Inherit { parent, .. } => exclusive(expands(message!("effect-settle", name = name())))
            .lock(parent.as_ref(), LockMode::ShareUpdateExclusive),
        A::NoInherit { parent, .. } => exclusive(contracts(
            message!("effect-settle", name = name()),
            message!("why-rows-gone", name = text(parent.as_ref())),
        )),
        A::RearrangePartitions(_) => {
            exclusive(contracts(message!("effect-settle", name = name()), message!("why-dropped", name = name())))
                .rewrites()
        }
        A::RenameColumn { column, .. } => {
            let what = message!("effect-rename-column", name = ident(column.as_ref()), table = name());
            exclusive(if column.as_ref().is_some_and(|column| fresh.column(table, column)) {
                neutral(what)
            } else {
                contracts(what, message!("why-renamed", name = ident(column.as_ref())))
            })
        }
        A::RenameConstraint { .. } => exclusive(neutral(message!("effect-settle", name = name()))),
        A::RenameTable(..) | A::SetSchema(_) => exclusive(contracts(
            message!("effect-rename", object = "TABLE", name = name()),
            message!("why-renamed", name = name()),
        )),
        A::Rewrite(..) => exclusive(neutral(message!("effect-rewrite", name = name()))).rewrites(),
        A::Settle { light, .. } => {
            let mode = if *light { LockMode::ShareUpdateExclusive } else { LockMode::AccessExclusive };
            neutral(message!("effect-settle", name = name())).lock(table, mode)
        }
        A::ValidateConstraint { .. } => {
            neutral(message!("effect-validate", name = name())).lock(table, LockMode::ShareUpdateExclusive).scans()
        }
    }
}

fn ident(name: Option<&Ident>) -> String {
    name.map_or_else(|| "?".to_owned(), ToString::to_string)
}

fn add_column(span: Span, column: &AddColumn, table: Option<&ObjectName>) -> Effect {
    let what = message!("effect-add-column", name = ident(column.column.as_ref()), table = text(table));
    let inserts_fail = column.not_null && !column.has_default && !column.generated;
    let mut effect = if inserts_fail {
        Effect::contracts(span, what, message!("why-inserts-fail", name = ident(column.column.as_ref())))
    } else {
        Effect::new(span, Reading::Expands, what)
    };
    effect.rewrites = column.fills_every_row || column.default_may_be_volatile;
    let points_somewhere = column.has_default && column.references.is_some();
    effect.scans = column.checked || column.unique || points_somewhere;
    match &column.references {
        Some(referenced) if Some(referenced) != table => effect.lock(Some(referenced), LockMode::ShareRowExclusive),
        _ => effect,
    }
}

fn add_constraint(span: Span, add: &AddConstraint, table: Option<&ObjectName>, fresh: &Fresh) -> Effect {
    use ConstraintKind as C;
    let what = message!("effect-add-constraint", name = ident(add.name.as_ref()), table = text(table));
    // Whether rows that the running code writes are bound by it: it leaves new columns empty.
    let binds = match add.kind {
        C::Check => !fresh.all_columns(table, &add.columns),
        C::ForeignKey | C::Unique => !add.using_index && !fresh.any_column(table, &add.columns),
        C::Exclude | C::NotNull | C::PrimaryKey => true,
    };
    let effect = if binds {
        Effect::contracts(span, what, message!("why-writes-refused", table = text(table)))
    } else {
        Effect::new(span, Reading::Expands, what)
    };
    let mut effect = match add.kind {
        C::ForeignKey => effect.lock(table, LockMode::ShareRowExclusive).lock(
            add.references.as_ref().filter(|it| Some(*it) != table && !fresh.table(Some(it))),
            LockMode::ShareRowExclusive,
        ),
        C::Check | C::Exclude | C::NotNull | C::PrimaryKey | C::Unique => effect.lock(table, LockMode::AccessExclusive),
    };
    effect.scans = !add.not_valid && !add.using_index && !add.not_enforced;
    effect
}

fn alter_column(
    span: Span,
    column: Option<&Ident>,
    change: ColumnChange,
    table: Option<&ObjectName>,
    fresh: &Fresh,
) -> Effect {
    use ColumnChange as C;
    let name = || ident(column);
    let what = message!("effect-alter-column", name = name(), table = text(table));
    let contracts = |why| Effect::contracts(span, what.clone(), why);
    let is_fresh = column.is_some_and(|column| fresh.column(table, column));
    let effect = match change {
        // A new column may stay empty in rows that the running code writes, so this one binds all the same.
        C::SetNotNull => contracts(message!("why-nulls-refused", name = name())).scans(),
        _ if is_fresh => Effect::new(span, Reading::Neutral, what.clone()),
        C::DropNotNull | C::SetDefault => Effect::new(span, Reading::Expands, what.clone()),
        C::SetOptions | C::SetStatistics | C::SetStorage | C::Settle => {
            Effect::new(span, Reading::Neutral, what.clone())
        }
        C::AddIdentity | C::DropDefault | C::DropExpression | C::DropIdentity | C::SetExpression | C::SetIdentity => {
            contracts(message!("why-default-changed", name = name()))
        }
        C::SetType => contracts(message!("why-type-changed", name = name())),
    };
    let mut effect = match change {
        C::SetOptions | C::SetStatistics => effect.lock(table, LockMode::ShareUpdateExclusive),
        _ => effect.lock(table, LockMode::AccessExclusive),
    };
    effect.rewrites = matches!(change, C::SetType | C::SetExpression);
    effect
}

fn drop_column(span: Span, column: Option<&Ident>, table: Option<&ObjectName>, fresh: &Fresh) -> Effect {
    let what = message!("effect-drop-column", name = ident(column), table = text(table));
    if column.is_some_and(|column| fresh.column(table, column)) {
        return Effect::new(span, Reading::Neutral, what);
    }
    Effect::contracts(span, what, message!("why-dropped", name = ident(column))).destroys()
}
