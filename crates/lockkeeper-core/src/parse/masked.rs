//! SQL without the values that stand in it: for telling what a session runs without telling anybody's data.
//!
//! It errs on the side of hiding. What is cut off in the middle of a literal, or quoted in a way that depends on the
//! server's settings, is hidden to the end.

/// What stands in a value's place.
const HIDDEN: &str = "?";

/// The statement in one line, at most so many characters, with every literal and comment gone. Names stay.
pub fn masked_sql(sql: &str, chars_max: usize) -> String {
    let chars: Vec<char> = sql.chars().collect();
    let mut masked = String::new();
    let mut at = 0;
    while let Some(c) = chars.get(at).copied() {
        let next = chars.get(at + 1).copied();
        at = match c {
            '\'' => {
                masked.push_str(HIDDEN);
                after_literal(&chars, at)
            }
            '"' => {
                let end = after_name(&chars, at);
                masked.extend(&chars[at..end]);
                end
            }
            '$' if !follows_a_word(&masked) => match after_dollars(&chars, at) {
                Some(end) => {
                    masked.push_str(HIDDEN);
                    end
                }
                None => keep(&mut masked, c, at),
            },
            '-' if next == Some('-') => {
                masked.push(' ');
                chars[at..].iter().position(|c| *c == '\n').map_or(chars.len(), |length| at + length)
            }
            '/' if next == Some('*') => {
                masked.push(' ');
                after_comment(&chars, at)
            }
            c if c.is_ascii_digit() && !follows_a_word(&masked) => {
                masked.push_str(HIDDEN);
                let is_number = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_');
                chars[at..].iter().position(|c| !is_number(c)).map_or(chars.len(), |length| at + length)
            }
            c => keep(&mut masked, c, at),
        };
    }
    let flat = masked.split_whitespace().collect::<Vec<_>>().join(" ");
    if flat.chars().count() <= chars_max {
        return flat;
    }
    flat.chars().take(chars_max.saturating_sub(1)).chain(['…']).collect()
}

fn keep(masked: &mut String, c: char, at: usize) -> usize {
    masked.push(c);
    at + 1
}

/// Whether what comes now belongs to a name or a parameter: `a1`, `$1`.
fn follows_a_word(masked: &str) -> bool {
    masked.chars().next_back().is_some_and(|c| c.is_alphanumeric() || matches!(c, '_' | '$'))
}

/// Behind the closing quote. A backslash may or may not be an escape there: behind one nobody knows where it ends.
fn after_literal(chars: &[char], open: usize) -> usize {
    let mut at = open + 1;
    while let Some(c) = chars.get(at) {
        match (c, chars.get(at + 1)) {
            ('\\', _) => return chars.len(),
            ('\'', Some('\'')) => at += 2,
            ('\'', _) => return at + 1,
            _ => at += 1,
        }
    }
    chars.len()
}

/// Behind the closing double quote.
fn after_name(chars: &[char], open: usize) -> usize {
    let mut at = open + 1;
    while let Some(c) = chars.get(at) {
        match (c, chars.get(at + 1)) {
            ('"', Some('"')) => at += 2,
            ('"', _) => return at + 1,
            _ => at += 1,
        }
    }
    chars.len()
}

/// Behind the closing tag of `$tag$ … $tag$`; the end, when it is not there. `None` when this opens nothing.
fn after_dollars(chars: &[char], open: usize) -> Option<usize> {
    let length = chars[open + 1..].iter().position(|c| !(c.is_alphanumeric() || *c == '_'))?;
    let close = open + 1 + length;
    let is_tag = chars.get(close) == Some(&'$') && !chars.get(open + 1).is_some_and(char::is_ascii_digit);
    if !is_tag {
        return None;
    }
    let tag = &chars[open..=close];
    let rest = &chars[close + 1..];
    Some(rest.windows(tag.len()).position(|window| window == tag).map_or(chars.len(), |at| close + 1 + at + tag.len()))
}

/// Comments nest.
fn after_comment(chars: &[char], open: usize) -> usize {
    let (mut at, mut depth) = (open, 0_usize);
    while at < chars.len() {
        match (chars[at], chars.get(at + 1)) {
            ('/', Some('*')) => (at, depth) = (at + 2, depth + 1),
            ('*', Some('/')) if depth == 1 => return at + 2,
            ('*', Some('/')) => (at, depth) = (at + 2, depth - 1),
            _ => at += 1,
        }
    }
    chars.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(sql: &str, expected: &str) {
        assert_eq!(masked_sql(sql, 200), expected, "{sql}");
    }

    #[test]
    fn names_stay_and_values_go() {
        check(
            "SELECT a1, \"b 2\" FROM t3 WHERE id = 42 AND x > -1.5e10 AND name = 'o''neil' LIMIT $1",
            "SELECT a1, \"b 2\" FROM t3 WHERE id = ? AND x > -? AND name = ? LIMIT $1",
        );
        check("SELECT E'x', B'01', U&'\u{e9}', 0xFF, 1_000", "SELECT E?, B?, U&?, ?, ?");
        check("UPDATE t SET a = $q$ it's $ $q$ , b = $$x$$", "UPDATE t SET a = ? , b = ?");
        check("SELECT 1 -- user 7\n, /* mail /* a@b */ c */ x", "SELECT ? , x");
    }

    /// What the server cut off, or what depends on its settings, is hidden to its end.
    #[test]
    fn what_is_not_closed_is_hidden() {
        check("INSERT INTO t VALUES ('secret", "INSERT INTO t VALUES (?");
        check("SELECT $a$ secret", "SELECT ?");
        check("SELECT 'a\\' secret ' , 'b'", "SELECT ?");
        check("SELECT /* secret", "SELECT");
        check("SELECT \"half", "SELECT \"half");
    }

    #[test]
    fn it_is_cut_to_its_length() {
        assert_eq!(masked_sql("SELECT   aaaa\n, bbbb", 10), "SELECT aa…");
        assert_eq!(masked_sql("", 10), "");
    }
}
