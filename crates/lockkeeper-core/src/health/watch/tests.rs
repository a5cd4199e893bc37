//! Watches with a clock of the test's own.

use super::*;
use crate::health::{Counts, Floor, Impediment, Latencies, NoDataPolicy, Rule, RuleName, Seen, WhyNothing};
use crate::model::WatchVerdict;

/// A watch under test, with a clock of its own.
struct Trial {
    watch: Watch,
    now: Timestamp,
}

fn name(text: &str) -> CheckName {
    CheckName::new(text).expect("a name")
}

fn check(text: &str, measures: Measures) -> Check {
    Check { name: name(text), measures, role: Role::Judged, no_data: NoDataPolicy::Hold, beside: None }
}

const BEGAN: Timestamp = Timestamp::UNIX_EPOCH;

impl Trial {
    fn new(rules: Rules, checks: Vec<Check>) -> Self {
        Self { watch: Watch::begin(rules, checks, &BTreeMap::new(), false, BEGAN), now: BEGAN }
    }

    fn with_witness(rules: Rules, checks: Vec<Check>) -> Self {
        Self { watch: Watch::begin(rules, checks, &BTreeMap::new(), true, BEGAN), now: BEGAN }
    }

    fn at(&mut self, millis: i64) -> &mut Self {
        self.now = Timestamp::from_millisecond(millis).expect("in range");
        self
    }

    fn measured(&mut self, check: &str, verdict: Verdict, counts: Counts) -> Vec<Judgement> {
        let measurement = Measurement {
            at: self.now,
            verdict,
            counts,
            took: Vec::new(),
            said: crate::message!("health-nothing-measured"),
        };
        self.watch.observe(&name(check), &measurement)
    }

    /// Windows of requests, each counted once in its middle. The judgements of the floor.
    fn windows(&mut self, check: &str, windows: &[(u64, u64)]) -> Vec<Judgement> {
        let mut judgements = Vec::new();
        for (requests, errors) in windows {
            let middle = self.now.as_millisecond() + 15_000;
            let counts = Counts::new(*requests, *errors).expect("errors are requests");
            judgements.extend(self.at(middle).measured(check, Verdict::Pass, counts));
            self.at(middle + 15_000);
            judgements.extend(self.watch.advance(self.now));
        }
        judgements
    }

    fn conclusion(&self) -> Conclusion {
        self.watch.conclude(self.now)
    }
}

fn of_rule(judgements: &[Judgement], rule: RuleName) -> Vec<Verdict> {
    judgements.iter().filter(|judgement| judgement.rule == rule).map(|judgement| judgement.verdict).collect()
}

#[test]
fn the_third_window_in_a_row_breaches_and_the_second_does_not() {
    let mut trial = Trial::new(Rules::floor_only(), vec![check("shop", Measures::Requests)]);
    trial.windows("shop", &[(1000, 50), (1000, 50)]);
    assert!(trial.watch.breach().is_none());
    trial.windows("shop", &[(1000, 50)]);
    let breach = trial.watch.breach().expect("a breach");
    assert_eq!((breach.rule, breach.verdict), (RuleName::Floor, Verdict::Fail));
    assert_eq!(breach.at, Timestamp::from_second(90).expect("in range"));
    assert_eq!(trial.conclusion().verdict(), WatchVerdict::Unhealthy);
}

#[test]
fn a_hair_below_five_percent_never_breaches() {
    let mut trial = Trial::new(Rules::floor_only(), vec![check("shop", Measures::Requests)]);
    trial.windows("shop", &[(1000, 49); 10]);
    assert!(trial.watch.breach().is_none());
    assert_eq!(trial.conclusion(), Conclusion::Healthy);
}

#[test]
fn a_success_starts_over() {
    let mut trial = Trial::new(Rules::floor_only(), vec![check("shop", Measures::Requests)]);
    trial.windows("shop", &[(1000, 900), (1000, 900), (1000, 0), (1000, 900), (1000, 900)]);
    assert!(trial.watch.breach().is_none());
}

