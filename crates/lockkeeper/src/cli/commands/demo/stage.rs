//! Where the demo is played: its project, the shop behind its front address, the customers, and what is shown of them
//! meanwhile.

use std::cell::RefCell;
use std::time::Duration;

use lockkeeper_core::message;
use lockkeeper_core::model::{Answer, Problem};
use lockkeeper_core::release::{Outcome, ReleaseState, Task};
use lockkeeper_engine::driver::{JourneyEnd, JourneyNews, exit_of};
use lockkeeper_engine::postgres::PrivateServer;
use lockkeeper_engine::seams::{Stop, sleep};
use tokio::runtime::Runtime;

use super::commands::{Commands, spoken};
use super::failed;
use super::figures::{Moments, by_second, sparkline};
use super::platform::{Launch, Platform};
use super::project::{Project, Terms};
use super::traffic::{Seen, Traffic};
use crate::cli::commands::release;
use crate::cli::context::Context;
use crate::printer::{Foot, Printer, Tone};
use crate::settings::{self, Flags};

pub struct Stage<'p, 'r> {
    /// The demo's own context: its settings are those of the project.
    context: Context<'p>,
    commands: Commands,
    project: Project,
    platform: Platform,
    traffic: Option<Traffic>,
    aside: &'r Runtime,
    stop: &'r Stop,
    foot: Option<Foot<'p>>,
    playing: RefCell<Playing>,
}

/// The release that is on.
#[derive(Debug, Default)]
struct Playing {
    version: &'static str,
    state: Option<ReleaseState>,
    moments: Moments,
}

/// Lines at the foot of a terminal, and how often they are drawn.
const FOOT_LINES: usize = 3;
const DRAWN_EVERY: Duration = Duration::from_millis(200);
/// Elsewhere a line is said so often.
const SAID_EVERY: Duration = Duration::from_secs(5);
const BARS: usize = 40;

impl<'p, 'r> Stage<'p, 'r> {
    pub fn set(
        project: Project,
        server: &PrivateServer,
        outer: &Context<'p>,
        aside: &'r Runtime,
        stop: &'r Stop,
    ) -> Answer<Self> {
        let target = server.target().with_database("shop");
        let commands = Commands::new(project.path(), &target, outer.settings.language.clone())?;
        let launch = Launch {
            program: commands.program.clone(),
            folder: commands.folder.clone(),
            removed: Commands::removed(),
            environment: commands.environment(),
        };
        let platform = aside.block_on(Platform::start(launch)).map_err(|error| failed(&error))?;
        configure(&project, &platform, &commands, WATCH, SETTLE)?;
        let context = context_of(&project, &commands, outer)?;
        let foot = outer.printer.foot(FOOT_LINES);
        let playing = RefCell::default();
        Ok(Self { context, commands, project, platform, traffic: None, aside, stop, foot, playing })
    }

    pub const fn project(&self) -> &Project {
        &self.project
    }

    pub const fn platform(&self) -> &Platform {
        &self.platform
    }

