//! The manual procedure of an emergency: its steps, and for each whether the program does it, a person has to, or
//! nothing is left to do. Pure: what is known comes in, what is to be done comes out.

use super::state::{Event, Release, ReleaseState, next};
use super::task::Task;
use crate::message;
use crate::model::Message;

/// One step of the procedure. Their order is the order in which they are done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EmergencyStep {
    /// Nothing writes any more, so that the backup holds all there is and nobody meets half a schema.
    StopApp,
    Backup,
    /// Back to the rollback point, while no code runs that would miss what goes.
    Migrations,
    /// The old code is out, started, and answers.
    App,
    Health,
}

impl EmergencyStep {
    pub const ALL: [Self; 5] = [Self::StopApp, Self::Backup, Self::Migrations, Self::App, Self::Health];

    /// The name in JSON, in the ledger and on the command line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::StopApp => "stop-app",
            Self::Backup => "backup",
            Self::Migrations => "migrations",
            Self::App => "app",
            Self::Health => "health",
        }
    }

    pub fn from_ledger(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|step| step.as_str() == text)
    }

    /// Whether it takes the release off its way: from then on it goes back.
    pub const fn turns_back(self) -> bool {
        match self {
            Self::StopApp | Self::Migrations | Self::App => true,
            Self::Backup | Self::Health => false,
        }
    }

    /// What a driven release calls the parts of it, so that both keep one record of them.
    pub const fn tasks(self) -> &'static [Task] {
        match self {
            Self::StopApp => &[Task::StopApp],
            Self::Migrations => &[Task::UndoStage1],
            Self::App => &[Task::RollbackApp, Task::StartApp, Task::WaitRolledBack],
            Self::Backup | Self::Health => &[],
        }
    }
}

/// What can be done with the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DatabaseStanding {
    Writable,
    /// A standby, or a session that may not write.
    ReadOnly,
    Unreachable,
}

/// What can be had of the ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LedgerStanding {
    /// All that a way back needs can be read.
    Readable,
    /// This database never had one.
    Absent,
    /// It is there, and cannot be read: tables are missing, rows break its rules, it is newer than the program.
    Damaged,
}

/// What the way back of the schema is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SchemaWay {
    /// So many migrations would be undone.
    Undo(usize),
    Nothing,
    /// No rollback point leads there, or a script cannot be read.
    Closed(Message),
}

/// All that the steps depend on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EmergencyKnown {
    /// Done in an earlier run of the same emergency.
    pub settled: Vec<EmergencyStep>,
    /// What the operator asked for: where to begin, and what to leave out.
    pub from: Option<EmergencyStep>,
    pub skip: Vec<EmergencyStep>,
    pub has_stop_hook: bool,
    pub has_rollback_hook: bool,
    /// The version to go back to is known: the hooks are told it.
    pub has_previous_version: bool,
    /// Whether a deploy was begun, as far as anybody knows.
    pub app_touched: bool,
    /// There is a place for a backup, or a command that makes one.
    pub has_backup: bool,
    pub has_checks: bool,
    pub database: DatabaseStanding,
    pub ledger: LedgerStanding,
    pub schema: SchemaWay,
}

/// What is to be done about a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fit {
    /// An earlier run of this emergency has done it.
    Settled,
    /// Left out, as was asked for.
    Skipped,
    /// There is nothing to do, and why.
    Unneeded(Message),
    /// The program does it.
    Due,
    /// The program cannot, for this reason: a person does it and says so.
    ByHand(Message),
}

impl Fit {
    /// The word in JSON and in the log.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Settled => "settled",
            Self::Skipped => "skipped",
            Self::Unneeded(_) => "unneeded",
            Self::Due => "due",
            Self::ByHand(_) => "by_hand",
        }
    }

    /// Whether somebody has to decide about it.
    pub const fn is_open(&self) -> bool {
        matches!(self, Self::Due | Self::ByHand(_))
    }
}

/// Every step in its order, with what is to be done about it.
pub fn emergency_steps(known: &EmergencyKnown) -> Vec<(EmergencyStep, Fit)> {
    EmergencyStep::ALL.into_iter().map(|step| (step, fit(step, known))).collect()
}

