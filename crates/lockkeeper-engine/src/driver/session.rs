//! A connection that may write: who acts, within which limits, and when to stop.

use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use lockkeeper_core::message;
use lockkeeper_core::model::{Alert, Answer, ExitClass, Problem};
use lockkeeper_core::plan::Step;
use tokio::sync::OnceCell;
use tokio_postgres::{SimpleQueryMessage, SimpleQueryRow};

use super::progress::{Progress, Reporter};
use crate::ledger::{Holder, Lease, Observation, Param, Spool, batch, query_alone, record_once};
use crate::notify::Routes;
use crate::postgres::{
    Access, Blocker, BuildProgress, Connection, SqlError, blockers_of, build_progress, connect, own_settings,
    pid_running, sqlstate,
};
use crate::seams::{Stop, StopCause, jittered, sleep};

/// How long our statements may make others wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// No statement of ours waits longer for a lock, and so nobody waits longer behind it.
    pub lock_timeout: Duration,
    /// `None` lets a statement run as long as it takes.
    pub statement_timeout: Option<Duration>,
    /// How often a migration is tried when a lock is not to be had.
    pub lock_attempts: u32,
    /// Whether plain SQL becomes steps that disturb nobody, where a table is in use.
    pub safe_rewrites: bool,
}

const RESET: &str = "RESET SESSION AUTHORIZATION; RESET ROLE; RESET ALL";

/// Our own session must not sit on locks when this process hangs.
const IDLE_IN_TRANSACTION_TIMEOUT: Duration = Duration::from_mins(1);

/// A statement that takes longer than this is looked at for the first time; the shortest `lock_timeout` of the
/// schedule is a little longer.
const FIRST_LOOK: Duration = Duration::from_millis(60);
const NEXT_LOOK: Duration = Duration::from_millis(500);

/// How often a busy lease is asked for again.
const LEASE_ASKED_EVERY: Duration = Duration::from_millis(500);

/// What a command that writes works with.
pub struct Session {
    pub connection: Connection,
    pub holder: Holder,
    pub limits: Limits,
    pub stop: Stop,
    /// Whether to wait for a lease that another process holds, instead of giving up at once.
    pub waits_for_lease: bool,
    /// Where events wait that cannot be logged now.
    pub spool: Option<Spool>,
    /// Who is told of what goes wrong, and of what waits for somebody.
    pub routes: Routes,
    /// Whether a migration may have left a role or a setting behind.
    settings_moved: AtomicBool,
    /// Behind a pooler: the process that runs our open transaction, and the calls that leave its session as it
    /// was found.
    lent_pid: AtomicI32,
    found: Mutex<String>,
    /// A second connection that looks at who blocks the first. Opened when a statement first takes long.
    observer: OnceCell<Option<Connection>>,
}

/// What is seen of a statement that takes long.
#[derive(Debug, Clone)]
pub enum Seen {
    /// Somebody stands in its way.
    Blocked(Vec<Blocker>),
    /// It builds an index.
    Building(BuildProgress),
}

/// Is told what is seen. It must not block.
pub type Watch<'a> = dyn FnMut(Seen) + 'a;

/// Why a transaction did not get to its end.
#[derive(Debug)]
pub enum Broken {
    Sql(SqlError),
    /// A stop was asked for; everything of the transaction is rolled back.
    Stopped(StopCause),
    /// The lease is gone.
    Fenced,
    /// The transaction that BEGIN opened is not the one that is open now.
    Left,
}

impl From<SqlError> for Broken {
    fn from(error: SqlError) -> Self {
        Self::Sql(error)
    }
}

impl Session {
    pub fn new(connection: Connection, holder: Holder, limits: Limits, stop: Stop, waits_for_lease: bool) -> Self {
        let (settings_moved, observer) = (AtomicBool::new(false), OnceCell::const_new());
        let (lent_pid, found) = (AtomicI32::new(connection.backend_pid()), Mutex::default());
        let (spool, routes) = (None, Routes::default());
        Self {
            connection,
            holder,
            limits,
            stop,
            waits_for_lease,
            spool,
            routes,
            settings_moved,
            lent_pid,
            found,
            observer,
        }
    }

