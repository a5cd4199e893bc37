//! A folder of migration files → numbered pairs, and everything that is wrong with it in one go.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::message;
use crate::model::{Checksum, Message, MigrationName, MigrationNumber, Place, Problem, Span};

/// A file as it was found; reading it happens elsewhere.
#[derive(Debug)]
pub struct FoundFile {
    /// As shown to people, relative to where they stand.
    pub path: Arc<str>,
    /// The file's name without folders.
    pub name: String,
    /// Its bytes, or why they could not be read.
    pub bytes: Result<Vec<u8>, String>,
}

/// How a pair's files are named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Layout {
    /// `07_add_users_up.sql`, `07_add_users_down.sql`
    Underscore,
    /// `07_add_users.up.sql`, `07_add_users.down.sql`
    Dot,
}

/// One of a pair's two files, with its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MigrationFile {
    pub path: Arc<str>,
    pub text: String,
    pub checksum: Checksum,
}

/// A migration's two files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MigrationPair {
    pub number: MigrationNumber,
    pub name: MigrationName,
    pub up: MigrationFile,
    pub down: MigrationFile,
}

/// What a folder holds, in the order of the numbers.
#[derive(Debug, Default)]
pub struct Folder {
    pub pairs: Vec<MigrationPair>,
    /// What is worth knowing and stops nothing.
    pub notices: Vec<Message>,
    pub problems: Vec<Box<Problem>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Direction {
    Up,
    Down,
}

impl Direction {
    const fn word(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Down => "down",
        }
    }
}

/// The parts of a file's name.
struct FileName<'n> {
    number: MigrationNumber,
    digits: &'n str,
    name: &'n str,
    direction: Direction,
    layout: Layout,
}

fn read_name(name: &str) -> Option<FileName<'_>> {
    const ENDINGS: [(&str, Direction, Layout); 4] = [
        ("_up.sql", Direction::Up, Layout::Underscore),
        ("_down.sql", Direction::Down, Layout::Underscore),
        (".up.sql", Direction::Up, Layout::Dot),
        (".down.sql", Direction::Down, Layout::Dot),
    ];
    let (stem, direction, layout) = ENDINGS
        .iter()
        .find_map(|(ending, direction, layout)| Some((name.strip_suffix(ending)?, *direction, *layout)))?;
    let (digits, rest) = stem.split_once('_')?;
    Some(FileName { number: MigrationNumber::parse(digits)?, digits, name: rest, direction, layout })
}

/// One number's files while the folder is being read.
#[derive(Default)]
struct Slot {
    up: Vec<(FoundFile, Layout)>,
    down: Vec<(FoundFile, Layout)>,
}

/// Pairs up the files of a folder. Files that do not end in `.sql` are none of ours.
pub fn pair_up(files: Vec<FoundFile>) -> Folder {
    let mut folder = Folder::default();
    let mut slots: BTreeMap<MigrationNumber, BTreeMap<String, Slot>> = BTreeMap::new();
    let is_sql = |file: &FoundFile| file.name.to_ascii_lowercase().ends_with(".sql") && !file.name.starts_with('.');
    for file in files.into_iter().filter(is_sql) {
        let Some(parts) = read_name(&file.name).filter(|parts| MigrationName::new(parts.name).is_some()) else {
            folder.problems.push(
                Problem::refused(message!("file-name-unknown", path = file.path.as_ref()))
                    .at(Place::file(Arc::clone(&file.path)))
                    .hint(message!("file-name-unknown-hint")),
            );
            continue;
        };
        let (layout, direction) = (parts.layout, parts.direction);
        let slot = slots.entry(parts.number).or_default().entry(parts.name.to_owned()).or_default();
        match direction {
            Direction::Up => slot.up.push((file, layout)),
            Direction::Down => slot.down.push((file, layout)),
        }
    }
    for (number, names) in slots {
        pair_of_number(number, names, &mut folder);
    }
    folder
}

