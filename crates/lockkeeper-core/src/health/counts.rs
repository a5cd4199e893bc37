//! Requests and errors, and the share of one in the other.

use std::fmt;

/// Requests, and how many of them were errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    requests: u64,
    errors: u64,
}

impl Counts {
    pub const NONE: Self = Self { requests: 0, errors: 0 };

    /// `None` when there are more errors than requests: then they were not counted together.
    pub const fn new(requests: u64, errors: u64) -> Option<Self> {
        if errors > requests { None } else { Some(Self { requests, errors }) }
    }

    pub const fn one(is_error: bool) -> Self {
        Self { requests: 1, errors: is_error as u64 }
    }

    pub const fn requests(self) -> u64 {
        self.requests
    }

    pub const fn errors(self) -> u64 {
        self.errors
    }

    pub const fn successes(self) -> u64 {
        self.requests - self.errors
    }

    pub const fn is_empty(self) -> bool {
        self.requests == 0
    }

    /// Both together.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self {
            requests: self.requests.saturating_add(other.requests),
            errors: self.errors.saturating_add(other.errors),
        }
    }

    /// One of so many equal parts, rounded down.
    #[must_use]
    pub const fn divided_by(self, parts: u64) -> Self {
        let parts = if parts == 0 { 1 } else { parts };
        Self { requests: self.requests / parts, errors: self.errors / parts }
    }

    /// The share of errors, rounded down. `None` without requests.
    pub fn share(self) -> Option<Share> {
        if self.is_empty() {
            return None;
        }
        let parts = u128::from(self.errors) * u128::from(Share::WHOLE) / u128::from(self.requests);
        u32::try_from(parts).ok().and_then(Share::from_parts_per_million)
    }

    /// Whether at least this share of the requests were errors. Exact: nothing is rounded.
    pub const fn reach(self, share: Share) -> bool {
        !self.is_empty() && self.errors as u128 * Share::WHOLE as u128 >= self.requests as u128 * share.parts as u128
    }

    #[expect(clippy::cast_precision_loss, reason = "beyond 2^53 requests one more or less decides nothing")]
    pub(super) const fn as_numbers(self) -> (f64, f64) {
        (self.requests as f64, self.errors as f64)
    }
}

/// A part of a whole, from nothing to all of it, in millionths.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Share {
    parts: u32,
}

impl Share {
    const WHOLE: u32 = 1_000_000;

    /// `None` beyond the whole.
    pub const fn from_parts_per_million(parts: u32) -> Option<Self> {
        if parts > Self::WHOLE { None } else { Some(Self { parts }) }
    }

    /// # Panics
    /// Beyond 100 percent. Meant for constants, where the compiler finds it.
    pub const fn percent(percent: u32) -> Self {
        assert!(percent <= 100, "a share is 100 percent at most");
        Self { parts: percent * (Self::WHOLE / 100) }
    }

    pub const fn parts_per_million(self) -> u32 {
        self.parts
    }

    /// To a tenth of a percent, for people.
    #[must_use]
    pub fn rounded(self) -> Self {
        let tenth = 1_000;
        Self::from_parts_per_million((self.parts + tenth / 2) / tenth * tenth).unwrap_or(self)
    }

    /// Between 0 and 1.
    pub fn as_ratio(self) -> f64 {
        f64::from(self.parts) / f64::from(Self::WHOLE)
    }
}

/// In percent, with as many decimals as it has, four at most: `4.9 %`.
impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let per_percent = Self::WHOLE / 100;
        write!(f, "{}", self.parts / per_percent)?;
        let rest = format!("{:04}", self.parts % per_percent);
        let rest = rest.trim_end_matches('0');
        if !rest.is_empty() {
            write!(f, ".{rest}")?;
        }
        write!(f, " %")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_never_more_errors_than_requests() {
        assert_eq!(Counts::new(3, 4), None);
        assert!(Counts::new(4, 4).is_some());
    }

    #[test]
    fn the_threshold_itself_counts_and_a_hair_below_it_does_not() {
        let five = Share::percent(5);
        let reaches = |requests, errors| Counts::new(requests, errors).is_some_and(|counts| counts.reach(five));
        assert!(reaches(1000, 50));
        assert!(!reaches(1000, 49));
        assert!(!reaches(100_001, 5_000));
        assert!(!reaches(0, 0), "no requests are no errors");
    }

    #[test]
    fn a_share_is_told_in_percent() {
        let told = |parts| Share::from_parts_per_million(parts).map(|share| share.to_string());
        assert_eq!(told(49_000).as_deref(), Some("4.9 %"));
        assert_eq!(told(50_000).as_deref(), Some("5 %"));
        assert_eq!(told(100).as_deref(), Some("0.01 %"));
        assert_eq!(told(1_000_000).as_deref(), Some("100 %"));
        assert_eq!(told(1_000_001), None);
    }
}
