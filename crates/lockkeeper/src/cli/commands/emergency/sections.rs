//! The sections of the incident report, in their order.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use jiff::Timestamp;
use lockkeeper_core::health::Counts;
use lockkeeper_core::message;
use lockkeeper_core::model::Message;
use lockkeeper_core::release::{EmergencyStep, Fit, emergency_steps, quoted};
use lockkeeper_engine::driver::{EmergencyRecord, Entry};
use lockkeeper_engine::ledger::{EventRecord, HealthSample};
use lockkeeper_engine::postgres::Activity;
use serde_json::Value;

use super::markdown::{block, code, inline};
use super::overview::{Line, name};
use super::report::Story;
use crate::cli::context::moment;

/// Of a long night the last so many lines are told.
const LINES_MAX: usize = 400;

/// Of what an event carries so much is told.
const DETAIL_CHARS_MAX: usize = 240;

/// What an event carries that is told elsewhere, or tells a person nothing.
const UNTOLD: [&str; 9] =
    ["emergency", "n", "key", "evidence", "checksum", "terms", "seq", "fingerprint", "observed_at"];

pub fn head(story: &Story<'_>) -> String {
    let (overview, now) = (story.overview, story.now);
    let settings = &overview.context.settings;
    let release = overview.situation.release().map_or_else(|| "?".to_owned(), |release| release.id.to_string());
    let target = settings.target().ok();
    let mut rows = vec![
        (message!("report-written"), inline(&moment(Timestamp::now()))),
        (message!("report-by"), inline(&settings.actor)),
        (message!("report-environment"), inline(settings.environment.as_str())),
        (message!("report-program"), inline(env!("CARGO_PKG_VERSION"))),
    ];
    if let Some(target) = target {
        rows.push((message!("report-database"), inline(&format!("{} on {}", target.database, target.server()))));
    }
    let server = now.server.as_ref().or(overview.situation.server.as_ref());
    if let Some(server) = server {
        rows.push((message!("report-postgres"), inline(&server.version)));
    }
    if let Some(journey) = &overview.situation.journey {
        rows.push((message!("report-version"), inline(&journey.version)));
    }
    if let Some(previous) = &overview.situation.previous_version {
        rows.push((message!("report-previous"), inline(previous)));
    }
    if let Some(back) = overview.situation.journey.as_ref().and_then(|journey| journey.back.as_ref()) {
        let cause = story.say(&super::super::release::cause_told(back.cause));
        rows.push((message!("report-cause"), cause));
    }
    let rows: Vec<Vec<String>> = rows.into_iter().map(|(name, value)| vec![story.say(&name), value]).collect();
    let title = story.say(&message!("report-title", release = release));
    let table = story.table(&[message!("report-what"), message!("report-value")], &rows);
    format!("# {title}\n\n{table}")
}

/// What is true at the end.
pub fn now(story: &Story<'_>) -> String {
    let told = super::overview::Overview { situation: story.now, ..*story.overview };
    let mut lines: Vec<String> = told.facts().iter().map(|(said, _)| format!("* {}\n", story.say(said))).collect();
    if let Some(snapshot) = &story.now.snapshot {
        let applied: Vec<String> =
            snapshot.applied.iter().map(|row| format!("{} {}", row.migration.number, row.migration.name)).collect();
        let id = snapshot.release.as_ref().map(|release| release.id);
        let remains = snapshot.applied.iter().filter(|row| Some(row.release_id) == id).count();
        lines.push(format!("* {}\n", story.say(&message!("report-applied", count = applied.len(), remains = remains))));
        if !applied.is_empty() {
            lines.push(format!("  * {}\n", code(&applied.join(", "))));
        }
    }
    story.section(&message!("report-now"), &lines.concat())
}

pub fn failed(story: &Story<'_>) -> String {
    let body = story.failure.map(|problem| story.problem(problem)).unwrap_or_default();
    story.section(&message!("report-failed"), &body)
}

