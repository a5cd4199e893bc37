//! `stage1`: the first gate.

use lockkeeper_core::model::{Answer, Stage};

use super::stage::{self, StageArgs, Way};
use crate::cli::context::Context;

/// Apply every pending stage-1 migration: what it adds, the running code does not notice
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  lockkeeper stage1\n  lockkeeper stage1 --file-order   # build a new, unused database from all files"
)]
pub struct Args {
    #[command(flatten)]
    stage: StageArgs,
    /// Stop after the migration with this number
    #[arg(long, value_name = "NUMBER")]
    to: Option<String>,
    /// Apply both stages in the order of the files, without the gates of stage 2: for a database that
    /// nothing runs on yet, such as a new environment built from an adopted history
    #[arg(long)]
    file_order: bool,
    /// Allow migrations numbered below one that is applied already
    #[arg(long)]
    out_of_order: bool,
}

pub async fn run(args: &Args, context: &Context<'_>) -> Answer<u8> {
    let way = Way {
        stage: Stage::Expand,
        to: args.to.as_deref(),
        file_order: args.file_order,
        out_of_order: args.out_of_order,
    };
    stage::run(&args.stage, way, context).await
}
