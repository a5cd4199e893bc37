//! The rules of a watch, as data: which there are, which of them bind, and their numbers.

use std::num::NonZeroU32;
use std::time::Duration;

use super::counts::{Counts, Share};
use super::detector::Detector;
use super::floor::{Floor, THREE};
use super::hard_down::HardDown;
use super::latency::LatencyRule;
use super::tempering::{Correlation, Tempering};

/// A rule by its name in `lockkeeper.toml`, in JSON and in the ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RuleName {
    /// Error rate at or above the threshold in so many windows in a row.
    Floor,
    /// Every probe fails, look after look.
    HardDown,
    /// The Shiryaev–Roberts detector on slices.
    Detector,
    /// More errors than the old version, at the same time or before the deploy.
    Relative,
    /// Percentiles against the baseline.
    Latency,
    /// A value beyond its bound in so many windows in a row.
    Threshold,
}

impl RuleName {
    pub const ALL: [Self; 6] =
        [Self::Floor, Self::HardDown, Self::Detector, Self::Relative, Self::Latency, Self::Threshold];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Floor => "floor",
            Self::HardDown => "hard-down",
            Self::Detector => "detector",
            Self::Relative => "relative",
            Self::Latency => "latency",
            Self::Threshold => "threshold",
        }
    }

    pub fn from_settings(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|rule| rule.as_str() == text)
    }
}

/// A rule with its numbers, and what its alarm means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Rule<T> {
    #[default]
    Off,
    /// Told and alerted, and nothing follows.
    Advisory(T),
    /// Rolls the release back.
    Binding(T),
}

impl<T> Rule<T> {
    pub const fn numbers(&self) -> Option<&T> {
        match self {
            Self::Off => None,
            Self::Advisory(numbers) | Self::Binding(numbers) => Some(numbers),
        }
    }

    pub const fn binds(&self) -> bool {
        matches!(self, Self::Binding(_))
    }
}

/// Every rule of a watch.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rules {
    /// A window of the floor, of percentiles and of thresholds.
    pub interval: Duration,
    /// A slice of the detectors.
    pub slice: Duration,
    /// After a deploy nothing is judged for so long: caches are cold, connections are new.
    pub warm_up: Duration,
    /// A check without data for so long makes a watch inconclusive.
    pub no_data_max: Duration,
    /// A watch is not healthy before.
    pub duration_min: Duration,
    pub floor: Rule<Floor>,
    pub hard_down: Rule<HardDown>,
    pub detector: Rule<Detector>,
    pub relative: Rule<()>,
    pub latency: Rule<LatencyRule>,
    /// So many windows in a row, for values: CPU, memory, the database.
    pub threshold: Rule<NonZeroU32>,
}

/// The interval that the floor is fixed to, unless it is configured.
pub const INTERVAL: Duration = Duration::from_secs(30);
/// The detectors' slice.
pub const SLICE: Duration = Duration::from_secs(5);

impl Rules {
    /// The floor and nothing else.
    pub fn floor_only() -> Self {
        Self {
            interval: INTERVAL,
            slice: SLICE,
            warm_up: Duration::ZERO,
            no_data_max: INTERVAL * 10,
            duration_min: INTERVAL * 3,
            floor: Rule::Binding(Floor::default()),
            hard_down: Rule::Off,
            detector: Rule::Off,
            relative: Rule::Off,
            latency: Rule::Off,
            threshold: Rule::Off,
        }
    }

    /// What `init` writes: floor, hard down, detector and thresholds bind.
    ///
    /// `horizon` is the time in which a false alarm of the detector is as likely as
    /// [`Detector::FALSE_ALARMS`]: an hour of watching.
    pub fn usual() -> Self {
        let horizon = Duration::from_hours(1);
        Self {
            hard_down: Rule::Binding(HardDown::default()),
            detector: Detector::new(
                Detector::ACCEPTABLE,
                Detector::UNACCEPTABLE,
                Detector::FALSE_ALARMS,
                slices_in(horizon, SLICE),
            )
            .map_or(Rule::Off, Rule::Binding),
            threshold: Rule::Binding(THREE),
            ..Self::floor_only()
        }
    }

    /// So many requests are the least that a healthy watch has seen.
    pub fn samples_min(&self) -> u64 {
        self.floor.numbers().map_or(Floor::default().min_samples, |floor| floor.min_samples)
    }

    /// By how much the requests of a window are worth less to the floor than independent ones.
    ///
    /// `None` where the floor is taken as it is written: where nobody has measured how errors cluster, and where no
    /// detector binds beside it, so that only the floor could find what it leaves.
    pub fn tempers_floor(&self, window: Counts, correlation: Option<Correlation>) -> Option<Tempering> {
        let correlation = correlation.filter(|_| self.detector.binds())?;
        Some(Tempering::of(correlation, window.divided_by(slices_in(self.interval, self.slice))))
    }

    /// The share of errors that a system must stay below before a release starts on it.
    pub fn error_share(&self) -> Share {
        self.floor.numbers().map_or(Floor::default().error_share, |floor| floor.error_share)
    }
}

/// How many slices a time has; one at least.
pub fn slices_in(time: Duration, slice: Duration) -> u64 {
    u64::try_from(time.as_millis() / slice.as_millis().max(1)).unwrap_or(u64::MAX).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_floor_alone_is_the_floor_alone() {
        let rules = Rules::floor_only();
        assert!(rules.floor.binds());
        assert_eq!(rules.floor.numbers(), Some(&Floor::default()));
        assert_eq!(rules.interval, Duration::from_secs(30));
        for off in [rules.hard_down == Rule::Off, rules.detector == Rule::Off, rules.relative == Rule::Off] {
            assert!(off);
        }
        assert!(rules.latency == Rule::Off && rules.threshold == Rule::Off);
    }

    #[test]
    fn the_usual_rules_bind() {
        let rules = Rules::usual();
        assert!(rules.floor.binds() && rules.hard_down.binds() && rules.detector.binds());
        assert!(rules.detector.numbers().is_some_and(|detector| (detector.alarm_at() - 72_000.0).abs() < 1e-6));
    }

    #[test]
    fn the_floor_is_tempered_only_beside_a_detector_that_binds_and_by_what_was_measured() {
        let window = Counts::new(300, 20).expect("errors are requests");
        let measured = Some(Correlation::of(0.05));
        assert!(Rules::usual().tempers_floor(window, measured).is_some_and(|it| it.worth(window) < 59));
        assert_eq!(Rules::usual().tempers_floor(window, None), None);
        assert_eq!(Rules::floor_only().tempers_floor(window, measured), None);
        let Rule::Binding(detector) = Rules::usual().detector else { panic!("the detector is usual") };
        let advised = Rules { detector: Rule::Advisory(detector), ..Rules::usual() };
        assert_eq!(advised.tempers_floor(window, measured), None);
    }

    #[test]
    fn every_rule_is_found_by_its_name() {
        for rule in RuleName::ALL {
            assert_eq!(RuleName::from_settings(rule.as_str()), Some(rule));
        }
    }
}
