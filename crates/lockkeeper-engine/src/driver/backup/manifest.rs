//! What a backup's folder says of itself: every file with its checksum, and what was in the database at its moment.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use lockkeeper_core::model::Checksum;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::folder::DUMP;

/// The manifest's file, beside the dump.
pub const MANIFEST: &str = "manifest.json";
const FORMAT: u32 = 1;
const PIECE_BYTES: usize = 256 * 1024;

/// The whole manifest. Later versions add keys; a number of its own says when they mean something else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    pub format: u32,
    /// The Lockkeeper that wrote it.
    pub program: String,
    pub database: String,
    pub server_version: i32,
    pub dump_program: String,
    pub dump_major: i32,
    /// The snapshot's moment.
    pub taken_at: String,
    pub wal_position: String,
    pub contents: Contents,
    pub files: Vec<ManifestFile>,
}

/// What the snapshot shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contents {
    pub locale: Locale,
    pub extensions: Vec<String>,
    /// Roles without which it cannot be restored: those that policies and user mappings name.
    pub roles: Vec<String>,
    pub tables: Vec<TableContents>,
    pub sequences: Vec<SequenceContents>,
    pub large_objects: Held,
}

/// What a database has to be made with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Locale {
    pub encoding: String,
    pub collate: String,
    pub ctype: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableContents {
    pub schema: String,
    pub name: String,
    pub held: Held,
}

/// Rows, and what they add up to in whatever order they are read; `None` where they were only counted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    pub count: u64,
    pub sum: Option<String>,
}

/// A sequence is not held by a snapshot: the dump has it as it is then or later.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SequenceContents {
    pub schema: String,
    pub name: String,
    /// `None` when it was never asked.
    pub last: Option<i64>,
    /// Negative for one that counts down; 0 for one that begins again at its end, of which nothing follows.
    pub direction: i8,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManifestFile {
    /// Below the dump's folder.
    pub name: String,
    pub bytes: u64,
    pub sha256: String,
}

/// What is wrong with a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileFault {
    /// It is not what the ledger knows, or cannot be read as a manifest.
    Manifest,
    Missing(String),
    Altered(String),
    /// It was not there when the backup was made.
    Added(String),
}

impl FileFault {
    /// The word in JSON and in the ledger, and the file.
    pub fn told(&self) -> (&'static str, &str) {
        match self {
            Self::Manifest => ("altered", MANIFEST),
            Self::Missing(file) => ("missing", file),
            Self::Altered(file) => ("altered", file),
            Self::Added(file) => ("added", file),
        }
    }
}

impl Manifest {
    pub const fn format() -> u32 {
        FORMAT
    }

    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.bytes).sum()
    }

    pub fn rows(&self) -> u64 {
        self.contents.tables.iter().map(|table| table.held.count).sum()
    }

    pub fn to_json(&self) -> Vec<u8> {
        // Plain structs of texts and numbers always become JSON.
        let mut text = serde_json::to_vec_pretty(self).unwrap_or_default();
        text.push(b'\n');
        text
    }

    /// The manifest of a folder, when it is the one that is expected.
    pub fn read(folder: &Path, expected: Option<Checksum>) -> Result<(Self, Checksum), FileFault> {
        let bytes = std::fs::read(folder.join(MANIFEST)).map_err(|_| FileFault::Missing(MANIFEST.to_owned()))?;
        let checksum = Checksum::of(&bytes);
        if expected.is_some_and(|expected| expected != checksum) {
            return Err(FileFault::Manifest);
        }
        let manifest: Self = serde_json::from_slice(&bytes).map_err(|_| FileFault::Manifest)?;
        if manifest.format != FORMAT {
            return Err(FileFault::Manifest);
        }
        Ok((manifest, checksum))
    }

    /// Files that are gone, added, or of another size: what can be seen without reading them.
    pub fn look(&self, folder: &Path) -> Vec<FileFault> {
        let dump = folder.join(DUMP);
        let there: BTreeSet<String> = names(&dump).unwrap_or_default().into_iter().collect();
        let mut faults = Vec::new();
        for file in &self.files {
            match std::fs::symlink_metadata(dump.join(&file.name)) {
                Ok(found) if found.is_file() && found.len() == file.bytes => {}
                Ok(_) => faults.push(FileFault::Altered(file.name.clone())),
                Err(_) => faults.push(FileFault::Missing(file.name.clone())),
            }
        }
        let known: BTreeSet<&str> = self.files.iter().map(|file| file.name.as_str()).collect();
        faults.extend(there.into_iter().filter(|name| !known.contains(name.as_str())).map(FileFault::Added));
        faults
    }

    /// As [`Self::look`], and every byte is read.
    pub fn compare(&self, folder: &Path, stopped: &AtomicBool) -> Vec<FileFault> {
        let mut faults = self.look(folder);
        for file in &self.files {
            let name = || file.name.clone();
            let is_known = faults.iter().any(|fault| fault.told().1 == file.name);
            if is_known || stopped.load(Ordering::Relaxed) {
                continue;
            }
            match digest(&folder.join(DUMP).join(&file.name), stopped) {
                Ok((_, sha256)) if sha256 == file.sha256 => {}
                Ok(_) => faults.push(FileFault::Altered(name())),
                // A file that cannot be read to its end cannot be restored either.
                Err(_) => faults.push(FileFault::Altered(name())),
            }
        }
        faults
    }
}

/// Every file of a dump with its checksum.
pub fn files_of(dump: &Path, stopped: &AtomicBool) -> std::io::Result<Vec<ManifestFile>> {
    let mut files = Vec::new();
    for name in names(dump)? {
        let (bytes, sha256) = digest(&dump.join(&name), stopped)?;
        files.push(ManifestFile { name, bytes, sha256 });
    }
    Ok(files)
}

/// The names in a dump's folder, which has no folders in it.
fn names(dump: &Path) -> std::io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(dump)? {
        names.push(entry?.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    Ok(names)
}

fn digest(path: &Path, stopped: &AtomicBool) -> std::io::Result<(u64, String)> {
    let mut file = File::open(path)?;
    let (mut hash, mut bytes, mut piece) = (Sha256::new(), 0, vec![0; PIECE_BYTES]);
    loop {
        if stopped.load(Ordering::Relaxed) {
            return Err(std::io::Error::from(std::io::ErrorKind::Interrupted));
        }
        let read = file.read(&mut piece)?;
        if read == 0 {
            break;
        }
        hash.update(&piece[..read]);
        bytes += read as u64;
    }
    // A digest is as long as a checksum.
    let digest = Checksum::from_ledger(&hash.finalize()).map(|digest| digest.to_string()).unwrap_or_default();
    Ok((bytes, digest))
}