/// The steps of the procedure: how each went, or what would be done.
pub fn procedure(story: &Story<'_>) -> String {
    let overview = story.overview;
    let known = lockkeeper_core::release::EmergencyKnown {
        settled: overview.record.map(EmergencyRecord::settled).unwrap_or_default(),
        ..overview.known.clone()
    };
    let ends: BTreeMap<&str, &Entry> = entries(overview.record)
        .filter(|entry| entry.kind == "emergency_step_ended")
        .filter_map(|entry| Some((entry.payload["step"].as_str()?, entry)))
        .collect();
    let mut rows = Vec::new();
    let mut by_hand = Vec::new();
    for (step, fit) in emergency_steps(&known) {
        let end = ends.get(step.as_str());
        let outcome = match (end, &fit) {
            (Some(entry), _) => inline(entry.payload["outcome"].as_str().unwrap_or("?")),
            (None, Fit::Unneeded(why)) => format!("{}: {}", inline(fit.as_str()), story.say(why)),
            (None, Fit::ByHand(why)) => format!("{}: {}", inline(fit.as_str()), story.say(why)),
            (None, fit) => inline(fit.as_str()),
        };
        let at = end.map(|entry| moment(entry.at)).unwrap_or_default();
        let word = |entry: &&Entry| entry.payload["confirmed"].as_str().unwrap_or_default().to_owned();
        let who = end.map(|entry| format!("{} ({})", entry.actor, word(entry))).unwrap_or_default();
        rows.push(vec![story.say(&name(step)), outcome, inline(&at), inline(&who)]);
        if matches!(fit, Fit::ByHand(_)) && matches!(step, EmergencyStep::Migrations | EmergencyStep::Backup) {
            by_hand.extend(overview.by_hand(step).into_iter().filter_map(|line| match line {
                Line::Text(text) => Some(text),
                Line::Said(..) => None,
            }));
        }
    }
    let headings = [message!("report-step"), message!("report-outcome"), message!("report-at"), message!("report-who")];
    let mut body = story.table(&headings, &rows);
    if !by_hand.is_empty() {
        let _ = write!(body, "\n{}\n\n{}", story.say(&message!("report-by-hand")), block("sh", &by_hand));
    }
    story.section(&message!("report-procedure"), &body)
}

fn entries(record: Option<&EmergencyRecord>) -> impl Iterator<Item = &Entry> {
    record.into_iter().flat_map(|record| record.entries.values())
}

/// What happened, out of the log, the release's tasks and this machine's journal.
pub fn timeline(story: &Story<'_>) -> String {
    let mut lines: Vec<(Timestamp, String, String, String)> = Vec::new();
    for event in of_release(story) {
        let payload = serde_json::from_str(&event.payload).unwrap_or_default();
        lines.push((event.at, event.actor.clone(), event.kind.clone(), detail(&payload, story)));
    }
    // What the ledger does not have is told from the journal.
    let id = |payload: &Value| Some((payload["emergency"].as_str()?.to_owned(), payload["n"].as_u64()?));
    let logged: BTreeSet<(String, u64)> =
        of_release(story).filter_map(|event| id(&serde_json::from_str(&event.payload).unwrap_or_default())).collect();
    let in_log = |entry: &Entry| id(&entry.payload).is_some_and(|id| logged.contains(&id));
    for entry in entries(story.overview.record).filter(|entry| !in_log(entry)) {
        lines.push((entry.at, entry.actor.clone(), entry.kind.clone(), detail(&entry.payload, story)));
    }
    let journey = story.now.journey.as_ref().or(story.overview.situation.journey.as_ref());
    for task in journey.into_iter().flat_map(|journey| &journey.tasks) {
        let began = format!("{} began", task.task.as_str());
        lines.push((task.started_at, task.started_by.clone(), began, format!("attempt={}", task.attempts)));
        if let Some((at, outcome)) = task.ended {
            let said = format!("{} {}", task.task.as_str(), outcome.as_str());
            lines.push((at, task.started_by.clone(), said, hook_words(&task.evidence, story)));
        }
    }
    lines.sort_by_key(|(at, ..)| *at);
    let left_out = lines.len().saturating_sub(LINES_MAX);
    let rows: Vec<Vec<String>> = lines
        .into_iter()
        .skip(left_out)
        .map(|(at, who, what, detail)| vec![inline(&moment(at)), inline(&who), inline(&what), inline(&detail)])
        .collect();
    let headings = [message!("report-at"), message!("report-who"), message!("report-what"), message!("report-detail")];
    let mut body = story.table(&headings, &rows);
    if left_out > 0 {
        let _ = writeln!(body, "\n{}", story.say(&message!("report-left-out", count = left_out)));
    }
    story.section(&message!("report-timeline"), &body)
}

