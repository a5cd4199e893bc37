//! Rows of verifications: which files were tried in a shadow, and what that came to.

use std::collections::BTreeMap;

use jiff::Timestamp;
use lockkeeper_core::model::{Answer, Checksum, MigrationNumber, Verdict};
use lockkeeper_core::parse::MigrationPair;
use tokio_postgres::Row;
use tokio_postgres::types::Type;

use super::install::{LEDGER_VERSION, read_problem, version};
use super::sql::{broken, query, query_alone, timestamp};
use crate::postgres::{Connection, SqlError};

/// A run of `verify`.
#[derive(Debug, Clone)]
pub struct NewVerification<'a> {
    pub actor: &'a str,
    pub server_major: i32,
    /// `None` where stage order could not be tried.
    pub orders_agree: Option<bool>,
    pub tried: Vec<TriedMigration>,
}

/// What was found of one migration's two files.
#[derive(Debug, Clone)]
pub struct TriedMigration {
    pub number: MigrationNumber,
    pub up: Checksum,
    pub down: Checksum,
    pub verdict: Verdict,
    pub not_verified: Vec<String>,
}

/// What the last run that tried exactly these files found of one migration.
#[derive(Debug, Clone)]
pub struct VerificationRecord {
    pub run: i64,
    pub verdict: Verdict,
    pub not_verified: Vec<String>,
    pub orders_agree: Option<bool>,
    pub verified_at: Timestamp,
    pub verified_by: String,
    pub server_major: i32,
}

/// What is known of a set of files.
#[derive(Debug, Clone, Default)]
pub struct VerifiedFiles {
    /// By number; a migration whose files were never tried as they are now is missing.
    pub known: BTreeMap<MigrationNumber, VerificationRecord>,
}

impl VerifiedFiles {
    /// Whether every one of these files passed, and stage order with them in the last run of any of them.
    pub fn are_all_sound(&self, pairs: &[MigrationPair]) -> bool {
        let records: Vec<_> = pairs.iter().map(|pair| self.known.get(&pair.number)).collect();
        let last = records.iter().flatten().max_by_key(|record| record.run);
        records.iter().all(|record| record.is_some_and(|it| it.verdict == Verdict::Pass))
            && last.is_none_or(|record| record.orders_agree == Some(true))
    }
}

/// Records a run with its event, in the transaction that is open.
pub async fn insert_verification(connection: &Connection, new: &NewVerification<'_>) -> Result<(), SqlError> {
    let column = |of: &dyn Fn(&TriedMigration) -> Vec<u8>| new.tried.iter().map(of).collect::<Vec<_>>();
    let numbers: Vec<i64> = new.tried.iter().map(|it| it.number.get()).collect();
    let ups = column(&|it| it.up.as_bytes().to_vec());
    let downs = column(&|it| it.down.as_bytes().to_vec());
    let verdicts: Vec<&str> = new.tried.iter().map(|it| it.verdict.as_str()).collect();
    let not_verified: Vec<String> = new.tried.iter().map(|it| it.not_verified.join(",")).collect();
    query(
        connection,
        include_str!("sql/insert_verification.sql"),
        &[
            (&new.actor, Type::TEXT),
            (&env!("CARGO_PKG_VERSION"), Type::TEXT),
            (&new.server_major, Type::INT4),
            (&new.orders_agree, Type::BOOL),
            (&numbers, Type::INT8_ARRAY),
            (&ups, Type::BYTEA_ARRAY),
            (&downs, Type::BYTEA_ARRAY),
            (&verdicts, Type::TEXT_ARRAY),
            (&not_verified, Type::TEXT_ARRAY),
        ],
    )
    .await
    .map(|_| ())
}

/// What is known of exactly these files: by both checksums, so that a changed file is an unknown one. Nothing is
/// known where there is no ledger yet, or one from before verifications were kept.
///
/// # Errors
/// A ledger newer than the program, a role that may not read it.
pub async fn read_verifications(connection: &Connection, pairs: &[MigrationPair]) -> Answer<VerifiedFiles> {
    if version(connection).await? != Some(LEDGER_VERSION) {
        return Ok(VerifiedFiles::default());
    }
    let numbers: Vec<i64> = pairs.iter().map(|pair| pair.number.get()).collect();
    let ups: Vec<&[u8]> = pairs.iter().map(|pair| pair.up.checksum.as_bytes().as_slice()).collect();
    let downs: Vec<&[u8]> = pairs.iter().map(|pair| pair.down.checksum.as_bytes().as_slice()).collect();
    let rows = query_alone(
        connection,
        include_str!("sql/read_verifications.sql"),
        &[(&numbers, Type::INT8_ARRAY), (&ups, Type::BYTEA_ARRAY), (&downs, Type::BYTEA_ARRAY)],
    )
    .await
    .map_err(|error| read_problem(&error, connection))?;
    Ok(VerifiedFiles { known: rows.iter().map(record).collect::<Answer<_>>()? })
}

fn record(row: &Row) -> Answer<(MigrationNumber, VerificationRecord)> {
    let number = MigrationNumber::from_ledger(row.get("number")).ok_or_else(|| broken("number"))?;
    Ok((
        number,
        VerificationRecord {
            run: row.get("id"),
            verdict: Verdict::from_ledger(row.get("verdict")).ok_or_else(|| broken("verdict"))?,
            not_verified: row.get("not_verified"),
            orders_agree: row.get("orders_agree"),
            verified_at: timestamp(row, "verified_at")?,
            verified_by: row.get("verified_by"),
            server_major: row.get("server_major"),
        },
    ))
}
