//! A check inside of a watch: what it gathers, what it keeps, and how each rule judges it.

use std::num::NonZeroU32;
use std::time::Duration;

use jiff::Timestamp;

use super::baseline::Baseline;
use super::check::{Check, Measurement, Measures, Role};
use super::conclusion::Doubt;
use super::counts::Counts;
use super::detector::Evidence;
use super::floor::THREE;
use super::gathering::Gathering;
use super::hard_down::HardDown;
use super::judgement::{Judgement, Row, Seen, WhyNothing};
use super::latency::Latencies;
use super::relative::{SideBySide, alarms_against_earlier, ln_evidence_against_earlier};
use super::rules::{RuleName, Rules};
use super::streak::{NoDataPolicy, Streak};
use super::tempering::Correlation;
use super::witness::{Impediment, Witness};
use crate::model::Verdict;

/// What a watch keeps of a check when its process ends: what cannot be measured again.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Memory {
    pub floor: Streak,
    pub hard_down: Streak,
    pub latency: Streak,
    pub threshold: Streak,
    pub evidence: Evidence,
    pub beside: SideBySide,
    /// Everything that was counted since the watch began, and could be judged.
    pub total: Counts,
    /// The slices that it took.
    pub slices: u64,
    /// Whether the floor ever had enough requests to judge.
    pub floor_judged: bool,
    pub last_verdict: Option<Verdict>,
    pub last_data_at: Option<Timestamp>,
}

/// A check with what it gathered since its slices, looks and windows were last closed.
#[derive(Debug, Clone)]
pub(super) struct Stream {
    pub(super) check: Check,
    baseline: Option<Baseline>,
    pub(super) memory: Memory,
    pub(super) slice: Gathering,
    pub(super) look: Gathering,
    pub(super) window: Gathering,
    /// Whether the last window said nothing because it could not: the monitor was unwell, or its source.
    is_blind: bool,
    /// A slice of the old version, until the new one's is closed beside it.
    pub(super) last_slice: Counts,
}

impl Stream {
    /// A check whose warm-up is over then.
    pub(super) fn new(
        check: Check,
        baseline: Option<Baseline>,
        memory: Memory,
        rules: &Rules,
        warm_at: Timestamp,
    ) -> Self {
        let confirm = rules.hard_down.numbers().map_or(rules.slice, |rule| rule.confirm_interval);
        Self {
            check,
            baseline,
            memory,
            slice: Gathering::new(warm_at, rules.slice),
            look: Gathering::new(warm_at, confirm),
            window: Gathering::new(warm_at, rules.interval),
            is_blind: false,
            last_slice: Counts::NONE,
        }
    }

    /// The same check under other rules.
    pub(super) fn reloaded(mut self, check: Check, rules: &Rules, now: Timestamp) -> Self {
        let confirm = rules.hard_down.numbers().map_or(rules.slice, |rule| rule.confirm_interval);
        for (gathering, lasts) in
            [(&mut self.slice, rules.slice), (&mut self.look, confirm), (&mut self.window, rules.interval)]
        {
            if !gathering.lasts_for(lasts) {
                *gathering = Gathering::new(now, lasts);
            }
        }
        let memory = &mut self.memory;
        for (streak, is_on) in [
            (&mut memory.floor, rules.floor.numbers().is_some()),
            (&mut memory.hard_down, rules.hard_down.numbers().is_some()),
            (&mut memory.latency, rules.latency.numbers().is_some()),
            (&mut memory.threshold, rules.threshold.numbers().is_some()),
        ] {
            if !is_on {
                *streak = Streak::default();
            }
        }
        if rules.detector.numbers().is_none() {
            memory.evidence = Evidence::default();
        }
        self.check = check;
        self
    }

    pub(super) fn observe(&mut self, measurement: &Measurement) {
        if measurement.at < self.window.opened {
            return; // warm-up
        }
        self.memory.last_verdict = Some(measurement.verdict);
        for gathering in [&mut self.slice, &mut self.look, &mut self.window] {
            gathering.add(measurement);
        }
    }