#[test]
fn a_window_that_is_too_thin_holds_the_row() {
    let mut trial = Trial::new(Rules::floor_only(), vec![check("shop", Measures::Requests)]);
    let judgements = trial.windows("shop", &[(1000, 900), (1000, 900), (58, 58), (58, 0)]);
    assert!(trial.watch.breach().is_none());
    assert_eq!(
        judgements.last().map(|judgement| &judgement.seen),
        Some(&Seen::Nothing(WhyNothing::TooFewRequests { have: 58, need: 59 }))
    );
    trial.windows("shop", &[(59, 59)]);
    assert!(trial.watch.breach().is_some(), "the row went on");
}

/// An hour whose errors came all at once, now and then.
fn bursts() -> BTreeMap<CheckName, Baseline> {
    let slices: Vec<Counts> = (0..720)
        .map(|slice| Counts::new(50, if slice % 40 == 0 { 20 } else { 0 }).expect("errors are requests"))
        .collect();
    BTreeMap::from([(name("shop"), Baseline::of(&slices, Latencies::default()))])
}

#[test]
fn where_errors_come_in_bursts_the_floor_leaves_it_to_the_detector() {
    let must_have_traffic = Check { no_data: NoDataPolicy::Fail, ..check("shop", Measures::Requests) };
    let mut trial = Trial::new(Rules::usual(), Vec::new());
    trial.watch = Watch::begin(Rules::usual(), vec![must_have_traffic], &bursts(), false, BEGAN);
    let judgements = trial.windows("shop", &[(300, 16); 5]);
    let floor: Vec<&Seen> =
        judgements.iter().filter(|it| it.rule == RuleName::Floor).map(|judgement| &judgement.seen).collect();
    assert!(matches!(floor[0], Seen::Nothing(WhyNothing::TooBursty { have: 300, need: 59, .. })), "{floor:?}");
    assert!(trial.watch.breach().is_none(), "no policy makes a failure of it");
    trial.windows("shop", &[(300, 300); 8]);
    assert_eq!(trial.watch.breach().map(|breach| breach.rule), Some(RuleName::Detector));
}

#[test]
fn the_floor_alone_judges_bursts_as_it_is_written() {
    let mut trial = Trial::new(Rules::floor_only(), Vec::new());
    let checks = vec![check("shop", Measures::Requests)];
    trial.watch = Watch::begin(Rules::floor_only(), checks, &bursts(), false, BEGAN);
    trial.windows("shop", &[(300, 15), (300, 15), (300, 14), (300, 15), (300, 15)]);
    assert!(trial.watch.breach().is_none());
    trial.windows("shop", &[(300, 15)]);
    assert_eq!(trial.watch.breach().map(|breach| breach.rule), Some(RuleName::Floor));
}

#[test]
fn a_service_that_must_have_traffic_fails_without_it() {
    let always = Check { no_data: NoDataPolicy::Fail, ..check("shop", Measures::Requests) };
    let mut trial = Trial::new(Rules::floor_only(), vec![always]);
    trial.windows("shop", &[(0, 0); 3]);
    assert!(trial.watch.breach().is_some());
}

#[test]
fn the_row_survives_the_process() {
    let checks = || vec![check("shop", Measures::Requests)];
    let mut trial = Trial::new(Rules::floor_only(), checks());
    trial.windows("shop", &[(1000, 50), (1000, 50)]);
    let memories = trial.watch.memories().map(|(name, memory)| (name.clone(), memory.clone())).collect();
    // Ten minutes later, in another process.
    let later = trial.now.checked_add(Duration::from_mins(10)).expect("in range");
    trial.now = later;
    trial.watch = Watch::resume(Rules::floor_only(), checks(), &BTreeMap::new(), memories, false, BEGAN, later);
    trial.windows("shop", &[(1000, 50)]);
    assert!(trial.watch.breach().is_some());
}

#[test]
fn only_the_floor_judges_when_only_the_floor_is_asked_for() {
    let mut trial = Trial::new(Rules::floor_only(), vec![check("shop", Measures::Probes)]);
    for second in 0..60 {
        trial.at(second * 1000).measured("shop", Verdict::Fail, Counts::one(true));
    }
    assert!(trial.watch.breach().is_none(), "60 failures in a row are two windows");
    let judgements = trial.at(60_000).watch.advance(Timestamp::from_second(60).expect("in range"));
    assert!(judgements.iter().all(|judgement| judgement.rule == RuleName::Floor), "{judgements:?}");
}

