//! The house's own rules, as tests: who may import whom, the manners of a file, and both catalogues.
//!
//! Everything here reads the sources as text and needs only the standard library. Each check is a function from
//! a path and a text to offences, so each is also tested on a few lines that it must refuse.

mod catalogue;
mod files;
mod imports;
mod manners;
mod tokens;

/// One line that breaks a rule, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Offence {
    path: String,
    line: usize,
    what: String,
    way_out: String,
}

impl Offence {
    fn new(path: &str, line: usize, what: impl Into<String>, way_out: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line, what: what.into(), way_out: way_out.into() }
    }
}

impl std::fmt::Display for Offence {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}: {}\n    {}", self.path, self.line, self.what, self.way_out)
    }
}

/// Fails with all offences at once, so that they are mended in one go.
#[track_caller]
fn none(offences: impl IntoIterator<Item = Offence>) {
    let list: Vec<String> = offences.into_iter().map(|offence| offence.to_string()).collect();
    assert!(list.is_empty(), "{} to mend:\n{}\n", list.len(), list.join("\n"));
}

/// For the tests of a check: what it found, as `line what`.
fn found(offences: Vec<Offence>) -> Vec<String> {
    offences.into_iter().map(|offence| format!("{} {}", offence.line, offence.what)).collect()
}
