//! `health status`: what the watch stands at, read without disturbing it.

use std::time::Duration;

use jiff::Timestamp;
use lockkeeper_core::health::{Counts, Matter, WhyNothing};
use lockkeeper_core::message;
use lockkeeper_core::model::{Answer, Message, WatchVerdict};
use lockkeeper_engine::ledger::{HealthSample, WatchRecord, read_health_samples, read_watch};
use serde_json::{Value, json};

use super::{INCONCLUSIVE, UNHEALTHY};
use crate::cli::context::{Context, moment};
use crate::printer::{Cell, Table, Tone};

/// A watcher writes every few seconds; one that has not for so long is dead, or cut off.
const OLD: Duration = Duration::from_secs(15);

/// How far the trend goes back, and how long each of its bars is.
const TREND: Duration = Duration::from_mins(15);
const BAR: Duration = Duration::from_secs(30);

pub async fn run(context: &Context<'_>) -> Answer<u8> {
    let connection = context.connect().await?;
    let printer = context.printer;
    let Some(record) = read_watch(&connection).await? else {
        printer.say(&message!("watch-none"));
        printer.note(&message!("watch-none-hint"));
        printer.answer(&json!({ "watch": null }));
        return Ok(INCONCLUSIVE);
    };
    let since = record.now.checked_sub(TREND).unwrap_or(Timestamp::UNIX_EPOCH);
    let samples = read_health_samples(&connection, since, None).await?;
    tell(context, &record, &samples, since);
    Ok(match (&record.breach, record.ended) {
        (_, Some((_, WatchVerdict::Healthy))) => 0,
        (Some(_), _) | (_, Some((_, WatchVerdict::Unhealthy))) => UNHEALTHY,
        (None, Some((_, WatchVerdict::Inconclusive))) => INCONCLUSIVE,
        (None, None) if is_dead(&record) => INCONCLUSIVE,
        (None, None) => 0,
    })
}

fn is_dead(record: &WatchRecord) -> bool {
    !record.is_held || age(record) > OLD
}

fn age(record: &WatchRecord) -> Duration {
    Duration::try_from(record.seen_at.duration_until(record.now)).unwrap_or_default()
}

fn tell(context: &Context<'_>, record: &WatchRecord, samples: &[HealthSample], since: Timestamp) {
    let printer = context.printer;
    let seen_s = age(record).as_secs();
    let (state, tone) = match record.ended {
        Some((at, verdict)) => (message!("watch-over", verdict = verdict.as_str(), at = moment(at)), Tone::Plain),
        None if is_dead(record) => (
            message!(
                "watch-dead",
                holder = record.holder.as_str(),
                host = record.host.as_str(),
                pid = record.pid,
                seconds = seen_s
            ),
            Tone::Bad,
        ),
        None => (
            message!(
                "watch-runs",
                holder = record.holder.as_str(),
                host = record.host.as_str(),
                pid = record.pid,
                since = moment(record.began_at),
                seconds = seen_s
            ),
            Tone::Good,
        ),
    };
    printer.say_in(&state, tone);
    if let Some(breach) = &record.breach {
        let evidence = printer.stored(&breach["evidence"]);
        printer.say_in(&message!("watch-breached", evidence = evidence), Tone::Bad);
        if let Some(said) = when(record, breach) {
            printer.say_under(2, &said, Tone::Plain);
        }
    }
    for matter in &record.incidents {
        printer.say_in(&stands(matter), Tone::Waiting);
    }
    let heading = [
        message!("health-column-check"),
        message!("health-column-rule"),
        message!("health-column-verdict"),
        message!("health-column-row"),
        message!("health-column-said"),
    ];
    let mut table = Table::new(heading.iter().map(|name| printer.text(name)).collect());
    for check in &record.checks {
        for (rule, said) in check.judgements.as_object().into_iter().flatten() {
            let verdict = said["verdict"].as_str().unwrap_or_default();
            let tone = match verdict {
                "pass" => Tone::Good,
                "fail" => Tone::Bad,
                _ => Tone::Waiting,
            };
            let row = match (said["failures"].as_u64(), said["consecutive"].as_u64()) {
                (Some(failures), Some(of)) => format!("{failures}/{of}"),
                _ => String::new(),
            };
            table.row(vec![
                Cell::new(check.name.as_str()),
                Cell::new(rule.as_str()),
                Cell::toned(verdict, tone),
                Cell::new(row),
                Cell::new(printer.stored(&said["evidence"])),
            ]);
        }
    }
    if record.checks.iter().all(|check| check.judgements.as_object().is_none_or(serde_json::Map::is_empty)) {
        printer.say_in(&message!("watch-nothing-judged"), Tone::Waiting);
    } else {
        printer.table(&table);
    }
    for check in &record.checks {
        let own: Vec<&HealthSample> = samples.iter().filter(|sample| sample.check == check.name).collect();
        let total = own.iter().fold(Counts::NONE, |sum, sample| sum.plus(sample.counts));
        if let Some(share) = total.share() {
            printer.say(&message!(
                "watch-trend",
                check = check.name.as_str(),
                trend = sparkline(&own, since, record.now),
                errors = total.errors(),
                requests = total.requests(),
                share = share.rounded().to_string()
            ));
        }
    }
    let next_s = record.next_due_at.map(|due| Duration::try_from(record.now.duration_until(due)).unwrap_or_default());
    if let Some(next) = next_s.filter(|_| record.ended.is_none() && !is_dead(record)) {
        for said in near_a_breach(record) {
            printer.say_in(&said, Tone::Bad);
        }
        printer.note_in(&message!("watch-next", seconds = next.as_secs()), Tone::Quiet);
    }
    printer.answer(&to_json(record, samples));
}

