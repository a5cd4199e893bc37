//! `health start`: the watch.

use std::net::SocketAddr;
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use lockkeeper_core::message;
use lockkeeper_core::model::{Answer, ExitClass, Problem, WatchVerdict};
use lockkeeper_engine::driver::{Reload, Terms, WatchEnd, WatchNews, WatchRequest, exit_of, watch};
use lockkeeper_engine::http::{Asked, Page, listen, serve};
use lockkeeper_engine::ledger::read;
use lockkeeper_engine::metrics::{Format, Metrics};
use lockkeeper_engine::notify::{Deliverer, News, keep_delivering};
use lockkeeper_engine::postgres::connect;
use lockkeeper_engine::seams::{Hangup, Stop};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::task::{AbortHandle, JoinSet};

use super::terms::terms;
use super::watch_log::WatchLog;
use super::{Args, INCONCLUSIVE, LogFormat, UNHEALTHY};
use crate::cli::alerts::{Texts, tell_news};
use crate::cli::context::Context;
use crate::printer::Tone;
use crate::settings;

pub async fn run(args: &Args, lasts: Option<Duration>, context: &Context<'_>) -> Answer<u8> {
    let stop = Stop::on_signals().map_err(|error| signals_refused(&error))?;
    let hangup = Hangup::on_signal().map_err(|error| signals_refused(&error))?;
    let health = &context.settings.health;
    let Terms { rules, described, watched, witness, routes } = terms(health, context)?;
    let release_id = open_release(context).await?;
    // What is measured and how may change; which database it is about, and who watches, does not.
    let anew = || terms(&settings::load(&context.flags)?.health, context);
    let place = args.metrics_listen.or(health.metrics);
    let metrics = Arc::new(Mutex::new(Metrics::new(context.settings.environment.as_str())));
    let served = match place {
        Some(place) => Some(serve_metrics(place, Arc::clone(&metrics)).await?),
        None => None,
    };
    let request = WatchRequest {
        target: context.settings.target()?.clone(),
        holder: context.holder(),
        release_id,
        rules,
        described,
        watched,
        witness,
        routes,
        lasts,
        reload: Some(Reload { hangup, terms: Box::new(anew) }),
        tells_vitals: place.is_some(),
    };
    let printer = context.printer;
    if let Some(lasts) = lasts.filter(|lasts| *lasts < rules.duration_min) {
        let need = rules.duration_min.as_secs();
        printer.note_in(&message!("watch-for-short", seconds = lasts.as_secs(), need = need), Tone::Waiting);
    }
    let mut commands = JoinSet::new();
    let is_json = args.log.map_or_else(|| printer.is_json(), |format| format == LogFormat::Json);
    let mut log = WatchLog::new(printer, is_json);
    let mut told = |news: WatchNews<'_>| {
        log.tell(&news);
        if place.is_some() {
            count(&mut metrics.lock().unwrap_or_else(PoisonError::into_inner), &news);
        }
        if let (WatchNews::Breached { watch, evidence }, Some(command)) = (&news, &args.on_breach) {
            commands.spawn(hand_over(command.clone(), *watch, (*evidence).clone()));
        }
    };
    let texts = Texts::new(printer.language());
    let render = |lang: Option<&str>, value: &Value| texts.say(lang, value);
    let deliverer = Deliverer::new(context.receivers().to_vec(), context.settings.notify.remind, &render);
    let target = request.target.clone();
    let mut tell = |news: News<'_>| tell_news(printer, &news);
    let delivering = keep_delivering(&target, deliverer, &mut tell);
    let watching = watch(request, &stop, &mut told);
    // Alerts go out beside the watch, which waits for none of them.
    let ended = tokio::select! {
        ended = watching => ended,
        () = delivering => unreachable!("it delivers until it is dropped"),
    };
    if let Some(served) = served {
        served.abort();
    }
    context.deliver_alerts().await;
    let ended = ended?;
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

/// Serves metrics until it is aborted. An address that is taken is refused before anything is watched.
async fn serve_metrics(place: SocketAddr, metrics: Arc<Mutex<Metrics>>) -> Answer<AbortHandle> {
    let refused = |error: std::io::Error| {
        Problem::usage(message!("metrics-not-served", address = place.to_string(), reason = error.to_string()))
    };
    let listener = listen(place).await.map_err(refused)?;
    let page = move |asked: &Asked| {
        let format = Format::accepted(&asked.accept);
        let text = || metrics.lock().unwrap_or_else(PoisonError::into_inner).text(format);
        (asked.path == "/metrics").then(|| Page { content_type: format.content_type(), body: text() })
    };
    Ok(tokio::spawn(serve(listener, page)).abort_handle())
}

/// What a watch tells, as numbers.
fn count(metrics: &mut Metrics, news: &WatchNews<'_>) {
    match news {
        WatchNews::Took { check, taken, took } => metrics.took(check, taken, *took),
        WatchNews::Judged(judgement) => metrics.judged(judgement),
        WatchNews::Vitals(vitals) => metrics.vitals(vitals.clone()),
        WatchNews::Reloaded(names) => metrics.retain(|name| names.contains(name)),
        WatchNews::Began { .. }
        | WatchNews::Turned { .. }
        | WatchNews::ReloadRefused(_)
        | WatchNews::Breached { .. }
        | WatchNews::LedgerUnreachable(_) => {}
    }
}

pub(super) fn signals_refused(error: &std::io::Error) -> Box<Problem> {
    Problem::new(ExitClass::Usage, message!("runtime-failed", reason = error.to_string()))
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
