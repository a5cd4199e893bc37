//! `init`: what a project needs, written once and never over anything.

use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use lockkeeper_core::message;
use lockkeeper_core::model::{Answer, Problem};

use crate::cli::context::Context;
use crate::printer::Tone;

/// Write lockkeeper.toml, migrations/, .env.example, `allowed_signers` and migrate-up.sh; never overwrites
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  lockkeeper init")]
pub struct Args {}

struct Template {
    path: &'static str,
    text: &'static str,
    mode: u32,
}

const TEMPLATES: [Template; 4] = [
    Template { path: "lockkeeper.toml", text: include_str!("init/lockkeeper.toml"), mode: 0o644 },
    Template { path: ".env.example", text: include_str!("init/.env.example"), mode: 0o644 },
    Template { path: "allowed_signers", text: include_str!("init/allowed_signers"), mode: 0o644 },
    Template { path: "migrate-up.sh", text: include_str!("init/migrate-up.sh"), mode: 0o755 },
];

pub fn run(_: &Args, context: &Context<'_>) -> Answer<u8> {
    let project = context.settings.project_dir.clone();
    let (mut written, mut kept) = (Vec::new(), Vec::new());
    for template in &TEMPLATES {
        let new = write_new(&project, template)?;
        if new { written.push(template.path) } else { kept.push(template.path) }
    }
    let migrations = project.join("migrations");
    if migrations.is_dir() {
        kept.push("migrations/");
    } else {
        std::fs::create_dir_all(&migrations).map_err(|error| failed("migrations/", &error))?;
        written.push("migrations/");
    }
    if ignore_dotenv(&project)? {
        written.push(".gitignore");
    } else {
        kept.push(".gitignore");
    }
    let printer = context.printer;
    for path in &written {
        printer.say_in(&message!("init-written", path = *path), Tone::Good);
    }
    for path in &kept {
        printer.say_in(&message!("init-kept", path = *path), Tone::Quiet);
    }
    printer.say(&message!("init-next"));
    printer.answer(&serde_json::json!({ "written": written, "kept": kept }));
    Ok(0)
}

fn failed(path: &str, error: &std::io::Error) -> Box<Problem> {
    Problem::usage(message!("file-not-written", path = path, reason = error.to_string()))
}

/// Whether the file was new. `create_new` leaves no gap in which a file could be overwritten.
fn write_new(project: &Path, template: &Template) -> Answer<bool> {
    let opened =
        std::fs::OpenOptions::new().write(true).create_new(true).mode(template.mode).open(project.join(template.path));
    match opened {
        Ok(mut file) => {
            file.write_all(template.text.as_bytes()).map_err(|error| failed(template.path, &error))?;
            Ok(true)
        }
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(failed(template.path, &error)),
    }
}

/// Adds `.env` to `.gitignore` unless it stands there; whether something was added.
fn ignore_dotenv(project: &Path) -> Answer<bool> {
    const PATH: &str = ".gitignore";
    let path = project.join(PATH);
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(failed(PATH, &error)),
    };
    if text.lines().any(|line| matches!(line.trim(), ".env" | "/.env")) {
        return Ok(false);
    }
    let gap = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
    let added = format!("{gap}{}", include_str!("init/gitignore"));
    let mut file =
        std::fs::OpenOptions::new().append(true).create(true).open(&path).map_err(|error| failed(PATH, &error))?;
    file.write_all(added.as_bytes()).map_err(|error| failed(PATH, &error))?;
    Ok(true)
}