fn fit(step: EmergencyStep, known: &EmergencyKnown) -> Fit {
    // What somebody names is done, whatever an earlier run has done of it.
    if known.from == Some(step) && !known.skip.contains(&step) {
        return due(step, known);
    }
    if known.settled.contains(&step) {
        return Fit::Settled;
    }
    if known.skip.contains(&step) || known.from.is_some_and(|from| step < from) {
        return Fit::Skipped;
    }
    match step {
        EmergencyStep::StopApp | EmergencyStep::App if !known.app_touched && !was_stopped(known) => {
            Fit::Unneeded(message!("emergency-app-untouched"))
        }
        EmergencyStep::StopApp
        | EmergencyStep::App
        | EmergencyStep::Backup
        | EmergencyStep::Migrations
        | EmergencyStep::Health => due(step, known),
    }
}

fn was_stopped(known: &EmergencyKnown) -> bool {
    known.settled.contains(&EmergencyStep::StopApp) || known.from == Some(EmergencyStep::StopApp)
}

fn due(step: EmergencyStep, known: &EmergencyKnown) -> Fit {
    match step {
        EmergencyStep::StopApp if known.has_stop_hook => Fit::Due,
        EmergencyStep::StopApp => Fit::ByHand(message!("emergency-no-hook", hook = "stop_app")),
        EmergencyStep::Backup => match (writable(known), known.has_backup) {
            (Err(why), _) => Fit::ByHand(why),
            (Ok(()), false) => Fit::ByHand(message!("emergency-no-backup-place")),
            (Ok(()), true) => Fit::Due,
        },
        EmergencyStep::Migrations => match (writable(known), &known.schema) {
            (Err(why), _) => Fit::ByHand(why),
            (Ok(()), SchemaWay::Closed(why)) => Fit::ByHand(why.clone()),
            (Ok(()), SchemaWay::Nothing) => Fit::Unneeded(message!("emergency-nothing-applied")),
            (Ok(()), SchemaWay::Undo(_)) => Fit::Due,
        },
        EmergencyStep::App if !known.has_rollback_hook => {
            Fit::ByHand(message!("emergency-no-hook", hook = "rollback_app"))
        }
        EmergencyStep::App if !known.has_previous_version => Fit::ByHand(message!("emergency-no-previous")),
        EmergencyStep::App => Fit::Due,
        EmergencyStep::Health if known.has_checks => Fit::Due,
        EmergencyStep::Health => Fit::ByHand(message!("emergency-no-checks")),
    }
}

/// Whether a step that writes into the database, and into the ledger with it, can be done at all.
fn writable(known: &EmergencyKnown) -> Result<(), Message> {
    match (known.database, known.ledger) {
        (DatabaseStanding::Unreachable, _) => Err(message!("emergency-unreachable")),
        (DatabaseStanding::ReadOnly, _) => Err(message!("emergency-read-only")),
        (DatabaseStanding::Writable, LedgerStanding::Damaged) => Err(message!("emergency-ledger-damaged")),
        (DatabaseStanding::Writable, LedgerStanding::Readable | LedgerStanding::Absent) => Ok(()),
    }
}

/// The state in which a release goes back, when it is not there already. `None` when there is nothing to go back from.
pub fn turned_back(release: Release) -> Option<ReleaseState> {
    match release.state {
        ReleaseState::RollingBack => None,
        _ => next(release, Event::RollbackStarted).ok(),
    }
}

