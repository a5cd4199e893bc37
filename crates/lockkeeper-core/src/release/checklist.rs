//! The operator's check list: what is to be true before, during and after a release, each item ticked from what was
//! measured or recorded and never by hand.

use std::time::Duration;

use super::backup::BackupInputs;
use crate::message;
use crate::model::{GateVerdict, Message, WatchVerdict};

/// When an item is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Phase {
    Before,
    During,
    After,
}

impl Phase {
    pub const ALL: [Self; 3] = [Self::Before, Self::During, Self::After];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Before => "before",
            Self::During => "during",
            Self::After => "after",
        }
    }
}

/// One line of the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Item {
    /// Every pending migration was tried as it is now.
    MigrationsTested,
    /// Every pending migration has a way back that was tried.
    RollbackVerified,
    BackupFresh,
    /// Everything that the settings take from the environment is there.
    EnvironmentComplete,
    TlsVerified,
    Stage1Run,
    DeployComplete,
    HealthPassed,
    Stage2Run,
    WatchRunning,
    ErrorRate,
    Performance,
    LogsFlowing,
}

impl Item {
    pub const ALL: [Self; 13] = [
        Self::MigrationsTested,
        Self::RollbackVerified,
        Self::BackupFresh,
        Self::EnvironmentComplete,
        Self::TlsVerified,
        Self::Stage1Run,
        Self::DeployComplete,
        Self::HealthPassed,
        Self::Stage2Run,
        Self::WatchRunning,
        Self::ErrorRate,
        Self::Performance,
        Self::LogsFlowing,
    ];

    /// The name in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::MigrationsTested => "migrations_tested",
            Self::RollbackVerified => "rollback_verified",
            Self::BackupFresh => "backup_fresh",
            Self::EnvironmentComplete => "environment_complete",
            Self::TlsVerified => "tls_verified",
            Self::Stage1Run => "stage1_run",
            Self::DeployComplete => "deploy_complete",
            Self::HealthPassed => "health_passed",
            Self::Stage2Run => "stage2_run",
            Self::WatchRunning => "watch_running",
            Self::ErrorRate => "error_rate",
            Self::Performance => "performance",
            Self::LogsFlowing => "logs_flowing",
        }
    }

    pub const fn phase(self) -> Phase {
        match self {
            Self::MigrationsTested
            | Self::RollbackVerified
            | Self::BackupFresh
            | Self::EnvironmentComplete
            | Self::TlsVerified => Phase::Before,
            Self::Stage1Run | Self::DeployComplete | Self::HealthPassed | Self::Stage2Run => Phase::During,
            Self::WatchRunning | Self::ErrorRate | Self::Performance | Self::LogsFlowing => Phase::After,
        }
    }
}

/// How the connection to the database is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protection {
    /// Encrypted, and the server's certificate was held against trusted authorities.
    Verified,
    Encrypted,
    Plain,
    /// A socket of this machine: nothing leaves it.
    Local,
}

/// The watch that was seen last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WatchSeen {
    /// Whether it is this release's.
    pub is_of_release: bool,
    /// Whether somebody is watching.
    pub is_running: bool,
    pub has_breached: bool,
    /// `None` while it goes on.
    pub verdict: Option<WatchVerdict>,
    /// Since it wrote last.
    pub age: Duration,
}

/// How the times of answers compare with what was normal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Performance {
    /// There is nothing to compare with.
    Unknown,
    AsBefore,
    /// These checks are slower, or fail more.
    Worse(Vec<String>),
}

/// The event log and the alerts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logs {
    /// How many events there are, when the chain of their hashes holds; else where it does not.
    pub chain: Result<u64, Message>,
    /// Events that wait on this machine.
    pub spooled: usize,
    /// Alerts that have not arrived.
    pub undelivered: usize,
}

