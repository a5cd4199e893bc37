//! The files of the repository, by their path from its root.

use std::collections::BTreeMap;
use std::path::Path;

/// Path from the repository's root, always with `/`, and the text.
pub type Files = BTreeMap<String, String>;

/// Hidden names belong to somebody's editor, to git, or to what was fetched: all but these.
const HIDDEN_BUT_OURS: [&str; 3] = [".ci", ".env.example", ".github"];

/// What is made rather than written.
fn is_skipped(name: &str) -> bool {
    let is_hidden = name.starts_with('.') && !HIDDEN_BUT_OURS.contains(&name);
    is_hidden || name == "target" || name == "node_modules"
}

/// Every file of the repository that is text.
pub fn all() -> Files {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).expect("the crate is two folders down");
    let mut files = Files::new();
    walk(root, "", &mut files);
    assert!(files.contains_key("Cargo.toml"), "the repository's root is not where it is looked for");
    files
}

/// The Rust sources among them.
pub fn rust() -> Files {
    all().into_iter().filter(|(path, _)| is_rust(path)).collect()
}

pub fn is_rust(path: &str) -> bool {
    path.starts_with("crates/") && Path::new(path).extension().is_some_and(|extension| extension == "rs")
}

fn walk(folder: &Path, prefix: &str, files: &mut Files) {
    let entries = std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    for entry in entries {
        let entry = entry.expect("a folder's entry");
        let name = entry.file_name().into_string().expect("a file's name in UTF-8");
        let path = format!("{prefix}{name}");
        let kind = entry.file_type().expect("a file's type");
        if is_skipped(&name) {
            continue;
        }
        if kind.is_dir() {
            walk(&entry.path(), &format!("{path}/"), files);
        } else if kind.is_file()
            && let Ok(text) = std::fs::read_to_string(entry.path())
        {
            files.insert(path, text);
        }
    }
}
