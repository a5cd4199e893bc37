//! Rows of steps that cannot share their migration's transaction: planned, begun, and how each ended.

use lockkeeper_core::model::MigrationNumber;
use lockkeeper_core::parse::{Ident, ObjectName};
use lockkeeper_core::plan::{
    AppliedSeq, Backfill, RunMode, SAMPLE_BYTES_MIN, SAMPLES_MAX, Sample, Settled, Step, StepId, TakeBack, Work,
    WorkKind,
};
use tokio_postgres::Row;
use tokio_postgres::types::Type;

use super::sql::{Param, query, query_alone};
use crate::postgres::{Connection, SqlError};

/// One direction of one migration, whose steps these are.
#[derive(Debug, Clone, Copy)]
pub struct StepsOf<'a> {
    pub seq: AppliedSeq,
    pub is_up: bool,
    pub actor: &'a str,
}

/// A step as it was planned when its migration began.
#[derive(Debug, Clone)]
pub struct StoredStep {
    pub id: StepId,
    pub statement: u32,
    pub source: String,
    pub sql: String,
    pub run: RunMode,
    pub take_back: TakeBack,
    pub standing: Standing,
}

/// How far a step got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    Planned,
    /// The intent is recorded, the outcome is not.
    Begun,
    Done,
    /// It failed, or it was taken back: nothing of it stands.
    Undone,
}

impl StoredStep {
    /// The step as the ledger knows it.
    pub fn as_step(&self, migration: MigrationNumber) -> Step {
        Step {
            run: self.run.clone(),
            take_back: self.take_back.clone(),
            ..Step::recorded(migration, self.id, self.statement, self.source.clone(), self.sql.clone())
        }
    }
}