#[test]
fn nothing_that_answers_is_hard_down_after_three_looks() {
    let mut trial = Trial::new(Rules::usual(), vec![check("shop", Measures::Probes)]);
    for tenth in 0..150 {
        trial.at(tenth * 100).measured("shop", Verdict::Fail, Counts::one(true));
    }
    trial.watch.advance(Timestamp::from_second(15).expect("in range"));
    let breach = trial.watch.breach().expect("a breach");
    // Ten probes a second: the detector is faster than hard down. Both have seen it.
    assert!(breach.at <= Timestamp::from_second(15).expect("in range"));
    let hard_down = Rules { detector: Rule::Off, ..Rules::usual() };
    let mut rarely = Trial::new(hard_down, vec![check("shop", Measures::Probes)]);
    for (millis, down) in [(1_000, false), (31_000, true), (36_000, true), (41_000, true)] {
        rarely.at(millis).measured("shop", if down { Verdict::Fail } else { Verdict::Pass }, Counts::one(down));
    }
    rarely.watch.advance(Timestamp::from_second(46).expect("in range"));
    assert_eq!(rarely.watch.breach().map(|breach| breach.rule), Some(RuleName::HardDown));
}

#[test]
fn half_a_second_of_nothing_is_not_hard_down() {
    let mut trial = Trial::new(Rules::usual(), vec![check("shop", Measures::Probes)]);
    for tenth in 0..600 {
        let down = (100..105).contains(&tenth);
        let verdict = if down { Verdict::Fail } else { Verdict::Pass };
        trial.at(tenth * 100).measured("shop", verdict, Counts::one(down));
    }
    assert!(trial.watch.breach().is_none());
}

#[test]
fn a_failed_probe_is_confirmed_soon() {
    let mut trial = Trial::new(Rules::usual(), vec![check("shop", Measures::Probes)]);
    let every = Duration::from_secs(30);
    trial.measured("shop", Verdict::Pass, Counts::one(false));
    assert_eq!(trial.watch.next_probe_in(&name("shop"), every), every);
    trial.at(1_000).measured("shop", Verdict::Fail, Counts::one(true));
    assert_eq!(trial.watch.next_probe_in(&name("shop"), every), Duration::from_secs(5));
}

#[test]
fn a_monitor_without_its_network_judges_nobody() {
    let mut trial = Trial::with_witness(Rules::usual(), vec![check("shop", Measures::Probes)]);
    let mut judgements = Vec::new();
    for second in 0..600 {
        judgements.extend(trial.at(second * 1000).measured("shop", Verdict::Fail, Counts::one(true)));
        let now = trial.now;
        trial.watch.witness_asked(now, false);
    }
    assert!(trial.watch.breach().is_none());
    assert!(judgements.iter().all(|judgement| judgement.verdict == Verdict::NoData));
    assert!(
        judgements
            .iter()
            .any(|judgement| { judgement.seen == Seen::Nothing(WhyNothing::Impeded(Impediment::OwnNetwork)) })
    );
    assert_eq!(trial.conclusion().verdict(), WatchVerdict::Inconclusive);
}

#[test]
fn errors_wait_for_the_witness() {
    let mut trial = Trial::with_witness(Rules::usual(), vec![check("shop", Measures::Probes)]);
    trial.at(1_000).measured("shop", Verdict::Fail, Counts::one(true));
    assert!(trial.watch.wants_witness());
    trial.watch.witness_asked(Timestamp::from_second(2).expect("in range"), true);
    assert!(!trial.watch.wants_witness());
}

#[test]
fn a_witness_that_holds_lets_the_target_be_judged() {
    let mut trial = Trial::with_witness(Rules::usual(), vec![check("shop", Measures::Probes)]);
    for second in 0..30 {
        trial.at(second * 1000).measured("shop", Verdict::Fail, Counts::one(true));
        trial.watch.witness_asked(Timestamp::from_second(second).expect("in range"), true);
    }
    trial.watch.advance(Timestamp::from_second(30).expect("in range"));
    assert!(trial.watch.breach().is_some());
}

