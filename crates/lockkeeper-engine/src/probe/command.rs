//! An external command as a source: what it measured, it says as JSON on its standard output.
//!
//! ```json
//! {"verdict": "pass", "value": 1.5, "requests": 120, "errors": 3, "message": "queue is short"}
//! ```
//!
//! | key | |
//! | --- | --- |
//! | `verdict` | `pass`, `fail`, `no_data` or `probe_error`. Without it the value decides, against the bound of the settings; without a bound it passes by having a value or requests. |
//! | `value` | A number. |
//! | `requests`, `errors` | Whole numbers: how many requests there were **since the last time the command ran**, and how many of them were errors. Both or neither. |
//! | `message` | A sentence for people. |
//!
//! Other keys are left alone.
//! A verdict `pass` beside a value that breaches the bound fails: the bound was set by whoever watches.
//!
//! The exit code has to be 0, whatever the verdict; every other one is a probe error, as is an answer that cannot be
//! read. At its time limit the command is killed with its whole process group, and that is a probe error too: a
//! command that hangs says nothing of the target.

use lockkeeper_core::health::{Counts, Measurement};
use lockkeeper_core::message;
use lockkeeper_core::model::{Message, Verdict};
use serde::Deserialize;

use super::bound::Bound;
use super::http::shortened;
use super::reading::{Reading, Taken, milliseconds, shown};
use crate::process::{CommandLine, Ended, Handling, run, told};
use crate::seams;

/// A command that measures.
#[derive(Debug)]
pub struct CommandProbe {
    line: CommandLine,
    bound: Option<Bound>,
}

/// The answer of a command is some numbers and a sentence.
const OUTPUT_BYTES_MAX: usize = 64 * 1024;

/// What is told of standard error: its last lines, where the reason stands.
const STDERR_LINES_MAX: usize = 3;

impl CommandProbe {
    pub const fn new(line: CommandLine, bound: Option<Bound>) -> Self {
        Self { line, bound }
    }

    pub async fn take(&mut self) -> Taken {
        let outcome = self.run().await;
        let at = seams::wall_clock();
        match outcome.and_then(|output| Answer::read(&output)) {
            Ok(answer) => answer.taken(at, self.bound),
            Err(why) => Taken::bare(at, Verdict::ProbeError, why),
        }
    }

    /// What it wrote to its standard output.
    async fn run(&self) -> Result<Vec<u8>, Message> {
        let handling = Handling { kept_bytes: OUTPUT_BYTES_MAX, ..Handling::default() };
        match Box::pin(run(&self.line, &handling)).await {
            Ended::NotStarted(error) => {
                let program = self.line.program.to_string_lossy().into_owned();
                Err(message!("probe-command-not-started", program = program, reason = error.to_string()))
            }
            Ended::Lost(error) => Err(message!("probe-own-refused", reason = error.to_string())),
            Ended::TimedOut { .. } | Ended::Stopped { .. } => {
                Err(message!("probe-command-timed-out", limit_ms = shown(milliseconds(self.line.time_limit))))
            }
            Ended::Exited { status, errors, .. } if !status.success() => {
                let lines: Vec<String> =
                    errors.last_lines(STDERR_LINES_MAX).iter().map(|line| shortened(line)).collect();
                Err(message!("probe-command-failed", status = told(status), stderr = lines.join(" / ")))
            }
            Ended::Exited { output, .. } if output.is_cut() => {
                Err(message!("probe-command-too-long", max = OUTPUT_BYTES_MAX))
            }
            Ended::Exited { output, .. } => Ok(output.bytes().to_vec()),
        }
    }
}

/// What a command answers; see the module.
#[derive(Debug, Deserialize)]
struct Answer {
    verdict: Option<String>,
    value: Option<f64>,
    requests: Option<u64>,
    errors: Option<u64>,
    message: Option<String>,
}

impl Answer {
    fn read(output: &[u8]) -> Result<Self, Message> {
        let answer: Self = serde_json::from_slice(output)
            .map_err(|error| message!("probe-command-unreadable", reason = error.to_string()))?;
        let verdict = answer.verdict.as_deref();
        if let Some(unknown) = verdict.filter(|verdict| Verdict::from_ledger(verdict).is_none()) {
            return Err(message!("probe-command-verdict", verdict = shortened(unknown)));
        }
        if answer.requests.is_some() != answer.errors.is_some() {
            return Err(message!("probe-command-halves"));
        }
        Ok(answer)
    }

