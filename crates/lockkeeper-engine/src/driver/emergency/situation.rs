//! What is true now, as far as it can be found out. Nothing that cannot be read keeps the rest from being read.
//!
//! Invariant: it only reads, and a role that may only read is enough.

use std::time::Duration;

use jiff::Timestamp;
use lockkeeper_core::message;
use lockkeeper_core::model::{Answer, ExitClass, PointName, Problem};
use lockkeeper_core::parse::masked_sql;
use lockkeeper_core::release::{DatabaseStanding, Drive, LedgerStanding, ReleaseState, SchemaWay, Task};

use super::super::rollback::{PreparedUndo, RollbackRequest, preview_rollback};
use super::super::session::Limits;
use crate::ledger::{
    BaselineRecord, ChainFault, EventRecord, HealthSample, JourneyRecord, LedgerSnapshot, ReleaseRecord, StandingDown,
    WatchRecord, deployed_before, problem as ledger_problem, query_alone, read, read_baseline, read_events,
    read_health_samples, read_journey, read_watch, standing_downs, verify_chain,
};
use crate::postgres::{Activity, Connection, activity};

/// Whether the event log is whole.
#[derive(Debug, Clone, Default)]
pub enum Chain {
    Whole(i64),
    Broken(ChainFault),
    /// It could not be read, or is too long to be read now.
    #[default]
    Unknown,
}

/// The server, as it says of itself.
#[derive(Debug, Clone)]
pub struct ServerSeen {
    pub version: String,
    pub now: Timestamp,
}

/// What is true now.
#[derive(Debug, Clone)]
pub struct Situation {
    pub database: DatabaseStanding,
    pub ledger: LedgerStanding,
    pub server: Option<ServerSeen>,
    pub snapshot: Option<LedgerSnapshot>,
    pub journey: Option<JourneyRecord>,
    pub watch: Option<WatchRecord>,
    pub baseline: Option<BaselineRecord>,
    /// Of the last minutes.
    pub samples: Vec<HealthSample>,
    /// The last ones, oldest first.
    pub events: Vec<EventRecord>,
    pub chain: Chain,
    pub activity: Option<Activity>,
    /// The version that ran before this release.
    pub previous_version: Option<String>,
    /// Where the schema would go back to.
    pub point: Option<PointName>,
    pub schema: SchemaWay,
    pub undo: Vec<PreparedUndo>,
    /// Stage-2 migrations are in the way: what they removed does not come back by their down scripts.
    pub passes_stage2: bool,
    /// Whether the way back of the schema loses values for good.
    pub loses: bool,
    /// What stands, the last applied first, read from its table alone.
    pub standing: Vec<StandingDown>,
    /// What could not be read.
    pub problems: Vec<Box<Problem>>,
}

/// How the schema is to go back.
#[derive(Debug, Clone)]
pub struct Asked<'a> {
    /// Where to; else to the rollback point of the release.
    pub point: Option<PointName>,
    pub limits: Limits,
    pub drift_ignored: &'a [String],
}

/// So many events are looked at.
const EVENTS_MAX: i64 = 2_000;

/// Of so much time before now the measurements are told.
const SAMPLES_OF: Duration = Duration::from_mins(30);

/// A log that takes longer to follow is not followed at night.
const CHAIN_WITHIN: Duration = Duration::from_secs(5);

/// A lock that somebody holds on our own tables must not keep anybody from knowing where they stand.
const READ_WITHIN: Duration = Duration::from_secs(10);

impl Situation {
    /// The database cannot be reached.
    pub fn dark(problem: Box<Problem>) -> Self {
        Self {
            database: DatabaseStanding::Unreachable,
            ledger: LedgerStanding::Damaged,
            server: None,
            snapshot: None,
            journey: None,
            watch: None,
            baseline: None,
            samples: Vec::new(),
            events: Vec::new(),
            chain: Chain::Unknown,
            activity: None,
            previous_version: None,
            point: None,
            schema: SchemaWay::Closed(message!("emergency-unreachable")),
            undo: Vec::new(),
            passes_stage2: false,
            loses: false,
            standing: Vec::new(),
            problems: vec![problem],
        }
    }