    pub(super) fn advance(
        &mut self,
        rules: &Rules,
        witness: &Witness,
        old: Option<Counts>,
        now: Timestamp,
        judgements: &mut Vec<Judgement>,
    ) {
        while self.slice.ends() <= now {
            let slice = self.slice.close(now);
            self.close_slice(rules, witness, old, &slice, judgements);
        }
        while self.look.ends() <= now {
            let look = self.look.close(now);
            self.close_look(rules, witness, &look, judgements);
        }
        while self.window.ends() <= now {
            let window = self.window.close(now);
            self.close_window(rules, witness, &window, judgements);
        }
    }

    fn close_slice(
        &mut self,
        rules: &Rules,
        witness: &Witness,
        old: Option<Counts>,
        slice: &Gathering,
        judgements: &mut Vec<Judgement>,
    ) {
        self.last_slice = slice.counts;
        if !self.check.measures.requests() || self.check.role == Role::Baseline {
            return;
        }
        let correlation = self.measured_correlation().unwrap_or(Correlation::UNKNOWN);
        let impediment = witness.impediment(slice.opened, slice.last_error);
        if impediment.is_none() && !slice.counts.is_empty() {
            self.memory.slices += 1;
            self.memory.total = self.memory.total.plus(slice.counts);
            self.memory.last_data_at = Some(slice.ends());
        }
        if let Some(detector) = rules.detector.numbers() {
            if impediment.is_none() {
                self.memory.evidence = detector.after(self.memory.evidence, slice.counts, correlation);
            }
            let evidence = self.memory.evidence;
            let alarms = detector.alarms(evidence);
            let judged = match (nothing(impediment, slice.counts.is_empty()), alarms) {
                (Some(why), _) => (Verdict::NoData, Seen::Nothing(why)),
                (None, alarms) => (
                    if alarms { Verdict::Fail } else { Verdict::Pass },
                    Seen::Evidence { slice: slice.counts, evidence, alarm_at: detector.alarm_at() },
                ),
            };
            let breaches = judged.0 == Verdict::Fail;
            judgements.push(self.judged(slice, RuleName::Detector, rules.detector.binds(), judged, None, breaches));
        }
        if rules.relative.numbers().is_some() {
            let judged = match nothing(impediment, slice.counts.is_empty()) {
                Some(why) => (Verdict::NoData, Seen::Nothing(why)),
                None => self.relative(old, slice.counts, correlation),
            };
            let breaches = judged.0 == Verdict::Fail;
            judgements.push(self.judged(slice, RuleName::Relative, rules.relative.binds(), judged, None, breaches));
        }
    }

    /// The new version beside the old, or the service beside its own past.
    fn relative(&mut self, old: Option<Counts>, slice: Counts, correlation: Correlation) -> (Verdict, Seen) {
        let verdict = |alarms| if alarms { Verdict::Fail } else { Verdict::Pass };
        if let Some(old) = old {
            self.memory.beside = self.memory.beside.after(slice, old, correlation);
            let ln_evidence = self.memory.beside.ln_evidence();
            return (verdict(self.memory.beside.alarms()), Seen::Beside { new: slice, old, ln_evidence });
        }
        let new = self.memory.total;
        let earlier = self.baseline.as_ref().map_or(Counts::NONE, |baseline| baseline.total);
        let usual = new.divided_by(self.memory.slices);
        match ln_evidence_against_earlier(new, usual, earlier, correlation) {
            Some(ln_evidence) => {
                (verdict(alarms_against_earlier(ln_evidence)), Seen::Beside { new, old: earlier, ln_evidence })
            }
            None => (Verdict::NoData, Seen::Nothing(WhyNothing::NoBaseline)),
        }
    }

    fn close_look(&mut self, rules: &Rules, witness: &Witness, look: &Gathering, judgements: &mut Vec<Judgement>) {
        let Some(rule) = rules.hard_down.numbers() else { return };
        if self.check.measures != Measures::Probes || self.check.role == Role::Baseline {
            return;
        }
        let impediment = witness.impediment(look.opened, look.last_error);
        let (made, failed) = (look.counts.requests(), look.counts.errors());
        let verdict = if impediment.is_some() { Verdict::NoData } else { HardDown::judge(made, failed) };
        // A probe that is made less often than looks are has most looks without one: they say nothing.
        if verdict == Verdict::NoData && made == 0 {
            return;
        }
        self.memory.hard_down = HardDown::after(self.memory.hard_down, verdict);
        let seen = match impediment {
            Some(impediment) => Seen::Nothing(WhyNothing::Impeded(impediment)),
            None => Seen::Probes { made, failed },
        };
        let streak = self.memory.hard_down;
        judgements.push(self.counted(
            look,
            RuleName::HardDown,
            rules.hard_down.binds(),
            (verdict, seen),
            streak,
            rule.consecutive,
        ));
    }

