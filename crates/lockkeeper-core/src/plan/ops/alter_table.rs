//! `ALTER TABLE`: what each of its actions asks for is gathered, and the statement is put together again.

use super::add_constraint::{check_or_foreign_key, not_null_constraint};
use super::take_back::inverse;
use super::{Context, Draft, DraftRun, Refusal, add_column, add_key, begins, hazards, set_not_null};
use crate::classify::Relation;
use crate::message;
use crate::model::{LockMode, Message, Span};
use crate::parse::{
    AddConstraint, AlterTable, AlterTableAction, ColumnChange, ConstraintKind, Ident, ObjectName, Statement,
};
use crate::plan::step::TakeBack;

/// The table that a statement alters.
pub struct Target<'a> {
    pub relation: &'a Relation,
    /// As the statement writes it, ONLY included.
    pub on: String,
    pub table: &'a ObjectName,
    /// Columns that the same statement adds: what needs them can only come behind it.
    new_columns: Vec<&'a Ident>,
    dropped_constraints: Vec<&'a Ident>,
}

impl Target<'_> {
    /// Whether the statement itself gives up a constraint of that name.
    pub fn drops(&self, constraint: &Ident) -> bool {
        self.dropped_constraints.contains(&constraint)
    }

    fn adds_any(&self, columns: &[Ident]) -> bool {
        columns.iter().any(|column| self.new_columns.contains(&column))
    }
}

/// What one action asks for around the statement.
#[derive(Default)]
pub struct Part {
    pub before: Vec<Draft>,
    /// The action as the statement keeps it.
    pub action: Option<String>,
    /// What takes the kept action back; `None` when nothing can.
    pub inverse: Option<String>,
    /// The lock that the kept action takes, where its effect tells of a weaker one.
    pub lock: Option<LockMode>,
    /// Why the kept action does no harm, where it is not because of what went before.
    pub safe_because: Option<Message>,
    /// In the statement's transaction, behind it.
    pub with: Vec<Draft>,
    pub after: Vec<Draft>,
}

impl Part {
    /// The part for a column that the statement itself adds: everything comes behind the statement.
    fn late(mut self, target: &Target<'_>) -> Self {
        let take_back = self
            .inverse
            .take()
            .map_or(TakeBack::Impossible, |inverse| TakeBack::Run(format!("ALTER TABLE {} {inverse}", target.on)));
        let action = self.action.take().map(|action| {
            let sql = format!("ALTER TABLE {} {action}", target.on);
            begins(sql, (LockMode::AccessExclusive, target.table), take_back, message!("safe-brief"))
        });
        let after = self.before.into_iter().chain(action).chain(self.with).chain(self.after).collect();
        Self { after, ..Self::default() }
    }
}

pub fn expand(statement: &Statement, alter: &AlterTable, context: &Context<'_>) -> Result<Option<Vec<Draft>>, Refusal> {
    let (Some(table), Some(relation)) = (&alter.table, context.in_use(alter.table.as_ref())) else { return Ok(None) };
    let only = if alter.only { "ONLY " } else { "" };
    let target = Target {
        relation,
        on: format!("{only}{table}"),
        table,
        new_columns: alter.actions.iter().filter_map(added_column).collect(),
        dropped_constraints: alter.actions.iter().filter_map(dropped_constraint).collect(),
    };
    let mut is_changed = false;
    let mut parts = Vec::new();
    for action in &alter.actions {
        if let Some(part) = part_of(action, &target, context)? {
            is_changed = true;
            parts.push(part);
        } else {
            let text = action.span().of(context.text).to_owned();
            let inverse = inverse(action, Some(relation));
            parts.push(Part { action: Some(text), inverse, ..Part::default() });
        }
    }
    Ok(is_changed.then(|| assemble(statement, alter, &target, parts, context)))
}

