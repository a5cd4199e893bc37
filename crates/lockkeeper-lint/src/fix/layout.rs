//! Names of numbered pairs: where a new one goes, and what it is called.

use lockkeeper_core::message;
use lockkeeper_core::model::{Checksum, Message, MigrationName};
use lockkeeper_core::parse::MigrationFile;

use super::Source;

/// How a pair's files are called: `folder`, the number's digits, and what stands before `up.sql`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pair {
    folder: String,
    digits: String,
    separator: char,
    /// Between the number and `up`.
    pub name: String,
}

impl Pair {
    /// `None` for a file without its pair, and for the layouts of other projects.
    pub fn of(source: &Source) -> Option<Self> {
        let up = Self::read(&source.up.path, "up.sql")?;
        let down = Self::read(&source.down.as_ref()?.path, "down.sql")?;
        (up.folder == down.folder && up.digits == down.digits).then_some(up)
    }

    fn read(path: &str, ending: &str) -> Option<Self> {
        let (folder, file) = path.rfind('/').map_or(("", path), |at| path.split_at(at + 1));
        let stem = file.strip_suffix(ending)?;
        let separator = stem.chars().last().filter(|c| matches!(c, '_' | '.'))?;
        let (digits, name) = stem[..stem.len() - 1].split_once('_')?;
        let is_numbered = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) && !name.is_empty();
        is_numbered.then(|| Self {
            folder: folder.to_owned(),
            digits: digits.to_owned(),
            separator,
            name: name.to_owned(),
        })
    }

    fn number(&self) -> Option<u64> {
        self.digits.parse().ok()
    }

    /// The pair under another name.
    #[must_use]
    pub fn named(&self, name: &str) -> Self {
        Self { name: name.to_owned(), ..self.clone() }
    }

    /// The next pair behind all of the folder, and where it stands among the sources. Its number is written as wide
    /// as the one of this pair.
    pub fn next(&self, sources: &[Source], name: &str) -> Result<(usize, Self), Message> {
        let other = || message!("fix-other-layout");
        let in_folder = |it: &Source| it.up.path.rfind('/').map_or("", |at| &it.up.path[..=at]) == self.folder;
        let pairs = sources.iter().enumerate().filter(|(_, it)| in_folder(it));
        let mut last = None;
        for (index, source) in pairs {
            let number = Self::of(source).and_then(|pair| pair.number()).ok_or_else(other)?;
            last = last.max(Some((number, index)));
        }
        let (number, index) = last.ok_or_else(other)?;
        let digits = format!("{:0width$}", number.checked_add(1).ok_or_else(other)?, width = self.digits.len());
        Ok((index + 1, Self { digits, name: name.to_owned(), ..self.clone() }))
    }

    /// The pair with its texts.
    pub fn source(&self, up: String, down: String) -> Result<Source, Message> {
        let file = |side: &str, text: String| {
            let path = format!("{}{}_{}{}{side}.sql", self.folder, self.digits, self.name, self.separator);
            MigrationFile { path: path.into(), checksum: Checksum::of(text.as_bytes()), text }
        };
        let name = MigrationName::new(self.name.as_str()).ok_or_else(|| message!("fix-other-layout"))?;
        Ok(Source { name, up: file("up", up), down: Some(file("down", down)) })
    }
}

/// A name for a file out of names of the database; `None` where they hold more than plain letters.
pub fn plain(parts: &[&str]) -> Option<String> {
    const CHARS_MAX: usize = 80;
    let name = parts.join("_");
    let fits = name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
    (fits && name.len() <= CHARS_MAX).then_some(name)
}