/// All that the list looks at.
#[derive(Debug, Clone)]
pub struct ChecklistInputs {
    /// Pending migrations that were not found sound as they are now, by number.
    pub untested: Vec<String>,
    /// How long ago the pending ones were tried.
    pub tested: Option<Duration>,
    /// Pending migrations that nothing is known to undo.
    pub no_way_back: Vec<String>,
    pub backup: BackupInputs,
    /// Whether stage 2 asks for a backup.
    pub backup_binds: bool,
    /// What is missing of what the settings take from the environment.
    pub missing: Vec<Message>,
    pub protection: Protection,
    pub tls_binds: bool,
    pub stage1_pending: Vec<String>,
    pub stage2_pending: Vec<String>,
    /// The version that is out, and since when.
    pub deployed: Option<(String, Duration)>,
    pub watch: Option<WatchSeen>,
    /// Of the last minutes; no requests where nothing was measured.
    pub requests: u64,
    pub errors: u64,
    /// Per mille of errors from which on a window fails.
    pub errors_per_mille_max: u64,
    pub performance: Performance,
    pub logs: Logs,
}

/// An item as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ticked {
    pub item: Item,
    pub is_done: bool,
    /// Whether the list is not in order while it is open.
    pub binds: bool,
    pub evidence: Message,
    /// How old the evidence is, where it is of another moment than now.
    pub age: Option<Duration>,
    /// The command that would tick it.
    pub way_out: Option<Message>,
}

/// The list of a phase, in its order.
pub fn checklist(phase: Phase, inputs: &ChecklistInputs) -> Vec<Ticked> {
    Item::ALL.into_iter().filter(|item| item.phase() == phase).map(|item| tick(item, inputs)).collect()
}

fn done(evidence: Message) -> (bool, Message, Option<Message>) {
    (true, evidence, None)
}

fn open(evidence: Message, way_out: Message) -> (bool, Message, Option<Message>) {
    (false, evidence, Some(way_out))
}

fn tick(item: Item, inputs: &ChecklistInputs) -> Ticked {
    let mut age = None;
    let (is_done, evidence, way_out) = match item {
        Item::MigrationsTested if inputs.untested.is_empty() => {
            age = inputs.tested;
            done(message!("checklist-tested"))
        }
        Item::MigrationsTested => {
            open(message!("checklist-untested", migrations = inputs.untested.join(", ")), message!("next-verify"))
        }
        Item::RollbackVerified if inputs.no_way_back.is_empty() => {
            age = inputs.tested;
            done(message!("checklist-way-back"))
        }
        Item::RollbackVerified => {
            open(message!("checklist-no-way-back", migrations = inputs.no_way_back.join(", ")), message!("next-verify"))
        }
        Item::BackupFresh => {
            let (verdict, evidence, way_out) = inputs.backup.answer();
            (verdict == GateVerdict::Yes, evidence, way_out)
        }
        Item::EnvironmentComplete => match inputs.missing.first() {
            None => done(message!("checklist-environment")),
            Some(first) => open(
                message!("checklist-environment-missing", count = inputs.missing.len(), first = first.clone()),
                message!("next-environment"),
            ),
        },
        Item::TlsVerified => match inputs.protection {
            Protection::Verified => done(message!("checklist-tls-verified")),
            Protection::Local => done(message!("checklist-tls-local")),
            Protection::Encrypted => open(message!("checklist-tls-encrypted"), message!("next-sslmode")),
            Protection::Plain => open(message!("checklist-tls-plain"), message!("next-sslmode")),
        },
        Item::Stage1Run if inputs.stage1_pending.is_empty() => done(message!("gate-stage1-complete")),
        Item::Stage1Run => open(
            message!(
                "gate-stage1-pending",
                count = inputs.stage1_pending.len(),
                migrations = inputs.stage1_pending.join(", ")
            ),
            message!("next-stage1"),
        ),
        Item::DeployComplete => match &inputs.deployed {
            Some((version, since)) => {
                age = Some(*since);
                done(message!("gate-deployed", version = version.as_str()))
            }
            None => open(message!("gate-not-deployed"), message!("next-deployed")),
        },
        Item::HealthPassed => {
            let watch = inputs.watch.filter(|watch| watch.is_of_release);
            age = watch.map(|watch| watch.age);
            health_passed(watch)
        }
        Item::Stage2Run if inputs.stage2_pending.is_empty() => done(message!("checklist-stage2-complete")),
        Item::Stage2Run => open(
            message!("checklist-stage2-pending", migrations = inputs.stage2_pending.join(", ")),
            message!("next-stage2"),
        ),
        Item::WatchRunning => {
            age = inputs.watch.map(|watch| watch.age);
            match inputs.watch {
                Some(watch) if watch.is_running => done(message!("checklist-watching")),
                Some(_) | None => open(message!("checklist-not-watching"), message!("next-health-start")),
            }
        }
        Item::ErrorRate => error_rate(inputs),
        Item::Performance => match &inputs.performance {
            Performance::AsBefore => done(message!("checklist-as-before")),
            Performance::Worse(checks) => {
                open(message!("checklist-slower", checks = checks.join(", ")), message!("next-health-status"))
            }
            Performance::Unknown => open(message!("checklist-no-baseline"), message!("next-baseline")),
        },
        Item::LogsFlowing => logs_flowing(&inputs.logs),
    };
    Ticked { item, is_done, binds: binds(item, inputs), evidence, age, way_out }
}

