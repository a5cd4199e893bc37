//! Creating the ledger and moving it to the version of this program.

use lockkeeper_core::message;
use lockkeeper_core::model::{Answer, ExitClass, Problem};

use tokio_postgres::Row;

use super::sql::{batch, query, query_alone};
use crate::postgres::{Access, Connection, SqlError, sqlstate};

/// The ledger's own migrations, oldest first. A new one is appended; none is ever changed.
const MIGRATIONS: [(i32, &str); 10] = [
    (1, include_str!("migrations/0001_ledger.sql")),
    (2, include_str!("migrations/0002_health.sql")),
    (3, include_str!("migrations/0003_verifications.sql")),
    (4, include_str!("migrations/0004_backups.sql")),
    (5, include_str!("migrations/0005_notify.sql")),
    (6, include_str!("migrations/0006_journeys.sql")),
    (7, include_str!("migrations/0007_baselines.sql")),
    (8, include_str!("migrations/0008_waits.sql")),
    (9, include_str!("migrations/0009_salvages.sql")),
    (10, include_str!("migrations/0010_github.sql")),
];

/// The ledger version of this program.
pub const LEDGER_VERSION: i32 = MIGRATIONS[MIGRATIONS.len() - 1].0;

/// Held while the ledger is created or upgraded, until the transaction ends: "lockkeep" in ASCII.
const INSTALL_LOCK: i64 = 0x6c6f_636b_6b65_6570;

/// How many milliseconds two processes that both create the ledger wait for one another.
const INSTALL_LOCK_TIMEOUT_MS: u32 = 10_000;

/// The version of the ledger here; `None` when there is none.
///
/// # Errors
/// A ledger newer than the program, and a role that may not look into it.
pub async fn version(connection: &Connection) -> Answer<Option<i32>> {
    version_as(connection, async |sql| query_alone(connection, sql, &[]).await).await
}

/// Whether there is a ledger of exactly this program's version. Only reads.
///
/// # Errors
/// As [`version`].
pub async fn is_current(connection: &Connection) -> Answer<bool> {
    Ok(version(connection).await? == Some(LEDGER_VERSION))
}

/// What tells this ledger from all others.
///
/// # Errors
/// When the ledger cannot be read.
pub async fn ledger_id(connection: &Connection) -> Answer<String> {
    let rows = query_alone(connection, "SELECT i.ledger_id::text FROM lockkeeper.identity i", &[])
        .await
        .map_err(|error| read_problem(&error, connection))?;
    Ok(rows.first().map(|row| row.get(0)).unwrap_or_default())
}

async fn version_as(
    connection: &Connection,
    ask: impl AsyncFn(&'static str) -> Result<Vec<Row>, SqlError>,
) -> Answer<Option<i32>> {
    const PRESENT: &str = "SELECT EXISTS (SELECT FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n \
                           ON n.oid = c.relnamespace WHERE n.nspname = 'lockkeeper' AND c.relname = 'ledger_versions')";
    let failed = |error: &SqlError| read_problem(error, connection);
    let rows = ask(PRESENT).await.map_err(|error| failed(&error))?;
    if !rows.first().is_some_and(|row| row.get::<_, bool>(0)) {
        return Ok(None);
    }
    let rows =
        ask("SELECT pg_catalog.max(version) FROM lockkeeper.ledger_versions").await.map_err(|error| failed(&error))?;
    let found: Option<i32> = rows.first().and_then(|row| row.get(0));
    match found {
        Some(found) if found > LEDGER_VERSION => Err(Problem::new(
            ExitClass::Usage,
            message!("ledger-newer", found = found, known = LEDGER_VERSION, program = env!("CARGO_PKG_VERSION")),
        )
        .hint(message!("ledger-newer-hint"))),
        found => Ok(found),
    }
}

/// A failure to read the ledger, with the grant that mends it.
pub fn read_problem(error: &SqlError, connection: &Connection) -> Box<Problem> {
    let problem = error.problem(ExitClass::Usage, message!("ledger-unreadable"));
    if error.sqlstate() == sqlstate::INSUFFICIENT_PRIVILEGE {
        return problem.hint(message!("ledger-unreadable-hint", user = connection.target().user.as_str()));
    }
    problem
}

/// Creates the ledger, or moves it to this program's version. One transaction: all of it or nothing.
///
/// # Errors
/// A role without the rights, a read-only server, a ledger newer than the program.
pub async fn ensure(connection: &Connection) -> Answer<()> {
    if version(connection).await? == Some(LEDGER_VERSION) {
        return Ok(());
    }
    let result = install(connection).await;
    if result.is_err() {
        // The transaction is dead either way; a failing ROLLBACK means the connection is gone too.
        let _ = batch(connection, "ROLLBACK").await;
    }
    result
}

async fn install(connection: &Connection) -> Answer<()> {
    let failed = |error: SqlError| install_problem(&error, connection);
    batch(
        connection,
        &format!(
            "{}; SET LOCAL lock_timeout = '{INSTALL_LOCK_TIMEOUT_MS}ms'; \
             SELECT pg_catalog.pg_advisory_xact_lock({INSTALL_LOCK})",
            connection.begin(Access::Write)
        ),
    )
    .await
    .map_err(failed)?;
    // Another process may have installed it while this one waited.
    let found = version_as(connection, async |sql| query(connection, sql, &[]).await).await?.unwrap_or(0);
    for (number, sql) in MIGRATIONS.iter().filter(|(number, _)| *number > found) {
        batch(connection, sql).await.map_err(failed)?;
        let program = env!("CARGO_PKG_VERSION");
        batch(
            connection,
            &format!("INSERT INTO lockkeeper.ledger_versions (version, program) VALUES ({number}, '{program}')"),
        )
        .await
        .map_err(failed)?;
    }
    batch(connection, "COMMIT").await.map_err(failed)
}

fn install_problem(error: &SqlError, connection: &Connection) -> Box<Problem> {
    let target = connection.target();
    let problem = error.problem(ExitClass::Usage, message!("ledger-not-created", database = target.database.as_str()));
    match error.sqlstate() {
        sqlstate::INSUFFICIENT_PRIVILEGE => problem.hint(message!(
            "ledger-not-created-grant-hint",
            database = target.database.as_str(),
            user = target.user.as_str()
        )),
        sqlstate::READ_ONLY_SQL_TRANSACTION => problem.hint(message!("ledger-read-only-hint")),
        _ => problem,
    }
}
