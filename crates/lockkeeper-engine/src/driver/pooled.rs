//! Statements outside a transaction, behind a pooler in transaction mode.
//!
//! Each such statement runs in whichever session of the pool is free, with whatever that was left with, and
//! nothing can be set for it: a SET would run in another session, or stay in this one for somebody else. So:
//!
//! * what needs no setting runs bare, and is asked about afterwards as always (`indisvalid`);
//! * what failed for what another client may have set (a timeout, a role, a search path) is tried again;
//! * a name that a search path could lead astray must bear its schema;
//! * what needs a setting is refused before anything runs: a strong lock, whose wait only `lock_timeout`
//!   keeps short, and a file's own SET.

use std::sync::Arc;
use std::time::Duration;

use lockkeeper_core::message;
use lockkeeper_core::model::{Answer, LockMode, Message, Place, Problem};
use lockkeeper_core::parse::{
    CreateIndex, Drop, MigrationFile, ObjectKind, ObjectName, ReindexTarget, Sql, Statement, parse,
};
use lockkeeper_core::plan::{RunMode, Step};
use tokio_postgres::types::Type;

use super::session::{Broken, Session, Watch};
use crate::ledger::Param;
use crate::postgres::{Connection, SqlError, sqlstate};
use crate::seams::sleep;

/// How often a statement is tried that failed for what another client may have set.
pub const ATTEMPTS_MAX: usize = 5;

/// Others get their turn in the pool in between.
pub const PAUSE: Duration = Duration::from_millis(300);

/// Refuses, before anything runs, what cannot be done safely behind a pooler.
pub fn check<'s>(
    connection: &Connection,
    files: impl IntoIterator<Item = (&'s MigrationFile, &'s [Step])>,
) -> Answer<()> {
    if !connection.is_pooled() {
        return Ok(());
    }
    let refusals = files.into_iter().flat_map(|(file, steps)| {
        steps.iter().filter_map(move |step| objection(step, steps).map(|what| refusal(file, step, what)))
    });
    Problem::all(refusals).map_or(Ok(()), Err)
}

fn refusal(file: &MigrationFile, step: &Step, what: Message) -> Box<Problem> {
    Problem::refused(what)
        .at(Place::span(Arc::clone(&file.path), &file.text, step.span))
        .note(message!("nothing-changed"))
        .hint(message!("pooler-hint"))
}

fn objection(step: &Step, steps: &[Step]) -> Option<Message> {
    if !matches!(step.run, RunMode::Standalone { .. }) {
        return None;
    }
    if holds_others_up(step) {
        return Some(message!("pooler-strong-lock"));
    }
    let set = steps.iter().any(|other| other.id < step.id && other.sets_session);
    set.then(|| message!("pooler-setting"))
}

/// Whether a statement outside a transaction takes locks that reads or writes wait behind.
pub fn holds_others_up(step: &Step) -> bool {
    let locks = step.lock().is_some_and(|lock| lock.mode > LockMode::ShareUpdateExclusive);
    // Of a whole schema or database no table is named: VACUUM FULL, REINDEX.
    let reindexes = |statement: &Statement| matches!(statement.sql, Sql::Reindex { concurrently: false, .. });
    locks || step.rewrites || parse(&step.sql).statements.iter().any(reindexes)
}

/// Refuses a name without a schema that stands for several objects: which of them it meant, the session would
/// decide that the pool happens to lend.
pub async fn refuse_ambiguous(session: &Session, file: &MigrationFile, step: &Step) -> Answer<()> {
    const SCHEMAS: &str = "SELECT CASE WHEN pg_catalog.count(*) > 1 THEN \
                           pg_catalog.string_agg(n.nspname, ', ' ORDER BY n.nspname) END \
                           FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
                           WHERE c.relname = $1 AND n.nspname !~ '^pg_temp'";
    if !session.connection.is_pooled() {
        return Ok(());
    }
    for name in bare_names(&step.sql) {
        let params: [Param<'_>; 1] = [(&name, Type::TEXT)];
        let asked = session.ask(SCHEMAS, &params).await;
        let schemas = asked.map_err(|error| crate::ledger::problem(&error, message!("step-not-settled")))?;
        if let Some(schemas) = schemas {
            return Err(refusal(file, step, message!("pooler-ambiguous", name = name, schemas = schemas)));
        }
    }
    Ok(())
}

/// The names without a schema by which a statement finds what it works on.
fn bare_names(sql: &str) -> Vec<String> {
    let script = parse(sql);
    let names: Vec<&ObjectName> = script
        .statements
        .iter()
        .flat_map(|statement| match &statement.sql {
            Sql::CreateIndex(CreateIndex { table, .. }) => table.iter().collect(),
            Sql::Drop(Drop { object: ObjectKind::Index, names, .. }) => names.iter().collect(),
            Sql::Reindex { target: ReindexTarget::Table(name) | ReindexTarget::Index(name), .. } => {
                name.iter().collect::<Vec<_>>()
            }
            // VACUUM and the like change no definition, whichever table they meet.
            _ => Vec::new(),
        })
        .collect();
    names.into_iter().filter(|name| name.schema.is_none()).map(|name| name.name.as_str().to_owned()).collect()
}

/// Whether a failure may be the work of what another client has set in the session.
pub fn may_be_of_the_session(error: &SqlError) -> bool {
    matches!(
        error.sqlstate(),
        sqlstate::INSUFFICIENT_PRIVILEGE
            | sqlstate::INVALID_SCHEMA_NAME
            | sqlstate::LOCK_NOT_AVAILABLE
            | sqlstate::QUERY_CANCELED
            | sqlstate::READ_ONLY_SQL_TRANSACTION
            | sqlstate::UNDEFINED_OBJECT
            | sqlstate::UNDEFINED_TABLE
    )
}

/// Runs a statement bare, and alone. Not even a question may travel in front of it: once that is answered,
/// `PgBouncer` believes the session free, and should we die meanwhile it lends it out with our statement running.
pub async fn run(session: &Session, sql: &str, seen: &mut Watch<'_>) -> Result<(), Broken> {
    session.forget_pid();
    session.run(sql, seen).await
}

/// Runs a statement bare, and cancels it when it takes longer than that.
pub async fn run_within(session: &Session, sql: &str, patience: Duration) -> Result<(), Broken> {
    let mut unseen = |_| {};
    let running = run(session, sql, &mut unseen);
    tokio::pin!(running);
    tokio::select! {
        result = &mut running => return result,
        () = sleep(patience) => {}
    }
    // A cancel request that does not arrive leaves the statement to end by itself.
    let _ = session.connection.canceller().cancel().await;
    running.await
}

#[cfg(test)]
mod tests {
    use super::bare_names;

    #[test]
    fn names_without_a_schema_are_found() {
        for (sql, expected) in [
            ("CREATE INDEX CONCURRENTLY i ON customers (email)", vec!["customers"]),
            ("CREATE INDEX CONCURRENTLY i ON shop.customers (email)", vec![]),
            ("DROP INDEX CONCURRENTLY IF EXISTS \"By email\"", vec!["By email"]),
            ("REINDEX TABLE CONCURRENTLY customers", vec!["customers"]),
            ("VACUUM customers", vec![]),
        ] {
            assert_eq!(bare_names(sql), expected, "{sql}");
        }
    }
}
