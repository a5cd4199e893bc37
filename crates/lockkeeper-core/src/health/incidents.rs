//! Incidents: what people are told of when it begins, and again when it is over.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;

use super::check::CheckName;
use super::judgement::{Judgement, Seen, WhyNothing};
use super::rules::RuleName;
use super::witness::Impediment;
use crate::model::Verdict;

/// What is wrong. One of each at a time: what goes on is the same incident.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Matter {
    /// A check breaches; by how many rules is one matter.
    Breach(CheckName),
    /// A check has had no data for longer than the watch has patience.
    NoData(CheckName),
    /// The watcher itself is not well, and judges nobody.
    Watcher(Impediment),
}

impl Matter {
    /// How the ledger keeps it.
    pub fn key(&self) -> String {
        match self {
            Self::Breach(check) => format!("breach/{check}"),
            Self::NoData(check) => format!("no_data/{check}"),
            Self::Watcher(impediment) => format!("watcher/{}", impediment.as_str()),
        }
    }

    /// `None` for what [`Self::key`] never wrote.
    pub fn from_key(key: &str) -> Option<Self> {
        let (kind, of) = key.split_once('/')?;
        match kind {
            "breach" => CheckName::new(of).map(Self::Breach),
            "no_data" => CheckName::new(of).map(Self::NoData),
            "watcher" => Impediment::ALL.into_iter().find(|it| it.as_str() == of).map(Self::Watcher),
            _ => None,
        }
    }
}

/// What changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Turn {
    Begun(Matter),
    Over(Matter),
}

/// The incidents of a watch that are not over.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Incidents {
    open: BTreeMap<Matter, Open>,
    /// Since when each check cannot be judged, because the watcher is not well.
    impeded: BTreeMap<CheckName, (Impediment, Timestamp)>,
}

/// How near an incident is to its end.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Open {
    /// Looks in a row that were good.
    good: u32,
    /// Of a breach: the rules that have not passed twice since.
    rules: BTreeMap<RuleName, u32>,
}

impl Incidents {
    /// So many good looks in a row end an incident: one may be chance.
    pub const GOOD: u32 = 2;

    /// As another process left them.
    pub fn of(open: impl IntoIterator<Item = Matter>) -> Self {
        Self { open: open.into_iter().map(|matter| (matter, Open::default())).collect(), impeded: BTreeMap::new() }
    }

    pub fn open(&self) -> impl Iterator<Item = &Matter> {
        self.open.keys()
    }

    /// What one judgement begins or ends. `patience` is how long a watcher may be unwell before people are told.
    pub fn judged(&mut self, judgement: &Judgement, patience: Duration) -> Vec<Turn> {
        let mut turns: Vec<Turn> = self.breach(judgement).into_iter().collect();
        turns.extend(self.impediment(judgement, patience));
        turns
    }

    fn breach(&mut self, judgement: &Judgement) -> Option<Turn> {
        let matter = Matter::Breach(judgement.check.clone());
        if judgement.breaches {
            let begins = !self.open.contains_key(&matter);
            self.open.entry(matter.clone()).or_default().rules.insert(judgement.rule, 0);
            return begins.then_some(Turn::Begun(matter));
        }
        let open = self.open.get_mut(&matter)?;
        // After a restart nobody knows which rule it was: any that passes twice will do.
        let was_of_another = open.rules.is_empty();
        let good = open.rules.entry(judgement.rule).or_insert(if was_of_another { 0 } else { Self::GOOD });
        match judgement.verdict {
            Verdict::Pass => *good += 1,
            Verdict::Fail => *good = 0,
            Verdict::NoData | Verdict::ProbeError => {}
        }
        if open.rules.values().any(|good| *good < Self::GOOD) {
            return None;
        }
        self.open.remove(&matter);
        Some(Turn::Over(matter))
    }

    fn impediment(&mut self, judgement: &Judgement, patience: Duration) -> Vec<Turn> {
        match (&judgement.seen, judgement.verdict) {
            (Seen::Nothing(WhyNothing::Impeded(impediment)), _) => {
                let since = self.impeded.entry(judgement.check.clone()).or_insert((*impediment, judgement.at));
                if since.0 != *impediment {
                    *since = (*impediment, judgement.at);
                }
            }
            (_, Verdict::Pass | Verdict::Fail) => {
                self.impeded.remove(&judgement.check);
            }
            (_, Verdict::NoData | Verdict::ProbeError) => {}
        }
        let lasted = |since: Timestamp| Duration::try_from(since.duration_until(judgement.at)).unwrap_or_default();
        let told: BTreeSet<Impediment> =
            self.impeded.values().filter(|(_, since)| lasted(*since) >= patience).map(|(what, _)| *what).collect();
        let unwell: BTreeSet<Impediment> = self.impeded.values().map(|(what, _)| *what).collect();
        let mut turns = Vec::new();
        for impediment in Impediment::ALL {
            let matter = Matter::Watcher(impediment);
            if told.contains(&impediment) && !self.open.contains_key(&matter) {
                self.open.insert(matter.clone(), Open::default());
                turns.push(Turn::Begun(matter));
            } else if !unwell.contains(&impediment) && judgement.verdict.judges() && self.open.remove(&matter).is_some()
            {
                turns.push(Turn::Over(matter));
            }
        }
        turns
    }

