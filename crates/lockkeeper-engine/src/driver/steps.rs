//! A script's steps on this database, as it is now.

use std::collections::BTreeSet;

use lockkeeper_core::classify::Fresh;
use lockkeeper_core::message;
use lockkeeper_core::model::{Answer, ExitClass, MigrationNumber};
use lockkeeper_core::parse::{MigrationFile, ObjectName, Script, Sql};
use lockkeeper_core::plan::{Facts, Step, relations_needed, steps};

use super::session::Limits;
use crate::postgres::{Connection, read_facts};

/// Plans a script with what the catalog tells of the tables it names. Where no statement depends on a table in
/// use, nothing is read. `fresh` is what earlier migrations of the release create.
///
/// # Errors
/// A statement that cannot be made safe; a table that somebody holds exclusively, exit class 4.
pub async fn plan_steps(
    connection: &Connection,
    number: MigrationNumber,
    file: &MigrationFile,
    script: &Script,
    fresh: &Fresh,
    limits: &Limits,
) -> Answer<Vec<Step>> {
    let facts = facts(connection, file, script, fresh, limits).await?;
    steps(number, file, script, &facts, fresh)
}

async fn facts(
    connection: &Connection,
    file: &MigrationFile,
    script: &Script,
    fresh: &Fresh,
    limits: &Limits,
) -> Answer<Facts> {
    if !limits.safe_rewrites {
        return Ok(Facts::default());
    }
    let mut needed: BTreeSet<ObjectName> = relations_needed(script);
    needed.retain(|name| !fresh.table(Some(name)));
    if needed.is_empty() {
        return Ok(Facts::default());
    }
    read_facts(connection, &needed, &search_paths(file, script), limits.lock_timeout).await.map_err(|error| {
        let exit = if error.is_transient() { ExitClass::Busy } else { ExitClass::MigrationFailed };
        error.problem(exit, message!("facts-unreadable", path = file.path.as_ref())).note(message!("nothing-changed"))
    })
}

/// The statements of a file that decide what its names mean.
fn search_paths<'f>(file: &'f MigrationFile, script: &Script) -> Vec<&'f str> {
    let settings =
        script.statements.iter().filter(|statement| matches!(statement.sql, Sql::Session | Sql::Query { .. }));
    let texts = settings.map(|statement| statement.span.of(&file.text));
    texts
        .filter(|text| {
            let text = text.to_lowercase();
            text.contains("search_path") && (text.starts_with("set") || text.contains("set_config"))
        })
        .collect()
}
