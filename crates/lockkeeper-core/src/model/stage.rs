//! Stage 1 expands, stage 2 contracts.

/// Which of the two gates a migration goes through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    /// Stage 1: safe while the old code runs.
    Expand,
    /// Stage 2: safe only once no old code runs.
    Contract,
}

impl Stage {
    /// `1` or `2`, as people write it.
    pub const fn number(self) -> i16 {
        match self {
            Self::Expand => 1,
            Self::Contract => 2,
        }
    }

    pub const fn from_number(number: i16) -> Option<Self> {
        match number {
            1 => Some(Self::Expand),
            2 => Some(Self::Contract),
            _ => None,
        }
    }
}
