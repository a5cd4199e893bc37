//! A schema that was changed behind our back: noticed, named, refused, or accepted by name and with a reason.
//!
//! The record is taken when a command ends, not with each migration: it takes as long as the schema is large, and
//! nobody must wait for it behind a migration's locks. A command that is cut off before leaves the record unsettled;
//! then what its migrations explain is ours, and the rest is not.

use std::cell::{Cell, RefCell};

use lockkeeper_core::message;
use lockkeeper_core::model::{Answer, ExitClass, ObjectDifference, Problem};
use lockkeeper_core::parse::MigrationPair;
use lockkeeper_core::plan::unexplained;

use super::session::Session;
use crate::ledger::{Lease, SchemaReading, accept_drift, read, read_schema, record_schema};
use crate::postgres::Connection;

/// Which differences count, and which are taken as they are.
#[derive(Debug, Clone, Default)]
pub struct DriftRules {
    /// Patterns of objects that others may create, change and drop: partitions made at night, say.
    pub ignore: Vec<String>,
    /// Objects that are taken as they are now.
    pub accept: Vec<String>,
    /// Why they are.
    pub reason: String,
}

/// What a command knows of the drift while it runs.
#[derive(Debug, Default)]
pub struct Watch {
    /// Whether the command got as far as changing something.
    begun: Cell<bool>,
    /// What was different before it began and is not its doing.
    kept: RefCell<Vec<String>>,
}

/// How many objects a refusal names; `status --json` names all.
const TOLD_MAX: usize = 20;

/// What is different from what Lockkeeper left. Nothing, while another process is changing the schema.
///
/// # Errors
/// When the catalogues or the ledger cannot be read.
pub async fn schema_drift(
    connection: &Connection,
    pairs: &[MigrationPair],
    ignore: &[String],
) -> Answer<Vec<ObjectDifference>> {
    let drift = foreign(connection, pairs, ignore).await?;
    if drift.is_empty() {
        return Ok(drift);
    }
    // What is under way now may have begun after the ledger was looked at.
    let is_held = read(connection).await?.is_some_and(|snapshot| snapshot.lease.is_held);
    Ok(if is_held { Vec::new() } else { drift })
}

/// What is different, is not to be ignored, and is not explained by a command of ours that was cut off.
async fn foreign(connection: &Connection, pairs: &[MigrationPair], ignore: &[String]) -> Answer<Vec<ObjectDifference>> {
    let reading = read_schema(connection).await;
    let SchemaReading { mut differences, is_of_other_major, unrecorded } = reading.map_err(|error| {
        // Somebody changes what a view is made of: its definition is to be had when they are done.
        let exit = if error.is_transient() { ExitClass::Busy } else { ExitClass::Usage };
        error.problem(exit, message!("schema-unreadable")).note(message!("nothing-changed"))
    })?;
    differences.retain(|it| !ignore.iter().any(|pattern| it.is_like(pattern)));
    if is_of_other_major {
        differences.retain(|it| it.before.is_none() || it.after.is_none());
    }
    if unrecorded.is_empty() {
        return Ok(differences);
    }
    let mut scripts: Vec<&str> = unrecorded.iter().map(|(_, down)| down.as_str()).collect();
    let is_known = |pair: &&MigrationPair| unrecorded.iter().any(|(number, _)| *number == pair.number);
    scripts.extend(pairs.iter().filter(is_known).flat_map(|pair| [pair.up.text.as_str(), pair.down.text.as_str()]));
    Ok(unexplained(differences, &scripts))
}

/// The refusal: what is different, and the ways out.
pub fn refusal(drift: &[ObjectDifference]) -> Option<Box<Problem>> {
    let first = drift.first()?;
    let mut problem = Problem::refused(message!("schema-drift", count = drift.len()));
    problem.notes = drift.iter().take(TOLD_MAX).flat_map(ObjectDifference::told).collect();
    if drift.len() > TOLD_MAX {
        problem.notes.push(message!("schema-drift-more", count = drift.len() - TOLD_MAX));
    }
    Some(
        problem
            .hint(message!("schema-drift-accept-hint", name = first.identity.as_str()))
            .hint(message!("schema-drift-revert-hint"))
            .hint(message!("schema-drift-ignore-hint")),
    )
}

impl Watch {
    /// Before a stage changes anything: takes what is accepted, and refuses the rest.
    pub async fn guard(
        &self,
        session: &Session,
        lease: &Lease,
        pairs: &[MigrationPair],
        rules: &DriftRules,
    ) -> Answer<()> {
        let mut drift = foreign(&session.connection, pairs, &rules.ignore).await?;
        if !rules.accept.is_empty() {
            accept(session, lease, &drift, rules).await?;
            drift.retain(|it| !rules.accept.iter().any(|name| it.is_named(name)));
        }
        refusal(&drift).map_or(Ok(()), Err)
    }

    /// Before a rollback changes anything. It is not refused: whoever goes back is in need. What is different
    /// stays different, and the next stage asks.
    pub async fn note(
        &self,
        session: &Session,
        pairs: &[MigrationPair],
        ignore: &[String],
    ) -> Answer<Vec<ObjectDifference>> {
        let drift = foreign(&session.connection, pairs, ignore).await?;
        self.kept.replace(drift.iter().map(ObjectDifference::key).collect());
        Ok(drift)
    }

    /// The command has recorded that it begins.
    pub fn begun(&self) {
        self.begun.set(true);
    }

    /// Records what the command leaves, however it ended. Where that fails, the record stays unsettled, and the
    /// next command sorts it out.
    pub async fn settle(&self, session: &Session, lease: &Lease) {
        if !self.begun.get() {
            return;
        }
        let (actor, kept) = (session.holder.actor.as_str(), self.kept.take());
        let _ = session.record(lease, async |connection, _| record_schema(connection, actor, &kept).await).await;
    }
}

async fn accept(session: &Session, lease: &Lease, drift: &[ObjectDifference], rules: &DriftRules) -> Answer<()> {
    let unknown = rules.accept.iter().find(|name| !drift.iter().any(|it| it.is_named(name)));
    if let Some(name) = unknown {
        let problem = Problem::usage(message!("schema-accept-unknown", name = name.as_str()));
        let known: Vec<_> = drift.iter().map(|it| it.identity.as_str()).collect();
        return Err(if known.is_empty() {
            problem.hint(message!("schema-accept-nothing-hint"))
        } else {
            problem.hint(message!("schema-accept-names-hint", names = known.join(", ")))
        });
    }
    let accepted: Vec<_> = drift.iter().filter(|it| rules.accept.iter().any(|name| it.is_named(name))).collect();
    let keys: Vec<String> = accepted.iter().map(|it| it.key()).collect();
    let objects: Vec<_> =
        accepted.iter().map(|it| serde_json::json!({ "object": it.key(), "change": it.change().as_str() })).collect();
    let payload = serde_json::json!({ "objects": objects, "reason": rules.reason });
    let actor = session.holder.actor.as_str();
    session.record(lease, async |connection, _| accept_drift(connection, actor, &keys, &payload).await).await
}