fn pair_of_number(number: MigrationNumber, names: BTreeMap<String, Slot>, folder: &mut Folder) {
    let ups = names.values().map(|slot| slot.up.len()).sum::<usize>();
    let downs = names.values().map(|slot| slot.down.len()).sum::<usize>();
    if ups > 1 || downs > 1 {
        folder.problems.push(number_twice(number, &names));
        return;
    }
    // The pair bears the name of its up script, which is what it does.
    let names_differ = names.len() > 1;
    let named = names.iter().find(|(_, slot)| !slot.up.is_empty()).or_else(|| names.iter().next());
    let Some(name) = named.and_then(|(name, _)| MigrationName::new(name.as_str())) else { return };
    let mut slots = Slot::default();
    for slot in names.into_values() {
        slots.up.extend(slot.up);
        slots.down.extend(slot.down);
    }
    match (slots.up.pop(), slots.down.pop()) {
        (Some((up, _)), Some((down, _))) => {
            if names_differ {
                let (up, down) = (up.path.as_ref(), down.path.as_ref());
                folder.notices.push(message!("file-pair-names-differ", up = up, down = down));
            }
            let up = read_text(up, &mut folder.problems);
            let down = read_text(down, &mut folder.problems);
            if let (Some(up), Some(down)) = (up, down) {
                folder.pairs.push(MigrationPair { number, name, up, down });
            }
        }
        (Some((alone, layout)), None) => folder.problems.push(incomplete(&alone, layout, Direction::Down)),
        (None, Some((alone, layout))) => folder.problems.push(incomplete(&alone, layout, Direction::Up)),
        (None, None) => {}
    }
}

fn number_twice(number: MigrationNumber, names: &BTreeMap<String, Slot>) -> Box<Problem> {
    let files: Vec<_> =
        names.values().flat_map(|slot| slot.up.iter().chain(&slot.down)).map(|(file, _)| file).collect();
    let paths = files.iter().map(|file| file.path.as_ref()).collect::<Vec<_>>().join(", ");
    let problem = Problem::refused(message!("file-number-twice", number = number.to_string(), paths = paths))
        .hint(message!("file-number-twice-hint"));
    match files.first() {
        Some(file) => problem.at(Place::file(Arc::clone(&file.path))),
        None => problem,
    }
}

fn incomplete(alone: &FoundFile, layout: Layout, missing: Direction) -> Box<Problem> {
    let separator = match layout {
        Layout::Underscore => "_",
        Layout::Dot => ".",
    };
    let stem = read_name(&alone.name).map(|parts| format!("{}_{}", parts.digits, parts.name)).unwrap_or_default();
    let expected = format!("{stem}{separator}{}.sql", missing.word());
    let problem = Problem::refused(message!("file-pair-incomplete", path = alone.path.as_ref(), expected = expected))
        .at(Place::file(Arc::clone(&alone.path)));
    match missing {
        Direction::Down => problem.hint(message!("file-pair-incomplete-down-hint")),
        Direction::Up => problem.hint(message!("file-pair-incomplete-up-hint")),
    }
}