    /// A new connection in place of one that is gone.
    ///
    /// # Errors
    /// The server cannot be reached.
    pub async fn reconnect(&mut self) -> Answer<()> {
        let connection = connect(self.connection.target()).await?;
        self.settings_moved = AtomicBool::new(false);
        self.lent_pid = AtomicI32::new(connection.backend_pid());
        self.found = Mutex::default();
        self.observer = OnceCell::const_new();
        self.connection = connection;
        Ok(())
    }

    /// Takes the lease. When it is busy: gives up and says who has it, or tells that once and waits.
    pub async fn lease(&self, doing: &str, report: &mut Reporter<'_>) -> Answer<Lease> {
        let mut told = false;
        loop {
            let busy = match Lease::acquire(&self.connection, &self.holder, doing).await {
                Err(problem) if self.waits_for_lease && problem.exit == ExitClass::Busy => problem,
                Ok(lease) => {
                    self.deliver(&lease, report).await;
                    return Ok(lease);
                }
                Err(problem) => return Err(problem),
            };
            if !told {
                report(Progress::Queued { behind: busy.message });
                told = true;
            }
            // Asking is one short transaction each time: nobody queues for the lease while holding anything.
            tokio::select! {
                () = sleep(jittered(LEASE_ASKED_EVERY)) => {}
                cause = self.stop.asked() => return Err(stopped(cause)),
            }
        }
    }

    /// Logs what happened; when that is not possible now, the next command that can will.
    pub async fn observe(&self, lease: &Lease, kind: &str, release_id: Option<i64>, payload: serde_json::Value) {
        let observation = Observation::now(&self.holder.actor, kind, release_id, payload);
        let recorded =
            self.record(lease, async |connection, _| record_once(connection, &observation, false).await).await;
        if let (Err(_), Some(spool)) = (recorded, &self.spool) {
            // Where the disk refuses too, the person still hears of the failure itself.
            let _ = spool.put(lease.ledger_id(), &observation);
        }
    }

    /// Puts an alert down in a transaction of its own; should this connection be what went wrong, on a new one. When
    /// that is not possible either, nobody can be told: the ledger is where alerts wait.
    pub async fn alert(&self, lease: &Lease, alert: &Alert) {
        let put = async |connection: &Connection, _: &str| self.routes.put(connection, alert).await;
        if self.routes.receivers.is_empty() || self.record(lease, put).await.is_ok() {
            return;
        }
        let Ok(connection) = connect(self.connection.target()).await else { return };
        let put = async {
            batch(&connection, &connection.begin(Access::Write)).await?;
            self.routes.put(&connection, alert).await?;
            batch(&connection, "COMMIT").await
        };
        // The person who ran the command hears of the failure itself.
        let _ = put.await;
    }

    /// Logs what waits on this machine. What cannot be delivered goes on waiting, and what comes behind it too, so
    /// that the order holds.
    async fn deliver(&self, lease: &Lease, report: &mut Reporter<'_>) {
        let waiting = self.spool.iter().flat_map(|spool| spool.waiting(lease.ledger_id()));
        let mut delivered = 0;
        for path in waiting {
            let Some(observation) = Spool::read(&path) else { continue };
            let logged =
                self.record(lease, async |connection, _| record_once(connection, &observation, true).await).await;
            if logged.is_err() {
                break;
            }
            // Should it stay, the next delivery finds it logged and removes it.
            let _ = std::fs::remove_file(&path);
            delivered += 1;
        }
        if delivered > 0 {
            report(Progress::Delivered { count: delivered });
        }
    }

    /// Remembers that what ran may have changed the session; the next transaction starts from a clean one. Behind
    /// a pooler every transaction does, and it is not for us to clean what is the next one's.
    pub fn settings_may_have_moved(&self) {
        self.settings_moved.store(!self.connection.is_pooled(), Ordering::Relaxed);
    }

