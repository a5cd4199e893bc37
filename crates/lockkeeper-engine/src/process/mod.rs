//! Runs commands that somebody configured: within a time limit, with all that they start, and with what they say kept
//! to a size.
//!
//! Invariant: nothing that a command started outlives its time limit, a stop or the future that runs it, unless it has
//! left its process group on purpose.

mod output;

use std::ffi::OsString;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tokio::io::AsyncWriteExt;
use tokio::process::{Child, Command};

pub use output::Kept;

use crate::seams::{Stop, StopCause, sleep};

/// A command to run.
#[derive(Debug, Clone)]
pub struct CommandLine {
    pub program: OsString,
    pub arguments: Vec<OsString>,
    /// Beside what this process has in its own.
    pub environment: Vec<(OsString, OsString)>,
    pub time_limit: Duration,
}

/// How a command ended.
#[derive(Debug)]
pub enum Ended {
    Exited {
        status: ExitStatus,
        output: Kept,
        errors: Kept,
    },
    TimedOut {
        output: Kept,
        errors: Kept,
    },
    /// A stop was asked for: the command was told to end, and then made to.
    Stopped {
        cause: StopCause,
        output: Kept,
        errors: Kept,
    },
    NotStarted(std::io::Error),
    /// The operating system would not say what became of it.
    Lost(std::io::Error),
}

/// How a command is run.
#[derive(Debug, Default)]
pub struct Handling<'a> {
    /// What it reads; nothing is an empty input.
    pub input: &'a [u8],
    pub stop: Option<&'a Stop>,
    /// Where it runs; else where this process does.
    pub folder: Option<&'a Path>,
    /// Between asking a command to end and ending it; nothing ends it at once.
    pub grace: Duration,
    /// Bytes of each of its outputs that are kept: the beginning of the one, the end of the other.
    pub kept_bytes: usize,
}

/// How a status is told: the exit code, or the signal.
pub fn told(status: ExitStatus) -> String {
    use std::os::unix::process::ExitStatusExt;
    match (status.code(), status.signal()) {
        (Some(code), _) => code.to_string(),
        (None, signal) => format!("signal {}", signal.unwrap_or_default()),
    }
}

/// Runs a command to its end, its time limit or a stop, whichever is first.
pub async fn run(line: &CommandLine, handling: &Handling<'_>) -> Ended {
    let mut command = Command::new(&line.program);
    command
        .args(&line.arguments)
        .envs(line.environment.iter().map(|(name, value)| (name, value)))
        .stdin(if handling.input.is_empty() { Stdio::null() } else { Stdio::piped() })
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true);
    if let Some(folder) = handling.folder {
        command.current_dir(folder);
    }
    let mut child = match command.spawn() {
        Ok(child) => child,
        Err(error) => return Ended::NotStarted(error),
    };
    // Should this be given up, nothing that the command started outlives it.
    let mut group = Group::of(&child);
    let (mut output, mut errors) = (Kept::beginning(handling.kept_bytes), Kept::end(handling.kept_bytes));
    let finished = async {
        let (from, errors_from) = (child.stdout.take(), child.stderr.take());
        let feed = feed(&mut child, handling.input);
        // Only some of it is told, but all of it is read: a full pipe would stop the command.
        let ((), read, read_errors) = tokio::join!(feed, output.read(from), errors.read(errors_from));
        read.and(read_errors)?;
        child.wait().await
    };
    let stopped = async {
        match handling.stop {
            Some(stop) => stop.asked().await,
            None => std::future::pending().await,
        }
    };
    let end = tokio::select! {
        status = finished => End::Finished(status),
        () = sleep(line.time_limit) => End::TimedOut,
        cause = stopped => End::Stopped(cause),
    };
    match end {
        End::Finished(Ok(status)) => {
            // The number may be another group's from now on.
            group.0 = None;
            Ended::Exited { status, output, errors }
        }
        End::Finished(Err(error)) => Ended::Lost(error),
        End::TimedOut => {
            group.end(&mut child, handling.grace).await;
            Ended::TimedOut { output, errors }
        }
        End::Stopped(cause) => {
            group.end(&mut child, handling.grace).await;
            Ended::Stopped { cause, output, errors }
        }
    }
}

enum End {
    Finished(std::io::Result<ExitStatus>),
    TimedOut,
    Stopped(StopCause),
}

async fn feed(child: &mut Child, input: &[u8]) {
    if let Some(mut pipe) = child.stdin.take() {
        // A command that does not read its input is no failure.
        let _ = pipe.write_all(input).await;
    }
}

/// The process group of a command, killed when this is dropped.
struct Group(Option<Pid>);

impl Group {
    fn of(child: &Child) -> Self {
        Self(child.id().and_then(|id| i32::try_from(id).ok()).map(Pid::from_raw))
    }

    /// Asks all of the group to end, and a while later makes it.
    async fn end(&self, child: &mut Child, grace: Duration) {
        let Some(group) = self.0.filter(|_| !grace.is_zero()) else { return };
        // Whatever has ended by itself is not there to be told.
        let _ = killpg(group, Signal::SIGTERM);
        tokio::select! {
            _ = child.wait() => {}
            () = sleep(grace) => {}
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(group) = self.0 {
            // Usually all of it has ended by itself.
            let _ = killpg(group, Signal::SIGKILL);
        }
    }
}
