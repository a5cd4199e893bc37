//! Writes what rules would do about their findings, where that silences them and leaves all else as it is.
//!
//! Every remedy is tried on a copy of the files, which is then read and looked at like any others. What is written
//! to a disk, and whether it may be, is decided by the caller.

mod draft;
mod layout;
mod safety;
mod split;

use std::collections::BTreeSet;
use std::sync::Arc;

use lockkeeper_core::model::{Message, MigrationName};
use lockkeeper_core::parse::MigrationFile;

use crate::check::{Options, check};
use crate::report::Finding;
use crate::rule::Migration;
use draft::Draft;

/// A migration's files, or one file by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    pub name: MigrationName,
    pub up: MigrationFile,
    pub down: Option<MigrationFile>,
}

impl Source {
    pub fn files(&self) -> impl Iterator<Item = &MigrationFile> {
        [Some(&self.up), self.down.as_ref()].into_iter().flatten()
    }
}

/// What came of it.
#[derive(Debug)]
pub struct Fixed {
    /// The files as they would be, in the order in which they run.
    pub sources: Vec<Source>,
    /// Findings that are gone.
    pub mended: Vec<Finding>,
    /// Findings that must be mended by hand, each with the reason.
    pub by_hand: Vec<(Finding, Message)>,
}

/// What the caller decides.
pub struct Callers<'c> {
    /// Whether a finding is meant to be mended.
    pub is_meant: &'c dyn Fn(&Finding) -> bool,
    /// Why a file must stay as it is, where it must.
    pub is_held: &'c dyn Fn(&str) -> Option<Message>,
    /// Reads the files; on as many processors as the caller has.
    pub read: &'c dyn for<'s> Fn(&'s [Source]) -> Vec<Migration<'s>>,
}

/// Tries every remedy, one after the other, until no more can be written.
pub fn fix(mut sources: Vec<Source>, options: &Options, callers: &Callers<'_>) -> Fixed {
    let mut mended = Vec::new();
    let mut by_hand: Vec<(Finding, Message)> = Vec::new();
    let mut refused = BTreeSet::new();
    loop {
        let read = (callers.read)(&sources);
        let before = check(&read, options).findings;
        let mut changed = None;
        // What is refused leaves the files as they are, so the next one is tried on the same reading.
        for finding in before.iter().filter(|it| it.remedy.is_some() && (callers.is_meant)(it)) {
            if refused.contains(&key(finding)) {
                continue;
            }
            match attempt(&sources, &read, &before, finding, options, callers) {
                Ok(after) => {
                    mended.push(finding.clone());
                    changed = Some(after);
                    break;
                }
                Err(why) => {
                    refused.insert(key(finding));
                    by_hand.push((finding.clone(), why));
                }
            }
        }
        match changed {
            Some(after) => sources = after,
            None => break,
        }
    }
    Fixed { sources, mended, by_hand }
}

/// What tells one finding from another, wherever in its file it stands.
fn key(finding: &Finding) -> (&'static str, Arc<str>, String, Option<String>) {
    let line = finding.place.snippet.as_ref().map(|snippet| snippet.line.clone());
    (finding.rule, Arc::clone(&finding.place.path), finding.message.to_string(), line)
}

/// The files with one remedy applied, or why that must not be.
fn attempt(
    sources: &[Source],
    read: &[Migration<'_>],
    before: &[Finding],
    finding: &Finding,
    options: &Options,
    callers: &Callers<'_>,
) -> Result<Vec<Source>, Message> {
    let draft = Draft::of(sources, read, finding)?;
    let old: BTreeSet<(&str, &str)> = texts(sources);
    let new: BTreeSet<(&str, &str)> = texts(&draft.sources);
    if let Some(why) = old.difference(&new).find_map(|(path, _)| (callers.is_held)(path)) {
        return Err(why);
    }
    let after = (callers.read)(&draft.sources);
    let found = check(&after, options).findings;
    match safety::objection(read, &after, before, &found, finding, &draft) {
        Some(why) => Err(why),
        None => Ok(draft.sources),
    }
}

fn texts(sources: &[Source]) -> BTreeSet<(&str, &str)> {
    sources.iter().flat_map(Source::files).map(|file| (file.path.as_ref(), file.text.as_str())).collect()
}

#[cfg(test)]
mod tests;