/// The events of this release, and those of none since it began.
fn of_release<'s>(story: &'s Story<'_>) -> impl Iterator<Item = &'s EventRecord> {
    let situation = story.overview.situation;
    let events = if story.now.events.is_empty() { &situation.events } else { &story.now.events };
    let release = situation.release().map(|release| (release.id, release.started_at));
    events.iter().filter(move |event| match (release, event.release_id) {
        (Some((id, _)), Some(of)) => of == id,
        (Some((_, since)), None) => event.at >= since,
        (None, _) => true,
    })
}

/// What an event carries, on one line.
fn detail(payload: &Value, story: &Story<'_>) -> String {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let sqlstate = payload["sqlstate"].as_str().or(payload["problem"]["sqlstate"].as_str()).unwrap_or_default();
    let told = |key: &str, value: &Value| match (key, value) {
        ("message", Value::String(said)) => told_message(sqlstate, said),
        ("problem", Value::Object(problem)) => {
            let said = problem.get("message").and_then(Value::as_str).unwrap_or_default();
            let id = problem.get("id").and_then(Value::as_str).unwrap_or_default();
            format!("{id} {sqlstate} {}", told_message(sqlstate, said))
        }
        (_, value) => text(value),
    };
    let fields = payload.as_object().into_iter().flatten();
    let fields = fields.filter(|(key, value)| !value.is_null() && !UNTOLD.contains(&key.as_str()));
    let line = fields.map(|(key, value)| format!("{key}={}", told(key, value))).collect::<Vec<_>>().join(" ");
    cut(&story.secrets().masked(&line))
}

/// How a hook ended, and the end of what it said of that.
fn hook_words(evidence: &Value, story: &Story<'_>) -> String {
    let status = evidence["status"].as_str().map(|status| format!("status={status} ")).unwrap_or_default();
    // What a server said of a migration is told where its place is, without what it quotes of rows.
    let said = evidence["stderr"].as_str().or(evidence["problem"].as_str()).unwrap_or_default();
    let tail: Vec<&str> = said.lines().rev().take(3).collect();
    let tail: Vec<&str> = tail.into_iter().rev().collect();
    cut(story.secrets().masked(&format!("{status}{}", tail.join(" / "))).trim())
}

fn cut(text: &str) -> String {
    if text.chars().count() <= DETAIL_CHARS_MAX {
        return text.to_owned();
    }
    text.chars().take(DETAIL_CHARS_MAX - 1).chain(['…']).collect()
}