    /// What ends the reach of a migration's own settings before its row is written: its role always, and behind
    /// a pooler all that it has set. Our limits hold on.
    pub fn left_as_found(&self, steps: &[Step], lock_timeout: Duration) -> String {
        let found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        let own: Vec<String> = steps.iter().flat_map(|step| own_settings(&step.sql)).collect();
        let left = self.connection.left_as_found(&found, &own);
        if !self.connection.is_pooled() {
            return left;
        }
        format!(
            "{left}; SET LOCAL lock_timeout = '{}ms'; SET LOCAL statement_timeout = '{}ms'; \
             SET LOCAL idle_in_transaction_session_timeout = '{}ms'",
            lock_timeout.as_millis(),
            self.limits.statement_timeout.unwrap_or_default().as_millis(),
            IDLE_IN_TRANSACTION_TIMEOUT.as_millis()
        )
    }

    /// Behind a pooler, nobody tells which process runs a statement outside a transaction.
    pub fn forget_pid(&self) {
        self.lent_pid.store(0, Ordering::Relaxed);
    }

    fn lent_to(&self, pid: Option<&str>) {
        if let Some(pid) = pid.and_then(|pid| pid.parse().ok()) {
            self.lent_pid.store(pid, Ordering::Relaxed);
        }
    }

    /// Opens a transaction in which this holder may write, and whose statements wait no longer than
    /// `lock_timeout` for a lock; the answer is its id.
    pub async fn begin(&self, lease: &Lease, lock_timeout: Duration) -> Result<String, Broken> {
        let statement_timeout = self.limits.statement_timeout.unwrap_or_default();
        let sql = lease.begin_sql(&self.connection, lock_timeout, statement_timeout, IDLE_IN_TRANSACTION_TIMEOUT);
        let client = self.connection.client();
        // What an earlier migration set for the session must not reach the next one. In a message of its own,
        // sent ahead without waiting: in the same one, BEGIN would only go on with a transaction whose mode
        // those settings have decided already.
        let reset = async {
            if self.settings_moved.swap(false, Ordering::Relaxed) {
                return client.batch_execute(RESET).await;
            }
            Ok(())
        };
        let (reset, answers) = tokio::join!(reset, client.simple_query(&sql));
        let answers = match reset.and(answers) {
            Ok(answers) => answers,
            Err(error) => {
                let error = SqlError::new(&error, &self.connection);
                self.rollback().await;
                return Err(error.into());
            }
        };
        let id = answers.iter().rev().find_map(row).and_then(|last| {
            self.lent_to(last.try_get(1).ok().flatten());
            last.get(0).map(ToOwned::to_owned)
        });
        if self.connection.is_pooled() {
            let found = answers.iter().find_map(row).and_then(|first| first.get(0));
            found.unwrap_or_default().clone_into(&mut self.found.lock().unwrap_or_else(PoisonError::into_inner));
        }
        if let Some(id) = id {
            Ok(id)
        } else {
            self.rollback().await;
            Err(Broken::Fenced)
        }
    }

    pub async fn commit(&self) -> Result<(), Broken> {
        Ok(batch(&self.connection, "COMMIT").await?)
    }

    /// Ends a transaction that failed. A failure here means the connection is gone, and with it the transaction.
    pub async fn rollback(&self) {
        let _ = batch(&self.connection, "ROLLBACK").await;
    }

