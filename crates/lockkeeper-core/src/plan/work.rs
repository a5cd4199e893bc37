//! How much a step has to do, and how long that takes: by what earlier steps took on the same database, by a rate that
//! fits most servers where there are too few of them.

use super::step::RunMode;
use crate::parse::{AlterTableAction, ConstraintKind, Sql};

const MIB: u64 = 1 << 20;

/// Smaller work says nothing of the rate: most of its time goes into beginning and ending.
pub const SAMPLE_BYTES_MIN: u64 = MIB;

/// So many earlier steps are asked, the latest ones.
pub const SAMPLES_MAX: usize = 50;

/// Fewer are chance.
const SAMPLES_MIN: usize = 3;

/// The next step may be so much quicker than the quickest and slower than the slowest, in percent.
const MARGIN_PERCENT: u64 = 150;

/// A change of a few rows of the catalog, once it has its lock.
const MOMENT_MS: u64 = 1_000;

/// What takes the time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum WorkKind {
    /// The table is read from end to end.
    Scan,
    /// It is read and sorted into an index.
    IndexBuild,
    /// It is written anew, with its indexes.
    Rewrite,
    /// Its rows are updated in batches.
    Fill,
}

impl WorkKind {
    pub const ALL: [Self; 4] = [Self::Scan, Self::IndexBuild, Self::Rewrite, Self::Fill];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Scan => "scan",
            Self::IndexBuild => "index_build",
            Self::Rewrite => "rewrite",
            Self::Fill => "fill",
        }
    }

    /// MiB a second, slow and quick: a busy server on network storage, and an idle one whose memory holds the table.
    const fn default_rates(self) -> (u64, u64) {
        match self {
            Self::Scan => (50, 1_000),
            Self::IndexBuild => (10, 200),
            Self::Rewrite => (10, 200),
            Self::Fill => (1, 20),
        }
    }
}

/// What a step has to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Work {
    /// A few rows of the catalog.
    Catalog,
    /// So many bytes of a table.
    Bytes { kind: WorkKind, bytes: u64 },
    /// Nothing tells: rows of the application's, code, a table that is not known.
    Unknown,
}

/// What an earlier step took on this database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sample {
    pub kind: WorkKind,
    pub bytes: u64,
    pub took_ms: u64,
}

/// How long a step takes, once it has its locks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Estimate {
    pub low_ms: u64,
    pub high_ms: u64,
    pub from: EstimateSource,
}

/// What an estimate rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EstimateSource {
    /// Only the catalog changes.
    Catalog,
    DefaultRate(WorkKind),
    /// So many steps of that kind on this database.
    History(WorkKind, usize),
}

impl EstimateSource {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Catalog => "catalog",
            Self::DefaultRate(_) => "default_rate",
            Self::History(..) => "history",
        }
    }
}

/// How long work takes; `None` where it cannot be known. `samples` are the latest first.
pub fn estimate(work: Work, samples: &[Sample]) -> Option<Estimate> {
    let (kind, bytes) = match work {
        Work::Unknown => return None,
        Work::Catalog => return Some(Estimate { low_ms: 0, high_ms: MOMENT_MS, from: EstimateSource::Catalog }),
        Work::Bytes { kind, bytes } => (kind, bytes),
    };
    // Milliseconds for a GiB, so that whole numbers do.
    let of_kind = samples.iter().filter(|it| it.kind == kind && it.bytes >= SAMPLE_BYTES_MIN).take(SAMPLES_MAX);
    let rates: Vec<u64> = of_kind.map(|it| scaled(it.took_ms.max(1), 1_024 * MIB, it.bytes)).collect();
    if let (Some(quick), Some(slow)) = (rates.iter().min(), rates.iter().max())
        && rates.len() >= SAMPLES_MIN
    {
        let at = |rate| scaled(rate, bytes, 1_024 * MIB);
        return Some(Estimate {
            low_ms: scaled(at(*quick), 100, MARGIN_PERCENT),
            high_ms: scaled(at(*slow), MARGIN_PERCENT, 100).max(MOMENT_MS),
            from: EstimateSource::History(kind, rates.len()),
        });
    }
    let (slow, quick) = kind.default_rates();
    let at = |rate| scaled(1_000, bytes, rate * MIB);
    Some(Estimate { low_ms: at(quick), high_ms: at(slow).max(MOMENT_MS), from: EstimateSource::DefaultRate(kind) })
}

fn scaled(value: u64, by: u64, of: u64) -> u64 {
    u64::try_from(u128::from(value) * u128::from(by) / u128::from(of.max(1))).unwrap_or(u64::MAX)
}

/// What is known of the table that a step works on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Volume {
    pub bytes: u64,
    pub index_bytes: u64,
}

