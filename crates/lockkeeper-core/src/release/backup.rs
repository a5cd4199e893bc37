//! What is asked of a backup before stage 2, and whether the backups that there are answer it.

use std::time::Duration;

use crate::message;
use crate::model::{GateVerdict, Message, Verdict};

/// What the settings ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BackupRule {
    pub max_age: Duration,
    /// Whether it must have been restored and compared.
    pub verified: bool,
}

/// One backup of this database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BackupStanding {
    pub id: i64,
    /// Since the moment that it shows.
    pub age: Duration,
    /// What the last verification that could judge it said; `None` when there was none.
    pub verdict: Option<Verdict>,
}

/// What the gate goes by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackupInputs {
    pub rule: BackupRule,
    /// The newest first.
    pub known: Vec<BackupStanding>,
}

impl BackupInputs {
    /// Verdict, evidence and way out. Of several backups the one that answers the rule counts; else the newest is
    /// told of, with what it lacks.
    pub(super) fn answer(&self) -> (GateVerdict, Message, Option<Message>) {
        if let Some(backup) = self.known.iter().find(|backup| self.lacks(backup).is_none()) {
            let (id, age) = (backup.id, age(backup.age));
            let evidence = match backup.verdict {
                Some(Verdict::Pass) => message!("gate-backup-verified", id = id, age = age),
                _ => message!("gate-backup", id = id, age = age),
            };
            return (GateVerdict::Yes, evidence, None);
        }
        let newest = self.known.first().and_then(|newest| self.lacks(newest));
        newest.unwrap_or_else(|| (GateVerdict::NotYet, message!("gate-no-backup"), Some(message!("next-backup"))))
    }

    /// How old the backup is that is told of.
    pub(super) fn age(&self) -> Option<Duration> {
        let fit = self.known.iter().find(|backup| self.lacks(backup).is_none());
        fit.or(self.known.first()).map(|backup| backup.age)
    }

    /// What a backup lacks; `None` when it answers the rule. One that is known to be broken never does.
    fn lacks(&self, backup: &BackupStanding) -> Option<(GateVerdict, Message, Option<Message>)> {
        let (id, told_age) = (backup.id, age(backup.age));
        if backup.verdict == Some(Verdict::Fail) {
            let evidence = message!("gate-backup-broken", id = id, age = told_age);
            return Some((GateVerdict::No, evidence, Some(message!("next-backup"))));
        }
        if backup.age > self.rule.max_age {
            let evidence = message!("gate-backup-old", id = id, age = told_age, max = age(self.rule.max_age));
            return Some((GateVerdict::NotYet, evidence, Some(message!("next-backup"))));
        }
        if self.rule.verified && backup.verdict != Some(Verdict::Pass) {
            let evidence = message!("gate-backup-unverified", id = id, age = told_age);
            return Some((GateVerdict::NotYet, evidence, Some(message!("next-backup-verify"))));
        }
        None
    }
}

/// A span of time as people say it: in the largest unit of which there are two.
pub fn age(span: Duration) -> Message {
    let seconds = span.as_secs();
    match seconds {
        0..120 => message!("age-seconds", count = seconds),
        120..7_200 => message!("age-minutes", count = seconds / 60),
        7_200..172_800 => message!("age-hours", count = seconds / 3_600),
        _ => message!("age-days", count = seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULE: BackupRule = BackupRule { max_age: Duration::from_hours(24), verified: true };

    fn backup(id: i64, hours: u64, verdict: Option<Verdict>) -> BackupStanding {
        BackupStanding { id, age: Duration::from_hours(hours), verdict }
    }

    fn told(rule: BackupRule, known: &[BackupStanding]) -> (GateVerdict, &'static str, Option<&'static str>) {
        let (verdict, evidence, way_out) = BackupInputs { rule, known: known.to_vec() }.answer();
        (verdict, evidence.id, way_out.map(|it| it.id))
    }

    #[test]
    fn a_backup_that_is_fresh_and_verified_opens() {
        use GateVerdict::{No, NotYet, Yes};
        use Verdict::{Fail, Pass};
        let (create, verify) = (Some("next-backup"), Some("next-backup-verify"));
        assert_eq!(told(RULE, &[]), (NotYet, "gate-no-backup", create));
        assert_eq!(told(RULE, &[backup(1, 3, Some(Pass))]), (Yes, "gate-backup-verified", None));
        assert_eq!(told(RULE, &[backup(1, 24, Some(Pass))]), (Yes, "gate-backup-verified", None));
        assert_eq!(told(RULE, &[backup(1, 25, Some(Pass))]), (NotYet, "gate-backup-old", create));
        assert_eq!(told(RULE, &[backup(1, 3, None)]), (NotYet, "gate-backup-unverified", verify));
        assert_eq!(told(RULE, &[backup(1, 3, Some(Fail))]), (No, "gate-backup-broken", create));
    }

    #[test]
    fn an_older_backup_counts_where_the_newest_does_not() {
        let known = [backup(3, 1, None), backup(2, 2, Some(Verdict::Fail)), backup(1, 3, Some(Verdict::Pass))];
        let (verdict, evidence, _) = BackupInputs { rule: RULE, known: known.to_vec() }.answer();
        assert_eq!((verdict, evidence.args[0].1.to_string()), (GateVerdict::Yes, "1".to_owned()));
    }

    #[test]
    fn a_broken_backup_counts_nowhere() {
        let rule = BackupRule { verified: false, ..RULE };
        assert_eq!(told(rule, &[backup(1, 1, None)]).0, GateVerdict::Yes);
        assert_eq!(told(rule, &[backup(1, 1, Some(Verdict::Fail))]).0, GateVerdict::No);
    }

    #[test]
    fn an_age_is_told_in_a_unit_of_which_there_are_two() {
        for (seconds, expected) in [
            (0, "age-seconds count=0"),
            (119, "age-seconds count=119"),
            (120, "age-minutes count=2"),
            (7_199, "age-minutes count=119"),
            (7_200, "age-hours count=2"),
            (172_799, "age-hours count=47"),
            (172_800, "age-days count=2"),
        ] {
            assert_eq!(age(Duration::from_secs(seconds)).to_string(), expected);
        }
    }
}
