//! `new`: the next numbered pair.

use std::io::Write;

use lockkeeper_core::message;
use lockkeeper_core::model::{Answer, Kind, MigrationName, Problem};

use crate::cli::context::Context;

/// Create the next numbered up/down pair
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  lockkeeper new add_users_full_name\n\n\
The name says the kind: add_* and create_* are schema_add (stage 1), remove_* and drop_* are field_remove\n\
(stage 2), every other name is schema_modify, whose stage its effects decide.")]
pub struct Args {
    /// What the migration does, in `snake_case`: `add_users_full_name`
    name: String,
}

pub fn run(args: &Args, context: &Context<'_>) -> Answer<u8> {
    let fits = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-');
    let name = MigrationName::new(args.name.as_str()).filter(|name| name.as_str().chars().all(fits));
    let Some(name) = name else {
        return Err(
            Problem::usage(message!("new-name-unfit", name = args.name.as_str())).hint(message!("new-name-hint"))
        );
    };
    let folder = context.folder()?;
    if let Some(problem) = Problem::all(folder.problems) {
        return Err(problem);
    }
    let last = folder.pairs.last();
    let next = last.map_or(1, |pair| pair.number.get() + 1);
    let (width, dotted) = last.map_or((2, false), |pair| style_of(&pair.up.path));
    let stem = format!("{next:0width$}_{name}");
    let separator = if dotted { "." } else { "_" };
    let shown = |direction: &str| format!("{stem}{separator}{direction}.sql");
    let (up, down) = (shown("up"), shown("down"));
    write(context, &up, &up_text(&name))?;
    write(
        context,
        &down,
        "-- Undoes the up script. Destroying data on the way back loses what was written meanwhile.\n",
    )?;
    let relative = context.settings.migrations.strip_prefix(&context.settings.project_dir);
    let folder = relative.unwrap_or(&context.settings.migrations).display().to_string();
    let paths = [format!("{folder}/{up}"), format!("{folder}/{down}")];
    for path in &paths {
        context.printer.line(path);
    }
    context.printer.answer(&serde_json::json!({ "created": paths, "kind": name.kind().as_str() }));
    Ok(0)
}

/// How the newest file is numbered and named, so that the next one looks alike.
fn style_of(path: &str) -> (usize, bool) {
    let file = path.rsplit('/').next().unwrap_or(path);
    let digits = file.find(|c: char| !c.is_ascii_digit()).unwrap_or(2);
    (digits, file.ends_with(".up.sql"))
}

fn up_text(name: &MigrationName) -> String {
    let promise = match name.kind() {
        Kind::SchemaAdd => "-- Stage 1: only adds; the code that runs now must not notice.",
        Kind::FieldRemove => "-- Stage 2: removes what no running code uses any more.",
        Kind::SchemaModify => "-- Its effects decide the stage; `lockkeeper plan` tells which.",
    };
    format!("{promise}\n")
}

fn write(context: &Context<'_>, file: &str, text: &str) -> Answer<()> {
    let path = context.settings.migrations.join(file);
    let written = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(&path)
        .and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|error| Problem::usage(message!("file-not-written", path = file, reason = error.to_string())))
}
