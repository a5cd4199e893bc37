//! An alert: what happened, how urgent it is, what it is about, and what else is known.

use super::{Arg, Message, MigrationNumber};
use crate::message;

/// What an alert tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AlertKind {
    /// A rule of the health gate was broken.
    Breach,
    /// A rule was broken that is only advice: nothing follows from it by itself.
    Advice,
    /// What an earlier alert was about is well again, or over.
    Recovered,
    /// There is nothing to judge by.
    NoData,
    /// The watcher itself is not well: nobody is judged.
    WatcherTrouble,
    MigrationFailed,
    RollbackStarted,
    RollbackFinished,
    RollbackFailed,
    /// A release waits for somebody to approve stage 2.
    ApprovalWaiting,
    /// A release stopped where only a person can go on.
    ReleaseFrozen,
    /// Somebody tries whether alerts arrive.
    Test,
}

/// How urgent an alert is, the least urgent first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// To know.
    Info,
    /// To look at today.
    Warning,
    /// To look at now.
    Critical,
}

/// What an alert does to what it is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AlertEffect {
    /// It stands from now on, and whoever heard of it is reminded, until it is resolved.
    Opens,
    /// It stands no longer. Whoever heard that it does hears this too, however urgent it is.
    Resolves,
    /// It is told once.
    Tells,
}

impl AlertKind {
    pub const ALL: [Self; 12] = [
        Self::Breach,
        Self::Advice,
        Self::Recovered,
        Self::NoData,
        Self::WatcherTrouble,
        Self::MigrationFailed,
        Self::RollbackStarted,
        Self::RollbackFinished,
        Self::RollbackFailed,
        Self::ApprovalWaiting,
        Self::ReleaseFrozen,
        Self::Test,
    ];

    /// The name in the settings, in payloads and in the ledger.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Breach => "breach",
            Self::Advice => "advice",
            Self::Recovered => "recovered",
            Self::NoData => "no_data",
            Self::WatcherTrouble => "watcher_trouble",
            Self::MigrationFailed => "migration_failed",
            Self::RollbackStarted => "rollback_started",
            Self::RollbackFinished => "rollback_finished",
            Self::RollbackFailed => "rollback_failed",
            Self::ApprovalWaiting => "approval_waiting",
            Self::ReleaseFrozen => "release_frozen",
            Self::Test => "test",
        }
    }

    /// By its name.
    pub fn from_name(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }

    pub const fn severity(self) -> Severity {
        match self {
            Self::Breach | Self::MigrationFailed | Self::RollbackFailed | Self::ReleaseFrozen => Severity::Critical,
            Self::Advice | Self::NoData | Self::WatcherTrouble | Self::RollbackStarted | Self::ApprovalWaiting => {
                Severity::Warning
            }
            Self::Recovered | Self::RollbackFinished | Self::Test => Severity::Info,
        }
    }

    pub const fn effect(self) -> AlertEffect {
        match self {
            Self::Breach
            | Self::Advice
            | Self::NoData
            | Self::WatcherTrouble
            | Self::MigrationFailed
            | Self::RollbackStarted
            | Self::RollbackFailed
            | Self::ApprovalWaiting
            | Self::ReleaseFrozen => AlertEffect::Opens,
            Self::Recovered | Self::RollbackFinished => AlertEffect::Resolves,
            Self::Test => AlertEffect::Tells,
        }
    }

    /// Whether it says something to those who heard of nothing before. That all is well again does not.
    pub const fn stands_alone(self) -> bool {
        !matches!(self, Self::Recovered)
    }
}

impl Severity {
    pub const ALL: [Self; 3] = [Self::Info, Self::Warning, Self::Critical];

    /// The name in the settings and in payloads.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }

    pub fn from_name(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|severity| severity.as_str() == text)
    }
}

/// What an alert is about: all that is told of the same thing carries the same key. At most [`About::CHARS_MAX`]
/// characters.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct About(String);

impl About {
    /// Beside the ledger's own key, it fits the 255 characters that a receiver may allow.
    pub const CHARS_MAX: usize = 180;

    /// A breach that this watch saw. A process that goes on with the watch tells of the same.
    pub fn breach(watch: i64) -> Self {
        Self(format!("watch/{watch}/breach"))
    }

    /// What a rule that only advises says of a check: told beside a breach that binds, not instead of it.
    pub fn advice(watch: i64, check: &str) -> Self {
        Self(format!("watch/{watch}/advice/{check}").chars().take(Self::CHARS_MAX).collect())
    }

    /// That this watch has nothing to judge a check by.
    pub fn no_data(watch: i64, check: &str) -> Self {
        Self(format!("watch/{watch}/no_data/{check}").chars().take(Self::CHARS_MAX).collect())
    }

    /// That this watch cannot do its work.
    pub fn watcher(watch: i64) -> Self {
        Self(format!("watch/{watch}/watcher"))
    }

    pub fn migration(release: i64, number: MigrationNumber) -> Self {
        Self(format!("release/{release}/migration/{number}"))
    }

    /// What all that is about the migrations of this release begins with.
    pub fn migrations(release: i64) -> String {
        format!("release/{release}/migration/")
    }

    /// What all that is about this release begins with.
    pub fn all_of_release(release: i64) -> String {
        format!("release/{release}/")
    }

    pub fn rollback(release: i64) -> Self {
        Self(format!("release/{release}/rollback"))
    }

    pub fn approval(release: i64) -> Self {
        Self(format!("release/{release}/approval"))
    }

    pub fn frozen(release: i64) -> Self {
        Self(format!("release/{release}/frozen"))
    }

    /// Each trial is about itself.
    pub fn test(id: &str) -> Self {
        Self(format!("test/{id}").chars().take(Self::CHARS_MAX).collect())
    }

