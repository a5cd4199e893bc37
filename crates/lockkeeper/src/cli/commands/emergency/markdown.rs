//! Text from elsewhere, put into Markdown so that it stays text: names, SQL and what a server said may hold anything.

/// What Markdown, HTML and the sites that show both take for markup.
const MARKUP: &[char] =
    &['\\', '`', '*', '_', '{', '}', '[', ']', '(', ')', '<', '>', '#', '!', '|', '~', '@', '&', '$', '^'];

/// Text within a line or a cell.
pub fn inline(text: &str) -> String {
    let mut escaped = String::new();
    for c in plain(text).chars() {
        if MARKUP.contains(&c) {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    // A bare address becomes a link by itself.
    let escaped = escaped.replace("://", "\\://").replace("www.", "www\\.");
    // What stands at the beginning of a line could make it a list or a heading.
    match escaped.chars().next() {
        Some('-' | '+' | '=') => format!("\\{escaped}"),
        _ => escaped,
    }
}

/// Code within a line or a cell, whatever backquotes and bars are in it.
pub fn code(text: &str) -> String {
    let text = plain(text).replace('|', "\\|");
    if text.is_empty() {
        return String::new();
    }
    let fence = "`".repeat(longest_run(&text) + 1);
    let space = if text.starts_with('`') || text.ends_with('`') { " " } else { "" };
    format!("{fence}{space}{text}{space}{fence}")
}

/// Lines that stand as they are.
pub fn block(language: &str, lines: &[String]) -> String {
    let lines: Vec<String> = lines.iter().map(|line| plain(line)).collect();
    let fence = "`".repeat(lines.iter().map(|line| longest_run(line)).max().unwrap_or(0).max(2) + 1);
    format!("{fence}{language}\n{}\n{fence}\n", lines.join("\n"))
}

/// A table; cells are as they are to be shown.
pub fn table(headings: &[String], rows: &[Vec<String>]) -> String {
    let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
    let rule = vec!["---".to_owned(); headings.len()];
    std::iter::once(line(headings)).chain([line(&rule)]).chain(rows.iter().map(|row| line(row))).collect()
}

/// One line without characters that steer a terminal or turn the direction of reading.
fn plain(text: &str) -> String {
    let is_steering = |c: char| {
        c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
    };
    text.chars()
        .map(|c| match c {
            '\n' | '\r' | '\t' => ' ',
            c if is_steering(c) => '\u{fffd}',
            c => c,
        })
        .collect()
}

fn longest_run(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_becomes_markup() {
        assert_eq!(
            inline("a|b <img src=x> `c` [d](http://e) @f"),
            "a\\|b \\<img src=x\\> \\`c\\` \\[d\\]\\(http\\://e\\) \\@f"
        );
        assert_eq!(inline("- x\n# y"), "\\- x \\# y");
        assert_eq!(inline("a\u{202e}b\u{1b}[31mc"), "a\u{fffd}b\u{fffd}\\[31mc");
        assert_eq!(inline("01:02:03"), "01:02:03");
    }

    #[test]
    fn code_stays_in_its_quotes() {
        assert_eq!(code("a"), "`a`");
        assert_eq!(code("a `` b | c"), "```a `` b \\| c```");
        assert_eq!(code("`x`"), "`` `x` ``");
        assert_eq!(code(""), "");
        assert_eq!(block("sh", &["echo ```".to_owned(), "x\n```".to_owned()]), "````sh\necho ```\nx ```\n````\n");
    }

    #[test]
    fn a_table_has_as_many_cells_as_headings() {
        let rows = vec![vec![inline("a|b"), code("c|d")]];
        assert_eq!(table(&["x".into(), "y".into()], &rows), "| x | y |\n| --- | --- |\n| a\\|b | `c\\|d` |\n");
    }
}
