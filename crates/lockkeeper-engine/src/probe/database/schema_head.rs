//! Whether the schema is the one that the running program was built for.

use std::collections::BTreeMap;

use lockkeeper_core::message;
use lockkeeper_core::model::{Checksum, Message, MigrationNumber, Verdict};

use super::super::reading::Reading;
use super::{one_row, rows};
use crate::postgres::{Connection, SqlError};

/// A migration that the caller knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KnownMigration {
    pub number: MigrationNumber,
    pub checksum: Checksum,
    /// Whether it has to be applied by now. One that waits for its stage may be there or not.
    pub is_due: bool,
}

/// What the schema should be, and which states of it fail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExpectedSchema {
    pub known: Vec<KnownMigration>,
    pub fails: Vec<SchemaHead>,
}

/// The schema against what is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SchemaHead {
    /// A migration is not there that should be.
    Behind,
    AtHead,
    /// A migration is there that nobody here knows: the program is older than the schema.
    Ahead,
    /// One is half done, or is another one than what is known by its number, or both of the above.
    Dirty,
}

impl SchemaHead {
    pub const ALL: [Self; 4] = [Self::Behind, Self::AtHead, Self::Ahead, Self::Dirty];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Behind => "behind",
            Self::AtHead => "at_head",
            Self::Ahead => "ahead",
            Self::Dirty => "dirty",
        }
    }

    /// As the value of the reading `schema_head`.
    const fn number(self) -> f64 {
        match self {
            Self::Behind => -1.0,
            Self::AtHead => 0.0,
            Self::Ahead => 1.0,
            Self::Dirty => 2.0,
        }
    }
}

/// What the ledger says of one migration that stands.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Standing {
    checksum: String,
    is_settled: bool,
}

/// The state, judged.
pub(super) struct Judged {
    pub(super) verdict: Verdict,
    pub(super) said: Message,
    pub(super) reading: Option<Reading>,
}

/// Whether there is a ledger, and whether we may read it.
const LEDGER: &str = "SELECT pg_catalog.to_regclass('lockkeeper.migrations') IS NOT NULL AS is_there, \
                      pg_catalog.has_schema_privilege('lockkeeper', 'USAGE') \
                      AND pg_catalog.has_table_privilege('lockkeeper.migrations', 'SELECT') AS is_ours \
                      WHERE pg_catalog.to_regnamespace('lockkeeper') IS NOT NULL \
                      AND EXISTS (SELECT FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
                      WHERE n.nspname = 'lockkeeper' AND c.relname = 'migrations')";

const STANDING: &str = "SELECT number, pg_catalog.encode(up_checksum, 'hex') AS checksum, state \
                        FROM lockkeeper.migrations WHERE state <> 'rolled_back'";

impl ExpectedSchema {
    pub(super) async fn judge(&self, connection: &Connection) -> Result<Judged, SqlError> {
        let mut standing = BTreeMap::new();
        if let Some(ledger) = one_row(connection, LEDGER).await? {
            if ledger.try_get("is_ours").ok().flatten() != Some("t") {
                let why = message!("probe-schema-unreadable");
                return Ok(Judged { verdict: Verdict::NoData, said: why, reading: None });
            }
            for row in rows(connection, STANDING).await? {
                let column = |name| row.try_get(name).ok().flatten().unwrap_or_default().to_owned();
                let is_settled = column("state") == "applied";
                let number: i64 = column("number").parse().unwrap_or_default();
                standing.insert(number, Standing { checksum: column("checksum"), is_settled });
            }
        }
        Ok(self.judged(self.compare(&standing)))
    }

    fn judged(&self, (head, migration): (SchemaHead, Option<i64>)) -> Judged {
        let verdict = if self.fails.contains(&head) { Verdict::Fail } else { Verdict::Pass };
        let number = migration.and_then(MigrationNumber::from_ledger).map_or_else(String::new, |one| one.to_string());
        let said = match head {
            SchemaHead::AtHead => message!("probe-schema-at-head"),
            SchemaHead::Behind => message!("probe-schema-behind", number = number),
            SchemaHead::Ahead => message!("probe-schema-ahead", number = number),
            SchemaHead::Dirty => message!("probe-schema-dirty", number = number),
        };
        Judged { verdict, said, reading: Some(Reading::new("schema_head", head.number(), None)) }
    }

    /// The state, and the migration that shows it.
    fn compare(&self, standing: &BTreeMap<i64, Standing>) -> (SchemaHead, Option<i64>) {
        let known = |number: i64| self.known.iter().find(|one| one.number.get() == number);
        let is_dirty = |(number, one): &(&i64, &Standing)| {
            !one.is_settled || known(**number).is_some_and(|known| known.checksum.to_string() != one.checksum)
        };
        if let Some((number, _)) = standing.iter().find(is_dirty) {
            return (SchemaHead::Dirty, Some(*number));
        }
        let missing = self.known.iter().find(|one| one.is_due && !standing.contains_key(&one.number.get()));
        let unknown = standing.keys().find(|number| known(**number).is_none()).copied();
        match (missing.map(|one| one.number.get()), unknown) {
            (None, None) => (SchemaHead::AtHead, None),
            (Some(missing), None) => (SchemaHead::Behind, Some(missing)),
            (None, Some(unknown)) => (SchemaHead::Ahead, Some(unknown)),
            (Some(missing), Some(_)) => (SchemaHead::Dirty, Some(missing)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(known: &[(i64, &str, bool)], standing: &[(i64, &str, bool)]) -> SchemaHead {
        let known = known.iter().map(|(number, text, is_due)| KnownMigration {
            number: MigrationNumber::from_ledger(*number).expect("positive"),
            checksum: Checksum::of(text.as_bytes()),
            is_due: *is_due,
        });
        let expected = ExpectedSchema { known: known.collect(), fails: Vec::new() };
        let standing = standing.iter().map(|(number, text, is_settled)| {
            (*number, Standing { checksum: Checksum::of(text.as_bytes()).to_string(), is_settled: *is_settled })
        });
        expected.compare(&standing.collect()).0
    }

    #[test]
    fn the_schema_is_behind_at_head_ahead_or_dirty() {
        let known = [(1, "a", true), (2, "b", true), (3, "c", false)];
        for (standing, expected) in [
            (vec![(1, "a", true), (2, "b", true)], SchemaHead::AtHead),
            (vec![(1, "a", true), (2, "b", true), (3, "c", true)], SchemaHead::AtHead),
            (vec![(1, "a", true)], SchemaHead::Behind),
            (vec![], SchemaHead::Behind),
            (vec![(1, "a", true), (2, "b", true), (4, "d", true)], SchemaHead::Ahead),
            (vec![(1, "a", true), (2, "b", false)], SchemaHead::Dirty),
            (vec![(1, "a", true), (2, "other", true)], SchemaHead::Dirty),
            (vec![(1, "a", true), (4, "d", true)], SchemaHead::Dirty),
        ] {
            assert_eq!(head(&known, &standing), expected, "{standing:?}");
        }
        assert_eq!(head(&[], &[]), SchemaHead::AtHead);
    }
}
