//! What `lint` knows of the live database: from itself, or from a file.

use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use lockkeeper_core::classify::Facts;
use lockkeeper_core::message;
use lockkeeper_core::model::{Answer, ExitClass, Place, Problem, ServerVersion, Span};
use lockkeeper_engine::postgres::{FactsDocument, FactsFault, read_facts_document};

use super::Args;
use crate::cli::context::Context;
use crate::printer::Tone;
use crate::settings::LINT_VERSION_DEFAULT;

/// After so many days a file may tell of tables that have grown meanwhile.
const OLD_DAYS: i64 = 7;

pub fn of(args: &Args, context: &Context<'_>) -> Answer<Facts> {
    let document = match &args.facts {
        Some(path) => from_file(path, context)?,
        None if args.db => context.wait(from_database(context))?,
        None => return Ok(Facts::default()),
    };
    let (found, configured) = (document.version(), context.settings.lint.version);
    if found.major() != configured.major() && configured != LINT_VERSION_DEFAULT {
        let said = message!("lint-facts-version", found = found.major(), configured = configured.major());
        context.printer.note_in(&said, Tone::Waiting);
    }
    let mut facts = document.facts();
    // Whose session will run the files, and in which time zone, nobody knows here.
    if let Some(server) = &mut facts.server {
        server.zone_is_utc = false;
    }
    Ok(facts)
}

/// The server that the files must run on: the live one, where the project names none.
pub fn version(facts: &Facts, context: &Context<'_>) -> ServerVersion {
    let configured = context.settings.lint.version;
    let live = facts.server.as_ref().filter(|_| configured == LINT_VERSION_DEFAULT);
    live.map_or(configured, |server| server.version)
}

/// Everything that is known, to be told or to be kept.
pub async fn from_database(context: &Context<'_>) -> Answer<FactsDocument> {
    let connection = context.connect().await?;
    read_facts_document(&connection, context.settings.limits.lock_timeout).await.map_err(|error| {
        let exit = if error.is_transient() { ExitClass::Busy } else { ExitClass::Usage };
        error.problem(exit, message!("facts-unreadable-database")).note(message!("nothing-changed"))
    })
}

fn from_file(path: &Path, context: &Context<'_>) -> Answer<FactsDocument> {
    let shown: Arc<str> = path.display().to_string().into();
    let text = std::fs::read_to_string(path).map_err(|error| {
        Problem::usage(message!("facts-file-unreadable", path = shown.as_ref(), reason = error.to_string()))
            .hint(message!("facts-file-hint"))
    })?;
    let document = FactsDocument::from_file(&text).map_err(|fault| match fault {
        FactsFault::Version(found) => {
            Problem::usage(message!("facts-file-version", path = shown.as_ref(), found = found))
                .hint(message!("facts-file-hint"))
        }
        FactsFault::Broken { offset, reason } => Problem::usage(message!("facts-file-broken", reason = reason))
            .at(Place::span(Arc::clone(&shown), &text, Span::new(offset, offset)))
            .hint(message!("facts-file-hint")),
    })?;
    let days = (Timestamp::now().as_second() - document.taken_at) / 86_400;
    if days > OLD_DAYS {
        let said = message!("lint-facts-old", path = shown.as_ref(), days = days);
        context.printer.note_in(&said, Tone::Waiting);
    }
    Ok(document)
}
