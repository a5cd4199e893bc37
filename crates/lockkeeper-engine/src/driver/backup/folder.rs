//! The folder of a backup: half-made under a name that no backup has, whole by one rename.

use std::fs::{DirBuilder, File};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use lockkeeper_core::message;
use lockkeeper_core::model::{Answer, Problem};

use crate::seams::{random_id, wall_clock};

/// Beside the manifest, what `pg_dump` wrote.
pub const DUMP: &str = "dump";
const HALF_MADE: &str = ".half-made-";
/// A program that was killed may write for a moment longer.
const REMOVALS_MAX: usize = 5;

/// A folder that is being filled. Dropped before it is whole, it is removed; should we be killed, the next backup
/// removes it, because nobody holds its lock then.
#[derive(Debug)]
pub struct HalfMade {
    path: PathBuf,
    whole: PathBuf,
    /// Locked while this process lives.
    _lock: File,
    is_whole: bool,
}

impl HalfMade {
    /// A new folder below `parent`, which is made when it is not there; and how many half-made ones of the dead
    /// were removed.
    ///
    /// # Errors
    /// A folder that cannot be made, written to or locked.
    pub fn create(parent: &Path, database: &str) -> Answer<(Self, usize)> {
        let around = |error: std::io::Error| trouble(parent, &error);
        DirBuilder::new().recursive(true).mode(0o700).create(parent).map_err(around)?;
        let parent = parent.canonicalize().map_err(around)?;
        // One at a time: between a folder's making and its locking it looks like one of the dead.
        let turn = File::open(&parent).map_err(around)?;
        turn.lock().map_err(around)?;
        let removed = remove_dead(&parent).map_err(around)?;
        let name = name(database);
        let path = parent.join(format!("{HALF_MADE}{name}"));
        DirBuilder::new().mode(0o700).create(&path).map_err(|error| trouble(&path, &error))?;
        let lock = File::open(&path).and_then(|lock| lock.lock().map(|()| lock));
        let lock = lock.map_err(|error| trouble(&path, &error))?;
        Ok((Self { path, whole: parent.join(name), _lock: lock, is_whole: false }, removed))
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn dump(&self) -> PathBuf {
        self.path.join(DUMP)
    }

    /// Writes the last file and gives the folder its name: from then on it is a backup.
    ///
    /// # Errors
    /// A disk that is full or does not hold what it was given.
    pub fn finish(mut self, file: &str, contents: &[u8]) -> Answer<PathBuf> {
        let finish = || {
            let path = self.path.join(file);
            std::fs::write(&path, contents)?;
            File::open(&path)?.sync_all()?;
            File::open(&self.path)?.sync_all()?;
            std::fs::rename(&self.path, &self.whole)?;
            File::open(self.whole.parent().unwrap_or(&self.whole))?.sync_all()
        };
        finish().map_err(|error| trouble(&self.whole, &error))?;
        self.is_whole = true;
        Ok(self.whole.clone())
    }
}

impl Drop for HalfMade {
    fn drop(&mut self) {
        for _ in 0..REMOVALS_MAX {
            if self.is_whole || !self.path.exists() || std::fs::remove_dir_all(&self.path).is_ok() {
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(100));
        }
    }
}

/// Half-made folders that nobody fills any more.
fn remove_dead(parent: &Path) -> std::io::Result<usize> {
    let mut removed = 0;
    for entry in std::fs::read_dir(parent)?.flatten() {
        let is_half_made = entry.file_name().to_string_lossy().starts_with(HALF_MADE);
        let is_dead = || File::open(entry.path()).is_ok_and(|folder| folder.try_lock().is_ok());
        if is_half_made && is_dead() && std::fs::remove_dir_all(entry.path()).is_ok() {
            removed += 1;
        }
    }
    Ok(removed)
}

/// `shop-20261122T220635Z-3f2a1c`: sorted by time, and never there already.
fn name(database: &str) -> String {
    let tame: String = database.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).take(40).collect();
    let at = wall_clock().strftime("%Y%m%dT%H%M%SZ");
    format!("{tame}-{at}-{}", &random_id()[..6])
}

/// How many bytes are free where the folder is, for whom we are.
pub fn free_bytes(folder: &Path) -> Option<u64> {
    let found = nix::sys::statvfs::statvfs(folder).ok()?;
    #[expect(clippy::useless_conversion, reason = "the width of these numbers depends on the system")]
    let (blocks, size) = (u64::from(found.blocks_available()), u64::from(found.fragment_size()));
    blocks.checked_mul(size)
}

/// The sum of what the files of a folder hold; what vanishes meanwhile counts nothing.
pub fn bytes_in(folder: &Path) -> u64 {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.metadata().ok()).filter(std::fs::Metadata::is_file).map(|it| it.len()).sum()
}

pub fn trouble(path: &Path, error: &std::io::Error) -> Box<Problem> {
    let path = path.display().to_string();
    Problem::usage(message!("backup-folder-trouble", path = path, reason = error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(parent: &Path) -> Vec<String> {
        let entries = std::fs::read_dir(parent).unwrap().flatten();
        entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
    }

    #[test]
    fn a_folder_has_its_name_only_when_it_is_whole() {
        let parent = tempfile::tempdir().unwrap();
        let (given_up, _) = HalfMade::create(parent.path(), "Shop \"x\"/../y").unwrap();
        assert!(names(parent.path())[0].starts_with(HALF_MADE));
        drop(given_up);
        assert!(names(parent.path()).is_empty());
        let (half, removed) = HalfMade::create(parent.path(), "Shop \"x\"/../y").unwrap();
        let whole = half.finish("manifest.json", b"{}").unwrap();
        assert_eq!((names(parent.path()).len(), removed), (1, 0));
        assert!(whole.file_name().unwrap().to_str().unwrap().starts_with("Shop__x_____y-"), "{}", whole.display());
        assert_eq!(std::fs::read(whole.join("manifest.json")).unwrap(), b"{}");
    }

    #[test]
    fn only_the_half_made_of_the_dead_are_removed() {
        let parent = tempfile::tempdir().unwrap();
        std::fs::create_dir(parent.path().join(".half-made-shop-1")).unwrap();
        std::fs::write(parent.path().join(".half-made-shop-1/toc.dat"), "x").unwrap();
        let (alive, removed) = HalfMade::create(parent.path(), "shop").unwrap();
        assert_eq!(removed, 1);
        let (second, removed) = HalfMade::create(parent.path(), "shop").unwrap();
        assert_eq!((removed, names(parent.path()).len()), (0, 2));
        assert_ne!(alive.path(), second.path());
    }
}