/// Who decided what, and why.
pub fn decisions(story: &Story<'_>) -> String {
    let mut rows: Vec<(Timestamp, String, Message, String)> = Vec::new();
    let situation = story.overview.situation;
    if let Some(approval) = situation.snapshot.as_ref().and_then(|snapshot| snapshot.approval.as_ref()) {
        let what = message!("report-approved");
        rows.push((approval.approved_at, approval.principal.clone(), what, approval.reason.clone()));
    }
    if let Some(release) = situation.release() {
        rows.push((release.started_at, release.started_by.clone(), message!("report-started"), String::new()));
        if let (Some(at), Some(by)) = (release.deployed_at, &release.deployed_by) {
            let version = release.deployed_version.clone().unwrap_or_default();
            rows.push((at, by.clone(), message!("report-deployed"), version));
        }
    }
    for event in of_release(story) {
        let payload: Value = serde_json::from_str(&event.payload).unwrap_or_default();
        let reason = payload["reason"].as_str().unwrap_or_default().to_owned();
        let what = match event.kind.as_str() {
            "release_abort_asked" => message!("report-aborted"),
            "rollback_started" => message!("report-rolled-back"),
            "drift_accepted" => message!("report-accepted"),
            _ => continue,
        };
        rows.push((event.at, event.actor.clone(), what, reason));
    }
    for entry in entries(story.overview.record) {
        let step = entry.payload["step"].as_str().and_then(EmergencyStep::from_ledger);
        let confirmed = entry.payload["confirmed"].as_str().unwrap_or_default();
        let (what, why) = match (entry.kind.as_str(), step, entry.payload["outcome"].as_str()) {
            ("emergency_started", ..) => {
                (message!("report-emergency"), entry.payload["reason"].as_str().unwrap_or_default())
            }
            ("emergency_step_began", Some(step), _) => (message!("report-confirmed", step = name(step)), confirmed),
            ("emergency_step_ended", Some(step), Some("skipped")) => {
                (message!("report-skipped", step = name(step)), confirmed)
            }
            ("emergency_step_ended", Some(step), Some("by_hand")) => {
                (message!("report-by-person", step = name(step)), confirmed)
            }
            _ => continue,
        };
        rows.push((entry.at, entry.actor.clone(), what, why.to_owned()));
    }
    rows.sort_by_key(|(at, ..)| *at);
    let rows: Vec<Vec<String>> = rows
        .into_iter()
        .map(|(at, who, what, why)| vec![inline(&moment(at)), inline(&who), story.say(&what), inline(&cut(&why))])
        .collect();
    let headings = [message!("report-at"), message!("report-who"), message!("report-what"), message!("report-why")];
    story.section(&message!("report-decisions"), &story.table(&headings, &rows))
}

/// What was measured, beside its bound and what is normal.
pub fn measured(story: &Story<'_>) -> String {
    let situation = story.overview.situation;
    let samples = if story.now.samples.is_empty() { &situation.samples } else { &story.now.samples };
    let mut by_check: BTreeMap<&str, Vec<&HealthSample>> = BTreeMap::new();
    for sample in samples {
        by_check.entry(sample.check.as_str()).or_default().push(sample);
    }
    let bound = story.overview.context.settings.health.rules.error_share().as_ratio();
    let baseline = |check: &str| {
        let checks = &situation.baseline.as_ref()?.checks;
        checks.iter().find(|(name, _)| name.as_str() == check).map(|(_, baseline)| baseline.total)
    };
    let rows: Vec<Vec<String>> = by_check
        .into_iter()
        .map(|(check, samples)| {
            let total = samples.iter().fold(Counts::NONE, |total, sample| total.plus(sample.counts));
            let value = samples.iter().rev().find_map(|sample| sample.value);
            let failing: u64 = samples.iter().map(|sample| u64::from(sample.verdicts.fail)).sum();
            let span = samples.first().zip(samples.last());
            let span = span.map(|(first, last)| format!("{} – {}", moment(first.at), moment(last.at)));
            vec![
                inline(check),
                inline(&span.unwrap_or_default()),
                total.requests().to_string(),
                total.errors().to_string(),
                percent(total),
                format!("{:.2} %", bound * 100.0),
                baseline(check).map(percent).unwrap_or_default(),
                value.map(|value| format!("{value}")).unwrap_or_default(),
                failing.to_string(),
            ]
        })
        .collect();
    let headings = [
        message!("report-check"),
        message!("report-span"),
        message!("report-requests"),
        message!("report-errors"),
        message!("report-rate"),
        message!("report-bound"),
        message!("report-baseline"),
        message!("report-last-value"),
        message!("report-failing"),
    ];
    let mut body = story.table(&headings, &rows);
    let watch = story.now.watch.as_ref().or(situation.watch.as_ref());
    if let Some(breach) = watch.and_then(|watch| watch.breach.as_ref()) {
        let text = serde_json::to_string_pretty(breach).unwrap_or_default();
        let lines: Vec<String> = text.lines().map(str::to_owned).collect();
        let _ = write!(body, "\n{}\n\n{}", story.say(&message!("report-breach")), block("json", &lines));
    }
    story.section(&message!("report-measured"), &body)
}

