//! Which files are looked at: paths, the configured folder, or what a branch adds.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use lockkeeper_core::message;
use lockkeeper_core::model::{Answer, Checksum, MigrationName, Problem};
use lockkeeper_core::parse::MigrationFile;
use lockkeeper_lint::fix::Source;

use super::Args;

/// What is looked at.
pub struct Files {
    /// In the order in which they run.
    pub migrations: Vec<Source>,
    /// The paths that are reported; `None` is all of them. The others only tell what was there before.
    pub only: Option<BTreeSet<String>>,
}

pub fn find(args: &Args, migrations: &Path, project_dir: &Path) -> Answer<Files> {
    let configured = [migrations.to_owned()];
    let paths: &[PathBuf] = if args.paths.is_empty() { &configured } else { &args.paths };
    let mut sql = BTreeSet::new();
    let mut only = BTreeSet::new();
    let mut whole = true;
    for path in paths {
        if path.is_dir() {
            walk(path, &mut sql)?;
            only.extend(sql.iter().filter(|file| file.starts_with(path)).cloned());
        } else if path.is_file() {
            // Its neighbours tell what it finds when it runs.
            let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
            let normal = folder.join(path.file_name().unwrap_or_default());
            walk(folder, &mut sql)?;
            sql.insert(normal.clone());
            only.insert(normal);
            whole = false;
        } else {
            let shown = path.display().to_string();
            return Err(Problem::usage(message!("folder-missing", path = shown)).hint(message!("folder-hint")));
        }
    }
    if let Some(reference) = &args.since {
        let folder = if paths[0].is_dir() { paths[0].as_path() } else { paths[0].parent().unwrap_or(Path::new(".")) };
        let changed = changed_since(reference, if folder.as_os_str().is_empty() { Path::new(".") } else { folder })?;
        only.retain(|path| path.canonicalize().is_ok_and(|path| changed.contains(&path)));
        whole = false;
    }
    let shown = |path: &Path| {
        let path = path.strip_prefix(project_dir).unwrap_or(path);
        path.strip_prefix(".").unwrap_or(path).display().to_string()
    };
    let only = (!whole).then(|| only.iter().map(|path| shown(path)).collect());
    Ok(Files { migrations: pair_up(sql, &shown)?, only })
}

/// Where a path that was shown stands on the disk.
pub fn on_disk(shown: &str, project_dir: &Path) -> PathBuf {
    project_dir.join(shown)
}

/// Every SQL file below a folder.
fn walk(folder: &Path, files: &mut BTreeSet<PathBuf>) -> Answer<()> {
    let unreadable = |error: &std::io::Error| {
        let (path, reason) = (folder.display().to_string(), error.to_string());
        Problem::usage(message!("folder-unreadable", path = path, reason = reason))
    };
    for entry in std::fs::read_dir(folder).map_err(|error| unreadable(&error))? {
        let entry = entry.map_err(|error| unreadable(&error))?;
        let kind = entry.file_type().map_err(|error| unreadable(&error))?;
        let path = entry.path();
        let is_hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
        if kind.is_dir() && !is_hidden {
            walk(&path, files)?;
        } else if !is_hidden && path.extension().is_some_and(|end| end.eq_ignore_ascii_case("sql")) {
            files.insert(path);
        }
    }
    Ok(())
}

#[derive(PartialEq, Eq)]
enum Side {
    Up,
    Down,
    Alone,
}

/// What a file belongs to, in the order in which migrations run: the number first, and then the name.
fn key(path: &Path) -> ((PathBuf, u64, String), Side) {
    let folder = path.parent().unwrap_or(Path::new("")).to_owned();
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let stem = name.get(..name.len().saturating_sub(4)).unwrap_or(&name).to_owned();
    let number = |text: &str| {
        let digits: String = text.trim_start_matches(['V', 'v']).chars().take_while(char::is_ascii_digit).collect();
        digits.parse().unwrap_or(u64::MAX)
    };
    // One folder for each migration: 2024-01-01-000000_name/up.sql.
    for (whole, side) in [("up", Side::Up), ("down", Side::Down)] {
        if stem == whole {
            let own = folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            let parent = folder.parent().unwrap_or(Path::new("")).to_owned();
            // The dates of such folders are written with dashes and without, and order as if there were none.
            return ((parent, u64::MAX, own.replace('-', "")), side);
        }
    }
    for (ending, side) in [("_up", Side::Up), (".up", Side::Up), ("_down", Side::Down), (".down", Side::Down)] {
        if let Some(stem) = stem.strip_suffix(ending) {
            return ((folder, number(stem), stem.to_owned()), side);
        }
    }
    ((folder, number(&stem), stem), Side::Alone)
}