/// The state in which a release ends that went back. `None` when it has ended.
pub fn ended_back(release: Release, remains: bool) -> Option<ReleaseState> {
    next(release, Event::RollbackFinished { remains }).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::release::Drive;

    fn known() -> EmergencyKnown {
        EmergencyKnown {
            settled: Vec::new(),
            from: None,
            skip: Vec::new(),
            has_stop_hook: true,
            has_rollback_hook: true,
            has_previous_version: true,
            app_touched: true,
            has_backup: true,
            has_checks: true,
            database: DatabaseStanding::Writable,
            ledger: LedgerStanding::Readable,
            schema: SchemaWay::Undo(2),
        }
    }

    fn told(known: &EmergencyKnown) -> String {
        let one = |(step, fit): (EmergencyStep, Fit)| match fit {
            Fit::ByHand(why) | Fit::Unneeded(why) => format!("{} {}", step.as_str(), why.id),
            fit => format!("{} {}", step.as_str(), fit.as_str()),
        };
        emergency_steps(known).into_iter().map(one).collect::<Vec<_>>().join(", ")
    }

    #[test]
    fn everything_that_is_configured_is_done_in_order() {
        assert_eq!(told(&known()), "stop-app due, backup due, migrations due, app due, health due");
        for step in EmergencyStep::ALL {
            assert_eq!(EmergencyStep::from_ledger(step.as_str()), Some(step));
        }
    }

    #[test]
    fn what_was_done_skipped_or_passed_is_not_done_again_unless_it_is_named() {
        use EmergencyStep::{Backup, Migrations, StopApp};
        let again = EmergencyKnown { settled: vec![StopApp, Backup], ..known() };
        assert!(told(&again).starts_with("stop-app settled, backup settled, migrations due"));
        let from = EmergencyKnown { from: Some(Migrations), skip: vec![EmergencyStep::Health], ..known() };
        assert_eq!(told(&from), "stop-app skipped, backup skipped, migrations due, app due, health skipped");
        let named = EmergencyKnown { from: Some(Backup), settled: vec![StopApp, Backup], ..known() };
        assert!(told(&named).starts_with("stop-app settled, backup due"));
        let both = EmergencyKnown { from: Some(Backup), skip: vec![Backup], ..known() };
        assert!(told(&both).starts_with("stop-app skipped, backup skipped, migrations due"));
    }

    #[test]
    fn what_the_program_cannot_do_a_person_does() {
        let bare = EmergencyKnown {
            has_stop_hook: false,
            has_rollback_hook: false,
            has_backup: false,
            has_checks: false,
            ..known()
        };
        assert_eq!(
            told(&bare),
            "stop-app emergency-no-hook, backup emergency-no-backup-place, migrations due, app emergency-no-hook, \
             health emergency-no-checks"
        );
        let unknown = EmergencyKnown { has_previous_version: false, ..known() };
        assert!(told(&unknown).contains("app emergency-no-previous"));
    }

    /// The database decides about two of the steps and about no other.
    #[test]
    fn without_a_database_the_application_still_goes_back() {
        for (database, ledger, why) in [
            (DatabaseStanding::Unreachable, LedgerStanding::Readable, "emergency-unreachable"),
            (DatabaseStanding::ReadOnly, LedgerStanding::Readable, "emergency-read-only"),
            (DatabaseStanding::Writable, LedgerStanding::Damaged, "emergency-ledger-damaged"),
        ] {
            let expected = format!("stop-app due, backup {why}, migrations {why}, app due, health due");
            assert_eq!(told(&EmergencyKnown { database, ledger, ..known() }), expected);
        }
        let none = EmergencyKnown { ledger: LedgerStanding::Absent, schema: SchemaWay::Nothing, ..known() };
        assert!(told(&none).contains("migrations emergency-nothing-applied"));
        let closed = SchemaWay::Closed(message!("rollback-point-unknown", point = "p"));
        assert!(told(&EmergencyKnown { schema: closed, ..known() }).contains("migrations rollback-point-unknown"));
    }

    #[test]
    fn an_application_that_nobody_touched_is_left_alone() {
        let untouched = EmergencyKnown { app_touched: false, ..known() };
        assert_eq!(
            told(&untouched),
            "stop-app emergency-app-untouched, backup due, migrations due, app emergency-app-untouched, health due"
        );
        // Who stops it has to start it.
        let stopped = EmergencyKnown { settled: vec![EmergencyStep::StopApp], ..untouched.clone() };
        assert!(told(&stopped).contains("app due"));
        assert!(told(&EmergencyKnown { from: Some(EmergencyStep::StopApp), ..untouched }).contains("app due"));
    }

    #[test]
    fn every_release_that_can_go_back_ends() {
        for drive in Drive::ALL {
            for state in ReleaseState::ALL {
                let release = Release { state, drive };
                let going = turned_back(release).unwrap_or(state);
                let ended = ended_back(Release { state: going, drive }, false);
                let is_through = state == ReleaseState::RolledBack
                    || (state, drive) == (ReleaseState::Planned, Drive::ByHand)
                    || ended == Some(ReleaseState::RolledBack);
                assert!(is_through, "{drive:?} {state:?} stays {going:?}");
            }
        }
    }
}