fn read_text(file: FoundFile, problems: &mut Vec<Box<Problem>>) -> Option<MigrationFile> {
    let place = || Place::file(Arc::clone(&file.path));
    let path = file.path.as_ref();
    let bytes = match file.bytes {
        Ok(bytes) => bytes,
        Err(reason) => {
            problems.push(Problem::refused(message!("file-unreadable", path = path, reason = reason)).at(place()));
            return None;
        }
    };
    let checksum = Checksum::of(&bytes);
    match String::from_utf8(bytes) {
        Ok(text) if text.trim_start_matches('\u{feff}').trim().is_empty() => {
            problems.push(
                Problem::refused(message!("file-empty", path = path)).at(place()).hint(message!("file-empty-hint")),
            );
            None
        }
        Ok(text) if text.contains('\0') => {
            let at = text.find('\0').unwrap_or(0);
            problems.push(
                Problem::refused(message!("file-zero-byte", path = path))
                    .at(Place::span(Arc::clone(&file.path), &text, Span::new(at, at + 1)))
                    .hint(message!("file-not-utf8-hint")),
            );
            None
        }
        Ok(text) => Some(MigrationFile { path: Arc::clone(&file.path), text, checksum }),
        Err(error) => {
            let valid = error.utf8_error().valid_up_to();
            let readable = String::from_utf8_lossy(error.as_bytes());
            problems.push(
                Problem::refused(message!("file-not-utf8", path = path, offset = valid))
                    .at(Place::span(Arc::clone(&file.path), &readable, Span::new(valid, valid + 3)))
                    .hint(message!("file-not-utf8-hint")),
            );
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(name: &str, bytes: &[u8]) -> FoundFile {
        FoundFile { path: format!("migrations/{name}").into(), name: name.into(), bytes: Ok(bytes.to_vec()) }
    }

    fn check(files: &[(&str, &[u8])], pairs: &[&str], problems: &[&str]) {
        let folder = pair_up(files.iter().map(|(name, bytes)| found(name, bytes)).collect());
        let got: Vec<_> = folder.pairs.iter().map(|pair| format!("{} {}", pair.number, pair.name)).collect();
        assert_eq!(got, pairs);
        let got: Vec<_> = folder.problems.iter().map(|problem| problem.message.to_string()).collect();
        assert_eq!(got.len(), problems.len(), "{got:?}");
        for (got, expected) in got.iter().zip(problems) {
            assert!(got.contains(expected), "{got} should hold {expected}");
        }
    }

    #[test]
    fn pairs_both_layouts_in_numeric_order() {
        check(
            &[
                ("10_b_up.sql", b"SELECT 1"),
                ("10_b_down.sql", b"SELECT 1"),
                ("2_a.up.sql", b"SELECT 1"),
                ("002_a.down.sql", b"-- nothing to undo"),
                ("README.md", b""),
            ],
            &["02 a", "10 b"],
            &[],
        );
    }

    #[test]
    fn a_number_used_twice_names_both() {
        check(
            &[("7_a_up.sql", b"x"), ("7_a_down.sql", b"x"), ("07_b_up.sql", b"x"), ("07_b_down.sql", b"x")],
            &[],
            &[
                "file-number-twice number=\"07\" paths=\"migrations/7_a_up.sql, migrations/7_a_down.sql, migrations/07_b",
            ],
        );
        check(&[("1_a_up.sql", b"x"), ("1_a.up.sql", b"x"), ("1_a_down.sql", b"x")], &[], &["file-number-twice"]);
    }

    #[test]
    fn a_pair_bears_the_name_of_its_up_script() {
        let files = [found("1_a_up.sql", b"x"), found("1_b_down.sql", b"x")];
        let folder = pair_up(files.into());
        assert_eq!(folder.pairs[0].name.as_str(), "a");
        assert_eq!(folder.notices[0].id, "file-pair-names-differ");
    }

    #[test]
    fn says_which_half_is_missing() {
        check(&[("1_a_up.sql", b"x")], &[], &["expected=\"1_a_down.sql\""]);
        check(&[("1_a.down.sql", b"x")], &[], &["expected=\"1_a.up.sql\""]);
    }

    #[test]
    fn refuses_what_cannot_be_read() {
        check(&[("1_a_up.sql", b" \r\n"), ("1_a_down.sql", b"x")], &[], &["file-empty"]);
        check(&[("1_a_up.sql", b"SELECT '\xff'"), ("1_a_down.sql", b"x")], &[], &["file-not-utf8"]);
        check(&[("1_a_up.sql", b"SELECT\0 1"), ("1_a_down.sql", b"x")], &[], &["file-zero-byte"]);
        check(
            &[("add_a.sql", b"x"), ("1x_a_up.sql", b"x"), ("1__up.sql", b"x")],
            &[],
            &["file-name-unknown", "file-name-unknown", "file-name-unknown"],
        );
    }
}
