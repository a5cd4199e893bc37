//! `release status`: where the release stands, what it did, and who drives it. Reads, and writes nothing.

use lockkeeper_core::message;
use lockkeeper_core::model::Answer;
use lockkeeper_core::release::{Outcome, Task};
use lockkeeper_engine::ledger::{JourneyRecord, ReleaseRecord, TaskRecord, read, read_journey};
use serde_json::{Value, json};

use super::cause_told;
use super::news::task_told;
use crate::cli::context::{Context, moment};
use crate::printer::{Cell, Table, Tone};

pub async fn run(context: &Context<'_>) -> Answer<u8> {
    let connection = context.connect().await?;
    let printer = context.printer;
    let Some(release) = read(&connection).await?.and_then(|snapshot| snapshot.release) else {
        printer.say(&message!("release-none"));
        printer.answer(&json!({ "release": null }));
        return Ok(0);
    };
    let journey = read_journey(&connection, release.id).await?;
    let said = message!(
        "status-release",
        release = release.id,
        state = release.state.as_str(),
        at = moment(release.started_at),
        by = release.started_by.as_str()
    );
    printer.say_in(&said, Tone::Strong);
    match &journey {
        None => printer.say(&message!("release-by-hand")),
        Some(journey) => tell(&release, journey, context),
    }
    printer.answer(&to_json(&release, journey.as_ref()));
    Ok(0)
}

fn tell(release: &ReleaseRecord, journey: &JourneyRecord, context: &Context<'_>) {
    let printer = context.printer;
    let previous = journey.previous_version.as_deref().unwrap_or("?");
    printer.say(&message!("release-versions", version = journey.version.as_str(), previous = previous));
    if journey.is_held {
        printer.say(&message!(
            "release-driven-by",
            holder = journey.holder.as_str(),
            host = journey.host.as_str(),
            pid = journey.pid,
            seen = moment(journey.seen_at)
        ));
    } else if !release.state.is_over() {
        printer.say_in(
            &message!("release-not-driven", holder = journey.holder.as_str(), seen = moment(journey.seen_at)),
            Tone::Waiting,
        );
        printer.say_under(2, &message!("next-resume"), Tone::Quiet);
    }
    if let Some(back) = &journey.back {
        let said = message!(
            "release-went-back",
            at = moment(back.since),
            cause = cause_told(back.cause),
            class = back.class.as_str()
        );
        printer.say_in(&said, Tone::Bad);
    }
    if journey.tasks.is_empty() {
        return;
    }
    let headings = [
        message!("release-heading-task"),
        message!("release-heading-outcome"),
        message!("release-heading-began"),
        message!("release-heading-took"),
        message!("release-heading-attempts"),
    ];
    let mut table = Table::new(headings.iter().map(|heading| printer.text(heading)).collect());
    for task in &journey.tasks {
        table.row(row(task, context));
    }
    printer.line("");
    printer.table(&table);
}

fn row(record: &TaskRecord, context: &Context<'_>) -> Vec<Cell> {
    let (outcome, tone) = match record.ended {
        None => ("…", Tone::Waiting),
        Some((_, Outcome::Done)) => (Outcome::Done.as_str(), Tone::Good),
        Some((_, outcome)) => (outcome.as_str(), Tone::Bad),
    };
    let took = record.ended.map(|(at, _)| {
        let ms = at.duration_since(record.started_at).as_millis();
        format!("{}.{:03} s", ms / 1_000, ms % 1_000)
    });
    vec![
        Cell::new(context.printer.text(&task_told(record.task))),
        Cell::toned(outcome, tone),
        Cell::new(moment(record.started_at)),
        Cell::new(took.unwrap_or_default()),
        Cell::new(record.attempts.to_string()),
    ]
}

fn to_json(release: &ReleaseRecord, journey: Option<&JourneyRecord>) -> Value {
    let task = |record: &TaskRecord| {
        json!({
            "task": record.task.as_str(),
            "attempts": record.attempts,
            "began_at": record.started_at.to_string(),
            "ended_at": record.ended.map(|(at, _)| at.to_string()),
            "outcome": record.ended.map(|(_, outcome)| outcome.as_str()),
            "evidence": record.evidence,
        })
    };
    json!({
        "release": release.id,
        "state": release.state.as_str(),
        "deployed_version": release.deployed_version,
        "journey": journey.map(|journey| json!({
            "version": journey.version,
            "previous_version": journey.previous_version,
            "terms": journey.terms,
            "driven_by": journey.is_held.then(|| json!({
                "holder": journey.holder, "host": journey.host, "pid": journey.pid,
            })),
            "abort": journey.abort,
            "back": journey.back.as_ref().map(|back| json!({
                "cause": back.cause.as_str(),
                "class": back.class.as_str(),
                "tasks": back.tasks.iter().map(|task| Task::as_str(*task)).collect::<Vec<_>>(),
                "evidence": back.evidence,
                "since": back.since.to_string(),
            })),
            "tasks": journey.tasks.iter().map(task).collect::<Vec<_>>(),
        })),
    })
}
