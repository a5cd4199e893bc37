//! Which status codes are expected.

use std::fmt;

/// Codes, classes and ranges, as in `2xx, 304, 410-419`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExpectedStatus(Vec<(u16, u16)>);

const CODES: std::ops::RangeInclusive<u16> = 100..=599;

impl ExpectedStatus {
    /// `None` when a part is neither a code, nor a class, nor a range, or when there is none.
    pub fn parse(text: &str) -> Option<Self> {
        let ranges: Option<Vec<_>> = text.split(',').map(|part| range(part.trim())).collect();
        ranges.map(Self)
    }

    pub fn accepts(&self, status: u16) -> bool {
        self.0.iter().any(|(first, last)| (*first..=*last).contains(&status))
    }
}

/// 2xx: a redirect is not followed, so it is not where the answer is.
impl Default for ExpectedStatus {
    fn default() -> Self {
        Self(vec![(200, 299)])
    }
}

fn range(part: &str) -> Option<(u16, u16)> {
    let code = |text: &str| {
        let is_plain = text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_digit());
        if is_plain { text.parse().ok().filter(|code| CODES.contains(code)) } else { None }
    };
    if let Some(class) = part.strip_suffix("xx") {
        let first = code(&format!("{class}00"))?;
        return Some((first, first + 99));
    }
    match part.split_once('-') {
        Some((first, last)) => {
            let (first, last) = (code(first.trim_end())?, code(last.trim_start())?);
            (first <= last).then_some((first, last))
        }
        None => code(part).map(|code| (code, code)),
    }
}

impl fmt::Display for ExpectedStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (first, last)) in self.0.iter().enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            match (first % 100, last - first) {
                (_, 0) => write!(f, "{comma}{first}")?,
                (0, 99) => write!(f, "{comma}{}xx", first / 100)?,
                _ => write!(f, "{comma}{first}-{last}")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_classes_and_ranges_are_read_and_written() {
        let expected = ExpectedStatus::parse("2xx,304 , 410-419").expect("readable");
        assert_eq!(expected.to_string(), "2xx, 304, 410-419");
        for (status, accepted) in [(200, true), (299, true), (300, false), (304, true), (409, false), (419, true)] {
            assert_eq!(expected.accepts(status), accepted, "{status}");
        }
        assert_eq!(ExpectedStatus::default(), ExpectedStatus::parse("2xx").expect("readable"));
    }

    #[test]
    fn what_is_none_is_refused() {
        for bad in ["", "2x", "xx", "20", "600", "099", "9xx", "300-200", "200-", "200;204", "2xx,", "+20"] {
            assert_eq!(ExpectedStatus::parse(bad), None, "{bad:?}");
        }
    }
}
