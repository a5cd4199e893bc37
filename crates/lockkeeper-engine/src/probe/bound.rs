//! A bound: which values of a measurement fail.

use std::fmt;

/// How a value is compared with a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
    Equal,
    NotEqual,
}

impl Comparison {
    /// Those of two signs first, so that a text is read by the longest that fits.
    pub const ALL: [Self; 6] =
        [Self::GreaterOrEqual, Self::LessOrEqual, Self::Equal, Self::NotEqual, Self::Greater, Self::Less];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Equal => "==",
            Self::NotEqual => "!=",
        }
    }

    /// Whether `left` stands so to `right`. Never for what is not a number.
    #[expect(clippy::float_cmp, reason = "who compares for equality means equality")]
    pub fn holds(self, left: f64, right: f64) -> bool {
        match self {
            Self::Greater => left > right,
            Self::GreaterOrEqual => left >= right,
            Self::Less => left < right,
            Self::LessOrEqual => left <= right,
            Self::Equal => left == right,
            Self::NotEqual => !left.is_nan() && !right.is_nan() && left != right,
        }
    }
}

/// The values that fail, as in `>= 0.05`: from 0.05 on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bound {
    fails: Comparison,
    limit: f64,
}

impl Bound {
    /// `None` for a limit that is not finite: nothing could ever be compared with it.
    pub fn new(fails: Comparison, limit: f64) -> Option<Self> {
        limit.is_finite().then_some(Self { fails, limit })
    }

    /// A comparison and a number, with or without a space between them.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let fails = Comparison::ALL.into_iter().find(|one| text.starts_with(one.as_str()))?;
        let number = text.strip_prefix(fails.as_str())?.trim();
        Self::new(fails, number.parse().ok()?)
    }

    /// Whether this value fails.
    pub fn is_breached_by(self, value: f64) -> bool {
        self.fails.holds(value, self.limit)
    }
}

impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.fails.as_str(), self.limit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_itself_is_in_or_out_as_it_is_written() {
        let breached = |bound: &str, value| Bound::parse(bound).expect(bound).is_breached_by(value);
        assert!(breached(">= 0.05", 0.05));
        assert!(!breached(">= 0.05", 0.049_999));
        assert!(!breached("> 0.05", 0.05));
        assert!(breached("<14", 13.9));
        assert!(!breached("<14", 14.0));
        assert!(breached("<= 14", 14.0));
        assert!(breached("!= 1", 0.0));
        assert!(breached("== 0", 0.0));
    }

    #[test]
    fn what_is_not_a_number_breaches_nothing() {
        for one in Comparison::ALL {
            assert!(!one.holds(f64::NAN, 1.0), "{}", one.as_str());
        }
    }

    #[test]
    fn a_bound_is_written_as_it_is_read() {
        for text in [">= 0.05", "< 14", "!= 0", "> -1.5"] {
            assert_eq!(Bound::parse(text).expect(text).to_string(), text);
        }
        for bad in ["", "5", ">=", "=> 5", "> five", "> NaN", "> inf", ">= 5 %", "=5"] {
            assert_eq!(Bound::parse(bad), None, "{bad:?}");
        }
    }
}