/// When the breach was, which check's and by which rule, and how long after what.
fn when(record: &WatchRecord, breach: &Value) -> Option<Message> {
    let at: Timestamp = breach["at"].as_str()?.parse().ok()?;
    let (check, rule) = (breach["check"].as_str()?, breach["rule"].as_str()?);
    let since = |then: Timestamp| {
        let seconds = Duration::try_from(then.duration_until(at)).unwrap_or_default().as_secs_f64();
        format!("{seconds:.1}")
    };
    Some(match record.deployed_at.filter(|deployed| *deployed <= at) {
        Some(deployed) => {
            message!("watch-breach-deployed", at = moment(at), check = check, rule = rule, seconds = since(deployed))
        }
        None => {
            message!(
                "watch-breach-began",
                at = moment(at),
                check = check,
                rule = rule,
                seconds = since(record.began_at)
            )
        }
    })
}

/// What people were told of, and is not over.
fn stands(matter: &Matter) -> Message {
    match matter {
        Matter::Breach(check) => message!("alert-check-failing", check = check.as_str()),
        Matter::NoData(check) => message!("alert-no-data", check = check.as_str()),
        Matter::Watcher(impediment) => {
            message!("alert-watcher", trouble = WhyNothing::Impeded(*impediment).message())
        }
    }
}

/// The rows of failures that end in a breach if they go on.
fn near_a_breach(record: &WatchRecord) -> Vec<Message> {
    if record.breach.is_some() {
        return Vec::new();
    }
    let mut near = Vec::new();
    for check in &record.checks {
        for (rule, said) in check.judgements.as_object().into_iter().flatten() {
            let row = said["failures"].as_u64().zip(said["consecutive"].as_u64());
            if let Some((failures, of)) = row.filter(|(failures, of)| (1..*of).contains(failures))
                && said["binds"].as_bool() == Some(true)
            {
                let left = of - failures;
                near.push(message!("watch-near", check = check.name.as_str(), rule = rule.as_str(), left = left));
            }
        }
    }
    near
}

/// The share of errors over time, a bar for each half minute: a dot where nothing was measured, full at 10 %.
fn sparkline(samples: &[&HealthSample], since: Timestamp, now: Timestamp) -> String {
    const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let bars = TREND.as_secs() / BAR.as_secs();
    let mut counts = vec![Counts::NONE; usize::try_from(bars).unwrap_or(0)];
    for sample in samples.iter().filter(|sample| sample.at <= now) {
        let offset = Duration::try_from(since.duration_until(sample.at)).unwrap_or_default();
        if let Some(bar) = usize::try_from(offset.as_secs() / BAR.as_secs()).ok().and_then(|bar| counts.get_mut(bar)) {
            *bar = bar.plus(sample.counts);
        }
    }
    let bar = |counts: &Counts| match counts.share() {
        None => '·',
        Some(share) => {
            let full = 100_000;
            let height = share.parts_per_million().min(full) as usize * (BARS.len() - 1);
            BARS[height.div_ceil(full as usize)]
        }
    };
    counts.iter().map(bar).collect()
}

fn to_json(record: &WatchRecord, samples: &[HealthSample]) -> Value {
    json!({
        "watch": record.id,
        "release": record.release_id,
        "began_at": record.began_at.to_string(),
        "seen_at": record.seen_at.to_string(),
        "next_due_at": record.next_due_at.map(|at| at.to_string()),
        "holder": record.holder,
        "host": record.host,
        "pid": record.pid,
        "is_alive": record.ended.is_none() && !is_dead(record),
        "ended_at": record.ended.map(|(at, _)| at.to_string()),
        "verdict": record.ended.map(|(_, verdict)| verdict.as_str()),
        "breach": record.breach,
        "deployed_at": record.deployed_at.map(|at| at.to_string()),
        "stands": record.incidents.iter().map(Matter::key).collect::<Vec<_>>(),
        "rules": record.rules,
        "checks": record.checks.iter().map(|check| json!({
            "check": check.name.as_str(),
            "requests": check.memory.total.requests(),
            "errors": check.memory.total.errors(),
            "judgements": check.judgements,
        })).collect::<Vec<_>>(),
        "trend": samples.iter().map(|sample| json!({
            "check": sample.check.as_str(),
            "at": sample.at.to_string(),
            "span_s": sample.span.as_secs(),
            "requests": sample.counts.requests(),
            "errors": sample.counts.errors(),
            "value": sample.value,
        })).collect::<Vec<_>>(),
    })
}
