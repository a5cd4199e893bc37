//! The statements of a dump, told apart byte by byte: where each ends, and what its first words say.

/// So much of a statement is kept: enough for the longest list of columns, and little where a row is long.
const HEAD_BYTES: usize = 256 * 1024;

/// A statement as far as it was read.
#[derive(Debug, Default)]
pub struct Statement {
    head: Vec<u8>,
    /// Where its first byte stands.
    pub from: u64,
    pub line: usize,
    inside: Inside,
    depth: usize,
    /// The commas of the first parentheses, and whether those are closed.
    commas: usize,
    groups: usize,
    previous: u8,
    /// The text since the line began, for what ends a body.
    line_head: Vec<u8>,
    /// Whether it is a routine whose body is of standard SQL.
    in_body: bool,
}

#[derive(Debug, Default, PartialEq, Eq)]
enum Inside {
    #[default]
    Plain,
    /// `'…'`, with backslashes where it begins with E.
    Text {
        escapes: bool,
        escaped: bool,
    },
    Name,
    LineComment,
    BlockComment(usize),
    /// `$tag` as it is being read.
    DollarTag(Vec<u8>),
    /// What ends it, and what of that has come.
    Dollar {
        tag: Vec<u8>,
        tail: Vec<u8>,
    },
}

impl Statement {
    pub const fn is_empty(&self) -> bool {
        self.head.is_empty() && matches!(self.inside, Inside::Plain | Inside::LineComment)
    }

    /// How many values the first parentheses have.
    pub const fn values(&self) -> usize {
        if self.groups == 0 { 0 } else { self.commas + 1 }
    }

    pub fn end_line(&mut self) {
        self.line_head.clear();
    }

    /// Takes the next byte; whether the statement ends with it.
    pub fn push(&mut self, byte: u8, at: u64, line: usize) -> bool {
        let was_comment = matches!(self.inside, Inside::LineComment | Inside::BlockComment(_));
        let inside = std::mem::take(&mut self.inside);
        let before = std::mem::replace(&mut self.previous, byte);
        self.inside = match inside {
            Inside::Plain => match self.plain(byte, before) {
                Some(inside) => inside,
                None => return true,
            },
            Inside::Text { escapes, escaped: true } => Inside::Text { escapes, escaped: false },
            Inside::Text { escapes: true, .. } if byte == b'\\' => Inside::Text { escapes: true, escaped: true },
            Inside::Text { .. } if byte == b'\'' => Inside::Plain,
            Inside::Name if byte == b'"' => Inside::Plain,
            Inside::LineComment if byte == b'\n' => Inside::Plain,
            Inside::BlockComment(depth) => match (before, byte) {
                (b'*', b'/') if depth == 1 => Inside::Plain,
                (b'*', b'/') => self.block(depth - 1),
                (b'/', b'*') => self.block(depth + 1),
                _ => Inside::BlockComment(depth),
            },
            Inside::DollarTag(mut tag) => {
                tag.push(byte);
                match byte {
                    b'$' => Inside::Dollar { tag, tail: Vec::new() },
                    b'_' | b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | 0x80.. => Inside::DollarTag(tag),
                    _ => Inside::Plain,
                }
            }
            Inside::Dollar { tag, mut tail } => {
                tail.push(byte);
                if tail.len() > tag.len() {
                    tail.remove(0);
                }
                if tail == tag { Inside::Plain } else { Inside::Dollar { tag, tail } }
            }
            other => other,
        };
        let is_comment = matches!(self.inside, Inside::LineComment | Inside::BlockComment(_));
        if is_comment && !was_comment {
            // The first of the two bytes that begin it.
            self.head.pop();
        }
        let is_blank = self.head.is_empty() && byte.is_ascii_whitespace();
        if is_comment || was_comment || is_blank {
            return false;
        }
        if self.head.is_empty() {
            (self.from, self.line) = (at, line);
        }
        if self.head.len() < HEAD_BYTES {
            self.head.push(byte);
        }
        false
    }

    fn block(&mut self, depth: usize) -> Inside {
        // A slash that ends one comment does not begin the next.
        self.previous = 0;
        Inside::BlockComment(depth)
    }

    /// `None` where the statement ends.
    fn plain(&mut self, byte: u8, before: u8) -> Option<Inside> {
        self.line_head.push(byte);
        match byte {
            b'\'' => {
                let escapes = matches!(before, b'e' | b'E');
                return Some(Inside::Text { escapes, escaped: false });
            }
            b'"' => return Some(Inside::Name),
            b'-' if before == b'-' => return Some(Inside::LineComment),
            b'*' if before == b'/' => {
                self.previous = 0;
                return Some(Inside::BlockComment(1));
            }
            b'$' if !before.is_ascii_alphanumeric() && before != b'_' => return Some(Inside::DollarTag(vec![b'$'])),
            b'(' | b'[' => {
                self.groups += usize::from(self.depth == 0);
                self.depth += 1;
            }
            b')' | b']' => self.depth = self.depth.saturating_sub(1),
            b',' if self.depth == 1 && self.groups == 1 => self.commas += 1,
            b';' if self.depth == 0 && !self.is_in_body() => return None,
            _ => {}
        }
        Some(Inside::Plain)
    }