#[test]
fn a_starved_monitor_judges_nobody() {
    let mut trial = Trial::new(Rules::usual(), vec![check("shop", Measures::Probes)]);
    for second in 0..60 {
        trial.at(second * 1000).measured("shop", Verdict::Fail, Counts::one(true));
        trial.watch.starved(Timestamp::from_second(second).expect("in range"));
    }
    assert!(trial.watch.breach().is_none());
}

#[test]
fn values_breach_after_three_windows() {
    let mut trial = Trial::new(Rules::usual(), vec![check("cpu", Measures::Values)]);
    for window in 1..=3 {
        assert!(trial.watch.breach().is_none());
        trial.at(window * 30_000 - 1).measured("cpu", Verdict::Fail, Counts::NONE);
        trial.at(window * 30_000);
        let now = trial.now;
        trial.watch.advance(now);
    }
    assert_eq!(trial.watch.breach().map(|breach| breach.rule), Some(RuleName::Threshold));
}

#[test]
fn what_only_advises_never_binds() {
    let advisory = Check { role: Role::Advisory, ..check("shop", Measures::Requests) };
    let mut trial = Trial::new(Rules::usual(), vec![advisory]);
    let judgements = trial.windows("shop", &[(1000, 1000); 4]);
    assert!(judgements.iter().any(|judgement| judgement.breaches && !judgement.binds));
    assert!(trial.watch.breach().is_none());
    let rules = Rules { floor: Rule::Advisory(Floor::default()), ..Rules::floor_only() };
    let mut trial = Trial::new(rules, vec![check("shop", Measures::Requests)]);
    trial.windows("shop", &[(1000, 1000); 4]);
    assert!(trial.watch.breach().is_none());
}

#[test]
fn an_outage_of_both_versions_is_not_the_new_ones_fault() {
    let rules = Rules { relative: Rule::Binding(()), ..Rules::floor_only() };
    let rules = Rules { floor: Rule::Off, ..rules };
    let new = Check { beside: Some(name("old")), ..check("new", Measures::Requests) };
    let old = Check { role: Role::Baseline, ..check("old", Measures::Requests) };
    let mut trial = Trial::new(rules, vec![new.clone(), old.clone()]);
    let feed = |trial: &mut Trial, new_errors: u64| {
        for slice in 0..60 {
            trial.at(slice * 5_000 + 1);
            trial.measured("old", Verdict::Pass, Counts::new(50, 25).expect("counts"));
            trial.measured("new", Verdict::Pass, Counts::new(50, new_errors).expect("counts"));
        }
    };
    feed(&mut trial, 25);
    assert!(trial.watch.breach().is_none());
    let mut trial = Trial::new(rules, vec![new, old]);
    feed(&mut trial, 45);
    assert_eq!(trial.watch.breach().map(|breach| breach.rule), Some(RuleName::Relative));
}

#[test]
fn latency_is_compared_with_the_baseline() {
    let rule = crate::health::LatencyRule { percentile: 95.0, factor: 2.0, fast_enough: Duration::from_millis(5) };
    let rules = Rules { latency: Rule::Binding(rule), ..Rules::floor_only() };
    let mut before = crate::health::Latencies::default();
    (0..1000).for_each(|_| before.record(Duration::from_millis(20)));
    let baseline = Baseline::of(&[Counts::new(1000, 0).expect("counts")], before);
    let baselines = BTreeMap::from([(name("shop"), baseline)]);
    let run = |took_ms: u64| {
        let mut watch = Watch::begin(rules, vec![check("shop", Measures::Requests)], &baselines, false, BEGAN);
        for window in 0..3 {
            let measurement = Measurement {
                at: Timestamp::from_second(window * 30 + 1).expect("in range"),
                verdict: Verdict::Pass,
                counts: Counts::new(300, 0).expect("counts"),
                took: vec![Duration::from_millis(took_ms); 300],
                said: crate::message!("health-nothing-measured"),
            };
            watch.observe(&name("shop"), &measurement);
        }
        watch.advance(Timestamp::from_second(90).expect("in range"));
        watch.breach().map(|breach| breach.rule)
    };
    assert_eq!(run(39), None);
    assert_eq!(run(60), Some(RuleName::Latency));
}

