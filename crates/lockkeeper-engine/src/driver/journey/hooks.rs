//! The commands by which a release moves the application: what they are told, how often they are tried, and what is
//! kept of what they say.
//!
//! A hook is safe to run twice: a driver that was killed while one ran runs it again, with the same
//! `LOCKKEEPER_IDEMPOTENCY_KEY`.

use std::ffi::OsString;
use std::path::Path;
use std::time::Duration;

use lockkeeper_core::message;
use lockkeeper_core::model::Message;
use lockkeeper_core::release::{Outcome, Task};
use serde_json::{Value, json};

use crate::process::{CommandLine, Ended, Handling, run, told};
use crate::seams::{Stop, instant, jittered, sleep};

/// One hook, as it was configured.
#[derive(Debug, Clone)]
pub struct AppHook {
    pub line: CommandLine,
    /// How often it is tried again when it fails.
    pub retries: u32,
}

/// The hooks of a release. What is not there is not run.
#[derive(Debug, Clone, Default)]
pub struct AppHooks {
    pub deploy: Option<AppHook>,
    pub wait_deployed: Option<AppHook>,
    pub rollback_app: Option<AppHook>,
    pub stop_app: Option<AppHook>,
    pub start_app: Option<AppHook>,
}

impl AppHooks {
    /// The hook of a task. The old code is waited for as the new one is.
    pub const fn of(&self, task: Task) -> Option<&AppHook> {
        match task {
            Task::Deploy => self.deploy.as_ref(),
            Task::WaitDeployed | Task::WaitRolledBack => self.wait_deployed.as_ref(),
            Task::RollbackApp => self.rollback_app.as_ref(),
            Task::StopApp => self.stop_app.as_ref(),
            Task::StartApp => self.start_app.as_ref(),
            Task::Verify
            | Task::Baseline
            | Task::Stage1
            | Task::Watch
            | Task::Gates
            | Task::Stage2
            | Task::Settle
            | Task::UndoStage2
            | Task::UndoStage1 => None,
        }
    }
}

/// What a hook is told, in its environment.
#[derive(Debug, Clone)]
pub struct Told<'a> {
    pub release_id: i64,
    pub task: Task,
    /// The version that is to run when the hook is done.
    pub version: &'a str,
    pub previous_version: Option<&'a str>,
    pub state: &'static str,
    pub plan: &'a str,
    pub key: &'a str,
    pub attempt: i32,
    /// Why it goes back; nothing on the way forward.
    pub evidence: &'a Value,
}

impl Told<'_> {
    fn environment(&self, try_number: u32) -> Vec<(OsString, OsString)> {
        let evidence = if self.evidence.is_null() { String::new() } else { self.evidence.to_string() };
        [
            ("LOCKKEEPER_RELEASE", self.release_id.to_string()),
            ("LOCKKEEPER_TASK", self.task.as_str().to_owned()),
            ("LOCKKEEPER_VERSION", self.version.to_owned()),
            ("LOCKKEEPER_PREVIOUS_VERSION", self.previous_version.unwrap_or_default().to_owned()),
            ("LOCKKEEPER_STATE", self.state.to_owned()),
            ("LOCKKEEPER_PLAN", self.plan.to_owned()),
            ("LOCKKEEPER_IDEMPOTENCY_KEY", self.key.to_owned()),
            ("LOCKKEEPER_ATTEMPT", self.attempt.to_string()),
            ("LOCKKEEPER_TRY", try_number.to_string()),
            ("LOCKKEEPER_EVIDENCE", evidence),
        ]
        .map(|(name, value)| (name.into(), value.into()))
        .into()
    }
}

/// How a hook went, with what shows it.
#[derive(Debug)]
pub struct Ran {
    pub outcome: Outcome,
    pub evidence: Value,
    /// Why it did not succeed.
    pub why: Option<Message>,
}

/// Of each of a hook's outputs so much is kept: the reason stands at the end of the one, the result in the other.
const KEPT_BYTES: usize = 32 * 1024;

/// What is told of a failed hook's standard error.
const LINES_TOLD: usize = 5;

/// Between asking a hook to end and ending it.
const GRACE: Duration = Duration::from_secs(3);

