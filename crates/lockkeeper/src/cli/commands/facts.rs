//! `facts export`: what is known of the live database, as a file for `lint --facts`.

use lockkeeper_core::message;
use lockkeeper_core::model::{Answer, ExitClass, Problem};

use super::lint::from_database;
use crate::cli::context::Context;

/// Write what is known of the live database, without any of its data, for lint --facts
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  lockkeeper facts export > facts.json\n  lockkeeper lint --facts facts.json")]
pub struct Args {
    /// What to do
    #[arg(value_enum)]
    action: Action,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Action {
    /// Names, types, sizes, counters, constraints and indexes as JSON; no rows, values, expressions or comments
    Export,
}

pub async fn run(args: &Args, context: &Context<'_>) -> Answer<u8> {
    match args.action {
        Action::Export => {
            let document = from_database(context).await?;
            let text = document.text().map_err(|error| {
                Problem::new(ExitClass::Usage, message!("facts-file-broken", reason = error.to_string()))
            })?;
            context.printer.document(&text);
            Ok(0)
        }
    }
}