#[expect(clippy::cast_precision_loss, reason = "a share of a percent is shown to two places")]
fn percent(counts: Counts) -> String {
    if counts.is_empty() {
        return String::new();
    }
    format!("{:.2} %", counts.errors() as f64 * 100.0 / counts.requests() as f64)
}

/// SQL that failed: where it stands, and what the server said of it.
pub fn sql(story: &Story<'_>) -> String {
    let mut rows = Vec::new();
    let mut add = |at: Timestamp, kind: &str, payload: &Value| {
        let problem = if payload["problem"].is_object() { &payload["problem"] } else { payload };
        let Some(sqlstate) = problem["sqlstate"].as_str() else { return };
        let said = problem["message"].as_str().unwrap_or_default();
        let place =
            problem["place"].as_str().map(str::to_owned).or_else(|| path_of(payload["number"].as_i64()?, story));
        rows.push(vec![
            inline(&moment(at)),
            inline(kind),
            code(&place.unwrap_or_default()),
            code(sqlstate),
            inline(&cut(&told_message(sqlstate, said))),
        ]);
    };
    for event in of_release(story) {
        let payload = serde_json::from_str(&event.payload).unwrap_or_default();
        add(event.at, &event.kind, &payload);
    }
    let headings = [
        message!("report-at"),
        message!("report-what"),
        message!("report-place"),
        message!("report-sqlstate"),
        message!("report-message"),
    ];
    let mut body = story.table(&headings, &rows);
    for undo in &story.overview.situation.undo {
        let path = undo.file.path.to_string();
        let lines: Vec<String> =
            undo.steps.iter().map(|step| lockkeeper_engine::driver::shown_sql(&step.sql)).collect();
        if !lines.is_empty() {
            let _ =
                write!(body, "\n{}\n\n{}", story.say(&message!("report-script", path = path)), block("sql", &lines));
        }
    }
    story.section(&message!("report-sql"), &body)
}

fn path_of(number: i64, story: &Story<'_>) -> Option<String> {
    let situation = story.overview.situation;
    let applied = situation.snapshot.as_ref()?.applied.iter();
    applied.filter(|row| row.migration.number.get() == number).map(|row| row.up_path.clone()).next()
}

/// What a server said, without what it quotes of rows: messages about data do, and those about names do not.
pub fn told_message(sqlstate: &str, message: &str) -> String {
    match sqlstate.get(..2) {
        // `invalid input syntax for type integer: "…"`: what is behind the colon is the row's.
        Some("22") => message.split_once(": ").map_or_else(|| message.to_owned(), |(said, _)| format!("{said}: ?")),
        // What a function raises is for its author to know.
        Some("P0") => "?".to_owned(),
        _ => message.to_owned(),
    }
}

/// Who was at work, and who waited for whom.
pub fn activity(story: &Story<'_>) -> String {
    let begun = story.overview.situation.activity.as_ref();
    let mut body = String::new();
    for (heading, seen) in [(message!("report-begun"), begun), (message!("report-at-failure"), story.activity)] {
        if let Some(seen) = seen {
            let _ = write!(body, "### {}\n\n{}", story.say(&heading), seen_now(seen, story));
        }
    }
    if !body.is_empty() {
        body = format!("{}\n\n{body}", story.say(&message!("report-values-hidden")));
    }
    story.section(&message!("report-activity"), &body)
}

