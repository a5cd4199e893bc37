//! What a release goes by, kept with it: whoever goes on with it elsewhere goes by the same.

use std::time::Duration;

use lockkeeper_core::release::{OnBreach, OnExpiry};
use serde_json::{Value, json};

/// The terms of one release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReleaseTerms {
    pub version: String,
    pub previous_version: Option<String>,
    /// How long it is watched after the deploy; zero does not watch.
    pub watch: Duration,
    /// How long it is watched after stage 2; zero does not watch.
    pub settle: Duration,
    /// How long the application may take to answer, when no hook waits for it.
    pub answers_within: Duration,
    /// How long after a rollback no other release begins.
    pub cool_down: Duration,
    pub on_breach: OnBreach,
    /// Whether the application is stopped while it goes back.
    pub stops_app: bool,
    /// Whether migrations that have not been tried are tried first.
    pub verifies: bool,
    /// How long what is normal is measured before anything is done; zero does not measure.
    pub baseline: Duration,
    /// Begins although the system is not well.
    pub despite_baseline: bool,
    /// How long an approval is waited for; `None` is without end.
    pub approval_within: Option<Duration>,
    pub on_expiry: OnExpiry,
}

impl ReleaseTerms {
    pub(super) fn to_json(&self) -> Value {
        json!({
            "watch_s": self.watch.as_secs_f64(),
            "settle_s": self.settle.as_secs_f64(),
            "answers_within_s": self.answers_within.as_secs_f64(),
            "baseline_s": self.baseline.as_secs_f64(),
            "cool_down_s": self.cool_down.as_secs_f64(),
            "on_breach": self.on_breach.as_str(),
            "stops_app": self.stops_app,
            "verifies": self.verifies,
            "despite_baseline": self.despite_baseline,
            "approval_within_s": self.approval_within.map(|within| within.as_secs_f64()),
            "on_expiry": self.on_expiry.as_str(),
        })
    }

    /// As they were kept; what an earlier version did not know is as it is by default.
    pub(super) fn from_json(version: &str, previous_version: Option<&str>, kept: &Value) -> Self {
        let usual = Self::usual();
        let span = |key: &str| kept[key].as_f64().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
        let time = |key: &str, usual: Duration| span(key).unwrap_or(usual);
        let flag = |key: &str, usual: bool| kept[key].as_bool().unwrap_or(usual);
        Self {
            version: version.to_owned(),
            previous_version: previous_version.map(str::to_owned),
            watch: time("watch_s", usual.watch),
            settle: time("settle_s", usual.settle),
            answers_within: time("answers_within_s", usual.answers_within),
            baseline: time("baseline_s", usual.baseline),
            cool_down: time("cool_down_s", usual.cool_down),
            on_breach: kept["on_breach"].as_str().and_then(OnBreach::from_ledger).unwrap_or(usual.on_breach),
            stops_app: flag("stops_app", usual.stops_app),
            verifies: flag("verifies", usual.verifies),
            despite_baseline: flag("despite_baseline", usual.despite_baseline),
            approval_within: span("approval_within_s"),
            on_expiry: kept["on_expiry"].as_str().and_then(OnExpiry::from_ledger).unwrap_or(usual.on_expiry),
        }
    }

    /// What nobody has said otherwise.
    pub const fn usual() -> Self {
        Self {
            version: String::new(),
            previous_version: None,
            watch: Duration::from_mins(10),
            settle: Duration::from_mins(10),
            answers_within: Duration::from_mins(5),
            baseline: Duration::from_secs(30),
            cool_down: Duration::from_mins(10),
            on_breach: OnBreach::Schema,
            stops_app: false,
            verifies: true,
            despite_baseline: false,
            approval_within: None,
            on_expiry: OnExpiry::Wait,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terms_read_back_as_they_were_kept() {
        let terms = ReleaseTerms {
            version: "3.0".into(),
            previous_version: Some("2.9".into()),
            watch: Duration::from_millis(1_500),
            on_breach: OnBreach::App,
            stops_app: true,
            verifies: false,
            approval_within: Some(Duration::from_hours(72)),
            on_expiry: OnExpiry::RollBack,
            ..ReleaseTerms::usual()
        };
        assert_eq!(ReleaseTerms::from_json("3.0", Some("2.9"), &terms.to_json()), terms);
    }
}
