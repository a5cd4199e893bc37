//! How long a release waits for its approval, and what becomes of it then.

use std::time::Duration;

/// What becomes of a release that nobody has approved in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnExpiry {
    /// It stays where it is, and says that it has waited too long: the new code is well, and the schema has what both
    /// need.
    #[default]
    Wait,
    /// It goes back.
    RollBack,
}

impl OnExpiry {
    pub const ALL: [Self; 2] = [Self::Wait, Self::RollBack];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Wait => "wait",
            Self::RollBack => "rollback",
        }
    }

    pub fn from_ledger(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.as_str() == text)
    }
}

/// How a wait for an approval stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Patience {
    /// It may go on; for so long, where it ends at all.
    Left(Option<Duration>),
    /// It is over, and nothing follows from that by itself.
    Over,
    /// It is over, and the release goes back.
    GoesBack,
}

/// How a wait that has lasted so long stands.
pub fn patience(waited: Duration, at_most: Option<Duration>, on_expiry: OnExpiry) -> Patience {
    match (at_most, on_expiry) {
        (None, _) => Patience::Left(None),
        (Some(at_most), _) if waited < at_most => Patience::Left(Some(at_most.saturating_sub(waited))),
        (Some(_), OnExpiry::Wait) => Patience::Over,
        (Some(_), OnExpiry::RollBack) => Patience::GoesBack,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_goes_back_because_nobody_came_unless_that_was_asked_for() {
        let hour = Duration::from_hours(1);
        assert_eq!(patience(hour * 1_000, None, OnExpiry::RollBack), Patience::Left(None));
        assert_eq!(patience(hour, Some(hour * 3), OnExpiry::RollBack), Patience::Left(Some(hour * 2)));
        assert_eq!(patience(hour, Some(hour), OnExpiry::Wait), Patience::Over);
        assert_eq!(patience(hour, Some(hour), OnExpiry::RollBack), Patience::GoesBack);
    }
}
