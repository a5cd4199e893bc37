//! One connection of the application: it takes the next request, waits until that is due, and does it.

use std::sync::Arc;
use std::time::Instant;

use lockkeeper_engine::postgres::{Connection, Target, connect};
use tokio::sync::watch;
use tokio_postgres::Statement;
use tokio_postgres::types::ToSql;

use super::Shared;
use super::report::Failure;
use super::request::{Request, Requests, Value};

/// What ends a session: no answer, or `admin_shutdown`, `crash_shutdown`, `idle_session_timeout`.
const ENDED: [&str; 4] = ["lost", "57P01", "57P02", "57P05"];

/// An open connection with all statements prepared, as an application's driver keeps them.
pub(super) struct Open {
    connection: Connection,
    prepared: Vec<Statement>,
}

impl Open {
    pub async fn new(target: &Target, requests: &Requests) -> Result<Self, String> {
        let connection = connect(target).await.map_err(|problem| problem.to_string())?;
        let mut prepared = Vec::new();
        for sql in &requests.statements {
            let statement = connection.client().prepare(sql).await;
            prepared.push(statement.map_err(|error| format!("{}: {sql}", told(&error).message))?);
        }
        Ok(Self { connection, prepared })
    }
}

pub(super) async fn work(shared: Arc<Shared>, open: Open, mut stop: watch::Receiver<bool>) {
    let mut open = Some(open);
    loop {
        let (number, due) = shared.take();
        // What was due before the stop is still done, however late it is.
        tokio::select! {
            biased;
            () = tokio::time::sleep_until(due.into()) => {}
            _ = stop.wait_for(|stopped| *stopped) => {
                if due > Instant::now() {
                    return;
                }
            }
        }
        if *stop.borrow() && due > Instant::now() {
            return;
        }
        let request = shared.requests.get(number);
        let failure = once(&shared, &mut open, &request).await.err();
        shared.record().ended(due, request.statements.len() as u64, failure);
    }
}

/// Does one request. A connection that broke is opened again by the next one, and the breaking is a failure of
/// this one: an application's user would have seen it.
async fn once(shared: &Shared, open: &mut Option<Open>, request: &Request) -> Result<(), Failure> {
    if open.is_none() {
        let opened = Open::new(&shared.target, &shared.requests).await;
        let failure = |message| Failure { sqlstate: "lost".to_owned(), message, statement: "connect".to_owned() };
        *open = Some(opened.map_err(failure)?);
    }
    let Some(session) = open.as_ref() else { return Ok(()) };
    let done = transaction(session, request, &shared.requests).await;
    if let Err(failure) = &done {
        let is_open = !ENDED.contains(&failure.sqlstate.as_str());
        let is_clean = request.statements.len() == 1;
        if !is_open || !(is_clean || command(session, "ROLLBACK").await.is_ok()) {
            *open = None;
        }
    }
    done
}

async fn transaction(session: &Open, request: &Request, requests: &Requests) -> Result<(), Failure> {
    let several = request.statements.len() > 1;
    if several {
        command(session, "BEGIN").await?;
    }
    for (which, values) in &request.statements {
        let values: Vec<&(dyn ToSql + Sync)> = values.iter().map(Value::as_sql).collect();
        let ran = session.connection.client().query(&session.prepared[*which], &values).await;
        ran.map_err(|error| Failure { statement: requests.statements[*which].clone(), ..told(&error) })?;
    }
    if several {
        command(session, "COMMIT").await?;
    }
    Ok(())
}

async fn command(session: &Open, sql: &str) -> Result<(), Failure> {
    let ran = session.connection.client().batch_execute(sql).await;
    ran.map_err(|error| Failure { statement: sql.to_owned(), ..told(&error) })
}

fn told(error: &tokio_postgres::Error) -> Failure {
    let statement = String::new();
    match error.as_db_error() {
        Some(server) => {
            Failure { sqlstate: server.code().code().to_owned(), message: server.message().to_owned(), statement }
        }
        None => Failure { sqlstate: "lost".to_owned(), message: error.to_string(), statement },
    }
}

impl Value {
    fn as_sql(&self) -> &(dyn ToSql + Sync) {
        match self {
            Self::Number(number) => number,
            Self::Text(text) => text,
        }
    }
}
