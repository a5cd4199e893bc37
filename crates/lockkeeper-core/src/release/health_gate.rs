//! What is asked of a watch before stage 2, and whether the watches of the release answer it.

use std::time::Duration;

use super::backup::age as told_age;
use crate::message;
use crate::model::{GateVerdict, Message, WatchVerdict};

/// What the settings ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HealthRule {
    /// What was healthy longer ago may be ill by now.
    pub max_age: Duration,
    /// A watch that began before the deploy must have seen so much of what came after it.
    pub seen_min: Duration,
    /// Whether anything is measured at all.
    pub has_checks: bool,
}

/// The watch that counts: the last one of this release that ended after its deploy, else the one that goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WatchStanding {
    /// `None` while it has not ended.
    pub verdict: Option<WatchVerdict>,
    /// Whether it, or a watch after it, has seen a breach.
    pub has_breached: bool,
    /// Whether somebody is at it.
    pub is_running: bool,
    pub began_before_deploy: bool,
    /// How much it has seen of what came after the deploy.
    pub seen: Duration,
    /// Since it ended, or wrote last.
    pub age: Duration,
    /// Who watched, and on which machine.
    pub by: String,
    pub host: String,
}

/// What the gate goes by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HealthInputs {
    pub rule: HealthRule,
    pub watch: Option<WatchStanding>,
}

impl HealthInputs {
    /// Verdict, evidence, its age and way out.
    pub(super) fn answer(&self) -> (GateVerdict, Message, Option<Duration>, Option<Message>) {
        let (verdict, evidence, way_out) = self.verdict();
        (verdict, evidence, self.watch.as_ref().map(|watch| watch.age), way_out)
    }

    /// Whether it was healthy, and that is too long ago: then watching again is all that it takes.
    pub fn is_stale(&self) -> bool {
        let is_old = |watch: &WatchStanding| watch.age > self.rule.max_age && !watch.has_breached;
        self.watch.as_ref().is_some_and(|it| it.verdict == Some(WatchVerdict::Healthy) && is_old(it))
    }

    fn verdict(&self) -> (GateVerdict, Message, Option<Message>) {
        let not_yet = |evidence| (GateVerdict::NotYet, evidence, Some(message!("next-health-for")));
        let Some(watch) = &self.watch else {
            return if self.rule.has_checks {
                not_yet(message!("gate-health-never"))
            } else {
                (GateVerdict::NotYet, message!("gate-health-no-checks"), Some(message!("next-health-configure")))
            };
        };
        let (by, host) = (watch.by.as_str(), watch.host.as_str());
        let verdict = if watch.has_breached { Some(WatchVerdict::Unhealthy) } else { watch.verdict };
        match verdict {
            Some(WatchVerdict::Unhealthy) => (
                GateVerdict::No,
                message!("gate-health-unhealthy", by = by, host = host),
                Some(message!("next-health-status")),
            ),
            Some(WatchVerdict::Inconclusive) => not_yet(message!("gate-health-inconclusive", by = by, host = host)),
            Some(WatchVerdict::Healthy) if watch.began_before_deploy && watch.seen < self.rule.seen_min => {
                not_yet(message!("gate-health-before-deploy", seen = told_age(watch.seen)))
            }
            Some(WatchVerdict::Healthy) if watch.age > self.rule.max_age => {
                let (age, max) = (told_age(watch.age), told_age(self.rule.max_age));
                not_yet(message!("gate-health-old", age = age, max = max))
            }
            Some(WatchVerdict::Healthy) => {
                (GateVerdict::Yes, message!("gate-health-healthy", by = by, host = host), None)
            }
            None if watch.is_running => (
                GateVerdict::NotYet,
                message!("gate-health-watching", by = by, host = host),
                Some(message!("next-health-status")),
            ),
            None => not_yet(message!("gate-health-stopped", by = by, host = host)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULE: HealthRule =
        HealthRule { max_age: Duration::from_hours(24), seen_min: Duration::from_secs(90), has_checks: true };

    fn healthy() -> WatchStanding {
        WatchStanding {
            verdict: Some(WatchVerdict::Healthy),
            has_breached: false,
            is_running: false,
            began_before_deploy: false,
            seen: Duration::from_secs(30),
            age: Duration::from_hours(1),
            by: "sujin".into(),
            host: "ops".into(),
        }
    }

    fn told(watch: Option<WatchStanding>) -> (GateVerdict, &'static str, bool) {
        let inputs = HealthInputs { rule: RULE, watch };
        let (verdict, evidence, _, way_out) = inputs.answer();
        assert_eq!(way_out.is_none(), verdict == GateVerdict::Yes);
        (verdict, evidence.id, inputs.is_stale())
    }

    #[test]
    fn only_a_watch_that_ended_healthy_and_is_fresh_opens() {
        use GateVerdict::{No, NotYet, Yes};
        assert_eq!(told(Some(healthy())), (Yes, "gate-health-healthy", false));
        assert_eq!(told(None), (NotYet, "gate-health-never", false));
        let old = WatchStanding { age: Duration::from_hours(25), ..healthy() };
        assert_eq!(told(Some(old.clone())), (NotYet, "gate-health-old", true));
        let breached = WatchStanding { has_breached: true, ..old };
        assert_eq!(told(Some(breached)), (No, "gate-health-unhealthy", false));
        let ended = |verdict| WatchStanding { verdict, ..healthy() };
        assert_eq!(told(Some(ended(Some(WatchVerdict::Unhealthy)))), (No, "gate-health-unhealthy", false));
        assert_eq!(told(Some(ended(Some(WatchVerdict::Inconclusive)))), (NotYet, "gate-health-inconclusive", false));
        assert_eq!(told(Some(ended(None))), (NotYet, "gate-health-stopped", false));
        let running = WatchStanding { is_running: true, ..ended(None) };
        assert_eq!(told(Some(running)), (NotYet, "gate-health-watching", false));
    }

    #[test]
    fn a_watch_from_before_the_deploy_must_have_seen_enough_of_what_came_after_it() {
        let early = WatchStanding { began_before_deploy: true, ..healthy() };
        assert_eq!(told(Some(early.clone())).1, "gate-health-before-deploy");
        let long = WatchStanding { seen: Duration::from_secs(90), ..early };
        assert_eq!(told(Some(long)).1, "gate-health-healthy");
    }

    #[test]
    fn where_nothing_is_measured_the_way_out_is_to_measure() {
        let inputs = HealthInputs { rule: HealthRule { has_checks: false, ..RULE }, watch: None };
        assert_eq!(inputs.answer().1.id, "gate-health-no-checks");
    }
}
