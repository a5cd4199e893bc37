//! `stage2`: the second gate.

use lockkeeper_core::model::{Answer, Stage};

use super::stage::{self, StageArgs, Way};
use crate::cli::context::Context;

/// Apply every pending stage-2 migration, once stage 1, the deploy and an approval stand
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  lockkeeper approve stage2 --reason \"all pods on 3.0\" && lockkeeper stage2")]
pub struct Args {
    #[command(flatten)]
    stage: StageArgs,
}

pub async fn run(args: &Args, context: &Context<'_>) -> Answer<u8> {
    let way = Way { stage: Stage::Contract, to: None, file_order: false, out_of_order: false };
    stage::run(&args.stage, way, context).await
}