const fn binds(item: Item, inputs: &ChecklistInputs) -> bool {
    match item {
        Item::BackupFresh => inputs.backup_binds,
        Item::TlsVerified => inputs.tls_binds,
        // It is compared where there is something to compare with.
        Item::Performance => matches!(inputs.performance, Performance::Worse(_)),
        Item::MigrationsTested
        | Item::RollbackVerified
        | Item::EnvironmentComplete
        | Item::Stage1Run
        | Item::DeployComplete
        | Item::HealthPassed
        | Item::Stage2Run
        | Item::WatchRunning
        | Item::ErrorRate
        | Item::LogsFlowing => true,
    }
}

fn health_passed(watch: Option<WatchSeen>) -> (bool, Message, Option<Message>) {
    match watch {
        None => open(message!("checklist-never-watched"), message!("next-health-for")),
        Some(watch) if watch.has_breached || watch.verdict == Some(WatchVerdict::Unhealthy) => {
            open(message!("checklist-breached"), message!("next-health-status"))
        }
        Some(watch) => match watch.verdict {
            Some(WatchVerdict::Healthy) => done(message!("checklist-healthy")),
            Some(WatchVerdict::Inconclusive) => open(message!("checklist-inconclusive"), message!("next-health-for")),
            Some(WatchVerdict::Unhealthy) | None => {
                open(message!("checklist-still-watching"), message!("next-health-status"))
            }
        },
    }
}

fn error_rate(inputs: &ChecklistInputs) -> (bool, Message, Option<Message>) {
    let (requests, errors, max) = (inputs.requests, inputs.errors, inputs.errors_per_mille_max);
    if requests == 0 {
        return open(message!("checklist-nothing-measured"), message!("next-health-start"));
    }
    let tenth = |per_mille: u64| format!("{}.{} %", per_mille / 10, per_mille % 10);
    // Rounded up: what is on the threshold is not under it.
    let per_mille = errors.saturating_mul(1_000).div_ceil(requests);
    let evidence = message!(
        "checklist-error-rate",
        errors = errors,
        requests = requests,
        share = tenth(per_mille),
        max = tenth(max)
    );
    if per_mille < max { done(evidence) } else { open(evidence, message!("next-health-status")) }
}