impl StepsOf<'_> {
    const fn direction(&self) -> &'static str {
        if self.is_up { "up" } else { "down" }
    }

    /// Records what is planned behind the step `behind`, in the place of what was. Those up to it stay as they are.
    pub async fn plan(&self, connection: &Connection, behind: StepId, steps: &[Step]) -> Result<(), SqlError> {
        let stale = "DELETE FROM lockkeeper.steps WHERE migration_seq = $1 AND direction = $2 AND ordinal > $3";
        let params: [Param<'_>; 3] =
            [(&self.seq.0, Type::INT8), (&self.direction(), Type::TEXT), (&ordinal(behind), Type::INT4)];
        query(connection, stale, &params).await?;
        let steps: Vec<&Step> = steps.iter().filter(|step| step.id > behind).collect();
        let stored: Vec<_> =
            steps.iter().map(|step| (run_columns(&step.run), take_back_columns(&step.take_back))).collect();
        let text = |of: &dyn Fn(&Step) -> String| steps.iter().map(|step| of(step)).collect::<Vec<_>>();
        let ordinals: Vec<i32> = steps.iter().map(|step| ordinal(step.id)).collect();
        let statements: Vec<i32> = steps.iter().map(|step| i32::try_from(step.statement).unwrap_or(i32::MAX)).collect();
        let runs: Vec<&str> = stored.iter().map(|(run, _)| run.run).collect();
        let settled: Vec<Option<String>> = stored.iter().map(|(run, _)| run.settled.clone()).collect();
        let clears: Vec<&str> = stored.iter().map(|(run, _)| run.clear.as_str()).collect();
        let fills = |of: &dyn Fn(&Backfill) -> String| -> Vec<Option<String>> {
            stored.iter().map(|(run, _)| run.fills.map(of)).collect()
        };
        let silently: Vec<bool> =
            stored.iter().map(|(run, _)| run.fills.is_some_and(|fills| fills.silences_triggers)).collect();
        let take_backs: Vec<Option<&str>> = stored.iter().map(|(_, (sql, _))| *sql).collect();
        let known = |step: &&Step| match step.work {
            Work::Bytes { kind, bytes } => Some((kind.as_str(), i64::try_from(bytes).unwrap_or(i64::MAX))),
            Work::Catalog | Work::Unknown => None,
        };
        let work: Vec<Option<&str>> = steps.iter().map(|step| known(step).map(|(kind, _)| kind)).collect();
        let work_bytes: Vec<Option<i64>> = steps.iter().map(|step| known(step).map(|(_, bytes)| bytes)).collect();
        let alone: Vec<bool> = stored.iter().map(|(_, (_, alone))| *alone).collect();
        query(
            connection,
            include_str!("sql/plan_steps.sql"),
            &[
                (&self.seq.0, Type::INT8),
                (&self.direction(), Type::TEXT),
                (&ordinals, Type::INT4_ARRAY),
                (&statements, Type::INT4_ARRAY),
                (&text(&|step| step.source.clone()), Type::TEXT_ARRAY),
                (&text(&|step| step.sql.clone()), Type::TEXT_ARRAY),
                (&runs, Type::TEXT_ARRAY),
                (&settled, Type::TEXT_ARRAY),
                (&clears, Type::TEXT_ARRAY),
                (&fills(&|fills| fills.table.to_string()), Type::TEXT_ARRAY),
                (&fills(&|fills| fills.column.to_string()), Type::TEXT_ARRAY),
                (&silently, Type::BOOL_ARRAY),
                (&take_backs, Type::TEXT_ARRAY),
                (&alone, Type::BOOL_ARRAY),
                (&work, Type::TEXT_ARRAY),
                (&work_bytes, Type::INT8_ARRAY),
            ],
        )
        .await
        .map(|_| ())
    }

    /// Records the intent to run a step, or to take it back.
    pub async fn begin(&self, connection: &Connection, step: StepId) -> Result<(), SqlError> {
        query(
            connection,
            include_str!("sql/begin_step.sql"),
            &[
                (&self.seq.0, Type::INT8),
                (&self.direction(), Type::TEXT),
                (&ordinal(step), Type::INT4),
                (&self.actor, Type::TEXT),
            ],
        )
        .await
        .map(|_| ())
    }

    pub async fn done(&self, connection: &Connection, steps: &[StepId]) -> Result<(), SqlError> {
        self.finish(connection, steps, "done", None, false).await
    }

    /// It was found to be done: how long it took nobody knows.
    pub async fn found_done(&self, connection: &Connection, step: StepId) -> Result<(), SqlError> {
        self.finish(connection, &[step], "done", None, true).await
    }

    pub async fn failed(&self, connection: &Connection, step: StepId, error: &str) -> Result<(), SqlError> {
        self.finish(connection, &[step], "failed", Some(error), false).await
    }

    pub async fn taken_back(&self, connection: &Connection, steps: &[StepId]) -> Result<(), SqlError> {
        self.finish(connection, steps, "taken_back", None, false).await
    }

    async fn finish(
        &self,
        connection: &Connection,
        steps: &[StepId],
        outcome: &str,
        error: Option<&str>,
        is_found: bool,
    ) -> Result<(), SqlError> {
        let ordinals: Vec<i32> = steps.iter().map(|step| ordinal(*step)).collect();
        query(
            connection,
            include_str!("sql/finish_steps.sql"),
            &[
                (&self.seq.0, Type::INT8),
                (&self.direction(), Type::TEXT),
                (&ordinals, Type::INT4_ARRAY),
                (&self.actor, Type::TEXT),
                (&outcome, Type::TEXT),
                (&error, Type::TEXT),
                (&is_found, Type::BOOL),
            ],
        )
        .await
        .map(|_| ())
    }

    /// Every step on record, in order.
    pub async fn read(&self, connection: &Connection) -> Result<Vec<StoredStep>, SqlError> {
        let params: [Param<'_>; 2] = [(&self.seq.0, Type::INT8), (&self.direction(), Type::TEXT)];
        let rows = query_alone(connection, include_str!("sql/read_steps.sql"), &params).await?;
        Ok(rows.iter().map(stored).collect())
    }
}

/// A [`RunMode`] as its columns.
#[derive(Default)]
struct RunColumns<'a> {
    run: &'static str,
    settled: Option<String>,
    clear: String,
    fills: Option<&'a Backfill>,
}

