//! A command: the alert in its environment, and as JSON on its standard input.

use std::ffi::OsString;
use std::process::Stdio;
use std::time::Duration;

use lockkeeper_core::message;
use lockkeeper_core::model::Message;
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, Command};

use super::letter::Letter;
use super::outcome::{Outcome, scrubbed};
use crate::postgres::Secret;

/// What to run.
#[derive(Debug, Clone)]
pub struct CommandReceiver {
    pub program: OsString,
    pub arguments: Vec<OsString>,
    /// What it must not repeat: it finds them in its environment.
    pub hidden: Vec<Secret>,
}

/// What is read of what it complains about.
const STDERR_BYTES_MAX: u64 = 16 * 1024;

impl CommandReceiver {
    /// Exit code 0 is success. What takes longer than its limit is killed, with all that it started.
    pub(super) async fn send(&self, letter: &Letter, limit: Duration) -> Outcome {
        let program = self.program.to_string_lossy().into_owned();
        let mut command = Command::new(&self.program);
        command
            .args(&self.arguments)
            .envs(environment(letter))
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true);
        let mut child = match command.spawn() {
            Ok(child) => child,
            Err(error) => {
                return later(message!("notify-command-not-started", program = program, reason = error.to_string()));
            }
        };
        let mut group = Group::of(&child);
        let input = format!("{}\n", letter.to_json());
        let Ok(finished) = tokio::time::timeout(limit, finish(&mut child, &input)).await else {
            return later(message!("notify-timed-out", limit_ms = limit.as_millis()));
        };
        // The number may be another group's from now on.
        group.0 = None;
        match finished {
            Ok((status, _)) if status.success() => Outcome::Delivered(message!("notify-command-done")),
            Ok((status, errors)) => {
                let said = scrubbed(&errors, &self.hidden.iter().collect::<Vec<_>>());
                later(message!("notify-command-failed", status = status.to_string(), said = said))
            }
            Err(error) => later(message!("notify-command-not-started", program = program, reason = error.to_string())),
        }
    }
}

fn later(why: Message) -> Outcome {
    Outcome::Later { why, after: None }
}

fn environment(letter: &Letter) -> [(&'static str, String); 10] {
    [
        ("LOCKKEEPER_ALERT_ID", letter.id.clone()),
        ("LOCKKEEPER_ALERT_KIND", letter.kind.as_str().to_owned()),
        ("LOCKKEEPER_ALERT_SEVERITY", letter.severity().as_str().to_owned()),
        ("LOCKKEEPER_ALERT_ABOUT", letter.about.as_str().to_owned()),
        ("LOCKKEEPER_ALERT_DEDUP_KEY", letter.dedup_key.clone()),
        ("LOCKKEEPER_ALERT_TOLD", letter.told.to_string()),
        ("LOCKKEEPER_ALERT_ENVIRONMENT", letter.environment.clone()),
        ("LOCKKEEPER_ALERT_DATABASE", letter.database.clone()),
        // An environment cannot hold a NUL, and a shell should not meet a line end.
        ("LOCKKEEPER_ALERT_TITLE", super::letter::one_line(&letter.title)),
        ("LOCKKEEPER_ALERT_SUMMARY", super::letter::one_line(&letter.summary)),
    ]
}

async fn finish(child: &mut Child, input: &str) -> std::io::Result<(std::process::ExitStatus, String)> {
    let (stdin, stderr) = (child.stdin.take(), child.stderr.take());
    let write = async {
        if let Some(mut stdin) = stdin {
            // A command that does not read its input is no failure.
            let _ = stdin.write_all(input.as_bytes()).await;
        }
    };
    let read = async {
        let mut kept = Vec::new();
        if let Some(mut stderr) = stderr {
            (&mut stderr).take(STDERR_BYTES_MAX).read_to_end(&mut kept).await?;
            // The rest is read as well: a full pipe would stop the command.
            tokio::io::copy(&mut stderr, &mut tokio::io::sink()).await?;
        }
        Ok::<_, std::io::Error>(String::from_utf8_lossy(&kept).into_owned())
    };
    let ((), status, errors) = tokio::join!(write, child.wait(), read);
    Ok((status?, errors?))
}

/// The command's process group, killed when this is dropped.
struct Group(Option<Pid>);

impl Group {
    fn of(child: &Child) -> Self {
        Self(child.id().and_then(|id| i32::try_from(id).ok()).map(Pid::from_raw))
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
