//! `DROP INDEX`: concurrently, one index at a time (manual, DROP INDEX).

use super::{Context, Draft, DraftRun};
use crate::message;
use crate::model::LockMode;
use crate::parse::Drop;
use crate::plan::step::{Settled, TakeBack};

/// `None` leaves the statement as it is: CASCADE and the index of a partitioned table know no CONCURRENTLY.
pub fn expand(drop: &Drop, context: &Context<'_>) -> Option<Vec<Draft>> {
    if drop.concurrently || drop.cascade || drop.names.is_empty() {
        return None;
    }
    let one = |name| {
        context.in_use(Some(name))?;
        let index = context.facts.index(name).filter(|index| !index.is_partitioned)?;
        let full = context.facts.full_name(name);
        let if_exists = if drop.if_exists { "IF EXISTS " } else { "" };
        let again = index.definition.replacen("INDEX ", "INDEX CONCURRENTLY IF NOT EXISTS ", 1);
        Some(Draft {
            sql: format!("DROP INDEX CONCURRENTLY {if_exists}{full}"),
            what: Some(message!("effect-drop", object = "INDEX", name = name.to_string())),
            lock: Some((LockMode::ShareUpdateExclusive, full.to_string())),
            scans: false,
            run: DraftRun::Alone(Settled::index_is_gone(&full)),
            take_back: TakeBack::RunAlone(again),
            safe_because: message!("safe-drops-concurrently"),
        })
    };
    drop.names.iter().map(one).collect()
}
