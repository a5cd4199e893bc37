//! Looking at the locks that a migration takes while it is tried.

use std::collections::BTreeMap;

use lockkeeper_core::classify::{Facts, Fresh, Reading, Scope, effects_on};
use lockkeeper_core::message;
use lockkeeper_core::model::{Answer, MigrationNumber, Span};
use lockkeeper_core::parse::{MigrationFile, ObjectName, Script};
use lockkeeper_core::plan::{LockCheck, LockDifference, Step, steps_as_written};
use tokio_postgres::types::Oid;

use super::LOCK_TIMEOUT;
use crate::driver::steps::search_paths;
use crate::ledger::problem;
use crate::postgres::{Connection, SqlError, own_locks, read_facts, relations_here};

/// One transaction under watch.
pub struct LockWatch {
    check: LockCheck,
    /// The statements as steps with what was told of them.
    told: Vec<Step>,
    /// Where something stands that cannot be read beforehand.
    unreadable: Vec<Span>,
    relations: BTreeMap<Oid, String>,
    pub found: Vec<LockDifference>,
}

impl LockWatch {
    /// What is told of a script on this database as it is now.
    pub async fn begin(
        connection: &Connection,
        number: MigrationNumber,
        file: &MigrationFile,
        script: &Script,
    ) -> Answer<(Self, Facts)> {
        let failed = |error: SqlError| problem(&error, message!("verify-no-schema"));
        let settings = search_paths(file, script);
        let facts = read_facts(connection, &Scope::of(script), &settings, LOCK_TIMEOUT).await.map_err(failed)?;
        let relations = relations_here(connection).await.map_err(failed)?;
        let told = steps_as_written(number, file, script, &facts, &Fresh::default())?;
        let effects = effects_on(script, &facts).into_iter().flatten();
        let unreadable = effects.filter(|it| it.reading == Reading::Unreadable).map(|it| it.span).collect();
        // One way to write a name.
        let normal = |text: String| ObjectName::from_source(&text).map_or(text, |name| name.to_string());
        let relations = relations.into_iter().map(|(oid, text)| (oid, normal(text))).collect();
        Ok((Self { check: LockCheck::default(), told, unreadable, relations, found: Vec::new() }, facts))
    }

    /// Looks after a step.
    pub async fn look(&mut self, connection: &Connection, step: &Step) -> Result<(), SqlError> {
        let Some(told) = self.told.iter().find(|it| it.span == step.span) else { return Ok(()) };
        let held = own_locks(connection, &self.relations).await?;
        let within = |it: &&Span| it.start >= step.span.start && it.end <= step.span.end;
        let readable = !self.unreadable.iter().any(|it| within(&it));
        let here = |table: &str| self.relations.values().any(|it| it == table);
        self.found.extend(self.check.after(told, readable, &held, here));
        Ok(())
    }
}
