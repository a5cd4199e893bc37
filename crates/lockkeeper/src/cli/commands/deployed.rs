//! `deployed`: the new code is out.

use lockkeeper_core::message;
use lockkeeper_core::model::{Answer, Problem};
use lockkeeper_engine::driver::{Deployed, record_deploy};

use crate::cli::context::{Context, WaitArgs};
use crate::printer::Tone;

/// Record that the new code is deployed and answers requests
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  lockkeeper deployed --version 3.0")]
pub struct Args {
    /// The version that is out now
    #[arg(long, value_name = "VERSION", default_value = "unnamed")]
    version: String,
    #[command(flatten)]
    waiting: WaitArgs,
}

pub async fn run(args: &Args, context: &Context<'_>) -> Answer<u8> {
    if args.version.trim().is_empty() {
        return Err(Problem::usage(message!("deployed-version-empty")));
    }
    let pairs = context.pairs()?;
    let session = context.session(args.waiting).await?;
    let printer = context.printer;
    match record_deploy(&session, &pairs, args.version.trim(), &mut |progress| context.report(progress)).await? {
        Deployed::NothingWaits => {
            printer.say(&message!("deployed-nothing-waits"));
            printer.answer(&serde_json::json!({ "recorded": false }));
        }
        Deployed::Recorded { release_id, state } => {
            let said = message!(
                "deployed-recorded",
                version = args.version.as_str(),
                release = release_id,
                state = state.as_str()
            );
            printer.say_in(&said, Tone::Good);
            printer.answer(&serde_json::json!({
                "recorded": true, "release": release_id, "state": state.as_str(), "version": args.version,
            }));
        }
    }
    Ok(0)
}