    fn close_window(&mut self, rules: &Rules, witness: &Witness, window: &Gathering, judgements: &mut Vec<Judgement>) {
        if self.check.role == Role::Baseline {
            return;
        }
        let impediment = witness.impediment(window.opened, window.last_error);
        let unmade = window.last.as_ref().is_some_and(|last| last.verdict == Verdict::ProbeError);
        self.is_blind = impediment.is_some() || (window.counts.is_empty() && unmade);
        match self.check.measures {
            Measures::Probes | Measures::Requests => {
                self.close_floor(rules, impediment, window, judgements);
                self.close_latency(rules, impediment, window, judgements);
            }
            Measures::Values => self.close_threshold(rules, impediment, window, judgements),
        }
    }

    fn close_floor(
        &mut self,
        rules: &Rules,
        impediment: Option<Impediment>,
        window: &Gathering,
        judgements: &mut Vec<Judgement>,
    ) {
        let Some(floor) = rules.floor.numbers() else { return };
        let judged = match nothing(impediment, window.counts.is_empty()) {
            Some(why) => silence(why, window),
            None => match rules.tempers_floor(window.counts, self.measured_correlation()) {
                Some(tempering) => floor.look_through(window.counts, tempering),
                None => floor.look(window.counts),
            },
        };
        self.memory.floor_judged |= judged.0.judges();
        // The policy is about a service that is silent, not about a monitor that is unwell or errors in bursts.
        let is_bursty = matches!(judged.1, Seen::Nothing(WhyNothing::TooBursty { .. }));
        let counted = if impediment.is_some() || is_bursty { Verdict::ProbeError } else { judged.0 };
        self.memory.floor = self.memory.floor.after(counted, self.check.no_data);
        let streak = self.memory.floor;
        judgements.push(self.counted(window, RuleName::Floor, rules.floor.binds(), judged, streak, floor.consecutive));
    }

    fn close_latency(
        &mut self,
        rules: &Rules,
        impediment: Option<Impediment>,
        window: &Gathering,
        judgements: &mut Vec<Judgement>,
    ) {
        let Some(rule) = rules.latency.numbers() else { return };
        let none = Latencies::default();
        let now = window.latencies.as_ref().unwrap_or(&none);
        let before = self.baseline.as_ref().map_or(&none, |baseline| &baseline.latencies);
        let judged = match nothing(impediment, now.is_empty()) {
            Some(why) => (Verdict::NoData, Seen::Nothing(why)),
            None => match rule.compare(now, before) {
                Err(why) => (Verdict::NoData, Seen::Nothing(why)),
                Ok((took, bound)) => (
                    if took > bound { Verdict::Fail } else { Verdict::Pass },
                    Seen::Latency { percentile: rule.percentile, took, bound },
                ),
            },
        };
        self.memory.latency = self.memory.latency.after(judged.0, NoDataPolicy::Hold);
        let streak = self.memory.latency;
        let consecutive = rules.floor.numbers().map_or(THREE, |floor| floor.consecutive);
        judgements.push(self.counted(window, RuleName::Latency, rules.latency.binds(), judged, streak, consecutive));
    }