    fn taken(self, at: jiff::Timestamp, bound: Option<Bound>) -> Taken {
        let reading = match (self.value, bound) {
            (Some(value), bound) => Some(Reading::new("value", value, bound)),
            (None, Some(_)) => Some(Reading::missing("value", message!("probe-command-no-value"), bound)),
            (None, None) => None,
        };
        let counts = self.requests.zip(self.errors);
        if let Some((requests, errors)) = counts
            && errors > requests
        {
            return Taken::bare(
                at,
                Verdict::NoData,
                message!("probe-counters-nonsense", errors = errors, requests = requests),
            );
        }
        let counts = counts.and_then(|(requests, errors)| Counts::new(requests, errors));
        let by_bound = reading.as_ref().map(Reading::verdict);
        let verdict = match (self.verdict.as_deref().and_then(Verdict::from_ledger), by_bound) {
            (Some(Verdict::Pass), Some(by_bound)) => by_bound,
            (Some(told), _) => told,
            (None, Some(by_bound)) => by_bound,
            (None, None) if counts.is_some() => Verdict::Pass,
            (None, None) => Verdict::NoData,
        };
        let mut said: Vec<Message> =
            self.message.iter().map(|text| message!("probe-text", text = shortened(text))).collect();
        said.extend(reading.as_ref().map(Reading::said));
        said.extend(
            counts.map(|counts| message!("probe-counters", errors = counts.errors(), requests = counts.requests())),
        );
        if said.is_empty() {
            said.push(not_said(verdict));
        }
        // What a command that has no data or is broken counted is not to be believed.
        let counts = counts.filter(|_| verdict.judges()).unwrap_or(Counts::NONE);
        let said = message!("probe-values", values = said);
        let measurement = Measurement { at, verdict, counts, took: Vec::new(), said };
        Taken { measurement, readings: reading.into_iter().collect() }
    }
}

/// For a command that says nothing but its verdict.
fn not_said(verdict: Verdict) -> Message {
    message!("probe-command-bare", verdict = verdict.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(answer: &str, bound: Option<&str>) -> Result<Verdict, &'static str> {
        let bound = bound.map(|bound| Bound::parse(bound).expect(bound));
        let answer = Answer::read(answer.as_bytes()).map_err(|why| why.id)?;
        Ok(answer.taken(jiff::Timestamp::UNIX_EPOCH, bound).measurement.verdict)
    }

    #[test]
    fn the_verdict_is_the_commands_and_a_bound_is_ours() {
        for (answer, bound, expected) in [
            (r#"{"verdict": "pass"}"#, None, Verdict::Pass),
            (r#"{"verdict": "fail", "value": 1}"#, Some("> 5"), Verdict::Fail),
            (r#"{"verdict": "pass", "value": 6}"#, Some("> 5"), Verdict::Fail),
            (r#"{"verdict": "no_data", "value": 6}"#, Some("> 5"), Verdict::NoData),
            (r#"{"value": 6}"#, Some("> 5"), Verdict::Fail),
            (r#"{"value": 5}"#, Some("> 5"), Verdict::Pass),
            (r#"{"value": null}"#, Some("> 5"), Verdict::NoData),
            (r#"{"verdict": "pass"}"#, Some("> 5"), Verdict::NoData),
            (r#"{"requests": 10, "errors": 1}"#, None, Verdict::Pass),
            (r#"{"requests": 1, "errors": 2}"#, None, Verdict::NoData),
            (r#"{"message": "hello"}"#, None, Verdict::NoData),
        ] {
            assert_eq!(verdict(answer, bound), Ok(expected), "{answer}");
        }
    }

    #[test]
    fn what_is_no_answer_says_why() {
        for (answer, why) in [
            ("", "probe-command-unreadable"),
            ("ok", "probe-command-unreadable"),
            (r#"{"value": "1"}"#, "probe-command-unreadable"),
            (r#"{"requests": -1, "errors": 0}"#, "probe-command-unreadable"),
            (r#"{"verdict": "Pass"}"#, "probe-command-verdict"),
            (r#"{"requests": 10}"#, "probe-command-halves"),
        ] {
            assert_eq!(verdict(answer, None), Err(why), "{answer}");
        }
    }
}
