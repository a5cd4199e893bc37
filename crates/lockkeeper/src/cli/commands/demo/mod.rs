//! `demo`: the story of two releases of a shop under live traffic, on a private PostgreSQL.
//!
//! The shop is a real one: processes of this program, behind a front address, with customers who are never told to wait
//! for a release. The releases are driven as `release start` drives them, by a `lockkeeper.toml` that can be kept.

mod commands;
mod figures;
mod platform;
mod project;
pub mod shop;
mod stage;
mod traffic;
mod wire;

use std::path::PathBuf;
use std::time::Duration;

use lockkeeper_core::message;
use lockkeeper_core::model::{Answer, ExitClass, Message, Problem};
use lockkeeper_core::release::Cause;
use lockkeeper_engine::driver::{JourneyEnd, exit_of};
use lockkeeper_engine::postgres::{PrivateServer, PrivateServerOptions, connect};
use lockkeeper_engine::seams::{Stop, instant, sleep};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use self::figures::{Figures, Moments, by_second, sparkline};
use self::project::{APPROVER, AVERAGE, ONE_NAME, Pair, Project, SHOP};
use self::stage::Stage;
use self::traffic::{RATE, Seen};
use super::release::Args as ReleaseArgs;
use crate::cli::context::Context;
use crate::printer::{Cell, Table, Tone};

/// Tell the story of two releases under live traffic, on a private PostgreSQL that is removed afterwards
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  lockkeeper demo\n  lockkeeper demo --keep shop   # leaves the migrations and lockkeeper.toml in shop/\n\n\
Exit code 0 when it went as it is told: no request failed in the first release, and the second one went back by itself."
)]
pub struct Args {
    /// Make the demo's project in this folder, which is new or empty, and leave it there
    #[arg(long, value_name = "FOLDER")]
    keep: Option<PathBuf>,
}

/// How long our own signal may come behind that of a program we ran.
const SIGNAL_PATIENCE: Duration = Duration::from_millis(200);
/// What is still at work when the demo is over is cut off after so long.
const END_PATIENCE: Duration = Duration::from_secs(2);
/// The customers go on for so long after a release that went back, so that it shows.
const QUIET: Duration = Duration::from_secs(2);

pub fn run(args: &Args, context: &Context<'_>) -> Answer<u8> {
    // The shop's customers are not to wait for what the story does.
    let aside = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    let aside = aside.map_err(|error| failed(&error))?;
    let stop = aside.block_on(async { Stop::on_signals() }).map_err(|error| failed(&error))?;
    let told = tell(args, context, &aside, &stop);
    // A Ctrl-C reaches the programs that the story runs as well; that they ended is not what went wrong.
    let told = told.map_err(|problem| {
        aside.block_on(async {
            tokio::select! {
                cause = stop.asked() => Problem::new(exit_of(cause), message!("demo-stopped")),
                () = sleep(SIGNAL_PATIENCE) => problem,
            }
        })
    });
    aside.shutdown_timeout(END_PATIENCE);
    told
}

fn failed(error: &std::io::Error) -> Box<Problem> {
    Problem::usage(message!("demo-failed", reason = error.to_string()))
}

/// A release that is over and its customers counted, as it is told on the last screen.
struct Chapter {
    from: &'static str,
    to: &'static str,
    end: Value,
    figures: Figures,
}