#[test]
fn other_rules_keep_the_row_of_a_check_that_is_as_it_was() {
    let names = || BTreeSet::from([name("shop")]);
    let strict = || {
        let floor = Floor { error_share: crate::health::Share::percent(2), ..Floor::default() };
        Rules { floor: Rule::Binding(floor), ..Rules::floor_only() }
    };
    let trial = || {
        let mut trial = Trial::new(Rules::floor_only(), vec![check("shop", Measures::Requests)]);
        trial.windows("shop", &[(1000, 50), (1000, 50)]);
        trial
    };
    let mut kept = trial();
    let now = kept.now;
    kept.watch.reload(strict(), vec![check("shop", Measures::Requests)], &names(), &BTreeMap::new(), false, now);
    kept.windows("shop", &[(1000, 20)]);
    assert!(kept.watch.breach().is_some(), "the third in a row, by the new threshold");
    let mut changed = trial();
    let checks = vec![check("shop", Measures::Requests)];
    changed.watch.reload(strict(), checks, &BTreeSet::new(), &BTreeMap::new(), false, now);
    changed.windows("shop", &[(1000, 20), (1000, 20)]);
    assert!(changed.watch.breach().is_none(), "another check begins anew");
    let mut off = trial();
    let without = Rules { floor: Rule::Off, ..Rules::floor_only() };
    off.watch.reload(without, vec![check("shop", Measures::Requests)], &names(), &BTreeMap::new(), false, now);
    off.watch.reload(strict(), vec![check("shop", Measures::Requests)], &names(), &BTreeMap::new(), false, now);
    off.windows("shop", &[(1000, 20)]);
    assert!(off.watch.breach().is_none(), "a rule that was off has forgotten its row");
}

#[test]
fn never_healthy_without_data() {
    let conclude = |rules: Rules, checks: Vec<Check>, windows: &[(u64, u64)]| {
        let mut trial = Trial::new(rules, checks);
        trial.windows("shop", windows);
        trial.conclusion()
    };
    let shop = || vec![check("shop", Measures::Requests)];
    assert_eq!(conclude(Rules::usual(), shop(), &[(1000, 0); 3]), Conclusion::Healthy);
    let doubtful = |conclusion: Conclusion| conclusion.verdict() == WatchVerdict::Inconclusive;
    assert!(doubtful(conclude(Rules::usual(), shop(), &[(0, 0); 20])), "nothing");
    assert!(doubtful(conclude(Rules::usual(), shop(), &[(2, 0); 20])), "40 requests");
    assert!(doubtful(conclude(Rules::usual(), shop(), &[(1000, 0)])), "too short");
    assert!(doubtful(conclude(Rules::usual(), Vec::new(), &[(1000, 0); 3])), "no check");
    assert!(doubtful(conclude(Rules::floor_only(), shop(), &[(1000, 0), (1000, 0), (1000, 60)])), "failing now");
    assert!(doubtful(conclude(Rules::floor_only(), shop(), &[(58, 0); 20])), "the floor never judged");
    let mut silenced = vec![(1000, 0); 3];
    silenced.extend([(0, 0); 11]);
    assert!(doubtful(conclude(Rules::usual(), shop(), &silenced)), "silent for too long");
    let values = || vec![check("shop", Measures::Values)];
    assert!(doubtful(conclude(Rules::usual(), values(), &[(0, 0); 5])), "nothing counts requests");
}

#[test]
fn what_is_measured_while_warming_up_is_not_looked_at() {
    let rules = Rules { warm_up: Duration::from_mins(1), ..Rules::floor_only() };
    let mut trial = Trial::new(rules, vec![check("shop", Measures::Requests)]);
    trial.windows("shop", &[(1000, 1000), (1000, 1000), (1000, 1000), (1000, 1000)]);
    assert!(trial.watch.breach().is_none(), "two of the four were warm-up");
    trial.windows("shop", &[(1000, 1000)]);
    assert!(trial.watch.breach().is_some());
}