    /// Runs a statement of a migration. A stop cancels it through the protocol's cancel request; whoever
    /// blocks it is told to `seen` each time that changes.
    pub async fn run(&self, sql: &str, seen: &mut Watch<'_>) -> Result<(), Broken> {
        let statement = batch(&self.connection, sql);
        tokio::pin!(statement);
        let mut stopped = None;
        let mut last = Vec::new();
        let mut look_after = FIRST_LOOK;
        let result = loop {
            tokio::select! {
                // The statement first, always: what a caller sends behind it must not overtake it.
                biased;
                result = &mut statement => break result,
                cause = self.stop.asked(), if stopped.is_none() => {
                    stopped = Some(cause);
                    // A cancel request that does not arrive leaves the statement to end by itself.
                    let _ = self.connection.canceller().cancel().await;
                }
                (blockers, building) = self.look(sql, look_after) => {
                    look_after = NEXT_LOOK;
                    if pids(&blockers) != pids(&last) && !blockers.is_empty() {
                        seen(Seen::Blocked(blockers.clone()));
                    }
                    last = blockers;
                    if let Some(building) = building {
                        seen(Seen::Building(building));
                    }
                }
            }
        };
        match (result, stopped.or_else(|| self.stop.cause())) {
            (Err(error), Some(cause)) if error.sqlstate() == sqlstate::QUERY_CANCELED => Err(Broken::Stopped(cause)),
            (Err(error), _) => Err(Broken::Sql(error)),
            (Ok(()), _) => Ok(()),
        }
    }

    /// Who blocks our connection, and how far an index is that it builds, after a while.
    async fn look(&self, sql: &str, after: Duration) -> (Vec<Blocker>, Option<BuildProgress>) {
        sleep(after).await;
        let observer = self.observer.get_or_init(|| async { connect(self.connection.target()).await.ok() }).await;
        let Some(observer) = observer else { return (Vec::new(), None) };
        let pid = match self.lent_pid.load(Ordering::Relaxed) {
            0 => pid_running(observer, sql).await,
            pid => Some(pid),
        };
        let Some(pid) = pid else { return (Vec::new(), None) };
        // Only these can take hours outside of a transaction.
        let builds = sql.to_uppercase().contains("CONCURRENTLY");
        let building = if builds { build_progress(observer, pid).await } else { None };
        (blockers_of(observer, pid).await, building)
    }

    /// Runs statements of the ledger in a transaction of their own: all or nothing.
    pub async fn record<T>(
        &self,
        lease: &Lease,
        write: impl AsyncFnOnce(&Connection, &str) -> Result<T, SqlError>,
    ) -> Answer<T> {
        let written = async {
            let transaction = self.begin(lease, self.limits.lock_timeout).await?;
            let value = write(&self.connection, &transaction).await?;
            self.commit().await?;
            Ok::<_, Broken>(value)
        };
        match written.await {
            Ok(value) => Ok(value),
            Err(broken) => {
                self.rollback().await;
                Err(match broken {
                    Broken::Sql(error) => crate::ledger::problem(&error, message!("ledger-not-written")),
                    Broken::Fenced => Lease::lost(),
                    Broken::Stopped(cause) => stopped(cause),
                    Broken::Left => Problem::refused(message!("transaction-left")),
                })
            }
        }
    }

    /// Hands the server's notices on.
    pub fn pass_notices(&self, report: &mut Reporter<'_>) {
        for notice in self.connection.take_notices() {
            report(Progress::Notice(notice));
        }
    }

    /// A read of one text value, for questions such as a step's `settled`.
    pub async fn ask(&self, sql: &str, params: &[Param<'_>]) -> Result<Option<String>, SqlError> {
        let rows = query_alone(&self.connection, sql, params).await?;
        Ok(rows.first().and_then(|row| row.get(0)))
    }
}

/// The exit class of a stop.
pub const fn exit_of(cause: StopCause) -> ExitClass {
    match cause {
        StopCause::Interrupt => ExitClass::Interrupted,
        StopCause::Terminate => ExitClass::Terminated,
    }
}

/// The problem of a stop at a safe point.
pub fn stopped(cause: StopCause) -> Box<Problem> {
    Problem::new(exit_of(cause), message!("stopped")).note(message!("stopped-safe")).hint(message!("stopped-hint"))
}

const fn row(answer: &SimpleQueryMessage) -> Option<&SimpleQueryRow> {
    match answer {
        SimpleQueryMessage::Row(row) => Some(row),
        _ => None,
    }
}

fn pids(blockers: &[Blocker]) -> Vec<i32> {
    blockers.iter().map(|blocker| blocker.pid).collect()
}
