//! Names and texts of a database, so that none of them can leave its place in Markdown or in a diagram.

use std::fmt::Write;

/// A name as SQL writes it: in quotes where it needs them.
pub fn ident(name: &str) -> String {
    let is_plain = name.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    if is_plain { name.to_owned() } else { format!("\"{}\"", name.replace('"', "\"\"")) }
}

pub fn qualified(schema: &str, name: &str) -> String {
    format!("{}.{}", ident(schema), ident(name))
}

/// What would end a line, or be seen nowhere, as a sign for it.
fn visible(text: &str) -> String {
    let sign = |c: char| match c {
        '\u{0}'..='\u{1f}' => char::from_u32(0x2400 + u32::from(c)).unwrap_or('\u{fffd}'),
        '\u{7f}' => '\u{2421}',
        // C1 controls, other ends of lines, and what turns the direction of writing.
        '\u{80}'..='\u{9f}' | '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => '\u{fffd}',
        c => c,
    };
    text.chars().map(sign).collect()
}

/// As code, within a line: between as many backquotes as the text itself does not have in a row.
pub fn code(text: &str) -> String {
    let text = visible(text);
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or_default();
    let fence = "`".repeat(longest + 1);
    let needs_room = text.starts_with('`') || text.ends_with('`') || text.trim().is_empty();
    let room = if needs_room { " " } else { "" };
    format!("{fence}{room}{text}{room}{fence}")
}

/// The same in a table, where a bar would end the cell even inside of code.
pub fn code_cell(text: &str) -> String {
    code(text).replace('|', "\\|")
}

/// As prose, in a table or out of it: nothing in it is Markdown, HTML or a link.
pub fn prose(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    for (at, c) in visible(&text).char_indices() {
        let is_first = at == 0 && (matches!(c, '-' | '+' | '=' | '.' | ':' | '~') || c.is_ascii_digit());
        if c == '<' {
            escaped.push_str("&lt;");
        } else if c == '&' {
            escaped.push_str("&amp;");
        } else if is_first && c.is_ascii_digit() {
            // `1.` at the beginning of a line is a list; an empty comment is nothing to a reader.
            escaped.push_str("<!-- -->");
            escaped.push(c);
        } else {
            if is_first || matches!(c, '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '#' | '~' | '$' | '!' | '>') {
                escaped.push('\\');
            }
            escaped.push(c);
        }
    }
    escaped
}

/// Inside of the quotes of a diagram: whatever its grammar or a directive could begin with is told by its number.
pub fn quoted(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in visible(text).chars() {
        if matches!(c, '"' | '%' | '#' | ';' | '\\' | '<' | '>' | '&' | '`' | '{' | '}' | '*') {
            // Writing to a text does not fail.
            let _ = write!(escaped, "#{};", u32::from(c));
        } else {
            escaped.push(c);
        }
    }
    escaped
}

/// A word of a diagram, where only letters, digits and a few signs may stand; and whether it is the text itself.
pub fn word(text: &str) -> (String, bool) {
    let may_stand = |c: char| c.is_ascii_alphanumeric() || c == '_' || (c.is_alphabetic() && c >= '\u{c0}');
    let mut word: String = text.chars().map(|c| if may_stand(c) { c } else { '_' }).collect();
    if !word.starts_with(|c: char| c == '_' || c.is_alphabetic()) {
        word.insert(0, '_');
    }
    // A word of the grammar itself.
    if ["PK", "FK", "UK"].iter().any(|key| word.eq_ignore_ascii_case(key)) {
        word.push('_');
    }
    let is_itself = word == text;
    (word, is_itself)
}

/// A type as a word of a diagram, parentheses kept.
pub fn type_word(sql_type: &str) -> String {
    let short = [
        ("timestamp with time zone", "timestamptz"),
        ("timestamp without time zone", "timestamp"),
        ("time with time zone", "timetz"),
        ("time without time zone", "time"),
        ("character varying", "varchar"),
        ("double precision", "float8"),
    ];
    // `timestamp(3) with time zone` has its digits in the middle.
    let precise = sql_type.split_once(") with time zone").and_then(|(start, rest)| {
        let (kind, digits) = start.split_once('(')?;
        ["timestamp", "time"].contains(&kind).then(|| format!("{kind}tz({digits}){rest}"))
    });
    let sql_type = precise.unwrap_or_else(|| sql_type.replace(") without time zone", ")"));
    let short = short.iter().fold(sql_type, |text, (long, short)| text.replace(long, short));
    let may_stand = |c: char| c.is_ascii_alphanumeric() || "_()[]".contains(c) || (c.is_alphabetic() && c >= '\u{c0}');
    let mut word: String = short.chars().map(|c| if may_stand(c) { c } else { '_' }).collect();
    if !word.starts_with(|c: char| c == '_' || c.is_alphabetic()) {
        word.insert(0, '_');
    }
    word
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_quoted_as_sql_quotes_them() {
        assert_eq!(qualified("public", "orders"), "public.orders");
        assert_eq!(qualified("Sales", "a\"b"), "\"Sales\".\"a\"\"b\"");
    }

    #[test]
    fn code_cannot_be_left() {
        assert_eq!(code("a"), "`a`");
        assert_eq!(code("a`b"), "``a`b``");
        assert_eq!(code("``"), "``` `` ```");
        assert_eq!(code("a\nb\u{202e}"), "`a␊b\u{fffd}`");
        assert_eq!(code_cell("a|b"), "`a\\|b`");
        assert_eq!(code(" "), "`   `");
    }

    #[test]
    fn prose_is_no_markdown() {
        assert_eq!(prose("a  <b>\n|*c*| [d](e) &lt; _f_"), "a &lt;b\\> \\|\\*c\\*\\| \\[d\\](e) &amp;lt; \\_f\\_");
        assert_eq!(prose("- no list"), "\\- no list");
        assert_eq!(prose("1. no list"), "<!-- -->1. no list");
        assert_eq!(prose("평범한 설명입니다"), "평범한 설명입니다");
    }

    #[test]
    fn a_diagram_cannot_be_left() {
        assert_eq!(quoted("a\"b%%{init}"), "a#34;b#37;#37;#123;init#125;");
        assert_eq!(word("고객_id"), ("고객_id".to_owned(), true));
        assert_eq!(word("1st name"), ("_1st_name".to_owned(), false));
        assert_eq!(word("pk"), ("pk_".to_owned(), false));
        assert_eq!(word(""), ("_".to_owned(), false));
    }

    #[test]
    fn types_are_words() {
        for (sql, expected) in [
            ("timestamp with time zone", "timestamptz"),
            ("timestamp(3) with time zone[]", "timestamptz(3)[]"),
            ("time(0) without time zone", "time(0)"),
            ("numeric(10,2)", "numeric(10_2)"),
            ("character varying(20)[]", "varchar(20)[]"),
            ("public.\"my type\"", "public__my_type_"),
        ] {
            assert_eq!(type_word(sql), expected);
        }
    }
}