    /// Whether a body of standard SQL is open, the statements of which end with semicolons, too. The server writes
    /// its END at the beginning of a line.
    fn is_in_body(&mut self) -> bool {
        let head = || String::from_utf8_lossy(&self.head).to_ascii_uppercase();
        self.in_body = self.in_body || (self.head.starts_with(b"CREATE") && head().contains("BEGIN ATOMIC"));
        self.in_body && self.line_head != b"END;"
    }
}

/// What a statement of a dump is.
#[derive(Debug, PartialEq, Eq)]
pub enum Header {
    Copy { table: String, columns: Vec<String> },
    Insert { table: String, columns: Option<Vec<String>> },
    Setting(String, String),
    Sequence,
    Other,
    Unreadable,
}

pub fn header(statement: &Statement) -> Header {
    let text = String::from_utf8_lossy(&statement.head);
    let text = text.trim();
    if let Some(rest) = after_words(text, &["COPY"]) {
        return copy(rest).unwrap_or(Header::Unreadable);
    }
    if let Some(rest) = after_words(text, &["INSERT", "INTO"]) {
        return insert(rest).unwrap_or(Header::Unreadable);
    }
    if let Some(rest) = after_words(text, &["SET"]) {
        let (name, value) = rest.split_once('=').unwrap_or((rest, ""));
        return Header::Setting(name.trim().to_ascii_lowercase(), value.trim().trim_matches('\'').to_owned());
    }
    match text {
        _ if text.starts_with("SELECT pg_catalog.setval('") => Header::Sequence,
        _ if text.starts_with("SELECT pg_catalog.set_config('") => Header::Setting(String::new(), String::new()),
        _ => Header::Other,
    }
}

fn copy(rest: &str) -> Option<Header> {
    let (table, rest) = split_name(rest)?;
    let (columns, rest) = split_columns(rest)?;
    let is_stdin = after_words(rest, &["FROM", "STDIN"]).is_some_and(|rest| rest.trim().is_empty());
    // A table without columns has no list of them.
    is_stdin.then(|| Header::Copy { table, columns: columns.unwrap_or_default() })
}

fn insert(rest: &str) -> Option<Header> {
    let (table, rest) = split_name(rest)?;
    let (columns, rest) = split_columns(rest)?;
    let is_rows = [&["VALUES"][..], &["DEFAULT", "VALUES"], &["OVERRIDING"]];
    is_rows.iter().any(|words| after_words(rest, words).is_some()).then_some(Header::Insert { table, columns })
}

/// What follows these words, whatever their case.
fn after_words<'t>(text: &'t str, words: &[&str]) -> Option<&'t str> {
    words.iter().try_fold(text, |text, word| {
        let text = text.trim_start();
        let (head, rest) = text.split_at_checked(word.len())?;
        let ends = !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_');
        (head.eq_ignore_ascii_case(word) && ends).then_some(rest)
    })
}

/// A name with its schema, quotes and all, and what follows it.
fn split_name(text: &str) -> Option<(String, &str)> {
    let text = text.trim_start();
    let mut quoted = false;
    let end = text.find(|c: char| {
        quoted ^= c == '"';
        !quoted && (c.is_whitespace() || c == '(' || c == ';')
    });
    let (name, rest) = text.split_at(end?);
    (!name.is_empty()).then(|| (name.to_owned(), rest))
}

/// A list of columns in parentheses, where there is one, and what follows it.
fn split_columns(text: &str) -> Option<(Option<Vec<String>>, &str)> {
    let text = text.trim_start();
    let Some(list) = text.strip_prefix('(') else { return Some((None, text)) };
    let mut quoted = false;
    let end = list.find(|c: char| {
        quoted ^= c == '"';
        !quoted && c == ')'
    });
    let (list, rest) = list.split_at(end?);
    Some((Some(identifiers(list, b',')?), rest.get(1..)?))
}

/// Names with such a byte between them, without their quotes.
pub fn identifiers(text: &str, between: u8) -> Option<Vec<String>> {
    let mut found = Vec::new();
    let mut rest = text.trim();
    loop {
        let name = if let Some(quoted) = rest.strip_prefix('"') {
            let (mut name, mut left) = (String::new(), quoted);
            loop {
                let (part, behind) = left.split_once('"')?;
                name.push_str(part);
                left = behind;
                match left.strip_prefix('"') {
                    Some(behind) => left = behind,
                    None => break,
                }
                name.push('"');
            }
            rest = left.trim_start();
            name
        } else {
            let end = rest.find(char::from(between)).unwrap_or(rest.len());
            let (name, left) = rest.split_at(end);
            rest = left;
            name.trim().to_lowercase()
        };
        if name.is_empty() {
            return None;
        }
        found.push(name);
        if rest.is_empty() {
            return Some(found);
        }
        rest = rest.strip_prefix(char::from(between))?.trim_start();
    }
}
