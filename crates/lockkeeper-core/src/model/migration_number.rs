//! The number in front of a migration's name.

/// A migration's number. `07` and `7` are the same number; order is numeric, never textual.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MigrationNumber(i64);

impl MigrationNumber {
    /// From the digits in a file's name. `None` when they are not all digits or pass 18 digits,
    /// which is more than a timestamp with microseconds needs.
    pub fn parse(digits: &str) -> Option<Self> {
        let all_digits = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        let significant = digits.trim_start_matches('0');
        if !all_digits || significant.len() > 18 {
            return None;
        }
        Some(Self(significant.parse().unwrap_or(0)))
    }

    /// From the ledger.
    pub const fn from_ledger(number: i64) -> Option<Self> {
        if number < 0 { None } else { Some(Self(number)) }
    }

    pub const fn get(self) -> i64 {
        self.0
    }
}

/// At least two digits, the way files are numbered.
impl std::fmt::Display for MigrationNumber {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:02}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compares_as_numbers() {
        let number = |digits| MigrationNumber::parse(digits).unwrap();
        assert!(number("2") < number("10"));
        assert_eq!(number("07"), number("0000007"));
        assert_eq!(number("20261122093000123456"[..18].as_ref()).get(), 202_611_220_930_001_234);
        assert_eq!(MigrationNumber::parse(&format!("{}42", "0".repeat(40))).unwrap().get(), 42);
    }

    #[test]
    fn refuses_what_is_no_number() {
        for digits in ["", "x", "1a", "-1", "1234567890123456789"] {
            assert_eq!(MigrationNumber::parse(digits), None, "{digits}");
        }
    }
}