    /// A window's value is its last one: of CPU and memory the source has taken the mean already.
    fn close_threshold(
        &mut self,
        rules: &Rules,
        impediment: Option<Impediment>,
        window: &Gathering,
        judgements: &mut Vec<Judgement>,
    ) {
        let Some(consecutive) = rules.threshold.numbers() else { return };
        let judged = match (impediment, &window.last) {
            (Some(impediment), _) => (Verdict::NoData, Seen::Nothing(WhyNothing::Impeded(impediment))),
            (None, None) => (Verdict::NoData, Seen::Nothing(WhyNothing::NoMeasurement)),
            (None, Some(last)) => (last.verdict, Seen::Value(last.said.clone())),
        };
        if judged.0.judges() {
            self.memory.last_data_at = Some(window.ends());
        }
        let counted = if impediment.is_some() { Verdict::ProbeError } else { judged.0 };
        self.memory.threshold = self.memory.threshold.after(counted, self.check.no_data);
        let streak = self.memory.threshold;
        judgements.push(self.counted(
            window,
            RuleName::Threshold,
            rules.threshold.binds(),
            judged,
            streak,
            *consecutive,
        ));
    }

    /// The judgement of a rule that counts failures in a row: the last one of them breaches.
    fn counted(
        &self,
        gathering: &Gathering,
        rule: RuleName,
        binds: bool,
        judged: (Verdict, Seen),
        streak: Streak,
        consecutive: NonZeroU32,
    ) -> Judgement {
        let row = Row { failures: streak.failures(), of: consecutive.get() };
        let breaches = judged.0 != Verdict::Pass && streak.reached(consecutive);
        self.judged(gathering, rule, binds, judged, Some(row), breaches)
    }

    fn judged(
        &self,
        gathering: &Gathering,
        rule: RuleName,
        binds: bool,
        (verdict, seen): (Verdict, Seen),
        streak: Option<Row>,
        breaches: bool,
    ) -> Judgement {
        Judgement {
            at: gathering.ends(),
            check: self.check.name.clone(),
            rule,
            binds: binds && self.check.role == Role::Judged,
            verdict,
            seen,
            streak,
            breaches,
        }
    }

    fn measured_correlation(&self) -> Option<Correlation> {
        self.baseline.as_ref().and_then(|baseline| baseline.correlation)
    }

    pub(super) fn is_silent(&self, rules: &Rules, began: Timestamp, now: Timestamp) -> bool {
        let since = self.memory.last_data_at.unwrap_or(began);
        Duration::try_from(since.duration_until(now)).unwrap_or_default() >= rules.no_data_max
    }

    /// What keeps this check from being called healthy.
    pub(super) fn doubt(&self, rules: &Rules, began: Timestamp, now: Timestamp) -> Option<Doubt> {
        let check = || self.check.name.clone();
        let memory = &self.memory;
        let failing = [
            (memory.floor, rules.floor.binds()),
            (memory.hard_down, rules.hard_down.binds()),
            (memory.latency, rules.latency.binds()),
            (memory.threshold, rules.threshold.binds()),
        ];
        if self.check.measures == Measures::Values && !rules.threshold.binds() {
            return None;
        }
        if memory.last_data_at.is_none() || self.is_blind || self.is_silent(rules, began, now) {
            return Some(Doubt::Silent { check: check() });
        }
        if failing.into_iter().any(|(streak, binds)| binds && streak.failures() > 0) {
            return Some(Doubt::Failing { check: check() });
        }
        if !self.check.measures.requests() {
            return (memory.last_verdict != Some(Verdict::Pass)).then(|| Doubt::Silent { check: check() });
        }
        let (have, need) = (memory.total.requests(), rules.samples_min());
        let can_judge = memory.floor_judged && rules.floor.binds() || rules.detector.binds();
        (have < need || !can_judge).then(|| Doubt::TooFewRequests { check: check(), have, need })
    }
}

/// What a window says in which no request was counted: what the source last said of itself, when it said anything.
/// One that could not be asked at all is no service that is silent.
fn silence(why: WhyNothing, window: &Gathering) -> (Verdict, Seen) {
    match (&window.last, why) {
        (Some(last), WhyNothing::NoMeasurement) if !last.verdict.judges() => {
            (last.verdict, Seen::Value(last.said.clone()))
        }
        _ => (Verdict::NoData, Seen::Nothing(why)),
    }
}

fn nothing(impediment: Option<Impediment>, is_empty: bool) -> Option<WhyNothing> {
    match impediment {
        Some(impediment) => Some(WhyNothing::Impeded(impediment)),
        None => is_empty.then_some(WhyNothing::NoMeasurement),
    }
}
