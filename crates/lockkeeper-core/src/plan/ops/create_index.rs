//! `CREATE INDEX`: concurrently. Of a partitioned table, on each partition first; the parent's then takes them in
//! without building anything (manual, section 5.12.2, and CREATE INDEX, Building Indexes Concurrently).

use super::{Context, Draft, begins, beside, builds_index};
use crate::classify::{Relation, RelationKind};
use crate::message;
use crate::model::{LockMode, Span};
use crate::parse::{CreateIndex, Ident, ObjectName, Statement};
use crate::plan::step::TakeBack;

pub fn expand(statement: &Statement, index: &CreateIndex, context: &Context<'_>) -> Option<Vec<Draft>> {
    let relation = context.in_use(index.table.as_ref())?;
    let exists = index.if_not_exists && index.name.as_ref().is_some_and(|name| is_there(relation, &name.name, context));
    if index.concurrently || index.only || exists {
        return None;
    }
    let name = match &index.name {
        Some(name) => name.name.clone(),
        None => context.name_for(relation, &index.named_after, "idx"),
    };
    let anchors = &index.anchors;
    let text = |start: usize, end: usize| Span::new(start, end).of(context.text);
    let head = text(statement.span.start, anchors.after_index);
    let named = match &index.name {
        Some(_) => text(anchors.after_index, anchors.on).trim().to_owned(),
        None => name.to_string(),
    };
    let table = relation.full_name();
    match &relation.kind {
        RelationKind::Table | RelationKind::MaterializedView { .. } => {
            let sql = format!("{head} CONCURRENTLY {named} {}", text(anchors.on, statement.span.end));
            Some(vec![builds_index(sql, &beside(relation, &name), &table)])
        }
        RelationKind::Partitioned => {
            let definition = anchors.definition.of(context.text).trim();
            let mut drafts: Vec<Draft> = leaves(relation)
                .map(|(schema, leaf, full)| {
                    let child = context.name_of(schema, leaf, &index.named_after, "idx");
                    let child = ObjectName { schema: Some(schema.clone()), name: child };
                    let sql = format!("{head} CONCURRENTLY {} ON {full} {definition}", child.name);
                    builds_index(sql, &child, full)
                })
                .collect();
            let sql = format!("{head} {named} {}", text(anchors.on, statement.span.end));
            let undo = TakeBack::Run(format!("DROP INDEX IF EXISTS {}", beside(relation, &name)));
            drafts.push(begins(sql, (LockMode::Share, &table), undo, message!("safe-partitions-ready")));
            Some(drafts)
        }
        RelationKind::View | RelationKind::Foreign => None,
    }
}

fn is_there(relation: &Relation, index: &Ident, context: &Context<'_>) -> bool {
    context.facts.taken.contains(&(relation.schema.as_str().to_owned(), index.as_str().to_owned()))
}

/// The partitions that hold rows: schema, name and both.
pub fn leaves(relation: &Relation) -> impl Iterator<Item = (&Ident, &Ident, &ObjectName)> {
    relation.leaves.iter().filter_map(|leaf| Some((leaf.schema.as_ref()?, &leaf.name, leaf)))
}