fn assemble(
    statement: &Statement,
    alter: &AlterTable,
    target: &Target<'_>,
    parts: Vec<Part>,
    context: &Context<'_>,
) -> Vec<Draft> {
    let (mut drafts, mut kept, mut inverses, mut with, mut after) = (vec![], vec![], Some(vec![]), vec![], vec![]);
    let lock = parts.iter().filter_map(|part| part.lock).max();
    let safe_because = parts.iter().find_map(|part| part.safe_because.clone());
    for part in parts {
        drafts.extend(part.before);
        if let Some(action) = part.action {
            kept.push(action);
            inverses = inverses.zip(part.inverse).map(|(mut all, one)| {
                all.insert(0, one);
                all
            });
        }
        with.extend(part.with);
        after.extend(part.after);
    }
    if !kept.is_empty() {
        let first = alter.actions.first().map_or(statement.span.end, |action| action.span().start);
        let head = Span::new(statement.span.start, first).of(context.text).trim_end();
        let take_back = inverses.map_or(TakeBack::Impossible, |inverses| {
            TakeBack::Run(format!("ALTER TABLE {} {}", target.on, inverses.join(", ")))
        });
        drafts.push(Draft {
            sql: format!("{head} {}", kept.join(", ")),
            what: None,
            lock: lock.map(|mode| (mode, target.table.to_string())),
            scans: false,
            run: DraftRun::Begins,
            take_back,
            safe_because: safe_because.unwrap_or_else(|| message!("safe-brief")),
        });
    }
    drafts.extend(with);
    drafts.extend(after);
    drafts
}

/// What an action asks for; `None` when it runs as it is written.
fn part_of(action: &AlterTableAction, target: &Target<'_>, context: &Context<'_>) -> Result<Option<Part>, Refusal> {
    let refuse = |refusal: Option<Refusal>| refusal.map_or(Ok(None), Err);
    match action {
        AlterTableAction::AddColumn(span, column) => add_column::part(*span, column, target, context),
        AlterTableAction::AddConstraint(_, add) => constraint(add, target, context),
        AlterTableAction::AlterColumn { span, column: Some(column), change: ColumnChange::SetNotNull, .. } => {
            if target.relation.column(column).is_some_and(|column| column.not_null) {
                return Ok(None);
            }
            let part = set_not_null_part(*span, column, target, context);
            Ok(Some(if target.adds_any(std::slice::from_ref(column)) { part.late(target) } else { part }))
        }
        AlterTableAction::AlterColumn { column, change: ColumnChange::SetType, new_type, .. } => {
            refuse(hazards::new_type(target.relation, column.as_ref(), new_type.as_ref(), context.zone_is_utc))
        }
        AlterTableAction::AlterColumn { change: ColumnChange::SetExpression, .. } | AlterTableAction::Rewrite(..) => {
            refuse(hazards::rewrite(target.relation))
        }
        _ => Ok(None),
    }
}

fn set_not_null_part(span: Span, column: &Ident, target: &Target<'_>, context: &Context<'_>) -> Part {
    let proof = set_not_null::proof(&target.on, target.table, column, context);
    Part {
        before: proof.before,
        action: Some(span.of(context.text).to_owned()),
        inverse: Some(format!("ALTER COLUMN {column} DROP NOT NULL")),
        with: vec![proof.with],
        ..Part::default()
    }
}

fn constraint(add: &AddConstraint, target: &Target<'_>, context: &Context<'_>) -> Result<Option<Part>, Refusal> {
    if let Some(refusal) = hazards::constraint(target.relation, add) {
        return Err(refusal);
    }
    if add.not_valid || add.using_index || add.not_enforced {
        return Ok(None);
    }
    Ok(match add.kind {
        ConstraintKind::Check | ConstraintKind::ForeignKey => Some(check_or_foreign_key(add, target, context)),
        ConstraintKind::NotNull => not_null_constraint(add, target, context),
        ConstraintKind::Unique | ConstraintKind::PrimaryKey => {
            let part = add_key::part(add, target, context);
            part.map(|part| if target.adds_any(&add.columns) { part.late(target) } else { part })
        }
        ConstraintKind::Exclude => None,
    })
}

const fn added_column(action: &AlterTableAction) -> Option<&Ident> {
    match action {
        AlterTableAction::AddColumn(_, column) => column.column.as_ref(),
        _ => None,
    }
}

const fn dropped_constraint(action: &AlterTableAction) -> Option<&Ident> {
    match action {
        AlterTableAction::DropConstraint { constraint, .. } => constraint.as_ref(),
        _ => None,
    }
}
