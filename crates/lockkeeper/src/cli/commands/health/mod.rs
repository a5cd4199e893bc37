//! `health check`, `start`, `status`, `export`: everything that a watch would measure; the watch; what it stands at; what
//! it has measured.

mod check;
mod export;
mod start;
mod status;
mod terms;
mod watch_log;

pub use terms::{sources, terms as watch_terms};
pub use watch_log::WatchLog;

use std::net::SocketAddr;
use std::time::Duration;

use lockkeeper_core::message;
use lockkeeper_core::model::{Answer, Problem};

use crate::cli::context::Context;
use crate::settings;

/// Measure whether the application and its database are well
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  lockkeeper health check\n  lockkeeper health check --for 2m --save-baseline\n  \
                        lockkeeper health start --for 10m\n  lockkeeper health start --on-breach './roll-back.sh'\n  \
                        lockkeeper health status\n  lockkeeper health export --since 24h --format csv")]
pub struct Args {
    /// What to do
    #[arg(value_enum)]
    action: Action,
    /// With start: end with a verdict after this time, or at the first breach. With check: measure for so long, as a
    /// watch would
    #[arg(long = "for", value_name = "TIME")]
    lasts: Option<String>,
    /// With check --for: keep what was measured as what is normal, for the release and the watch that follow
    #[arg(long)]
    save_baseline: bool,
    /// With start: run this in a shell at the first breach; its evidence is on its standard input, as JSON
    #[arg(long, value_name = "COMMAND")]
    on_breach: Option<String>,
    /// With start: how each measurement and judgement is logged on standard error [default: human, or json with --json]
    #[arg(long, value_name = "FORMAT", value_enum)]
    log: Option<LogFormat>,
    /// With start: serve metrics for Prometheus at this address, under /metrics [default: metrics in lockkeeper.toml]
    #[arg(long, value_name = "ADDRESS")]
    metrics_listen: Option<SocketAddr>,
    /// With export: csv, or json with an object on each line
    #[arg(long, value_name = "FORMAT", value_enum)]
    format: Option<ExportFormat>,
    /// With export: how far back [default: 24h]
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// With export: this check alone
    #[arg(long, value_name = "NAME")]
    check: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Action {
    /// Make every check of lockkeeper.toml once: exit code 0 when all are well, 1 when one is not, 6 when none is
    /// unwell and one has no data
    Check,
    /// Watch until stopped, or with --for until there is a verdict: 0 healthy, 1 unhealthy, 6 inconclusive. SIGHUP
    /// reads lockkeeper.toml again
    Start,
    /// What the watch stands at, from wherever the database can be reached
    Status,
    /// What was measured, with the share of errors, for other programs
    Export,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum LogFormat {
    /// What is new, in words
    Human,
    /// Everything, an object on each line
    Json,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum ExportFormat {
    /// With a heading
    Csv,
    /// An object on each line
    Json,
}

const UNHEALTHY: u8 = 1;
const INCONCLUSIVE: u8 = 6;

pub async fn run(args: &Args, context: &Context<'_>) -> Answer<u8> {
    belongs(args)?;
    let lasts = args.lasts.as_deref().map(time).transpose()?;
    match args.action {
        Action::Check => match lasts {
            Some(lasts) => check::for_a_while(lasts, args.save_baseline, context).await,
            None => check::once(context).await,
        },
        Action::Start => Box::pin(start::run(args, lasts, context)).await,
        Action::Status => status::run(context).await,
        Action::Export => export::run(args, context).await,
    }
}

/// Each option belongs to one action, and says so.
fn belongs(args: &Args) -> Answer<()> {
    use Action::{Check, Export, Start};
    let options = [
        ("--for", args.lasts.is_some(), &[Start, Check][..]),
        ("--save-baseline", args.save_baseline, &[Check]),
        ("--on-breach", args.on_breach.is_some(), &[Start]),
        ("--log", args.log.is_some(), &[Start]),
        ("--metrics-listen", args.metrics_listen.is_some(), &[Start]),
        ("--format", args.format.is_some(), &[Export]),
        ("--since", args.since.is_some(), &[Export]),
        ("--check", args.check.is_some(), &[Export]),
    ];
    for (option, is_given, actions) in options {
        if is_given && !actions.contains(&args.action) {
            let action = clap::ValueEnum::to_possible_value(&actions[0]);
            let action = action.map_or_else(String::new, |value| value.get_name().to_owned());
            return Err(Problem::usage(message!("health-option", option = option, action = action)));
        }
    }
    if args.save_baseline && args.lasts.is_none() {
        return Err(Problem::usage(message!("health-baseline-for")));
    }
    Ok(())
}

fn time(text: &str) -> Answer<Duration> {
    settings::duration_of(text)
        .filter(|time| !time.is_zero())
        .ok_or_else(|| Problem::usage(message!("settings-duration-invalid", value = text)))
}