fn run_columns(run: &RunMode) -> RunColumns<'_> {
    let columns = |run| RunColumns { run, ..RunColumns::default() };
    match run {
        RunMode::InMigration | RunMode::InTransaction { joins: false } => columns("transaction"),
        RunMode::InTransaction { joins: true } => columns("joined"),
        RunMode::Standalone { settled: Settled::Ask { query, undo } } => {
            RunColumns { settled: Some(query.clone()), clear: undo.clone(), ..columns("standalone") }
        }
        RunMode::Standalone { settled: Settled::Again } => {
            RunColumns { settled: Some(String::new()), ..columns("standalone") }
        }
        RunMode::Standalone { settled: Settled::Unknown } => columns("standalone"),
        RunMode::Backfill(backfill) => RunColumns { fills: Some(backfill), ..columns("backfill") },
    }
}

fn take_back_columns(take_back: &TakeBack) -> (Option<&str>, bool) {
    match take_back {
        TakeBack::Run(sql) => (Some(sql), false),
        TakeBack::RunAlone(sql) => (Some(sql), true),
        TakeBack::NotNeeded => (Some(""), false),
        TakeBack::Impossible => (None, false),
    }
}

fn stored(row: &Row) -> StoredStep {
    let settled: Option<String> = row.get("settled");
    let clear: String = row.get("clear");
    let run = match row.get::<_, &str>("run") {
        "joined" => RunMode::InTransaction { joins: true },
        "standalone" => RunMode::Standalone {
            settled: match settled {
                None => Settled::Unknown,
                Some(query) if query.is_empty() => Settled::Again,
                Some(query) => Settled::Ask { query, undo: clear },
            },
        },
        // The ledger's own CHECKs let no other value in.
        _ => match ObjectName::from_source(row.get::<_, Option<&str>>("fills_table").unwrap_or("")) {
            Some(table) => RunMode::Backfill(Backfill {
                table,
                column: Ident::from_source(row.get("fills_column")),
                silences_triggers: row.get("fills_silently"),
            }),
            None => RunMode::InTransaction { joins: false },
        },
    };
    let take_back = match (row.get::<_, Option<String>>("take_back"), row.get("take_back_alone")) {
        (None, _) => TakeBack::Impossible,
        (Some(sql), _) if sql.is_empty() => TakeBack::NotNeeded,
        (Some(sql), true) => TakeBack::RunAlone(sql),
        (Some(sql), false) => TakeBack::Run(sql),
    };
    let standing = match (row.get("is_begun"), row.get::<_, Option<&str>>("outcome")) {
        (true, _) => Standing::Begun,
        (false, Some("done")) => Standing::Done,
        (false, Some(_)) => Standing::Undone,
        (false, None) => Standing::Planned,
    };
    let count = |column| u32::try_from(row.get::<_, i32>(column)).unwrap_or(0);
    StoredStep {
        id: StepId(count("ordinal")),
        statement: count("statement"),
        source: row.get("source"),
        sql: row.get("sql"),
        run,
        take_back,
        standing,
    }
}

/// What finished steps took on this database, the latest first. There must be a ledger.
///
/// # Errors
/// A connection that broke.
pub async fn read_samples(connection: &Connection) -> Result<Vec<Sample>, SqlError> {
    let (bytes, count) =
        (i64::try_from(SAMPLE_BYTES_MIN).unwrap_or(i64::MAX), i64::try_from(SAMPLES_MAX).unwrap_or(i64::MAX));
    let mut samples = Vec::new();
    for kind in WorkKind::ALL {
        let params: [Param<'_>; 3] = [(&kind.as_str(), Type::TEXT), (&bytes, Type::INT8), (&count, Type::INT8)];
        let number = |row: &Row, column| u64::try_from(row.get::<_, i64>(column)).unwrap_or(0);
        let sample = |row: &Row| Sample { kind, bytes: number(row, "work_bytes"), took_ms: number(row, "took_ms") };
        samples.extend(query_alone(connection, include_str!("sql/read_work.sql"), &params).await?.iter().map(sample));
    }
    Ok(samples)
}

fn ordinal(step: StepId) -> i32 {
    i32::try_from(step.0).unwrap_or(i32::MAX)
}
