//! What a watch goes by: settings become sources that can be asked, and terms that a watch begins or goes on with.

use std::path::PathBuf;

use lockkeeper_core::health::{Measures, Role, RuleName, Rules};
use lockkeeper_core::message;
use lockkeeper_core::model::{Answer, Problem, Stage};
use lockkeeper_core::plan::plan_up;
use lockkeeper_engine::driver::{Terms, Watched};
use lockkeeper_engine::probe::{
    CertificateProbe, CommandProbe, CountersProbe, DatabaseProbe, ExpectedSchema, HostProbe, HttpProbe, KnownMigration,
    PromqlProbe, SchemaHead, Source, WitnessProbe,
};
use serde_json::{Value, json};

use crate::cli::context::Context;
use crate::settings::{Health, HealthCheck, HealthSource};

/// Everything that a watch goes by, as the settings say it now.
pub fn terms(health: &Health, context: &Context<'_>) -> Answer<Terms> {
    Ok(Terms {
        rules: health.rules,
        described: described(&health.rules, &health.checks),
        watched: watched(health, context)?,
        witness: health.witness.clone().map(WitnessProbe::new),
        routes: context.routes(),
    })
}

/// The checks as a watch asks them.
pub fn watched(health: &Health, context: &Context<'_>) -> Answer<Vec<Watched>> {
    let watched = sources(health, context)?.into_iter().map(|(check, source)| {
        // A password in a header shows as dots with a mark: with another one, the check is another.
        let identity = format!("{:?}", check.source);
        Watched { check: check.watched(), every: check.every, source, identity }
    });
    Ok(watched.collect())
}

/// The checks with their sources, or what to write first.
pub fn sources(health: &Health, context: &Context<'_>) -> Answer<Vec<(HealthCheck, Source)>> {
    if health.checks.is_empty() {
        return Err(Problem::usage(message!("health-no-checks")).hint(message!("health-no-checks-hint")));
    }
    health.checks.iter().map(|check| Ok((check.clone(), source(check, context)?))).collect()
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

/// What the watch goes by, for whoever reads the ledger later.
fn described(rules: &Rules, checks: &[HealthCheck]) -> Value {
    let standing = |name: RuleName| {
        let (is_on, binds) = match name {
            RuleName::Floor => (rules.floor.numbers().is_some(), rules.floor.binds()),
            RuleName::HardDown => (rules.hard_down.numbers().is_some(), rules.hard_down.binds()),
            RuleName::Detector => (rules.detector.numbers().is_some(), rules.detector.binds()),
            RuleName::Relative => (rules.relative.numbers().is_some(), rules.relative.binds()),
            RuleName::Latency => (rules.latency.numbers().is_some(), rules.latency.binds()),
            RuleName::Threshold => (rules.threshold.numbers().is_some(), rules.threshold.binds()),
        };
        is_on.then_some((name.as_str(), if binds { "binding" } else { "advisory" }))
    };
    let kind = |measures: Measures| match measures {
        Measures::Probes => "probes",
        Measures::Requests => "requests",
        Measures::Values => "values",
    };
    let role = |role: &Role| match role {
        Role::Judged => "judged",
        Role::Advisory => "advisory",
        Role::Baseline => "baseline",
    };
    json!({
        "rules": RuleName::ALL.into_iter().filter_map(standing).collect::<std::collections::BTreeMap<_, _>>(),
        "interval_s": rules.interval.as_secs(),
        "error_share": rules.error_share().as_ratio(),
        "min_samples": rules.samples_min(),
        "checks": checks.iter().map(|check| json!({
            "name": check.check.name.as_str(),
            "measures": kind(check.check.measures),
            "role": role(&check.watched().role),
            "every_ms": u64::try_from(check.every.as_millis()).unwrap_or(u64::MAX),
        })).collect::<Vec<_>>(),
    })
}
