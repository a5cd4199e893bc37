//! A watch: measurements go in, judgements come out, and the first breach that binds stays.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use jiff::Timestamp;

use super::baseline::Baseline;
use super::check::{Check, CheckName, Measurement, Measures, Role};
use super::conclusion::{Conclusion, Doubt};
use super::judgement::Judgement;
use super::rules::Rules;
use super::stream::{Memory, Stream};
use super::witness::Witness;
use crate::model::Verdict;

/// One release's watch.
#[derive(Debug, Clone)]
pub struct Watch {
    rules: Rules,
    began: Timestamp,
    streams: BTreeMap<CheckName, Stream>,
    witness: Witness,
    /// What was measured while errors before it wait for the witness, in its order.
    held: VecDeque<(CheckName, Measurement)>,
    breach: Option<Judgement>,
}

/// Errors wait so long for the witness, which itself takes some seconds to be missed. Then they are judged without
/// its word: not at all.
const WITNESS_PATIENCE: Duration = Duration::from_secs(10);

impl Watch {
    /// A watch that begins now. What is measured before its warm-up is over is not looked at.
    pub fn begin(
        rules: Rules,
        checks: Vec<Check>,
        baselines: &BTreeMap<CheckName, Baseline>,
        has_witness: bool,
        now: Timestamp,
    ) -> Self {
        Self::resume(rules, checks, baselines, BTreeMap::new(), has_witness, now, now)
    }

    /// A watch that another process began, with what it kept. Its warm-up is not repeated.
    pub fn resume(
        rules: Rules,
        checks: Vec<Check>,
        baselines: &BTreeMap<CheckName, Baseline>,
        mut memories: BTreeMap<CheckName, Memory>,
        has_witness: bool,
        began: Timestamp,
        now: Timestamp,
    ) -> Self {
        let warm_at = began.checked_add(rules.warm_up).unwrap_or(began).max(now);
        let streams = checks
            .into_iter()
            .map(|check| {
                let memory = memories.remove(&check.name).unwrap_or_default();
                let stream = Stream::new(check.clone(), baselines.get(&check.name).cloned(), memory, &rules, warm_at);
                (check.name, stream)
            })
            .collect();
        Self { rules, began, streams, witness: Witness::new(has_witness), held: VecDeque::new(), breach: None }
    }

    /// Goes by other terms from this moment on.
    ///
    /// The checks in `kept` are as they were, and keep what they remember and have gathered; a rule that is off
    /// forgets its row. What is new begins now.
    pub fn reload(
        &mut self,
        rules: Rules,
        checks: Vec<Check>,
        kept: &BTreeSet<CheckName>,
        baselines: &BTreeMap<CheckName, Baseline>,
        has_witness: bool,
        now: Timestamp,
    ) {
        let mut before = std::mem::take(&mut self.streams);
        self.rules = rules;
        self.witness.configure(has_witness);
        self.streams = checks
            .into_iter()
            .map(|check| {
                let name = check.name.clone();
                let stream = match before.remove(&name).filter(|_| kept.contains(&name)) {
                    Some(stream) => stream.reloaded(check, &rules, now),
                    None => Stream::new(check, baselines.get(&name).cloned(), Memory::default(), &rules, now),
                };
                (name, stream)
            })
            .collect();
    }

    /// The first breach that binds. It stays: there is one rollback for a release.
    pub const fn breach(&self) -> Option<&Judgement> {
        self.breach.as_ref()
    }

    pub const fn began(&self) -> Timestamp {
        self.began
    }

    pub const fn rules(&self) -> &Rules {
        &self.rules
    }

    /// What has to be stored, so that another process can go on.
    pub fn memories(&self) -> impl Iterator<Item = (&CheckName, &Memory)> {
        self.streams.iter().map(|(name, stream)| (name, &stream.memory))
    }

    /// The witness was asked at this time.
    pub fn witness_asked(&mut self, at: Timestamp, reached: bool) {
        self.witness.asked(at, reached);
    }

    /// The process was late, so that what timed out may have been its own fault.
    pub fn starved(&mut self, at: Timestamp) {
        self.witness.starved(at);
    }

    /// Whether the witness has to be asked before this moment is judged: errors wait that it has not
    /// been asked after.
    pub fn wants_witness(&self) -> bool {
        self.waits_since().is_some()
    }

    /// Since when the oldest error waits that the witness was not asked after.
    fn waits_since(&self) -> Option<Timestamp> {
        let errors = self.streams.values().flat_map(|stream| {
            [&stream.slice, &stream.look, &stream.window].into_iter().filter_map(|gathering| gathering.last_error)
        });
        errors.filter(|at| self.witness.must_be_asked(*at)).min()
    }

