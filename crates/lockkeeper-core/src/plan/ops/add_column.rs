//! `ADD COLUMN`: the column alone first, which touches no row; then its default for rows to come, a backfill for
//! those that are there, and its constraints, each in the way that is safe for it.

use super::alter_table::{Part, Target};
use super::{Context, Draft, DraftRun, Refusal, add_constraint, begins, beside, builds_index, hazards, set_not_null};
use crate::message;
use crate::model::{LockMode, Span};
use crate::parse::{AddColumn, ColumnClause, ColumnClauseKind, Ident};
use crate::plan::step::{Backfill, TakeBack};

pub fn part(
    span: Span,
    column: &AddColumn,
    target: &Target<'_>,
    context: &Context<'_>,
) -> Result<Option<Part>, Refusal> {
    let Some(name) = &column.column else { return Ok(None) };
    if column.if_not_exists && target.relation.column(name).is_some() {
        return Ok(None);
    }
    let has = |kind| column.clauses.iter().any(|clause| clause.kind == kind);
    if column.fills_every_row || has(ColumnClauseKind::PrimaryKey) {
        return hazards::filled_column(target.relation, name).map_or(Ok(None), Err);
    }
    let fills = column.default_may_be_volatile;
    let goes = |clause: &&ColumnClause| match clause.kind {
        ColumnClauseKind::Default | ColumnClauseKind::NotNull => fills,
        ColumnClauseKind::Check | ColumnClauseKind::Unique => true,
        // A new column without a default holds only NULL: the server knows that there is nothing to check.
        ColumnClauseKind::References => column.has_default,
        ColumnClauseKind::Generated
        | ColumnClauseKind::Null
        | ColumnClauseKind::PrimaryKey
        | ColumnClauseKind::Other => false,
    };
    let gone: Vec<&ColumnClause> = column.clauses.iter().filter(goes).collect();
    if gone.is_empty() {
        return Ok(None);
    }
    let mut part = Part {
        action: Some(without(span, &gone, context)),
        inverse: Some(format!("DROP COLUMN IF EXISTS {name}")),
        safe_because: Some(message!("safe-catalog-only")),
        ..Part::default()
    };
    // First the values, then what is demanded of them.
    for kind in [
        ColumnClauseKind::Default,
        ColumnClauseKind::NotNull,
        ColumnClauseKind::Check,
        ColumnClauseKind::References,
        ColumnClauseKind::Unique,
    ] {
        for clause in gone.iter().filter(|clause| clause.kind == kind) {
            add_clause(clause, name, target, context, &mut part)?;
        }
    }
    Ok(Some(part))
}

fn add_clause(
    clause: &ColumnClause,
    column: &Ident,
    target: &Target<'_>,
    context: &Context<'_>,
    part: &mut Part,
) -> Result<(), Refusal> {
    let (on, table, relation) = (&target.on, target.table, target.relation);
    let body = clause.body.of(context.text).trim();
    let named =
        |columns: &[Ident], kind| clause.name.clone().unwrap_or_else(|| context.name_for(relation, columns, kind));
    let brief = |sql, take_back| begins(sql, (LockMode::AccessExclusive, table), take_back, message!("safe-brief"));
    let of_column = std::slice::from_ref(column);
    match clause.kind {
        ColumnClauseKind::Default => {
            let default = Draft {
                what: Some(message!("effect-alter-column", name = column.to_string(), table = table.to_string())),
                run: DraftRun::Joins,
                safe_because: message!("safe-catalog-only"),
                ..brief(format!("ALTER TABLE {on} ALTER COLUMN {column} SET {body}"), TakeBack::NotNeeded)
            };
            part.with.push(default);
            part.after.push(fill(column, target, context)?);
        }
        ColumnClauseKind::NotNull => {
            let proof = set_not_null::proof(on, table, column, context);
            part.after.extend(proof.before);
            let sql = format!("ALTER TABLE {on} ALTER COLUMN {column} SET NOT NULL");
            let undo = TakeBack::Run(format!("ALTER TABLE {on} ALTER COLUMN {column} DROP NOT NULL"));
            part.after.extend([brief(sql, undo), proof.with]);
        }
        ColumnClauseKind::Check => {
            let name = named(of_column, "check");
            part.after.extend(add_constraint::steps(
                on,
                table,
                &name,
                &format!("CONSTRAINT {name} {body}"),
                LockMode::AccessExclusive,
            ));
        }
        ColumnClauseKind::References => {
            let name = named(of_column, "fkey");
            let constraint = format!("CONSTRAINT {name} FOREIGN KEY ({column}) {body}");
            part.after.extend(add_constraint::steps(on, table, &name, &constraint, LockMode::ShareRowExclusive));
        }
        ColumnClauseKind::Unique => {
            // NULLS NOT DISTINCT is an index's as well as a constraint's; anything more is rare.
            let nulls = body.get("UNIQUE".len()..).unwrap_or("").trim();
            if relation.is_partitioned() || !(nulls.is_empty() || nulls.to_lowercase().starts_with("nulls")) {
                return hazards::filled_column(relation, column).map_or(Ok(()), Err);
            }
            let name = named(of_column, "key");
            let index = format!("CREATE UNIQUE INDEX CONCURRENTLY {name} ON {on} ({column}) {nulls}");
            part.after.push(builds_index(index.trim_end().to_owned(), &beside(relation, &name), table));
            let undo = TakeBack::Run(format!("ALTER TABLE {on} DROP CONSTRAINT IF EXISTS {name}"));
            part.after.push(brief(format!("ALTER TABLE {on} ADD CONSTRAINT {name} UNIQUE USING INDEX {name}"), undo));
        }
        ColumnClauseKind::Generated
        | ColumnClauseKind::Null
        | ColumnClauseKind::PrimaryKey
        | ColumnClauseKind::Other => {}
    }
    Ok(())
}

/// The new default for the rows that are there, in batches.
fn fill(column: &Ident, target: &Target<'_>, context: &Context<'_>) -> Result<Draft, Refusal> {
    let relation = target.relation;
    let silences = relation.has_update_triggers;
    // A trigger that is enabled ALWAYS fires whatever the session says.
    if silences && (relation.triggers_fire_always || !context.facts.may_silence_triggers) {
        return Err(Refusal {
            because: message!("unsafe-triggers", column = column.to_string(), table = relation.full_name().to_string()),
            way_out: message!("unsafe-triggers-way-out"),
        });
    }
    let table = relation.full_name();
    Ok(Draft {
        sql: format!("UPDATE {table} SET {column} = DEFAULT WHERE {column} IS NULL"),
        what: Some(message!("step-fills-column", column = column.to_string(), table = table.to_string())),
        lock: Some((LockMode::RowExclusive, table.to_string())),
        scans: true,
        run: DraftRun::Fills(Backfill { table, column: column.clone(), silences_triggers: silences }),
        take_back: TakeBack::NotNeeded,
        safe_because: message!("safe-batches"),
    })
}

/// The action's text without some of its clauses.
fn without(span: Span, clauses: &[&ColumnClause], context: &Context<'_>) -> String {
    let mut spans: Vec<Span> = clauses.iter().map(|clause| clause.span).collect();
    spans.sort();
    let mut kept = String::new();
    let mut at = span.start;
    for gone in spans {
        kept.push_str(Span::new(at, gone.start).of(context.text).trim_end());
        kept.push(' ');
        at = gone.end;
    }
    kept.push_str(Span::new(at, span.end).of(context.text).trim());
    kept.trim_end().to_owned()
}
