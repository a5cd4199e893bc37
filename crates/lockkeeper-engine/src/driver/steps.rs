//! A script's steps on this database, as it is now.

use lockkeeper_core::classify::{Facts, Fresh, Scope};
use lockkeeper_core::message;
use lockkeeper_core::model::{Answer, ExitClass, Message, MigrationNumber, Problem};
use lockkeeper_core::parse::{MigrationFile, Script, Sql};
use lockkeeper_core::plan::{PlannedMigration, Step, relations_needed, steps, steps_as_written};

use super::session::Limits;
use crate::postgres::{Connection, read_facts};

/// Plans a script with what the database tells of the tables it names. Where no statement depends on a table in
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
    let depends = limits.safe_rewrites && relations_needed(script).iter().any(|name| !fresh.table(Some(name)));
    let facts = if depends {
        let unreadable = message!("facts-unreadable", path = file.path.as_ref());
        facts(connection, &Scope::of(script), &search_paths(file, script), limits, unreadable).await?
    } else {
        Facts::default()
    };
    steps(number, file, script, &facts, fresh)
}

/// Plans migrations to be shown: with everything that the database tells of what they reach, read once for all
/// of them whose names mean what the session's search path says.
///
/// # Errors
/// As [`plan_steps`], of all migrations together.
pub async fn plan_to_show(
    connection: &Connection,
    planned: Vec<PlannedMigration>,
    limits: &Limits,
) -> Answer<Vec<PlannedMigration>> {
    let unreadable = || message!("facts-unreadable-all");
    let shared = planned.iter().filter(|it| search_paths(&it.up, &it.script).is_empty());
    let scope = shared.map(|it| Scope::of(&it.script)).reduce(Scope::and).filter(|scope| !scope.is_empty());
    let shared = match scope {
        Some(scope) => facts(connection, &scope, &[], limits, unreadable()).await?,
        None => Facts::default(),
    };
    let (mut fresh, mut problems, mut known) = (Fresh::default(), Vec::new(), Vec::new());
    for migration in planned {
        let (up, script) = (&migration.up, &migration.script);
        let settings = search_paths(up, script);
        let own;
        let facts = if settings.is_empty() {
            &shared
        } else {
            own = facts(connection, &Scope::of(script), &settings, limits, unreadable()).await?;
            &own
        };
        let decide = if limits.safe_rewrites { steps } else { steps_as_written };
        match decide(migration.number, up, script, facts, &fresh) {
            Ok(steps) => {
                fresh.learn_all(&script.statements);
                known.push(PlannedMigration { steps, ..migration });
            }
            Err(problem) => problems.push(problem),
        }
    }
    Problem::all(problems).map_or(Ok(known), Err)
}

async fn facts(
    connection: &Connection,
    scope: &Scope,
    settings: &[&str],
    limits: &Limits,
    unreadable: Message,
) -> Answer<Facts> {
    read_facts(connection, scope, settings, limits.lock_timeout).await.map_err(|error| {
        let exit = if error.is_transient() { ExitClass::Busy } else { ExitClass::MigrationFailed };
        error.problem(exit, unreadable).note(message!("nothing-changed"))
    })
}

/// The statements of a file that decide what its names mean.
pub fn search_paths<'f>(file: &'f MigrationFile, script: &Script) -> Vec<&'f str> {
    let settings = script
        .statements
        .iter()
        .filter(|statement| matches!(statement.sql, Sql::Session | Sql::Set(_) | Sql::Query { .. }));
    let texts = settings.map(|statement| statement.span.of(&file.text));
    texts
        .filter(|text| {
            let text = text.to_lowercase();
            text.contains("search_path") && (text.starts_with("set") || text.contains("set_config"))
        })
        .collect()
}
