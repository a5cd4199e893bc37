//! What was measured, kept for the trend: every slice for a day, then minutes, then hours.

use std::time::Duration;

use jiff::Timestamp;
use lockkeeper_core::health::{CheckName, Counts, Latencies};
use lockkeeper_core::model::{Answer, Verdict};
use tokio_postgres::Row;
use tokio_postgres::types::Type;

use super::install::read_problem;
use super::sql::{broken, query, query_alone, timestamp};
use crate::postgres::{Connection, SqlError};

/// What a check measured in one span of time.
#[derive(Debug, Clone, PartialEq)]
pub struct HealthSample {
    pub check: CheckName,
    pub at: Timestamp,
    pub span: Duration,
    pub counts: Counts,
    /// Of a check that has a value: the worst of the time.
    pub value: Option<f64>,
    pub verdicts: VerdictCounts,
    /// How long its requests took, where that is known. It is written, and read by [`read_slices`] alone.
    pub latencies: Option<Latencies>,
}

/// What a check measured in one slice, as baselines are made of.
#[derive(Debug, Clone, PartialEq)]
pub struct Slice {
    pub check: CheckName,
    pub counts: Counts,
    pub latencies: Option<Latencies>,
}

/// How often each verdict was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct VerdictCounts {
    pub pass: u32,
    pub fail: u32,
    pub no_data: u32,
    pub probe_error: u32,
}

impl VerdictCounts {
    pub const fn add(&mut self, verdict: Verdict) {
        let place = match verdict {
            Verdict::Pass => &mut self.pass,
            Verdict::Fail => &mut self.fail,
            Verdict::NoData => &mut self.no_data,
            Verdict::ProbeError => &mut self.probe_error,
        };
        *place = place.saturating_add(1);
    }
}

/// How long samples of each length are kept before they are merged: a span, and the age from which on there is
/// nothing shorter.
const KEPT: [(Duration, Duration); 2] =
    [(Duration::from_mins(1), Duration::from_hours(24)), (Duration::from_hours(1), Duration::from_hours(24 * 14))];

/// Adds samples of one length, in the transaction that is open. One that is there already stays.
pub async fn add_samples(connection: &Connection, span: Duration, samples: &[HealthSample]) -> Result<(), SqlError> {
    let names: Vec<&str> = samples.iter().map(|sample| sample.check.as_str()).collect();
    let ats: Vec<i64> = samples.iter().map(|sample| sample.at.as_microsecond()).collect();
    let requests: Vec<i64> = samples.iter().map(|sample| whole(sample.counts.requests())).collect();
    let errors: Vec<i64> = samples.iter().map(|sample| whole(sample.counts.errors())).collect();
    let values: Vec<Option<f64>> = samples.iter().map(|sample| sample.value).collect();
    let latencies: Vec<Option<Vec<u8>>> =
        samples.iter().map(|sample| sample.latencies.as_ref().map(Latencies::to_bytes)).collect();
    let verdicts = |of: fn(&VerdictCounts) -> u32| -> Vec<i32> {
        samples.iter().map(|sample| i32::try_from(of(&sample.verdicts)).unwrap_or(i32::MAX)).collect()
    };
    query(
        connection,
        include_str!("sql/add_samples.sql"),
        &[
            (&i32::try_from(span.as_secs().max(1)).unwrap_or(i32::MAX), Type::INT4),
            (&names, Type::TEXT_ARRAY),
            (&ats, Type::INT8_ARRAY),
            (&requests, Type::INT8_ARRAY),
            (&errors, Type::INT8_ARRAY),
            (&values, Type::FLOAT8_ARRAY),
            (&verdicts(|it| it.pass), Type::INT4_ARRAY),
            (&verdicts(|it| it.fail), Type::INT4_ARRAY),
            (&verdicts(|it| it.no_data), Type::INT4_ARRAY),
            (&verdicts(|it| it.probe_error), Type::INT4_ARRAY),
            (&latencies, Type::BYTEA_ARRAY),
        ],
    )
    .await
    .map(|_| ())
}