    pub fn from_ledger(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// The kinds of alerts that open what this is about. None for what is not known here, such as that of a later
    /// version.
    pub fn opened_by(&self) -> &'static [AlertKind] {
        let mut parts = self.0.split('/');
        match (parts.next(), parts.nth(1)) {
            (Some("watch"), Some("breach")) => &[AlertKind::Breach],
            (Some("watch"), Some("advice")) => &[AlertKind::Advice],
            (Some("watch"), Some("no_data")) => &[AlertKind::NoData],
            (Some("watch"), Some("watcher")) => &[AlertKind::WatcherTrouble],
            (Some("release"), Some("migration")) => &[AlertKind::MigrationFailed],
            (Some("release"), Some("rollback")) => &[AlertKind::RollbackStarted, AlertKind::RollbackFailed],
            (Some("release"), Some("approval")) => &[AlertKind::ApprovalWaiting],
            (Some("release"), Some("frozen")) => &[AlertKind::ReleaseFrozen],
            _ => &[],
        }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What is known beside the sentence, by a name that programs read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FactName {
    Release,
    Version,
    Migration,
    File,
    Check,
    Rule,
    Evidence,
    Point,
    Reason,
    Undone,
    State,
    Actor,
    Host,
    Approvers,
    Plan,
    Next,
}

impl FactName {
    pub const ALL: [Self; 16] = [
        Self::Release,
        Self::Version,
        Self::Migration,
        Self::File,
        Self::Check,
        Self::Rule,
        Self::Evidence,
        Self::Point,
        Self::Reason,
        Self::Undone,
        Self::State,
        Self::Actor,
        Self::Host,
        Self::Approvers,
        Self::Plan,
        Self::Next,
    ];

    /// The name in payloads.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Release => "release",
            Self::Version => "version",
            Self::Migration => "migration",
            Self::File => "file",
            Self::Check => "check",
            Self::Rule => "rule",
            Self::Evidence => "evidence",
            Self::Point => "point",
            Self::Reason => "reason",
            Self::Undone => "undone",
            Self::State => "state",
            Self::Actor => "actor",
            Self::Host => "host",
            Self::Approvers => "approvers",
            Self::Plan => "plan",
            Self::Next => "next",
        }
    }

    pub fn from_name(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|name| name.as_str() == text)
    }

    /// What people read before the value.
    pub fn label(self) -> Message {
        match self {
            Self::Release => message!("alert-fact-release"),
            Self::Version => message!("alert-fact-version"),
            Self::Migration => message!("alert-fact-migration"),
            Self::File => message!("alert-fact-file"),
            Self::Check => message!("alert-fact-check"),
            Self::Rule => message!("alert-fact-rule"),
            Self::Evidence => message!("alert-fact-evidence"),
            Self::Point => message!("alert-fact-point"),
            Self::Reason => message!("alert-fact-reason"),
            Self::Undone => message!("alert-fact-undone"),
            Self::State => message!("alert-fact-state"),
            Self::Actor => message!("alert-fact-actor"),
            Self::Host => message!("alert-fact-host"),
            Self::Approvers => message!("alert-fact-approvers"),
            Self::Plan => message!("alert-fact-plan"),
            Self::Next => message!("alert-fact-next"),
        }
    }
}

/// An alert, as whoever noticed something puts it down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alert {
    pub kind: AlertKind,
    pub about: About,
    /// One line: what happened.
    pub subject: Message,
    /// What it means, and what to do.
    pub summary: Message,
    /// In the order in which they are shown.
    pub facts: Vec<(FactName, Arg)>,
}

impl Alert {
    pub const fn new(kind: AlertKind, about: About, subject: Message, summary: Message) -> Self {
        Self { kind, about, subject, summary, facts: Vec::new() }
    }

    #[must_use]
    pub fn fact(mut self, name: FactName, value: impl Into<Arg>) -> Self {
        self.facts.push((name, value.into()));
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_leads_back() {
        for kind in AlertKind::ALL {
            assert_eq!(AlertKind::from_name(kind.as_str()), Some(kind));
        }
        for severity in Severity::ALL {
            assert_eq!(Severity::from_name(severity.as_str()), Some(severity));
        }
        for name in FactName::ALL {
            assert_eq!(FactName::from_name(name.as_str()), Some(name));
        }
    }

    #[test]
    fn what_needs_a_person_now_is_critical_and_what_ends_it_is_not() {
        assert!(Severity::Critical > Severity::Warning && Severity::Warning > Severity::Info);
        for kind in AlertKind::ALL {
            let ends = kind.effect() == AlertEffect::Resolves;
            assert!(!ends || kind.severity() == Severity::Info, "{}", kind.as_str());
        }
    }

    #[test]
    fn every_kind_that_opens_has_something_to_be_about() {
        let number = MigrationNumber::from_ledger(3).expect("a number");
        let all = [
            About::breach(1),
            About::advice(1, "shop"),
            About::no_data(1, "shop"),
            About::watcher(1),
            About::migration(1, number),
            About::rollback(1),
            About::approval(1),
            About::frozen(1),
        ];
        let opened: Vec<AlertKind> = all.iter().flat_map(About::opened_by).copied().collect();
        for kind in AlertKind::ALL {
            assert_eq!(opened.contains(&kind), kind.effect() == AlertEffect::Opens, "{}", kind.as_str());
        }
        assert_eq!(About::test("a").opened_by(), []);
    }

    #[test]
    fn what_it_is_about_stays_short() {
        let about = About::no_data(i64::MAX, &"검사".repeat(200));
        assert_eq!(about.as_str().chars().count(), About::CHARS_MAX);
    }
}