    pub fn release(&self) -> Option<&ReleaseRecord> {
        self.snapshot.as_ref().and_then(|snapshot| snapshot.release.as_ref())
    }

    /// Whether the application may run something else than the old code. What nobody knows counts as touched.
    pub fn app_touched(&self) -> bool {
        let (Some(release), Some(journey)) = (self.release(), &self.journey) else { return true };
        release.drive == Drive::ByHand || journey.task(Task::Deploy).is_some()
    }

    /// Reads all that can be read.
    pub async fn look(connection: &Connection, asked: &Asked<'_>) -> Self {
        let mut seen = Self {
            database: if connection.is_standby() { DatabaseStanding::ReadOnly } else { DatabaseStanding::Writable },
            schema: SchemaWay::Nothing,
            ..Self::dark(Problem::usage(message!("emergency-unreachable")))
        };
        seen.problems.clear();
        seen.server(connection).await;
        // First of all: whoever is in the way now may be gone in a moment.
        seen.activity = activity(connection).await.ok();
        match in_time(Box::pin(read(connection))).await {
            Ok(Some(snapshot)) => {
                seen.ledger = LedgerStanding::Readable;
                seen.snapshot = Some(snapshot);
            }
            Ok(None) if has_schema(connection).await => {
                seen.problems.push(Problem::usage(message!("emergency-ledger-gone")));
            }
            Ok(None) => seen.ledger = LedgerStanding::Absent,
            Err(problem) => seen.problems.push(problem),
        }
        if seen.ledger == LedgerStanding::Damaged {
            let standing = standing_downs(connection).await;
            seen.standing = seen.kept(standing.map_err(|error| ledger_problem(&error, message!("ledger-unreadable"))));
        }
        if seen.ledger != LedgerStanding::Absent {
            seen.rest(connection).await;
        }
        seen.way(connection, asked).await;
        seen
    }

    async fn server(&mut self, connection: &Connection) {
        let sql = "SELECT (extract(epoch FROM pg_catalog.clock_timestamp()) * 1000000)::bigint, \
                   pg_catalog.current_setting('transaction_read_only') = 'on'";
        let Ok(rows) = query_alone(connection, sql, &[]).await else { return };
        let Some(row) = rows.first() else { return };
        // Our own reading transaction, where a pooler wants one, says nothing of the session.
        if !connection.is_pooled() && row.get(1) {
            self.database = DatabaseStanding::ReadOnly;
        }
        let now = Timestamp::from_microsecond(row.get(0)).unwrap_or_default();
        self.server = Some(ServerSeen { version: connection.version().to_string(), now });
    }

    /// All that is good to know, and that nothing depends on.
    async fn rest(&mut self, connection: &Connection) {
        let head = "SELECT coalesce(pg_catalog.max(e.seq), 0) FROM lockkeeper.events e";
        let head: i64 = match query_alone(connection, head, &[]).await {
            Ok(rows) => rows.first().map_or(0, |row| row.get(0)),
            Err(error) => {
                self.problems.push(ledger_problem(&error, message!("emergency-no-log")));
                0
            }
        };
        let events = in_time(read_events(connection, (head - EVENTS_MAX).max(0), EVENTS_MAX)).await;
        self.events = events.unwrap_or_default();
        match tokio::time::timeout(CHAIN_WITHIN, verify_chain(connection)).await {
            Ok(Ok(Ok((count, _)))) => self.chain = Chain::Whole(count),
            Ok(Ok(Err(fault))) => self.chain = Chain::Broken(fault),
            Ok(Err(_)) | Err(_) => {}
        }
        let watch = in_time(read_watch(connection)).await;
        self.watch = self.kept(watch);
        let baseline = in_time(read_baseline(connection)).await;
        self.baseline = self.kept(baseline);
        let now = self.server.as_ref().map(|server| server.now).unwrap_or_default();
        let since = now.checked_sub(SAMPLES_OF).unwrap_or(Timestamp::UNIX_EPOCH);
        let samples = in_time(read_health_samples(connection, since, None)).await;
        self.samples = self.kept(samples);
        let Some((id, drive)) = self.release().map(|release| (release.id, release.drive)) else { return };
        if drive == Drive::Driven {
            let journey = in_time(read_journey(connection, id)).await;
            self.journey = self.kept(journey);
        }
        self.previous_version = self.journey.as_ref().and_then(|journey| journey.previous_version.clone());
        if self.previous_version.is_none() {
            let before = in_time(deployed_before(connection, id)).await;
            self.previous_version = self.kept(before);
        }
    }

