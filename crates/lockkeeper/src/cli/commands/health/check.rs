//! `health check`: everything that a watch would measure, once, or for a time: then it is what was normal.

use std::time::Duration;

use lockkeeper_core::health::{Measures, Role, Rules};
use lockkeeper_core::message;
use lockkeeper_core::model::{Answer, Message, Verdict};
use lockkeeper_engine::driver::{
    BaselineRequest, BaselineTaken, Looked, exit_of, look_at_all, save_baseline, take_baseline,
};
use lockkeeper_engine::probe::{Reading, WitnessProbe, Word};
use lockkeeper_engine::seams::Stop;

use super::terms::{sources, watched};
use super::{INCONCLUSIVE, UNHEALTHY};
use crate::cli::context::Context;
use crate::printer::{Cell, Table, Tone};
use crate::settings::HealthCheck;

/// Measures for a while, as a watch would, and says whether a release could start; keeps it where that is asked for.
pub async fn for_a_while(lasts: Duration, is_saved: bool, context: &Context<'_>) -> Answer<u8> {
    let stop = Stop::on_signals().map_err(|error| super::start::signals_refused(&error))?;
    let health = &context.settings.health;
    let request = BaselineRequest {
        watched: watched(health, context)?,
        rules: health.rules,
        witness: health.witness.clone().map(WitnessProbe::new),
        lasts,
    };
    // Before anything is measured: whoever waited for minutes wants to keep it.
    let connection = if is_saved { Some(context.connect().await?) } else { None };
    let taken = match take_baseline(request, &stop).await {
        Ok(taken) => taken,
        Err(cause) => return Ok(exit_of(cause).code()),
    };
    let saved = match &connection {
        Some(connection) => Some(save_baseline(connection, &taken, &context.holder()).await?),
        None => None,
    };
    tell_baseline(context, &taken, saved);
    Ok(match taken.baseline.verdict {
        Verdict::Pass => 0,
        Verdict::Fail => UNHEALTHY,
        Verdict::NoData | Verdict::ProbeError => INCONCLUSIVE,
    })
}

fn tell_baseline(context: &Context<'_>, taken: &BaselineTaken, saved: Option<i64>) {
    let printer = context.printer;
    let heading = [message!("health-column-check"), message!("health-column-verdict"), message!("health-column-said")];
    let mut table = Table::new(heading.iter().map(|name| printer.text(name)).collect());
    for one in &taken.checks {
        table.row(vec![
            Cell::new(one.check.name.as_str()),
            Cell::toned(one.verdict.as_str(), tone(one.verdict)),
            Cell::new(printer.text(&one.said)),
        ]);
    }
    printer.table(&table);
    if let Some(word) = taken.word.as_ref().filter(|word| !word.reached) {
        printer.note_in(&word.said, Tone::Waiting);
    }
    let seconds = taken.baseline.took.as_secs();
    match saved {
        Some(number) => printer.say(&message!("baseline-saved", number = number, seconds = seconds)),
        None => printer.note_in(&message!("baseline-not-kept"), Tone::Quiet),
    }
    printer.answer(&serde_json::json!({
        "baseline": saved,
        "took_s": taken.baseline.took.as_secs_f64(),
        "verdict": taken.baseline.verdict.as_str(),
        "checks": taken.checks.iter().map(|one| serde_json::json!({
            "check": one.check.name.as_str(),
            "verdict": one.verdict.as_str(),
            "requests": one.total.requests(),
            "errors": one.total.errors(),
            "said": { "id": one.said.id, "text": printer.text(&one.said) },
        })).collect::<Vec<_>>(),
    }));
}

const fn tone(verdict: Verdict) -> Tone {
    match verdict {
        Verdict::Pass => Tone::Good,
        Verdict::Fail => Tone::Bad,
        Verdict::NoData | Verdict::ProbeError => Tone::Waiting,
    }
}

/// Makes every check once.
pub async fn once(context: &Context<'_>) -> Answer<u8> {
    let health = &context.settings.health;
    let sources = sources(health, context)?.into_iter().map(|(check, source)| (check.check, source)).collect();
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
        table.row(vec![
            Cell::new(one.check.name.as_str()),
            Cell::toned(one.verdict.as_str(), tone(one.verdict)),
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
