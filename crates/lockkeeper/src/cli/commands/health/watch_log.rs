//! What a watch says on standard error while it runs: in words what is new, as JSON everything.

use std::collections::BTreeMap;
use std::time::Duration;

use lockkeeper_core::health::{CheckName, Judgement, Matter, RuleName, Turn};
use lockkeeper_core::message;
use lockkeeper_core::model::{Message, Verdict};
use lockkeeper_engine::driver::{WatchNews, judgement_to_json};
use lockkeeper_engine::probe::{Reading, Taken};
use serde_json::{Value, json};

use crate::printer::{Printer, Tone};

/// Tells a watch's news.
pub struct WatchLog<'p> {
    printer: &'p Printer,
    is_json: bool,
    /// What each check said last, so that only what is new is told in words.
    last: BTreeMap<CheckName, Verdict>,
}

impl<'p> WatchLog<'p> {
    pub const fn new(printer: &'p Printer, is_json: bool) -> Self {
        Self { printer, is_json, last: BTreeMap::new() }
    }

    pub fn tell(&mut self, news: &WatchNews<'_>) {
        match news {
            WatchNews::Began { at, resumed } => {
                let said = if *resumed {
                    message!("watch-resumed", since = at.to_string())
                } else {
                    message!("watch-began", since = at.to_string())
                };
                self.say("began", &said, Tone::Plain, json!({ "since": at.to_string(), "resumed": resumed }));
            }
            WatchNews::Took { check, taken, took } => self.took(check, taken, *took),
            WatchNews::Judged(judgement) => self.judged(judgement),
            WatchNews::Turned { turn, evidence } => {
                let (said, tone) = turned(turn, evidence);
                let (Turn::Begun(matter) | Turn::Over(matter)) = turn;
                let more = json!({ "matter": matter.key(), "is_over": matches!(turn, Turn::Over(_)) });
                self.say("turned", &said, tone, more);
            }
            WatchNews::Vitals(_) => {}
            WatchNews::Reloaded(_) => self.say("reloaded", &message!("watch-reloaded"), Tone::Good, json!({})),
            WatchNews::ReloadRefused(problem) => {
                if !self.is_json {
                    self.printer.problem_beside(problem);
                }
                self.say(
                    "reload_refused",
                    &message!("watch-reload-refused"),
                    Tone::Bad,
                    self.printer.problem_json(problem),
                );
            }
            WatchNews::LedgerUnreachable(problem) => {
                let said = message!("watch-ledger-unreachable", reason = self.printer.text(&problem.message));
                self.say("ledger_unreachable", &said, Tone::Waiting, json!({}));
            }
            WatchNews::Breached { watch, evidence } => {
                let said = message!("watch-breached", evidence = self.printer.stored(&evidence["evidence"]));
                self.say("breached", &said, Tone::Bad, json!({ "watch": watch, "evidence": evidence }));
            }
        }
    }

    /// A measurement: as JSON each, in words the first one that says something else than the one before.
    fn took(&mut self, check: &CheckName, taken: &Taken, took: Duration) {
        let measurement = &taken.measurement;
        let before = self.last.insert(check.clone(), measurement.verdict);
        if self.is_json {
            let said = &measurement.said;
            let reading = |reading: &Reading| {
                let fails = reading.bound.map(|bound| bound.to_string());
                (reading.name.to_owned(), json!({ "value": reading.value.as_ref().ok(), "fails": fails }))
            };
            self.line(
                "measured",
                &json!({
                    "at": measurement.at.to_string(),
                    "check": check.as_str(),
                    "verdict": measurement.verdict.as_str(),
                    "took_ms": took.as_secs_f64() * 1000.0,
                    "requests": measurement.counts.requests(),
                    "errors": measurement.counts.errors(),
                    "readings": taken.readings.iter().map(reading).collect::<serde_json::Map<_, _>>(),
                    "said": { "id": said.id, "text": self.printer.text(said) },
                }),
            );
        } else if before != Some(measurement.verdict) {
            let said = message!(
                "watch-measured",
                check = check.as_str(),
                verdict = measurement.verdict.as_str(),
                said = measurement.said.clone(),
                ms = took.as_millis()
            );
            self.printer.note_in(&said, tone(measurement.verdict));
        }
    }

    /// A judgement: as JSON each, in words every window of the floor, and whatever fails.
    fn judged(&self, judgement: &Judgement) {
        if self.is_json {
            let mut value = judgement_to_json(judgement);
            value["said"] = json!(self.printer.text(&judgement.evidence()));
            self.line("judged", &value);
        } else if judgement.rule == RuleName::Floor || judgement.verdict == Verdict::Fail {
            let said = message!(
                "watch-judged",
                check = judgement.check.as_str(),
                rule = judgement.rule.as_str(),
                verdict = judgement.verdict.as_str(),
                failures = judgement.streak.map_or(0, |row| row.failures),
                of = judgement.streak.map_or(0, |row| row.of),
                evidence = judgement.evidence()
            );
            let tone = if judgement.verdict == Verdict::Pass { Tone::Quiet } else { tone(judgement.verdict) };
            self.printer.note_in(&said, tone);
        }
    }

    fn say(&self, event: &str, said: &Message, tone: Tone, mut more: Value) {
        if self.is_json {
            more["said"] = json!(self.printer.text(said));
            self.line(event, &more);
        } else {
            self.printer.note_in(said, tone);
        }
    }

    fn line(&self, event: &str, value: &Value) {
        let mut value = value.clone();
        value["event"] = json!(event);
        self.printer.note_text(0, &value.to_string());
    }
}

const fn tone(verdict: Verdict) -> Tone {
    match verdict {
        Verdict::Pass => Tone::Good,
        Verdict::Fail => Tone::Bad,
        Verdict::NoData | Verdict::ProbeError => Tone::Waiting,
    }
}

fn turned(turn: &Turn, evidence: &Message) -> (Message, Tone) {
    match turn {
        Turn::Begun(Matter::Breach(check)) => {
            (message!("watch-fails", check = check.as_str(), evidence = evidence.clone()), Tone::Bad)
        }
        Turn::Begun(Matter::NoData(check)) => {
            (message!("watch-no-data", check = check.as_str(), evidence = evidence.clone()), Tone::Waiting)
        }
        Turn::Begun(Matter::Watcher(_)) => (message!("watch-trouble", evidence = evidence.clone()), Tone::Waiting),
        Turn::Over(Matter::Breach(check)) => {
            (message!("watch-recovered", check = check.as_str(), evidence = evidence.clone()), Tone::Good)
        }
        Turn::Over(Matter::NoData(check)) => (message!("watch-data-again", check = check.as_str()), Tone::Good),
        Turn::Over(Matter::Watcher(_)) => (message!("watch-trouble-over"), Tone::Good),
    }
}
