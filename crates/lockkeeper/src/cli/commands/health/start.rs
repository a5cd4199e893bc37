//! `health start`: the watch.

use std::process::Stdio;
use std::time::Duration;

use lockkeeper_core::health::{Judgement, Measures, Role, RuleName, Rules};
use lockkeeper_core::message;
use lockkeeper_core::model::{Answer, ExitClass, Problem, Verdict, WatchVerdict};
use lockkeeper_engine::driver::{WatchEnd, WatchNews, WatchRequest, Watched, exit_of, judgement_to_json, watch};
use lockkeeper_engine::ledger::read;
use lockkeeper_engine::notify::Routes;
use lockkeeper_engine::postgres::connect;
use lockkeeper_engine::probe::WitnessProbe;
use lockkeeper_engine::seams::Stop;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::task::JoinSet;

use super::{INCONCLUSIVE, UNHEALTHY, sources};
use crate::cli::context::Context;
use crate::printer::{Printer, Tone};
use crate::settings::{self, HealthCheck};

pub async fn run(lasts: Option<&str>, on_breach: Option<&str>, context: &Context<'_>) -> Answer<u8> {
    let lasts = lasts.map(time).transpose()?;
    let stop = Stop::on_signals()
        .map_err(|error| Problem::new(ExitClass::Usage, message!("runtime-failed", reason = error.to_string())))?;
    let request = request(context, open_release(context).await?, lasts)?;
    let printer = context.printer;
    let mut commands = JoinSet::new();
    let ended = watch(request, &stop, &mut |news| match news {
        WatchNews::Breached { watch, evidence } => {
            printer.note_in(&message!("watch-breached", evidence = printer.stored(&evidence["evidence"])), Tone::Bad);
            if let Some(command) = on_breach {
                commands.spawn(hand_over(command.to_owned(), watch, evidence.clone()));
            }
        }
        news => log(printer, &news),
    })
    .await?;
    // Whoever was told of the breach is not cut off in the middle.
    while let Some(finished) = commands.join_next().await {
        if let Ok(Err(error)) = finished {
            printer.note_in(&message!("watch-command-failed", reason = error), Tone::Bad);
        }
    }
    Ok(match ended {
        WatchEnd::Stopped(cause) => exit_of(cause).code(),
        WatchEnd::Concluded { verdict, doubts } => {
            printer.say(&message!("watch-ended", verdict = verdict.as_str()));
            for doubt in &doubts {
                printer.note_in(&doubt.message(), Tone::Waiting);
            }
            printer.answer(&json!({
                "verdict": verdict.as_str(),
                "doubts": doubts.iter().map(|doubt| printer.text(&doubt.message())).collect::<Vec<_>>(),
            }));
            match verdict {
                WatchVerdict::Healthy => 0,
                WatchVerdict::Unhealthy => UNHEALTHY,
                WatchVerdict::Inconclusive => INCONCLUSIVE,
            }
        }
    })
}

/// What a watch of this release needs: everything that the settings measure.
pub fn request(context: &Context<'_>, release_id: Option<i64>, lasts: Option<Duration>) -> Answer<WatchRequest> {
    let sources = sources(context)?;
    let health = &context.settings.health;
    let checks: Vec<&HealthCheck> = sources.iter().map(|(check, _)| check).collect();
    let described = described(&health.rules, &checks);
    let watched = sources
        .into_iter()
        .map(|(check, source)| Watched { check: check.watched(), every: check.every, source })
        .collect();
    Ok(WatchRequest {
        target: context.settings.target()?.clone(),
        holder: context.holder(),
        release_id,
        rules: health.rules,
        described,
        watched,
        witness: health.witness.clone().map(WitnessProbe::new),
        routes: Routes::default(),
        lasts,
    })
}

fn time(text: &str) -> Answer<Duration> {
    settings::duration_of(text)
        .filter(|time| !time.is_zero())
        .ok_or_else(|| Problem::usage(message!("settings-duration-invalid", value = text)))
}

/// The release that is on its way, if there is one.
async fn open_release(context: &Context<'_>) -> Answer<Option<i64>> {
    let connection = connect(context.settings.target()?).await?;
    let snapshot = match read(&connection).await {
        Ok(snapshot) => snapshot,
        // A ledger of an earlier version is moved on by the watch itself.
        Err(problem) if problem.message.id == "ledger-older" => None,
        Err(problem) => return Err(problem),
    };
    let release = snapshot.and_then(|snapshot| snapshot.release);
    Ok(release.filter(|release| !release.state.is_over()).map(|release| release.id))
}

/// What the watch goes by, for whoever reads the ledger later.
fn described(rules: &Rules, checks: &[&HealthCheck]) -> Value {
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

/// One line for each judgement that says something new: each window of the floor, and whatever does not pass.
pub fn log(printer: &Printer, news: &WatchNews<'_>) {
    match news {
        WatchNews::Began { at, resumed } => {
            let said = if *resumed {
                message!("watch-resumed", since = at.to_string())
            } else {
                message!("watch-began", since = at.to_string())
            };
            printer.note(&said);
        }
        WatchNews::Judged(judgement) => {
            let is_telling = judgement.rule == RuleName::Floor || judgement.verdict == Verdict::Fail;
            if is_telling && printer.is_json() {
                printer.note_text(0, &judgement_to_json(judgement).to_string());
            } else if is_telling {
                let tone = match judgement.verdict {
                    Verdict::Pass => Tone::Quiet,
                    Verdict::Fail => Tone::Bad,
                    Verdict::NoData | Verdict::ProbeError => Tone::Waiting,
                };
                printer.note_in(&line(judgement), tone);
            }
        }
        WatchNews::LedgerUnreachable(problem) => {
            printer
                .note_in(&message!("watch-ledger-unreachable", reason = printer.text(&problem.message)), Tone::Waiting);
        }
        WatchNews::Breached { .. } => {}
    }
}

fn line(judgement: &Judgement) -> lockkeeper_core::model::Message {
    message!(
        "watch-judged",
        check = judgement.check.as_str(),
        rule = judgement.rule.as_str(),
        verdict = judgement.verdict.as_str(),
        failures = judgement.streak.map_or(0, |row| row.failures),
        of = judgement.streak.map_or(0, |row| row.of),
        evidence = judgement.evidence()
    )
}

/// Runs the command of whoever only wants the watcher. The watch's number is its idempotency key.
async fn hand_over(command: String, watch: i64, evidence: Value) -> Result<(), String> {
    let mut child = tokio::process::Command::new("/bin/sh")
        .args(["-c", &command])
        .env("LOCKKEEPER_WATCH", watch.to_string())
        .env("LOCKKEEPER_CHECK", evidence["check"].as_str().unwrap_or_default())
        .env("LOCKKEEPER_RULE", evidence["rule"].as_str().unwrap_or_default())
        .env("LOCKKEEPER_EVIDENCE", evidence.to_string())
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .map_err(|error| error.to_string())?;
    if let Some(mut input) = child.stdin.take() {
        // A command that does not read its input is no failure.
        let _ = input.write_all(format!("{evidence}\n").as_bytes()).await;
    }
    let status = child.wait().await.map_err(|error| error.to_string())?;
    if status.success() { Ok(()) } else { Err(status.to_string()) }
}
