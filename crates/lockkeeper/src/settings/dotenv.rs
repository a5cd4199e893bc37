//! The `.env` file: lines of `NAME=value`.

use std::collections::BTreeMap;

use lockkeeper_core::message;
use lockkeeper_core::model::{Answer, LineColumn, Message, Place, Problem};

/// Reads the text of a `.env` file.
///
/// Blank lines and lines that start with `#` are passed over, and `export ` before a name.
/// Between single quotes everything stands for itself; between double quotes `\n`, `\t`, `\r`,
/// `\"`, `\\` and `\$` are escapes; without quotes a value ends at ` #`. Variables are not
/// expanded, so that a dollar sign in a password stays one.
///
/// A problem names the file and the line and never shows the line, which may hold a password.
pub fn parse(path: &str, text: &str) -> Answer<BTreeMap<String, String>> {
    let mut values = BTreeMap::new();
    let mut problems = Vec::new();
    for (index, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
        match parse_line(line) {
            Ok(Some((name, value))) => {
                values.insert(name, value);
            }
            Ok(None) => {}
            Err((column, fault)) => {
                let at = Some(LineColumn { line: index + 1, column });
                problems.push(Problem::usage(fault).at(Place { path: path.into(), at, snippet: None }));
            }
        }
    }
    Problem::all(problems).map_or(Ok(values), Err)
}

type Fault = (usize, Message);

fn parse_line(line: &str) -> Result<Option<(String, String)>, Fault> {
    let trimmed = line.trim();
    if trimmed.is_empty() || trimmed.starts_with('#') {
        return Ok(None);
    }
    let column = |rest: &str| line.chars().count() - rest.chars().count() + 1;
    let start = line.trim_start();
    let start = start.strip_prefix("export ").map_or(start, str::trim_start);
    let (name, value) = start.split_once('=').ok_or_else(|| (column(start), message!("settings-dotenv-no-equals")))?;
    let name = name.trim_end();
    let fits = |(at, c): (usize, char)| c == '_' || c.is_ascii_alphabetic() || (at > 0 && c.is_ascii_digit());
    if name.is_empty() || !name.char_indices().all(fits) {
        return Err((column(start), message!("settings-dotenv-name")));
    }
    let value = value.trim_start();
    let (text, rest) = match value.chars().next() {
        Some('\'') => {
            let inner = &value[1..];
            let end = inner.find('\'').ok_or_else(|| (column(value), message!("settings-dotenv-quote")))?;
            (inner[..end].to_owned(), &inner[end + 1..])
        }
        Some('"') => double_quoted(&value[1..]).ok_or_else(|| (column(value), message!("settings-dotenv-quote")))?,
        _ => (unquoted(value).to_owned(), ""),
    };
    let rest = rest.trim_start();
    if rest.is_empty() || rest.starts_with('#') {
        Ok(Some((name.to_owned(), text)))
    } else {
        Err((column(rest), message!("settings-dotenv-after-quote")))
    }
}

/// Up to the closing quote, escapes replaced; and what follows the quote.
fn double_quoted(inner: &str) -> Option<(String, &str)> {
    let mut text = String::new();
    let mut chars = inner.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Some((text, &inner[at + 1..])),
            '\\' => match chars.next()?.1 {
                'n' => text.push('\n'),
                't' => text.push('\t'),
                'r' => text.push('\r'),
                escaped @ ('"' | '\\' | '$') => text.push(escaped),
                other => text.extend(['\\', other]),
            },
            c => text.push(c),
        }
    }
    None
}

/// Up to a `#` that begins the value or follows a space.
fn unquoted(value: &str) -> &str {
    let comment = value
        .char_indices()
        .find(|(at, c)| *c == '#' && value[..*at].chars().next_back().is_none_or(char::is_whitespace));
    comment.map_or(value, |(at, _)| &value[..at]).trim_end()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(line: &str) -> String {
        parse(".env", line).unwrap().remove("A").unwrap()
    }

    #[test]
    fn values_are_read() {
        for (line, expected) in [
            ("A=b", "b"),
            ("export A=b", "b"),
            ("  A = b c  ", "b c"),
            ("A=", ""),
            ("A=b # comment", "b"),
            ("A=# comment", ""),
            ("A=b#c", "b#c"),
            ("A='b # $c \\n'  # comment", "b # $c \\n"),
            (r#"A="b \"c\" \\ \$ \n\q""#, "b \"c\" \\ $ \n\\q"),
            ("A=p$word=x", "p$word=x"),
            ("\u{feff}A=b\r\n", "b"),
            ("A=one\nA=two", "two"),
            ("A=한글", "한글"),
        ] {
            assert_eq!(value(line), expected, "{line:?}");
        }
        assert!(parse(".env", "# only\n\n   # comments").unwrap().is_empty());
    }

    #[test]
    fn a_problem_names_the_line_and_never_its_value() {
        for (text, id, line, column) in [
            ("\nhunter2", "settings-dotenv-no-equals", 2, 1),
            ("1A=hunter2", "settings-dotenv-name", 1, 1),
            ("=hunter2", "settings-dotenv-name", 1, 1),
            ("A='hunter2", "settings-dotenv-quote", 1, 3),
            ("export A=\"hunter2", "settings-dotenv-quote", 1, 10),
            ("A='x'hunter2", "settings-dotenv-after-quote", 1, 6),
        ] {
            let problem = parse(".env", text).unwrap_err();
            assert_eq!(problem.message.id, id, "{text:?}");
            assert_eq!(problem.place.as_ref().unwrap().at, Some(LineColumn { line, column }), "{text:?}");
            assert!(!format!("{problem:?} {problem}").contains("hunter2"), "{text:?}");
        }
    }

    #[test]
    fn all_bad_lines_are_told_at_once() {
        assert_eq!(parse(".env", "a\nB=c\nd").unwrap_err().others.len(), 1);
    }
}
