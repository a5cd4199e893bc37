//! How a schema differs from the one that Lockkeeper left.

use super::Message;
use crate::message;

/// An object whose definition is not the recorded one. Definitions have a line for each part: a column, an index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectDifference {
    /// `table`, `function` …
    pub kind: String,
    /// As people write it: `public.customers`, `public.total(integer)`.
    pub identity: String,
    /// `None` when it was not there.
    pub before: Option<String>,
    /// `None` when it is gone.
    pub after: Option<String>,
}

/// What happened to an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    Appeared,
    Vanished,
    Changed,
}

impl Change {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Appeared => "appeared",
            Self::Vanished => "vanished",
            Self::Changed => "changed",
        }
    }
}

impl ObjectDifference {
    pub const fn change(&self) -> Change {
        match (&self.before, &self.after) {
            (None, _) => Change::Appeared,
            (Some(_), None) => Change::Vanished,
            (Some(_), Some(_)) => Change::Changed,
        }
    }

    /// Names one object: `table public.customers`.
    pub fn key(&self) -> String {
        format!("{} {}", self.kind, self.identity)
    }

    /// Whether a person means this object: by its name, or by its name with the kind in front.
    pub fn is_named(&self, name: &str) -> bool {
        self.identity == name || self.key() == name
    }

    /// Whether a pattern of the configuration covers it; `*` stands for any characters.
    pub fn is_like(&self, pattern: &str) -> bool {
        is_like(&self.identity, pattern)
    }

    /// The lines that only the new definition has.
    pub fn added(&self) -> Vec<&str> {
        only(self.after.as_deref(), self.before.as_deref())
    }

    /// The lines that only the recorded definition has.
    pub fn removed(&self) -> Vec<&str> {
        only(self.before.as_deref(), self.after.as_deref())
    }

    /// As people are told: what happened, and of a change its lines.
    pub fn told(&self) -> Vec<Message> {
        let (kind, name) = (self.kind.as_str(), self.identity.as_str());
        match self.change() {
            Change::Appeared => vec![message!("schema-appeared", kind = kind, name = name)],
            Change::Vanished => vec![message!("schema-vanished", kind = kind, name = name)],
            Change::Changed => {
                let removed = self.removed();
                let added = self.added();
                let line = |sign, line: &str| message!("schema-line", sign = sign, line = line.trim());
                let lines = removed.iter().map(|it| line("-", it)).chain(added.iter().map(|it| line("+", it)));
                std::iter::once(message!("schema-changed", kind = kind, name = name)).chain(lines).collect()
            }
        }
    }
}

fn only<'t>(in_this: Option<&'t str>, in_that: Option<&str>) -> Vec<&'t str> {
    let (this, that) = (in_this.unwrap_or_default(), in_that.unwrap_or_default());
    this.lines().filter(|line| !that.lines().any(|other| other == *line)).collect()
}

fn is_like(text: &str, pattern: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else { return text == pattern };
    let Some(mut text) = text.strip_prefix(start) else { return false };
    let mut parts = rest.split('*').peekable();
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return text.ends_with(part);
        }
        match text.find(part) {
            Some(at) => text = &text[at + part.len()..],
            None => return false,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(before: Option<&str>, after: Option<&str>) -> ObjectDifference {
        let owned = |text: Option<&str>| text.map(ToOwned::to_owned);
        ObjectDifference {
            kind: "table".to_owned(),
            identity: "public.customers".to_owned(),
            before: owned(before),
            after: owned(after),
        }
    }

    #[test]
    fn a_change_is_told_by_its_lines() {
        let changed = table(Some("column a int\ncolumn b int"), Some("column b int\ncolumn c int"));
        assert_eq!(
            (changed.change(), changed.removed(), changed.added()),
            (Change::Changed, vec!["column a int"], vec!["column c int"])
        );
        let told: Vec<_> = changed.told().iter().map(|message| message.id).collect();
        assert_eq!(told, ["schema-changed", "schema-line", "schema-line"]);
        assert_eq!(table(None, Some("")).change(), Change::Appeared);
        assert_eq!(table(Some(""), None).change(), Change::Vanished);
    }

    #[test]
    fn an_object_answers_to_its_name_with_or_without_the_kind() {
        let table = table(None, Some(""));
        assert!(table.is_named("public.customers") && table.is_named("table public.customers"));
        assert!(!table.is_named("customers") && !table.is_named("view public.customers"));
    }

    #[test]
    fn a_star_stands_for_any_characters() {
        for (pattern, fits) in [
            ("public.customers", true),
            ("public.*", true),
            ("*", true),
            ("*.cust*rs", true),
            ("public.customers*", true),
            ("public.c*", true),
            ("public.custom", false),
            ("*.orders", false),
            ("shop.*", false),
            ("public.*customers_*", false),
        ] {
            assert_eq!(is_like("public.customers", pattern), fits, "{pattern}");
        }
    }
}