fn logs_flowing(logs: &Logs) -> (bool, Message, Option<Message>) {
    match &logs.chain {
        Err(fault) => open(message!("checklist-log-broken", what = fault.clone()), message!("next-log-verify")),
        Ok(_) if logs.spooled > 0 => {
            open(message!("checklist-log-spooled", count = logs.spooled), message!("next-status"))
        }
        Ok(_) if logs.undelivered > 0 => {
            open(message!("checklist-alerts-waiting", count = logs.undelivered), message!("next-notify-deliver"))
        }
        Ok(events) => done(message!("checklist-log-whole", events = *events)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::release::{BackupRule, BackupStanding};

    fn inputs() -> ChecklistInputs {
        ChecklistInputs {
            untested: Vec::new(),
            tested: Some(Duration::from_hours(1)),
            no_way_back: Vec::new(),
            backup: BackupInputs {
                rule: BackupRule { max_age: Duration::from_hours(24), verified: false },
                known: vec![BackupStanding { id: 1, age: Duration::from_hours(1), verdict: None }],
            },
            backup_binds: true,
            missing: Vec::new(),
            protection: Protection::Verified,
            tls_binds: true,
            stage1_pending: Vec::new(),
            stage2_pending: Vec::new(),
            deployed: Some(("3.0".into(), Duration::from_mins(5))),
            watch: Some(WatchSeen {
                is_of_release: true,
                is_running: true,
                has_breached: false,
                verdict: Some(WatchVerdict::Healthy),
                age: Duration::from_secs(3),
            }),
            requests: 1_000,
            errors: 49,
            errors_per_mille_max: 50,
            performance: Performance::AsBefore,
            logs: Logs { chain: Ok(12), spooled: 0, undelivered: 0 },
        }
    }

    fn opened(inputs: &ChecklistInputs) -> Vec<(&'static str, bool)> {
        let all = Phase::ALL.into_iter().flat_map(|phase| checklist(phase, inputs));
        all.filter(|it| !it.is_done).map(|it| (it.item.as_str(), it.binds)).collect()
    }

    #[test]
    fn every_item_is_ticked_once_and_stands_for_itself() {
        assert_eq!(opened(&inputs()), []);
        let one = |change: &dyn Fn(&mut ChecklistInputs)| {
            let mut changed = inputs();
            change(&mut changed);
            opened(&changed)
        };
        let seen = |change: &dyn Fn(&mut WatchSeen)| {
            one(&|it| {
                if let Some(watch) = &mut it.watch {
                    change(watch);
                }
            })
        };
        assert_eq!(one(&|it| it.untested = vec!["07".into()]), [("migrations_tested", true)]);
        assert_eq!(one(&|it| it.no_way_back = vec!["07".into()]), [("rollback_verified", true)]);
        assert_eq!(one(&|it| it.backup.known.clear()), [("backup_fresh", true)]);
        assert_eq!(one(&|it| it.missing = vec![message!("next-status")]), [("environment_complete", true)]);
        assert_eq!(one(&|it| it.protection = Protection::Plain), [("tls_verified", true)]);
        assert_eq!(one(&|it| it.protection = Protection::Local), []);
        assert_eq!(one(&|it| it.stage1_pending = vec!["07".into()]), [("stage1_run", true)]);
        assert_eq!(one(&|it| it.deployed = None), [("deploy_complete", true)]);
        assert_eq!(seen(&|it| it.verdict = Some(WatchVerdict::Inconclusive)), [("health_passed", true)]);
        assert_eq!(seen(&|it| it.has_breached = true), [("health_passed", true)]);
        assert_eq!(seen(&|it| it.is_of_release = false), [("health_passed", true)]);
        assert_eq!(one(&|it| it.stage2_pending = vec!["08".into()]), [("stage2_run", true)]);
        assert_eq!(seen(&|it| it.is_running = false), [("watch_running", true)]);
        assert_eq!(one(&|it| it.errors = 50), [("error_rate", true)]);
        assert_eq!(one(&|it| it.requests = 0), [("error_rate", true)]);
        assert_eq!(one(&|it| it.performance = Performance::Worse(vec!["shop".into()])), [("performance", true)]);
        assert_eq!(one(&|it| it.performance = Performance::Unknown), [("performance", false)]);
        assert_eq!(one(&|it| it.logs.spooled = 1), [("logs_flowing", true)]);
        assert_eq!(one(&|it| it.logs.undelivered = 1), [("logs_flowing", true)]);
        assert_eq!(one(&|it| it.logs.chain = Err(message!("chain-altered"))), [("logs_flowing", true)]);
    }

    #[test]
    fn what_is_not_asked_for_does_not_bind() {
        let free = ChecklistInputs {
            backup_binds: false,
            tls_binds: false,
            protection: Protection::Encrypted,
            backup: BackupInputs { known: Vec::new(), ..inputs().backup },
            ..inputs()
        };
        assert_eq!(opened(&free), [("backup_fresh", false), ("tls_verified", false)]);
    }

    #[test]
    fn an_open_item_says_what_would_tick_it() {
        let everything = ChecklistInputs {
            untested: vec!["1".into()],
            no_way_back: vec!["1".into()],
            backup: BackupInputs { known: Vec::new(), ..inputs().backup },
            missing: vec![message!("next-status")],
            protection: Protection::Plain,
            stage1_pending: vec!["1".into()],
            stage2_pending: vec!["2".into()],
            deployed: None,
            watch: None,
            requests: 0,
            performance: Performance::Unknown,
            logs: Logs { chain: Ok(0), spooled: 2, undelivered: 0 },
            ..inputs()
        };
        for phase in Phase::ALL {
            for ticked in checklist(phase, &everything) {
                assert!(!ticked.is_done && ticked.way_out.is_some(), "{ticked:?}");
            }
        }
    }
}
