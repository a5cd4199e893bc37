//! `lint --fix`: which files may be changed, the changes as a diff, and the writing.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use lockkeeper_core::message;
use lockkeeper_core::model::{Answer, Message, MigrationNumber, Problem};
use lockkeeper_engine::ledger;
use lockkeeper_lint::check::Options;
use lockkeeper_lint::fix::{Callers, Fixed, Source, fix};
use lockkeeper_lint::report::Finding;
use similar::TextDiff;

use super::{Args, files, read};
use crate::cli::context::Context;

/// Tries what can be mended; nothing is written yet.
pub fn attempt(
    sources: Vec<Source>,
    is_meant: &dyn Fn(&Finding) -> bool,
    options: &Options,
    args: &Args,
    context: &Context<'_>,
) -> Answer<Fixed> {
    let applied = if args.db { context.wait(applied(context))? } else { BTreeSet::new() };
    let project = &context.settings.project_dir;
    let is_held = |path: &str| {
        let number = Path::new(path).file_name().and_then(|name| name.to_str()).and_then(number_of);
        if number.is_some_and(|number| applied.contains(&number)) {
            return Some(message!("fix-applied"));
        }
        (!args.allow_dirty && is_dirty(&files::on_disk(path, project))).then(|| message!("fix-dirty"))
    };
    let callers = Callers { is_meant, is_held: &is_held, read: &read };
    Ok(fix(sources, options, &callers))
}

/// The numbers that the ledger knows: what was applied must stay as it was.
async fn applied(context: &Context<'_>) -> Answer<BTreeSet<MigrationNumber>> {
    let snapshot = ledger::read(&context.connect().await?).await?;
    Ok(snapshot.iter().flat_map(|it| &it.applied).map(|row| row.migration.number).collect())
}

fn number_of(file: &str) -> Option<MigrationNumber> {
    MigrationNumber::parse(file.split_once('_')?.0)
}

/// Whether git could not bring the file back: it is not known to it, or was changed and not added. Without git, or
/// outside of a working tree, nobody can say.
fn is_dirty(path: &Path) -> bool {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut git = Command::new("git");
    git.current_dir(folder).args(["status", "--porcelain", "-z", "--ignored", "--untracked-files=all", "--"]);
    git.arg(path.file_name().unwrap_or_default()).stdin(Stdio::null());
    // Two letters: the index, and the working tree.
    git.output().is_ok_and(|told| told.status.success() && told.stdout.get(1).is_some_and(|state| *state != b' '))
}

/// One file that becomes another; `None` where there is none.
pub struct Change {
    pub path: String,
    pub before: Option<String>,
    pub after: Option<String>,
}

/// What would be written, in the order of the paths.
pub fn changes(before: &[Source], after: &[Source]) -> Vec<Change> {
    let texts = |sources: &[Source]| -> BTreeMap<String, String> {
        sources.iter().flat_map(Source::files).map(|file| (file.path.to_string(), file.text.clone())).collect()
    };
    let (mut old, mut new) = (texts(before), texts(after));
    let paths: BTreeSet<String> = old.keys().chain(new.keys()).cloned().collect();
    let all = paths.into_iter().map(|path| {
        let (before, after) = (old.remove(&path), new.remove(&path));
        Change { path, before, after }
    });
    all.filter(|change| change.before != change.after).collect()
}

/// As `diff -u` and `git diff` write it.
pub fn diff(change: &Change) -> String {
    let (old, new) = (change.before.as_deref().unwrap_or(""), change.after.as_deref().unwrap_or(""));
    let name = |side: &str, there: bool| {
        let path = change.path.replace(char::is_control, "?");
        if there { format!("{side}/{path}") } else { "/dev/null".to_owned() }
    };
    let (a, b) = (name("a", change.before.is_some()), name("b", change.after.is_some()));
    TextDiff::from_lines(old, new).unified_diff().context_radius(3).header(&a, &b).to_string().trim_end().to_owned()
}

/// Writes all changes: new files and new texts first, so that nothing is ever missing.
pub fn write(changes: &[Change], context: &Context<'_>) -> Answer<()> {
    let path = |change: &Change| files::on_disk(&change.path, &context.settings.project_dir);
    for change in changes {
        if let Some(text) = &change.after {
            // A file that came meanwhile is somebody else's.
            let is_new = change.before.is_none();
            replace(&path(change), text, is_new).map_err(|error| unwritable(&change.path, &error))?;
        }
    }
    for change in changes.iter().filter(|change| change.after.is_none()) {
        std::fs::remove_file(path(change)).map_err(|error| unwritable(&change.path, &error))?;
    }
    Ok(())
}

fn unwritable(path: &str, error: &std::io::Error) -> Box<Problem> {
    Problem::usage(message!("fix-unwritable", path = path, reason = error.to_string()))
}

/// The whole file at once, with the permissions that it had.
fn replace(path: &Path, text: &str, is_new: bool) -> std::io::Result<()> {
    // What a link leads to is changed, not the link.
    let path = if is_new { path.to_owned() } else { path.canonicalize()? };
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut file = tempfile::Builder::new().prefix(".lockkeeper-").suffix(".tmp").tempfile_in(folder)?;
    file.write_all(text.as_bytes())?;
    let like = if is_new { sibling(folder) } else { Some(path.clone()) };
    if let Some(like) = like {
        file.as_file().set_permissions(std::fs::metadata(like)?.permissions())?;
    }
    file.as_file().sync_all()?;
    if is_new {
        file.persist_noclobber(&path)?
    } else {
        file.persist(&path)?
    };
    Ok(())
}

/// A file of the folder, whose permissions a new one gets: a temporary file has those of a secret.
fn sibling(folder: &Path) -> Option<PathBuf> {
    let files = std::fs::read_dir(folder).ok()?.filter_map(Result::ok).map(|entry| entry.path());
    files.filter(|path| path.extension().is_some_and(|end| end == "sql") && path.is_file()).min()
}

/// The findings that stay, each with the reason where it has a remedy that must not be written.
pub fn by_hand(findings: &mut [Finding], fixed: &Fixed) {
    for finding in findings {
        let same = |(other, _): &&(Finding, Message)| {
            other.rule == finding.rule && other.place.path == finding.place.path && other.message == finding.message
        };
        if let Some((_, why)) = fixed.by_hand.iter().find(same) {
            finding.help = message!("fix-by-hand", help = finding.help.clone(), why = why.clone());
        }
    }
}
