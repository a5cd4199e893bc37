//! Running the steps of one migration, up or down, in one transaction with its row.

use std::time::Duration;

use lockkeeper_core::message;
use lockkeeper_core::model::{Answer, ExitClass, Message, MigrationNumber, Problem};
use lockkeeper_core::parse::MigrationFile;
use lockkeeper_core::plan::Step;

use super::failure;
use super::progress::{Progress, Reporter};
use super::session::{Broken, Session};
use crate::ledger::Lease;
use crate::postgres::{Connection, SqlError};
use crate::seams::sleep;

/// The wait before another attempt grows from the first to the second.
const RETRY_WAIT_MIN: Duration = Duration::from_millis(50);
const RETRY_WAIT_MAX: Duration = Duration::from_secs(5);

/// Where a transaction broke: at a step of the file, or around them.
enum At<'s> {
    Step(&'s Step),
    Around,
}

/// Runs `steps` and then `record` in one transaction, again and again while locks are not to be had.
/// `record` gets the transaction's id and answers whether its row was written in it.
pub async fn in_one_transaction<T>(
    session: &Session,
    lease: &Lease,
    file: &MigrationFile,
    steps: &[Step],
    number: MigrationNumber,
    doing: &Message,
    record: impl AsyncFn(&Connection, &str) -> Result<Option<T>, SqlError>,
    report: &mut Reporter<'_>,
) -> Answer<T> {
    let attempts = session.limits.lock_attempts.max(1);
    let mut attempt = 1;
    loop {
        let outcome = once(session, lease, steps, &record).await;
        session.pass_notices(report);
        let (broken, at) = match outcome {
            Ok(value) => return Ok(value),
            Err(failure) => failure,
        };
        let Broken::Sql(SqlError::Server { report: said, .. }) = &broken else {
            return Err(problem(file, broken, &at, doing));
        };
        if !crate::postgres::sqlstate::is_transient(&said.sqlstate) {
            return Err(problem(file, broken, &at, doing));
        }
        if attempt == attempts {
            let spent = message!("lock-budget-spent", attempts = attempts);
            let mut problem = problem(file, broken, &at, doing);
            problem.exit = ExitClass::Busy;
            problem.notes.push(spent);
            problem.hints = vec![message!("lock-budget-spent-hint")];
            return Err(problem);
        }
        let wait = RETRY_WAIT_MIN.saturating_mul(1 << (attempt - 1).min(10)).min(RETRY_WAIT_MAX);
        report(Progress::Retrying { number, attempt, attempts, wait, reason: said.clone() });
        tokio::select! {
            () = sleep(wait) => {}
            cause = session.stop.asked() => return Err(super::session::stopped(cause)),
        }
        attempt += 1;
    }
}

async fn once<'s, T>(
    session: &Session,
    lease: &Lease,
    steps: &'s [Step],
    record: &impl AsyncFn(&Connection, &str) -> Result<Option<T>, SqlError>,
) -> Result<T, (Broken, At<'s>)> {
    let around = |broken: Broken| (broken, At::Around);
    let transaction = session.begin(lease).await.map_err(around)?;
    let work = async {
        for step in steps {
            session.run(&step.sql).await.map_err(|broken| (broken, At::Step(step)))?;
            if let Some(cause) = session.stop.cause() {
                return Err((Broken::Stopped(cause), At::Around));
            }
        }
        // A migration may have left a role behind that has no rights on the ledger.
        if steps.iter().any(|step| step.may_change_role) {
            session.run("RESET SESSION AUTHORIZATION; RESET ROLE").await.map_err(around)?;
        }
        let written = record(&session.connection, &transaction).await.map_err(|error| around(error.into()))?;
        written.ok_or((Broken::Left, At::Around))
    };
    let value = match work.await {
        Ok(value) => value,
        Err(failure) => {
            session.rollback().await;
            return Err(failure);
        }
    };
    session.commit().await.map_err(around)?;
    Ok(value)
}

fn problem(file: &MigrationFile, broken: Broken, at: &At<'_>, doing: &Message) -> Box<Problem> {
    match (broken, at) {
        (Broken::Sql(error), At::Step(step)) => failure::statement(file, step, &error, doing.clone()),
        (broken, _) => failure::transaction(file, broken, doing.clone()),
    }
}