    /// Which checks have no data at this moment.
    pub fn silent(&mut self, silent: &[&CheckName]) -> Vec<Turn> {
        let mut turns = Vec::new();
        for check in silent {
            let matter = Matter::NoData((*check).clone());
            if self.open.insert(matter.clone(), Open::default()).is_none() {
                turns.push(Turn::Begun(matter));
            }
        }
        let over: Vec<Matter> = self
            .open
            .iter_mut()
            .filter_map(|(matter, open)| {
                let Matter::NoData(check) = matter else { return None };
                if silent.contains(&check) {
                    return None;
                }
                open.good += 1;
                (open.good >= Self::GOOD).then(|| matter.clone())
            })
            .collect();
        for matter in over {
            self.open.remove(&matter);
            turns.push(Turn::Over(matter));
        }
        turns
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::health::{Counts, Share};

    const PATIENCE: Duration = Duration::from_secs(90);

    fn shop() -> CheckName {
        CheckName::new("shop").expect("a name")
    }

    fn judgement(second: i64, rule: RuleName, verdict: Verdict, breaches: bool) -> Judgement {
        let seen = match verdict {
            Verdict::NoData => Seen::Nothing(WhyNothing::Impeded(Impediment::OwnNetwork)),
            _ => Seen::Errors { counts: Counts::NONE, threshold: Share::percent(5) },
        };
        let at = Timestamp::from_second(second).expect("in range");
        Judgement { at, check: shop(), rule, binds: true, verdict, seen, streak: None, breaches }
    }

    fn turns(incidents: &mut Incidents, judgements: &[(RuleName, Verdict, bool)]) -> Vec<Turn> {
        let judged = judgements.iter().zip(0..);
        judged
            .flat_map(|((rule, verdict, breaches), second)| {
                incidents.judged(&judgement(second, *rule, *verdict, *breaches), PATIENCE)
            })
            .collect()
    }

    #[test]
    fn a_breach_is_told_once_and_is_over_after_two_good_looks_in_a_row() {
        use RuleName::Floor;
        use Verdict::{Fail, Pass};
        let mut incidents = Incidents::default();
        let told = turns(&mut incidents, &[(Floor, Fail, false), (Floor, Fail, true), (Floor, Fail, true)]);
        assert_eq!(told, [Turn::Begun(Matter::Breach(shop()))]);
        assert_eq!(turns(&mut incidents, &[(Floor, Pass, false), (Floor, Fail, false), (Floor, Pass, false)]), []);
        assert_eq!(turns(&mut incidents, &[(Floor, Pass, false)]), [Turn::Over(Matter::Breach(shop()))]);
        assert_eq!(turns(&mut incidents, &[(Floor, Pass, false)]), []);
    }

    #[test]
    fn two_rules_that_breach_are_one_matter_and_both_have_to_pass() {
        use RuleName::{Detector, Floor};
        use Verdict::{Fail, Pass};
        let mut incidents = Incidents::default();
        assert_eq!(turns(&mut incidents, &[(Detector, Fail, true), (Floor, Fail, true)]).len(), 1);
        assert_eq!(turns(&mut incidents, &[(Detector, Pass, false); 9]), []);
        assert_eq!(turns(&mut incidents, &[(Floor, Pass, false); 2]), [Turn::Over(Matter::Breach(shop()))]);
    }

    #[test]
    fn what_another_process_began_is_neither_told_again_nor_forgotten() {
        use RuleName::Floor;
        let mut before = Incidents::default();
        turns(&mut before, &[(Floor, Verdict::Fail, true)]);
        let keys: Vec<String> = before.open().map(Matter::key).collect();
        let mut after = Incidents::of(keys.iter().filter_map(|key| Matter::from_key(key)));
        assert_eq!(turns(&mut after, &[(Floor, Verdict::Fail, true)]), []);
        assert_eq!(turns(&mut after, &[(Floor, Verdict::Pass, false); 2]), [Turn::Over(Matter::Breach(shop()))]);
    }

    #[test]
    fn a_silent_check_is_told_once_and_again_when_it_speaks() {
        let mut incidents = Incidents::default();
        assert_eq!(incidents.silent(&[&shop()]), [Turn::Begun(Matter::NoData(shop()))]);
        assert_eq!(incidents.silent(&[&shop()]), []);
        assert_eq!(incidents.silent(&[]), []);
        assert_eq!(incidents.silent(&[&shop()]), []);
        assert_eq!(incidents.silent(&[]), []);
        assert_eq!(incidents.silent(&[]), [Turn::Over(Matter::NoData(shop()))]);
    }

    #[test]
    fn a_watcher_that_is_unwell_for_long_says_so_and_for_a_moment_does_not() {
        let mut incidents = Incidents::default();
        let mut judged =
            |second, verdict| incidents.judged(&judgement(second, RuleName::Floor, verdict, false), PATIENCE);
        let trouble = || Matter::Watcher(Impediment::OwnNetwork);
        assert_eq!(judged(0, Verdict::NoData), []);
        assert_eq!(judged(30, Verdict::Pass), []);
        assert_eq!(judged(60, Verdict::NoData), []);
        assert_eq!(judged(120, Verdict::NoData), []);
        assert_eq!(judged(150, Verdict::NoData), [Turn::Begun(trouble())]);
        assert_eq!(judged(180, Verdict::NoData), []);
        assert_eq!(judged(210, Verdict::Pass), [Turn::Over(trouble())]);
    }

    #[test]
    fn every_matter_is_found_by_its_key() {
        let mut matters = vec![Matter::Breach(shop()), Matter::NoData(shop())];
        matters.extend(Impediment::ALL.map(Matter::Watcher));
        for matter in matters {
            assert_eq!(Matter::from_key(&matter.key()), Some(matter));
        }
        assert_eq!(Matter::from_key("breach"), None);
        assert_eq!(Matter::from_key("watcher/asleep"), None);
    }
}
