//! `REFRESH MATERIALIZED VIEW`: concurrently, where a unique index allows it (manual, REFRESH MATERIALIZED VIEW).

use super::{Context, Draft, Refusal, begins};
use crate::classify::RelationKind;
use crate::message;
use crate::model::{LockMode, Span};
use crate::parse::{ObjectName, Statement};
use crate::plan::step::TakeBack;

pub fn expand(
    statement: &Statement,
    view: Option<&ObjectName>,
    after_view: usize,
    context: &Context<'_>,
) -> Result<Option<Vec<Draft>>, Refusal> {
    let Some(relation) = context.facts.relation(view) else { return Ok(None) };
    let RelationKind::MaterializedView { is_populated, has_unique_key } = relation.kind else { return Ok(None) };
    // Nobody can read a view that was never filled.
    if !is_populated {
        return Ok(None);
    }
    if !has_unique_key {
        let refusal = Refusal {
            because: message!("unsafe-refresh", name = relation.full_name().to_string()),
            way_out: message!("unsafe-refresh-way-out"),
        };
        return if relation.is_small() { Ok(None) } else { Err(refusal) };
    }
    let text = |start, end| Span::new(start, end).of(context.text);
    let sql = format!(
        "{} CONCURRENTLY {}",
        text(statement.span.start, after_view),
        text(after_view, statement.span.end).trim_start()
    );
    let table = relation.full_name();
    Ok(Some(vec![begins(sql, (LockMode::Exclusive, &table), TakeBack::NotNeeded, message!("safe-refresh"))]))
}
