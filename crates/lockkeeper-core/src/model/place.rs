//! Where something stands in a file: byte spans, lines and columns.

use std::sync::Arc;

/// Bytes `start..end` of one file, as read (a byte order mark included).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    pub start: usize,
    pub end: usize,
}

impl Span {
    pub const fn new(start: usize, end: usize) -> Self {
        Self { start, end }
    }

    /// The text this span covers. Out-of-range spans give the empty string rather than a panic.
    pub fn of(self, text: &str) -> &str {
        text.get(self.start..self.end).unwrap_or("")
    }
}

/// A line and a column, both counted from 1; the column counts characters, not bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LineColumn {
    pub line: usize,
    pub column: usize,
}

/// The byte offsets at which lines start, so that many offsets of one file are placed cheaply.
#[derive(Debug, Clone)]
pub struct LineIndex {
    starts: Vec<usize>,
}

impl LineIndex {
    pub fn new(text: &str) -> Self {
        let mut starts = vec![0];
        starts.extend(text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at + 1));
        Self { starts }
    }

    /// Line and column of a byte offset. `text` must be the text the index was made of.
    pub fn place(&self, text: &str, offset: usize) -> LineColumn {
        let offset = offset.min(text.len());
        let line = self.starts.partition_point(|start| *start <= offset);
        let start = self.starts[line - 1];
        let before = text.get(start..offset).unwrap_or("");
        let column = before.chars().filter(|c| *c != '\u{feff}').count() + 1;
        LineColumn { line, column }
    }

    /// The line of that number (from 1), without its line end.
    pub fn line<'t>(&self, text: &'t str, line: usize) -> &'t str {
        let start = self.starts.get(line - 1).copied().unwrap_or(text.len());
        let end = self.starts.get(line).copied().unwrap_or(text.len());
        text.get(start..end).unwrap_or("").trim_end_matches(['\n', '\r']).trim_start_matches('\u{feff}')
    }
}

/// The source line shown under an error, with what the caret marks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snippet {
    /// The whole line, without its line end; long lines are cut around the mark.
    pub line: String,
    /// Characters before the mark.
    pub before: usize,
    /// Characters marked, at least one.
    pub marked: usize,
}

/// A place in a file that a person can go to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    pub path: Arc<str>,
    pub at: Option<LineColumn>,
    pub snippet: Option<Snippet>,
}

/// A line longer than this is cut around the mark, so that a seed file's megabyte line stays readable.
const SNIPPET_CHARS_MAX: usize = 160;

impl Place {
    /// A whole file.
    pub fn file(path: impl Into<Arc<str>>) -> Self {
        Self { path: path.into(), at: None, snippet: None }
    }

    /// A span of a file, with the line it starts on.
    pub fn span(path: impl Into<Arc<str>>, text: &str, span: Span) -> Self {
        Self::within(path, text, &LineIndex::new(text), span)
    }

    /// The same for many spans of one file, whose lines were counted before.
    pub fn within(path: impl Into<Arc<str>>, text: &str, index: &LineIndex, span: Span) -> Self {
        let at = index.place(text, span.start);
        let line = index.line(text, at.line);
        let marked = span.of(text).lines().next().unwrap_or("").chars().count().max(1);
        Self { path: path.into(), at: Some(at), snippet: Some(snippet(line, at.column - 1, marked)) }
    }
}

fn snippet(line: &str, before: usize, marked: usize) -> Snippet {
    let total = line.chars().count();
    if total <= SNIPPET_CHARS_MAX {
        return Snippet {
            line: line.replace('\t', " "),
            before,
            marked: marked.min(total.saturating_sub(before).max(1)),
        };
    }
    let start = before.saturating_sub(SNIPPET_CHARS_MAX / 2);
    let cut: String = line.chars().skip(start).take(SNIPPET_CHARS_MAX).collect();
    let before = before - start;
    Snippet { line: cut.replace('\t', " "), before, marked: marked.clamp(1, (SNIPPET_CHARS_MAX - before).max(1)) }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.at {
            Some(at) => write!(f, "{}:{}:{}", self.path, at.line, at.column),
            None => write!(f, "{}", self.path),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_count_characters_and_lines_survive_crlf() {
        let text = "가나 x\r\nSELECT 1;\r\n";
        let index = LineIndex::new(text);
        assert_eq!(index.place(text, "가나 ".len()), LineColumn { line: 1, column: 4 });
        let second = text.find("1;").unwrap();
        assert_eq!(index.place(text, second), LineColumn { line: 2, column: 8 });
        assert_eq!(index.line(text, 2), "SELECT 1;");
    }

    #[test]
    fn a_byte_order_mark_takes_no_column() {
        let text = "\u{feff}SELEC 1;";
        let place = Place::span("a.sql", text, Span::new(3, 8));
        assert_eq!(place.at, Some(LineColumn { line: 1, column: 1 }));
        assert_eq!(place.snippet.unwrap().line, "SELEC 1;");
    }

    #[test]
    fn a_long_line_is_cut_around_the_mark() {
        let text = format!("{}HERE{}", "x".repeat(5_000), "y".repeat(5_000));
        let snippet = Place::span("a.sql", &text, Span::new(5_000, 5_004)).snippet.unwrap();
        let marked: String = snippet.line.chars().skip(snippet.before).take(snippet.marked).collect();
        assert_eq!(marked, "HERE");
        assert!(snippet.line.len() <= SNIPPET_CHARS_MAX);
    }
}
