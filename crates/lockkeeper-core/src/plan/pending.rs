//! Files against the ledger: what is applied, what is due, what does not fit.

use std::collections::{BTreeMap, BTreeSet};

use super::applied::AppliedMigration;
use crate::message;
use crate::model::{Checksum, Message, MigrationNumber, Place, Problem, Stage};
use crate::parse::MigrationPair;

/// How an applied migration's file stands today.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FileState {
    /// Both files are as they were.
    Same,
    /// Only the down file changed. The ledger's copy is what a rollback runs.
    DownChanged,
    /// The up file changed after it was applied.
    Changed,
    /// The number bears another name now.
    Renamed,
    /// The file stands under another number now.
    Renumbered,
    /// The file is not there.
    Missing,
}

impl FileState {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Same => "same",
            Self::DownChanged => "down_changed",
            Self::Changed => "changed",
            Self::Renamed => "renamed",
            Self::Renumbered => "renumbered",
            Self::Missing => "missing",
        }
    }
}

/// Where the files and the ledger stand to each other.
#[derive(Debug)]
pub struct Survey<'f> {
    /// Every applied migration with the state of its file, in the order of the numbers.
    pub applied: Vec<(AppliedMigration, FileState)>,
    /// Pairs not applied yet, in the order of the numbers.
    pub pending: Vec<&'f MigrationPair>,
    /// Why nothing may be applied: files changed, renamed, renumbered or gone.
    pub problems: Vec<Box<Problem>>,
    /// What is worth knowing and stops nothing.
    pub notices: Vec<Message>,
}

/// Holds the files against the ledger.
pub fn survey<'f>(pairs: &'f [MigrationPair], applied: &[AppliedMigration]) -> Survey<'f> {
    let by_number: BTreeMap<MigrationNumber, &MigrationPair> = pairs.iter().map(|pair| (pair.number, pair)).collect();
    let applied_numbers: BTreeSet<MigrationNumber> = applied.iter().map(|it| it.number).collect();
    let unapplied_by_checksum: BTreeMap<Checksum, &MigrationPair> = pairs
        .iter()
        .filter(|pair| !applied_numbers.contains(&pair.number))
        .map(|pair| (pair.up.checksum, pair))
        .collect();
    let mut survey = Survey { applied: Vec::new(), pending: Vec::new(), problems: Vec::new(), notices: Vec::new() };
    for migration in applied {
        let file = by_number.get(&migration.number).copied();
        let moved_to = unapplied_by_checksum.get(&migration.up_checksum).copied();
        let state = file_state(migration, file, moved_to);
        // A migration that stopped between its steps may be mended and carried on with.
        if migration.complete || state != FileState::Changed {
            survey.problems.extend(problem_of(migration, state, file, moved_to));
        }
        if let (FileState::DownChanged, Some(pair)) = (state, file) {
            survey.notices.push(message!("drift-down-changed", path = pair.down.path.as_ref()));
        }
        survey.applied.push((migration.clone(), state));
    }
    survey.applied.sort_by_key(|(migration, _)| migration.number);
    survey.pending = pairs.iter().filter(|pair| !applied_numbers.contains(&pair.number)).collect();
    survey
}

fn file_state(
    migration: &AppliedMigration,
    file: Option<&MigrationPair>,
    moved_to: Option<&MigrationPair>,
) -> FileState {
    match (file, moved_to) {
        (None, Some(_)) => FileState::Renumbered,
        (None, None) => FileState::Missing,
        (Some(pair), _) if pair.up.checksum != migration.up_checksum => match moved_to {
            Some(_) => FileState::Renumbered,
            None => FileState::Changed,
        },
        (Some(pair), _) if pair.name != migration.name => FileState::Renamed,
        (Some(pair), _) if pair.down.checksum != migration.down_checksum => FileState::DownChanged,
        (Some(_), _) => FileState::Same,
    }
}