    /// The way back of the schema.
    async fn way(&mut self, connection: &Connection, asked: &Asked<'_>) {
        let Some(snapshot) = &self.snapshot else {
            self.schema = SchemaWay::Closed(match self.ledger {
                LedgerStanding::Absent => message!("emergency-ledger-absent"),
                LedgerStanding::Damaged | LedgerStanding::Readable => message!("emergency-ledger-damaged"),
            });
            return;
        };
        let Some(release) = snapshot.release.clone() else { return };
        let has_rows = snapshot.applied.iter().any(|row| row.release_id == release.id);
        let of_release = |name: &str| {
            let mut points = snapshot.points.iter();
            points.find(|point| point.release_id == release.id && point.name.as_str() == name)
        };
        let own = of_release(PointName::BEFORE_STAGE1).or_else(|| of_release(PointName::BEFORE_STAGE2));
        let point = asked.point.clone().or_else(|| own.map(|point| point.name.clone()));
        let Some(point) = point else {
            if has_rows {
                self.schema = SchemaWay::Closed(message!("emergency-no-point", release = release.id));
            }
            return;
        };
        self.point = Some(point.clone());
        let mut request = RollbackRequest {
            point,
            reason: String::new(),
            past_stage2: false,
            down_from_files: None,
            // Whatever would be lost is to be told, and asked for.
            accepts_loss: true,
            unsettled: None,
            drift_ignored: asked.drift_ignored,
            drive: Drive::Driven,
        };
        let mut previewed = preview_rollback(connection, &request, &asked.limits).await;
        if previewed.as_ref().is_err_and(|problem| problem.message.id == "rollback-past-stage2") {
            self.passes_stage2 = true;
            request.past_stage2 = true;
            previewed = preview_rollback(connection, &request, &asked.limits).await;
        }
        self.schema = match previewed {
            Ok(undo) if undo.is_empty() => SchemaWay::Nothing,
            Ok(undo) => {
                let count = undo.len();
                self.loses = undo.iter().any(|it| it.lost.is_some());
                self.undo = undo;
                SchemaWay::Undo(count)
            }
            Err(problem) => {
                let why = problem.message.clone();
                self.problems.push(problem);
                let standing = standing_downs(connection).await;
                self.standing = standing.unwrap_or_default();
                SchemaWay::Closed(why)
            }
        };
        // A way back that stopped between its last script and its end.
        if self.schema == SchemaWay::Nothing && release.state == ReleaseState::RollingBack {
            self.undo.clear();
        }
    }

    /// What was read; else what could not be is kept to be told.
    fn kept<T: Default>(&mut self, read: Answer<T>) -> T {
        read.unwrap_or_else(|problem| {
            self.problems.push(problem);
            T::default()
        })
    }
}

/// Whether something is left of a ledger that says of itself that it is none.
async fn has_schema(connection: &Connection) -> bool {
    let sql = "SELECT EXISTS (SELECT FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
               WHERE n.nspname = 'lockkeeper' AND c.relname IN ('migrations', 'events', 'releases'))";
    query_alone(connection, sql, &[]).await.is_ok_and(|rows| rows.first().is_some_and(|row| row.get(0)))
}

/// A read that does not wait for ever.
async fn in_time<T>(read: impl Future<Output = Answer<T>>) -> Answer<T> {
    match tokio::time::timeout(READ_WITHIN, read).await {
        Ok(answer) => answer,
        Err(_) => Err(Problem::new(ExitClass::Busy, message!("emergency-no-answer", seconds = READ_WITHIN.as_secs()))),
    }
}

/// A statement of the plan, as the incident report shows it: without its values.
pub fn shown_sql(sql: &str) -> String {
    const CHARS_MAX: usize = 160;
    masked_sql(sql, CHARS_MAX)
}
