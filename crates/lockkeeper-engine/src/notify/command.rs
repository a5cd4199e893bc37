//! A command: the alert in its environment, and as JSON on its standard input.

use std::ffi::OsString;
use std::time::Duration;

use lockkeeper_core::message;
use lockkeeper_core::model::Message;

use super::letter::{Letter, one_line};
use super::outcome::{Outcome, scrubbed};
use crate::postgres::Secret;
use crate::process::{CommandLine, Ended, Handling, run, told};

/// What to run.
#[derive(Debug, Clone)]
pub struct CommandReceiver {
    pub program: OsString,
    pub arguments: Vec<OsString>,
    /// What must not be repeated of what it complains about: it finds these in its environment.
    pub hidden: Vec<Secret>,
}

/// What is kept of what it complains about, and how many lines of that are told.
const KEPT_BYTES: usize = 16 * 1024;
const STDERR_LINES_MAX: usize = 3;

impl CommandReceiver {
    /// Exit code 0 is success. What takes longer than its limit is killed, with all that it started.
    pub(super) async fn send(&self, letter: &Letter, limit: Duration) -> Outcome {
        let program = self.program.to_string_lossy();
        let line = CommandLine {
            program: self.program.clone(),
            arguments: self.arguments.clone(),
            environment: environment(letter).map(|(name, value)| (name.into(), value.into())).to_vec(),
            time_limit: limit,
        };
        let input = format!("{}\n", letter.to_json());
        let handling = Handling { input: input.as_bytes(), kept_bytes: KEPT_BYTES, ..Handling::default() };
        match run(&line, &handling).await {
            Ended::Exited { status, .. } if status.success() => Outcome::Delivered(message!("notify-command-done")),
            Ended::Exited { status, errors, .. } => {
                let hidden: Vec<&Secret> = self.hidden.iter().collect();
                let said = scrubbed(&errors.last_lines(STDERR_LINES_MAX).join(" / "), &hidden);
                later(message!("notify-command-failed", status = told(status), said = said))
            }
            Ended::TimedOut { .. } => later(message!("notify-timed-out", limit_ms = limit.as_millis())),
            Ended::NotStarted(error) | Ended::Lost(error) => {
                let program = program.into_owned();
                later(message!("notify-command-not-started", program = program, reason = error.to_string()))
            }
            Ended::Stopped { .. } => unreachable!("no stop was handed in"),
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
        ("LOCKKEEPER_ALERT_TITLE", one_line(&letter.title)),
        ("LOCKKEEPER_ALERT_SUMMARY", one_line(&letter.summary)),
    ]
}