fn problem_of(
    migration: &AppliedMigration,
    state: FileState,
    file: Option<&MigrationPair>,
    moved_to: Option<&MigrationPair>,
) -> Option<Box<Problem>> {
    let number = || migration.number.to_string();
    let name = || migration.name.to_string();
    let place = |pair: Option<&MigrationPair>| pair.map(|pair| Place::file(pair.up.path.clone()));
    let (problem, place) = match state {
        FileState::Same | FileState::DownChanged => return None,
        FileState::Changed => (
            Problem::refused(message!("drift-changed", number = number(), name = name()))
                .note(message!(
                    "drift-checksums",
                    recorded = migration.up_checksum.to_string(),
                    found = file.map(|pair| pair.up.checksum.to_string()).unwrap_or_default()
                ))
                .hint(message!("drift-changed-hint")),
            place(file),
        ),
        FileState::Renamed => (
            Problem::refused(message!(
                "drift-renamed",
                number = number(),
                name = name(),
                found = file.map(|pair| pair.name.to_string()).unwrap_or_default()
            ))
            .hint(message!("drift-renamed-hint")),
            place(file),
        ),
        FileState::Renumbered => (
            Problem::refused(message!(
                "drift-renumbered",
                number = number(),
                name = name(),
                found = moved_to.map(|pair| pair.number.to_string()).unwrap_or_default()
            ))
            .hint(message!("drift-renumbered-hint", number = number())),
            place(moved_to),
        ),
        FileState::Missing => (
            Problem::refused(message!("drift-missing", number = number(), name = name()))
                .hint(message!("drift-missing-hint")),
            None,
        ),
    };
    Some(match place {
        Some(place) => problem.at(place),
        None => problem,
    })
}

/// Stage-1 migrations that are due but numbered below one that is applied already: another branch was
/// merged late, and the order here would not be the order that was tested.
pub fn out_of_order(due: &[(MigrationNumber, Stage)], applied: &[AppliedMigration]) -> Vec<MigrationNumber> {
    let highest = applied.iter().map(|it| it.number).max();
    due.iter()
        .filter(|(number, stage)| *stage == Stage::Expand && highest.is_some_and(|highest| *number < highest))
        .map(|(number, _)| *number)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Kind;
    use crate::parse::{FoundFile, pair_up};
    use crate::plan::AppliedSeq;

    fn pairs(files: &[(&str, &str)]) -> Vec<MigrationPair> {
        let found = files.iter().flat_map(|(stem, sql)| {
            [("up", *sql), ("down", "SELECT 0")].map(|(direction, text)| FoundFile {
                path: format!("{stem}_{direction}.sql").into(),
                name: format!("{stem}_{direction}.sql"),
                bytes: Ok(text.as_bytes().to_vec()),
            })
        });
        pair_up(found.collect()).pairs
    }

    fn applied(files: &[(&str, &str)]) -> Vec<AppliedMigration> {
        (1..)
            .zip(pairs(files))
            .map(|(seq, pair)| AppliedMigration {
                seq: AppliedSeq(seq),
                number: pair.number,
                kind: Kind::SchemaAdd,
                stage: Stage::Expand,
                up_checksum: pair.up.checksum,
                down_checksum: pair.down.checksum,
                name: pair.name,
                complete: true,
            })
            .collect()
    }

    fn check(files: &[(&str, &str)], was: &[(&str, &str)], states: &[FileState], pending: &[i64], problems: &[&str]) {
        let pairs = pairs(files);
        let survey = survey(&pairs, &applied(was));
        assert_eq!(survey.applied.iter().map(|(_, state)| *state).collect::<Vec<_>>(), states);
        assert_eq!(survey.pending.iter().map(|pair| pair.number.get()).collect::<Vec<_>>(), pending);
        assert_eq!(survey.problems.iter().map(|it| it.message.id).collect::<Vec<_>>(), problems);
    }

    #[test]
    fn every_way_a_file_can_differ_has_its_own_word() {
        use FileState as F;
        check(&[("1_a", "x"), ("2_b", "y")], &[("1_a", "x")], &[F::Same], &[2], &[]);
        check(&[("1_a", "z")], &[("1_a", "x")], &[F::Changed], &[], &["drift-changed"]);
        check(&[("1_c", "x")], &[("1_a", "x")], &[F::Renamed], &[], &["drift-renamed"]);
        check(&[("3_a", "x")], &[("1_a", "x")], &[F::Renumbered], &[3], &["drift-renumbered"]);
        check(&[("1_b", "y"), ("2_a", "x")], &[("1_a", "x")], &[F::Renumbered], &[2], &["drift-renumbered"]);
        check(&[("2_b", "y")], &[("1_a", "x")], &[F::Missing], &[2], &["drift-missing"]);
    }

    #[test]
    fn late_numbers_are_noticed_in_stage_1_only() {
        let applied = applied(&[("1_a", "x"), ("4_b", "y")]);
        let number = |digits| MigrationNumber::parse(digits).unwrap();
        let due = [(number("2"), Stage::Expand), (number("3"), Stage::Contract), (number("5"), Stage::Expand)];
        assert_eq!(out_of_order(&due, &applied), [number("2")]);
    }
}
