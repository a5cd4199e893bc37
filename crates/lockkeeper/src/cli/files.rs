//! Reading the migrations' folder, in one pass.

use std::path::Path;

use lockkeeper_core::message;
use lockkeeper_core::model::{Answer, Problem};
use lockkeeper_core::parse::{Folder, FoundFile, pair_up};

/// Reads every file of a folder and pairs them up. `project_dir` is left off the paths that are shown.
pub fn read_folder(folder: &Path, project_dir: &Path) -> Answer<Folder> {
    let shown = folder.strip_prefix(project_dir).unwrap_or(folder).display().to_string();
    let unreadable = |error: &std::io::Error| {
        let missing = error.kind() == std::io::ErrorKind::NotFound;
        let problem = if missing {
            Problem::usage(message!("folder-missing", path = shown.as_str()))
        } else {
            Problem::usage(message!("folder-unreadable", path = shown.as_str(), reason = error.to_string()))
        };
        problem.hint(message!("folder-hint"))
    };
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(|error| unreadable(&error))? {
        let entry = entry.map_err(|error| unreadable(&error))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if !name.to_ascii_lowercase().ends_with(".sql") {
            continue;
        }
        let bytes = std::fs::read(entry.path()).map_err(|error| error.to_string());
        files.push(FoundFile { path: format!("{shown}/{name}").into(), name, bytes });
    }
    // The order in which a folder is listed is no order at all, and messages should not depend on it.
    files.sort_by(|left, right| left.name.cmp(&right.name));
    Ok(pair_up(files))
}