fn whole(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// Merges what is old, in the transaction that is open.
pub async fn thin_samples(connection: &Connection) -> Result<(), SqlError> {
    for (span, age) in KEPT {
        query(
            connection,
            include_str!("sql/thin_samples.sql"),
            &[(&i32::try_from(span.as_secs()).unwrap_or(i32::MAX), Type::INT4), (&age.as_secs_f64(), Type::FLOAT8)],
        )
        .await?;
    }
    Ok(())
}

/// Samples since then, oldest first, of one check or of all.
///
/// # Errors
/// When the ledger cannot be read.
pub async fn read_health_samples(
    connection: &Connection,
    since: Timestamp,
    check: Option<&CheckName>,
) -> Answer<Vec<HealthSample>> {
    let check = check.map(CheckName::as_str);
    let rows = query_alone(
        connection,
        include_str!("sql/read_samples.sql"),
        &[(&since.as_microsecond(), Type::INT8), (&check, Type::TEXT)],
    )
    .await
    .map_err(|error| read_problem(&error, connection))?;
    rows.iter().map(sample).collect()
}

fn sample(row: &Row) -> Answer<HealthSample> {
    let count = |column: &str| u64::try_from(row.get::<_, i64>(column)).unwrap_or(0);
    let verdict = |column: &str| u32::try_from(row.get::<_, i32>(column)).unwrap_or(0);
    Ok(HealthSample {
        check: CheckName::new(row.get("check_name")).ok_or_else(|| broken("health_samples.check_name"))?,
        at: timestamp(row, "at")?,
        span: Duration::from_secs(u64::try_from(row.get::<_, i32>("span_s")).unwrap_or(0)),
        counts: Counts::new(count("requests"), count("errors")).ok_or_else(|| broken("health_samples.errors"))?,
        value: row.get("value"),
        verdicts: VerdictCounts {
            pass: verdict("pass"),
            fail: verdict("fail"),
            no_data: verdict("no_data"),
            probe_error: verdict("probe_error"),
        },
        latencies: None,
    })
}

/// The slices of one length since then that counted requests, with how long those took.
///
/// # Errors
/// When the ledger cannot be read.
pub async fn read_slices(connection: &Connection, since: Timestamp, span: Duration) -> Answer<Vec<Slice>> {
    let rows = query_alone(
        connection,
        "SELECT s.check_name, s.requests, s.errors, s.latencies FROM lockkeeper.health_samples s \
         WHERE s.at >= 'epoch'::timestamptz + $1 * interval '1 microsecond' AND s.span_s = $2 AND s.requests > 0 \
         ORDER BY s.at",
        &[(&since.as_microsecond(), Type::INT8), (&i32::try_from(span.as_secs()).unwrap_or(i32::MAX), Type::INT4)],
    )
    .await
    .map_err(|error| read_problem(&error, connection))?;
    let count = |row: &Row, column: &str| u64::try_from(row.get::<_, i64>(column)).unwrap_or(0);
    let slice = |row: &Row| {
        let bytes: Option<&[u8]> = row.get("latencies");
        Ok(Slice {
            check: CheckName::new(row.get("check_name")).ok_or_else(|| broken("health_samples.check_name"))?,
            counts: Counts::new(count(row, "requests"), count(row, "errors"))
                .ok_or_else(|| broken("health_samples.errors"))?,
            latencies: bytes.and_then(Latencies::from_bytes),
        })
    };
    rows.iter().map(slice).collect()
}

/// How many samples are held in memory at a time while they are exported.
const EXPORT_PAGE: i64 = 5_000;

/// Hands over every sample since then, oldest first, of one check or of all, a page at a time.
///
/// # Errors
/// When the ledger cannot be read.
pub async fn export_samples(
    connection: &Connection,
    since: Timestamp,
    check: Option<&CheckName>,
    each: &mut dyn FnMut(&HealthSample),
) -> Answer<()> {
    let check = check.map(CheckName::as_str);
    // Where the page before ended: its time, its check, its length.
    let mut after = (since.as_microsecond(), String::new(), 0_i32);
    loop {
        let rows = query_alone(
            connection,
            include_str!("sql/export_samples.sql"),
            &[
                (&after.0, Type::INT8),
                (&after.1, Type::TEXT),
                (&after.2, Type::INT4),
                (&check, Type::TEXT),
                (&EXPORT_PAGE, Type::INT8),
            ],
        )
        .await
        .map_err(|error| read_problem(&error, connection))?;
        for row in &rows {
            each(&sample(row)?);
        }
        let Some(last) = rows.last() else { return Ok(()) };
        after = (last.get("at"), last.get("check_name"), last.get("span_s"));
    }
}