fn tell(args: &Args, context: &Context<'_>, aside: &Runtime, stop: &Stop) -> Answer<u8> {
    let began = instant();
    let printer = context.printer;
    printer.say_in(&message!("demo-server"), Tone::Strong);
    let project = Project::make(args.keep.as_deref())?;
    let server = PrivateServer::start(&PrivateServerOptions { is_durable: false, ..PrivateServerOptions::default() })?;
    context.wait(create_database(&server))?;
    let mut stage = Stage::set(project, &server, context, aside, stop)?;

    heading(context, &message!("demo-shop"));
    files(&stage, SHOP)?;
    stage.play(&["stage1"])?;
    stage.play(&["deployed", "--version", "1"])?;
    stage.open("1")?;
    printer.say(&message!("demo-open", url = format!("http://{}/", stage.platform().front), rate = RATE));

    heading(context, &message!("demo-release-one"));
    printer.say_in(&message!("demo-terms"), Tone::Quiet);
    files(&stage, ONE_NAME)?;
    let first = first_release(&mut stage)?;

    heading(context, &message!("demo-release-two"));
    files(&stage, AVERAGE)?;
    // Whatever goes wrong ends the watch before its time.
    stage.configure("20s", "6s")?;
    let second = second_release(&mut stage)?;

    printer.line("");
    stage.play(&["log", "--verify"])?;
    let seen = stage.close();
    let chapters = [first.told(&seen), second.told(&seen)];
    heading(context, &message!("demo-figures"));
    show(&chapters, &seen, context);
    if let Some(path) = &args.keep {
        printer.say(&message!("demo-kept", path = path.display().to_string()));
    }
    drop(stage);
    drop(server);
    printer.say_in(&message!("demo-end", seconds = began.elapsed().as_secs()), Tone::Good);
    printer.answer(&json!({
        "took_ms": u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX),
        "requests": seen.samples.len(),
        "failures": seen.samples.iter().filter(|sample| sample.failed).count(),
        "releases": chapters.iter().map(Chapter::to_json).collect::<Vec<_>>(),
        "by_second": seconds(&seen).iter().map(|(all, failed)| json!([all, failed])).collect::<Vec<_>>(),
        "failed_with": seen.reasons,
    }));
    let kept_its_word = chapters[0].figures.failures == 0 && chapters[1].figures.failures_after == 0;
    Ok(if kept_its_word { 0 } else { ExitClass::Refused.code() })
}

async fn create_database(server: &PrivateServer) -> Answer<()> {
    let connection = connect(&server.target()).await?;
    let created = connection.client().batch_execute("CREATE DATABASE shop").await;
    created.map_err(|error| Problem::usage(message!("demo-failed", reason = error.to_string())))?;
    connection.close().await;
    Ok(())
}

fn heading(context: &Context<'_>, told: &Message) {
    context.printer.line("");
    context.printer.say_in(told, Tone::Strong);
}

/// Writes files, and says which.
fn files(stage: &Stage<'_, '_>, pairs: &[Pair]) -> Answer<()> {
    stage.project().add(pairs)?;
    for pair in pairs {
        let path = format!("migrations/{}_up.sql", pair.stem);
        stage.printer().say_under(2, &message!("demo-file", path = path), Tone::Quiet);
    }
    Ok(())
}

/// A release before its customers are counted.
struct Played {
    from: &'static str,
    to: &'static str,
    end: Value,
    moments: Moments,
}

impl Played {
    fn told(self, seen: &Seen) -> Chapter {
        let figures = Figures::of(&seen.samples, &self.moments);
        Chapter { from: self.from, to: self.to, end: self.end, figures }
    }
}

/// Goes through, by way of an approval.
fn first_release(stage: &mut Stage<'_, '_>) -> Answer<Played> {
    let (from, to) = ("1", "2");
    stage.begin(to);
    stage.say_command(&["release", "start", "--version", to]);
    let end = stage.drive(&ReleaseArgs::to(to))?;
    let JourneyEnd::Waits { .. } = end else { return Err(unexpected(from, to, &end)) };
    let by = ["--as", APPROVER, "--key", "approver_key", "--yes"];
    stage.play(&[&["approve", "stage2", "--reason", "all customers are on version 2"], &by[..]].concat())?;
    stage.say_command(&["release", "resume"]);
    let end = stage.drive(&ReleaseArgs::onward())?;
    let JourneyEnd::Completed = end else { return Err(unexpected(from, to, &end)) };
    Ok(Played { from, to, end: json!({ "end": "completed" }), moments: stage.end() })
}

/// Goes back, because the code fails.
fn second_release(stage: &mut Stage<'_, '_>) -> Answer<Played> {
    let (from, to) = ("2", "3");
    stage.begin(to);
    stage.say_command(&["release", "start", "--version", to]);
    let end = stage.drive(&ReleaseArgs::to(to))?;
    let JourneyEnd::RolledBack { cause: Cause::Unhealthy, class, .. } = end else {
        return Err(unexpected(from, to, &end));
    };
    stage.let_pass(QUIET)?;
    let end = json!({ "end": "rolled_back", "cause": Cause::Unhealthy.as_str(), "class": class.as_str() });
    Ok(Played { from, to, end, moments: stage.end() })
}

