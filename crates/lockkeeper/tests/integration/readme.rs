//! The README's session is what happens: every command is run and every line compared.
//!
//! `UPDATE_DOCS=1 cargo test -p lockkeeper --test integration readme` writes what happens into the README.

use std::path::{Path, PathBuf};

use lockkeeper_testkit::{Database, Project};

const START: &str = "```console\n";
const END: &str = "```\n";

#[test]
fn the_session_of_the_readme_is_what_happens() {
    let database = Database::create();
    let project = project(&database);
    let english = Readme::read("README.md");
    let commands: Vec<&str> = english.session().lines().filter_map(|line| line.strip_prefix("$ ")).collect();
    assert!(commands.len() > 10, "the session is gone");
    let happened: String = commands.iter().map(|command| happened(command, &project, &database)).collect();
    for readme in [&english, &Readme::read("README.ko.md")] {
        readme.compare(&happened);
    }
}

/// A README with its session.
struct Readme {
    path: PathBuf,
    text: String,
    session: std::ops::Range<usize>,
}

impl Readme {
    fn read(name: &str) -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(name);
        let text = std::fs::read_to_string(&path).unwrap();
        let marker = text.find("<!-- transcript:").expect("the README marks its session");
        let start = marker + text[marker..].find(START).expect("the session follows its mark") + START.len();
        let end = start + text[start..].find(END).expect("the session ends");
        Self { path, text, session: start..end }
    }

    fn session(&self) -> &str {
        &self.text[self.session.clone()]
    }

    fn compare(&self, happened: &str) {
        if std::env::var_os("UPDATE_DOCS").is_some() {
            let (before, after) = (&self.text[..self.session.start], &self.text[self.session.end..]);
            std::fs::write(&self.path, format!("{before}{happened}{after}")).unwrap();
            return;
        }
        // Line by line, so that a difference is shown where it is.
        for (number, (written, happened)) in self.session().lines().zip(happened.lines()).enumerate() {
            assert_eq!(written, happened, "line {} of the session in {}", number + 1, self.path.display());
        }
        assert_eq!(self.session().lines().count(), happened.lines().count());
    }
}

/// A shell in an empty folder that finds `lockkeeper` on its PATH.
fn project(database: &Database) -> Project {
    let program = PathBuf::from(env!("CARGO_BIN_EXE_lockkeeper"));
    let folder = program.parent().unwrap().display().to_string();
    let path = format!("{folder}:{}", std::env::var("PATH").unwrap_or_default());
    Project::new("/bin/sh").with_env(database.env()).with_env([
        ("PATH", path.as_str()),
        ("LOCKKEEPER_ACTOR", "dev@example.org"),
        ("GIT_CEILING_DIRECTORIES", "/"),
    ])
}

fn happened(command: &str, project: &Project, database: &Database) -> String {
    let finished = project.lockkeeper(["-c", &format!("exec 2>&1; {command}")]);
    let command_line = format!("$ {command}");
    let printed = finished.stdout.lines().map(|line| normalise(line, database));
    let lines: Vec<_> = std::iter::once(command_line).chain(printed).collect();
    format!("{}\n", lines.join("\n"))
}

/// What differs from run to run, made equal: times, hashes, and this test's own server.
fn normalise(line: &str, database: &Database) -> String {
    let socket = database.target().server();
    let line = line.replace(&socket, "localhost:5432").replace(database.name(), "shop");
    let mut words: Vec<String> = line.split(' ').map(normalise_word).collect();
    for at in 1..words.len() {
        if words[at].trim_end_matches(|c: char| !c.is_alphanumeric()) == "ms" {
            "3".clone_into(&mut words[at - 1]);
        }
        if words[at] == "s" && words.get(at + 1).is_some_and(|next| next.starts_with("ago")) {
            "(2".clone_into(&mut words[at - 1]);
        }
        if words[at - 1] == "PostgreSQL" && words[at].starts_with(|c: char| c.is_ascii_digit()) {
            "18.4".clone_into(&mut words[at]);
        }
    }
    words.join(" ").trim_end().to_owned()
}

fn normalise_word(word: &str) -> String {
    let is_time = word.len() >= 20 && word.contains('T') && word.ends_with('Z') && word.starts_with("20");
    let bare = word.trim_start_matches("sha256:");
    let is_hash = bare.len() >= 32 && bare.chars().all(|c| c.is_ascii_hexdigit() || c == '-');
    if is_time {
        "2026-11-22T21:00:00Z".to_owned()
    } else if is_hash {
        word.replace(bare, "0f3b9c2e…")
    } else {
        word.to_owned()
    }
}
