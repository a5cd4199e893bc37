//! `health check`, `start`, `status`: everything that a watch would measure, once; the watch; what it stands at.

mod start;
mod status;

pub use start::{log as tell_watch, request as watch_request};

use std::path::PathBuf;

use lockkeeper_core::health::{Measures, Role, Rules};
use lockkeeper_core::message;
use lockkeeper_core::model::{Answer, Message, Problem, Stage, Verdict};
use lockkeeper_core::plan::plan_up;
use lockkeeper_engine::driver::{Looked, look_at_all};
use lockkeeper_engine::probe::{
    CertificateProbe, CommandProbe, CountersProbe, DatabaseProbe, ExpectedSchema, HostProbe, HttpProbe, KnownMigration,
    PromqlProbe, Reading, SchemaHead, Source, WitnessProbe, Word,
};

use crate::cli::context::Context;
use crate::printer::{Cell, Table, Tone};
use crate::settings::{HealthCheck, HealthSource};

/// Measure whether the application and its database are well
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  lockkeeper health check\n  lockkeeper health start --for 10m\n  \
                        lockkeeper health start --on-breach './roll-back.sh'\n  lockkeeper health status")]
pub struct Args {
    /// What to do
    #[arg(value_enum)]
    action: Action,
    /// With start: end with a verdict after this time, or at the first breach
    #[arg(long = "for", value_name = "TIME")]
    lasts: Option<String>,
    /// With start: run this in a shell at the first breach; its evidence is on its standard input, as JSON
    #[arg(long, value_name = "COMMAND")]
    on_breach: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Action {
    /// Make every check of lockkeeper.toml once: exit code 0 when all are well, 1 when one is not, 6 when none is
    /// unwell and one has no data
    Check,
    /// Watch until stopped, or with --for until there is a verdict: 0 healthy, 1 unhealthy, 6 inconclusive
    Start,
    /// What the watch stands at, from wherever the database can be reached
    Status,
}

const UNHEALTHY: u8 = 1;
const INCONCLUSIVE: u8 = 6;

pub async fn run(args: &Args, context: &Context<'_>) -> Answer<u8> {
    let is_start = args.action == Action::Start;
    if !is_start && (args.lasts.is_some() || args.on_breach.is_some()) {
        return Err(Problem::usage(message!("health-only-start")));
    }
    match args.action {
        Action::Check => check(context).await,
        Action::Start => start::run(args.lasts.as_deref(), args.on_breach.as_deref(), context).await,
        Action::Status => status::run(context).await,
    }
}

/// The checks with their sources, or what to write first.
pub fn sources(context: &Context<'_>) -> Answer<Vec<(HealthCheck, Source)>> {
    let health = &context.settings.health;
    if health.checks.is_empty() {
        return Err(Problem::usage(message!("health-no-checks")).hint(message!("health-no-checks-hint")));
    }
    health.checks.iter().map(|check| Ok((check.clone(), source(check, context)?))).collect()
}

async fn check(context: &Context<'_>) -> Answer<u8> {
    let health = &context.settings.health;
    let sources = sources(context)?.into_iter().map(|(check, source)| (check.check, source)).collect();
    let witness = health.witness.clone().map(WitnessProbe::new);
    let (looked, word) = look_at_all(sources, witness, &health.rules).await;
    let thin: Vec<Message> = health.checks.iter().filter_map(|check| thin(check, &health.rules)).collect();
    tell(context, &looked, word.as_ref(), &thin);
    let judged = || looked.iter().filter(|one| one.check.role == Role::Judged).map(|one| one.verdict);
    Ok(if judged().any(|verdict| verdict == Verdict::Fail) {
        UNHEALTHY
    } else if judged().all(|verdict| verdict == Verdict::Pass) && judged().count() > 0 {
        0
    } else {
        INCONCLUSIVE
    })
}

/// Settings become a source that can be asked.
fn source(check: &HealthCheck, context: &Context<'_>) -> Answer<Source> {
    if let Some(problem) = &check.problem {
        return Err(problem.clone());
    }
    Ok(match &check.source {
        HealthSource::Http { request, expected } => {
            Source::Http(Box::new(HttpProbe::new((**request).clone(), expected.clone())))
        }
        HealthSource::Counters { request, place } => {
            Source::Counters(Box::new(CountersProbe::new((**request).clone(), place.clone())))
        }
        HealthSource::Promql { server, query, bound } => {
            Source::Promql(Box::new(PromqlProbe::new((**server).clone(), query, *bound)))
        }
        HealthSource::Certificate { request, bound } => {
            Source::Certificate(Box::new(CertificateProbe::new((**request).clone(), *bound)))
        }
        HealthSource::Database { bounds, schema_fails, limit } => {
            let target = context.settings.target()?.clone();
            let schema = expected_schema(schema_fails, context)?;
            Source::Database(Box::new(DatabaseProbe::new(target, *bounds, schema, *limit)))
        }
        HealthSource::Host { subject, bounds } => {
            Source::Host(Box::new(HostProbe::new(PathBuf::from("/"), subject.clone(), *bounds)))
        }
        HealthSource::Command { line, bound } => Source::Command(Box::new(CommandProbe::new(line.clone(), *bound))),
    })
}

/// What the migrations' folder says of the schema: what belongs to stage 1 has to be there, what belongs to stage 2
/// may be.
fn expected_schema(fails: &[SchemaHead], context: &Context<'_>) -> Answer<Option<ExpectedSchema>> {
    if fails.is_empty() {
        return Ok(None);
    }
    let pairs = context.pairs()?;
    let known = pairs.iter().map(|pair| {
        let is_due = plan_up(pair)?.stage() == Stage::Expand;
        Ok(KnownMigration { number: pair.number, checksum: pair.up.checksum, is_due })
    });
    Ok(Some(ExpectedSchema { known: known.collect::<Answer<_>>()?, fails: fails.to_vec() }))
}

/// Probes that are sent so rarely that a window of the floor would never have enough of them.
fn thin(check: &HealthCheck, rules: &Rules) -> Option<Message> {
    let floor = rules.floor.numbers()?;
    let probes = rules.interval.as_millis() / check.every.as_millis().max(1);
    let is_thin = check.check.measures == Measures::Probes && probes < u128::from(floor.min_samples);
    is_thin.then(|| {
        message!(
            "health-probes-thin",
            check = check.check.name.as_str(),
            probes = u64::try_from(probes).unwrap_or(u64::MAX),
            need = floor.min_samples,
            seconds = rules.interval.as_secs()
        )
    })
}

fn tell(context: &Context<'_>, looked: &[Looked], word: Option<&Word>, thin: &[Message]) {
    let printer = context.printer;
    let heading = [
        message!("health-column-check"),
        message!("health-column-verdict"),
        message!("health-column-took"),
        message!("health-column-said"),
    ];
    let mut table = Table::new(heading.iter().map(|name| printer.text(name)).collect());
    for one in looked {
        let tone = match one.verdict {
            Verdict::Pass => Tone::Good,
            Verdict::Fail => Tone::Bad,
            Verdict::NoData | Verdict::ProbeError => Tone::Waiting,
        };
        table.row(vec![
            Cell::new(one.check.name.as_str()),
            Cell::toned(one.verdict.as_str(), tone),
            Cell::new(format!("{} ms", one.took.as_millis())),
            Cell::new(printer.text(&one.said)),
        ]);
    }
    printer.table(&table);
    if let Some(word) = word.filter(|word| !word.reached) {
        printer.note_in(&word.said, Tone::Waiting);
    }
    for said in thin {
        printer.note_in(said, Tone::Waiting);
    }
    printer.answer(&serde_json::json!({
        "checks": looked.iter().map(|one| to_json(one, context)).collect::<Vec<_>>(),
        "witness_reached": word.map(|word| word.reached),
    }));
}

fn to_json(one: &Looked, context: &Context<'_>) -> serde_json::Value {
    let role = match one.check.role {
        Role::Judged => "judged",
        Role::Advisory => "advisory",
        Role::Baseline => "baseline",
    };
    let reading = |reading: &Reading| {
        serde_json::json!({
            "name": reading.name,
            "value": reading.value.as_ref().ok(),
            "fails": reading.bound.map(|bound| bound.to_string()),
            "verdict": reading.verdict().as_str(),
        })
    };
    serde_json::json!({
        "check": one.check.name.as_str(),
        "role": role,
        "verdict": one.verdict.as_str(),
        "said": { "id": one.said.id, "text": context.printer.text(&one.said) },
        "requests": one.counts.requests(),
        "errors": one.counts.errors(),
        "took_ms": u64::try_from(one.took.as_millis()).unwrap_or(u64::MAX),
        "readings": one.readings.iter().map(reading).collect::<Vec<_>>(),
    })
}
