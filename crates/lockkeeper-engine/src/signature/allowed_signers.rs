//! The allowed signers file (ssh-keygen(1), ALLOWED SIGNERS).

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use lockkeeper_core::message;
use lockkeeper_core::model::{Answer, LineColumn, Message, Place, Problem, Snippet};
use ssh_key::PublicKey;

/// Who may sign what.
#[derive(Debug, Clone, Default)]
pub struct AllowedSigners {
    pub path: String,
    pub signers: Vec<AllowedSigner>,
}

/// One line of the file.
#[derive(Debug, Clone)]
pub struct AllowedSigner {
    /// Comma-separated patterns with `*` and `?`.
    pub principals: Vec<String>,
    /// The namespaces this line allows: the roles. Unlike OpenSSH, which reads a missing option as
    /// "any", a line without roles gives none.
    pub namespaces: Vec<String>,
    pub valid_after: Option<Timestamp>,
    pub valid_before: Option<Timestamp>,
    pub key: PublicKey,
    pub line: usize,
}

impl AllowedSigners {
    /// Reads the file's text.
    ///
    /// # Errors
    /// Every line that cannot be read, with its number.
    pub fn parse(path: &str, text: &str) -> Answer<Self> {
        let mut signers = Vec::new();
        let mut problems = Vec::new();
        for (line, content) in (1..).zip(text.lines()) {
            let content = content.trim();
            if content.is_empty() || content.starts_with('#') {
                continue;
            }
            match parse_line(line, content) {
                Ok(signer) => signers.push(signer),
                Err(what) => problems.push(fault(path, line, content, what)),
            }
        }
        match Problem::all(problems) {
            Some(problem) => Err(problem),
            None => Ok(Self { path: path.to_owned(), signers }),
        }
    }
}

impl AllowedSigner {
    /// Whether one of the line's patterns fits a principal. Letter case does not count, as in e-mail.
    pub fn is(&self, principal: &str) -> bool {
        self.principals.iter().any(|pattern| fits(&pattern.to_lowercase(), &principal.to_lowercase()))
    }

    /// The principal when the line names exactly one, without a pattern.
    pub fn sole_principal(&self) -> Option<&str> {
        match self.principals.as_slice() {
            [only] if !only.contains(['*', '?']) => Some(only),
            _ => None,
        }
    }
}

fn fault(path: &str, line: usize, content: &str, what: Message) -> Box<Problem> {
    let snippet = Snippet { line: content.to_owned(), before: 0, marked: content.chars().count() };
    Problem::usage(what)
        .at(Place { path: path.into(), at: Some(LineColumn { line, column: 1 }), snippet: Some(snippet) })
        .hint(message!("signers-line-hint"))
}

fn parse_line(line: usize, content: &str) -> Result<AllowedSigner, Message> {
    let mut fields = split_fields(content).into_iter();
    let principals: Vec<String> = fields
        .next()
        .map(|field| field.split(',').map(|it| it.trim().to_owned()).filter(|it| !it.is_empty()).collect())
        .unwrap_or_default();
    let mut rest: Vec<&str> = fields.collect();
    let is_key_type =
        |field: &str| field.starts_with("ssh-") || field.starts_with("ecdsa-") || field.starts_with("sk-");
    let options = if rest.first().is_some_and(|field| !is_key_type(field)) { rest.remove(0) } else { "" };
    let (Some(algorithm), Some(data)) = (rest.first(), rest.get(1)) else {
        return Err(message!("signers-key-missing"));
    };
    let key = PublicKey::from_openssh(&format!("{algorithm} {data}"))
        .map_err(|error| message!("signers-key-unreadable", reason = error.to_string()))?;
    let mut signer =
        AllowedSigner { principals, namespaces: Vec::new(), valid_after: None, valid_before: None, key, line };
    for option in split_options(options) {
        let (name, value) = option.split_once('=').unwrap_or((option, ""));
        let value = value.trim_matches('"');
        match name.to_ascii_lowercase().as_str() {
            "namespaces" => signer.namespaces = value.split(',').map(|it| it.trim().to_owned()).collect(),
            "valid-after" => signer.valid_after = Some(time(value)?),
            "valid-before" => signer.valid_before = Some(time(value)?),
            "cert-authority" => return Err(message!("signers-cert-authority")),
            unknown => return Err(message!("signers-option-unknown", option = unknown)),
        }
    }
    Ok(signer)
}

