//! A program that ends when we do, however we end: stopped, out of time, or killed.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::postgres::is_libpq_name;
use crate::seams::{Stop, StopCause, instant, sleep};

/// The shell script that outlives us by as long as it takes to end the program.
const SUPERVISOR: &str = include_str!("supervised.sh");

/// How often there is time to tell how far it is.
const TICK: Duration = Duration::from_millis(250);
/// A program that was told to end takes its connections back in this time; then it is killed.
const GRACE: Duration = Duration::from_secs(8);
/// What a program says beyond this is read and let go.
const OUTPUT_BYTES_MAX: usize = 256 * 1024;
/// The last lines of standard error, where the reason stands.
const STDERR_LINES_MAX: usize = 12;

/// What to run.
#[derive(Debug, Clone)]
pub struct Line {
    pub program: PathBuf,
    pub arguments: Vec<OsString>,
    /// Beside what this process has in its own.
    pub environment: Vec<(OsString, OsString)>,
    /// Whether the settings of a connection that this process has in its environment are kept from it.
    pub hides_connection: bool,
    pub folder: Option<PathBuf>,
    pub time_limit: Option<Duration>,
}

/// What it said, and how it ended.
#[derive(Debug)]
pub struct Ended {
    pub status: ExitStatus,
    pub output: Vec<u8>,
    /// The last lines of standard error.
    pub errors: Vec<String>,
}

/// Why it did not come to its end.
#[derive(Debug)]
pub enum NotEnded {
    NotStarted(std::io::Error),
    Stopped(StopCause),
    TimedOut(Duration),
}

impl Ended {
    /// As a shell tells it: the code, or the signal.
    pub fn told_status(&self) -> String {
        use std::os::unix::process::ExitStatusExt;
        match (self.status.code(), self.status.signal()) {
            (Some(code), _) => code.to_string(),
            (None, signal) => format!("signal {}", signal.unwrap_or_default()),
        }
    }
}

/// The process group of a program, killed when this is dropped.
struct Group(Option<Pid>);

impl Group {
    fn of(child: &Child) -> Self {
        Self(child.id().and_then(|id| i32::try_from(id).ok()).map(Pid::from_raw))
    }

    fn kill(&mut self) {
        if let Some(group) = self.0.take() {
            // Usually all of it has ended by itself.
            let _ = killpg(group, Signal::SIGKILL);
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Runs a program to its end. `heard` is given each line of its standard error, `tick` has its turn now and then.
/// A stop, or the end of its time, ends it and all that it started.
pub async fn run(
    line: &Line,
    stop: &Stop,
    heard: &mut dyn FnMut(&str),
    tick: &mut dyn FnMut(),
) -> Result<Ended, NotEnded> {
    let mut child = command(line).spawn().map_err(NotEnded::NotStarted)?;
    let mut group = Group::of(&child);
    // While this is open, the program runs.
    let held = child.stdin.take();
    let (Some(mut output), Some(errors)) = (child.stdout.take(), child.stderr.take()) else {
        return Err(NotEnded::NotStarted(std::io::Error::other("no pipes")));
    };
    let mut errors = BufReader::new(errors).split(b'\n');
    let (mut kept, mut last, mut buffer) = (Vec::new(), Vec::new(), [0; 8192]);
    let (mut output_ended, mut errors_ended, mut status) = (false, false, None);
    let began = instant();
    loop {
        if let Some(status) = status.filter(|_| output_ended && errors_ended) {
            return Ok(Ended { status, output: kept, errors: last });
        }
        let left = line.time_limit.map(|limit| limit.saturating_sub(began.elapsed()));
        tokio::select! {
            read = output.read(&mut buffer), if !output_ended => match read {
                Ok(0) | Err(_) => output_ended = true,
                Ok(count) => {
                    let room = OUTPUT_BYTES_MAX.saturating_sub(kept.len());
                    kept.extend_from_slice(&buffer[..count.min(room)]);
                }
            },
            said = errors.next_segment(), if !errors_ended => match said {
                Ok(None) | Err(_) => errors_ended = true,
                Ok(Some(said)) => {
                    let said = String::from_utf8_lossy(&said).into_owned();
                    heard(&said);
                    last.push(said);
                    if last.len() > STDERR_LINES_MAX {
                        last.remove(0);
                    }
                }
            },
            ended = child.wait(), if status.is_none() => {
                status = Some(ended.map_err(NotEnded::NotStarted)?);
                // What it started and left behind would keep its outputs open.
                group.kill();
            }
            () = sleep(left.map_or(TICK, |left| left.min(TICK))), if status.is_none() => {
                tick();
                if let Some(limit) = line.time_limit.filter(|limit| began.elapsed() >= *limit) {
                    drop(held);
                    end(&mut child, &mut group).await;
                    return Err(NotEnded::TimedOut(limit));
                }
            }
            cause = stop.asked(), if status.is_none() => {
                drop(held);
                end(&mut child, &mut group).await;
                return Err(NotEnded::Stopped(cause));
            }
        }
    }
}

/// The supervisor tells the program to end as soon as our end of its input is closed.
async fn end(child: &mut Child, group: &mut Group) {
    tokio::select! {
        _ = child.wait() => {}
        () = sleep(GRACE) => {}
    }
    group.kill();
    let _ = child.wait().await;
}

fn command(line: &Line) -> Command {
    let mut command = Command::new("/bin/sh");
    command
        .args(["-c", SUPERVISOR, "lockkeeper-backup"])
        .arg(&line.program)
        .args(&line.arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        // A Ctrl-C in the terminal is for us; the program goes when we do.
        .process_group(0);
    if let Some(folder) = &line.folder {
        command.current_dir(folder);
    }
    if line.hides_connection {
        for (name, _) in std::env::vars_os().filter(|(name, _)| is_libpq_name(name)) {
            command.env_remove(name);
        }
    }
    command.envs(line.environment.iter().map(|(name, value)| (name, value)));
    command
}