#[test]
fn a_time_in_which_nobody_looked_is_one_window_and_not_many() {
    let mut trial = Trial::new(Rules::floor_only(), vec![check("shop", Measures::Requests)]);
    trial.measured("shop", Verdict::Pass, Counts::new(1000, 1000).expect("counts"));
    let judgements = trial.watch.advance(Timestamp::from_second(3600).expect("in range"));
    assert_eq!(of_rule(&judgements, RuleName::Floor), [Verdict::Fail]);
}

/// `no_data = "fail"` is about a service that is silent: a source that cannot be asked says nothing of it.
#[test]
fn a_source_that_cannot_be_asked_fails_under_no_policy_and_says_why() {
    for (verdict, breaches) in [(Verdict::NoData, true), (Verdict::ProbeError, false)] {
        let always = Check { no_data: NoDataPolicy::Fail, ..check("shop", Measures::Requests) };
        let mut trial = Trial::new(Rules::floor_only(), vec![always]);
        for window in 0..4 {
            let judgements = trial.at(window * 30_000 + 15_000).measured("shop", verdict, Counts::NONE);
            let floor = judgements.iter().find(|judgement| judgement.rule == RuleName::Floor);
            assert!(floor.is_none_or(|floor| floor.verdict == verdict && matches!(floor.seen, Seen::Value(_))));
        }
        assert_eq!(trial.watch.breach().is_some(), breaches, "{}", verdict.as_str());
    }
}

/// A witness as one is: its word takes longer than the next probe, and a window ends in between.
#[test]
fn a_slow_witness_delays_a_breach_and_does_not_prevent_it() {
    for (reached, verdict) in [(true, WatchVerdict::Unhealthy), (false, WatchVerdict::Inconclusive)] {
        let mut trial = Trial::with_witness(Rules::floor_only(), vec![check("shop", Measures::Probes)]);
        let mut asked: Option<i64> = None;
        let mut judgements = Vec::new();
        for millis in (0..95_000).step_by(50) {
            judgements.extend(trial.at(millis).measured("shop", Verdict::Fail, Counts::one(true)));
            match asked {
                Some(at) if millis >= at + 330 => {
                    trial.watch.witness_asked(Timestamp::from_millisecond(at).expect("in range"), reached);
                    asked = None;
                }
                None if trial.watch.wants_witness() => asked = Some(millis),
                Some(_) | None => {}
            }
        }
        assert_eq!(trial.conclusion().verdict(), verdict, "reached: {reached}");
        let silent = Seen::Nothing(WhyNothing::Impeded(Impediment::WitnessSilent));
        assert!(judgements.iter().all(|judgement| judgement.seen != silent), "its word was waited for");
    }
}

#[test]
fn a_witness_that_is_never_asked_holds_nothing_up_for_good() {
    let mut trial = Trial::with_witness(Rules::floor_only(), vec![check("shop", Measures::Probes)]);
    let mut judgements = Vec::new();
    for second in 0..150 {
        judgements.extend(trial.at(second * 1_000).measured("shop", Verdict::Fail, Counts::one(true)));
    }
    let floor = of_rule(&judgements, RuleName::Floor);
    assert!(floor.len() >= 3 && floor.iter().all(|verdict| *verdict == Verdict::NoData), "{floor:?}");
}

/// Good data, and then a monitor that sees nothing to the end: nobody knows how the service is.
#[test]
fn never_healthy_when_the_end_was_not_seen() {
    let mut trial = Trial::new(Rules::usual(), vec![check("shop", Measures::Requests)]);
    trial.windows("shop", &[(1000, 0); 6]);
    assert_eq!(trial.conclusion(), Conclusion::Healthy);
    for _ in 0..2 {
        let middle = trial.now.as_millisecond() + 15_000;
        trial.at(middle).measured("shop", Verdict::ProbeError, Counts::NONE);
        trial.at(middle + 15_000);
        trial.watch.advance(trial.now);
    }
    assert_eq!(trial.conclusion().verdict(), WatchVerdict::Inconclusive);
    trial.windows("shop", &[(1000, 0)]);
    assert_eq!(trial.conclusion(), Conclusion::Healthy, "it is seen again");
}