/// Fields are separated by blanks outside quotes.
fn split_fields(content: &str) -> Vec<&str> {
    split(content, char::is_whitespace)
}

fn split_options(options: &str) -> Vec<&str> {
    split(options, |c| c == ',')
}

fn split(text: &str, is_separator: fn(char) -> bool) -> Vec<&str> {
    let mut quoted = false;
    text.split(move |c| {
        quoted ^= c == '"';
        !quoted && is_separator(c)
    })
    .filter(|part| !part.is_empty())
    .collect()
}

/// `YYYYMMDD[HHMM[SS]][Z]`. Without Z ssh-keygen takes the machine's own time zone; here it is UTC, so
/// that a file means the same on every machine.
fn time(text: &str) -> Result<Timestamp, Message> {
    let digits = text.strip_suffix('Z').unwrap_or(text);
    let padded = format!("{digits}{}", "0".repeat(14_usize.saturating_sub(digits.len())));
    let complete = matches!(digits.len(), 8 | 12 | 14);
    DateTime::strptime("%Y%m%d%H%M%S", &padded)
        .ok()
        .filter(|_| complete)
        .and_then(|civil| civil.to_zoned(TimeZone::UTC).ok())
        .map(|zoned| zoned.timestamp())
        .ok_or_else(|| message!("signers-time-unreadable", text = text))
}

/// `*` fits any run, `?` any one character.
fn fits(pattern: &str, text: &str) -> bool {
    match pattern.chars().next() {
        None => text.is_empty(),
        Some('*') => {
            let rest = &pattern[1..];
            text.char_indices().map(|(at, _)| at).chain([text.len()]).any(|at| fits(rest, &text[at..]))
        }
        Some(first) => text
            .chars()
            .next()
            .is_some_and(|c| (first == '?' || first == c) && fits(&pattern[first.len_utf8()..], &text[c.len_utf8()..])),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILM+rvN+ot98qgEN796jTiQfZfG1KaT0PtFDJ/XFSqti";

    #[test]
    fn reads_what_openssh_writes() {
        let text = format!(
            "# comment\n\nadmin@example.org,*@ops.example.org namespaces=\"lockkeeper-admin,git\",valid-before=\"20300101\" {KEY} a comment\nother@example.org {KEY}\n"
        );
        let signers = AllowedSigners::parse("allowed_signers", &text).unwrap().signers;
        assert_eq!(signers[0].namespaces, ["lockkeeper-admin", "git"]);
        assert!(signers[0].is("Night@OPS.example.org") && !signers[0].is("ops.example.org"));
        assert_eq!(signers[0].valid_before.unwrap().to_string(), "2030-01-01T00:00:00Z");
        assert_eq!(signers[1].namespaces, Vec::<String>::new());
        assert_eq!(signers[1].sole_principal(), Some("other@example.org"));
    }

    #[test]
    fn names_the_line_that_cannot_be_read() {
        for (line, id) in [
            ("a@b", "signers-key-missing"),
            ("a@b ssh-ed25519 AAAA", "signers-key-unreadable"),
            (
                "a@b valid-after=\"soon\" ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILM+rvN+ot98qgEN796jTiQfZfG1KaT0PtFDJ/XFSqti",
                "signers-time-unreadable",
            ),
            (
                "a@b cert-authority ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILM+rvN+ot98qgEN796jTiQfZfG1KaT0PtFDJ/XFSqti",
                "signers-cert-authority",
            ),
        ] {
            let problem = AllowedSigners::parse("f", &format!("\n{line}\n")).unwrap_err();
            assert_eq!(problem.message.id, id, "{line}");
            assert_eq!(problem.place.unwrap().to_string(), "f:2:1");
        }
    }
}
