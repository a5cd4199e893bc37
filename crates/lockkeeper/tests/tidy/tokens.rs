//! Rust text as tokens: enough to tell paths, macros, strings and comments apart, without a parser.

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// An identifier, a keyword or a number.
    Word,
    /// `::`, or one other character.
    Sign,
    /// What stands between the quotes of a string or character, escapes as written.
    Text,
    /// A comment with its slashes.
    Comment,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    pub kind: Kind,
    pub text: String,
    pub line: usize,
    /// The inline modules it stands in: `["tests"]`.
    pub modules: Vec<String>,
}

impl Token {
    pub fn is_word(&self, word: &str) -> bool {
        self.kind == Kind::Word && self.text == word
    }

    pub fn is_sign(&self, sign: &str) -> bool {
        self.kind == Kind::Sign && self.text == sign
    }

    /// Whether it stands in a `mod tests { … }`.
    pub fn in_unit_tests(&self) -> bool {
        self.modules.iter().any(|module| module == "tests")
    }
}

/// Every token, comments included.
pub fn all(text: &str) -> Vec<Token> {
    let mut scan = Scan { rest: text, line: 1, tokens: Vec::new() };
    while !scan.rest.is_empty() {
        scan.next();
    }
    let mut tokens = scan.tokens;
    place_in_modules(&mut tokens);
    tokens
}

/// Every token but the comments.
pub fn code(text: &str) -> Vec<Token> {
    all(text).into_iter().filter(|token| token.kind != Kind::Comment).collect()
}

struct Scan<'t> {
    rest: &'t str,
    line: usize,
    tokens: Vec<Token>,
}

impl Scan<'_> {
    fn next(&mut self) {
        let rest = self.rest;
        let first = rest.chars().next().expect("not at the end");
        if rest.starts_with("//") {
            self.take(Kind::Comment, 0, rest.find('\n').unwrap_or(rest.len()), 0);
        } else if rest.starts_with("/*") {
            self.take(Kind::Comment, 0, block_comment_len(rest), 0);
        } else if let Some((open, hashes)) = raw_string_open(rest) {
            let close = format!("\"{}", "#".repeat(hashes));
            let inner = rest[open..].find(&close).unwrap_or(rest.len() - open);
            self.take(Kind::Text, open, inner, close.len());
        } else if let Some(open) = ["\"", "b\"", "c\""].into_iter().find(|open| rest.starts_with(open)) {
            self.take(Kind::Text, open.len(), quoted_len(&rest[open.len()..], '"'), 1);
        } else if first == '\'' || rest.starts_with("b'") {
            self.quote(rest.find('\'').unwrap_or(0) + 1);
        } else if first.is_alphanumeric() || first == '_' {
            self.take(Kind::Word, 0, word_len(rest), 0);
        } else if rest.starts_with("::") {
            self.take(Kind::Sign, 0, 2, 0);
        } else if first.is_whitespace() {
            self.skip(first.len_utf8());
        } else {
            self.take(Kind::Sign, 0, first.len_utf8(), 0);
        }
    }

    /// A character, or a lifetime, which is of no interest here.
    fn quote(&mut self, open: usize) {
        let inner = &self.rest[open..];
        let mut chars = inner.chars();
        let is_character = inner.starts_with('\\') || (chars.next().is_some() && chars.next() == Some('\''));
        if is_character {
            self.take(Kind::Text, open, quoted_len(inner, '\''), 1);
        } else {
            self.skip(open + word_len(inner));
        }
    }

    /// A token of `len` bytes after `open` bytes of opening and before `close` bytes of closing.
    fn take(&mut self, kind: Kind, open: usize, len: usize, close: usize) {
        let text = self.rest[open..open + len].to_owned();
        self.tokens.push(Token { kind, text, line: self.line, modules: Vec::new() });
        self.skip((open + len + close).min(self.rest.len()));
    }

    fn skip(&mut self, len: usize) {
        self.line += self.rest[..len].matches('\n').count();
        self.rest = &self.rest[len..];
    }
}