/// Between two tries.
const PAUSE: Duration = Duration::from_secs(2);

/// Runs a hook until it succeeds, its retries are spent, or a stop is asked for.
pub async fn run_hook(hook: &AppHook, told: &Told<'_>, folder: &Path, secrets: &Secrets, stop: &Stop) -> Ran {
    let began = instant();
    let mut tried = 0;
    loop {
        tried += 1;
        let mut line = hook.line.clone();
        line.environment.extend(told.environment(tried));
        let handling =
            Handling { input: &[], stop: Some(stop), folder: Some(folder), grace: GRACE, kept_bytes: KEPT_BYTES };
        let ended = Box::pin(run(&line, &handling)).await;
        let mut ran = judged(hook, &ended, secrets);
        ran.evidence["tries"] = tried.into();
        ran.evidence["took_ms"] = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX).into();
        if ran.outcome != Outcome::Failed || tried > hook.retries {
            return ran;
        }
        tokio::select! {
            () = sleep(jittered(PAUSE)) => {}
            _ = stop.asked() => return Ran { outcome: Outcome::Interrupted, ..ran },
        }
    }
}

fn judged(hook: &AppHook, ended: &Ended, secrets: &Secrets) -> Ran {
    let program = hook.line.program.to_string_lossy().into_owned();
    let failed = |why: Message, evidence: Value| Ran { outcome: Outcome::Failed, evidence, why: Some(why) };
    match ended {
        Ended::NotStarted(error) => {
            let reason = error.to_string();
            failed(
                message!("hook-not-started", program = program, reason = reason.as_str()),
                json!({ "error": reason }),
            )
        }
        Ended::Lost(error) => {
            let reason = error.to_string();
            failed(message!("hook-lost", reason = reason.as_str()), json!({ "error": reason }))
        }
        Ended::TimedOut { output, errors } => {
            let seconds = hook.line.time_limit.as_secs();
            let evidence = json!({
                "timed_out_s": seconds,
                "stdout": secrets.masked(&output.text()),
                "stderr": secrets.masked(&errors.text()),
            });
            failed(message!("hook-timed-out", program = program, seconds = seconds), evidence)
        }
        Ended::Stopped { output, errors, .. } => Ran {
            outcome: Outcome::Interrupted,
            evidence: json!({
                "stopped": true,
                "stdout": secrets.masked(&output.text()),
                "stderr": secrets.masked(&errors.text()),
            }),
            why: None,
        },
        Ended::Exited { status, output, errors } => {
            let status_told = told(*status);
            let evidence = json!({
                "status": status_told,
                "stdout": secrets.masked(&output.text()),
                "stderr": secrets.masked(&errors.text()),
            });
            if status.success() {
                return Ran { outcome: Outcome::Done, evidence, why: None };
            }
            let last = secrets.masked(&errors.last_lines(LINES_TOLD).join(" / "));
            failed(message!("hook-failed", program = program, status = status_told, stderr = last), evidence)
        }
    }
}

/// Values that must not be kept or told, whatever command says them.
#[derive(Clone, Default)]
pub struct Secrets(Vec<String>);

/// Shorter values are words of their own, and masking them would hide what is no secret.
const SECRET_CHARS_MIN: usize = 4;

impl Secrets {
    pub fn new(values: impl IntoIterator<Item = String>) -> Self {
        let mut values: Vec<String> = values.into_iter().filter(|it| it.chars().count() >= SECRET_CHARS_MIN).collect();
        // The longest first: a secret may begin with another one.
        values.sort_by_key(|value| std::cmp::Reverse(value.len()));
        values.dedup();
        Self(values)
    }

    pub fn masked(&self, text: &str) -> String {
        self.0.iter().fold(text.to_owned(), |text, secret| text.replace(secret.as_str(), "***"))
    }
}

/// Never shows a value.
impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Secrets({})", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_masked_the_longest_first() {
        let secrets = Secrets::new(["hunter2".to_owned(), "hunter2-and-more".to_owned(), "abc".to_owned()]);
        assert_eq!(secrets.masked("abc hunter2 hunter2-and-more!"), "abc *** ***!");
        assert_eq!(format!("{secrets:?}"), "Secrets(2)");
    }
}
