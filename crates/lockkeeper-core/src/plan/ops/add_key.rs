//! `ADD UNIQUE`, `ADD PRIMARY KEY`: the unique index concurrently, then the constraint takes it over
//! (manual, ALTER TABLE, ADD … USING INDEX).

use super::alter_table::{Part, Target};
use super::create_index::leaves;
use super::{Context, Draft, begins, beside, builds_index, set_not_null};
use crate::classify::Relation;
use crate::message;
use crate::model::{LockMode, Span};
use crate::parse::{AddConstraint, ConstraintKind, Ident, KeyAnchors, ObjectName};
use crate::plan::step::TakeBack;

pub fn part(add: &AddConstraint, target: &Target<'_>, context: &Context<'_>) -> Option<Part> {
    let anchors = add.key.as_ref()?;
    let name = add.name.clone().unwrap_or_else(|| match add.kind {
        ConstraintKind::PrimaryKey => context.name_for(target.relation, &[], "pkey"),
        _ => context.name_for(target.relation, &named_after(add, anchors, context), "key"),
    });
    let kind = if add.kind == ConstraintKind::PrimaryKey { "PRIMARY KEY" } else { "UNIQUE" };
    let options = anchors.options.map(|span| format!(" {}", span.of(context.text))).unwrap_or_default();
    let mut part = Part { inverse: Some(format!("DROP CONSTRAINT IF EXISTS {name}")), ..Part::default() };
    if target.relation.is_partitioned() {
        // First for all partitions at once, so that none has a NOT NULL of its own.
        if add.kind == ConstraintKind::PrimaryKey {
            for column in nullable(add, target.relation) {
                let change = |change: &str| format!("ALTER TABLE {} ALTER COLUMN {column} {change}", target.on);
                // From PostgreSQL 18 on a partition's own key makes the NOT NULL its own too.
                let of_leaves = leaves(target.relation)
                    .map(|(_, _, leaf)| format!("; ALTER TABLE {leaf} ALTER COLUMN {column} DROP NOT NULL"));
                let take_back = change("DROP NOT NULL") + &of_leaves.collect::<String>();
                let proof = set_not_null::proof(&target.on, target.table, column, context);
                part.before.extend(proof.before);
                part.before.push(begins(
                    change("SET NOT NULL"),
                    (LockMode::AccessExclusive, target.table),
                    TakeBack::Run(take_back),
                    message!("safe-brief"),
                ));
                part.before.push(proof.with);
            }
        }
        for (schema, leaf, full) in leaves(target.relation) {
            let suffix = if add.kind == ConstraintKind::PrimaryKey { "pkey" } else { "key" };
            let columns = if suffix == "pkey" { Vec::new() } else { named_after(add, anchors, context) };
            let child = context.name_of(schema, leaf, &columns, suffix);
            let index = ObjectName { schema: Some(schema.clone()), name: child.clone() };
            part.before.push(index_for(anchors, &index, full, &full.to_string(), context));
            part.before.push(takes_over(full, &child, &child, kind, &options));
        }
        let written = add.span.of(context.text);
        let named = if add.name.is_some() { written.to_owned() } else { format!("CONSTRAINT {name} {written}") };
        part.action = Some(format!("ADD {named}"));
        return Some(part);
    }
    // The old constraint's index still has the name; the server renames ours when it takes it over.
    let index = if target.drops(&name) { context.helper() } else { name.clone() };
    let full = beside(target.relation, &index);
    part.before.push(index_for(anchors, &full, target.table, &target.on, context));
    prove_not_null(add, target, context, &mut part);
    part.action = Some(format!("ADD CONSTRAINT {name} {kind} USING INDEX {index}{options}"));
    Some(part)
}

/// A primary key makes its columns NOT NULL.
fn prove_not_null(add: &AddConstraint, target: &Target<'_>, context: &Context<'_>, part: &mut Part) {
    if add.kind != ConstraintKind::PrimaryKey {
        return;
    }
    for column in nullable(add, target.relation) {
        part.inverse = part.inverse.take().map(|inverse| format!("{inverse}, ALTER COLUMN {column} DROP NOT NULL"));
        let proof = set_not_null::proof(&target.on, target.table, column, context);
        part.before.extend(proof.before);
        part.with.push(proof.with);
    }
}

/// The columns that a primary key makes NOT NULL.
pub fn nullable<'a>(add: &'a AddConstraint, relation: &'a Relation) -> impl Iterator<Item = &'a Ident> {
    add.columns.iter().filter(|column| relation.column(column).is_none_or(|column| !column.not_null))
}

fn index_for(anchors: &KeyAnchors, index: &ObjectName, table: &ObjectName, on: &str, context: &Context<'_>) -> Draft {
    let text = |span: Option<Span>| span.map(|span| format!(" {}", span.of(context.text))).unwrap_or_default();
    // USING INDEX TABLESPACE name, of which an index says TABLESPACE name.
    let tablespace = anchors.tablespace.and_then(|span| span.of(context.text).split_whitespace().last());
    let tablespace = tablespace.map(|name| format!(" TABLESPACE {name}")).unwrap_or_default();
    let sql = format!(
        "CREATE UNIQUE INDEX CONCURRENTLY {} ON {on} {}{}{}{}{tablespace}",
        index.name,
        anchors.columns.of(context.text),
        text(anchors.include),
        text(anchors.nulls),
        text(anchors.with),
    );
    builds_index(sql, index, table)
}

/// One partition's constraint takes its index over.
fn takes_over(table: &ObjectName, name: &Ident, index: &Ident, kind: &str, options: &str) -> Draft {
    Draft {
        what: Some(message!("effect-add-constraint", name = name.to_string(), table = table.to_string())),
        ..begins(
            format!("ALTER TABLE {table} ADD CONSTRAINT {name} {kind} USING INDEX {index}{options}"),
            (LockMode::AccessExclusive, table),
            TakeBack::Run(format!("ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {name}")),
            message!("safe-using-index"),
        )
    }
}

/// The key's columns and those of INCLUDE: what the server names the constraint after.
fn named_after(add: &AddConstraint, anchors: &KeyAnchors, context: &Context<'_>) -> Vec<Ident> {
    let included = anchors.include.map(|span| span.of(context.text)).unwrap_or_default();
    let included = included.split_once('(').map_or("", |(_, rest)| rest.trim_end().trim_end_matches(')'));
    let included = included.split(',').map(str::trim).filter(|name| !name.is_empty()).map(Ident::from_source);
    let key = anchors.columns.of(context.text).matches(',').count() + 1;
    add.columns.iter().take(key).cloned().chain(included).collect()
}