fn word_len(text: &str) -> usize {
    text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len())
}

/// Up to the closing quote, which an escape does not make.
fn quoted_len(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        if !escaped && c == quote {
            return at;
        }
        escaped = !escaped && c == '\\';
    }
    text.len()
}

/// `r"`, `r#"`, `br##"`: the length of the opening and the number of hashes.
fn raw_string_open(text: &str) -> Option<(usize, usize)> {
    let prefix = ["r", "br", "cr"]
        .into_iter()
        .find(|prefix| text.strip_prefix(prefix).is_some_and(|rest| rest.trim_start_matches('#').starts_with('"')))?;
    let hashes = text[prefix.len()..].find('"')?;
    Some((prefix.len() + hashes + 1, hashes))
}

/// Block comments nest.
fn block_comment_len(text: &str) -> usize {
    let mut depth = 0;
    let mut at = 0;
    while at < text.len() {
        if text[at..].starts_with("/*") {
            depth += 1;
            at += 2;
        } else if text[at..].starts_with("*/") {
            depth -= 1;
            at += 2;
        } else {
            at += text[at..].chars().next().map_or(1, char::len_utf8);
        }
        if depth == 0 {
            return at;
        }
    }
    text.len()
}

/// Notes at every token which `mod name { … }` it stands in.
fn place_in_modules(tokens: &mut [Token]) {
    let mut depth = 0_usize;
    let mut modules: Vec<(String, usize)> = Vec::new();
    let mut opening = None;
    for at in 0..tokens.len() {
        let is_inline = |tokens: &[Token]| tokens.get(at + 2).is_some_and(|token| token.is_sign("{"));
        if tokens[at].is_word("mod") && is_inline(tokens) {
            opening = Some(tokens[at + 1].text.clone());
        } else if tokens[at].is_sign("{") {
            depth += 1;
            modules.extend(opening.take().map(|name| (name, depth)));
        } else if tokens[at].is_sign("}") {
            modules.pop_if(|(_, opened)| *opened == depth);
            depth = depth.saturating_sub(1);
        }
        tokens[at].modules = modules.iter().map(|(name, _)| name.clone()).collect();
    }
}

mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        all(text).iter().map(|token| format!("{:?}:{}", token.kind, token.text)).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn strings_comments_and_lifetimes_are_not_code() {
        assert_eq!(shown("a::b // c::d"), "Word:a Sign::: Word:b Comment:// c::d");
        assert_eq!(shown("/* a /* b */ c */ d"), "Comment:/* a /* b */ c */ Word:d");
        assert_eq!(shown(r#"f("a\"b", 'c')"#), r#"Word:f Sign:( Text:a\"b Sign:, Text:c Sign:)"#);
        assert_eq!(shown(r##"r#"x"y"# b"z" r"\" '"' w"##), r#"Text:x"y Text:z Text:\ Text:" Word:w"#);
        assert_eq!(shown(r"&'a str '\'' '\u{1}' '가'"), r"Sign:& Word:str Text:\' Text:\u{1} Text:가");
    }

    #[test]
    fn lines_count_through_strings_of_many_lines() {
        let lines: Vec<usize> = all("a\n\"b\n\n\" c\n/*\n*/ d").iter().map(|token| token.line).collect();
        assert_eq!(lines, [1, 2, 4, 5, 6]);
    }

    #[test]
    fn inline_modules_end_where_their_brace_closes() {
        let text = "a mod m { fn b() { c } mod tests { d } } e";
        let within = |word: &str| {
            let tokens = all(text);
            tokens.iter().find(|token| token.is_word(word)).map(|token| token.modules.join("::")).unwrap()
        };
        assert_eq!(["a", "b", "c", "d", "e"].map(within), ["", "m", "m", "m::tests", ""]);
    }
}
