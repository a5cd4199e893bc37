//! Spans of time as people write them: `2s`, `500ms`, `1h30m`, `0`.

use std::time::Duration;

/// One or more numbers with their units, `ms`, `s`, `m` or `min`, `h`, `d`, or a bare zero.
/// `None` for anything else: a number without a unit could mean seconds or milliseconds.
pub fn parse(text: &str) -> Option<Duration> {
    let mut rest = text.trim();
    if rest == "0" {
        return Some(Duration::ZERO);
    }
    if rest.is_empty() {
        return None;
    }
    let mut total = Duration::ZERO;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let number: u64 = rest[..digits].parse().ok()?;
        rest = rest[digits..].trim_start();
        let unit = rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(rest.len());
        let seconds_each = match &rest[..unit] {
            "ms" => {
                total = total.checked_add(Duration::from_millis(number))?;
                0
            }
            "s" => 1,
            "m" | "min" => 60,
            "h" => 3_600,
            "d" => 86_400,
            _ => return None,
        };
        total = total.checked_add(Duration::from_secs(number.checked_mul(seconds_each)?))?;
        rest = rest[unit..].trim_start();
    }
    Some(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_read_as_written() {
        for (text, milliseconds) in [
            ("0", Some(0)),
            ("0s", Some(0)),
            ("2s", Some(2_000)),
            ("500ms", Some(500)),
            ("5min", Some(300_000)),
            ("1h30m", Some(5_400_000)),
            (" 1 d ", Some(86_400_000)),
            ("", None),
            ("2", None),
            ("s", None),
            ("-1s", None),
            ("1.5s", None),
            ("2 weeks", None),
            ("99999999999999999999d", None),
            ("18446744073709551615d", None),
        ] {
            assert_eq!(parse(text), milliseconds.map(Duration::from_millis), "{text:?}");
        }
    }
}