    pub const fn printer(&self) -> &'p Printer {
        self.context.printer
    }

    /// Goes by other terms from here on.
    pub fn configure(&mut self, watch: &str, settle: &str) -> Answer<()> {
        configure(&self.project, &self.platform, &self.commands, watch, settle)?;
        self.context = context_of(&self.project, &self.commands, &self.context)?;
        Ok(())
    }

    /// Opens the shop: a version serves, and its customers come.
    pub fn open(&mut self, version: &str) -> Answer<()> {
        self.aside.block_on(self.platform.deploy(version)).map_err(|error| failed(&error))?;
        self.traffic = Some(self.aside.block_on(async { Traffic::start(self.platform.front) }));
        self.not_stopped()
    }

    /// The customers go. Those who have asked are answered first.
    pub fn close(&mut self) -> Seen {
        self.foot = None;
        self.traffic.take().map(|traffic| self.aside.block_on(traffic.end())).unwrap_or_default()
    }

    pub fn say_command(&self, args: &[&str]) {
        self.printer().say_in(&message!("demo-command", command = spoken(args)), Tone::Quiet);
    }

    /// A command of its own, to its end.
    pub fn play(&self, args: &[&str]) -> Answer<()> {
        self.say_command(args);
        self.context.wait(self.meanwhile(self.commands.run(args, self.printer())))?;
        self.not_stopped()
    }

    /// A release begins.
    pub fn begin(&self, version: &'static str) {
        let moments = Moments { began: self.now(), ..Moments::default() };
        *self.playing.borrow_mut() = Playing { version, state: None, moments };
    }

    /// It is over.
    pub fn end(&self) -> Moments {
        let mut playing = self.playing.borrow_mut();
        playing.moments.ended = self.now();
        std::mem::take(&mut *playing).moments
    }

    /// Drives the release as `release start` and `release resume` do.
    pub fn drive(&self, args: &release::Args) -> Answer<JourneyEnd> {
        let mut observe = |news: &JourneyNews<'_>| self.observe(news);
        let driven = self.context.wait(Box::pin(self.meanwhile(async {
            if args.is_start() {
                Box::pin(release::begin(args, &self.context, &mut observe)).await
            } else {
                Box::pin(release::go_on(args, &self.context, &mut observe)).await
            }
        })))?;
        self.not_stopped()?;
        Ok(driven.end)
    }

    pub fn let_pass(&self, time: Duration) -> Answer<()> {
        self.context.wait(self.meanwhile(sleep(time)));
        self.not_stopped()
    }

    fn not_stopped(&self) -> Answer<()> {
        match self.stop.cause() {
            Some(cause) => Err(Problem::new(exit_of(cause), message!("demo-stopped"))),
            None => Ok(()),
        }
    }

    fn now(&self) -> Duration {
        self.traffic.as_ref().map(Traffic::now).unwrap_or_default()
    }

    fn observe(&self, news: &JourneyNews<'_>) {
        let now = self.now();
        let mut playing = self.playing.borrow_mut();
        match news {
            JourneyNews::Moved { to, .. } => {
                playing.state = Some(*to);
                if *to == ReleaseState::RolledBack {
                    playing.moments.rolled_back = Some(now);
                }
            }
            JourneyNews::GoesBack { .. } => playing.moments.turned_back = Some(now),
            JourneyNews::Ended { task: Task::RollbackApp, outcome: Outcome::Done, .. } => {
                playing.moments.old_code = Some(now);
            }
            JourneyNews::Began { .. }
            | JourneyNews::Ended { .. }
            | JourneyNews::Unreachable { .. }
            | JourneyNews::Waits { .. }
            | JourneyNews::BacksUp
            | JourneyNews::Driver(_)
            | JourneyNews::Watch(_) => {}
        }
    }

    /// Does the work, and shows what the customers see meanwhile.
    async fn meanwhile<T>(&self, work: impl Future<Output = T>) -> T {
        tokio::select! {
            done = work => done,
            () = self.show() => unreachable!("it is shown until it is dropped"),
        }
    }

    async fn show(&self) {
        loop {
            if let Some(foot) = &self.foot {
                self.draw(foot);
                sleep(DRAWN_EVERY).await;
            } else {
                sleep(SAID_EVERY).await;
                self.say();
            }
        }
    }

    fn say(&self) {
        let Some(traffic) = &self.traffic else { return };
        let seen = traffic.seen();
        let failures = seen.samples.iter().filter(|sample| sample.failed).count();
        let (seconds, version) = (traffic.now().as_secs(), self.platform.version());
        let requests = seen.samples.len();
        let said =
            message!("demo-so-far", seconds = seconds, requests = requests, failures = failures, version = version);
        self.printer().note_in(&said, if failures == 0 { Tone::Quiet } else { Tone::Waiting });
    }

    fn draw(&self, foot: &Foot<'_>) {
        let Some(traffic) = &self.traffic else { return };
        let (seen, printer) = (traffic.seen(), self.printer());
        let mut seconds = by_second(&seen.samples, traffic.now());
        // The one that is not over yet would always be the lowest.
        seconds.pop();
        let bars = |values: Vec<usize>| {
            let highest = values.iter().copied().max().unwrap_or_default();
            sparkline(&values, highest, BARS)
        };
        let failures = seen.samples.iter().filter(|sample| sample.failed).count();
        let requests = message!(
            "demo-foot-requests",
            bars = bars(seconds.iter().map(|(all, _)| *all).collect()),
            requests = seen.samples.len(),
            version = self.platform.version()
        );
        let failed = bars(seconds.iter().map(|(_, failed)| *failed).collect());
        let failed = message!("demo-foot-failures", bars = failed, failures = failures);
        let playing = self.playing.borrow();
        let release = match playing.state {
            Some(state) => message!("demo-foot-release", version = playing.version, state = state.as_str()),
            None => message!("demo-foot-no-release"),
        };
        foot.show(0, &printer.text(&release), Tone::Strong);
        foot.show(1, &printer.text(&requests), Tone::Good);
        foot.show(2, &printer.text(&failed), if failures == 0 { Tone::Quiet } else { Tone::Bad });
    }
}

impl Drop for Stage<'_, '_> {
    fn drop(&mut self) {
        self.aside.block_on(self.platform.end());
    }
}

/// How long a release is watched after its deploy and after stage 2, when nothing goes wrong.
const WATCH: &str = "6s";
const SETTLE: &str = "6s";

fn configure(project: &Project, platform: &Platform, commands: &Commands, watch: &str, settle: &str) -> Answer<()> {
    let (front, control, program) = (platform.front, platform.control, commands.program.as_path());
    project.configure(&Terms { front, control, program, watch, settle })
}

fn context_of<'p>(project: &Project, commands: &Commands, like: &Context<'p>) -> Answer<Context<'p>> {
    let flags = Flags {
        project_dir: Some(project.path().to_owned()),
        lang: like.settings.language.clone(),
        json: like.flags.json,
        color: like.flags.color,
        ..Flags::default()
    };
    let settings = settings::of_project(project.path(), commands.variables(), &flags)?;
    Context::new(settings, flags, like.printer)
}
