//! Reading names and quoted texts off the front of a line, as both the text format and selectors write them.

/// What is left of a line.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scan<'a>(pub(super) &'a str);

impl<'a> Scan<'a> {
    pub(super) fn skip_blanks(&mut self) {
        self.0 = self.0.trim_start_matches([' ', '\t']);
    }

    /// Whether this stood next, blanks aside; then it is behind us.
    pub(super) fn takes(&mut self, sign: &str) -> bool {
        self.skip_blanks();
        let rest = self.0.strip_prefix(sign);
        self.0 = rest.unwrap_or(self.0);
        rest.is_some()
    }

    /// A name of a metric or of a label.
    pub(super) fn name(&mut self) -> Option<&'a str> {
        self.skip_blanks();
        let is_part = |char: char| char.is_ascii_alphanumeric() || char == '_' || char == ':';
        let end = self.0.find(|char| !is_part(char)).unwrap_or(self.0.len());
        let (name, rest) = self.0.split_at(end);
        let is_name = name.starts_with(|char: char| !char.is_ascii_digit());
        is_name.then(|| {
            self.0 = rest;
            name
        })
    }

    /// A text in quotes, its escapes resolved.
    pub(super) fn quoted(&mut self) -> Option<String> {
        self.skip_blanks();
        let quote = self.0.chars().next().filter(|char| ['"', '\''].contains(char))?;
        let mut text = String::new();
        let mut chars = self.0.char_indices().skip(1);
        while let Some((at, char)) = chars.next() {
            match char {
                '\\' => match chars.next()?.1 {
                    'n' => text.push('\n'),
                    plain if plain == '\\' || plain == quote => text.push(plain),
                    // Not an escape of the format; a regular expression has its own.
                    other => text.extend(['\\', other]),
                },
                char if char == quote => {
                    self.0 = self.0.get(at + 1..).unwrap_or_default();
                    return Some(text);
                }
                char => text.push(char),
            }
        }
        None
    }

    /// A name, or a quoted one, which may hold any character.
    pub(super) fn any_name(&mut self) -> Option<String> {
        match self.name() {
            Some(name) => Some(name.to_owned()),
            None => self.quoted(),
        }
    }
}