/// What a step of a statement has to do. `volume` is that of the table it locks most strongly; one that locks no
/// table which was there works on what is new.
pub fn work(sql: &Sql, run: &RunMode, rewrites: bool, scans: bool, locks: bool, volume: Option<Volume>) -> Work {
    let kind = if rewrites {
        WorkKind::Rewrite
    } else if matches!(run, RunMode::Backfill(_)) {
        WorkKind::Fill
    } else if scans && builds_index(sql) {
        WorkKind::IndexBuild
    } else if scans {
        WorkKind::Scan
    } else if changes_catalog_only(sql) {
        return Work::Catalog;
    } else {
        return Work::Unknown;
    };
    match volume {
        Some(Volume { bytes, index_bytes }) if kind == WorkKind::Rewrite => {
            Work::Bytes { kind, bytes: bytes.saturating_add(index_bytes) }
        }
        Some(Volume { bytes, .. }) => Work::Bytes { kind, bytes },
        None if !locks => Work::Catalog,
        None => Work::Unknown,
    }
}

fn builds_index(sql: &Sql) -> bool {
    match sql {
        Sql::CreateIndex(_) | Sql::Reindex { .. } => true,
        Sql::AlterTable(alter) => alter.actions.iter().any(|action| match action {
            AlterTableAction::AddConstraint(_, add) => {
                matches!(add.kind, ConstraintKind::PrimaryKey | ConstraintKind::Unique | ConstraintKind::Exclude)
            }
            _ => false,
        }),
        _ => false,
    }
}

/// Whether a statement that neither reads nor writes a table is over in a moment.
const fn changes_catalog_only(sql: &Sql) -> bool {
    match sql {
        Sql::AlterTable(_)
        | Sql::Alter { .. }
        | Sql::Comment { .. }
        | Sql::Create { .. }
        | Sql::CreateIndex(_)
        | Sql::CreateRoutine(_)
        | Sql::CreateTable(_)
        | Sql::Drop(_)
        | Sql::Explain { .. }
        | Sql::Grant
        | Sql::Lock { .. }
        | Sql::Revoke
        | Sql::Session
        | Sql::Set(_)
        | Sql::Transaction(_)
        | Sql::Truncate { .. } => true,
        Sql::Analyze { .. }
        | Sql::Call
        | Sql::Cluster { .. }
        | Sql::CopyFrom { .. }
        | Sql::CopyTo
        | Sql::Delete { .. }
        | Sql::Do(_)
        | Sql::Insert { .. }
        | Sql::Merge { .. }
        | Sql::Query { .. }
        | Sql::Refresh { .. }
        | Sql::Reindex { .. }
        | Sql::Update { .. }
        | Sql::Vacuum { .. } => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GIB: u64 = 1_024 * MIB;

    fn sample(kind: WorkKind, mib: u64, took_ms: u64) -> Sample {
        Sample { kind, bytes: mib * MIB, took_ms }
    }

    #[track_caller]
    fn check(work: Work, samples: &[Sample], low_ms: u64, high_ms: u64, from: EstimateSource) {
        assert_eq!(estimate(work, samples), Some(Estimate { low_ms, high_ms, from }));
    }

    #[test]
    fn without_history_the_default_rates_tell() {
        let build = Work::Bytes { kind: WorkKind::IndexBuild, bytes: 2_000 * MIB };
        check(build, &[], 10_000, 200_000, EstimateSource::DefaultRate(WorkKind::IndexBuild));
        let small = Work::Bytes { kind: WorkKind::Scan, bytes: 8_192 };
        check(small, &[], 0, 1_000, EstimateSource::DefaultRate(WorkKind::Scan));
        check(Work::Catalog, &[], 0, 1_000, EstimateSource::Catalog);
        assert_eq!(estimate(Work::Unknown, &[]), None);
    }

    #[test]
    fn with_history_the_quickest_and_the_slowest_of_the_same_kind_tell() {
        let kind = WorkKind::IndexBuild;
        let build = Work::Bytes { kind, bytes: 10 * GIB };
        let two = [sample(kind, 1_024, 10_000), sample(kind, 512, 10_000)];
        assert_eq!(estimate(build, &two).unwrap().from, EstimateSource::DefaultRate(kind));
        // One more, and others that do not count: too small, and of another kind.
        let more = [sample(kind, 2_048, 30_000), sample(kind, 0, 9_999), sample(WorkKind::Scan, 1_024, 1)];
        let all = [&two[..], &more[..]].concat();
        check(build, &all, 66_666, 300_000, EstimateSource::History(kind, 3));
    }

    #[test]
    fn what_no_number_holds_is_cut_and_does_not_overflow() {
        let kind = WorkKind::Fill;
        let endless = [sample(kind, 1, u64::MAX); 3];
        let estimate = estimate(Work::Bytes { kind, bytes: u64::MAX }, &endless).unwrap();
        assert_eq!(estimate.high_ms, u64::MAX);
    }
}