/// The machine may have been so busy that nothing could be judged, say.
fn unexpected(from: &str, to: &str, end: &JourneyEnd) -> Box<Problem> {
    let end = match end {
        JourneyEnd::Completed => message!("demo-ended-completed"),
        JourneyEnd::Waits { .. } => message!("demo-ended-waits"),
        JourneyEnd::RolledBack { cause, .. } | JourneyEnd::Frozen { cause: Some(cause), .. } => {
            super::release::cause_told(*cause)
        }
        JourneyEnd::Frozen { cause: None, .. } => message!("release-cause-unknown"),
    };
    Problem::new(ExitClass::MigrationFailed, message!("demo-not-in-the-story", from = from, to = to, end = end))
}

impl Chapter {
    fn to_json(&self) -> Value {
        let mut value = json!({ "from": self.from, "to": self.to });
        if let Some(all) = value.as_object_mut() {
            for part in [&self.end, &self.figures.to_json()] {
                all.extend(part.as_object().cloned().unwrap_or_default());
            }
        }
        value
    }
}

fn seconds(seen: &Seen) -> Vec<(usize, usize)> {
    let until = seen.samples.iter().map(|sample| sample.at).max().unwrap_or_default();
    let mut seconds = by_second(&seen.samples, until);
    // The customers left before it was over, so that it would look as if fewer had come.
    seconds.pop();
    seconds
}

/// No terminal is narrower than this with a word in front of it.
const BARS_MAX: usize = 60;

/// The last screen.
fn show(chapters: &[Chapter; 2], seen: &Seen, context: &Context<'_>) {
    let printer = context.printer;
    let text = |message: Message| printer.text(&message);
    let title =
        |chapter: &Chapter| printer.text(&message!("demo-figures-release", from = chapter.from, to = chapter.to));
    let mut table = Table::new([String::new()].into_iter().chain(chapters.iter().map(title)).collect());
    let time = |time: Option<Duration>| {
        time.map_or_else(
            || "–".to_owned(),
            |time| text(message!("demo-figures-seconds", seconds = format!("{:.1}", time.as_secs_f64()))),
        )
    };
    let mut row = |name: Message, cell: &dyn Fn(&Chapter) -> Cell| {
        table.row([Cell::new(text(name))].into_iter().chain(chapters.iter().map(cell)).collect());
    };
    row(message!("demo-figures-end"), &|chapter| match chapter.end["end"].as_str() {
        Some("completed") => Cell::toned(text(message!("demo-figures-completed")), Tone::Good),
        _ => Cell::toned(text(message!("demo-figures-rolled-back")), Tone::Waiting),
    });
    row(message!("demo-figures-took"), &|chapter| Cell::new(time(Some(chapter.figures.took))));
    row(message!("demo-figures-requests"), &|chapter| Cell::new(chapter.figures.requests.to_string()));
    row(message!("demo-figures-failures"), &|chapter| {
        let failures = chapter.figures.failures;
        Cell::toned(failures.to_string(), if failures == 0 { Tone::Good } else { Tone::Bad })
    });
    row(message!("demo-figures-detected"), &|chapter| Cell::new(time(chapter.figures.detected)));
    row(message!("demo-figures-old-code"), &|chapter| Cell::new(time(chapter.figures.old_code)));
    row(message!("demo-figures-back"), &|chapter| Cell::new(time(chapter.figures.rolled_back)));
    row(message!("demo-figures-after"), &|chapter| {
        Cell::new(
            chapter.figures.old_code.map_or_else(|| "–".to_owned(), |_| chapter.figures.failures_after.to_string()),
        )
    });
    printer.table(&table);
    let seconds = seconds(seen);
    let highest = seconds.iter().map(|(all, _)| *all).max().unwrap_or_default();
    let bars = |values: Vec<usize>, highest| sparkline(&values, highest, BARS_MAX);
    let failures: Vec<usize> = seconds.iter().map(|(_, failed)| *failed).collect();
    let most = failures.iter().copied().max().unwrap_or_default();
    printer.line("");
    let requests = bars(seconds.iter().map(|(all, _)| *all).collect(), highest);
    printer.say(&message!("demo-bars-requests", bars = requests, most = highest));
    printer.say(&message!("demo-bars-failures", bars = bars(failures, most), most = most));
    printer.line("");
}