fn pair_up(paths: BTreeSet<PathBuf>, shown: &(dyn Fn(&Path) -> String + Sync)) -> Answer<Vec<Source>> {
    let paths: Vec<PathBuf> = paths.into_iter().collect();
    let files = in_parallel(&paths, |path| read(path, &shown(path)));
    let mut slots: BTreeMap<_, (Option<MigrationFile>, Option<MigrationFile>)> = BTreeMap::new();
    let mut problems = Vec::new();
    for (path, file) in paths.iter().zip(files) {
        let file = match file {
            Ok(file) => file,
            Err(problem) => {
                problems.push(problem);
                continue;
            }
        };
        let (key, side) = key(path);
        let slot = slots.entry(key).or_default();
        match side {
            Side::Down => slot.1 = Some(file),
            Side::Up | Side::Alone => slot.0 = Some(file),
        }
    }
    if let Some(problem) = Problem::all(problems) {
        return Err(problem);
    }
    let mut found = Vec::new();
    for ((_, _, stem), (up, down)) in slots {
        // A down script without its up is looked at by itself.
        let (up, down) = match (up, down) {
            (Some(up), down) => (up, down),
            (None, Some(down)) => (down, None),
            (None, None) => continue,
        };
        let plain = stem.trim_start_matches(|c: char| c.is_ascii_digit() || matches!(c, '_' | '-' | '.' | 'V' | 'v'));
        let name = MigrationName::new(plain).or_else(|| MigrationName::new("migration"));
        found.extend(name.map(|name| Source { name, up, down }));
    }
    Ok(found)
}

/// Fewer are read sooner than a thread begins.
const FILES_PER_THREAD_MIN: usize = 32;

/// The same work on each of many, on all processors, in their order.
pub fn in_parallel<'i, I: Sync, O: Send>(all: &'i [I], work: impl Fn(&'i I) -> O + Sync) -> Vec<O> {
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let share = all.len().div_ceil(threads).max(FILES_PER_THREAD_MIN);
    std::thread::scope(|scope| {
        let work = &work;
        let begin = |part: &'i [I]| scope.spawn(move || part.iter().map(work).collect::<Vec<O>>());
        let parts: Vec<_> = all.chunks(share).map(begin).collect();
        let done = parts.into_iter().map(std::thread::ScopedJoinHandle::join);
        done.flat_map(|part| part.unwrap_or_else(|panic| std::panic::resume_unwind(panic))).collect()
    })
}

fn read(path: &Path, shown: &str) -> Answer<MigrationFile> {
    let unreadable = |reason: String| Problem::usage(message!("file-unreadable", path = shown, reason = reason));
    let bytes = std::fs::read(path).map_err(|error| unreadable(error.to_string()))?;
    let checksum = Checksum::of(&bytes);
    let text = String::from_utf8(bytes).map_err(|error| unreadable(error.to_string()))?;
    Ok(MigrationFile { path: shown.into(), text, checksum })
}

/// The files that git says were added or changed since a commit, and those that it does not know yet.
fn changed_since(reference: &str, folder: &Path) -> Answer<BTreeSet<PathBuf>> {
    let top = git(folder, &["rev-parse", "--show-toplevel"], reference)?;
    let top = PathBuf::from(top.trim());
    // `--end-of-options` keeps a reference that begins with a dash from being read as a flag.
    let base = git(folder, &["merge-base", "--end-of-options", reference, "HEAD"], reference)?;
    let changed = git(&top, &["diff", "--name-only", "-z", "--diff-filter=d", base.trim(), "--"], reference)?;
    let unknown = git(&top, &["ls-files", "--others", "--exclude-standard", "-z"], reference)?;
    let names = changed.split('\0').chain(unknown.split('\0')).filter(|name| !name.is_empty());
    Ok(names.filter_map(|name| top.join(name).canonicalize().ok()).collect())
}

fn git(folder: &Path, args: &[&str], reference: &str) -> Answer<String> {
    let failed = |reason: &str| Problem::usage(message!("lint-git-failed", reference = reference, reason = reason));
    let output = Command::new("git").current_dir(folder).args(args).stdin(Stdio::null()).output();
    let output = output.map_err(|error| failed(&error.to_string()))?;
    if !output.status.success() {
        return Err(failed(String::from_utf8_lossy(&output.stderr).trim()));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn migrations_stand_in_the_order_in_which_they_run() {
        let mut paths = [
            "m/2017-09-23-182408_b/up.sql",
            "m/20170804200817_a/up.sql",
            "n/10_b_up.sql",
            "n/9_a.up.sql",
            "n/V2__x.sql",
        ];
        paths.sort_by_key(|path| key(Path::new(path)).0);
        let expected = [
            "m/20170804200817_a/up.sql",
            "m/2017-09-23-182408_b/up.sql",
            "n/V2__x.sql",
            "n/9_a.up.sql",
            "n/10_b_up.sql",
        ];
        assert_eq!(paths, expected);
    }
}
