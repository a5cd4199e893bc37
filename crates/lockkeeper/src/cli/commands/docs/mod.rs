//! `docs schema`: a page about the live database's schema, with a diagram.

mod escape;
mod mermaid;
mod page;

use std::io::Write;
use std::path::{Path, PathBuf};

use lockkeeper_core::message;
use lockkeeper_core::model::{Answer, ExitClass, Problem};
use lockkeeper_engine::postgres::{Catalog, read_catalog};
use serde_json::json;

use crate::cli::context::Context;

/// Write a page about the live database's schema: every table and view, and a diagram; reads only
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  lockkeeper docs schema --output docs/schema.md\n  lockkeeper docs schema --schema public --schema billing\n\n\
The page has the same order and the same words for the same schema, so that it can be kept in git and its changes be read."
)]
pub struct Args {
    /// What to write
    #[arg(value_enum)]
    what: What,
    /// Write it into this file, instead of on standard output
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// This schema alone; may be given more than once [default: all but PostgreSQL's, extensions' and our own]
    #[arg(long = "schema", value_name = "NAME")]
    schemas: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum What {
    /// Markdown with a Mermaid diagram; with --json the same as data
    Schema,
}

pub async fn run(args: &Args, context: &Context<'_>) -> Answer<u8> {
    let What::Schema = args.what;
    let catalog = read(&args.schemas, context).await?;
    let printer = context.printer;
    match &args.output {
        Some(path) => {
            write(path, &page::page(&catalog, printer))?;
            let shown = path.display().to_string();
            let tables = catalog.relations.iter().filter(|relation| relation.kind.is_table()).count();
            let views = catalog.relations.len() - tables;
            printer.say(&message!("docs-written", path = shown.as_str(), tables = tables, views = views));
            printer.answer(&json!({ "written": shown, "tables": tables, "views": views }));
        }
        None if printer.is_json() => printer.answer(&json!(catalog)),
        None => printer.document(page::page(&catalog, printer).trim_end()),
    }
    Ok(0)
}

async fn read(schemas: &[String], context: &Context<'_>) -> Answer<Catalog> {
    let connection = context.connect().await?;
    let wanted = (!schemas.is_empty()).then_some(schemas);
    let catalog = read_catalog(&connection, wanted, context.settings.limits.lock_timeout).await;
    connection.close().await;
    let catalog = catalog.map_err(|error| {
        let exit = if error.is_transient() { ExitClass::Busy } else { ExitClass::Usage };
        error.problem(exit, message!("docs-unreadable")).note(message!("nothing-changed"))
    })?;
    let is_there = |name: &&String| catalog.schemas.iter().any(|schema| schema.name == **name);
    match schemas.iter().find(|name| !is_there(name)) {
        Some(missing) => Err(Problem::usage(message!("docs-no-schema", name = missing.as_str()))),
        None => Ok(catalog),
    }
}

/// In one piece: whoever reads it meanwhile sees the page of before, or this one.
fn write(path: &Path, text: &str) -> Answer<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let written = tempfile::Builder::new().permissions(open_to_readers()).tempfile_in(folder).and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        file.persist(path).map_err(|error| error.error)
    });
    written.map(drop).map_err(|error| {
        let path = path.display().to_string();
        Problem::usage(message!("docs-cannot-write", path = path, reason = error.to_string()))
    })
}

/// As any file is made: what the umask leaves of it.
fn open_to_readers() -> std::fs::Permissions {
    use std::os::unix::fs::PermissionsExt;
    std::fs::Permissions::from_mode(0o666)
}