fn seen_now(seen: &Activity, story: &Story<'_>) -> String {
    let pids = |pids: &[i32]| pids.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let sessions: Vec<Vec<String>> = seen
        .sessions
        .iter()
        .map(|one| {
            vec![
                one.pid.to_string(),
                inline(&one.application),
                inline(&one.user),
                inline(&one.state),
                inline(&one.waits_for),
                one.transaction_s.map(|seconds| format!("{seconds} s")).unwrap_or_default(),
                pids(&one.blocked_by),
                code(&one.query),
            ]
        })
        .collect();
    let headings = [
        message!("report-pid"),
        message!("report-application"),
        message!("report-role"),
        message!("report-state"),
        message!("report-waits"),
        message!("report-transaction"),
        message!("report-blocked-by"),
        message!("report-query"),
    ];
    let mut text = story.table(&headings, &sessions);
    let locks: Vec<Vec<String>> = seen
        .locks
        .iter()
        .map(|lock| {
            let granted = if lock.is_granted { message!("report-held") } else { message!("report-waited") };
            vec![lock.pid.to_string(), inline(&lock.mode), code(&lock.relation), story.say(&granted)]
        })
        .collect();
    let headings =
        [message!("report-pid"), message!("report-lock"), message!("report-relation"), message!("report-state")];
    if !locks.is_empty() {
        text.push('\n');
        text.push_str(&story.table(&headings, &locks));
    }
    if text.is_empty() { format!("{}\n\n", story.say(&message!("report-nobody"))) } else { format!("{text}\n") }
}

/// What could not be read, so that nobody takes silence for health.
pub fn unknown(story: &Story<'_>) -> String {
    let settings = story.overview.context.settings.problems.iter();
    let begun = story.overview.situation.problems.iter().map(AsRef::as_ref);
    let mut told: Vec<String> = Vec::new();
    for problem in settings.chain(begun).chain(story.now.problems.iter().map(AsRef::as_ref)) {
        let said = story.problem(problem);
        if !told.contains(&said) {
            told.push(said);
        }
    }
    story.section(&message!("report-unknown"), &told.concat())
}

/// What comes next, with the commands.
pub fn recovery(story: &Story<'_>) -> String {
    let version = story.overview.situation.journey.as_ref().map_or("…", |journey| journey.version.as_str());
    let start = format!("lockkeeper release start --version {}", quoted(&format!("{version}.1")));
    let items: [(Message, &[&str]); 6] = [
        (message!("report-recover-cause"), &["lockkeeper log", "lockkeeper health export --since 24h --format csv"]),
        (message!("report-recover-now"), &["lockkeeper status", "lockkeeper log --verify"]),
        (message!("report-recover-write"), &["lockkeeper new …", "lockkeeper lint"]),
        (message!("report-recover-test"), &["lockkeeper verify", "lockkeeper plan"]),
        (message!("report-recover-before"), &["lockkeeper backup create", "lockkeeper checklist before"]),
        (message!("report-recover-deploy"), &[start.as_str()]),
    ];
    let mut body = String::new();
    for (said, commands) in items {
        let commands: Vec<String> = commands.iter().map(|command| code(command)).collect();
        let _ = writeln!(body, "- [ ] {}: {}", story.say(&said), commands.join(" · "));
    }
    story.section(&message!("report-recovery"), &body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_about_data_tells_no_data() {
        assert_eq!(
            told_message("22P02", "invalid input syntax for type integer: \"555-1234\""),
            "invalid input syntax for type integer: ?"
        );
        assert_eq!(told_message("42P01", "relation \"x\" does not exist"), "relation \"x\" does not exist");
        assert_eq!(told_message("P0001", "customer 7 owes 12"), "?");
    }
}