    /// Whether nothing is judged at this moment, because the witness is about to say whose errors those are.
    fn waits(&self, now: Timestamp) -> bool {
        let waited = |since: Timestamp| Duration::try_from(since.duration_until(now)).unwrap_or_default();
        self.waits_since().is_some_and(|since| waited(since) < WITNESS_PATIENCE)
    }

    /// When [`Self::advance`] has something to close next.
    pub fn next_due(&self) -> Option<Timestamp> {
        self.streams.values().flat_map(|stream| [stream.slice.ends(), stream.look.ends(), stream.window.ends()]).min()
    }

    /// How long to wait before this check is made again.
    pub fn next_probe_in(&self, check: &CheckName, every: Duration) -> Duration {
        match (self.rules.hard_down.numbers(), self.streams.get(check)) {
            (Some(rule), Some(stream)) if stream.check.measures == Measures::Probes => {
                let last_failed = stream.look.last.as_ref().is_some_and(|last| last.verdict == Verdict::Fail);
                rule.next_probe_in(stream.memory.hard_down, last_failed, every)
            }
            (None, _) | (_, None | Some(_)) => every,
        }
    }

    /// One more measurement. What ended before it is judged first; while that waits for the witness, so does this.
    pub fn observe(&mut self, check: &CheckName, measurement: &Measurement) -> Vec<Judgement> {
        self.held.push_back((check.clone(), measurement.clone()));
        self.release(measurement.at)
    }

    /// Judges every slice, look and window that has ended by now, unless that waits for the witness.
    pub fn advance(&mut self, now: Timestamp) -> Vec<Judgement> {
        let mut judgements = self.release(now);
        if !self.waits(now) {
            judgements.extend(self.close(now));
        }
        judgements
    }

    /// What was held, one after the other, until there is an error that waits for the witness.
    fn release(&mut self, now: Timestamp) -> Vec<Judgement> {
        let mut judgements = Vec::new();
        while !self.waits(now)
            && let Some((check, measurement)) = self.held.pop_front()
        {
            judgements.extend(self.close(measurement.at));
            if let Some(stream) = self.streams.get_mut(&check) {
                stream.observe(&measurement);
            }
        }
        judgements
    }

    fn close(&mut self, now: Timestamp) -> Vec<Judgement> {
        let mut judgements = Vec::new();
        // The old version's slices first, so that they stand beside the new one's.
        let mut names: Vec<CheckName> = self.streams.keys().cloned().collect();
        names.sort_by_key(|name| self.streams.get(name).map(|stream| stream.check.role != Role::Baseline));
        for name in names {
            let Some(beside) = self.streams.get(&name).map(|stream| stream.check.beside.clone()) else { continue };
            let old = beside.and_then(|beside| self.streams.get(&beside)).map(|stream| stream.last_slice);
            if let Some(stream) = self.streams.get_mut(&name) {
                stream.advance(&self.rules, &self.witness, old, now, &mut judgements);
            }
        }
        if self.breach.is_none() {
            self.breach = judgements.iter().find(|judgement| judgement.breaches && judgement.binds).cloned();
        }
        judgements
    }

    /// What the watch says if it ends now.
    pub fn conclude(&self, now: Timestamp) -> Conclusion {
        if let Some(breach) = &self.breach {
            return Conclusion::Unhealthy(Box::new(breach.clone()));
        }
        let mut doubts = Vec::new();
        let watched = Duration::try_from(self.began.duration_until(now)).unwrap_or_default();
        if watched < self.rules.duration_min {
            doubts.push(Doubt::TooShort { watched, need: self.rules.duration_min });
        }
        let judged = || self.streams.values().filter(|stream| stream.check.role == Role::Judged);
        if !judged().any(|stream| stream.check.measures.requests()) {
            doubts.push(Doubt::NothingCountsRequests);
        }
        doubts.extend(judged().filter_map(|stream| stream.doubt(&self.rules, self.began, now)));
        if doubts.is_empty() { Conclusion::Healthy } else { Conclusion::Inconclusive(doubts) }
    }

    /// The checks that have had no data for too long: a watch that has one cannot become healthy.
    pub fn silent(&self, now: Timestamp) -> Vec<&CheckName> {
        self.streams
            .values()
            .filter(|stream| stream.check.role == Role::Judged && stream.is_silent(&self.rules, self.began, now))
            .map(|stream| &stream.check.name)
            .collect()
    }
}

#[cfg(test)]
mod tests;
