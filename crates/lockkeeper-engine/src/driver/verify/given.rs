//! Rows that somebody gives: a dump, instead of rows that are made up. What its rows say is told nowhere.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use lockkeeper_core::message;
use lockkeeper_core::model::{Answer, LineColumn, Place, Problem, ServerReport};
use lockkeeper_core::sample::{Dump, DumpFault, DumpReader};

use crate::postgres::{Connection, SampleTable, SqlError, given_tables, put_rows, run_part, tables_in_order};

/// What an archive in `pg_dump`'s custom format begins with.
const ARCHIVE: &[u8] = b"PGDMP";

/// A dump whose rows are put into tables.
#[derive(Debug)]
pub struct GivenRows {
    file: File,
    dump: Dump,
    /// What became of each table of the dump.
    fates: Vec<Fate>,
}

/// What became of a table of a dump, the better the greater.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fate {
    /// There was no table of that name at any migration that was tried on rows.
    NoTable,
    /// There was, but never with the columns of the dump.
    OtherColumns,
    /// The server refused the rows; its SQLSTATE.
    Refused(String),
    Loaded,
}

/// What became of a dump.
#[derive(Debug)]
pub struct GivenReport {
    /// Each table of the dump, by schema and name.
    pub tables: BTreeMap<String, Fate>,
    /// Statements of the dump that are not about rows.
    pub left_out: u64,
}

impl GivenRows {
    /// Reads what a dump holds. An archive is made plain first, with `pg_restore` of these programs or of `PATH`.
    ///
    /// # Errors
    /// A file that cannot be read, or is no dump: with its line.
    pub async fn read(path: &Path, programs: Option<&Path>) -> Answer<Self> {
        let file = if is_archive(path).map_err(|error| unreadable(path, &error))? {
            restored(path, programs).await?
        } else {
            File::open(path).map_err(|error| unreadable(path, &error))?
        };
        let mut reader = DumpReader::default();
        let mut lines = BufReader::new(&file);
        let mut line = Vec::new();
        while lines.read_until(b'\n', &mut line).map_err(|error| unreadable(path, &error))? > 0 {
            reader.line(&line).map_err(|fault| broken(path, fault))?;
            line.clear();
        }
        let dump = reader.end().map_err(|fault| broken(path, fault))?;
        let fates = vec![Fate::NoTable; dump.tables.len()];
        Ok(Self { file, dump, fates })
    }

    /// Puts the dump's rows into these tables, those first that others refer to.
    ///
    /// # Errors
    /// A connection or a file that broke. What the server refuses leaves the table without rows.
    pub async fn fill(&mut self, connection: &Connection, tables: &[&SampleTable]) -> Result<(), SqlError> {
        let there = given_tables(connection, &self.dump.tables).await?;
        for given in there.iter().filter(|it| !it.fits) {
            self.came_to(given.number, Fate::OtherColumns);
        }
        for oid in tables_in_order(tables) {
            let numbers: Vec<usize> = there.iter().filter(|it| it.fits && it.root == oid).map(|it| it.number).collect();
            if numbers.is_empty() {
                continue;
            }
            let parts: Vec<_> = numbers.iter().map(|number| &self.dump.tables[*number]).collect();
            let fate = match put_rows(connection, &self.file, &parts).await {
                Ok(()) => Fate::Loaded,
                Err(SqlError::Server { report, .. }) => Fate::Refused(report.sqlstate),
                Err(lost) => return Err(lost),
            };
            for number in numbers {
                self.came_to(number, fate.clone());
            }
        }
        for part in &self.dump.sequences {
            match run_part(connection, &self.file, part).await {
                // A sequence that is not there yet, or no more, has nothing to be set to.
                Ok(()) | Err(SqlError::Server { .. }) => {}
                Err(lost) => return Err(lost),
            }
        }
        Ok(())
    }

    fn came_to(&mut self, number: usize, fate: Fate) {
        let known = &mut self.fates[number];
        if fate > *known {
            *known = fate;
        }
    }

    pub fn report(self) -> GivenReport {
        let name = |it: &lockkeeper_core::sample::DumpTable| format!("{}.{}", it.schema, it.name);
        let mut tables = BTreeMap::new();
        for (name, fate) in self.dump.tables.iter().map(name).zip(self.fates) {
            let known = tables.entry(name).or_insert(Fate::NoTable);
            *known = fate.max(known.clone());
        }
        GivenReport { tables, left_out: self.dump.left_out }
    }
}

/// What failed on given rows, without the server's words, which may tell values.
pub fn without_values(problem: &Problem) -> Box<Problem> {
    let kept = problem.server.as_ref().map(|server| ServerReport {
        severity: server.severity.clone(),
        sqlstate: server.sqlstate.clone(),
        ..ServerReport::default()
    });
    let mut told = Problem::new(problem.exit, problem.message.clone());
    told.place.clone_from(&problem.place);
    told.server = kept;
    told.note(message!("verify-words-withheld"))
}

fn is_archive(path: &Path) -> std::io::Result<bool> {
    if path.is_dir() {
        return Ok(true);
    }
    let mut head = Vec::new();
    File::open(path)?.take(5).read_to_end(&mut head)?;
    Ok(head == ARCHIVE)
}

/// The archive's rows as a plain dump, in a file that nobody else can read and that is gone when it is closed.
async fn restored(path: &Path, programs: Option<&Path>) -> Answer<File> {
    let own = std::env::var_os("PATH").unwrap_or_default();
    let places = programs.map(Path::to_owned).into_iter().chain(std::env::split_paths(&own));
    let found: Vec<PathBuf> = places.map(|dir| dir.join("pg_restore")).filter(|it| it.is_file()).collect();
    let shown = path.display().to_string();
    if found.is_empty() {
        return Err(Problem::usage(message!("dump-no-restore", path = shown)).hint(message!("dump-no-restore-hint")));
    }
    for program in &found {
        let file = tempfile::tempfile().map_err(|error| unreadable(path, &error))?;
        let output = file.try_clone().map_err(|error| unreadable(path, &error))?;
        let mut command = tokio::process::Command::new(program);
        command.args(["--data-only", "--file=-", "--"]).arg(path).stdin(Stdio::null()).stdout(output);
        let status = command.stderr(Stdio::null()).kill_on_drop(true).status().await;
        if status.is_ok_and(|status| status.success()) {
            use std::io::Seek;
            (&file).rewind().map_err(|error| unreadable(path, &error))?;
            return Ok(file);
        }
    }
    let programs = found.iter().map(|it| it.display().to_string()).collect::<Vec<_>>().join(", ");
    Err(Problem::usage(message!("dump-not-restored", path = shown, programs = programs)))
}

fn unreadable(path: &Path, error: &std::io::Error) -> Box<Problem> {
    Problem::usage(message!("dump-no-file", path = path.display().to_string(), reason = error.to_string()))
}

/// Its line is named and not shown: it may be a row.
fn broken(path: &Path, fault: DumpFault) -> Box<Problem> {
    let place =
        Place { at: Some(LineColumn { line: fault.line, column: 1 }), ..Place::file(path.display().to_string()) };
    Problem::usage(fault.message).at(place)
}
